-- What a unit's completed dossiers of a local day took, ready to be ranked.

CREATE TABLE ioc.dossier_amount_day (
    unit_id int NOT NULL,
    bucket  timestamptz NOT NULL,
    -- amounts of measure 9, ascending, each as often as it counts
    amounts int[] NOT NULL,
    -- those that were taken back more often than they came, likewise; of a source's own making, if at all
    taken   int[] NOT NULL,
    PRIMARY KEY (unit_id, bucket)
);

ALTER TABLE ioc.dossier_pending ADD COLUMN amount int NOT NULL DEFAULT 0;
CREATE OR REPLACE FUNCTION ioc.dossier_ledger_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.dossier_pending (series_id, measure, effective_at, amount, delta)
    SELECT n.series_id, n.measure, n.effective_at, n.amount, sum(n.delta) FROM new_entries n
    GROUP BY 1, 2, 3, 4 HAVING sum(n.delta) <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION ioc.dossier_ledger_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ioc.dossier_pending (series_id, measure, effective_at, amount, delta)
    SELECT o.series_id, o.measure, o.effective_at, o.amount, -sum(o.delta) FROM old_entries o
    GROUP BY 1, 2, 3, 4 HAVING sum(o.delta) <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION ioc.dossier_ledger_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE ioc.dossier_pending, ioc.dossier_day, ioc.dossier_month, ioc.dossier_series_month, ioc.dossier_amount_day;
    RETURN NULL;
END $$;

-- The sums are made once more, now with amounts: all that is there waits for the evaluator's first rounds.
TRUNCATE ioc.dossier_pending, ioc.dossier_day, ioc.dossier_month, ioc.dossier_series_month;
INSERT INTO ioc.dossier_pending (series_id, measure, effective_at, amount, delta)
SELECT series_id, measure, effective_at, amount, sum(delta) FROM ioc.dossier_ledger GROUP BY 1, 2, 3, 4 HAVING sum(delta) <> 0;
