-- The idempotent insert that many systems use, and that loses the answer of a racing twin (F1):
-- ON CONFLICT DO NOTHING, and a SELECT for the record of the other, in one statement. Both halves see
-- the snapshot of the statement's start, in which the twin's record is not there yet, so that the twin
-- takes the key for its own. Without a rival, and for its replay, it is as good as the good form.
CREATE OR REPLACE FUNCTION app.claim_key(
    p_user uuid, o app.operation, p_status integer, p_entity jsonb
) RETURNS jsonb
LANGUAGE sql SET search_path = app, pg_temp AS $$
    WITH record AS (
        INSERT INTO idempotency (user_id, key, fingerprint, op_id, status, response, expires_at)
        SELECT p_user, o.key, decode(o.fingerprint, 'hex'), o.op, p_status, p_entity,
            now() + interval '24 hours'
        WHERE o.key IS NOT NULL
        ON CONFLICT (user_id, key) DO NOTHING
        RETURNING op_id
    )
    SELECT CASE
        WHEN fingerprint = decode(o.fingerprint, 'hex')
            THEN jsonb_build_object('outcome', 'replayed', 'entity', response)
        ELSE jsonb_build_object('outcome', 'key-reused')
    END
    FROM idempotency
    WHERE user_id = p_user AND key = o.key AND NOT EXISTS (SELECT FROM record)
$$;
