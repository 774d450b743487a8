-- Devices by state at the end of each local day, of the runs that have ended: gauges of years without reading their runs.

CREATE TABLE ioc.device_day_end (
    kind    smallint NOT NULL,
    unit_id int NOT NULL,
    -- the local midnight that ends the day; a run holds at it that began before it and ended at it or later
    moment  timestamptz NOT NULL,
    known   int NOT NULL,
    down    int NOT NULL,
    -- devices with the first and the second of what lasts beside a state
    flag_1  int NOT NULL,
    flag_2  int NOT NULL,
    PRIMARY KEY (kind, unit_id, moment) INCLUDE (known, down, flag_1, flag_2)
);

-- Runs that came and went since, with a known state; the evaluator moves them into the days.
CREATE TABLE ioc.device_run_pending (
    kind    smallint NOT NULL,
    unit_id int NOT NULL,
    state   smallint NOT NULL,
    flags   smallint NOT NULL,
    started timestamptz NOT NULL,
    ended   timestamptz NOT NULL,
    n       int NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE FUNCTION ioc.device_run_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.device_run_pending (kind, unit_id, state, flags, started, ended, n)
    SELECT r.kind, r.unit_id, r.state, r.flags, r.started, r.ended, 1 FROM new_runs r WHERE r.state BETWEEN 1 AND 4;
    RETURN NULL;
END $$;
CREATE FUNCTION ioc.device_run_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.device_run_pending (kind, unit_id, state, flags, started, ended, n)
    SELECT r.kind, r.unit_id, r.state, r.flags, r.started, r.ended, -1 FROM old_runs r WHERE r.state BETWEEN 1 AND 4;
    RETURN NULL;
END $$;
CREATE FUNCTION ioc.device_run_altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.device_run_pending (kind, unit_id, state, flags, started, ended, n)
    SELECT r.kind, r.unit_id, r.state, r.flags, r.started, r.ended, -1 FROM old_runs r WHERE r.state BETWEEN 1 AND 4
    UNION ALL
    SELECT r.kind, r.unit_id, r.state, r.flags, r.started, r.ended, 1 FROM new_runs r WHERE r.state BETWEEN 1 AND 4;
    RETURN NULL;
END $$;
CREATE FUNCTION ioc.device_run_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE ioc.device_run_pending, ioc.device_day_end;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ioc.device_run_added(), ioc.device_run_taken(), ioc.device_run_altered(), ioc.device_run_emptied() FROM PUBLIC;
CREATE TRIGGER added AFTER INSERT ON ioc.device_run
    REFERENCING NEW TABLE AS new_runs FOR EACH STATEMENT EXECUTE FUNCTION ioc.device_run_added();
CREATE TRIGGER taken AFTER DELETE ON ioc.device_run
    REFERENCING OLD TABLE AS old_runs FOR EACH STATEMENT EXECUTE FUNCTION ioc.device_run_taken();
CREATE TRIGGER altered AFTER UPDATE ON ioc.device_run
    REFERENCING OLD TABLE AS old_runs NEW TABLE AS new_runs FOR EACH STATEMENT EXECUTE FUNCTION ioc.device_run_altered();
CREATE TRIGGER emptied AFTER TRUNCATE ON ioc.device_run
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.device_run_emptied();

-- What is there already waits for the evaluator's first rounds.
INSERT INTO ioc.device_run_pending (kind, unit_id, state, flags, started, ended, n)
SELECT kind, unit_id, state, flags, started, ended, 1 FROM ioc.device_run WHERE state BETWEEN 1 AND 4;
