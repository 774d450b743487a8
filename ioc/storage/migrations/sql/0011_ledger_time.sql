-- Today's figures of a whole district touch today's entries only.
CREATE INDEX dossier_ledger_time ON ioc.dossier_ledger (measure, effective_at) INCLUDE (series_id, delta, recorded_at);
-- Gauges are sums over index entries alone; that needs pages known to be visible, sooner than by the defaults.
ALTER TABLE ioc.dossier_ledger SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
