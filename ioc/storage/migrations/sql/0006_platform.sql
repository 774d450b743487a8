-- The platform's own indicators over time, sampled by the evaluator; and each KPI definition that has ever been in force.

CREATE TABLE ioc.platform_sample (
    time  timestamptz NOT NULL,
    kpi   text NOT NULL,
    topic text NOT NULL,
    value double precision NOT NULL
);
SELECT create_hypertable('ioc.platform_sample', 'time', chunk_time_interval => interval '7 days', create_default_indexes => false);
CREATE UNIQUE INDEX platform_sample_key ON ioc.platform_sample (kpi, topic, time);
