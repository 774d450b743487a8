-- Alerts, from the condition to the message. What the words mean: docs/concepts/alerts.md.

-- The district pack's, brought here by `ioc district apply`. A rule that is gone from the pack stays, retired, for its alerts' sake.
CREATE TABLE ioc.alert_rule (
    rule_id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    position   int NOT NULL,
    kind       text NOT NULL,
    severity   smallint NOT NULL CHECK (severity BETWEEN 1 AND 5),
    definition jsonb NOT NULL,
    retired    boolean NOT NULL DEFAULT false
);
CREATE TABLE ioc.alert_policy (
    code       text PRIMARY KEY,
    definition jsonb NOT NULL
);
CREATE TABLE ioc.alert_channel (
    code       text PRIMARY KEY,
    definition jsonb NOT NULL
);

-- Counts on whenever one of the three changes: who keeps rules in memory asks this.
CREATE TABLE ioc.alert_book (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    revision bigint NOT NULL DEFAULT 0
);
INSERT INTO ioc.alert_book DEFAULT VALUES;
CREATE FUNCTION ioc.alert_book_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ioc.alert_book SET revision = revision + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER alert_rule_changed AFTER INSERT OR UPDATE OR DELETE ON ioc.alert_rule
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.alert_book_changed();
CREATE TRIGGER alert_policy_changed AFTER INSERT OR UPDATE OR DELETE ON ioc.alert_policy
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.alert_book_changed();
CREATE TRIGGER alert_channel_changed AFTER INSERT OR UPDATE OR DELETE ON ioc.alert_channel
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.alert_book_changed();

-- What people see and are called for: all firing signals of a rule under one key.
CREATE TABLE ioc.alert (
    alert_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id         int NOT NULL REFERENCES ioc.alert_rule,
    key             text NOT NULL,
    severity        smallint NOT NULL CHECK (severity BETWEEN 1 AND 5),
    unit_id         int,
    point           text,
    -- the subject that opened it
    subject         text NOT NULL,
    -- when the condition began, in event time, and when the alert was opened, by the database's clock
    since           timestamptz NOT NULL,
    opened_at       timestamptz NOT NULL,
    cleared_at      timestamptz,
    -- subjects that fire now, and how many did in all
    members         int NOT NULL DEFAULT 0,
    joined          int NOT NULL DEFAULT 0,
    value           float8,
    detail          jsonb NOT NULL DEFAULT '{}',
    -- independent of its being cleared
    acknowledged_at timestamptz,
    acknowledged_by text,
    ack_expires_at  timestamptz,
    assigned_to     text,
    snoozed_until   timestamptz,
    -- an open alert that explains this one: nobody is called for it meanwhile
    inhibited_by    bigint REFERENCES ioc.alert,
    -- a maintenance window that holds now
    maintenance_id  bigint,
    -- it came and went so often that nobody is called for it
    flapping        boolean NOT NULL DEFAULT false,
    -- the policy and the rule's reminder as they were when the alert opened; null: nobody is called
    policy          jsonb,
    changed_at      timestamptz NOT NULL,
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX alert_open ON ioc.alert (rule_id, key) WHERE cleared_at IS NULL;
CREATE INDEX alert_open_list ON ioc.alert (severity DESC, opened_at DESC, alert_id DESC) WHERE cleared_at IS NULL;
CREATE INDEX alert_history ON ioc.alert (opened_at DESC, alert_id DESC);
CREATE INDEX alert_point ON ioc.alert (point) WHERE cleared_at IS NULL AND point IS NOT NULL;
CREATE INDEX alert_inhibited ON ioc.alert (inhibited_by) WHERE cleared_at IS NULL AND inhibited_by IS NOT NULL;
CREATE INDEX alert_clock ON ioc.alert (least(ack_expires_at, snoozed_until)) WHERE cleared_at IS NULL;

-- A condition on one subject: pending (1), firing (2), clearing (3).
CREATE TABLE ioc.alert_signal (
    rule_id  int NOT NULL REFERENCES ioc.alert_rule,
    subject  text NOT NULL,
    phase    smallint NOT NULL CHECK (phase BETWEEN 1 AND 3),
    since    timestamptz NOT NULL,
    -- when the phase ends by itself
    due_at   timestamptz,
    ends_at  timestamptz,
    unit_id  int,
    point    text,
    value    float8,
    detail   jsonb NOT NULL DEFAULT '{}',
    -- the alert that it is a member of
    alert_id bigint REFERENCES ioc.alert,
    PRIMARY KEY (rule_id, subject)
) WITH (fillfactor = 70);
CREATE INDEX alert_signal_due ON ioc.alert_signal (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alert_signal_alert ON ioc.alert_signal (alert_id) WHERE alert_id IS NOT NULL;

-- How often a key came and went lately: one decaying number each.
CREATE TABLE ioc.alert_flap (
    rule_id int NOT NULL REFERENCES ioc.alert_rule,
    key     text NOT NULL,
    score   float8 NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (rule_id, key)
);

-- Who did what to an alert, and what the platform did by itself: only written to.
CREATE TABLE ioc.alert_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id bigint NOT NULL REFERENCES ioc.alert,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind     text NOT NULL,
    -- a reader's name, a person's code, or `system`
    actor    text NOT NULL,
    detail   jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_event_alert ON ioc.alert_event (alert_id, event_id);
CREATE FUNCTION ioc.alert_event_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ioc.alert_event is an audit trail: it is only written to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER alert_event_kept BEFORE UPDATE OR DELETE ON ioc.alert_event
    FOR EACH ROW EXECUTE FUNCTION ioc.alert_event_kept();

-- What is to be done next about each alert; done ones stay for the record.
CREATE TABLE ioc.alert_step (
    alert_id bigint NOT NULL REFERENCES ioc.alert,
    -- escalate: a step of the policy · remind: tell again · resolved: tell those who were called that it is over
    kind     text NOT NULL DEFAULT 'escalate' CHECK (kind IN ('escalate', 'remind', 'resolved')),
    -- counts on when an escalation begins again after a lapsed acknowledgement
    run      int NOT NULL DEFAULT 0,
    round    int NOT NULL DEFAULT 0,
    step     int NOT NULL DEFAULT 0,
    due_at   timestamptz NOT NULL,
    -- how many times a process began it
    attempt  int NOT NULL DEFAULT 0,
    state    text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'cancelled')),
    ended_at timestamptz,
    detail   jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (alert_id, kind, run, round, step)
);
CREATE INDEX alert_step_due ON ioc.alert_step (due_at) WHERE state = 'waiting';

-- The outbox. `key` goes with the message to the channel, so that what is sent twice can be told from two messages.
CREATE TABLE ioc.alert_message (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('alert', 'reminder', 'resolved', 'digest', 'hand_over', 'gap', 'synthetic', 'test')),
    severity   smallint NOT NULL,
    -- null where the channel is of nobody
    person     text,
    channel    text NOT NULL,
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before timestamptz NOT NULL,
    attempts   int NOT NULL DEFAULT 0,
    started_at timestamptz,
    -- an attempt whose process died is taken up again after this
    lease_until timestamptz,
    ended_at   timestamptz,
    error      text,
    -- what the channel answered: its own id of the message
    receipt    jsonb,
    -- of messages that are of no alert: what they say
    content    jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);
CREATE INDEX alert_message_waiting ON ioc.alert_message (not_before) WHERE state IN ('waiting', 'sending');
CREATE INDEX alert_message_person ON ioc.alert_message (person, channel, started_at);
CREATE TABLE ioc.alert_message_alert (
    message_id bigint NOT NULL REFERENCES ioc.alert_message,
    alert_id   bigint NOT NULL REFERENCES ioc.alert,
    PRIMARY KEY (message_id, alert_id)
);
CREATE INDEX alert_message_alert_of ON ioc.alert_message_alert (alert_id);

-- Times in which alerts are kept and nobody is called for them.
CREATE TABLE ioc.maintenance (
    maintenance_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- what it covers: rules, units (and those below), points, subjects; an empty list does not limit
    rules          text[] NOT NULL DEFAULT '{}',
    units          text[] NOT NULL DEFAULT '{}',
    points         text[] NOT NULL DEFAULT '{}',
    subjects       text[] NOT NULL DEFAULT '{}',
    starts_at      timestamptz NOT NULL,
    length_s       double precision NOT NULL CHECK (length_s > 0),
    -- null: once; else an RFC 5545 recurrence rule in the district's time zone
    recurs         text,
    time_zone      text NOT NULL,
    reason         text NOT NULL DEFAULT '',
    made_at        timestamptz NOT NULL DEFAULT now(),
    made_by        text NOT NULL,
    withdrawn_at   timestamptz,
    withdrawn_by   text
);

-- Who lives: every process and connector writes here, or its reports do.
CREATE TABLE ioc.heartbeat (
    name       text PRIMARY KEY,
    kind       text NOT NULL,
    host       text NOT NULL,
    at         timestamptz NOT NULL,
    interval_s double precision NOT NULL CHECK (interval_s > 0),
    -- stopped on purpose: not missed
    stopped    boolean NOT NULL DEFAULT false,
    detail     jsonb NOT NULL DEFAULT '{}'
);

-- Newest measurements of the platform's own machines and servers; unknown after valid_until.
CREATE TABLE ioc.reading (
    name        text NOT NULL,
    instance    text NOT NULL,
    at          timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    value       float8,
    unit        text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (name, instance)
);
