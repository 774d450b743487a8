-- Sums of the dossier ledger: per unit by local day and month, and per combination of dimensions by local month.

-- Entries that are not in the sums yet. Whatever changes the ledger leaves here, in the same transaction, what it added and
-- what it took away; the evaluator moves that on into the sums. So ledger = sums + pending holds in every snapshot.
CREATE TABLE ioc.dossier_pending (
    series_id    int NOT NULL,
    measure      smallint NOT NULL,
    effective_at timestamptz NOT NULL,
    delta        int NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX dossier_pending_measure ON ioc.dossier_pending (measure, effective_at) INCLUDE (series_id, delta);

-- Local days and months are those of ioc.rollup_zone, as of devices.
CREATE TABLE ioc.dossier_day (
    measure smallint NOT NULL,
    unit_id int NOT NULL,
    bucket  timestamptz NOT NULL,
    delta   int NOT NULL,
    PRIMARY KEY (measure, unit_id, bucket) INCLUDE (delta)
);
CREATE TABLE ioc.dossier_month (LIKE ioc.dossier_day,
    PRIMARY KEY (measure, unit_id, bucket) INCLUDE (delta)
);
CREATE TABLE ioc.dossier_series_month (
    measure   smallint NOT NULL,
    series_id int NOT NULL,
    bucket    timestamptz NOT NULL,
    delta     int NOT NULL,
    PRIMARY KEY (measure, series_id, bucket) INCLUDE (delta)
);

CREATE FUNCTION ioc.dossier_ledger_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.dossier_pending (series_id, measure, effective_at, delta)
    SELECT n.series_id, n.measure, n.effective_at, sum(n.delta) FROM new_entries n
    GROUP BY 1, 2, 3 HAVING sum(n.delta) <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION ioc.dossier_ledger_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.dossier_pending (series_id, measure, effective_at, delta)
    SELECT o.series_id, o.measure, o.effective_at, -sum(o.delta) FROM old_entries o
    GROUP BY 1, 2, 3 HAVING sum(o.delta) <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION ioc.dossier_ledger_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE ioc.dossier_pending, ioc.dossier_day, ioc.dossier_month, ioc.dossier_series_month;
    RETURN NULL;
END $$;
-- Entries are added and taken away, never altered.
CREATE FUNCTION ioc.dossier_ledger_altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Entries of ioc.dossier_ledger are not altered.'
        USING HINT = 'Add an entry that takes the old one back, and one that is right.';
END $$;
REVOKE ALL ON FUNCTION ioc.dossier_ledger_added(), ioc.dossier_ledger_taken(), ioc.dossier_ledger_emptied(),
    ioc.dossier_ledger_altered() FROM PUBLIC;
CREATE TRIGGER added AFTER INSERT ON ioc.dossier_ledger
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ioc.dossier_ledger_added();
CREATE TRIGGER taken AFTER DELETE ON ioc.dossier_ledger
    REFERENCING OLD TABLE AS old_entries FOR EACH STATEMENT EXECUTE FUNCTION ioc.dossier_ledger_taken();
CREATE TRIGGER emptied AFTER TRUNCATE ON ioc.dossier_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.dossier_ledger_emptied();
CREATE TRIGGER altered BEFORE UPDATE ON ioc.dossier_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ioc.dossier_ledger_altered();

-- Entries learned more than a day after their time: what has to be left out of the sums for an earlier moment's figures.
CREATE INDEX dossier_ledger_late ON ioc.dossier_ledger (series_id, recorded_at) INCLUDE (measure, effective_at, delta)
    WHERE recorded_at - effective_at > interval '24 hours';

-- What is there already waits for the evaluator's first round.
INSERT INTO ioc.dossier_pending (series_id, measure, effective_at, delta)
SELECT series_id, measure, effective_at, sum(delta) FROM ioc.dossier_ledger GROUP BY 1, 2, 3 HAVING sum(delta) <> 0;

-- What is answered otherwise now.
DROP FUNCTION IF EXISTS ioc.dossier_first_fact(int[], timestamptz, timestamptz);
