-- What the sink moves in one transaction with the facts: offsets, watermarks, unreadable records.

CREATE TABLE ioc.partition_offset (
    cluster_id    text NOT NULL,
    topic         text NOT NULL,
    topic_id      text NOT NULL,
    partition     int NOT NULL,
    -- the first offset whose record is not yet in this database
    next_offset   bigint NOT NULL CHECK (next_offset >= 0),
    -- raised by each new owner; a writer with an older epoch is fenced
    epoch         bigint NOT NULL DEFAULT 0,
    owner         text,
    backend_pid   int,
    backend_start timestamptz,
    -- log end when last seen: lag = log_end - next_offset
    log_end       bigint NOT NULL DEFAULT 0,
    -- newest fact time seen
    newest_fact   timestamptz,
    -- the same, or moved on by a recorded silence
    watermark     timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    halted_reason text,
    halted_at     timestamptz,
    retired_at    timestamptz,
    PRIMARY KEY (cluster_id, topic_id, partition)
) WITH (fillfactor = 50);

-- A partition was caught up at next_offset and nothing came: windows up to the watermark may close.
-- Kept as a fact, so that a replay gives the same windows; one row a silence, extended while it lasts.
CREATE TABLE ioc.partition_silence (
    topic       text NOT NULL,
    topic_id    text NOT NULL,
    partition   int NOT NULL,
    next_offset bigint NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    watermark   timestamptz NOT NULL,
    PRIMARY KEY (topic_id, partition, next_offset)
);

-- Windows of a topic that end at or before closed_until are closed; facts that come for them later are late.
CREATE TABLE ioc.window_close (
    topic        text PRIMARY KEY,
    closed_until timestamptz NOT NULL,
    late_facts   bigint NOT NULL DEFAULT 0,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ioc.late_count (
    topic     text NOT NULL,
    partition int NOT NULL,
    unit_id   int NOT NULL REFERENCES ioc.unit,
    facts     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition, unit_id)
) WITH (fillfactor = 50);

-- May hold personal data: short retention, guarded.
CREATE TABLE ioc.unreadable (
    unreadable_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic         text NOT NULL,
    topic_id      text NOT NULL,
    partition     int NOT NULL,
    "offset"      bigint NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL DEFAULT '',
    -- the first 64 KiB; size tells the rest
    bytes         bytea,
    size          bigint NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    mirrored_at   timestamptz,
    UNIQUE (topic_id, partition, "offset")
);
CREATE INDEX unreadable_unmirrored ON ioc.unreadable (unreadable_id) WHERE mirrored_at IS NULL;
CREATE INDEX unreadable_recorded ON ioc.unreadable (recorded_at);
