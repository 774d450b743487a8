-- Who asked what: single dossiers and exports. Filters hold codes and names of the district's own vocabulary, never what
-- somebody typed.
CREATE TABLE ioc.access_log (
    access_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    reader    text NOT NULL,
    what      text NOT NULL,
    filters   jsonb NOT NULL DEFAULT '{}',
    -- null until the answer has gone out
    rows      bigint,
    outcome   text CHECK (outcome IN ('given', 'broken off', 'failed')),
    took_ms   bigint
);
CREATE INDEX access_log_at ON ioc.access_log (at);

-- Questions by name. A shared one may be asked by every reader, each within what he may see.
CREATE TABLE ioc.question (
    reader     text NOT NULL REFERENCES ioc.reader (name) ON UPDATE CASCADE ON DELETE CASCADE,
    name       text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title      text NOT NULL DEFAULT '' CHECK (length(title) <= 200),
    asked      jsonb NOT NULL,
    shared     boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reader, name)
);
CREATE UNIQUE INDEX question_shared ON ioc.question (name) WHERE shared;

-- Pages of dossiers, newest first.
CREATE INDEX dossier_received ON ioc.dossier (unit_id, received_at, dossier_id);
