-- Every change of a task: the row, what its users have seen, and its event, in one commit.

-- Which fields differ between two versions, and from what to what. Descriptions are told by their
-- length: events do not carry long texts.
CREATE FUNCTION app.task_changes(p_old app.tasks, p_new app.tasks, OUT changed text[], OUT changes jsonb)
LANGUAGE plpgsql STABLE SET search_path = app, pg_temp AS $$
DECLARE
    v_from  jsonb := api.task_json_v1(p_old);
    v_to    jsonb := api.task_json_v1(p_new);
    v_field text;
BEGIN
    changed := '{}';
    changes := '{}';
    FOREACH v_field IN ARRAY ARRAY[
        'title', 'description', 'status', 'priority', 'due_at', 'labels', 'assignee_id', 'user_id',
        'completed_at', 'deleted_at'
    ] LOOP
        CONTINUE WHEN v_from -> v_field IS NOT DISTINCT FROM v_to -> v_field;
        changed := changed || v_field;
        -- When a task was completed or deleted is said by the change of its status, and by `at`.
        CONTINUE WHEN v_field IN ('completed_at', 'deleted_at');
        changes := changes || jsonb_build_object(v_field, CASE v_field
            WHEN 'description' THEN jsonb_build_object(
                'from', CASE WHEN p_old.description IS NOT NULL
                    THEN jsonb_build_object('length', char_length(p_old.description)) END,
                'to', CASE WHEN p_new.description IS NOT NULL
                    THEN jsonb_build_object('length', char_length(p_new.description)) END
            )
            ELSE jsonb_build_object('from', v_from -> v_field, 'to', v_to -> v_field)
        END);
    END LOOP;
END
$$;

-- What follows from a new version of a task: the counters of everybody whom it touches, and its
-- event. `p_old` is NULL for a new task.
CREATE FUNCTION app.record_change(
    p_type text, p_old app.tasks, p_new app.tasks, p_actor uuid, o app.operation,
    p_changed text[], p_changes jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
BEGIN
    -- In the order of ids, so that two writers who touch the same users cannot deadlock.
    INSERT INTO user_state AS s (user_id, write_seq, task_count)
    SELECT
        u, 1,
        coalesce(u = p_new.user_id AND p_new.deleted_at IS NULL, false)::int
        - coalesce(u = p_old.user_id AND p_old.deleted_at IS NULL, false)::int
    FROM (
        SELECT DISTINCT unnest(ARRAY[
            p_actor, p_old.user_id, p_old.assignee_id, p_new.user_id, p_new.assignee_id
        ]) AS u
    ) AS touched
    WHERE u IS NOT NULL
    ORDER BY u
    ON CONFLICT (user_id) DO UPDATE SET
        write_seq  = s.write_seq + 1,
        task_count = s.task_count + excluded.task_count;

    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (
        p_new.id, p_new.version, o.event, p_type,
        app.task_event(
            p_type, p_new, p_actor, o.event, p_changed, p_changes, o.request_id, o.traceparent
        )
    );
END
$$;

-- Creates a task. Its id is the operation's: an attempt that lost its answer finds its own task.
-- Instead of create_task_v1, which knew neither callers nor operations.
CREATE FUNCTION api.create_task_v2(p_caller jsonb, p_operation jsonb, p_fields jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_now      timestamptz := date_trunc('milliseconds', now());
    v_task     tasks := jsonb_populate_record(NULL::tasks, p_fields);
    v_entity   jsonb;
    v_answer   jsonb;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_task.id := o.op;
    v_task.user_id := c.id;
    v_task.version := 1;
    v_task.created_at := v_now;
    v_task.updated_at := v_now;
    v_task.completed_at := CASE WHEN v_task.status = 'completed' THEN v_now END;
    v_entity := api.task_json_v1(v_task);

    -- The answer is known already, so the key's record is written once.
    v_answer := app.claim_key(c.id, o, 201, v_entity);
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    IF v_task.assignee_id IS NOT NULL AND NOT app.is_active_user(v_task.assignee_id) THEN
        RETURN app.refused(c.id, o, '{"outcome": "unknown-user", "field": "assignee_id"}');
    END IF;

    -- By name: a column that a later migration adds gets its default, not a NULL from here.
    INSERT INTO tasks (
        id, user_id, title, description, status, priority, due_at, labels, assignee_id,
        version, last_op, created_at, updated_at, completed_at
    ) VALUES (
        v_task.id, v_task.user_id, v_task.title, v_task.description, v_task.status, v_task.priority,
        v_task.due_at, v_task.labels, v_task.assignee_id,
        v_task.version, o.op, v_task.created_at, v_task.updated_at, v_task.completed_at
    ) ON CONFLICT (id, user_id) DO NOTHING;
    IF NOT FOUND THEN
        -- An earlier attempt of this same request did commit; it had no key. (If the task has changed
        -- its owner since, the insert above succeeds, and its event is refused as a second one.)
        SELECT api.task_json_v1(t) INTO v_entity FROM tasks t WHERE t.id = o.op;
        RETURN jsonb_build_object('outcome', 'done', 'entity', v_entity);
    END IF;
    PERFORM app.record_change('task.created', NULL, v_task, c.id, o, '{}', '{}');
    RETURN jsonb_build_object('outcome', 'done', 'entity', v_entity);
END
$$;

-- What the caller may not do with this task: the permission that it would take, or NULL.
CREATE FUNCTION app.task_right_missing(p_action text, t app.tasks, c app.caller, p_fields jsonb) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN p_action IN ('delete', 'restore') THEN CASE
        WHEN 'tasks:delete' = ANY (c.permissions) THEN NULL
        WHEN 'tasks:delete:own' = ANY (c.permissions) AND t.user_id = c.id THEN NULL
        ELSE 'tasks:delete'
    END
    WHEN 'tasks:admin' = ANY (c.permissions) THEN NULL
    -- The owner changes everything but the owner.
    WHEN t.user_id = c.id AND NOT p_fields ? 'user_id' THEN NULL
    -- The assignee says how it goes.
    WHEN t.assignee_id = c.id AND p_fields - 'status' = '{}' THEN NULL
    ELSE 'tasks:admin'
END;

-- Changes a task: 'update' sets the fields that are given, 'delete' and 'restore' move it to the trash
-- and back. A task that is changed into what it is already keeps its version and has no event.
CREATE FUNCTION app.change_task(
    p_action text, p_caller jsonb, p_operation jsonb, p_task uuid, p_fields jsonb, p_if_match bigint[]
) RETURNS jsonb
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_status   integer := CASE p_action WHEN 'delete' THEN 204 ELSE 200 END;
    v_old      tasks;
    v_new      tasks;
    v_now      timestamptz;
    v_required text;
    v_changed  text[];
    v_changes  jsonb;
    v_answer   jsonb;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_answer := app.claim_key(c.id, o, v_status, '{}');
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;

    -- Everything is judged under the lock, on the newest version. (Compared with the version of the
    -- statement's snapshot, a retry that overlaps its original would be told that it is outdated.)
    SELECT * INTO v_old FROM tasks WHERE id = p_task FOR NO KEY UPDATE;
    IF v_old.last_op = o.op THEN
        -- An earlier attempt of this same request did commit; it had no key.
        RETURN jsonb_build_object('outcome', 'done', 'entity', api.task_json_v1(v_old));
    END IF;
    v_required := app.task_right_missing(p_action, v_old, c, p_fields);
    IF v_old.id IS NULL
        OR (
            v_old.user_id = c.id OR v_old.assignee_id = c.id OR 'tasks:read:all' = ANY (c.permissions)
        ) IS NOT TRUE
        -- The trash is there only for those who may take things out of it.
        OR (v_old.deleted_at IS NOT NULL AND (p_action <> 'restore' OR v_required IS NOT NULL))
    THEN
        RETURN app.refused(c.id, o, '{"outcome": "missing"}');
    END IF;
    IF v_old.version <> ALL (p_if_match) THEN
        RETURN app.refused(c.id, o,
            jsonb_build_object('outcome', 'outdated', 'version', v_old.version));
    END IF;
    IF v_required IS NOT NULL THEN
        RETURN app.refused(c.id, o,
            jsonb_build_object('outcome', 'forbidden', 'required', v_required));
    END IF;
    IF p_action = 'restore' AND v_old.deleted_at IS NULL THEN
        RETURN app.refused(c.id, o, '{"outcome": "conflict"}');
    END IF;

    -- Not now(), which is when the transaction began: it may have waited for the lock, and times must
    -- not run backwards from one version to the next.
    v_now := greatest(v_old.updated_at, date_trunc('milliseconds', clock_timestamp()));
    v_new := jsonb_populate_record(v_old, p_fields);
    v_new.id := v_old.id;
    v_new.created_at := v_old.created_at;
    v_new.deleted_at := CASE p_action WHEN 'delete' THEN v_now WHEN 'update' THEN v_old.deleted_at END;
    v_new.completed_at := CASE
        WHEN v_new.status = 'completed' THEN coalesce(v_old.completed_at, v_now)
    END;
    SELECT * INTO v_changed, v_changes FROM app.task_changes(v_old, v_new);
    IF v_changed = '{}' THEN
        RETURN app.done(c.id, o, v_status, api.task_json_v1(v_old));
    END IF;
    IF 'assignee_id' = ANY (v_changed) AND v_new.assignee_id IS NOT NULL
        AND NOT app.is_active_user(v_new.assignee_id)
    THEN
        RETURN app.refused(c.id, o, '{"outcome": "unknown-user", "field": "assignee_id"}');
    END IF;
    IF 'user_id' = ANY (v_changed) AND NOT app.is_active_user(v_new.user_id) THEN
        RETURN app.refused(c.id, o, '{"outcome": "unknown-user", "field": "user_id"}');
    END IF;

    v_new.version := v_old.version + 1;
    v_new.last_op := o.op;
    v_new.updated_at := v_now;
    UPDATE tasks SET
        user_id = v_new.user_id, title = v_new.title, description = v_new.description,
        status = v_new.status, priority = v_new.priority, due_at = v_new.due_at,
        labels = v_new.labels, assignee_id = v_new.assignee_id, version = v_new.version,
        last_op = v_new.last_op, updated_at = v_new.updated_at,
        completed_at = v_new.completed_at, deleted_at = v_new.deleted_at
    WHERE id = v_old.id AND user_id = v_old.user_id;

    PERFORM app.record_change(
        CASE
            WHEN p_action = 'delete' THEN 'task.deleted'
            WHEN p_action = 'restore' THEN 'task.restored'
            WHEN 'status' = ANY (v_changed) AND v_new.status = 'completed' THEN 'task.completed'
            WHEN 'status' = ANY (v_changed) THEN 'task.status_changed'
            WHEN 'assignee_id' = ANY (v_changed) THEN 'task.assigned'
            ELSE 'task.updated'
        END,
        v_old, v_new, c.id, o, v_changed, v_changes
    );
    RETURN app.done(c.id, o, v_status, api.task_json_v1(v_new));
END
$$;

-- Sets the fields that are given. `p_if_match`: the versions that the client accepts, NULL for any.
CREATE FUNCTION api.update_task_v1(
    p_caller jsonb, p_operation jsonb, p_task uuid, p_fields jsonb, p_if_match bigint[]
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
    RETURN app.change_task('update', p_caller, p_operation, p_task, p_fields, p_if_match);
END
$$;

-- Moves a task to the trash.
CREATE FUNCTION api.delete_task_v1(
    p_caller jsonb, p_operation jsonb, p_task uuid, p_if_match bigint[]
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
    RETURN app.change_task('delete', p_caller, p_operation, p_task, '{}', p_if_match);
END
$$;

-- Takes a task out of the trash.
CREATE FUNCTION api.restore_task_v1(
    p_caller jsonb, p_operation jsonb, p_task uuid, p_if_match bigint[]
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
    RETURN app.change_task('restore', p_caller, p_operation, p_task, '{}', p_if_match);
END
$$;

GRANT EXECUTE ON FUNCTION api.create_task_v2, api.update_task_v1, api.delete_task_v1,
    api.restore_task_v1 TO api_write;
