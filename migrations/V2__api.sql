-- What the login roles may call. A mutation is one function, so that a request is one round trip and
-- one commit; plans stay cached inside the pooled backends.

CREATE SCHEMA api;

-- A point in time as the API writes it.
CREATE FUNCTION app.wire_time(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- A task as the API shows it. One place, for reads, answers and replays alike.
CREATE FUNCTION api.task_json_v1(t app.tasks) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'id', t.id,
    'title', t.title,
    'description', t.description,
    'status', t.status,
    'priority', t.priority,
    'due_at', app.wire_time(t.due_at),
    'labels', t.labels,
    'assignee_id', t.assignee_id,
    'user_id', t.user_id,
    'version', t.version,
    'created_at', app.wire_time(t.created_at),
    'updated_at', app.wire_time(t.updated_at),
    'completed_at', app.wire_time(t.completed_at)
) || CASE
    WHEN t.deleted_at IS NULL THEN '{}'
    ELSE jsonb_build_object('deleted_at', app.wire_time(t.deleted_at))
END;

-- Whether a verified token still counts: 'good', 'revoked' (its session, or everything of its user
-- up to a time, was logged out) or 'disabled' (the account is deactivated).
CREATE FUNCTION api.standing_v1(p_user uuid, p_session text, p_issued_at timestamptz) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = app, pg_temp
RETURN CASE
    WHEN EXISTS (SELECT FROM revocations WHERE session_id = p_session)
        OR EXISTS (
            SELECT FROM revocations
            WHERE user_id = p_user AND session_id IS NULL AND not_before >= p_issued_at
        )
        THEN 'revoked'
    WHEN EXISTS (SELECT FROM users WHERE id = p_user AND NOT active) THEN 'disabled'
    ELSE 'good'
END;

-- The event of a new version of a task, in its final envelope.
CREATE FUNCTION app.task_event(
    p_type text, t app.tasks, p_actor uuid, p_event uuid, p_changed text[], p_changes jsonb,
    p_request_id text, p_traceparent text
) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object(
    'event', p_type,
    'taskId', t.id,
    'userId', p_actor,
    'at', app.wire_time(t.updated_at),
    'id', p_event,
    'schema', 1,
    'version', t.version,
    'ownerId', t.user_id,
    'assigneeId', t.assignee_id,
    'changed', p_changed,
    'changes', p_changes,
    'task', jsonb_build_object(
        'title', t.title,
        'status', t.status,
        'priority', t.priority,
        'due_at', app.wire_time(t.due_at)
    ),
    'requestId', p_request_id,
    'traceparent', p_traceparent
);

-- Creates a task with its event, and with the record of its idempotency key if it has one.
--
-- outcome: created · replayed · key-reused · assignee-unknown · revoked · disabled
--
-- `p_id` names the attempt: a caller that lost the answer calls again with the same `p_id` and finds
-- its own task. The key's record is written first, by a statement that always touches the row: a twin
-- waits for the first to commit and then sees its record. (`DO NOTHING` and a SELECT in one statement
-- share a snapshot and miss the row that the twin has just committed.)
CREATE FUNCTION api.create_task_v1(
    p_user uuid, p_session text, p_issued_at timestamptz,
    p_key text, p_fingerprint bytea,
    p_id uuid, p_title text, p_description text, p_status text, p_priority text,
    p_due_at timestamptz, p_labels text[], p_assignee uuid,
    p_event uuid, p_request_id text, p_traceparent text
) RETURNS TABLE (outcome text, task jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_now  timestamptz := date_trunc('milliseconds', now());
    v_task tasks;
    v_key  record;
BEGIN
    outcome := api.standing_v1(p_user, p_session, p_issued_at);
    IF outcome <> 'good' THEN
        RETURN NEXT;
        RETURN;
    END IF;

    v_task := ROW(
        p_id, p_user, p_title, p_description, p_status, p_priority, p_due_at, p_labels, p_assignee,
        1, p_id, v_now, v_now, CASE WHEN p_status = 'completed' THEN v_now END, NULL
    );
    task := api.task_json_v1(v_task);

    IF p_key IS NOT NULL THEN
        -- The words `idempotency key` tell the caller whose lock a lock timeout waited for.
        INSERT /* idempotency key */ INTO idempotency AS i
            (user_id, key, fingerprint, op_id, status, response, expires_at)
        VALUES (p_user, p_key, p_fingerprint, p_id, 201, task, now() + interval '24 hours')
        ON CONFLICT (user_id, key) DO UPDATE SET
            hits        = CASE WHEN i.expires_at <= now() THEN 0 ELSE i.hits + 1 END,
            fingerprint = CASE WHEN i.expires_at <= now() THEN excluded.fingerprint ELSE i.fingerprint END,
            op_id       = CASE WHEN i.expires_at <= now() THEN excluded.op_id ELSE i.op_id END,
            status      = CASE WHEN i.expires_at <= now() THEN excluded.status ELSE i.status END,
            response    = CASE WHEN i.expires_at <= now() THEN excluded.response ELSE i.response END,
            expires_at  = CASE WHEN i.expires_at <= now() THEN excluded.expires_at ELSE i.expires_at END
        RETURNING i.hits, i.op_id, i.fingerprint, i.response INTO v_key;

        IF v_key.hits > 0 THEN
            outcome := CASE
                WHEN v_key.op_id = p_id THEN 'created'
                WHEN v_key.fingerprint = p_fingerprint THEN 'replayed'
                ELSE 'key-reused'
            END;
            task := CASE WHEN outcome <> 'key-reused' THEN v_key.response END;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    IF p_assignee IS NOT NULL
        AND NOT EXISTS (SELECT FROM users WHERE id = p_assignee AND active)
    THEN
        -- A refused request leaves its key free for the corrected one.
        DELETE FROM idempotency WHERE user_id = p_user AND key = p_key;
        outcome := 'assignee-unknown';
        task := NULL;
        RETURN NEXT;
        RETURN;
    END IF;

    -- By name: a column that a later migration adds gets its default, not a NULL from here.
    INSERT INTO tasks (
        id, user_id, title, description, status, priority, due_at, labels, assignee_id,
        version, last_op, created_at, updated_at, completed_at
    ) VALUES (
        v_task.id, v_task.user_id, v_task.title, v_task.description, v_task.status, v_task.priority,
        v_task.due_at, v_task.labels, v_task.assignee_id,
        v_task.version, v_task.last_op, v_task.created_at, v_task.updated_at, v_task.completed_at
    ) ON CONFLICT (id, user_id) DO NOTHING;
    outcome := 'created';
    IF NOT FOUND THEN
        -- An earlier attempt of this same request did commit; it had no key.
        SELECT api.task_json_v1(t) INTO task FROM tasks t WHERE t.id = p_id AND t.user_id = p_user;
        RETURN NEXT;
        RETURN;
    END IF;

    -- In the order of ids, so that two writers who affect the same users cannot deadlock.
    INSERT INTO user_state AS s (user_id, write_seq, task_count)
    SELECT u, 1, (u = p_user)::int
    FROM (SELECT DISTINCT unnest(ARRAY[p_user, p_assignee]) AS u) AS affected
    WHERE u IS NOT NULL
    ORDER BY u
    ON CONFLICT (user_id) DO UPDATE SET
        write_seq  = s.write_seq + 1,
        task_count = s.task_count + excluded.task_count;

    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (
        p_id, 1, p_event, 'task.created',
        app.task_event('task.created', v_task, p_user, p_event, '{}', '{}', p_request_id, p_traceparent)
    );
    RETURN NEXT;
END
$$;

-- The last good key set of an issuer.
CREATE FUNCTION api.keep_jwks_v1(p_issuer text, p_keys text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp
BEGIN ATOMIC
    INSERT INTO jwks (issuer, keys) VALUES (p_issuer, p_keys)
    ON CONFLICT (issuer) DO UPDATE SET keys = excluded.keys, kept_at = now();
END;

CREATE FUNCTION api.kept_jwks_v1(p_issuer text) RETURNS TABLE (keys text, kept_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = app, pg_temp
BEGIN ATOMIC
    SELECT jwks.keys, jwks.kept_at FROM jwks WHERE issuer = p_issuer;
END;

-- Who may do what. Nothing is granted to everybody, and nothing by default.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA app, api FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA api TO api_read, api_write, worker;

GRANT EXECUTE ON FUNCTION api.standing_v1, api.kept_jwks_v1 TO api_read, api_write;

GRANT USAGE ON SCHEMA app TO api_read;
GRANT SELECT ON app.tasks TO api_read;
GRANT EXECUTE ON FUNCTION api.task_json_v1, app.wire_time TO api_read;

GRANT EXECUTE ON FUNCTION api.create_task_v1, api.keep_jwks_v1 TO api_write;
