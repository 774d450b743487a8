-- Who is on duty. Rosters and people are the district pack's; changes and the log are made here and never deleted.

CREATE TABLE ioc.duty_person (
    code       text PRIMARY KEY,
    name       text NOT NULL,
    title      text NOT NULL DEFAULT '',
    unit_code  text,
    valid_from date,
    valid_to   date,
    -- channel → address: personal data, read by delivery alone
    contacts   jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE ioc.duty_roster (
    code       text PRIMARY KEY,
    position   int NOT NULL,
    -- the unit whose readers may ask for it
    unit_code  text NOT NULL,
    definition jsonb NOT NULL
);

CREATE TABLE ioc.duty_change (
    change_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('add', 'remove', 'replace', 'swap', 'leave')),
    roster          text,
    layer           text,
    person          text NOT NULL,
    other           text,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),
    other_starts_at timestamptz,
    other_ends_at   timestamptz CHECK (other_ends_at > other_starts_at),
    reason          text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    made_at         timestamptz NOT NULL DEFAULT now(),
    made_by         text NOT NULL,
    withdrawn_at    timestamptz,
    withdrawn_by    text,
    CHECK ((roster IS NULL) = (kind = 'leave')),
    CHECK ((other IS NOT NULL) = (kind IN ('replace', 'swap')) AND other IS DISTINCT FROM person),
    CHECK ((other_starts_at IS NOT NULL) = (kind = 'swap') AND (other_ends_at IS NOT NULL) = (kind = 'swap')),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX duty_change_in_force ON ioc.duty_change (ends_at) WHERE withdrawn_at IS NULL;

-- A change is withdrawn, once, and otherwise stays as it was made.
CREATE FUNCTION ioc.duty_change_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
       AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by}'::text[] = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by}'::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ioc.duty_change is an audit trail: rows are withdrawn, not changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER duty_change_kept BEFORE UPDATE OR DELETE ON ioc.duty_change
    FOR EACH ROW EXECUTE FUNCTION ioc.duty_change_kept();

CREATE TABLE ioc.duty_log (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    roster   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    author   text NOT NULL,
    text     text NOT NULL CHECK (length(text) BETWEEN 1 AND 4000)
);
CREATE INDEX duty_log_roster ON ioc.duty_log (roster, at);

CREATE FUNCTION ioc.duty_log_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ioc.duty_log is only written to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER duty_log_kept BEFORE UPDATE OR DELETE ON ioc.duty_log
    FOR EACH ROW EXECUTE FUNCTION ioc.duty_log_kept();
