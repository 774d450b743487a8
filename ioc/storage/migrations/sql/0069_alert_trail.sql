-- Who did what, newest first: of people alone, and with what the platform did by itself.
CREATE INDEX alert_event_people ON ioc.alert_event (at DESC, event_id DESC) WHERE actor <> 'system';
CREATE INDEX alert_event_at ON ioc.alert_event (at DESC, event_id DESC);
-- The history of a unit's alerts.
CREATE INDEX alert_unit ON ioc.alert (unit_id, opened_at DESC, alert_id DESC);

-- A window is withdrawn, once, and otherwise stays as it was made.
ALTER TABLE ioc.maintenance ADD CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL));
CREATE FUNCTION ioc.maintenance_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
       AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by}'::text[] = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by}'::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ioc.maintenance is an audit trail: rows are withdrawn, not changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER maintenance_kept BEFORE UPDATE OR DELETE ON ioc.maintenance
    FOR EACH ROW EXECUTE FUNCTION ioc.maintenance_kept();
