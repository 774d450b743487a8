-- Duty as it was: what each pack said of it in its time, and until when a change was in force that was withdrawn.

-- One row for each application of a pack that changed something here; it holds until the next, the first for all time before, too.
-- People by code alone: names and contacts are in ioc.duty_person, and gone with the line that is taken out of the pack.
CREATE TABLE ioc.duty_edition (
    edition_id   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since        timestamptz NOT NULL UNIQUE,
    time_zone    text NOT NULL,
    working_time jsonb NOT NULL,
    -- in their order: {"unit": whose readers may ask for it, "roster": its definition}
    rosters      jsonb NOT NULL,
    -- {"code", "unit", "valid_from", "valid_to"}
    people       jsonb NOT NULL
);
INSERT INTO ioc.duty_edition (since, time_zone, working_time, rosters, people)
SELECT d.applied_at, d.time_zone, d.working_time,
       coalesce((SELECT jsonb_agg(jsonb_build_object('unit', r.unit_code, 'roster', r.definition) ORDER BY r.position, r.code)
                   FROM ioc.duty_roster r), '[]'),
       coalesce((SELECT jsonb_agg(jsonb_build_object('code', p.code, 'unit', p.unit_code, 'valid_from', p.valid_from,
                                                     'valid_to', p.valid_to) ORDER BY p.code)
                   FROM ioc.duty_person p), '[]')
  FROM ioc.district d WHERE d.working_time IS NOT NULL;
DROP TABLE ioc.duty_roster;

CREATE FUNCTION ioc.duty_edition_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ioc.duty_edition is only written to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER duty_edition_kept BEFORE UPDATE OR DELETE ON ioc.duty_edition
    FOR EACH ROW EXECUTE FUNCTION ioc.duty_edition_kept();

-- Temporary schedules: shifts of their own, and an empty person.
ALTER TABLE ioc.duty_change
    ADD COLUMN shifts jsonb NOT NULL DEFAULT '[]',
    -- of one that was withdrawn: until when it was in force; null: never
    ADD COLUMN held_until timestamptz,
    DROP CONSTRAINT duty_change_kind_check,
    ADD CONSTRAINT duty_change_kind_check CHECK (kind IN ('add', 'remove', 'replace', 'swap', 'leave', 'temporary')),
    ADD CHECK ((person = '') = (kind = 'temporary')),
    ADD CHECK ((shifts <> '[]') = (kind = 'temporary')),
    ADD CHECK (held_until IS NULL OR withdrawn_at IS NOT NULL);
CREATE OR REPLACE FUNCTION ioc.duty_change_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
       AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by,held_until}'::text[]
           = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by,held_until}'::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ioc.duty_change is an audit trail: rows are withdrawn, not changed' USING ERRCODE = 'restrict_violation';
END $$;
DROP INDEX ioc.duty_change_in_force;
CREATE INDEX duty_change_in_force ON ioc.duty_change (greatest(ends_at, other_ends_at))
    WHERE withdrawn_at IS NULL OR held_until IS NOT NULL;

-- Grows, in the same transaction, with everything that decides who is on duty: whoever keeps a plan compares this alone.
CREATE TABLE ioc.duty_version (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    version  bigint NOT NULL
);
INSERT INTO ioc.duty_version (version) VALUES (1);
CREATE FUNCTION ioc.duty_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ioc.duty_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER duty_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ioc.duty_change
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.duty_changed();
CREATE TRIGGER duty_changed AFTER INSERT ON ioc.duty_edition
    FOR EACH ROW EXECUTE FUNCTION ioc.duty_changed();

-- What was told of duty, and which hand-overs stand in the shift log: each once, whatever process tells it.
CREATE TABLE ioc.duty_notice (
    key     text PRIMARY KEY,
    kind    text NOT NULL CHECK (kind IN ('hand_over', 'stand_down', 'gap', 'log')),
    roster  text NOT NULL,
    -- the hand-over, or the begin of the gap
    at      timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    -- whom; null: everybody on the roster
    person  text
);
CREATE INDEX duty_notice_at ON ioc.duty_notice (kind, at);
