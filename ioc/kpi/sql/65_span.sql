-- Several indicators for several units over one whole span, as one bucket: what a report of a week says. Unlike a sum over days
-- it is right for quantiles too; gauges are read just before the end. Days are those of the first unit's zone.
CREATE OR REPLACE FUNCTION ioc.kpi_span(
    p_reader text, p_kpis text[], p_units text[], p_from timestamptz, p_to timestamptz)
RETURNS TABLE (kpi text, unit text, value float8, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c_bounds constant timestamptz[] := ARRAY[p_from, p_to];
    v_zone text := ioc.unit_zone(p_reader, p_units[1]);
    v_starts text[] := ARRAY(SELECT ioc.unit_start(p_reader, p_units[n]) FROM generate_series(1, cardinality(p_units)) AS n ORDER BY n);
    -- a group whose members change with the date is asked by itself
    v_plain int[] := ARRAY(SELECT n FROM generate_series(1, cardinality(p_units)) AS n
                           WHERE NOT coalesce(ioc.unit_is_dated(v_starts[n]), false) ORDER BY n);
    v_units int[];
    v_groups int[];
    v_kpis ioc.kpi_row[];
BEGIN
    PERFORM ioc.kpi_known(k.id) FROM unnest(p_kpis) AS k (id);
    PERFORM ioc.kpi_check_size(cardinality(p_units), cardinality(p_kpis));
    IF p_from >= p_to THEN
        RAISE EXCEPTION 'The range ends at %, not after its start %.', p_to, p_from
            USING ERRCODE = 'IOC03', HINT = 'The start is included, the end is not: give a later end.';
    END IF;
    SELECT coalesce(array_agg(s.unit_id), '{}'), coalesce(array_agg(g.n), '{}') INTO v_units, v_groups
    FROM generate_series(1, cardinality(v_plain)) AS g (n)
    CROSS JOIN LATERAL ioc.unit_scope(p_reader, p_units[v_plain[g.n]]) s;
    FOR v_kpis IN
        SELECT array_agg(d ORDER BY d.ordinal) FROM ioc.kpi_definition() d WHERE d.id = ANY (p_kpis) GROUP BY d.source, d.device_kind
    LOOP
        RETURN QUERY
        SELECT v_kpis[p.kpi].id, p_units[v_plain[p.grp]],
               ioc.kpi_value(v_kpis[p.kpi], p_from, v_zone, p.numerator, p.denominator),
               p.numerator, p.denominator
        FROM ioc.kpi_points(v_kpis, v_units, v_groups, c_bounds, now(), v_zone, NULL, '{}', NULL) p
        WHERE cardinality(v_plain) > 0;
    END LOOP;
    RETURN QUERY
    SELECT d.id, p_units[n], ioc.kpi_value(d, p_from, v_zone, p.numerator, p.denominator), p.numerator, p.denominator
    FROM generate_series(1, cardinality(p_units)) AS n
    CROSS JOIN ioc.kpi_definition() d
    CROSS JOIN LATERAL ioc.kpi_points_dated(
        d, v_starts[n], ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_units[n]) s), c_bounds, now(), v_zone, NULL, '{}', NULL) p
    WHERE NOT n = ANY (v_plain) AND d.id = ANY (p_kpis);
END $$;
