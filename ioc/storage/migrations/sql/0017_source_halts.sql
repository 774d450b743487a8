-- Sources that are halted because too much of what they send can't be read; a halt stands until it is released.

CREATE TABLE ioc.source_halt (
    topic       text NOT NULL,
    -- '?' stands for records that name no source
    source      text NOT NULL,
    -- where the limit was passed, and what the window held then
    partition   int NOT NULL,
    records     bigint NOT NULL,
    bad         bigint NOT NULL,
    -- why most of them were bad
    reason      text NOT NULL,
    halted_at   timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz
);
CREATE UNIQUE INDEX source_halt_standing ON ioc.source_halt (topic, source) WHERE released_at IS NULL;

-- Whose record it was, as far as it says.
ALTER TABLE ioc.unreadable ADD COLUMN source text NOT NULL DEFAULT '?';
CREATE INDEX unreadable_held ON ioc.unreadable (topic, source, unreadable_id) WHERE reason = 'source-halted';
