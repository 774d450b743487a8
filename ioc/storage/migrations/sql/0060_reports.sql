-- Reports as they were made: what a leader held in his hand stays to be read, whatever is learned afterwards.

CREATE TABLE ioc.report (
    kind     text NOT NULL CHECK (kind IN ('day', 'week', 'month')),
    first    date NOT NULL,
    last     date NOT NULL,
    unit     text NOT NULL,
    language text NOT NULL CHECK (language IN ('vi', 'en')),
    made_at  timestamptz NOT NULL,
    version  text NOT NULL,
    pdf      bytea NOT NULL,
    workbook bytea NOT NULL,
    PRIMARY KEY (unit, kind, first, language)
);
