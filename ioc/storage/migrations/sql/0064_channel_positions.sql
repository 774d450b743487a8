-- Up to where a channel that people answer on was read: moved in one transaction with what the answer did.
CREATE TABLE ioc.channel_position (
    channel    text PRIMARY KEY,
    -- number of the next update
    position   bigint NOT NULL,
    changed_at timestamptz NOT NULL
);
