-- Dossier facts, their projection, and the ledger from which every dossier indicator is summed.

CREATE TABLE ioc.dossier (
    dossier_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            text NOT NULL UNIQUE,
    unit_id         int NOT NULL REFERENCES ioc.unit,
    channel         text,
    field           text,
    procedure       text,
    status          int,
    received_at     timestamptz,
    original_due_at timestamptz,
    due_at          timestamptz,
    completed_at    timestamptz,
    withdrawn_at    timestamptz,
    step            text,
    newest_fact     timestamptz,
    facts           int NOT NULL DEFAULT 0,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dossier_unit ON ioc.dossier (unit_id, due_at) WHERE completed_at IS NULL AND withdrawn_at IS NULL;

-- A second code of the same dossier.
CREATE TABLE ioc.dossier_alias (
    alias text PRIMARY KEY,
    code  text NOT NULL
);

CREATE TABLE ioc.dossier_fact (
    dossier_id  bigint NOT NULL REFERENCES ioc.dossier,
    source_id   int NOT NULL REFERENCES ioc.source,
    id          text NOT NULL,
    time        timestamptz NOT NULL,
    sequence    text NOT NULL DEFAULT '',
    -- 1 recorded, 2 progressed, 3 apologised, 4 rated
    kind        smallint NOT NULL,
    recorded_at timestamptz NOT NULL,
    body        jsonb NOT NULL,
    PRIMARY KEY (dossier_id, source_id, id)
);

-- A distinct combination of dimensions.
CREATE TABLE ioc.dossier_series (
    series_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id   int NOT NULL REFERENCES ioc.unit,
    channel   text,
    field     text,
    procedure text,
    UNIQUE NULLS NOT DISTINCT (unit_id, channel, field, procedure)
);

-- Signed entries by effective time; corrections are further entries, so that any figure can be asked as of an earlier moment.
-- measure: see ioc/dossiers/ledger.py (1 received, 2 online, 3 completed, 4 on time, 5 withdrawn, 10 open, 11 overdue).
CREATE TABLE ioc.dossier_ledger (
    dossier_id   bigint NOT NULL,
    series_id    int NOT NULL,
    measure      smallint NOT NULL,
    delta        smallint NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);
CREATE INDEX dossier_ledger_dossier ON ioc.dossier_ledger (dossier_id);
CREATE INDEX dossier_ledger_measure ON ioc.dossier_ledger (measure, series_id, effective_at) INCLUDE (delta, recorded_at);
