-- De-identified counts as they were first given, never changed: what a second edition would show beside the first is small.

CREATE TABLE ioc.disclosure_edition (
    -- first day of the month in which the dossiers were accepted, by their unit's clock
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    -- dossiers of the district, or of the units outside it
    in_district boolean NOT NULL,
    smallest    int NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (month, in_district)
);

-- A group counts the dossiers that have the values of its first (depth) dimensions: unit, procedure, channel, outcome; those
-- that a deeper group shows are in that group only.
CREATE TABLE ioc.disclosure_group (
    month       date NOT NULL,
    in_district boolean NOT NULL,
    depth       smallint NOT NULL CHECK (depth BETWEEN 0 AND 4),
    unit        text,
    procedure   text,
    channel     text,
    outcome     text,
    dossiers    bigint NOT NULL CHECK (dossiers > 0),
    FOREIGN KEY (month, in_district) REFERENCES ioc.disclosure_edition,
    UNIQUE NULLS NOT DISTINCT (month, in_district, depth, unit, procedure, channel, outcome)
);

-- Orders what is hidden beside small groups. Whoever knows it learns nothing but that order.
CREATE TABLE ioc.disclosure_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    key      bytea NOT NULL CHECK (length(key) = 32)
);
