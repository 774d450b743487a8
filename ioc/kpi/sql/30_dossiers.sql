-- Dossier indicators: sums of signed ledger entries. Corrections are entries too, so a plain sum is always right.

-- The scope's first receipt as known at a moment: before it, figures are unknown and not zero. Where there is one by
-- p_from already, that is all a series needs to know, and the answer is p_from.
CREATE OR REPLACE FUNCTION ioc.dossier_first_fact(p_scope int[], p_from timestamptz, p_as_of timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    IF EXISTS (SELECT FROM ioc.dossier_series s
               CROSS JOIN LATERAL (
                   SELECT FROM ioc.dossier_ledger l
                   WHERE l.measure = 1 AND l.series_id = s.series_id AND l.effective_at <= p_from
                     AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
                   LIMIT 1
               ) AS early
               WHERE s.unit_id = ANY (p_scope)) THEN
        RETURN p_from;
    END IF;
    RETURN (
        SELECT min(first.effective_at)
        FROM ioc.dossier_series s
        CROSS JOIN LATERAL (
            SELECT l.effective_at FROM ioc.dossier_ledger l
            WHERE l.measure = 1 AND l.series_id = s.series_id AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
            ORDER BY l.effective_at LIMIT 1
        ) AS first
        WHERE s.unit_id = ANY (p_scope));
END $$;

-- The combinations of dimensions that a question covers, each with its value of the dimension that splits the series.
CREATE OR REPLACE FUNCTION ioc.dossier_series_of(p_scope int[], p_by text, p_where jsonb)
RETURNS TABLE (series_id int, dim text)
LANGUAGE sql STABLE AS $$
    SELECT s.series_id,
           CASE p_by WHEN 'unit' THEN u.code WHEN 'channel' THEN s.channel
                     WHEN 'field' THEN s.field WHEN 'procedure' THEN s.procedure END
    FROM ioc.dossier_series s
    JOIN ioc.unit u ON u.unit_id = s.unit_id
    WHERE s.unit_id = ANY (p_scope)
      AND (NOT p_where ? 'unit' OR p_where -> 'unit' @> to_jsonb(u.code))
      AND (NOT p_where ? 'channel' OR p_where -> 'channel' @> coalesce(to_jsonb(s.channel), 'null'))
      AND (NOT p_where ? 'field' OR p_where -> 'field' @> coalesce(to_jsonb(s.field), 'null'))
      AND (NOT p_where ? 'procedure' OR p_where -> 'procedure' @> coalesce(to_jsonb(s.procedure), 'null'))
$$;

CREATE OR REPLACE FUNCTION ioc.kpi_dossier_flow(
    p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_num smallint[], p_den smallint[],
    p_known smallint[], p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_first timestamptz := ioc.dossier_first_fact(p_scope, p_bounds[1], p_as_of);
BEGIN
    RETURN QUERY
    WITH sums AS MATERIALIZED (
        SELECT width_bucket(l.effective_at, p_bounds) AS point, s.dim AS value,
               sum(l.delta) FILTER (WHERE l.measure = ANY (p_num)) AS num,
               sum(l.delta) FILTER (WHERE l.measure = ANY (p_den)) AS den,
               sum(l.delta) FILTER (WHERE l.measure = ANY (p_known)) AS known
        FROM ioc.dossier_series_of(p_scope, p_by, p_where) s
        JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
        WHERE l.measure = ANY (p_num || p_den || p_known)
          AND l.effective_at >= p_bounds[1] AND l.effective_at < p_bounds[c_points + 1]
          AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
        GROUP BY 1, 2
    ), dims AS (
        -- a value whose every entry was taken back again is none
        SELECT sums.value FROM sums WHERE p_by IS NOT NULL
        GROUP BY sums.value
        HAVING bool_or(coalesce(sums.num, 0) <> 0 OR coalesce(sums.den, 0) <> 0)
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value,
           CASE WHEN p_bounds[point.i + 1] > v_first AND p_bounds[point.i] < p_clock
                     AND (p_known = '{}' OR coalesce(sums.den, 0) = 0 OR coalesce(sums.known, 0) <> 0)
                THEN coalesce(sums.num, 0)::float8 END,
           CASE WHEN p_bounds[point.i + 1] > v_first AND p_bounds[point.i] < p_clock AND p_den <> '{}'
                THEN coalesce(sums.den, 0)::float8 END
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND sums.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits;
END $$;

CREATE OR REPLACE FUNCTION ioc.kpi_dossier_gauge(
    p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_num smallint[],
    p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_moments timestamptz[] := ioc.kpi_gauge_moments(p_bounds, p_clock);
    v_first timestamptz := ioc.dossier_first_fact(p_scope, p_bounds[1], p_as_of);
BEGIN
    RETURN QUERY
    WITH steps AS MATERIALIZED (
        SELECT CASE c_points WHEN 1 THEN 1 ELSE width_bucket(l.effective_at, v_moments) + 1 END AS point,
               s.dim AS value, sum(l.delta) AS step
        FROM ioc.dossier_series_of(p_scope, p_by, p_where) s
        JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
        WHERE l.measure = ANY (p_num)
          AND l.effective_at < v_moments[cardinality(v_moments)]
          AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
        GROUP BY 1, 2
    ), dims AS (
        SELECT steps.value FROM steps WHERE p_by IS NOT NULL
        GROUP BY steps.value
        HAVING bool_or(steps.point > 1) OR sum(steps.step) <> 0
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value,
           CASE WHEN v_moments[point.i] > v_first AND p_bounds[point.i] < p_clock
                THEN coalesce(sum(steps.step) OVER (PARTITION BY dims.value ORDER BY point.i), 0)::float8 END,
           NULL::float8
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN steps ON steps.point = point.i AND steps.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits;
END $$;
