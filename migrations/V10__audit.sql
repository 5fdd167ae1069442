-- The audit: what every event told, for as long as its partition is kept. A task's history is its part of
-- the audit.

CREATE TABLE audit (
    id           uuid        NOT NULL, -- the event's own
    event        text        NOT NULL CHECK (event <> ''),
    task_id      uuid,
    subject_type text,                 -- what it is about, if not a task
    subject_id   uuid,
    version      bigint      NOT NULL CHECK (version >= 1),
    actor_id     uuid,                 -- none if the system did it
    owner_id     uuid,                 -- of the task, after the change
    status       text,                 -- of the task, after the change
    at           timestamptz NOT NULL,
    request_id   text        NOT NULL,
    traceparent  text,
    changed      text[]      NOT NULL,
    changes      jsonb       NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
SELECT app.make_partitions('audit', 'month', 7);

-- Newest first, each with what decides between equals: a page begins after a row.
CREATE INDEX audit_task ON audit (task_id, version DESC, id DESC) WHERE task_id IS NOT NULL;
CREATE INDEX audit_actor ON audit (actor_id, id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_event ON audit (event, id DESC);
CREATE INDEX audit_request ON audit (request_id, id DESC);

-- The least id that a table partitioned by ids can hold: what is older was dropped with its partition.
-- The names of partitions say where they begin (see app.make_partitions).
CREATE FUNCTION app.oldest_kept(p_parent regclass) RETURNS uuid
LANGUAGE sql STABLE SET search_path = app, pg_temp
RETURN (
    SELECT app.uuid_at(to_date(min(right(c.relname, 8)), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC')
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = p_parent AND NOT i.inhdetachpending
);

-- Writes a batch of envelopes, each event once. `written`: how many were new. `too_old`: how many are older
-- than anything that is kept; they are done with, for nobody could read them.
--
-- In the order of ids, so that two batches with the same events cannot deadlock. (An event that waits for
-- another batch to commit the same one is not new afterwards.)
CREATE FUNCTION api.write_audit_v1(p_events jsonb, OUT written bigint, OUT too_old bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_oldest uuid := coalesce(app.oldest_kept('audit'), '00000000-0000-0000-0000-000000000000');
BEGIN
    INSERT INTO audit (
        id, event, task_id, subject_type, subject_id, version, actor_id, owner_id, status, at,
        request_id, traceparent, changed, changes
    )
    SELECT
        e.id, e.event, e."taskId", e.subject ->> 'type', (e.subject ->> 'id')::uuid, e.version,
        e."userId", e."ownerId", e.task ->> 'status', e.at, e."requestId", e.traceparent, e.changed,
        e.changes
    FROM jsonb_to_recordset(p_events) AS e (
        id uuid, event text, "taskId" uuid, subject jsonb, version bigint, "userId" uuid,
        "ownerId" uuid, task jsonb, at timestamptz, "requestId" text, traceparent text,
        changed text[], changes jsonb
    )
    WHERE e.id >= v_oldest
    ORDER BY e.id
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    SELECT count(*) INTO too_old
    FROM jsonb_to_recordset(p_events) AS e (id uuid)
    WHERE e.id < v_oldest;
END
$$;

-- The audit as those may read it who read all of it. `json` is an entry as the API shows it.
CREATE VIEW api.audit_v1 AS
SELECT
    a.id, a.event, a.task_id, a.version, a.actor_id, a.at, a.request_id,
    jsonb_build_object(
        'id', a.id,
        'event', a.event,
        'task_id', a.task_id,
        'subject', CASE WHEN a.subject_id IS NOT NULL
            THEN jsonb_build_object('type', a.subject_type, 'id', a.subject_id) END,
        'version', a.version,
        'actor', CASE WHEN a.actor_id IS NOT NULL
            THEN jsonb_build_object('id', a.actor_id, 'username', u.username) END,
        'at', app.wire_time(a.at),
        'request_id', a.request_id,
        'changes', a.changes
    ) AS json
FROM audit AS a
LEFT JOIN users AS u ON u.id = a.actor_id;

-- The history of a task, newest first: entries as above, what comes after a version and an id (or from
-- the beginning), `p_rows` at most. NULL if there is no such task, or the caller may not know of it.
--
-- Judged here and not afterwards, so that a hidden task costs no more than a missing one.
CREATE FUNCTION api.task_history_v1(
    p_caller jsonb, p_task uuid, p_after_version bigint, p_after_id uuid, p_rows bigint
) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c       caller := jsonb_populate_record(NULL::caller, p_caller);
    v_task  tasks;
    v_since uuid;
BEGIN
    SELECT * INTO v_task FROM tasks WHERE id = p_task;
    IF v_task.id IS NULL
        OR (
            v_task.user_id = c.id OR v_task.assignee_id = c.id
            OR 'tasks:read:all' = ANY (c.permissions)
        ) IS NOT TRUE
        OR (v_task.deleted_at IS NOT NULL AND ('tasks:admin' = ANY (c.permissions)) IS NOT TRUE)
    THEN
        RETURN NULL;
    END IF;
    -- Nothing happened to it before it was made: older partitions need not be looked into. Its events
    -- have ids by the clocks of the functions, the task a time by that of the database.
    v_since := app.uuid_at(v_task.created_at - interval '1 day');
    RETURN to_jsonb(ARRAY(
        SELECT a.json FROM api.audit_v1 AS a
        WHERE a.task_id = p_task AND a.id >= v_since
            AND (a.version, a.id) < (
                coalesce(p_after_version, 9223372036854775807),
                coalesce(p_after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            )
        ORDER BY a.version DESC, a.id DESC
        LIMIT p_rows
    ));
END
$$;

GRANT EXECUTE ON FUNCTION api.write_audit_v1 TO worker;
GRANT EXECUTE ON FUNCTION api.task_history_v1 TO api_read;
GRANT SELECT ON api.audit_v1 TO api_read;
