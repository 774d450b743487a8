-- Agency names as one-stop systems write them, and the names that no row of the pack explains.

CREATE TABLE ioc.agency (
    -- the name without case and superfluous blanks: what names are compared by
    key        text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    -- the system that writes it so; empty: every system
    scheme     text NOT NULL DEFAULT '',
    name       text NOT NULL,
    unit_code  text NOT NULL,
    valid_from date NOT NULL DEFAULT '0001-01-01',
    valid_to   date,
    PRIMARY KEY (key, scheme, valid_from)
);

-- The key '' counts the names beyond the limit together.
CREATE TABLE ioc.agency_unmapped (
    key        text PRIMARY KEY CHECK (length(key) <= 200),
    name       text NOT NULL,
    seen       bigint NOT NULL CHECK (seen > 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL
);
