-- What connectors say about themselves: the newest report of each, and every change of state.

CREATE TABLE ioc.connector (
    connector_id     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text NOT NULL,
    -- the machine it runs on
    source_id        int NOT NULL REFERENCES ioc.source,
    time             timestamptz NOT NULL,
    report_id        text NOT NULL,
    recorded_at      timestamptz NOT NULL,
    state            text NOT NULL CHECK (state IN ('ok', 'failing', 'spooling', 'full', 'stopped')),
    since            timestamptz NOT NULL,
    reason           text,
    sources          int NOT NULL,
    failing          int NOT NULL,
    failing_sources  jsonb NOT NULL,
    spooled_events   bigint NOT NULL,
    spooled_bytes    bigint NOT NULL,
    oldest_spooled_s double precision,
    interval_s       double precision NOT NULL,
    UNIQUE (name, source_id)
) WITH (fillfactor = 50);

CREATE TABLE ioc.connector_change (
    connector_id   int NOT NULL REFERENCES ioc.connector,
    time           timestamptz NOT NULL,
    report_id      text NOT NULL,
    recorded_at    timestamptz NOT NULL,
    state          text NOT NULL,
    reason         text,
    sources        int NOT NULL,
    failing        int NOT NULL,
    spooled_events bigint NOT NULL,
    PRIMARY KEY (connector_id, time, report_id)
);

-- The state that holds now: who was silent for three intervals is unknown. Who was silent for a week was taken away.
CREATE VIEW ioc.connector_now AS
SELECT c.connector_id, c.name, s.name AS source, c.time,
       CASE WHEN silent.yes THEN 'unknown' ELSE c.state END AS state,
       CASE WHEN silent.yes THEN c.time + 3 * c.interval_s * interval '1 second' ELSE c.since END AS since,
       CASE WHEN silent.yes THEN 'no report for ' || extract(epoch FROM now() - c.time)::bigint || ' s' ELSE c.reason END
           AS reason,
       c.sources, c.failing, c.failing_sources, c.spooled_events, c.spooled_bytes, c.oldest_spooled_s, c.interval_s
FROM ioc.connector c
JOIN ioc.source s USING (source_id)
CROSS JOIN LATERAL (
    SELECT c.state <> 'stopped' AND now() > c.time + 3 * c.interval_s * interval '1 second' AS yes
) silent
WHERE c.time > now() - interval '7 days';
