-- How single dossiers stand now, by the same ledger entries from which the gauges are summed: a list agrees with its figure.
CREATE OR REPLACE FUNCTION ioc.dossier_marks(p_dossier bigint)
RETURNS TABLE (overdue boolean, paused boolean, due_soon boolean, without_apology boolean, completed_late boolean)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(l.delta) FILTER (WHERE l.measure = 11), 0) > 0,
           coalesce(sum(l.delta) FILTER (WHERE l.measure = 12), 0) > 0,
           coalesce(sum(l.delta) FILTER (WHERE l.measure = 13), 0) > 0,
           coalesce(sum(l.delta) FILTER (WHERE l.measure = 14), 0) > 0,
           coalesce(sum(l.delta) FILTER (WHERE l.measure = 6), 0) > 0
    FROM ioc.dossier_ledger l
    WHERE l.dossier_id = p_dossier AND l.measure IN (6, 11, 12, 13, 14) AND l.effective_at <= now()
$$;

-- How many dossiers that were accepted in a month have which values together. Outcomes are those of now.
CREATE OR REPLACE FUNCTION ioc.disclosure_counts(p_month date, p_in_district boolean)
RETURNS TABLE (unit text, procedure text, channel text, outcome text, dossiers bigint)
LANGUAGE sql STABLE AS $$
    SELECT u.code, d.procedure, d.channel,
           CASE WHEN d.completed_at IS NOT NULL AND (d.withdrawn_at IS NULL OR d.completed_at <= d.withdrawn_at)
                THEN CASE WHEN m.completed_late THEN 'late' ELSE 'on time' END
                WHEN d.withdrawn_at IS NOT NULL THEN 'withdrawn'
                ELSE 'open' END,
           count(*)
    FROM ioc.unit u
    JOIN ioc.dossier d ON d.unit_id = u.unit_id
     AND d.received_at >= p_month::timestamp AT TIME ZONE u.time_zone
     AND d.received_at < (p_month + interval '1 month') AT TIME ZONE u.time_zone
     AND d.merged_into IS NULL
    CROSS JOIN LATERAL ioc.dossier_marks(d.dossier_id) m
    WHERE (u.code IN (SELECT t.code FROM ioc.district i CROSS JOIN LATERAL ioc.unit_tree(i.root_unit) t)) = p_in_district
    GROUP BY 1, 2, 3, 4
$$;

-- Devices' runs of equal state: those that ended, and the one that lasts, until it runs out and silence follows.
CREATE OR REPLACE VIEW ioc.device_stretch AS
SELECT r.device_id, r.unit_id, r.started, r.ended, r.state, r.reason FROM ioc.device_run r
UNION ALL
SELECT s.device_id, s.unit_id, s.since, CASE WHEN s.valid_until <= now() THEN s.valid_until END, s.state, s.reason
FROM ioc.device_state s
UNION ALL
SELECT s.device_id, s.unit_id, s.valid_until, NULL, 0::smallint, NULL FROM ioc.device_state s
WHERE s.valid_until <= now();

-- Whether a word of a filter is one that facts brought, and so no person's name that somebody typed.
CREATE OR REPLACE FUNCTION ioc.is_dimension_value(p_dimension text, p_value text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM ioc.dossier_series s
                   WHERE CASE p_dimension WHEN 'procedure' THEN s.procedure WHEN 'field' THEN s.field
                                          WHEN 'channel' THEN s.channel END = p_value)
$$;

-- Samples as they are listed and exported, one row a probe.
CREATE OR REPLACE VIEW ioc.camera_history AS
SELECT s.device_id, s.unit_id, s.time, s.recorded_at, s.state, s.last_frame_age_s, s.fps, s.bitrate_kbps, s.clock_offset_s,
       s.frozen, s.stalled, s.moved, s.rung, s.reason
FROM ioc.camera_sample s;

CREATE OR REPLACE VIEW ioc.wifi_history AS
SELECT s.device_id, s.unit_id, s.time, s.recorded_at, s.state, s.clients, s.rtt_ms, s.loss, s.internet_ok, s.rx_bytes,
       s.tx_bytes, s.reason
FROM ioc.wifi_sample s;
