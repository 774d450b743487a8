-- What forecasts of dossiers are made of: what is open, what ended when, how long it took. No person, no officer.

-- The calendar by which a unit works, its time zone, and the database's clock. working_time: see ioc/district/worktime.py; null: weekdays.
CREATE OR REPLACE FUNCTION ioc.forecast_calendar(p_reader text, p_unit text)
RETURNS TABLE (scope text, time_zone text, working_time text, clock timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
BEGIN
    RETURN QUERY
    SELECT ioc.unit_start(p_reader, p_unit), ioc.unit_zone(p_reader, p_unit),
           CASE WHEN ioc.works_by_district(v_scope) THEN (SELECT d.working_time::text FROM ioc.district d) END, now();
END $$;

-- Each unit's open dossiers at a moment, and the moment of its first receipt. A unit that never received one is left out.
CREATE OR REPLACE FUNCTION ioc.forecast_open(p_reader text, p_unit text, p_at timestamptz, p_as_of timestamptz)
RETURNS TABLE (unit text, open float8, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
BEGIN
    PERFORM ioc.forecast_check(p_at, p_as_of);
    RETURN QUERY
    SELECT u.code, coalesce(o.numerator, 0), f.first
    FROM (
        SELECT s.unit_id, min(l.effective_at) AS first
        FROM ioc.dossier_series s
        CROSS JOIN LATERAL (
            SELECT l.effective_at FROM ioc.dossier_ledger l
            WHERE l.measure = 1 AND l.series_id = s.series_id AND l.effective_at <= p_at AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
            ORDER BY l.effective_at LIMIT 1
        ) AS l
        WHERE s.unit_id = ANY (v_scope) GROUP BY 1
    ) AS f
    JOIN ioc.unit u ON u.unit_id = f.unit_id
    LEFT JOIN ioc.kpi_points(ARRAY[ioc.kpi_known('dossier.open')], v_scope, array_fill(1, ARRAY[cardinality(v_scope)]),
                             ARRAY[p_at, p_at + interval '1 second'], p_at + interval '1 microsecond',
                             ioc.unit_zone(p_reader, p_unit), 'unit', '{}', p_as_of) o ON o.dim = u.code
    ORDER BY 1;
END $$;

-- Dossiers that ended (completed or withdrawn), by unit and local day, before a moment.
CREATE OR REPLACE FUNCTION ioc.forecast_ends(p_reader text, p_unit text, p_from timestamptz, p_at timestamptz, p_as_of timestamptz)
RETURNS TABLE (unit text, day date, ended bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
BEGIN
    RETURN QUERY
    SELECT u.code, (l.effective_at AT TIME ZONE v_zone)::date, sum(l.delta)
    FROM ioc.dossier_series s
    JOIN ioc.unit u ON u.unit_id = s.unit_id
    JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
    WHERE s.unit_id = ANY (v_scope) AND l.measure IN (3, 5) AND l.effective_at >= p_from AND l.effective_at < p_at
      AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
    GROUP BY 1, 2 HAVING sum(l.delta) > 0
    ORDER BY 1, 2;
END $$;

-- The midnight that ends a date: from it on a dossier is late.
CREATE OR REPLACE FUNCTION ioc.late_from(p_due timestamptz, p_zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT ((p_due AT TIME ZONE p_zone)::date + 1)::timestamp AT TIME ZONE p_zone $$;

-- Dossiers that are open, and those that ended from p_since on. late_from: the midnight after the due date in force; null where there is
-- none, and while somebody else is waited for. With p_as_of, as they were known to be then, from the ledger; without it now, from the projection.
CREATE OR REPLACE FUNCTION ioc.forecast_dossiers(p_reader text, p_unit text, p_since timestamptz, p_as_of timestamptz)
RETURNS TABLE (code text, unit text, field text, procedure text, received_at timestamptz, ended_at timestamptz, late_from timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
BEGIN
    PERFORM ioc.forecast_check(coalesce(p_as_of, now()), p_as_of);
    IF p_as_of IS NULL THEN
        RETURN QUERY
        WITH ended AS (
            SELECT l.dossier_id, l.effective_at AS at
            FROM ioc.dossier_series s JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
            WHERE s.unit_id = ANY (v_scope) AND l.measure IN (3, 5) AND l.effective_at >= p_since AND l.effective_at <= now()
            GROUP BY 1, 2 HAVING sum(l.delta) > 0
        )
        SELECT d.code, u.code, d.field, d.procedure, d.received_at, e.at, ioc.late_from(d.due_at, u.time_zone)
        FROM ended e JOIN ioc.dossier d ON d.dossier_id = e.dossier_id JOIN ioc.unit u ON u.unit_id = d.unit_id
        UNION ALL
        SELECT d.code, u.code, d.field, d.procedure, d.received_at, NULL,
               CASE WHEN d.status IS NULL OR d.status NOT IN (5, 6, 8)
                    THEN ioc.late_from(d.due_at, u.time_zone) END
        FROM ioc.dossier d JOIN ioc.unit u ON u.unit_id = d.unit_id
        WHERE d.unit_id = ANY (v_scope) AND d.completed_at IS NULL AND d.withdrawn_at IS NULL
          AND d.received_at <= now() AND d.merged_into IS NULL;
    ELSE
        RETURN QUERY
        WITH asked AS MATERIALIZED (
            -- the others ended before, and nothing was learned of them since
            SELECT d.dossier_id FROM ioc.dossier d
            WHERE d.unit_id = ANY (v_scope) AND d.received_at <= p_as_of
              AND (d.recorded_at > p_as_of OR coalesce(least(d.completed_at, d.withdrawn_at), 'infinity') >= p_since)
            UNION
            -- what was another unit's then
            SELECT l.dossier_id FROM ioc.dossier_series s JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
            JOIN ioc.dossier d ON d.dossier_id = l.dossier_id
            WHERE s.unit_id = ANY (v_scope) AND l.measure = 1 AND l.recorded_at <= p_as_of AND d.recorded_at > p_as_of
        ), net AS (
            SELECT l.dossier_id, l.series_id, l.measure, l.effective_at AS at, sum(l.delta) AS n
            FROM asked a
            JOIN ioc.dossier_ledger l ON l.dossier_id = a.dossier_id
            JOIN ioc.dossier_series s ON s.series_id = l.series_id
            WHERE s.unit_id = ANY (v_scope) AND l.measure IN (1, 3, 5, 11) AND l.recorded_at <= p_as_of
            GROUP BY 1, 2, 3, 4 HAVING sum(l.delta) <> 0
        ), known AS (
            SELECT n.dossier_id, min(n.series_id) AS series_id,
                   min(n.at) FILTER (WHERE n.measure = 1) AS received_at, min(n.at) FILTER (WHERE n.measure IN (3, 5)) AS ended_at,
                   -- a period of lateness that has no end begins where the date in force runs out
                   CASE WHEN sum(n.n) FILTER (WHERE n.measure = 11) > 0 THEN max(n.at) FILTER (WHERE n.measure = 11 AND n.n > 0) END AS late_from
            FROM net n GROUP BY 1
        )
        SELECT d.code, u.code, s.field, s.procedure, k.received_at, CASE WHEN k.ended_at <= p_as_of THEN k.ended_at END,
               CASE WHEN k.ended_at IS NULL THEN k.late_from ELSE ioc.late_from(b.due_at, u.time_zone) END
        FROM known k
        JOIN ioc.dossier d ON d.dossier_id = k.dossier_id
        -- where something was learned since, the date comes from the facts that were known
        CROSS JOIN LATERAL (
            SELECT CASE WHEN d.recorded_at <= p_as_of OR k.ended_at IS NULL THEN d.due_at
                        ELSE (SELECT coalesce(f.body ->> 'due_at', f.body ->> 'new_due_at')::timestamptz FROM ioc.dossier_fact f
                              WHERE f.dossier_id = d.dossier_id AND f.recorded_at <= p_as_of
                                AND (f.kind IN (1, 2) AND f.body ? 'due_at' OR f.kind = 6 AND f.body ? 'new_due_at')
                              ORDER BY f.time DESC, f.sequence DESC, f.id DESC LIMIT 1) END AS due_at) AS b
        JOIN ioc.dossier_series s ON s.series_id = k.series_id
        JOIN ioc.unit u ON u.unit_id = s.unit_id
        WHERE k.received_at <= p_as_of AND (k.ended_at IS NULL OR k.ended_at >= p_since);
    END IF;
END $$;

-- Every dossier of a unit with the dates that turned out to be true, for looking back: received, ended, and the midnight after the first
-- due date (a later one was not known at first). At most p_most, to bound memory; one more tells that there are more.
CREATE OR REPLACE FUNCTION ioc.forecast_history(p_reader text, p_unit text, p_most int)
RETURNS TABLE (unit text, field text, procedure text, received_at timestamptz, ended_at timestamptz, late_from timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
BEGIN
    RETURN QUERY
    SELECT u.code, d.field, d.procedure, d.received_at,
           CASE WHEN d.completed_at IS NOT NULL OR d.withdrawn_at IS NOT NULL
                THEN greatest(least(d.completed_at, d.withdrawn_at), d.received_at) END,
           ioc.late_from(d.original_due_at, u.time_zone)
    FROM ioc.dossier d JOIN ioc.unit u ON u.unit_id = d.unit_id
    WHERE d.unit_id = ANY (v_scope) AND d.received_at <= now() AND d.merged_into IS NULL
    ORDER BY d.received_at DESC, d.dossier_id DESC
    LIMIT p_most + 1;
END $$;
