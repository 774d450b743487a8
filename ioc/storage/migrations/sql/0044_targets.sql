-- What indicators should reach: per unit and period, as the district pack says.
CREATE TABLE ioc.kpi_target (
    kpi        text NOT NULL,
    -- empty: for every unit
    unit_code  text NOT NULL DEFAULT '',
    valid_from date NOT NULL DEFAULT '0001-01-01',
    valid_to   date,
    value      double precision NOT NULL,
    -- worse than the target and not worse than this is near it; null: there is no such band
    warning    double precision,
    -- reached only beyond the value, not at it
    strict     boolean NOT NULL DEFAULT false,
    -- dimension for whose every value the target holds as well
    each       text,
    certainty  text NOT NULL,
    PRIMARY KEY (kpi, unit_code, valid_from)
);
