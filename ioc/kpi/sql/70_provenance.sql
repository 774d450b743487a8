-- When something of a scope's dossiers was newest received, completed or withdrawn, as known at a moment. The newest day of
-- their sums says where to look.
CREATE OR REPLACE FUNCTION ioc.dossier_newest(p_scope int[], p_as_of timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_measures constant smallint[] := '{1,3,5}';
    v_day timestamptz := (
        SELECT max(last.bucket)
        FROM unnest(p_scope) AS s (unit_id)
        CROSS JOIN unnest(c_measures) AS m (measure)
        CROSS JOIN LATERAL (
            SELECT d.bucket FROM ioc.dossier_day d
            WHERE d.measure = m.measure AND d.unit_id = s.unit_id AND (p_as_of IS NULL OR d.bucket <= p_as_of)
            ORDER BY d.bucket DESC LIMIT 1) AS last);
    v_newest timestamptz;
BEGIN
    IF v_day IS NOT NULL THEN
        SELECT max(l.effective_at) INTO v_newest
        FROM ioc.dossier_ledger l JOIN ioc.dossier_series s ON s.series_id = l.series_id
        WHERE l.measure = ANY (c_measures) AND l.effective_at >= v_day AND s.unit_id = ANY (p_scope)
          AND (p_as_of IS NULL OR l.recorded_at <= p_as_of);
    END IF;
    RETURN coalesce(v_newest, (
        SELECT max(last.effective_at)
        FROM ioc.dossier_series s
        CROSS JOIN unnest(c_measures) AS m (measure)
        CROSS JOIN LATERAL (
            SELECT l.effective_at FROM ioc.dossier_ledger l
            WHERE l.measure = m.measure AND l.series_id = s.series_id AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
            ORDER BY l.effective_at DESC LIMIT 1
        ) AS last
        WHERE s.unit_id = ANY (p_scope)));
END $$;

-- What stands behind a series: until when its windows are closed, how many facts came late, how much was known, how new it is.
CREATE OR REPLACE FUNCTION ioc.kpi_provenance(
    p_reader text, p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_as_of timestamptz DEFAULT NULL,
    p_remapped boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_scope int[] := ioc.area_scope(p_reader, p_unit, p_remapped);
    v_kpi ioc.kpi_row := ioc.kpi_known(p_kpi);
    v_end timestamptz := least(p_to, now());
    v_closed timestamptz;
    v_late numeric;
    v_newest timestamptz;
    v_coverage float8;
BEGIN
    -- topics may carry an installation's prefix
    SELECT min(w.closed_until) INTO v_closed FROM ioc.window_close w
    WHERE v_kpi.topic IS NULL OR right(w.topic, length(v_kpi.topic)) = v_kpi.topic;
    IF v_kpi.device_kind > 0 THEN
        IF p_from < v_end THEN
            SELECT sum(m.late),
                   (sum(m.up_ms + m.down_ms + m.maintenance_ms) / 1000
                    / nullif(extract(epoch FROM v_end - p_from)
                             * (SELECT count(*) FROM ioc.device d WHERE d.kind = v_kpi.device_kind AND d.unit_id = ANY (v_scope)), 0)
                   )::float8
            INTO v_late, v_coverage
            FROM ioc.device_sums(v_kpi.device_kind, v_scope, ARRAY[p_from, v_end], v_end, ioc.unit_zone(p_reader, p_unit),
                                 false, false) m;
        END IF;
        SELECT max(s.last_time) INTO v_newest FROM ioc.device_state s
        WHERE s.kind = v_kpi.device_kind AND s.unit_id = ANY (v_scope);
        v_coverage := least(v_coverage, 1);
    ELSE
        SELECT sum(l.facts) INTO v_late FROM ioc.late_count l WHERE l.unit_id = ANY (v_scope)
          AND (v_kpi.topic IS NULL OR right(l.topic, length(v_kpi.topic)) = v_kpi.topic);
        IF v_kpi.source LIKE 'queue%' THEN
            SELECT max(greatest(t.issued_at, t.wait_ended_at, t.completed_at)) INTO v_newest
            FROM unnest(v_scope) AS s (unit_id)
            CROSS JOIN LATERAL (
                (SELECT n.issued_at, n.wait_ended_at, n.completed_at FROM ioc.ticket n
                 WHERE n.unit_id = s.unit_id AND n.issued_at IS NOT NULL ORDER BY n.issued_at DESC LIMIT 1)
                UNION ALL
                (SELECT n.issued_at, n.wait_ended_at, n.completed_at FROM ioc.ticket n
                 WHERE n.unit_id = s.unit_id AND n.wait_ended_at IS NOT NULL ORDER BY n.wait_ended_at DESC LIMIT 1)
            ) AS t;
        ELSIF v_kpi.topic IS NULL THEN
            SELECT max(o.newest_fact) INTO v_newest FROM ioc.partition_offset o WHERE o.retired_at IS NULL;
        ELSE
            v_newest := ioc.dossier_newest(v_scope, p_as_of);
        END IF;
    END IF;
    RETURN jsonb_build_object(
        'scope', ioc.unit_start(p_reader, p_unit),
        'time_zone', ioc.unit_zone(p_reader, p_unit),
        'closed_until', v_closed,
        'complete', coalesce(v_closed >= v_end AND p_to <= now(), false),
        'late_facts', coalesce(v_late, 0),
        'newest_fact', v_newest,
        'coverage', v_coverage);
END $$;
