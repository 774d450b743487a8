-- What the evaluator of alerts needs.

-- Rules that can't be evaluated now, and why; by the part of the evaluator that found it.
CREATE TABLE ioc.alert_rule_fault (
    part   text NOT NULL,
    code   text NOT NULL,
    reason text NOT NULL,
    since  timestamptz NOT NULL,
    at     timestamptz NOT NULL,
    PRIMARY KEY (part, code)
);

-- Devices that are silent or down: few, and asked for each second.
CREATE INDEX device_state_away ON ioc.device_state (state) WHERE state IN (0, 3);
CREATE INDEX device_point ON ioc.device (point_code) WHERE point_code IS NOT NULL;

-- An alert may go only when no other one names it; of cleared ones too.
CREATE INDEX alert_explained ON ioc.alert (inhibited_by) WHERE inhibited_by IS NOT NULL;
-- The trail of an alert goes with it, once that is older than what is kept, and in no other way.
CREATE OR REPLACE FUNCTION ioc.alert_event_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('ioc.letting_go', true) = 'alerts' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'ioc.alert_event is an audit trail: it is only written to' USING ERRCODE = 'restrict_violation';
END $$;
