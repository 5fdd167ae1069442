-- Exports: what somebody asked for, and the file that became of it.

CREATE TABLE exports (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('tasks', 'report')),
    format       text        NOT NULL CHECK (format IN ('csv', 'jsonl')),
    scope        text        NOT NULL CHECK (scope IN ('owned', 'assigned', 'all')),
    filter       jsonb       NOT NULL CHECK (jsonb_typeof(filter) = 'object'),
    status       text        NOT NULL DEFAULT 'requested'
        CHECK (status IN ('requested', 'running', 'completed', 'failed', 'expired')),
    -- Who works on it: a worker that does not come back loses it when the lease ends.
    lease        uuid,
    leased_until timestamptz,
    attempts     integer     NOT NULL DEFAULT 0,
    rows         bigint,
    bytes        bigint,
    error        text,
    requested_at timestamptz NOT NULL,
    finished_at  timestamptz,
    expires_at   timestamptz,
    -- Of the request, for the event that tells how it ended.
    request_id   text        NOT NULL,
    traceparent  text,
    CHECK ((status IN ('completed', 'expired')) = (expires_at IS NOT NULL)),
    CHECK ((status = 'failed') = (error IS NOT NULL)),
    CHECK ((status = 'running') = (leased_until IS NOT NULL))
);
CREATE INDEX exports_newest ON exports (user_id, requested_at DESC, id DESC);
CREATE INDEX exports_expiry ON exports (expires_at) WHERE status = 'completed';

-- An export as the API shows it. Its time is up whether or not somebody has written that down.
CREATE FUNCTION api.export_json_v1(e app.exports) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'id', e.id,
    'kind', e.kind,
    'format', e.format,
    'scope', e.scope,
    'filter', e.filter,
    'status', CASE WHEN e.status = 'completed' AND e.expires_at <= now() THEN 'expired' ELSE e.status END,
    'rows', e.rows,
    'bytes', e.bytes,
    'error', e.error,
    'requested_at', app.wire_time(e.requested_at),
    'finished_at', app.wire_time(e.finished_at),
    'expires_at', app.wire_time(e.expires_at)
);

-- The exports as those who look for them may read them: not with who works on one.
CREATE VIEW api.exports_v1 AS
SELECT e.id, e.user_id, e.requested_at, api.export_json_v1(e) AS json FROM exports AS e;

-- Writes the event of an export that got another status. The key of the outbox allows one for each
-- version: the request is the first, the end the second.
CREATE FUNCTION app.record_export(
    p_type text, e app.exports, p_version bigint, p_event uuid, p_actor uuid, p_changes jsonb
) RETURNS void
LANGUAGE sql SET search_path = app, pg_temp
BEGIN ATOMIC
    INSERT INTO app.outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (e.id, p_version, p_event, p_type, jsonb_build_object(
        'event', p_type,
        'taskId', NULL,
        'userId', p_actor,
        'at', app.wire_time(clock_timestamp()),
        'id', p_event,
        'schema', 1,
        'version', p_version,
        'ownerId', e.user_id,
        'assigneeId', NULL,
        'changed', ARRAY(SELECT jsonb_object_keys(p_changes)),
        'changes', p_changes,
        'task', NULL,
        'subject', jsonb_build_object('type', 'export', 'id', e.id),
        'requestId', e.request_id,
        'traceparent', e.traceparent
    ));
END;

-- Asks for an export. What it takes beyond one's own is judged here once more, where nobody gets past.
CREATE FUNCTION api.create_export_v1(p_caller jsonb, p_operation jsonb, p_fields jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_export   exports := jsonb_populate_record(NULL::exports, p_fields);
    v_required text;
    v_answer   jsonb;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_required := CASE
        WHEN (v_export.scope = 'all' OR v_export.filter ? 'user_id')
            AND 'tasks:read:all' <> ALL (c.permissions) THEN 'tasks:read:all'
        WHEN v_export.filter ? 'deleted' AND 'tasks:admin' <> ALL (c.permissions) THEN 'tasks:admin'
    END;
    IF v_required IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'forbidden', 'required', v_required);
    END IF;
    v_export.id := o.op;
    v_export.user_id := c.id;
    v_export.status := 'requested';
    v_export.requested_at := date_trunc('milliseconds', now());
    v_export.request_id := o.request_id;
    v_export.traceparent := o.traceparent;

    v_answer := app.claim_key(c.id, o, 202, api.export_json_v1(v_export));
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    INSERT INTO exports (
        id, user_id, kind, format, scope, filter, requested_at, request_id, traceparent
    ) VALUES (
        v_export.id, v_export.user_id, v_export.kind, v_export.format, v_export.scope, v_export.filter,
        v_export.requested_at, v_export.request_id, v_export.traceparent
    ) ON CONFLICT (id) DO NOTHING;
    -- Otherwise an earlier attempt of this same request did commit; it had no key.
    IF FOUND THEN
        PERFORM app.record_export('export.requested', v_export, 1, o.event, c.id, '{}');
    END IF;
    RETURN (
        SELECT jsonb_build_object('outcome', 'done', 'entity', api.export_json_v1(e))
        FROM exports AS e WHERE e.id = o.op
    );
END
$$;

-- Takes an export to work on. A worker that asks again under the same lease has lost the first answer.
--   outcome: claimed, with what is to be done · held by another, for `seconds` · settled · missing
CREATE FUNCTION api.claim_export_v1(p_export uuid, p_lease uuid, p_seconds integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_export exports;
    v_until  timestamptz;
BEGIN
    SELECT * INTO v_export FROM exports WHERE id = p_export FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN '{"outcome": "missing"}';
    END IF;
    IF v_export.status NOT IN ('requested', 'running') THEN
        RETURN '{"outcome": "settled"}';
    END IF;
    IF v_export.lease <> p_lease AND v_export.leased_until > clock_timestamp() THEN
        RETURN jsonb_build_object('outcome', 'held', 'seconds',
            ceil(extract(epoch FROM v_export.leased_until - clock_timestamp())));
    END IF;
    v_until := clock_timestamp() + p_seconds * interval '1 second';
    UPDATE exports SET
        status = 'running', lease = p_lease, leased_until = v_until,
        attempts = attempts + (lease IS DISTINCT FROM p_lease)::integer
    WHERE id = p_export;
    RETURN jsonb_build_object(
        'outcome', 'claimed',
        'user_id', v_export.user_id,
        'kind', v_export.kind,
        'format', v_export.format,
        'scope', v_export.scope,
        'filter', v_export.filter,
        'active', app.is_active_user(v_export.user_id)
    );
END
$$;

-- Keeps a lease for longer. False: it is lost.
CREATE FUNCTION api.renew_export_v1(p_export uuid, p_lease uuid, p_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
    UPDATE exports SET leased_until = clock_timestamp() + p_seconds * interval '1 second'
    WHERE id = p_export AND lease = p_lease AND status = 'running';
    RETURN FOUND;
END
$$;

-- Ends an export: with its file, which is kept for a week, or with an error. False: the lease is lost.
-- The event is of the same commit, and a second attempt finds what the first did.
CREATE FUNCTION api.finish_export_v1(
    p_export uuid, p_lease uuid, p_event uuid, p_rows bigint, p_bytes bigint, p_error text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_now    timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_export exports;
BEGIN
    SELECT * INTO v_export FROM exports WHERE id = p_export AND lease = p_lease FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF v_export.status <> 'running' THEN
        RETURN true;
    END IF;
    UPDATE exports SET
        status = CASE WHEN p_error IS NULL THEN 'completed' ELSE 'failed' END,
        leased_until = NULL, rows = p_rows, bytes = p_bytes, error = p_error, finished_at = v_now,
        expires_at = CASE WHEN p_error IS NULL THEN v_now + interval '7 days' END
    WHERE id = p_export
    RETURNING * INTO v_export;
    -- Nobody did it: the system did.
    PERFORM app.record_export(
        'export.' || v_export.status, v_export, 2, p_event, NULL,
        jsonb_build_object('status', jsonb_build_object('from', 'running', 'to', v_export.status))
    );
    RETURN true;
END
$$;

-- Writes down that exports have expired, of which the files are gone, and that those have failed that
-- nobody works on: their messages have died, with a worker or in an outage, and a queue keeps none for
-- longer than four days. Returns how many.
CREATE FUNCTION api.expire_exports_v1(p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_now     timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_expired integer;
    v_from    text;
    v_export  exports;
BEGIN
    UPDATE exports SET status = 'expired'
    WHERE id IN (
        SELECT id FROM exports WHERE status = 'completed' AND expires_at <= now()
        ORDER BY expires_at LIMIT p_most FOR NO KEY UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    FOR v_export IN
        SELECT * FROM exports
        WHERE status IN ('requested', 'running') AND requested_at < now() - interval '5 days'
            AND coalesce(leased_until, '-infinity') < now()
        ORDER BY requested_at LIMIT p_most FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        v_from := v_export.status;
        UPDATE exports SET
            status = 'failed', leased_until = NULL, finished_at = v_now,
            error = 'It could not be made in time. Please ask for it again.'
        WHERE id = v_export.id
        RETURNING * INTO v_export;
        PERFORM app.record_export(
            'export.failed', v_export, 2, app.new_id(), NULL,
            jsonb_build_object('status', jsonb_build_object('from', v_from, 'to', 'failed'))
        );
        v_expired := v_expired + 1;
    END LOOP;
    RETURN v_expired;
END
$$;
CREATE INDEX exports_unfinished ON exports (requested_at) WHERE status IN ('requested', 'running');

GRANT SELECT ON api.exports_v1 TO api_read;
GRANT EXECUTE ON FUNCTION api.export_json_v1 TO api_read;
GRANT EXECUTE ON FUNCTION api.create_export_v1 TO api_write;
GRANT EXECUTE ON FUNCTION
    api.claim_export_v1, api.renew_export_v1, api.finish_export_v1, api.expire_exports_v1 TO worker;

-- The worker reads what it exports page by page, from a reader if there is one. Whether a reader is far
-- enough shows in the lease: who sees that has seen whatever was committed before it.
GRANT USAGE ON SCHEMA app TO worker;
GRANT SELECT ON app.tasks TO worker;
GRANT SELECT (id, lease) ON app.exports TO worker;
GRANT EXECUTE ON FUNCTION api.task_json_v1, app.wire_time TO worker;
