-- Keys of sending systems: of the secret only its SHA-256 is kept.

CREATE TABLE ioc.api_key (
    id               text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{12}$'),
    name             text NOT NULL,
    digest           bytea NOT NULL CHECK (length(digest) = 32),
    scopes           text[] NOT NULL CHECK (cardinality(scopes) > 0),
    -- what facts it may send; null does not limit
    sources          text[],
    topics           text[],
    units            text[],
    quota_per_minute int NOT NULL CHECK (quota_per_minute > 0),
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz,
    last_used_at     timestamptz,
    revoked_at       timestamptz
);

-- a revoked key's name may be given to its successor
CREATE UNIQUE INDEX api_key_name ON ioc.api_key (name) WHERE revoked_at IS NULL;
