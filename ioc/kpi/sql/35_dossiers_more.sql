-- Dossier indicators that are neither one sum nor a ratio of two.

-- A ratio of what came and stands: numerator num[1] in the bucket plus num[2] at its end, denominator den[1] in the bucket plus
-- den[2] at its start.
CREATE OR REPLACE FUNCTION ioc.kpi_dossier_carried(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    -- read at these buckets' ends, a gauge tells what stands at the starts of ours
    v_before timestamptz[] := (p_bounds[1] - interval '1 microsecond') || p_bounds[1:c_points];
    v_first timestamptz[] := ioc.dossier_first_facts(p_units, p_groups, p_bounds[1], p_as_of);
    v_flow ioc.kpi_row[] := p_kpis;
    v_late ioc.kpi_row[] := p_kpis;
    v_carried ioc.kpi_row[] := p_kpis;
BEGIN
    FOR i IN 1 .. cardinality(p_kpis) LOOP
        v_flow[i].num := p_kpis[i].num[1:1];
        v_flow[i].den := p_kpis[i].den[1:1];
        v_flow[i].known := '{}';
        v_late[i].num := p_kpis[i].num[2:2];
        v_carried[i].num := p_kpis[i].den[2:2];
    END LOOP;
    -- each has a row for every point of what it knows: what one of them has no row of adds nothing
    RETURN QUERY
    SELECT s.kpi, s.grp, s.ordinal, s.dim,
           CASE WHEN p_bounds[s.ordinal + 1] > v_first[s.grp] AND p_bounds[s.ordinal] < p_clock THEN coalesce(sum(s.num), 0) END,
           CASE WHEN p_bounds[s.ordinal + 1] > v_first[s.grp] AND p_bounds[s.ordinal] < p_clock THEN coalesce(sum(s.den), 0) END
    FROM (
        SELECT f.kpi, f.grp, f.ordinal, f.dim, f.numerator AS num, f.denominator AS den
        FROM ioc.kpi_dossier_flow(v_flow, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) f
        UNION ALL
        SELECT f.kpi, f.grp, f.ordinal, f.dim, f.numerator, NULL
        FROM ioc.kpi_dossier_gauge(v_late, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) f
        UNION ALL
        SELECT f.kpi, f.grp, f.ordinal, f.dim, NULL, f.numerator
        FROM ioc.kpi_dossier_gauge(v_carried, p_units, p_groups, v_before, p_clock, p_zone, p_by, p_where, p_as_of) f
    ) AS s
    GROUP BY s.kpi, s.grp, s.ordinal, s.dim;
END $$;

-- Quantile (nearest rank) of the working days that completed dossiers took; the denominator is their number. Over several units or a
-- longer bucket it is the quantile of all their dossiers together, never a mean of quantiles. Days' amounts are ranked already: where
-- one unit's day is all that a point needs, its quantile is looked up.
CREATE OR REPLACE FUNCTION ioc.kpi_dossier_quantile(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    v_first timestamptz[] := ioc.dossier_first_facts(p_units, p_groups, p_bounds[1], p_as_of);
    v_end timestamptz := coalesce((SELECT min(b.at) FROM unnest(p_bounds) AS b (at) WHERE b.at >= p_clock), p_bounds[c_points + 1]);
    v_split boolean := coalesce(p_by, 'unit') <> 'unit' OR p_where - 'unit' <> '{}';
    v_levels text[] := CASE WHEN v_split OR NOT ioc.rollup_zone_fits(p_units, p_zone) THEN '{}' ELSE ARRAY['day'] END;
    v_part record;
    v_day_lows timestamptz[] := '{}';
    v_day_highs timestamptz[] := '{}';
    v_fact_lows timestamptz[] := '{}';
    v_fact_highs timestamptz[] := '{}';
    v_units int[];
    v_groups int[];
BEGIN
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    FOR v_part IN SELECT * FROM ioc.rollup_parts(
        p_bounds, v_end, v_levels, p_zone, coalesce(p_as_of - interval '24 hours', 'infinity')) LOOP
        IF v_part.level = 'day' THEN
            v_day_lows := v_day_lows || v_part.low;
            v_day_highs := v_day_highs || v_part.high;
        ELSE
            v_fact_lows := v_fact_lows || v_part.low;
            v_fact_highs := v_fact_highs || v_part.high;
        END IF;
    END LOOP;
    RETURN QUERY
    WITH kpis AS MATERIALIZED (
        SELECT k.n, (p_kpis[k.n]).quantile FROM generate_series(1, cardinality(p_kpis)) AS k (n)
    ), map AS MATERIALIZED (
        SELECT m.unit_id, m.grp FROM unnest(v_units, v_groups) AS m (unit_id, grp)
    ), days AS MATERIALIZED (
        SELECT m.grp, width_bucket(d.bucket, p_bounds) AS point, CASE p_by WHEN 'unit' THEN d.unit_id ELSE 0 END AS part,
               d.amounts, d.taken
        FROM unnest(v_day_lows, v_day_highs) AS r (low, high)
        JOIN ioc.dossier_amount_day d ON d.unit_id = ANY (v_units) AND d.bucket >= r.low AND d.bucket < r.high
        JOIN map m ON m.unit_id = d.unit_id
    ), entries AS (
        SELECT l.series_id, l.effective_at, l.amount, l.delta::int AS n
        FROM unnest(v_fact_lows, v_fact_highs) AS r (low, high)
        JOIN ioc.dossier_ledger l ON l.measure = 9 AND l.effective_at >= r.low AND l.effective_at < r.high
            AND l.series_id = ANY (ARRAY(SELECT s.series_id FROM ioc.dossier_series s WHERE s.unit_id = ANY (v_units)))
        WHERE p_as_of IS NULL OR l.recorded_at <= p_as_of
        UNION ALL
        SELECT l.series_id, l.effective_at, l.amount, l.delta
        FROM unnest(v_day_lows, v_day_highs) AS r (low, high)
        JOIN ioc.dossier_pending l ON l.measure = 9 AND l.effective_at >= r.low AND l.effective_at < r.high
        UNION ALL
        -- what was learned later is taken off again
        SELECT l.series_id, l.effective_at, l.amount, -l.delta::int
        FROM unnest(v_day_lows, v_day_highs) AS r (low, high)
        JOIN ioc.dossier_ledger l ON l.measure = 9 AND l.effective_at >= r.low AND l.effective_at < r.high
            AND l.recorded_at - l.effective_at > interval '24 hours' AND l.recorded_at > p_as_of
            AND l.series_id = ANY (ARRAY(SELECT s.series_id FROM ioc.dossier_series s WHERE s.unit_id = ANY (v_units)))
        WHERE p_as_of IS NOT NULL
    ), others AS MATERIALIZED (
        SELECT m.grp, width_bucket(e.effective_at, p_bounds) AS point, CASE p_by WHEN 'unit' THEN s.unit_id ELSE 0 END AS part,
               CASE p_by WHEN 'channel' THEN coalesce('=' || s.channel, '') WHEN 'field' THEN coalesce('=' || s.field, '')
                         WHEN 'procedure' THEN coalesce('=' || s.procedure, '') ELSE '' END AS key,
               e.amount, sum(e.n) AS n
        FROM entries e
        JOIN ioc.dossier_series s ON s.series_id = e.series_id
        JOIN map m ON m.unit_id = s.unit_id
        WHERE ioc.dossier_fits(p_where, s.channel, s.field, s.procedure)
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(e.n) <> 0
    ), whole AS MATERIALIZED (
        SELECT d.grp, d.point, d.part, min(d.amounts) AS amounts FROM days d
        WHERE (d.grp, d.point, d.part) NOT IN (SELECT o.grp, o.point, o.part FROM others o)
        GROUP BY 1, 2, 3 HAVING count(*) = 1 AND min(cardinality(d.taken)) = 0
    ), amounts AS (
        SELECT f.grp, f.point, f.part, f.key, f.amount, sum(f.n) AS many
        FROM (
            SELECT d.grp, d.point, d.part, '' AS key, a.amount, a.n
            FROM days d
            CROSS JOIN LATERAL (SELECT unnest(d.amounts) AS amount, 1 AS n UNION ALL SELECT unnest(d.taken), -1) AS a
            WHERE (d.grp, d.point, d.part) NOT IN (SELECT w.grp, w.point, w.part FROM whole w)
            UNION ALL
            SELECT o.grp, o.point, o.part, o.key, o.amount, o.n FROM others o
        ) AS f
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(f.n) > 0
    ), ranked AS (
        SELECT a.grp, a.point, a.part, a.key, a.amount,
               sum(a.many) OVER (PARTITION BY a.grp, a.point, a.part, a.key ORDER BY a.amount) AS upto,
               sum(a.many) OVER (PARTITION BY a.grp, a.point, a.part, a.key) AS total
        FROM amounts a
    ), found AS MATERIALIZED (
        SELECT k.n AS kpi, r.grp, r.point, r.part, r.key, min(r.amount) FILTER (WHERE r.upto >= k.quantile * r.total) AS amount,
               max(r.total)::float8 AS total
        FROM ranked r CROSS JOIN kpis k
        GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        SELECT k.n, w.grp, w.point, w.part, '', w.amounts[ceil(k.quantile * cardinality(w.amounts))::int],
               cardinality(w.amounts)
        FROM whole w CROSS JOIN kpis k WHERE w.amounts <> '{}'
    ), dims AS (
        SELECT DISTINCT found.kpi, found.grp, found.part, found.key FROM found WHERE p_by IS NOT NULL
        UNION ALL
        SELECT k.n, g.n, 0, '' FROM kpis k CROSS JOIN generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT dims.kpi, dims.grp, point.i, CASE p_by WHEN 'unit' THEN u.code ELSE substr(nullif(dims.key, ''), 2) END,
           CASE WHEN known.yes THEN found.amount / 1000.0::float8 END,
           CASE WHEN known.yes THEN coalesce(found.total, 0)::float8 END
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    CROSS JOIN LATERAL (SELECT p_bounds[point.i + 1] > v_first[dims.grp] AND p_bounds[point.i] < p_clock AS yes) AS known
    LEFT JOIN found ON found.kpi = dims.kpi AND found.grp = dims.grp AND found.point = point.i AND found.part = dims.part
                    AND found.key = dims.key
    LEFT JOIN ioc.unit u ON u.unit_id = dims.part
    WHERE allowed.fits;
END $$;

-- Values of the dimensions of dossiers that are met in what a reader may see.
CREATE OR REPLACE FUNCTION ioc.dossier_values(p_reader text) RETURNS TABLE (dimension text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT DISTINCT v.dimension, v.value
    FROM ioc.dossier_series s
    CROSS JOIN LATERAL (VALUES ('channel', s.channel), ('field', s.field), ('procedure', s.procedure)) AS v (dimension, value)
    WHERE s.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(p_reader) r) AND v.value IS NOT NULL
    ORDER BY 1, 2;
END $$;
