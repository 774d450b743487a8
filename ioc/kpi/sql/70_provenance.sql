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

-- Units of a scope from which facts are to be expected on some of these days: those that a pack declares and that were valid then.
-- A unit with others below it may only group them: it counts once it was heard from itself.
CREATE OR REPLACE FUNCTION ioc.units_expected(p_scope int[], p_topic text, p_low date, p_high date) RETURNS SETOF int
LANGUAGE sql STABLE AS $$
    SELECT u.unit_id FROM ioc.unit u
    WHERE u.unit_id = ANY (p_scope) AND u.declared
      AND coalesce(u.valid_from, '-infinity') <= p_high AND coalesce(u.valid_to, 'infinity') > p_low
      AND (NOT EXISTS (SELECT FROM ioc.unit c WHERE c.parent_code = u.code)
               AND NOT EXISTS (SELECT FROM ioc.unit_member m WHERE m.group_code = u.code)
           OR EXISTS (SELECT FROM ioc.fact_day d WHERE d.unit_id = u.unit_id AND right(d.topic, length(p_topic)) = p_topic))
$$;

-- When something of a scope's tickets newest happened, of what was known at a moment. The newest day that was heard of then says
-- where to look.
CREATE OR REPLACE FUNCTION ioc.queue_newest(p_scope int[], p_as_of timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_as_of IS NULL THEN (
        SELECT max(greatest(t.issued_at, t.wait_ended_at, t.completed_at))
        FROM unnest(p_scope) AS s (unit_id)
        CROSS JOIN LATERAL (
            (SELECT n.issued_at, n.wait_ended_at, n.completed_at FROM ioc.ticket n
             WHERE n.unit_id = s.unit_id AND n.issued_at IS NOT NULL ORDER BY n.issued_at DESC LIMIT 1)
            UNION ALL
            (SELECT n.issued_at, n.wait_ended_at, n.completed_at FROM ioc.ticket n
             WHERE n.unit_id = s.unit_id AND n.wait_ended_at IS NOT NULL ORDER BY n.wait_ended_at DESC LIMIT 1)
        ) AS t
    ) ELSE (
        SELECT max(f.time)
        FROM unnest(p_scope) AS s (unit_id)
        CROSS JOIN LATERAL (SELECT max(d.day) AS day FROM ioc.fact_day d
                            WHERE d.unit_id = s.unit_id AND d.topic LIKE '%ioc.queues' AND d.learned_at <= p_as_of) AS last
        JOIN ioc.ticket t ON t.unit_id = s.unit_id AND t.date BETWEEN last.day - 2 AND last.day + 1
        JOIN ioc.ticket_fact f ON f.ticket_id = coalesce(t.first_id, t.ticket_id) AND f.recorded_at <= p_as_of
    ) END
$$;

-- What stands behind a series: until when its windows are closed, how many of the range's facts came late, how much was heard of,
-- how new it is. Which facts were late is counted by day and not kept with each: as of an earlier moment it is unknown.
CREATE OR REPLACE FUNCTION ioc.kpi_provenance(
    p_reader text, p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_as_of timestamptz DEFAULT NULL,
    p_remapped boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_scope int[] := ioc.area_scope(p_reader, p_unit, p_remapped);
    v_kpi ioc.kpi_row := ioc.kpi_known(p_kpi);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_clock timestamptz := least(now(), p_as_of);
    v_end timestamptz := least(p_to, v_clock);
    v_low date := (p_from AT TIME ZONE v_zone)::date;
    v_high date := ((v_end - interval '1 microsecond') AT TIME ZONE v_zone)::date;
    v_closed timestamptz;
    v_facts numeric;
    v_late numeric;
    v_newest timestamptz;
    v_coverage float8;
BEGIN
    -- topics may carry an installation's prefix
    SELECT min(w.closed_until) INTO v_closed FROM ioc.window_close w
    WHERE v_kpi.topic IS NULL OR right(w.topic, length(v_kpi.topic)) = v_kpi.topic;
    IF v_kpi.topic IS NULL THEN
        SELECT max(o.newest_fact) INTO v_newest FROM ioc.partition_offset o WHERE o.retired_at IS NULL AND p_as_of IS NULL;
    ELSIF v_kpi.device_kind > 0 THEN
        IF p_from < v_end THEN
            SELECT sum(m.samples), sum(m.late), sum(m.known) INTO v_facts, v_late, v_coverage
            FROM (SELECT s.samples, s.late, s.up_ms + s.down_ms + s.maintenance_ms AS known
                  FROM ioc.device_sums(v_kpi.device_kind, v_scope, ARRAY[p_from, v_end], v_end, v_zone, false, false) s
                  WHERE p_as_of IS NULL
                  UNION ALL
                  SELECT NULL, NULL, s.up_ms + s.down_ms + s.maintenance_ms
                  FROM ioc.device_sums_known(v_kpi.device_kind, v_scope, ARRAY[p_from, v_end], v_end, false, p_as_of) s
                  WHERE p_as_of IS NOT NULL) AS m;
            v_coverage := least(1, v_coverage / 1000 / nullif(extract(epoch FROM v_end - p_from) * (
                SELECT count(*) FROM ioc.device d WHERE d.kind = v_kpi.device_kind AND d.unit_id = ANY (v_scope)), 0));
        END IF;
        IF p_as_of IS NULL THEN
            SELECT max(s.last_time) INTO v_newest FROM ioc.device_state s
            WHERE s.kind = v_kpi.device_kind AND s.unit_id = ANY (v_scope);
        ELSE
            SELECT max(last.time) INTO v_newest FROM ioc.device d
            CROSS JOIN LATERAL (
                SELECT s.time FROM ioc.device_sample s
                WHERE s.kind = v_kpi.device_kind AND s.device_id = d.device_id AND s.recorded_at <= p_as_of
                ORDER BY s.time DESC LIMIT 1) AS last
            WHERE d.kind = v_kpi.device_kind AND d.unit_id = ANY (v_scope);
        END IF;
    ELSE
        IF p_from < v_end THEN
            SELECT coalesce(sum(d.facts), 0), coalesce(sum(d.late), 0) INTO v_facts, v_late FROM ioc.fact_day d
            WHERE p_as_of IS NULL AND d.unit_id = ANY (v_scope) AND d.day BETWEEN v_low AND v_high
              AND right(d.topic, length(v_kpi.topic)) = v_kpi.topic;
            SELECT avg((EXISTS (
                SELECT FROM ioc.fact_day d
                WHERE d.unit_id = e.unit_id AND d.day BETWEEN v_low AND v_high AND right(d.topic, length(v_kpi.topic)) = v_kpi.topic
                  AND (p_as_of IS NULL OR d.learned_at <= p_as_of)))::int)
            INTO v_coverage FROM ioc.units_expected(v_scope, v_kpi.topic, v_low, v_high) AS e (unit_id);
        END IF;
        v_newest := CASE WHEN v_kpi.source LIKE 'queue%' THEN ioc.queue_newest(v_scope, p_as_of)
                         ELSE ioc.dossier_newest(v_scope, p_as_of) END;
    END IF;
    RETURN jsonb_build_object(
        'scope', ioc.unit_start(p_reader, p_unit),
        'time_zone', v_zone,
        'closed_until', v_closed,
        'complete', coalesce(v_closed >= v_end AND p_to <= v_clock, false),
        'late_facts', CASE WHEN p_as_of IS NULL AND v_kpi.topic IS NOT NULL THEN coalesce(v_late, 0) END,
        'late_share', CASE WHEN p_as_of IS NULL THEN (v_late / nullif(v_facts, 0))::float8 END,
        'newest_fact', v_newest,
        'coverage', v_coverage);
END $$;
