-- Events on their way: out of the outbox, and once into each consumer.

-- The least UUIDv7 of a moment: what is partitioned by such ids is partitioned by time.
CREATE FUNCTION app.uuid_at(t timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN rpad(lpad(to_hex(floor(extract(epoch FROM t) * 1000)::bigint), 12, '0'), 32, '0')::uuid;

-- The partitions of a table that is partitioned by ids: this period's, those of `p_ahead` periods after
-- it, and the one before it, for events that are on their way when a period begins. A period is a week
-- (from Monday) or a month, in UTC. For migrations, which make a table; the job `partitions` goes on
-- without holding anybody up.
CREATE FUNCTION app.make_partitions(p_parent text, p_step text, p_ahead integer) RETURNS void
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
DECLARE
    v_now  timestamp := now() AT TIME ZONE 'UTC';
    v_step interval := ('1 ' || p_step)::interval;
    v_from timestamp;
BEGIN
    FOR i IN -1..p_ahead LOOP
        v_from := date_trunc(p_step, v_now) + i * v_step;
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS app.%I PARTITION OF app.%I FOR VALUES FROM (%L) TO (%L)',
            p_parent || '_p' || to_char(v_from, 'YYYYMMDD'),
            p_parent,
            app.uuid_at(v_from AT TIME ZONE 'UTC'),
            app.uuid_at((v_from + v_step) AT TIME ZONE 'UTC')
        );
    END LOOP;
END
$$;

-- Which events a consumer has dealt with. A row is written by the statement that has the effect.
CREATE TABLE inbox (
    consumer     text        NOT NULL,
    event_id     uuid        NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
) PARTITION BY RANGE (event_id);
SELECT app.make_partitions('inbox', 'week', 7);

-- One step of the relay, in one commit: what it has sent leaves, what was refused waits, and the next
-- events are lent to it.
--
-- An event is lent only if it is its task's oldest (the head of its line), and leaves only when it was
-- sent: so a task's events are sent in the order of their versions, however many relays there are. Who
-- does not come back within the lease loses what was lent; it is sent once more, and consumers know it by
-- its id. Nothing is ever dropped.
CREATE FUNCTION api.relay_v1(
    p_sent_ids uuid[], p_sent_versions bigint[],
    p_refused_ids uuid[], p_refused_versions bigint[],
    p_limit integer, p_lease_seconds integer
) RETURNS TABLE (aggregate_id uuid, aggregate_version bigint, attempts integer, age_seconds double precision, payload jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
#variable_conflict use_column
BEGIN
    DELETE FROM outbox AS o USING unnest(p_sent_ids, p_sent_versions) AS s (id, version)
    WHERE o.aggregate_id = s.id AND o.aggregate_version = s.version;

    -- The pause doubles up to five minutes; by chance, so that not all come back at once.
    UPDATE outbox AS o
    SET next_attempt_at = clock_timestamp()
        + least(2 ^ least(o.attempts, 9), 300) * (0.8 + 0.4 * random()) * interval '1 second'
    FROM unnest(p_refused_ids, p_refused_versions) AS r (id, version)
    WHERE o.aggregate_id = r.id AND o.aggregate_version = r.version;

    RETURN QUERY
    WITH lent AS MATERIALIZED (
        SELECT o.aggregate_id, o.aggregate_version FROM outbox AS o
        WHERE o.next_attempt_at <= clock_timestamp()
            AND NOT EXISTS (
                SELECT FROM outbox AS before
                WHERE before.aggregate_id = o.aggregate_id
                    AND before.aggregate_version < o.aggregate_version
            )
        ORDER BY o.created_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox AS o
    SET next_attempt_at = clock_timestamp() + p_lease_seconds * interval '1 second', attempts = o.attempts + 1
    FROM lent
    WHERE o.aggregate_id = lent.aggregate_id AND o.aggregate_version = lent.aggregate_version
    RETURNING
        o.aggregate_id, o.aggregate_version, o.attempts,
        extract(epoch FROM clock_timestamp() - o.created_at)::double precision, o.payload;
END
$$;

-- What waits in the outbox: how many (counted up to ten thousand), and for how long the oldest has.
CREATE FUNCTION api.outbox_v1() RETURNS TABLE (pending bigint, oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = app, pg_temp
BEGIN ATOMIC
    SELECT
        (SELECT count(*) FROM (SELECT FROM outbox LIMIT 10000) AS few),
        extract(epoch FROM clock_timestamp() - (SELECT min(created_at) FROM outbox))::double precision;
END;

GRANT EXECUTE ON FUNCTION api.relay_v1, api.outbox_v1 TO worker;
GRANT EXECUTE ON FUNCTION api.outbox_v1 TO api_read;
