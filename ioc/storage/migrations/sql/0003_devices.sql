-- Device samples (facts), runs of equal state, and measures per unit and minute.
-- States: 1 ok, 2 degraded, 3 down, 4 maintenance, 0 unknown.

CREATE TABLE ioc.camera_sample (
    device_id        int NOT NULL,
    time             timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    unit_id          int NOT NULL,
    state            smallint NOT NULL,
    -- the state holds for this long unless another sample comes first; then it is unknown
    valid_ms         int NOT NULL,
    last_frame_age_s real,
    fps              real,
    bitrate_kbps     real,
    clock_offset_s   double precision,
    frozen           boolean,
    stalled          boolean,
    rung             text,
    reason           text
);
SELECT create_hypertable('ioc.camera_sample', 'time', chunk_time_interval => interval '1 day', create_default_indexes => false);
CREATE UNIQUE INDEX camera_sample_key ON ioc.camera_sample (device_id, time);

CREATE TABLE ioc.wifi_sample (
    device_id   int NOT NULL,
    time        timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    unit_id     int NOT NULL,
    state       smallint NOT NULL,
    valid_ms    int NOT NULL,
    clients     int,
    rtt_ms      real,
    loss        real,
    internet_ok boolean,
    reason      text,
    -- model, firmware, radios and interfaces, where the probe read them
    detail      jsonb
);
SELECT create_hypertable('ioc.wifi_sample', 'time', chunk_time_interval => interval '1 day', create_default_indexes => false);
CREATE UNIQUE INDEX wifi_sample_key ON ioc.wifi_sample (device_id, time);

-- Newest state of each device. last_time may trail the facts by some seconds while the state does not change.
CREATE TABLE ioc.device_state (
    device_id   int PRIMARY KEY,
    kind        smallint NOT NULL,
    unit_id     int NOT NULL,
    state       smallint NOT NULL,
    since       timestamptz NOT NULL,
    last_time   timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    clients     int,
    reason      text
) WITH (fillfactor = 50);
CREATE INDEX device_state_unit ON ioc.device_state (kind, unit_id);

-- Ended runs of equal state, gaps of silence included as unknown (state 0). The newest run is in device_state.
CREATE TABLE ioc.device_run (
    device_id int NOT NULL,
    kind      smallint NOT NULL,
    unit_id   int NOT NULL,
    state     smallint NOT NULL,
    started   timestamptz NOT NULL,
    ended     timestamptz NOT NULL CHECK (ended > started),
    reason    text,
    PRIMARY KEY (device_id, started)
);
CREATE INDEX device_run_period ON ioc.device_run (kind, state, ended, started) INCLUDE (unit_id, device_id);

-- Device-time per unit and minute, in milliseconds: partials per partition (part >= 0), folded into part -1 when the minute is closed.
CREATE TABLE ioc.device_minute (
    kind            smallint NOT NULL,
    unit_id         int NOT NULL,
    bucket          timestamptz NOT NULL,
    part            smallint NOT NULL,
    up_ms           bigint NOT NULL DEFAULT 0,
    degraded_ms     bigint NOT NULL DEFAULT 0,
    down_ms         bigint NOT NULL DEFAULT 0,
    maintenance_ms  bigint NOT NULL DEFAULT 0,
    -- sum of clients x milliseconds, and the milliseconds for which clients were known
    client_ms       bigint NOT NULL DEFAULT 0,
    client_known_ms bigint NOT NULL DEFAULT 0,
    client_max      int,
    samples         bigint NOT NULL DEFAULT 0,
    late            bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
SELECT create_hypertable('ioc.device_minute', 'bucket', chunk_time_interval => interval '7 days', create_default_indexes => false);
CREATE UNIQUE INDEX device_minute_key ON ioc.device_minute (kind, unit_id, bucket, part);
CREATE INDEX device_minute_partial ON ioc.device_minute (bucket) WHERE part >= 0;
