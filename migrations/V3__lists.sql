-- What lists are read by, besides the indexes of V1.

-- `q` looks into titles and descriptions; one index answers for either. New words wait in a list that a
-- later write sorts in: a short list, so that no write is held up for long.
CREATE INDEX tasks_words ON tasks USING gin (title gin_trgm_ops, description gin_trgm_ops)
    WITH (gin_pending_list_limit = 256);
DROP INDEX tasks_title_words;

CREATE INDEX tasks_labels ON tasks USING gin (labels) WITH (gin_pending_list_limit = 256);

-- Lists of everybody's tasks. `version > 0` is always true, and said only by these lists: the planner must
-- not walk through everybody's tasks to find those of one person, which it takes for cheap where that
-- person has many. Ascending, so that what is new comes at the end and pages fill up. (A user's own
-- tasks are few enough to be sorted in any order but the usual one.)
DROP INDEX tasks_newest;
CREATE INDEX tasks_newest ON tasks (created_at, id) WHERE deleted_at IS NULL AND version > 0;
CREATE INDEX tasks_changed ON tasks (updated_at, id) WHERE deleted_at IS NULL AND version > 0;
CREATE INDEX tasks_first_due ON tasks (due_at, id) WHERE deleted_at IS NULL AND version > 0;
CREATE INDEX tasks_last_due ON tasks (due_at DESC NULLS LAST, id DESC)
    WHERE deleted_at IS NULL AND version > 0;
CREATE INDEX tasks_urgency ON tasks (array_position('{low,normal,high,urgent}', priority), id)
    WHERE deleted_at IS NULL AND version > 0;

-- The trash: few rows among many.
CREATE INDEX tasks_trash ON tasks (created_at DESC, id DESC) WHERE deleted_at IS NOT NULL;

-- A reader compares `write_seq`; an unfiltered list of one's own takes its total from the counter.
GRANT SELECT ON app.user_state TO api_read;

-- The task of an id. A function, because its plan is kept: planned anew, each look would lock every
-- index of every partition.
CREATE FUNCTION api.find_task_v1(p_task uuid, p_deleted_too boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_task tasks;
BEGIN
    SELECT * INTO v_task FROM tasks WHERE id = p_task AND (deleted_at IS NULL OR p_deleted_too);
    RETURN CASE WHEN v_task.id IS NOT NULL THEN api.task_json_v1(v_task) END;
END
$$;
GRANT EXECUTE ON FUNCTION api.find_task_v1 TO api_read;
