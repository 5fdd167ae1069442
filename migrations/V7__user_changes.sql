-- Every change of a user: what an administrator decides, and what users set for themselves.

-- Deactivates or reactivates an account. Nobody deactivates their own: who would let them in again?
CREATE FUNCTION api.update_user_v1(
    p_caller jsonb, p_operation jsonb, p_user uuid, p_active boolean
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_user     users;
    v_type     text := CASE WHEN p_active THEN 'user.reactivated' ELSE 'user.deactivated' END;
    v_answer   jsonb;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_answer := app.claim_key(c.id, o, 200, '{}');
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;

    SELECT * INTO v_user FROM users WHERE id = p_user FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN app.refused(c.id, o, '{"outcome": "missing"}');
    END IF;
    IF p_user = c.id AND NOT p_active THEN
        RETURN app.refused(c.id, o, '{"outcome": "conflict"}');
    END IF;
    -- Also what a second attempt of this same request finds.
    IF v_user.active = p_active THEN
        RETURN app.done(c.id, o, 200, api.user_json_v1(v_user));
    END IF;

    UPDATE users SET active = p_active, version = version + 1 WHERE id = p_user RETURNING * INTO v_user;
    INSERT INTO outbox (aggregate_id, aggregate_version, id, type, payload)
    VALUES (v_user.id, v_user.version, o.event, v_type, jsonb_build_object(
        'event', v_type,
        'taskId', NULL,
        'userId', c.id,
        'at', app.wire_time(clock_timestamp()),
        'id', o.event,
        'schema', 1,
        'version', v_user.version,
        'ownerId', NULL,
        'assigneeId', NULL,
        'changed', jsonb_build_array('active'),
        'changes', jsonb_build_object(
            'active', jsonb_build_object('from', NOT p_active, 'to', p_active)
        ),
        'task', NULL,
        'subject', jsonb_build_object('type', 'user', 'id', v_user.id),
        'requestId', o.request_id,
        'traceparent', o.traceparent
    ));
    RETURN app.done(c.id, o, 200, api.user_json_v1(v_user));
END
$$;

-- Sets what the caller prefers. `p_preferences` holds what is set, by its path; null goes back to the
-- default. A time zone of NULL stays as it is.
CREATE FUNCTION api.update_me_v1(
    p_caller jsonb, p_operation jsonb, p_preferences jsonb, p_time_zone text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    o          operation := jsonb_populate_record(NULL::operation, p_operation);
    v_standing text := api.greet_v1(p_caller);
    v_user     users;
    v_answer   jsonb;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    v_answer := app.claim_key(c.id, o, 200, '{}');
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    UPDATE users SET
        preferences = jsonb_strip_nulls(preferences || p_preferences),
        time_zone = coalesce(p_time_zone, time_zone)
    WHERE id = c.id
    RETURNING * INTO v_user;
    RETURN app.done(c.id, o, 200, app.me_json(v_user, c));
END
$$;

GRANT EXECUTE ON FUNCTION api.update_user_v1, api.update_me_v1 TO api_write;
