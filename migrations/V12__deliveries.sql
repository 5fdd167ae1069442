-- Mails: who is told of an event, and who has been.

-- One row for each event, reader and channel. Whoever makes it, or takes it over, sends the mail.
CREATE TABLE deliveries (
    event_id    uuid        NOT NULL,
    user_id     uuid        NOT NULL,
    channel     text        NOT NULL CHECK (channel = 'email'),
    template    text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'skipped')),
    why         text,        -- it failed, was skipped, or is tried again
    holder      uuid,        -- who sends it; nobody while it waits for another attempt
    lease_until timestamptz, -- until then nobody else does
    attempts    integer     NOT NULL DEFAULT 1,
    provider_id text,        -- what the mail server calls it
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, user_id, channel),
    CHECK ((holder IS NULL) = (lease_until IS NULL)),
    CHECK (holder IS NULL OR state = 'sending')
) PARTITION BY RANGE (event_id);
SELECT app.make_partitions('deliveries', 'month', 7);

-- A point in time as a reader writes it: 31 Jan 2026, 10:30 (Europe/Berlin).
CREATE FUNCTION app.local_time(t timestamptz, p_zone text) RETURNS text
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    c_form CONSTANT text := 'FMDD Mon YYYY, HH24:MI';
BEGIN
    RETURN format('%s (%s)', to_char(t AT TIME ZONE p_zone, c_form), p_zone);
EXCEPTION WHEN invalid_parameter_value THEN
    -- A zone that this server has not heard of: its table is older than ours, or younger.
    RETURN format('%s (UTC)', to_char(t AT TIME ZONE 'UTC', c_form));
END
$$;

-- Whom an event may concern, and as what. An event can say several things of one task; who is concerned
-- for several reasons is told once, for the first of them: that they own it, that they have it now, that
-- they had it.
CREATE FUNCTION app.mail_readers(p_event jsonb) RETURNS TABLE (user_id uuid, template text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT DISTINCT ON (reason.reader) reason.reader, reason.template
    FROM (SELECT
        CASE p_event ->> 'event'
            WHEN 'task.created' THEN 'task_created'
            WHEN 'task.status_changed' THEN 'task_status_changed'
            WHEN 'task.completed' THEN 'task_completed'
            WHEN 'export.completed' THEN 'export_ready'
            WHEN 'export.failed' THEN 'export_failed'
        END AS template,
        p_event ->> 'event' IN ('task.status_changed', 'task.completed', 'task.assigned')
            AND p_event -> 'changed' ? 'assignee_id' AS handed_on
    ) AS news
    CROSS JOIN LATERAL (VALUES
        (1, p_event ->> 'ownerId', news.template),
        (2, p_event ->> 'assigneeId', CASE WHEN news.handed_on THEN 'task_assigned' ELSE news.template END),
        (3, p_event #>> '{changes,assignee_id,from}', CASE WHEN news.handed_on THEN 'task_unassigned' END)
    ) AS given (rank, id, template)
    CROSS JOIN LATERAL (SELECT given.id::uuid AS reader, given.template, given.rank) AS reason
    WHERE reason.reader IS NOT NULL AND reason.template IS NOT NULL
    ORDER BY reason.reader, reason.rank
$$;

-- Why somebody gets no mail after all, as things are now; null if they get it. The message that told of
-- the event may be days old: meanwhile its reader may have left, or lost the task.
CREATE FUNCTION app.mail_veto(p_template text, p_actor uuid, u app.users, t app.tasks) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN u.id IS NULL THEN 'unknown-user'
    WHEN NOT u.active THEN 'inactive'
    WHEN coalesce(u.email, '') = '' THEN 'no-address'
    WHEN u.preferences -> 'email' = 'false'
        OR u.preferences -> ('events.' || CASE p_template
            WHEN 'task_created' THEN 'task.created'
            WHEN 'task_status_changed' THEN 'task.status_changed'
            WHEN 'task_completed' THEN 'task.completed'
            WHEN 'task_assigned' THEN 'task.assigned'
            WHEN 'task_unassigned' THEN 'task.assigned'
            WHEN 'export_ready' THEN 'export.completed'
            WHEN 'export_failed' THEN 'export.completed'
        END) = 'false'
        THEN 'unwanted'
    WHEN u.id = p_actor AND u.preferences -> 'own_actions' = 'false' THEN 'own-action'
    WHEN p_template IN ('export_ready', 'export_failed') THEN NULL
    WHEN t.id IS NULL THEN 'gone'
    WHEN t.deleted_at IS NOT NULL THEN 'in-trash'
    WHEN p_template = 'task_unassigned'
        THEN CASE WHEN u.id = t.user_id OR u.id = t.assignee_id THEN 'still-theirs' END
    WHEN u.id = t.assignee_id OR (u.id = t.user_id AND p_template <> 'task_assigned') THEN NULL
    ELSE 'not-theirs'
END;

-- Decides who gets a mail about an event, and lends those mails to `p_holder`, to be sent. The answer names
-- every reader, with an outcome:
--
--   send      now, with the letter: all that the mail says and the event does not
--   leased    somebody else is sending it; after so many seconds it may be had
--   sent, failed, skipped   that was it
--
-- A holder that lost the answer asks again, and gets the same.
CREATE FUNCTION api.claim_mails_v1(p_event jsonb, p_holder uuid, p_lease_seconds integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    -- Nobody wants to hear of it so late, and no message lives so long. Its partition may be gone.
    c_oldest CONSTANT interval := '28 days';
    v_event  uuid := (p_event ->> 'id')::uuid;
    v_actor  users;
    v_task   tasks;
    v_reader record;
    v_user   users;
    v_why    text;
    v_row    deliveries;
    v_expiry timestamptz;
    v_answer jsonb := '[]';
BEGIN
    IF v_event < app.uuid_at(now() - c_oldest) THEN
        RETURN v_answer;
    END IF;
    SELECT * INTO v_actor FROM users WHERE id = (p_event ->> 'userId')::uuid;
    SELECT * INTO v_task FROM tasks WHERE id = (p_event ->> 'taskId')::uuid;
    IF p_event #>> '{subject,type}' = 'export' THEN
        -- The table comes later (V13), and before any such event.
        SELECT x.expires_at INTO v_expiry FROM exports AS x WHERE x.id = (p_event #>> '{subject,id}')::uuid;
    END IF;
    -- They come in the order of their ids, so that two workers with one event cannot deadlock.
    FOR v_reader IN SELECT * FROM app.mail_readers(p_event) LOOP
        SELECT * INTO v_user FROM users WHERE id = v_reader.user_id;
        v_why := app.mail_veto(v_reader.template, (p_event ->> 'userId')::uuid, v_user, v_task);
        INSERT INTO deliveries AS d (event_id, user_id, channel, template, state, why, holder, lease_until)
        VALUES (
            v_event, v_reader.user_id, 'email', v_reader.template,
            CASE WHEN v_why IS NULL THEN 'sending' ELSE 'skipped' END,
            v_why,
            CASE WHEN v_why IS NULL THEN p_holder END,
            CASE WHEN v_why IS NULL THEN clock_timestamp() + p_lease_seconds * interval '1 second' END
        )
        ON CONFLICT (event_id, user_id, channel) DO UPDATE SET
            state = excluded.state, why = excluded.why,
            holder = excluded.holder, lease_until = excluded.lease_until,
            attempts = d.attempts + 1, updated_at = clock_timestamp()
        WHERE d.state = 'sending'
            AND (d.holder IS NULL OR d.holder = p_holder OR d.lease_until <= clock_timestamp())
        RETURNING d.* INTO v_row;
        IF NOT FOUND THEN
            -- A statement of its own, which sees what has been committed while the one above waited.
            SELECT * INTO v_row FROM deliveries
            WHERE event_id = v_event AND user_id = v_reader.user_id AND channel = 'email';
        END IF;

        v_answer := v_answer || (jsonb_build_object(
            'user', v_row.user_id, 'template', v_row.template
        ) || CASE
            WHEN v_row.state <> 'sending' THEN jsonb_build_object('outcome', v_row.state, 'why', v_row.why)
            WHEN v_row.holder IS DISTINCT FROM p_holder THEN jsonb_build_object(
                'outcome', 'leased',
                'seconds', greatest(
                    0, ceil(extract(epoch FROM v_row.lease_until - clock_timestamp()))::integer
                )
            )
            ELSE jsonb_build_object('outcome', 'send', 'letter', jsonb_build_object(
                'template', v_row.template,
                'address', v_user.email,
                'name', coalesce(nullif(v_user.name, ''), v_user.username),
                'actor', coalesce(nullif(v_actor.name, ''), v_actor.username),
                'own', coalesce(v_user.id = v_actor.id, false),
                'at', app.local_time((p_event ->> 'at')::timestamptz, v_user.time_zone),
                'due_at', app.local_time((p_event #>> '{task,due_at}')::timestamptz, v_user.time_zone),
                'expires_at', app.local_time(v_expiry, v_user.time_zone)
            ))
        END);
    END LOOP;
    RETURN v_answer;
END
$$;

-- Says what became of a mail: 'sent', 'failed' (it never will be), or 'released' (another attempt may do).
-- Sent is sent, whoever holds it by now; the others are for the holder to say.
CREATE FUNCTION api.mark_mail_v1(
    p_event uuid, p_user uuid, p_holder uuid, p_outcome text, p_why text, p_provider_id text
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp
BEGIN ATOMIC
    UPDATE deliveries SET
        state = CASE p_outcome WHEN 'released' THEN 'sending' ELSE p_outcome END,
        why = p_why, provider_id = p_provider_id,
        holder = NULL, lease_until = NULL, updated_at = clock_timestamp()
    WHERE event_id = p_event AND user_id = p_user AND channel = 'email'
        AND CASE p_outcome WHEN 'sent' THEN state <> 'sent' ELSE state = 'sending' AND holder = p_holder END;
END;

GRANT EXECUTE ON FUNCTION api.claim_mails_v1, api.mark_mail_v1 TO worker;
