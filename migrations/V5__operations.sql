-- What every mutation shares: its operation, its idempotency key, and its answer.
--
-- A mutation answers with one JSON object. `outcome` says what came of it:
--   done          it is committed; `entity` is the answer
--   replayed      an earlier request with this key did it; `entity` is its answer
--   key-reused    the key was used for another request
--   missing       there is no such thing, or the caller may not know of it
--   outdated      the condition names another version than `version`
--   forbidden     the caller would need the permission `required`
--   unknown-user  the field `field` names nobody who is known and active
--   conflict      the thing is not in a state that allows this
--   revoked, disabled    the caller's token does not count any more

CREATE TYPE app.operation AS (
    op          uuid, -- names the request: further attempts carry the same, and find what it did
    event       uuid,
    key         text, -- the client's idempotency key, if it sent one
    fingerprint text, -- of the request, in hex
    request_id  text,
    traceparent text
);

-- Takes the key of an operation: NULL means that the work is to be done, anything else is the answer
-- to a request that was made before.
--
-- The record is written before the work, by a statement that always touches the row: a twin waits for
-- the first to commit and then sees its record. (`DO NOTHING` and a SELECT in one statement share a
-- snapshot and miss the row that the twin has just committed.)
CREATE FUNCTION app.claim_key(p_user uuid, o app.operation, p_status integer, p_entity jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
DECLARE
    v_fingerprint bytea := decode(o.fingerprint, 'hex');
    v_key         record;
BEGIN
    IF o.key IS NULL THEN
        RETURN NULL;
    END IF;
    -- The words `idempotency key` tell the caller whose lock a lock timeout waited for.
    INSERT /* idempotency key */ INTO idempotency AS i
        (user_id, key, fingerprint, op_id, status, response, expires_at)
    VALUES (p_user, o.key, v_fingerprint, o.op, p_status, p_entity, now() + interval '24 hours')
    ON CONFLICT (user_id, key) DO UPDATE SET
        hits        = CASE WHEN i.expires_at <= now() THEN 0 ELSE i.hits + 1 END,
        fingerprint = CASE WHEN i.expires_at <= now() THEN excluded.fingerprint ELSE i.fingerprint END,
        op_id       = CASE WHEN i.expires_at <= now() THEN excluded.op_id ELSE i.op_id END,
        status      = CASE WHEN i.expires_at <= now() THEN excluded.status ELSE i.status END,
        response    = CASE WHEN i.expires_at <= now() THEN excluded.response ELSE i.response END,
        expires_at  = CASE WHEN i.expires_at <= now() THEN excluded.expires_at ELSE i.expires_at END
    RETURNING i.hits, i.op_id, i.fingerprint, i.response INTO v_key;
    RETURN CASE
        WHEN v_key.hits = 0 THEN NULL
        WHEN v_key.op_id = o.op THEN jsonb_build_object('outcome', 'done', 'entity', v_key.response)
        WHEN v_key.fingerprint = v_fingerprint
            THEN jsonb_build_object('outcome', 'replayed', 'entity', v_key.response)
        ELSE jsonb_build_object('outcome', 'key-reused')
    END;
END
$$;

-- The answer to a request that did its work; its key remembers it.
CREATE FUNCTION app.done(p_user uuid, o app.operation, p_status integer, p_entity jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
BEGIN
    IF o.key IS NOT NULL THEN
        UPDATE idempotency SET status = p_status, response = p_entity
        WHERE user_id = p_user AND key = o.key;
    END IF;
    RETURN jsonb_build_object('outcome', 'done', 'entity', p_entity);
END
$$;

-- The answer to a request that is refused; its key stays free for the corrected one.
CREATE FUNCTION app.refused(p_user uuid, o app.operation, p_answer jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = app, pg_temp AS $$
BEGIN
    IF o.key IS NOT NULL THEN
        DELETE FROM idempotency WHERE user_id = p_user AND key = o.key;
    END IF;
    RETURN p_answer;
END
$$;

-- Whether somebody can be given a task.
CREATE FUNCTION app.is_active_user(p_user uuid) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM app.users WHERE id = p_user AND active);
