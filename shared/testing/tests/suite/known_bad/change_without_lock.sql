-- A change that reads its task without a lock: two of them read the same version, find their condition
-- true, and both make the next one. Without a rival it is as good as the good form, of which it differs
-- in nothing else.
DO $$
DECLARE
    v_good text := pg_get_functiondef('app.change_task'::regproc);
    v_bad  text := replace(v_good, 'WHERE id = p_task FOR NO KEY UPDATE;', 'WHERE id = p_task;');
BEGIN
    ASSERT v_bad <> v_good, 'app.change_task is not what it was';
    EXECUTE v_bad;
END
$$;
