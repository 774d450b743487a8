-- Targets in force. The nearest wins: the unit's own, else that of the unit above, at last the one that is for every unit.

-- For each indicator and unit asked for, one row per stretch of time in which one target is in force; null since and until
-- are unbounded. A null unit is the reader's whole scope.
CREATE OR REPLACE FUNCTION ioc.kpi_targets(p_reader text, p_kpis text[], p_units text[] DEFAULT NULL)
RETURNS TABLE (
    kpi text, unit text, since timestamptz, until timestamptz, target float8, warning float8, strict boolean, each text,
    of_unit text, certainty text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_unit text;
    v_start text;
    v_zone text;
BEGIN
    FOREACH v_unit IN ARRAY coalesce(p_units, ARRAY[NULL::text]) LOOP
        v_start := ioc.unit_start(p_reader, v_unit);
        v_zone := ioc.unit_zone(p_reader, v_unit);
        RETURN QUERY
        WITH RECURSIVE above AS (
            SELECT v_start AS code, 0 AS steps
            UNION ALL
            -- a ring of units ends too
            SELECT u.parent_code, a.steps + 1 FROM above a JOIN ioc.unit u ON u.code = a.code
            WHERE u.parent_code IS NOT NULL AND a.steps < 50
        ), candidate AS MATERIALIZED (
            SELECT t.*, a.steps FROM above a JOIN ioc.kpi_target t ON t.unit_code = a.code WHERE t.kpi = ANY (p_kpis)
            UNION ALL
            SELECT t.*, 100 FROM ioc.kpi_target t WHERE t.unit_code = '' AND t.kpi = ANY (p_kpis)
        ), turn AS (
            SELECT c.kpi, c.valid_from AS day FROM candidate c
            UNION
            SELECT c.kpi, c.valid_to FROM candidate c WHERE c.valid_to IS NOT NULL
        ), stretch AS (
            SELECT t.kpi, t.day AS low, lead(t.day) OVER (PARTITION BY t.kpi ORDER BY t.day) AS high FROM turn t
        )
        SELECT s.kpi, v_unit, nullif(s.low, '0001-01-01')::timestamp AT TIME ZONE v_zone, s.high::timestamp AT TIME ZONE v_zone,
               n.value, n.warning, n.strict, n.each, nullif(n.unit_code, ''), n.certainty
        FROM stretch s
        CROSS JOIN LATERAL (
            SELECT c.* FROM candidate c
            WHERE c.kpi = s.kpi AND c.valid_from <= s.low AND (c.valid_to IS NULL OR c.valid_to > s.low)
            ORDER BY c.steps LIMIT 1
        ) AS n
        ORDER BY s.kpi, s.low;
    END LOOP;
END $$;
