-- The optimistic update that many systems use (F3): read without a lock, judge, and write on condition
-- that the version is still the one that was read; otherwise the client is told that it is outdated. No
-- change is lost. But a retry that overlaps its original waits for it at the UPDATE, after it was
-- judged, and is told 412 though its change is there.
DO $$
DECLARE
    v_good text := pg_get_functiondef('app.change_task'::regproc);
    v_bad  text := replace(v_good, 'WHERE id = p_task FOR NO KEY UPDATE;', 'WHERE id = p_task;');
BEGIN
    v_bad := replace(
        v_bad,
        'WHERE id = v_old.id AND user_id = v_old.user_id;',
        'WHERE id = v_old.id AND version = v_old.version;
         IF NOT FOUND THEN
             RETURN app.refused(c.id, o, (
                 SELECT jsonb_build_object(''outcome'', ''outdated'', ''version'', version)
                 FROM tasks WHERE id = p_task
             ));
         END IF;'
    );
    ASSERT v_bad LIKE '%WHERE id = p_task;%' AND v_bad LIKE '%AND version = v_old.version;%',
        'app.change_task is not what it was';
    EXECUTE v_bad;
END
$$;
