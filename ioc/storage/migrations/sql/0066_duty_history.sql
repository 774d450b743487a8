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
CREATE TRIGGER duty_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ioc.duty_roster
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.duty_changed();
CREATE TRIGGER duty_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ioc.duty_person
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.duty_changed();
CREATE TRIGGER duty_changed AFTER INSERT OR UPDATE OF time_zone, working_time ON ioc.district
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.duty_changed();
