-- The index of Decision 766, component by component, and where its points were lost.

-- First moment of a month and of the next one, and the moment up to which it is known.
CREATE OR REPLACE FUNCTION ioc.index766_range(p_month date, p_zone text, p_as_of timestamptz)
RETURNS TABLE (months timestamptz[], clock timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT ARRAY[p_month::timestamp AT TIME ZONE p_zone, (p_month + interval '1 month') AT TIME ZONE p_zone], least(now(), p_as_of)
$$;

CREATE OR REPLACE FUNCTION ioc.index766_month(p_reader text, p_unit text, p_month date, p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (version int, component text, grp text, max_points float8, points float8, numerator float8, denominator float8,
               origin text, stated_points float8, published_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_range record;
BEGIN
    SELECT r.months, r.clock INTO v_range FROM ioc.index766_range(p_month, v_zone, p_as_of) r;
    RETURN QUERY
    SELECT c.version, c.component, c.grp, c.max_points, c.points, c.numerator, c.denominator, c.origin, c.stated_points, c.published_at
    FROM ioc.index766_components(NULL, v_scope, v_range.months, v_range.clock, v_zone, p_as_of) c;
END $$;

-- The points that live components lost, by procedure: each loses in proportion to its dossiers that miss the mark (its share of one
-- where procedures are counted), so that a component's rows add up to what it lost.
CREATE OR REPLACE FUNCTION ioc.index766_losses(p_reader text, p_unit text, p_month date, p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (component text, procedure text, missing float8, counted float8, points float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_range record;
    v_lost record;
BEGIN
    SELECT r.months, r.clock INTO v_range FROM ioc.index766_range(p_month, v_zone, p_as_of) r;
    FOR v_lost IN
        SELECT c.component, c.max_points - c.points AS lost, f.live_count, f.num, f.den, f.known
        FROM ioc.index766_components(NULL, v_scope, v_range.months, v_range.clock, v_zone, p_as_of) c
        JOIN ioc.index766_formula() f ON f.version = c.version AND f.component = c.component
        WHERE c.origin = 'live' AND c.points < c.max_points
        ORDER BY f.place
    LOOP
        RETURN QUERY
        WITH short AS (
            SELECT d.dim, d.numerator AS missing, d.denominator AS counted
            FROM ioc.index766_figures(ioc.kpi_known('dossier.late_rate_gialai'), v_scope, v_range.months, v_range.clock, v_zone,
                                     'procedure', p_as_of) d
            WHERE v_lost.live_count = 'handled'
            UNION ALL
            SELECT d.dim, d.denominator - coalesce(d.numerator, 0), d.denominator
            FROM ioc.index766_figures(ioc.index766_ratio(v_lost.num, v_lost.den, v_lost.known), v_scope, v_range.months,
                                     v_range.clock, v_zone, 'procedure', p_as_of) d
            WHERE v_lost.live_count = 'dossiers'
            UNION ALL
            SELECT d.dim, 1, d.denominator
            FROM ioc.index766_figures(ioc.index766_ratio(v_lost.num, v_lost.den, v_lost.known), v_scope, v_range.months,
                                     v_range.clock, v_zone, 'procedure', p_as_of) d
            WHERE v_lost.live_count = 'procedures' AND d.dim IS NOT NULL AND d.denominator > 0
              AND coalesce(d.numerator, 0) <= 0
        )
        SELECT v_lost.component, s.dim, s.missing, s.counted, v_lost.lost * s.missing / sum(s.missing) OVER ()
        FROM short s WHERE s.missing > 0
        ORDER BY s.missing DESC, s.dim NULLS LAST;
    END LOOP;
END $$;

-- The dossiers that were late in a month: completed late in it, or overdue at its end (now, in the running one), the longest
-- late first, each with the points that it cost. total: how many there are in all. Days are calendar days of the unit's zone by the due
-- date as it is known now; null where the dossier changed since p_as_of.
-- It names dossiers: for the platform's own role, no entry point.
CREATE OR REPLACE FUNCTION ioc.index766_late(
    p_reader text, p_unit text, p_month date, p_as_of timestamptz DEFAULT NULL, p_limit int DEFAULT 200)
RETURNS TABLE (code text, unit text, procedure text, field text, how text, due_on date, days_late int, points float8, total bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_range record;
    v_lost float8;
    v_end timestamptz;
BEGIN
    SELECT r.months, r.clock INTO v_range FROM ioc.index766_range(p_month, v_zone, p_as_of) r;
    v_end := least(v_range.months[2], v_range.clock + interval '1 microsecond');
    SELECT c.max_points - c.points INTO v_lost
    FROM ioc.index766_components('progress', v_scope, v_range.months, v_range.clock, v_zone, p_as_of) c
    JOIN ioc.index766_formula() f ON f.version = c.version AND f.component = c.component AND f.live_count = 'handled'
    WHERE c.origin = 'live' LIMIT 1;
    RETURN QUERY
    WITH late AS MATERIALIZED (
        SELECT l.dossier_id, l.series_id, l.measure, max(l.effective_at) AS at
        FROM ioc.dossier_series s
        JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
        WHERE s.unit_id = ANY (v_scope)
          AND (l.measure = 6 AND l.effective_at >= v_range.months[1] AND l.effective_at < v_range.months[2]
               OR l.measure = 11 AND l.effective_at < v_end)
          AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
        GROUP BY 1, 2, 3 HAVING sum(l.delta) > 0
    )
    SELECT d.code, u.code, s.procedure, s.field, CASE late.measure WHEN 6 THEN 'completed late' ELSE 'overdue' END,
           known.due_on, known.days_late, v_lost / count(*) OVER (), count(*) OVER ()
    FROM late
    JOIN ioc.dossier_series s ON s.series_id = late.series_id
    JOIN ioc.unit u ON u.unit_id = s.unit_id
    LEFT JOIN ioc.dossier d ON d.dossier_id = late.dossier_id
    LEFT JOIN LATERAL (
        SELECT (d.due_at AT TIME ZONE u.time_zone)::date AS due_on,
               CASE late.measure WHEN 6 THEN (late.at AT TIME ZONE u.time_zone)::date
                    ELSE ((v_end - interval '1 microsecond') AT TIME ZONE u.time_zone)::date END
               - (d.due_at AT TIME ZONE u.time_zone)::date AS days_late
        WHERE p_as_of IS NULL OR d.recorded_at <= p_as_of
    ) AS known ON true
    ORDER BY known.days_late DESC NULLS LAST, d.code
    LIMIT p_limit;
END $$;
