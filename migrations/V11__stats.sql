-- Counts of what happened, kept by the worker of the analytics queue.
--
-- Every event adds to them, and nothing is ever set: so they come out the same in whatever order the
-- events arrive. They begin at zero, and all events that were ever written are still on their way.

-- What happened to somebody's tasks on a day (UTC).
CREATE TABLE daily_stats (
    user_id   uuid   NOT NULL, -- who owned the task after the event
    day       date   NOT NULL,
    created   bigint NOT NULL DEFAULT 0,
    completed bigint NOT NULL DEFAULT 0,
    deleted   bigint NOT NULL DEFAULT 0,
    restored  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day)
) WITH (fillfactor = 70);
CREATE INDEX daily_stats_day ON daily_stats (day, user_id);

-- The same of everybody: adding up all users would take longer the more there are.
CREATE TABLE daily_totals (
    day       date   PRIMARY KEY,
    created   bigint NOT NULL DEFAULT 0,
    completed bigint NOT NULL DEFAULT 0,
    deleted   bigint NOT NULL DEFAULT 0,
    restored  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- How many live tasks everybody has in each status, and the newest event that was counted; at first, what
-- was there before the oldest that was not.
CREATE TABLE status_totals (
    status text        PRIMARY KEY CHECK (status IN ('pending', 'in_progress', 'completed', 'rejected')),
    tasks  bigint      NOT NULL,
    newest timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO status_totals (status, tasks, newest)
SELECT status, 0, coalesce((SELECT min(created_at) FROM outbox), now())
FROM unnest(ARRAY['pending', 'in_progress', 'completed', 'rejected']) AS status;

-- What is open and due, of everybody. `version > 0` is always true, and keeps the planner from taking
-- this index for the tasks of one person (see V3).
CREATE INDEX tasks_open_due ON tasks (due_at)
    WHERE status IN ('pending', 'in_progress') AND due_at IS NOT NULL AND deleted_at IS NULL
        AND version > 0;

-- What an event about a task counts as, on its day. A restored task was neither created nor completed
-- again. (No settings of their own: then these two become a part of what calls them.)
CREATE FUNCTION app.counts_as(p_event text, p_status text)
RETURNS TABLE (created integer, completed integer, deleted integer, restored integer)
LANGUAGE sql IMMUTABLE AS $$
    SELECT
        (p_event = 'task.created')::int,
        (p_event = 'task.completed' OR p_event = 'task.created' AND p_status = 'completed')::int,
        (p_event = 'task.deleted')::int,
        (p_event = 'task.restored')::int
$$;

-- Which numbers of live tasks it changes: `p_status` is the status after it, `p_from` the one before, if
-- that is another.
CREATE FUNCTION app.moves(p_event text, p_status text, p_from text)
RETURNS TABLE (status text, tasks integer)
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_status, CASE WHEN p_event = 'task.deleted' THEN -1 ELSE 1 END
    WHERE p_event IN (
        'task.created', 'task.status_changed', 'task.completed', 'task.deleted', 'task.restored'
    )
    UNION ALL
    SELECT p_from, -1 WHERE p_event IN ('task.status_changed', 'task.completed')
$$;

-- Counts a batch of envelopes, each event once: those that are in the inbox already are not counted again.
-- `counted`: how many were. `too_old`: how many are older than what the inbox remembers; they are done
-- with, for nobody could tell whether they were counted.
--
-- Inbox and counts are one statement, so they are true together or not at all. Each table is written in the
-- order of its key, and the tables in the same order: so two batches cannot deadlock.
CREATE FUNCTION api.count_events_v1(p_events jsonb, OUT counted bigint, OUT too_old bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_oldest uuid := coalesce(app.oldest_kept('inbox'), '00000000-0000-0000-0000-000000000000');
BEGIN
    WITH batch AS MATERIALIZED (
        SELECT DISTINCT ON (e.id)
            e.id, e.event, e."ownerId" AS owner, e.at, e.task ->> 'status' AS status,
            e.changes #>> '{status,from}' AS from_status
        FROM jsonb_to_recordset(p_events) AS e (
            id uuid, event text, "ownerId" uuid, at timestamptz, task jsonb, changes jsonb
        )
        ORDER BY e.id
    ), seen AS (
        INSERT INTO inbox (consumer, event_id)
        SELECT 'analytics', id FROM batch WHERE id >= v_oldest ORDER BY id
        ON CONFLICT DO NOTHING
        RETURNING event_id
    ), fresh AS MATERIALIZED (
        SELECT batch.* FROM batch JOIN seen ON seen.event_id = batch.id
    ), days AS MATERIALIZED (
        SELECT
            f.owner, (f.at AT TIME ZONE 'UTC')::date AS day, sum(c.created) AS created,
            sum(c.completed) AS completed, sum(c.deleted) AS deleted, sum(c.restored) AS restored
        FROM fresh AS f, app.counts_as(f.event, f.status) AS c
        WHERE c.created + c.completed + c.deleted + c.restored > 0
        GROUP BY 1, 2
    ), of_users AS (
        INSERT INTO daily_stats AS s (user_id, day, created, completed, deleted, restored)
        SELECT owner, day, created, completed, deleted, restored FROM days ORDER BY owner, day
        ON CONFLICT (user_id, day) DO UPDATE SET
            created   = s.created + excluded.created,
            completed = s.completed + excluded.completed,
            deleted   = s.deleted + excluded.deleted,
            restored  = s.restored + excluded.restored
    ), of_all AS (
        INSERT INTO daily_totals AS s (day, created, completed, deleted, restored)
        SELECT day, sum(created), sum(completed), sum(deleted), sum(restored)
        FROM days GROUP BY day ORDER BY day
        ON CONFLICT (day) DO UPDATE SET
            created   = s.created + excluded.created,
            completed = s.completed + excluded.completed,
            deleted   = s.deleted + excluded.deleted,
            restored  = s.restored + excluded.restored
    ), of_statuses AS (
        INSERT INTO status_totals AS s (status, tasks, newest)
        SELECT m.status, sum(m.tasks), max(f.at)
        FROM fresh AS f, app.moves(f.event, f.status, f.from_status) AS m
        GROUP BY m.status ORDER BY m.status
        ON CONFLICT (status) DO UPDATE SET
            tasks  = s.tasks + excluded.tasks,
            newest = greatest(s.newest, excluded.newest)
    )
    SELECT
        (SELECT count(*) FROM seen),
        (SELECT count(*) FROM batch WHERE id < v_oldest)
    INTO counted, too_old;
END
$$;

-- What a day's counts should be, by the audit, and are: `drift` says where they differ, in examples, and
-- `drifted` how often. What differs is put right if that is safe (`corrected`).
--
-- Only events are looked at that the inbox holds: what was counted and what the inbox says was counted
-- are one commit, so in the snapshot of one statement they must agree, whatever the worker does at the
-- same time. What it counts after the snapshot it adds to its rows, and the correction is added to them,
-- too: neither takes the other's away, so both may run at once. Two corrections of the same day may not:
-- each waits for the other, and then looks anew.
--
-- An event that was counted but is not in the audit yet (`unaudited`) might be of that day: then nothing is
-- put right. One that is in the audit and was not counted (`uncounted`) is on its way, or lies with the dead
-- letters: it is counted when it arrives, and not here.
CREATE FUNCTION api.recount_day_v1(p_day date) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_from   timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
    v_to     timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
    -- Ids are by the clocks of the functions, times by that of the database.
    v_least  uuid := app.uuid_at(v_from - interval '1 hour');
    v_end    uuid := app.uuid_at(v_to + interval '1 hour');
    v_answer jsonb;
BEGIN
    IF v_least < greatest(app.oldest_kept('inbox'), app.oldest_kept('audit')) THEN
        RETURN jsonb_build_object('day', p_day, 'too_old', true);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('app.recount_day'), p_day - date '2000-01-01');

    WITH audited AS MATERIALIZED (
        SELECT a.id, a.event, a.owner_id, a.status, i.event_id IS NOT NULL AS counted
        FROM audit AS a
        LEFT JOIN inbox AS i ON i.consumer = 'analytics' AND i.event_id = a.id
            AND i.event_id >= v_least AND i.event_id < v_end
        WHERE a.id >= v_least AND a.id < v_end AND a.at >= v_from AND a.at < v_to
            AND a.event IN (
                'task.created', 'task.status_changed', 'task.completed', 'task.deleted', 'task.restored'
            )
    ), unaudited AS MATERIALIZED (
        SELECT count(*) AS n FROM inbox AS i
        WHERE i.consumer = 'analytics' AND i.event_id >= v_least AND i.event_id < v_end
            AND NOT EXISTS (SELECT FROM audit AS a WHERE a.id = i.event_id)
    ), expected AS MATERIALIZED (
        SELECT
            a.owner_id AS user_id, sum(c.created) AS created, sum(c.completed) AS completed,
            sum(c.deleted) AS deleted, sum(c.restored) AS restored
        FROM audited AS a, app.counts_as(a.event, a.status) AS c
        WHERE a.counted
        GROUP BY a.owner_id
    ), drift AS MATERIALIZED (
        SELECT
            user_id,
            coalesce(e.created, 0) - coalesce(s.created, 0) AS created,
            coalesce(e.completed, 0) - coalesce(s.completed, 0) AS completed,
            coalesce(e.deleted, 0) - coalesce(s.deleted, 0) AS deleted,
            coalesce(e.restored, 0) - coalesce(s.restored, 0) AS restored
        FROM expected AS e
        FULL JOIN (SELECT * FROM daily_stats WHERE day = p_day) AS s USING (user_id)
        UNION ALL
        -- Everybody's, under no name.
        SELECT
            NULL,
            coalesce(sum(e.created), 0) - coalesce(max(s.created), 0),
            coalesce(sum(e.completed), 0) - coalesce(max(s.completed), 0),
            coalesce(sum(e.deleted), 0) - coalesce(max(s.deleted), 0),
            coalesce(sum(e.restored), 0) - coalesce(max(s.restored), 0)
        FROM (SELECT) AS one
        LEFT JOIN expected AS e ON true
        LEFT JOIN daily_totals AS s ON s.day = p_day
    ), wrong AS MATERIALIZED (
        SELECT * FROM drift WHERE (created, completed, deleted, restored) <> (0, 0, 0, 0)
    ), of_users AS (
        INSERT INTO daily_stats AS s (user_id, day, created, completed, deleted, restored)
        SELECT w.user_id, p_day, w.created, w.completed, w.deleted, w.restored
        FROM wrong AS w, unaudited AS u
        WHERE w.user_id IS NOT NULL AND u.n = 0
        ORDER BY w.user_id
        ON CONFLICT (user_id, day) DO UPDATE SET
            created   = s.created + excluded.created,
            completed = s.completed + excluded.completed,
            deleted   = s.deleted + excluded.deleted,
            restored  = s.restored + excluded.restored
    ), of_all AS (
        INSERT INTO daily_totals AS s (day, created, completed, deleted, restored)
        SELECT p_day, w.created, w.completed, w.deleted, w.restored
        FROM wrong AS w, unaudited AS u
        WHERE w.user_id IS NULL AND u.n = 0
        ON CONFLICT (day) DO UPDATE SET
            created   = s.created + excluded.created,
            completed = s.completed + excluded.completed,
            deleted   = s.deleted + excluded.deleted,
            restored  = s.restored + excluded.restored
    )
    SELECT jsonb_build_object(
        'day', p_day,
        'events', (SELECT count(*) FROM audited WHERE counted),
        'uncounted', (SELECT count(*) FROM audited WHERE NOT counted),
        'unaudited', u.n,
        'drifted', (SELECT count(*) FROM wrong),
        'drift', to_jsonb(ARRAY(SELECT to_jsonb(w) FROM wrong AS w ORDER BY w.user_id LIMIT 10)),
        'corrected', u.n = 0 AND EXISTS (SELECT FROM wrong)
    )
    INTO v_answer FROM unaudited AS u;
    RETURN v_answer;
END
$$;

-- A day's counts as the API shows them.
CREATE FUNCTION app.day_json(p_day date, p_created bigint, p_completed bigint, p_deleted bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(
    'date', p_day, 'created', coalesce(p_created, 0), 'completed', coalesce(p_completed, 0),
    'deleted', coalesce(p_deleted, 0)
);

-- What somebody owns: as it is, and what happened on each of the days.
CREATE FUNCTION api.owned_stats_v1(p_user uuid, p_from date, p_to date) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_stats jsonb;
BEGIN
    SELECT jsonb_build_object(
        'by_status', jsonb_build_object(
            'pending', count(*) FILTER (WHERE status = 'pending'),
            'in_progress', count(*) FILTER (WHERE status = 'in_progress'),
            'completed', count(*) FILTER (WHERE status = 'completed'),
            'rejected', count(*) FILTER (WHERE status = 'rejected')
        ),
        'overdue', count(*) FILTER (
            WHERE status IN ('pending', 'in_progress') AND due_at < now()
        ),
        'due_next_7_days', count(*) FILTER (
            WHERE status IN ('pending', 'in_progress')
                AND due_at >= now() AND due_at < now() + interval '7 days'
        ),
        'as_of', app.wire_time(now())
    ) INTO v_stats
    FROM tasks WHERE user_id = p_user AND deleted_at IS NULL;
    RETURN v_stats || jsonb_build_object('daily', to_jsonb(ARRAY(
        SELECT app.day_json(d::date, s.created, s.completed, s.deleted)
        FROM generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') AS d
        LEFT JOIN daily_stats AS s ON s.user_id = p_user AND s.day = d::date
        ORDER BY d
    )));
END
$$;

-- The same of everybody, as far as it was counted (`as_of`). What is due is looked up: an hour changes it,
-- without any event.
CREATE FUNCTION api.all_stats_v1(p_from date, p_to date) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    v_stats jsonb;
BEGIN
    -- Of a task that came and went, the going may have been counted first.
    SELECT jsonb_build_object(
        'by_status', jsonb_object_agg(status, greatest(tasks, 0)),
        'as_of', app.wire_time(max(newest))
    ) INTO v_stats
    FROM status_totals;
    SELECT v_stats || jsonb_build_object(
        'overdue', count(*) FILTER (WHERE due_at < now()),
        'due_next_7_days', count(*) FILTER (WHERE due_at >= now())
    ) INTO v_stats
    FROM tasks
    WHERE status IN ('pending', 'in_progress') AND due_at < now() + interval '7 days'
        AND deleted_at IS NULL AND version > 0;
    RETURN v_stats || jsonb_build_object('daily', to_jsonb(ARRAY(
        SELECT app.day_json(d::date, s.created, s.completed, s.deleted)
        FROM generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') AS d
        LEFT JOIN daily_totals AS s ON s.day = d::date
        ORDER BY d
    )));
END
$$;

GRANT EXECUTE ON FUNCTION api.count_events_v1, api.recount_day_v1 TO worker;
GRANT EXECUTE ON FUNCTION api.owned_stats_v1, api.all_stats_v1 TO api_read;
