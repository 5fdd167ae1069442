-- What a cache in front needs to know: whom a change touches, and how a user stands.
--
-- An answer says more than the outcome now:
--   version  of the task, as it is after the change
--   touched  everybody whose lists it changes, each with the counter that a reader must have reached
--   judged   those who do not stand as before

-- The same as before, and returns the effect.
DROP FUNCTION app.record_change;
CREATE FUNCTION app.record_change(
    p_type text, p_old app.tasks, p_new app.tasks, p_actor uuid, o app.operation,
    p_changed text[], p_changes jsonb
) RETURNS jsonb
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
DECLARE
    v_touched jsonb;
BEGIN
    -- In the order of ids, so that two writers who touch the same users cannot deadlock.
    WITH touched AS (
        INSERT INTO user_state AS s (user_id, write_seq, task_count)
        SELECT
            u, 1,
            coalesce(u = p_new.user_id AND p_new.deleted_at IS NULL, false)::int
            - coalesce(u = p_old.user_id AND p_old.deleted_at IS NULL, false)::int
        FROM (
            SELECT DISTINCT unnest(ARRAY[
                p_actor, p_old.user_id, p_old.assignee_id, p_new.user_id, p_new.assignee_id
            ]) AS u
        ) AS everybody
        WHERE u IS NOT NULL
        ORDER BY u
        ON CONFLICT (user_id) DO UPDATE SET
            write_seq  = s.write_seq + 1,
            task_count = s.task_count + excluded.task_count
        RETURNING s.user_id, s.write_seq
    )
    SELECT jsonb_object_agg(user_id, write_seq) INTO v_touched FROM touched;

    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (
        p_new.id, p_new.version, o.event, p_type,
        app.task_event(
            p_type, p_new, p_actor, o.event, p_changed, p_changes, o.request_id, o.traceparent
        )
    );
    RETURN jsonb_build_object('version', p_new.version, 'touched', v_touched);
END
$$;

-- The effect of the change that made this version of a task, whose answer may have been lost: by its
-- event. An event that has left the outbox has had its effect on caches, too. Nothing for what is no task.
CREATE FUNCTION app.effect_of(p_task jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = app, pg_temp AS $$
    SELECT CASE WHEN p_task IS NULL THEN '{}' ELSE jsonb_build_object(
        'version', p_task -> 'version',
        'touched', (
            SELECT coalesce(jsonb_object_agg(s.user_id, s.write_seq), '{}')
            FROM outbox AS e
            JOIN user_state AS s ON s.user_id = ANY (ARRAY[
                e.payload ->> 'userId',
                e.payload ->> 'ownerId',
                e.payload ->> 'assigneeId',
                e.payload #>> '{changes,user_id,from}',
                e.payload #>> '{changes,assignee_id,from}'
            ]::uuid[])
            WHERE e.aggregate_id = (p_task ->> 'id')::uuid
                AND e.aggregate_version = (p_task ->> 'version')::bigint
        )
    ) END
$$;

-- The answer to a request that did its work; its key remembers the entity.
DROP FUNCTION app.done;
CREATE FUNCTION app.done(
    p_user uuid, o app.operation, p_status integer, p_entity jsonb, p_effect jsonb DEFAULT '{}'
) RETURNS jsonb
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
BEGIN
    IF o.key IS NOT NULL THEN
        UPDATE idempotency SET status = p_status, response = p_entity
        WHERE user_id = p_user AND key = o.key;
    END IF;
    RETURN jsonb_build_object('outcome', 'done', 'entity', p_entity) || p_effect;
END
$$;

-- Creates a task. As before; the answer has the effect, too.
CREATE OR REPLACE FUNCTION api.create_task_v2(p_caller jsonb, p_operation jsonb, p_fields jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_now      timestamptz := date_trunc('milliseconds', now());
    v_task     tasks := jsonb_populate_record(NULL::tasks, p_fields);
    v_entity   jsonb;
    v_answer   jsonb;
    v_effect   jsonb;
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
        RETURN v_answer || app.effect_of(v_answer -> 'entity');
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
        RETURN jsonb_build_object('outcome', 'done', 'entity', v_entity) || app.effect_of(v_entity);
    END IF;
    v_effect := app.record_change('task.created', NULL, v_task, c.id, o, '{}', '{}');
    RETURN jsonb_build_object('outcome', 'done', 'entity', v_entity) || v_effect;
END
$$;

-- Changes a task. As before; the answer has the effect, too.
CREATE OR REPLACE FUNCTION app.change_task(
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
    v_effect   jsonb;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_answer := app.claim_key(c.id, o, v_status, '{}');
    IF v_answer IS NOT NULL THEN
        RETURN v_answer || app.effect_of(v_answer -> 'entity');
    END IF;

    -- Everything is judged under the lock, on the newest version. (Compared with the version of the
    -- statement's snapshot, a retry that overlaps its original would be told that it is outdated.)
    SELECT * INTO v_old FROM tasks WHERE id = p_task FOR NO KEY UPDATE;
    IF v_old.last_op = o.op THEN
        -- An earlier attempt of this same request did commit; it had no key.
        RETURN jsonb_build_object('outcome', 'done', 'entity', api.task_json_v1(v_old))
            || app.effect_of(api.task_json_v1(v_old));
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
        -- Perhaps it was this client's earlier request that made it so, and nobody was told.
        RETURN app.done(
            c.id, o, v_status, api.task_json_v1(v_old), app.effect_of(api.task_json_v1(v_old))
        );
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

    v_effect := app.record_change(
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
    RETURN app.done(c.id, o, v_status, api.task_json_v1(v_new), v_effect);
END
$$;

-- Deactivates or reactivates an account. As before; the answer has the effect, too.
CREATE OR REPLACE FUNCTION api.update_user_v1(
    p_caller jsonb, p_operation jsonb, p_user uuid, p_active boolean
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_user     users;
    v_type     text := CASE WHEN p_active THEN 'user.reactivated' ELSE 'user.deactivated' END;
    v_answer   jsonb;
    -- Whatever was remembered of the user is to be forgotten, also if a first attempt did the work.
    v_effect   jsonb := jsonb_build_object('judged', jsonb_build_array(p_user));
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_answer := app.claim_key(c.id, o, 200, '{}');
    IF v_answer IS NOT NULL THEN
        RETURN v_answer || v_effect;
    END IF;

    SELECT * INTO v_user FROM users WHERE id = p_user FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN app.refused(c.id, o, '{"outcome": "missing"}');
    END IF;
    IF p_user = c.id AND NOT p_active THEN
        RETURN app.refused(c.id, o, '{"outcome": "conflict"}');
    END IF;
    -- Also what a second attempt of this same request finds.
    IF v_user.active = p_active THEN
        RETURN app.done(c.id, o, 200, api.user_json_v1(v_user), v_effect);
    END IF;

    UPDATE users SET active = p_active, version = version + 1 WHERE id = p_user RETURNING * INTO v_user;
    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (v_user.id, v_user.version, o.event, v_type, jsonb_build_object(
        'event', v_type,
        'taskId', NULL,
        'userId', c.id,
        'at', app.wire_time(clock_timestamp()),
        'id', o.event,
        'schema', 1,
        'version', v_user.version,
        'ownerId', NULL,
        'assigneeId', NULL,
        'changed', jsonb_build_array('active'),
        'changes', jsonb_build_object(
            'active', jsonb_build_object('from', NOT p_active, 'to', p_active)
        ),
        'task', NULL,
        'subject', jsonb_build_object('type', 'user', 'id', v_user.id),
        'requestId', o.request_id,
        'traceparent', o.traceparent
    ));
    RETURN app.done(c.id, o, 200, api.user_json_v1(v_user), v_effect);
END
$$;

-- How a user stands, whatever token they show: what a cache keeps, for a while, instead of asking
-- `greet_v1`. `not_before` counts seconds since 1970.
CREATE FUNCTION api.state_v1(p_caller jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c caller := jsonb_populate_record(NULL::caller, p_caller);
BEGIN
    RETURN jsonb_build_object(
        'active', coalesce((SELECT active FROM users WHERE id = c.id), true),
        'not_before', coalesce((
            SELECT floor(extract(epoch FROM max(not_before)))::bigint FROM revocations
            WHERE user_id = c.id AND session_id IS NULL
        ), 0),
        'sessions', ARRAY(
            SELECT DISTINCT session_id FROM revocations
            WHERE session_id IS NOT NULL AND expires_at > now()
                AND (user_id = c.id OR session_id = c.session)
        )
    );
END
$$;
CREATE INDEX revocations_sessions_of_user ON revocations (user_id) WHERE session_id IS NOT NULL;

-- What a logout token asks for.
CREATE TYPE app.logout AS (
    jti       text,
    user_id   uuid,
    session   text, -- none: everything of the user that was issued until then
    issued_at timestamptz
);

-- The operation that revoked: an attempt that lost its answer finds its own row.
ALTER TABLE revocations ADD COLUMN op uuid;

-- Ends a session, or everything of a user up to a time. outcome: done · conflict (the token was used
-- before)
CREATE FUNCTION api.log_out_v1(p_logout jsonb, p_operation jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    l          logout := jsonb_populate_record(NULL::logout, p_logout);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    -- No token lives longer.
    c_longest  CONSTANT interval := '24 hours 10 minutes';
    v_first_op uuid;
    v_effect   jsonb := jsonb_build_object('judged', array_remove(ARRAY[l.user_id], NULL));
BEGIN
    INSERT INTO revocations AS r (jti, user_id, session_id, not_before, expires_at, op)
    VALUES (l.jti, l.user_id, l.session, l.issued_at, now() + c_longest, o.op)
    -- Touches the row, so that it is returned, whoever wrote it.
    ON CONFLICT (jti) DO UPDATE SET jti = r.jti
    RETURNING r.op INTO v_first_op;
    IF v_first_op IS DISTINCT FROM o.op THEN
        -- Forgotten once more: perhaps the first time it could not be.
        RETURN jsonb_build_object('outcome', 'conflict') || v_effect;
    END IF;
    -- A thing of its own, which happens once.
    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (o.op, 1, o.event, 'session.revoked', jsonb_build_object(
        'event', 'session.revoked',
        'taskId', NULL,
        'userId', NULL,
        'at', app.wire_time(clock_timestamp()),
        'id', o.event,
        'schema', 1,
        'version', 1,
        'ownerId', NULL,
        'assigneeId', NULL,
        'changed', '[]'::jsonb,
        'changes', '{}'::jsonb,
        'task', NULL,
        'subject', CASE WHEN l.user_id IS NOT NULL
            THEN jsonb_build_object('type', 'user', 'id', l.user_id) END,
        'requestId', o.request_id,
        'traceparent', o.traceparent
    ))
    ON CONFLICT DO NOTHING;
    RETURN jsonb_build_object('outcome', 'done', 'entity', NULL) || v_effect;
END
$$;

GRANT EXECUTE ON FUNCTION api.state_v1 TO api_read, api_write;
GRANT EXECUTE ON FUNCTION api.log_out_v1 TO api_write;
