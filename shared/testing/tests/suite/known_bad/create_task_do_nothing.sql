-- The idempotent insert that many systems use, and that loses the answer of a racing twin (F1):
-- ON CONFLICT DO NOTHING, and a SELECT for the record of the other, in one statement. Both halves see
-- the snapshot of the statement's start, in which the twin's record is not there yet. Everything else
-- is as in the good form: a create without a rival, and its replay, are faultless.
CREATE OR REPLACE FUNCTION api.create_task_v1(
    p_user uuid, p_session text, p_issued_at timestamptz,
    p_key text, p_fingerprint bytea,
    p_id uuid, p_title text, p_description text, p_status text, p_priority text,
    p_due_at timestamptz, p_labels text[], p_assignee uuid,
    p_event uuid, p_request_id text, p_traceparent text
) RETURNS TABLE (outcome text, task jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp AS $$
    WITH new AS (
        SELECT p_id AS id, p_user AS user_id, p_title AS title, p_description AS description,
            p_status AS status, p_priority AS priority, p_due_at AS due_at, p_labels AS labels,
            p_assignee AS assignee_id, 1::bigint AS version, p_id AS last_op,
            date_trunc('milliseconds', now()) AS created_at,
            date_trunc('milliseconds', now()) AS updated_at,
            NULL::timestamptz AS completed_at, NULL::timestamptz AS deleted_at
    ), record AS (
        INSERT INTO idempotency (user_id, key, fingerprint, op_id, status, response, expires_at)
        SELECT p_user, p_key, p_fingerprint, p_id, 201,
            api.task_json_v1(ROW(new.*)::tasks), now() + interval '24 hours'
        FROM new
        ON CONFLICT (user_id, key) DO NOTHING
        RETURNING response
    ), made AS (
        INSERT INTO tasks SELECT new.* FROM new, record
        RETURNING *
    ), counted AS (
        INSERT INTO user_state AS s SELECT user_id, 1, 1 FROM made
        ON CONFLICT (user_id) DO UPDATE SET
            write_seq = s.write_seq + 1, task_count = s.task_count + 1
    ), told AS (
        INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
        SELECT id, 1, p_event, 'task.created', '{}' FROM made
    )
    SELECT 'created', response FROM record
    UNION ALL
    SELECT 'replayed', response FROM idempotency WHERE user_id = p_user AND key = p_key
$$;
