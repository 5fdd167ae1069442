-- Who calls. Every function takes the caller as one JSON object, which is read by its field names:
-- a field that is added here needs no new signature.

CREATE TYPE app.caller AS (
    id          uuid,
    session     text,        -- a service account has none
    issued_at   timestamptz, -- of the token
    username    text,
    name        text,
    email       text,
    roles       text[],
    permissions text[]
);

-- Counts what was done to an account here: each event about it has a version of its own.
ALTER TABLE users ADD COLUMN version bigint NOT NULL DEFAULT 0;

CREATE INDEX users_by_name ON users ((username COLLATE "C"), id);
CREATE INDEX users_words ON users
    USING gin (username gin_trgm_ops, name gin_trgm_ops, email gin_trgm_ops);

-- Makes the caller known, and says how they stand: 'good', 'revoked' (the session, or everything of
-- the user up to a time, was logged out) or 'disabled' (the account is deactivated).
--
-- The first sight of a token makes the user's row; later ones refresh it when the token says
-- something new, and every five minutes. What a token does not say (a client may ask for less) stays as
-- it is. A refresh does not wait for whoever holds the row: the next request can do it.
CREATE FUNCTION api.greet_v1(p_caller jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    -- No name is so long; an index entry could not hold one that is much longer.
    c_longest CONSTANT integer := 255;
    c      caller := jsonb_populate_record(NULL::caller, p_caller);
    v_user users;
BEGIN
    IF EXISTS (SELECT FROM revocations WHERE session_id = c.session)
        OR EXISTS (
            SELECT FROM revocations
            WHERE user_id = c.id AND session_id IS NULL AND not_before >= c.issued_at
        )
    THEN
        RETURN 'revoked';
    END IF;

    SELECT * INTO v_user FROM users WHERE id = c.id;
    IF NOT FOUND THEN
        INSERT INTO users (id, username, name, email, roles)
        VALUES (
            -- Everybody has a name to be listed by.
            c.id, left(coalesce(c.username, c.id::text), c_longest), left(c.name, c_longest),
            left(c.email, c_longest), c.roles
        )
        ON CONFLICT (id) DO NOTHING;
        RETURN 'good';
    END IF;
    IF NOT v_user.active THEN
        RETURN 'disabled';
    END IF;
    c.username := coalesce(left(c.username, c_longest), v_user.username);
    c.name := coalesce(left(c.name, c_longest), v_user.name);
    c.email := coalesce(left(c.email, c_longest), v_user.email);
    IF v_user.last_seen_at < now() - interval '5 minutes'
        OR (v_user.username, v_user.name, v_user.email, v_user.roles)
            IS DISTINCT FROM (c.username, c.name, c.email, c.roles)
    THEN
        UPDATE users SET
            username = c.username, name = c.name, email = c.email, roles = c.roles,
            last_seen_at = now()
        WHERE id = (SELECT id FROM users WHERE id = c.id FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    RETURN 'good';
END
$$;

-- A user as the API shows it to those who manage users.
CREATE FUNCTION api.user_json_v1(u app.users) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'id', u.id,
    'username', u.username,
    'name', u.name,
    'email', u.email,
    'roles', u.roles,
    'active', u.active,
    'last_seen_at', app.wire_time(u.last_seen_at)
);

-- The users as those who search for one may read them: not with what they prefer.
CREATE VIEW api.users_v1 AS
SELECT u.id, u.username, u.name, u.email, u.active, api.user_json_v1(u) AS json FROM users AS u;

-- A user as they see themselves. `preferences` holds what differs from the defaults.
CREATE FUNCTION app.me_json(u app.users, c app.caller) RETURNS jsonb
LANGUAGE sql STABLE
RETURN api.user_json_v1(u) || jsonb_build_object(
    'permissions', c.permissions,
    'preferences', u.preferences,
    'time_zone', u.time_zone
);

-- The caller. outcome: done · revoked · disabled
CREATE FUNCTION api.me_v1(p_caller jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
    c          caller := jsonb_populate_record(NULL::caller, p_caller);
    v_standing text := api.greet_v1(p_caller);
    v_user     users;
BEGIN
    IF v_standing <> 'good' THEN
        RETURN jsonb_build_object('outcome', v_standing);
    END IF;
    SELECT * INTO v_user FROM users WHERE id = c.id;
    RETURN jsonb_build_object('outcome', 'done', 'entity', app.me_json(v_user, c));
END
$$;

GRANT EXECUTE ON FUNCTION api.greet_v1 TO api_read, api_write;
GRANT EXECUTE ON FUNCTION api.me_v1, api.user_json_v1 TO api_read;
GRANT SELECT ON api.users_v1 TO api_read;
