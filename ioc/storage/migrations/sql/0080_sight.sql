-- What processes tell of their own work, and where an alert came from.

-- The newest figures of each process, for /metrics of the API; beside its heartbeat, which is read far more often.
-- Goes with the heartbeat.
CREATE TABLE ioc.process_metrics (
    name    text PRIMARY KEY,
    at      timestamptz NOT NULL,
    -- [[sample, {label: value}, figure], ...]
    samples jsonb NOT NULL
);

-- The records in whose transaction an entry of the trail was written: {topic, partition, start, end, epoch}, `end` not
-- among them. Null where the entry came of the clock, of figures, or of a person. The transaction names itself.
ALTER TABLE ioc.alert_event
    ADD COLUMN batch jsonb DEFAULT nullif(current_setting('ioc.batch', true), '')::jsonb;
