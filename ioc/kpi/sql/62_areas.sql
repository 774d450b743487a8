-- Indicators of today's areas: of each unit that an area came from, its figures times its share.

-- An area's units by their share of it, for each stretch of time in which these stay the same.
CREATE OR REPLACE FUNCTION ioc.area_classes(p_targets int[], p_zone text)
RETURNS TABLE (low timestamptz, high timestamptz, weight float8, scope int[])
LANGUAGE sql STABLE AS $$
    WITH part AS (
        SELECT a.unit_id, a.low, a.high, least(round(sum(a.share)::numeric, 12), 1) AS share
        FROM ioc.area_shares(p_targets, p_zone, ioc.area_day(p_zone)) a GROUP BY 1, 2, 3
    ), made AS (
        SELECT p.low, p.high, array_agg(p.unit_id ORDER BY p.unit_id) AS units, array_agg(p.share ORDER BY p.unit_id) AS shares
        FROM part p GROUP BY 1, 2
    ), turned AS (
        SELECT m.*, NOT coalesce(lag(m.high) OVER byt = m.low AND lag(m.units) OVER byt = m.units
                                 AND lag(m.shares) OVER byt = m.shares, false) AS is_new
        FROM made m WINDOW byt AS (ORDER BY m.low)
    ), run AS (
        SELECT t.*, count(*) FILTER (WHERE t.is_new) OVER (ORDER BY t.low) AS number FROM turned t
    ), stretch AS (
        SELECT min(r.low) AS low, max(r.high) AS high, min(r.units) AS units, min(r.shares) AS shares FROM run r GROUP BY r.number
    )
    SELECT s.low, s.high, u.share::float8, array_agg(u.unit_id)
    FROM stretch s CROSS JOIN LATERAL unnest(s.units, s.shares) AS u (unit_id, share)
    GROUP BY 1, 2, 3
$$;

-- Figures of an area before they are put together: per point, per part of it with one composition, per share.
CREATE OR REPLACE FUNCTION ioc.area_parts(
    p_kpi ioc.kpi_row, p_targets int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (point int, part timestamptz, weight float8, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_class record;
    v_bounds timestamptz[];
BEGIN
    FOR v_class IN
        SELECT c.* FROM ioc.area_classes(p_targets, p_zone) c
        WHERE c.low < p_bounds[cardinality(p_bounds)] AND c.high > p_bounds[1]
    LOOP
        v_bounds := ARRAY(SELECT DISTINCT greatest(least(b.at, v_class.high), v_class.low)
                          FROM unnest(p_bounds) AS b (at) ORDER BY 1);
        RETURN QUERY
        SELECT width_bucket(v_bounds[p.ordinal], p_bounds), v_bounds[p.ordinal], v_class.weight, p.dim, p.numerator, p.denominator
        FROM ioc.kpi_points(p_kpi, v_class.scope, v_bounds, p_clock, p_zone, p_by, p_where, p_as_of) p;
    END LOOP;
END $$;

-- Whether what was counted is unknown in everything that has something to count: then it is unknown of all together.
CREATE OR REPLACE FUNCTION ioc.area_sum(p_sum float8, p_unknown boolean, p_known boolean) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN coalesce(p_unknown, false) AND NOT coalesce(p_known, false) THEN NULL ELSE p_sum END
$$;

-- The same as ioc.kpi_points for an area of today. Numerators and denominators are multiplied by shares and added, so that a
-- ratio is one of sums. What no share can be taken of (quantiles, the greatest, means of clients) is null where a part of a unit
-- counts; reason says so: 'share' of a unit, or 'composition' that changes within the bucket.
CREATE OR REPLACE FUNCTION ioc.area_points(
    p_kpi ioc.kpi_row, p_targets int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_added constant boolean := p_kpi.over_time IN ('sum', 'ratio of sums') AND p_kpi.source <> 'dossier_carried';
    c_counts constant boolean := p_kpi.source IN (
        'dossier_flow', 'dossier_gauge', 'dossier_carried', 'queue_flow', 'queue_gauge');
BEGIN
    IF c_points < 1 THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH parts AS MATERIALIZED (
        SELECT p.*, coalesce(p.numerator, 0) <> 0 OR coalesce(p.denominator, 0) <> 0 AS counts
        FROM ioc.area_parts(p_kpi, p_targets, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) p
    ), cells AS (
        -- over units
        SELECT p.point, p.part, p.dim, bool_or(p.counts) AS counts, bool_or(p.counts AND p.weight < 1) AS shared,
               CASE WHEN p_kpi.divisible
                    THEN ioc.area_sum(sum(p.numerator * p.weight), bool_or(p.numerator IS NULL AND p.denominator <> 0),
                                      bool_or(p.numerator IS NOT NULL AND p.denominator <> 0))
                    ELSE max(p.numerator) FILTER (WHERE p.weight = 1) END AS num,
               CASE WHEN p_kpi.divisible THEN sum(p.denominator * p.weight)
                    ELSE max(p.denominator) FILTER (WHERE p.weight = 1) END AS den
        FROM parts p GROUP BY 1, 2, 3
    ), ends AS (
        SELECT c.point, c.dim, max(c.part) FILTER (WHERE c.part < p_clock) AS part FROM cells c GROUP BY 1, 2
    ), whole AS MATERIALIZED (
        -- over the parts of a point, where its composition changes within it
        SELECT c.point, c.dim, bool_or(c.shared) AS shared, count(*) FILTER (WHERE c.counts) AS pieces,
               CASE WHEN c_added THEN ioc.area_sum(sum(c.num), bool_or(c.num IS NULL AND c.den <> 0),
                                                   bool_or(c.num IS NOT NULL AND c.den <> 0))
                    ELSE max(c.num) END AS num,
               CASE WHEN c_added THEN sum(c.den) ELSE max(c.den) END AS den
        FROM cells c
        JOIN ends e ON e.point = c.point AND e.dim IS NOT DISTINCT FROM c.dim
        WHERE p_kpi.over_time <> 'value at the end' OR e.part IS NULL OR c.part = e.part
        GROUP BY 1, 2
    ), begun AS (
        SELECT w.point FROM whole w WHERE w.num IS NOT NULL GROUP BY 1
    ), dims AS (
        SELECT DISTINCT parts.dim FROM parts WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    ), judged AS (
        SELECT i, d.dim AS value, w.num, w.den, coalesce(w.shared, false) AS shared, w.point IS NULL AND c_counts AS missing,
               CASE WHEN NOT p_kpi.divisible AND w.shared THEN 'share'
                    WHEN NOT c_added AND p_kpi.over_time NOT IN ('value at the end', 'greatest') AND w.pieces > 1
                    THEN 'composition' END AS why
        FROM allowed
        CROSS JOIN generate_series(1, c_points) AS i
        CROSS JOIN dims d
        LEFT JOIN whole w ON w.point = i AND w.dim IS NOT DISTINCT FROM d.dim
        WHERE allowed.fits
    )
    SELECT j.i, j.value,
           CASE WHEN j.why IS NOT NULL THEN NULL
                WHEN j.missing AND EXISTS (SELECT FROM begun b WHERE b.point = j.i) THEN 0 ELSE j.num END,
           CASE WHEN j.why IS NOT NULL THEN NULL
                WHEN j.missing AND p_kpi.is_ratio AND EXISTS (SELECT FROM begun b WHERE b.point = j.i) THEN 0 ELSE j.den END,
           j.shared AND j.why IS NULL, j.why
    FROM judged j;
END $$;

-- The same split by unit: one area for each unit of today that has figures.
CREATE OR REPLACE FUNCTION ioc.area_points_by(
    p_kpi ioc.kpi_row, p_targets int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_targets int[] := ioc.where_units(p_targets, p_where);
    v_where jsonb := p_where - 'unit';
    v_unit record;
BEGIN
    IF NOT 'unit' = ANY (p_kpi.dimensions) THEN
        -- of the platform itself: the same in any area
        RETURN QUERY SELECT p.*, false, NULL::text
        FROM ioc.kpi_points(p_kpi, p_targets, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) p;
    ELSIF p_by IS DISTINCT FROM 'unit' THEN
        RETURN QUERY SELECT * FROM ioc.area_points(p_kpi, v_targets, p_bounds, p_clock, p_zone, p_by, v_where, p_as_of);
    ELSE
        PERFORM ioc.kpi_check_size(cardinality(p_bounds) - 1, cardinality(v_targets));
        FOR v_unit IN
            SELECT u.unit_id, u.code FROM ioc.unit u
            WHERE u.unit_id IN (SELECT a.target_id FROM ioc.area_shares(v_targets, p_zone, ioc.area_day(p_zone)) a)
        LOOP
            RETURN QUERY
            SELECT f.ordinal, v_unit.code, f.numerator, f.denominator, f.estimated, f.reason
            FROM (SELECT a.*, bool_or(a.numerator <> 0 OR a.denominator <> 0 OR a.reason IS NOT NULL) OVER () AS told
                  FROM ioc.area_points(p_kpi, ARRAY[v_unit.unit_id], p_bounds, p_clock, p_zone, NULL, v_where, p_as_of) a) AS f
            WHERE f.told;
        END LOOP;
    END IF;
END $$;

-- ioc.kpi_series for areas of today.
CREATE OR REPLACE FUNCTION ioc.kpi_series_areas(
    p_reader text, p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_bucket text,
    p_by text DEFAULT NULL, p_where jsonb DEFAULT '{}', p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (
    "time" timestamptz, dim text, value float8, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_targets int[] := ioc.area_targets(p_reader, p_unit);
    v_kpi ioc.kpi_row := ioc.kpi_asked(p_kpi, p_by, p_where, p_as_of);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_bounds timestamptz[] := ioc.kpi_bounds(p_from, p_to, p_bucket, v_zone);
BEGIN
    RETURN QUERY
    SELECT v_bounds[p.ordinal], p.dim,
           CASE WHEN v_kpi.is_ratio THEN p.numerator / nullif(p.denominator, 0) ELSE p.numerator END,
           p.numerator, p.denominator, p.estimated, p.reason
    FROM ioc.area_points_by(v_kpi, v_targets, v_bounds, least(now(), p_as_of), v_zone, p_by, coalesce(p_where, '{}'), p_as_of) p
    ORDER BY p.ordinal, p.dim NULLS FIRST;
END $$;

-- ioc.kpi_current for areas of today.
CREATE OR REPLACE FUNCTION ioc.kpi_current_areas(p_reader text, p_kpis text[] DEFAULT NULL, p_units text[] DEFAULT NULL)
RETURNS TABLE (
    kpi text, unit text, since timestamptz, value float8, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_units text[] := coalesce(p_units, ARRAY[NULL::text]);
    v_kpis text[] := coalesce(p_kpis, ARRAY(SELECT d.id FROM ioc.kpi_definition() d ORDER BY d.ordinal));
    v_kpi ioc.kpi_row;
    v_unit text;
    v_id text;
    v_targets int[];
    v_zone text;
    v_bounds timestamptz[];
BEGIN
    PERFORM ioc.kpi_check_size(cardinality(v_units), cardinality(v_kpis));
    FOREACH v_unit IN ARRAY v_units LOOP
        v_targets := ioc.area_targets(p_reader, v_unit);
        v_zone := ioc.unit_zone(p_reader, v_unit);
        FOREACH v_id IN ARRAY v_kpis LOOP
            v_kpi := ioc.kpi_known(v_id);
            v_bounds := ioc.kpi_current_bounds(v_kpi.current_window, v_zone);
            RETURN QUERY
            SELECT v_id, v_unit, v_bounds[1],
                   CASE WHEN v_kpi.is_ratio THEN p.numerator / nullif(p.denominator, 0) ELSE p.numerator END,
                   p.numerator, p.denominator, p.estimated, p.reason
            FROM ioc.area_points_by(v_kpi, v_targets, v_bounds, ioc.kpi_current_clock(v_kpi.current_window),
                                    v_zone, NULL, '{}', NULL) p;
        END LOOP;
    END LOOP;
END $$;
