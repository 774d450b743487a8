-- What the national portal published of the index of Decision 766: facts, each with when it was published and when we learned it.

CREATE TABLE ioc.index766_fact (
    fact_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id      int NOT NULL REFERENCES ioc.unit,
    -- first day of the month that is scored
    month        date NOT NULL CHECK (extract(day FROM month) = 1),
    component    text NOT NULL CHECK (length(component) BETWEEN 1 AND 100),
    -- what was published: points, a share by its two counts, or both; nothing of them takes an earlier figure back
    points       double precision CHECK (points BETWEEN 0 AND 100),
    numerator    double precision CHECK (numerator >= 0),
    denominator  double precision CHECK (denominator >= numerator),
    published_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    source_id    int NOT NULL REFERENCES ioc.source,
    CHECK ((numerator IS NULL) = (denominator IS NULL))
);
CREATE INDEX index766_fact_place ON ioc.index766_fact (unit_id, month, component, published_at DESC, recorded_at DESC);
