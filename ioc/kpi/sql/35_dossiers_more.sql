-- Dossier indicators that are neither one sum nor a ratio of two.

-- A ratio of what came and stands: numerator p_num[1] in the bucket plus p_num[2] at its end, denominator p_den[1] in the bucket plus
-- p_den[2] at its start.
CREATE OR REPLACE FUNCTION ioc.kpi_dossier_carried(
    p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_num smallint[], p_den smallint[],
    p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    -- read at these buckets' ends, a gauge tells what stands at the starts of ours
    v_before timestamptz[] := (p_bounds[1] - interval '1 microsecond') || p_bounds[1:c_points];
BEGIN
    RETURN QUERY
    WITH flow AS MATERIALIZED (
        SELECT * FROM ioc.kpi_dossier_flow(p_scope, p_bounds, p_clock, p_num[1:1], p_den[1:1], '{}', p_by, p_where, p_as_of)
    ), late AS MATERIALIZED (
        SELECT * FROM ioc.kpi_dossier_gauge(p_scope, p_bounds, p_clock, p_num[2:2], p_by, p_where, p_as_of)
    ), carried AS MATERIALIZED (
        SELECT * FROM ioc.kpi_dossier_gauge(p_scope, v_before, p_clock, p_den[2:2], p_by, p_where, p_as_of)
    ), dims AS (
        SELECT flow.dim FROM flow UNION SELECT late.dim FROM late UNION SELECT carried.dim FROM carried
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    ), begun AS (
        -- before the scope's first fact all is unknown; with it, what a value has none of is zero
        SELECT f.ordinal, bool_or(f.numerator IS NOT NULL) AS known
        FROM ioc.kpi_dossier_flow(p_scope, p_bounds, p_clock, p_num[1:1], p_den[1:1], '{}', NULL, p_where, p_as_of) f GROUP BY 1
    )
    SELECT begun.ordinal, dims.dim,
           CASE WHEN begun.known THEN coalesce(flow.numerator, 0) + coalesce(late.numerator, 0) END,
           CASE WHEN begun.known THEN coalesce(flow.denominator, 0) + coalesce(carried.numerator, 0) END
    FROM allowed
    CROSS JOIN begun
    CROSS JOIN dims
    LEFT JOIN flow ON flow.ordinal = begun.ordinal AND flow.dim IS NOT DISTINCT FROM dims.dim
    LEFT JOIN late ON late.ordinal = begun.ordinal AND late.dim IS NOT DISTINCT FROM dims.dim
    LEFT JOIN carried ON carried.ordinal = begun.ordinal AND carried.dim IS NOT DISTINCT FROM dims.dim
    WHERE allowed.fits;
END $$;

-- Quantile (nearest rank) of the working days that completed dossiers took; the denominator is their number. Over several units or a
-- longer bucket it is the quantile of all their dossiers together, never a mean of quantiles.
CREATE OR REPLACE FUNCTION ioc.kpi_dossier_quantile(
    p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_quantile float8, p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_first timestamptz := ioc.dossier_first_fact(p_scope, p_bounds[1], p_as_of);
BEGIN
    RETURN QUERY
    WITH amounts AS (
        SELECT width_bucket(l.effective_at, p_bounds) AS point, s.dim AS value, l.amount, sum(l.delta) AS many
        FROM ioc.dossier_series_of(p_scope, p_by, p_where) s
        JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
        WHERE l.measure = 9
          AND l.effective_at >= p_bounds[1] AND l.effective_at < p_bounds[c_points + 1]
          AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
        GROUP BY 1, 2, 3 HAVING sum(l.delta) > 0
    ), ranked AS (
        SELECT a.point, a.value, a.amount,
               sum(a.many) OVER (PARTITION BY a.point, a.value ORDER BY a.amount) AS upto,
               sum(a.many) OVER (PARTITION BY a.point, a.value) AS total
        FROM amounts a
    ), found AS MATERIALIZED (
        SELECT r.point, r.value, min(r.amount) FILTER (WHERE r.upto >= p_quantile * r.total) AS amount, max(r.total) AS total
        FROM ranked r GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT found.value FROM found WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value,
           CASE WHEN p_bounds[point.i + 1] > v_first AND p_bounds[point.i] < p_clock THEN found.amount / 1000.0::float8 END,
           CASE WHEN p_bounds[point.i + 1] > v_first AND p_bounds[point.i] < p_clock THEN coalesce(found.total, 0)::float8 END
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN found ON found.point = point.i AND found.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits;
END $$;
