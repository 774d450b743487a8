-- What delivery needs beside the outbox itself: why something waits beyond its time, and what went together.

-- A step whose alert calls nobody now says why in its detail, under `held`; it is looked at again when that ends.
CREATE INDEX alert_step_held ON ioc.alert_step (alert_id) WHERE state = 'waiting' AND detail ? 'held';

-- inhibited, snoozed, maintenance: its alert calls nobody now · bundle, hourly, quiet: as its channel says
ALTER TABLE ioc.alert_message ADD COLUMN held text;
-- A message that went as part of another one; that other one's state, receipt and error are its own too.
ALTER TABLE ioc.alert_message ADD COLUMN bundle_id bigint REFERENCES ioc.alert_message;
ALTER TABLE ioc.alert_message DROP CONSTRAINT alert_message_state_check;
ALTER TABLE ioc.alert_message ADD CONSTRAINT alert_message_state_check
    CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'cancelled', 'bundled')),
    ADD CONSTRAINT alert_message_bundled CHECK ((state = 'bundled') = (bundle_id IS NOT NULL));
CREATE INDEX alert_message_bundle ON ioc.alert_message (bundle_id) WHERE bundle_id IS NOT NULL;
-- One that is being sent is due again when its lease is over: not_before is then lease_until.
CREATE INDEX alert_message_due ON ioc.alert_message (channel, not_before) WHERE state IN ('waiting', 'sending');
CREATE INDEX alert_message_held ON ioc.alert_message (message_id)
    WHERE state = 'waiting' AND held IN ('inhibited', 'snoozed', 'maintenance');
-- What went to a person over a channel, or over a channel that is of nobody.
CREATE INDEX alert_message_line ON ioc.alert_message (channel, coalesce(person, ''), started_at)
    WHERE started_at IS NOT NULL;
