-- What somebody's work is; what he may see is limited by his unit beside it.
ALTER TABLE ioc.reader ADD COLUMN role text NOT NULL DEFAULT 'viewer'
    CHECK (role IN ('viewer', 'planner', 'operator', 'leader', 'admin'));
-- Those who were there could do everything that a name was asked for.
UPDATE ioc.reader SET role = CASE WHEN name IN ('admin', 'system') THEN 'admin' ELSE 'operator' END WHERE name <> 'guest';

-- Browsers that a reader logged in with. The cookie's secret is kept nowhere: of it there is only SHA-256.
CREATE TABLE ioc.session (
    session_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest     bytea NOT NULL UNIQUE,
    reader     text NOT NULL REFERENCES ioc.reader (name) ON DELETE CASCADE,
    made_at    timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    agent      text NOT NULL DEFAULT ''
);
CREATE INDEX session_reader ON ioc.session (reader, seen_at DESC);
CREATE INDEX session_expires ON ioc.session (expires_at);
