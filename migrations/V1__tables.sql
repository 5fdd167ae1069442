-- Everything the API keeps. Schema `app` holds the tables; `api` (V2) is what login roles may call.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Who has been seen. The identity provider owns the account; this is what we need to know of it.
CREATE TABLE users (
    id           uuid        PRIMARY KEY,
    username     text        NOT NULL,
    name         text,
    email        text,
    roles        text[]      NOT NULL DEFAULT '{}',
    active       boolean     NOT NULL DEFAULT true,
    preferences  jsonb       NOT NULL DEFAULT '{}',
    time_zone    text        NOT NULL DEFAULT 'UTC',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now()
);

-- Hash partitions by owner: a user's own list touches one of them. The key begins with the id, so
-- that a look-up by id alone is one index probe in each partition.
CREATE TABLE tasks (
    id           uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    title        text        NOT NULL CHECK (char_length(title) BETWEEN 1 AND 255),
    description  text        CHECK (char_length(description) <= 10000),
    status       text        NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'rejected')),
    priority     text        NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    due_at       timestamptz,
    labels       text[]      NOT NULL CHECK (cardinality(labels) <= 20),
    assignee_id  uuid,
    version      bigint      NOT NULL CHECK (version >= 1),
    -- The operation that made this version: a retry of it is recognised and not applied twice.
    last_op      uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    completed_at timestamptz CHECK ((completed_at IS NOT NULL) = (status = 'completed')),
    deleted_at   timestamptz,
    PRIMARY KEY (id, user_id)
) PARTITION BY HASH (user_id);

CREATE TABLE tasks_0 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE tasks_1 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE tasks_2 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE tasks_3 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE tasks_4 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE tasks_5 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE tasks_6 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE tasks_7 PARTITION OF tasks FOR VALUES WITH (MODULUS 8, REMAINDER 7);

CREATE INDEX tasks_owner_status ON tasks (user_id, status);
CREATE INDEX tasks_owner_newest ON tasks (user_id, created_at DESC, id DESC);
CREATE INDEX tasks_owner_active ON tasks (user_id, created_at DESC, id DESC)
    WHERE status IN ('pending', 'in_progress') AND deleted_at IS NULL;
CREATE INDEX tasks_status_newest ON tasks (status, created_at DESC, id DESC);
CREATE INDEX tasks_newest ON tasks (created_at DESC, id DESC);
CREATE INDEX tasks_assigned ON tasks (assignee_id, created_at DESC, id DESC)
    WHERE assignee_id IS NOT NULL;
CREATE INDEX tasks_title_words ON tasks USING gin (title gin_trgm_ops);

-- Per user: how often what they see has changed, and how many live tasks they own.
CREATE TABLE user_state (
    user_id    uuid   PRIMARY KEY,
    write_seq  bigint NOT NULL,
    task_count bigint NOT NULL
) WITH (fillfactor = 50);

-- What a request with an Idempotency-Key did. Exists if and only if its effect does.
CREATE TABLE idempotency (
    user_id     uuid        NOT NULL,
    key         text        NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    fingerprint bytea       NOT NULL,
    op_id       uuid        NOT NULL,
    status      integer     NOT NULL,
    response    jsonb       NOT NULL,
    hits        integer     NOT NULL DEFAULT 0,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
) WITH (fillfactor = 90);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Events on their way to the queues. The key allows one event per version of a task, and no second.
CREATE TABLE outbox (
    aggregate_id      uuid        NOT NULL,
    aggregate_version bigint      NOT NULL,
    id                uuid        NOT NULL,
    type              text        NOT NULL,
    payload           jsonb       NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    attempts          integer     NOT NULL DEFAULT 0,
    next_attempt_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (aggregate_id, aggregate_version)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX outbox_ready ON outbox (created_at, aggregate_id);

-- Logged-out sessions; without a session, all of a user's tokens up to a time. The key is the
-- logout token's own id, so that a token sent twice has one effect.
CREATE TABLE revocations (
    jti        text        PRIMARY KEY,
    user_id    uuid,
    session_id text,
    not_before timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (user_id IS NOT NULL OR session_id IS NOT NULL)
);
CREATE INDEX revocations_session ON revocations (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX revocations_user ON revocations (user_id) WHERE session_id IS NULL;
CREATE INDEX revocations_expiry ON revocations (expires_at);

-- The last good key set of an issuer: what a cold start uses while the issuer is down. It lies here
-- and not in Redis, because a cache must not be able to supply keys.
CREATE TABLE jwks (
    issuer  text        PRIMARY KEY,
    keys    text        NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);
