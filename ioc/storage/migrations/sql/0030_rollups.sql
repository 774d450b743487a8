-- Roll-ups: of device-time per unit, made by addition as minutes are folded; of samples per device, made again from them.

-- Local days and months are those of this zone: the unit's, as it was when the rows were made. A unit whose zone changes is
-- rolled up anew.
CREATE TABLE ioc.rollup_zone (
    unit_id int PRIMARY KEY REFERENCES ioc.unit ON DELETE CASCADE,
    zone    text NOT NULL
);

CREATE TABLE ioc.device_quarter (
    kind            smallint NOT NULL,
    unit_id         int NOT NULL,
    bucket          timestamptz NOT NULL,
    up_ms           bigint NOT NULL DEFAULT 0,
    degraded_ms     bigint NOT NULL DEFAULT 0,
    down_ms         bigint NOT NULL DEFAULT 0,
    maintenance_ms  bigint NOT NULL DEFAULT 0,
    client_ms       bigint NOT NULL DEFAULT 0,
    client_known_ms bigint NOT NULL DEFAULT 0,
    client_max      int,
    samples         bigint NOT NULL DEFAULT 0,
    late            bigint NOT NULL DEFAULT 0,
    -- one bit a minute: whether clients were known in it. Bits of several units can be joined, seconds can't.
    reported        varbit
) WITH (fillfactor = 70);
CREATE TABLE ioc.device_hour (LIKE ioc.device_quarter INCLUDING DEFAULTS) WITH (fillfactor = 70);
CREATE TABLE ioc.device_day (LIKE ioc.device_quarter INCLUDING DEFAULTS) WITH (fillfactor = 70);
CREATE TABLE ioc.device_month (LIKE ioc.device_quarter INCLUDING DEFAULTS) WITH (fillfactor = 70);
SELECT create_hypertable('ioc.device_quarter', 'bucket', chunk_time_interval => interval '90 days', create_default_indexes => false);
SELECT create_hypertable('ioc.device_hour', 'bucket', chunk_time_interval => interval '365 days', create_default_indexes => false);
CREATE UNIQUE INDEX device_quarter_key ON ioc.device_quarter (kind, unit_id, bucket);
CREATE UNIQUE INDEX device_hour_key ON ioc.device_hour (kind, unit_id, bucket);
ALTER TABLE ioc.device_day ADD PRIMARY KEY (kind, unit_id, bucket);
ALTER TABLE ioc.device_month ADD PRIMARY KEY (kind, unit_id, bucket);

-- What lasts beside a state: of cameras 1 frozen, 2 stalled; of access points 1 saturated.
ALTER TABLE ioc.camera_sample ADD COLUMN flags smallint NOT NULL DEFAULT 0;
ALTER TABLE ioc.wifi_sample ADD COLUMN flags smallint NOT NULL DEFAULT 0,
    -- octets since the sample before
    ADD COLUMN rx_bytes double precision, ADD COLUMN tx_bytes double precision;
ALTER TABLE ioc.device_run ADD COLUMN flags smallint NOT NULL DEFAULT 0;
ALTER TABLE ioc.device_state ADD COLUMN flags smallint NOT NULL DEFAULT 0;
ALTER TABLE ioc.device ADD COLUMN client_limit int CHECK (client_limit > 0);

-- Questions about a unit touch its own runs only.
CREATE INDEX device_run_unit ON ioc.device_run (kind, unit_id, ended) INCLUDE (state, flags, started, device_id);

-- Sums of samples per device and hour, and the same of each unit as a whole under device 0.
CREATE TABLE ioc.sample_hour (
    kind            smallint NOT NULL,
    unit_id         int NOT NULL,
    device_id       int NOT NULL,
    bucket          timestamptz NOT NULL,
    samples         bigint NOT NULL,
    client_ms       bigint NOT NULL,
    client_known_ms bigint NOT NULL,
    client_max      int,
    loss_sum        double precision NOT NULL,
    loss_known      bigint NOT NULL,
    internet_ok     bigint NOT NULL,
    internet_known  bigint NOT NULL,
    rx_bytes        double precision,
    tx_bytes        double precision,
    -- round-trip times: how many fall into which bin, see ioc.log_bin
    rtt_bins        smallint[] NOT NULL,
    rtt_counts      bigint[] NOT NULL,
    -- the newest clock offset; of single devices only
    offset_s        double precision,
    offset_at       timestamptz
);
CREATE TABLE ioc.sample_day (LIKE ioc.sample_hour);
SELECT create_hypertable('ioc.sample_hour', 'bucket', chunk_time_interval => interval '90 days', create_default_indexes => false);
CREATE UNIQUE INDEX sample_hour_key ON ioc.sample_hour (kind, unit_id, bucket, device_id);
ALTER TABLE ioc.sample_day ADD PRIMARY KEY (kind, unit_id, bucket, device_id);

-- Hours whose samples changed since their sums were made. Written and emptied by the evaluator alone.
CREATE TABLE ioc.sample_dirty (
    kind    smallint NOT NULL,
    hour    timestamptz NOT NULL,
    unit_id int NOT NULL,
    PRIMARY KEY (kind, hour, unit_id)
);
-- Days with an hour that was made since they were; they are made when they are over.
CREATE TABLE ioc.sample_dirty_day (
    kind    smallint NOT NULL,
    low     timestamptz NOT NULL,
    high    timestamptz NOT NULL,
    unit_id int NOT NULL,
    PRIMARY KEY (kind, low, unit_id)
);
-- Sums of samples are there for all that lies before.
CREATE TABLE ioc.sample_progress (
    kind  smallint PRIMARY KEY,
    until timestamptz NOT NULL
);

-- Facts of each kind are kept from this moment on; older ones were dropped. A row appears when that happens first.
CREATE TABLE ioc.kept_from (
    fact       text PRIMARY KEY,
    since      timestamptz NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now()
);

-- Unreadable records stay counted when they themselves are gone.
CREATE TABLE ioc.unreadable_count (
    topic   text NOT NULL,
    hour    timestamptz NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (topic, hour)
);

-- How long a ticket waited and how that ended. One that nothing ended lapses at the end of its local day.
ALTER TABLE ioc.ticket
    ADD COLUMN wait_ended_at timestamptz GENERATED ALWAYS AS (coalesce(started_at, no_show_at, cancelled_at, completed_at)) STORED,
    -- 1 served, 2 no-show, 3 cancelled
    ADD COLUMN outcome smallint GENERATED ALWAYS AS (
        CASE WHEN started_at IS NOT NULL THEN 1 WHEN no_show_at IS NOT NULL THEN 2 WHEN cancelled_at IS NOT NULL THEN 3
             WHEN completed_at IS NOT NULL THEN 1 END) STORED;
CREATE INDEX ticket_wait_ended ON ioc.ticket (unit_id, wait_ended_at) INCLUDE (outcome, issued_at, started_at, service);
CREATE INDEX ticket_not_ended ON ioc.ticket (unit_id, date) INCLUDE (issued_at, service) WHERE wait_ended_at IS NULL;

-- What is folded already, rolled up.
INSERT INTO ioc.rollup_zone (unit_id, zone) SELECT unit_id, time_zone FROM ioc.unit;
INSERT INTO ioc.device_quarter
SELECT kind, unit_id, date_bin('15 minutes', bucket, '2000-01-01 00:00+00'), sum(up_ms), sum(degraded_ms), sum(down_ms),
       sum(maintenance_ms), sum(client_ms), sum(client_known_ms), max(client_max), sum(samples), sum(late),
       CASE kind WHEN 2 THEN bit_or(set_bit(repeat('0', 15)::varbit, (extract(epoch FROM
           bucket - date_bin('15 minutes', bucket, '2000-01-01 00:00+00')) / 60)::int, (client_known_ms > 0)::int)) END
FROM ioc.device_minute WHERE part = -1 GROUP BY 1, 2, 3;
INSERT INTO ioc.device_hour
SELECT kind, unit_id, date_trunc('hour', bucket, 'UTC'), sum(up_ms), sum(degraded_ms), sum(down_ms), sum(maintenance_ms),
       sum(client_ms), sum(client_known_ms), max(client_max), sum(samples), sum(late),
       CASE kind WHEN 2 THEN bit_or(set_bit(repeat('0', 60)::varbit, (extract(epoch FROM
           bucket - date_trunc('hour', bucket, 'UTC')) / 60)::int, (client_known_ms > 0)::int)) END
FROM ioc.device_minute WHERE part = -1 GROUP BY 1, 2, 3;
INSERT INTO ioc.device_day
SELECT kind, unit_id, date_trunc('day', bucket, zone), sum(up_ms), sum(degraded_ms), sum(down_ms), sum(maintenance_ms),
       sum(client_ms), sum(client_known_ms), max(client_max), sum(samples), sum(late),
       CASE kind WHEN 2 THEN bit_or(set_bit(repeat('0', 1500)::varbit, (extract(epoch FROM
           bucket - date_trunc('day', bucket, zone)) / 60)::int, (client_known_ms > 0)::int)) END
FROM ioc.device_minute JOIN ioc.rollup_zone USING (unit_id) WHERE part = -1 GROUP BY 1, 2, 3;
INSERT INTO ioc.device_month
SELECT kind, unit_id, date_trunc('month', bucket, zone), sum(up_ms), sum(degraded_ms), sum(down_ms), sum(maintenance_ms),
       sum(client_ms), sum(client_known_ms), max(client_max), sum(samples), sum(late), NULL
FROM ioc.device_minute JOIN ioc.rollup_zone USING (unit_id) WHERE part = -1 GROUP BY 1, 2, 3;
INSERT INTO ioc.sample_dirty (kind, hour, unit_id)
SELECT DISTINCT kind, date_trunc('hour', bucket, 'UTC'), unit_id FROM ioc.device_minute WHERE part = -1;

REVOKE ALL ON FUNCTION ioc.ticket_rounds(bigint[]) FROM PUBLIC;
