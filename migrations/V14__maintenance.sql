-- What `maintenance` does on its schedules. Each function does one batch, in one commit, and can be
-- called as often as one likes: by two at a time, or again by somebody who lost the answer.

-- A new UUIDv7, by the database's clock: for events that no request asked for.
CREATE FUNCTION app.new_id() RETURNS uuid
LANGUAGE sql VOLATILE
-- Forty-eight bits of time before what is random; the version, which was 4, becomes 7.
RETURN encode(
    set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(
            floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
        ) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1),
    'hex'
)::uuid;

-- Who is at which job, until when at most, and what came of the last run.
CREATE TABLE jobs (
    name        text        PRIMARY KEY,
    run         text        NOT NULL, -- names who is at it, or was last
    lease_until timestamptz,          -- nobody is at it if there is none
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,          -- of the last run that came to its end
    outcome     jsonb                 -- of that run
);

-- Takes a job if nobody is at it, or keeps it for longer. A run that was killed has it until the lease
-- ends.
CREATE FUNCTION api.take_job_v1(p_name text, p_run text, p_lease_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    INSERT INTO jobs AS j (name, run, lease_until, started_at)
    VALUES (p_name, p_run, v_now + p_lease_seconds * interval '1 second', v_now)
    ON CONFLICT (name) DO UPDATE SET
        run = excluded.run, lease_until = excluded.lease_until, started_at = excluded.started_at
    WHERE j.lease_until IS NULL OR j.lease_until <= v_now OR j.run = p_run;
    RETURN FOUND;
END
$$;

-- Gives it back. A run that was too slow, and whose job somebody else has taken, changes nothing.
CREATE FUNCTION api.end_job_v1(p_name text, p_run text, p_outcome jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp
BEGIN ATOMIC
    UPDATE jobs SET lease_until = NULL, ended_at = clock_timestamp(), outcome = p_outcome
    WHERE name = p_name AND run = p_run;
END;

-- Removes tasks that have been in the trash for thirty days, each with its last event. Returns how many.
-- Counters stay as they are: they counted the task out when it went into the trash. One that somebody
-- holds at the moment, perhaps to take it out again, is left for the next time.
CREATE FUNCTION api.purge_tasks_v1(p_limit integer, p_request_id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_now   timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_count integer;
BEGIN
    WITH old AS MATERIALIZED (
        SELECT id, user_id FROM tasks
        WHERE deleted_at < v_now - interval '30 days'
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ),
    gone AS (
        DELETE FROM tasks AS t USING old WHERE t.id = old.id AND t.user_id = old.user_id
        RETURNING t
    ),
    last_version AS (
        SELECT
            app.new_id() AS event,
            jsonb_populate_record(
                gone.t, jsonb_build_object('version', (gone.t).version + 1, 'updated_at', v_now)
            ) AS t
        FROM gone
    )
    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    SELECT
        (l.t).id, (l.t).version, l.event, 'task.purged',
        app.task_event('task.purged', l.t, NULL, l.event, '{}', '{}', p_request_id, NULL)
    FROM last_version AS l;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- Removes records of idempotency keys that are over. Returns how many. A key that is being used again
-- is left alone.
CREATE FUNCTION api.purge_keys_v1(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency WHERE expires_at < now() LIMIT p_limit FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- Removes revocations of tokens that have expired by themselves. Returns how many.
CREATE FUNCTION api.purge_revocations_v1(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM revocations WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM revocations WHERE expires_at < now() LIMIT p_limit FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

GRANT EXECUTE ON FUNCTION api.take_job_v1, api.end_job_v1, api.purge_tasks_v1, api.purge_keys_v1,
    api.purge_revocations_v1 TO worker;
