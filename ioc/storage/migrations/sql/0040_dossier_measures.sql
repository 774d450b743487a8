-- Ledger entries that measure something beside being counted, and the working time that the measuring needs.

ALTER TABLE ioc.dossier_ledger ADD COLUMN amount int NOT NULL DEFAULT 0;
COMMENT ON COLUMN ioc.dossier_ledger.amount IS 'measure 9: working time, in thousandths of a working day; else 0';
CREATE INDEX dossier_ledger_amount ON ioc.dossier_ledger (series_id, effective_at)
    INCLUDE (amount, delta, recorded_at) WHERE measure = 9;

-- The working time of the district that this installation serves, as its pack gives it.
ALTER TABLE ioc.district ADD COLUMN working_time jsonb;
