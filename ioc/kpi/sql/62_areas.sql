-- Indicators of what changes with time: of today's areas, of each unit that an area came from its figures times its share; and of
-- groups whose members are dated. Area p_areas[n] has the target p_targets[n]; areas are numbered from 1 without gaps.

-- Each area's units by their share of it, for each stretch of time in which these stay the same. p_group: one area, of the
-- units that belong to this one, each whole, instead of the areas of today.
CREATE OR REPLACE FUNCTION ioc.area_classes(p_targets int[], p_areas int[], p_group text, p_zone text)
RETURNS TABLE (area int, low timestamptz, high timestamptz, weight float8, scope int[])
LANGUAGE sql STABLE AS $$
    WITH part AS (
        SELECT a.area, a.unit_id, a.low, a.high, least(round(sum(a.share)::numeric, 12), 1) AS share
        FROM (SELECT t.area, s.unit_id, s.low, s.high, s.share
              FROM ioc.area_shares(p_targets, p_zone, ioc.area_day(p_zone)) s
              JOIN unnest(p_targets, p_areas) AS t (unit_id, area) ON t.unit_id = s.target_id
              WHERE p_group IS NULL
              UNION ALL
              SELECT 1, g.unit_id, g.low, g.high, g.share FROM ioc.group_parts(p_group, p_zone) g WHERE p_group IS NOT NULL) AS a
        GROUP BY 1, 2, 3, 4
    ), made AS (
        SELECT p.area, p.low, p.high, array_agg(p.unit_id ORDER BY p.unit_id) AS units,
               array_agg(p.share ORDER BY p.unit_id) AS shares
        FROM part p GROUP BY 1, 2, 3
    ), turned AS (
        SELECT m.*, NOT coalesce(lag(m.high) OVER byt = m.low AND lag(m.units) OVER byt = m.units
                                 AND lag(m.shares) OVER byt = m.shares, false) AS is_new
        FROM made m WINDOW byt AS (PARTITION BY m.area ORDER BY m.low)
    ), run AS (
        SELECT t.*, count(*) FILTER (WHERE t.is_new) OVER (PARTITION BY t.area ORDER BY t.low) AS number FROM turned t
    ), stretch AS (
        SELECT r.area, min(r.low) AS low, max(r.high) AS high, min(r.units) AS units, min(r.shares) AS shares
        FROM run r GROUP BY r.area, r.number
    )
    SELECT s.area, s.low, s.high, u.share::float8, array_agg(u.unit_id)
    FROM stretch s CROSS JOIN LATERAL unnest(s.units, s.shares) AS u (unit_id, share)
    GROUP BY 1, 2, 3, 4
$$;

-- Figures of areas before they are put together: per point, per part of it with one composition, per share. Indicators are of
-- one source; all areas with the same stretch of time are answered together.
CREATE OR REPLACE FUNCTION ioc.area_parts(
    p_kpis ioc.kpi_row[], p_targets int[], p_areas int[], p_group text, p_bounds timestamptz[], p_clock timestamptz, p_zone text,
    p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (
    kpi int, area int, point int, part timestamptz, weight float8, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_stretch record;
    v_bounds timestamptz[];
BEGIN
    FOR v_stretch IN
        SELECT n.low, n.high, array_agg(n.area ORDER BY n.number) FILTER (WHERE n.nth = 1) AS areas,
               array_agg(n.weight ORDER BY n.number) FILTER (WHERE n.nth = 1) AS weights,
               array_agg(n.unit_id) AS units, array_agg(n.number::int) AS groups
        FROM (SELECT c.low, c.high, c.area, c.weight, c.number, u.unit_id, u.nth
              FROM (SELECT c.*, row_number() OVER (PARTITION BY c.low, c.high ORDER BY c.area, c.weight) AS number
                    FROM ioc.area_classes(p_targets, p_areas, p_group, p_zone) c
                    WHERE c.low < p_bounds[cardinality(p_bounds)] AND c.high > p_bounds[1]) AS c
              CROSS JOIN LATERAL unnest(c.scope) WITH ORDINALITY AS u (unit_id, nth)) AS n
        GROUP BY 1, 2
    LOOP
        v_bounds := ARRAY(SELECT DISTINCT greatest(least(b.at, v_stretch.high), v_stretch.low)
                          FROM unnest(p_bounds) AS b (at) ORDER BY 1);
        RETURN QUERY
        SELECT p.kpi, v_stretch.areas[p.grp], width_bucket(v_bounds[p.ordinal], p_bounds), v_bounds[p.ordinal],
               v_stretch.weights[p.grp], p.dim, p.numerator, p.denominator
        FROM ioc.kpi_points(p_kpis, v_stretch.units, v_stretch.groups, v_bounds, p_clock, p_zone, p_by, p_where, p_as_of) p;
    END LOOP;
END $$;

-- Whether what was counted is unknown in everything that has something to count: then it is unknown of all together.
CREATE OR REPLACE FUNCTION ioc.area_sum(p_sum float8, p_unknown boolean, p_known boolean) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN coalesce(p_unknown, false) AND NOT coalesce(p_known, false) THEN NULL ELSE p_sum END
$$;

-- The same as ioc.kpi_points for areas of today, or for a group with dated members. Numerators and denominators are multiplied by
-- shares and added, so that a ratio is one of sums. What no share can be taken of (quantiles, the greatest, means of clients) is
-- null where a part of a unit counts; reason says so: 'share' of a unit, or 'composition' that changes within the bucket.
CREATE OR REPLACE FUNCTION ioc.area_points(
    p_kpis ioc.kpi_row[], p_targets int[], p_areas int[], p_group text, p_bounds timestamptz[], p_clock timestamptz, p_zone text,
    p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (
    kpi int, area int, ordinal int, dim text, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_areas constant int := CASE WHEN p_group IS NULL THEN (SELECT max(a.n) FROM unnest(p_areas) AS a (n)) ELSE 1 END;
BEGIN
    IF c_points < 1 THEN
        RETURN;
    END IF;
    PERFORM ioc.kpi_check_size(c_points, cardinality(p_kpis) * c_areas);
    RETURN QUERY
    -- grouped and not joined: what is found of many areas and days is thousands of rows, and the planner can't know
    WITH kinds AS MATERIALIZED (
        SELECT k.i AS kpi, p_kpis[k.i].divisible AS divisible, p_kpis[k.i].is_ratio AS is_ratio,
               p_kpis[k.i].over_time = 'value at the end' AS at_end, p_kpis[k.i].over_time = 'greatest' AS greatest,
               p_kpis[k.i].over_time IN ('sum', 'ratio of sums') AND p_kpis[k.i].source <> 'dossier_carried' AS added,
               p_kpis[k.i].source IN ('dossier_flow', 'dossier_gauge', 'dossier_carried', 'queue_flow', 'queue_gauge') AS counted
        FROM generate_series(1, cardinality(p_kpis)) AS k (i)
    ), parts AS MATERIALIZED (
        SELECT p.*, k.divisible, k.is_ratio, k.at_end, k.greatest, k.added, k.counted,
               coalesce(p.numerator, 0) <> 0 OR coalesce(p.denominator, 0) <> 0 AS counts
        FROM ioc.area_parts(p_kpis, p_targets, p_areas, p_group, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) p
        JOIN kinds k ON k.kpi = p.kpi
    ), cells AS (
        -- over units
        SELECT p.kpi, p.area, p.point, p.part, p.dim, p.divisible, p.is_ratio, p.at_end, p.greatest, p.added, p.counted,
               bool_or(p.counts) AS counts, bool_or(p.counts AND p.weight < 1) AS shared,
               CASE WHEN p.divisible
                    THEN ioc.area_sum(sum(p.numerator * p.weight), bool_or(p.numerator IS NULL AND p.denominator <> 0),
                                      bool_or(p.numerator IS NOT NULL AND p.denominator <> 0))
                    ELSE max(p.numerator) FILTER (WHERE p.weight = 1) END AS num,
               CASE WHEN p.divisible THEN sum(p.denominator * p.weight)
                    ELSE max(p.denominator) FILTER (WHERE p.weight = 1) END AS den
        FROM parts p GROUP BY p.kpi, p.area, p.point, p.part, p.dim, p.divisible, p.is_ratio, p.at_end, p.greatest, p.added, p.counted
    ), whole AS (
        -- over the parts of a point, where its composition changes within it; of a gauge the last that has begun counts
        SELECT c.kpi, c.area, c.point, c.dim,
               CASE WHEN c.at_end THEN (array_agg(c.shared ORDER BY c.part DESC) FILTER (WHERE c.part < p_clock))[1]
                    ELSE bool_or(c.shared) END AS shared,
               CASE WHEN c.added
                    THEN ioc.area_sum(sum(c.num), bool_or(c.num IS NULL AND c.den <> 0), bool_or(c.num IS NOT NULL AND c.den <> 0))
                    WHEN c.at_end THEN (array_agg(c.num ORDER BY c.part DESC) FILTER (WHERE c.part < p_clock))[1]
                    ELSE max(c.num) END AS num,
               CASE WHEN c.added THEN sum(c.den) ELSE max(c.den) END AS den,
               CASE WHEN NOT c.divisible AND bool_or(c.shared) THEN 'share'
                    WHEN NOT c.added AND NOT c.at_end AND NOT c.greatest AND count(*) FILTER (WHERE c.counts) > 1
                    THEN 'composition' END AS why
        FROM cells c GROUP BY c.kpi, c.area, c.point, c.dim, c.divisible, c.at_end, c.greatest, c.added
    ), dims AS MATERIALIZED (
        SELECT DISTINCT parts.kpi, parts.area, parts.dim FROM parts WHERE p_by IS NOT NULL
        UNION ALL
        SELECT k.kpi, a.n, NULL FROM kinds k CROSS JOIN generate_series(1, c_areas) AS a (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    ), filled AS (
        -- a series has no gaps
        SELECT g.kpi, g.area, g.point, g.dim, bool_or(g.shared) AS shared, max(g.num) AS num, max(g.den) AS den, max(g.why) AS why,
               bool_or(g.found) AS found
        FROM (SELECT w.kpi, w.area, w.point, w.dim, w.shared, w.num, w.den, w.why, true AS found FROM whole w
              UNION ALL
              SELECT d.kpi, d.area, i, d.dim, NULL, NULL, NULL, NULL, false
              FROM allowed CROSS JOIN generate_series(1, c_points) AS i CROSS JOIN dims d WHERE allowed.fits) AS g
        GROUP BY 1, 2, 3, 4
    ), judged AS (
        SELECT f.*, k.is_ratio,
               NOT f.found AND k.counted AND bool_or(f.num IS NOT NULL) OVER (PARTITION BY f.kpi, f.area, f.point) AS none
        FROM filled f JOIN kinds k ON k.kpi = f.kpi
    )
    SELECT j.kpi, j.area, j.point, j.dim,
           CASE WHEN j.why IS NULL THEN CASE WHEN j.none THEN 0 ELSE j.num END END,
           CASE WHEN j.why IS NULL THEN CASE WHEN j.none AND j.is_ratio THEN 0 ELSE j.den END END,
           coalesce(j.shared, false) AND j.why IS NULL, j.why
    FROM judged j;
END $$;

-- Points of one indicator for a question that starts at a unit and covers p_scope, each of its units while it belongs to it.
CREATE OR REPLACE FUNCTION ioc.kpi_points_dated(
    p_kpi ioc.kpi_row, p_start text, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF 'unit' = ANY (p_kpi.dimensions) AND ioc.unit_is_dated(p_start) THEN
        RETURN QUERY SELECT p.ordinal, p.dim, p.numerator, p.denominator
        FROM ioc.area_points(ARRAY[p_kpi], NULL, NULL, p_start, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) p;
    ELSE
        RETURN QUERY SELECT p.ordinal, p.dim, p.numerator, p.denominator
        FROM ioc.kpi_points(ARRAY[p_kpi], p_scope, array_fill(1, ARRAY[cardinality(p_scope)]), p_bounds, p_clock, p_zone, p_by,
                            p_where, p_as_of) p;
    END IF;
END $$;

-- ioc.kpi_series for areas of today. Split by unit, it is one area for each unit of today that has figures.
CREATE OR REPLACE FUNCTION ioc.kpi_series_areas(
    p_reader text, p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_bucket text,
    p_by text DEFAULT NULL, p_where jsonb DEFAULT '{}', p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (
    "time" timestamptz, dim text, value float8, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_where jsonb := coalesce(p_where, '{}');
    v_targets int[] := ioc.where_units(ioc.area_targets(p_reader, p_unit), v_where);
    v_kpi ioc.kpi_row := ioc.kpi_asked(p_kpi, p_by, p_where, p_as_of);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_bounds timestamptz[] := ioc.kpi_bounds(p_from, p_to, p_bucket, v_zone);
    v_clock timestamptz := least(now(), p_as_of);
    v_each boolean := coalesce(p_by = 'unit', false);
BEGIN
    PERFORM ioc.index766_check_bucket(v_kpi, p_bucket);
    IF NOT 'unit' = ANY (v_kpi.dimensions) THEN
        -- of the platform itself: the same in any area
        RETURN QUERY
        SELECT s.time, s.dim, s.value, s.numerator, s.denominator, false, NULL::text
        FROM ioc.kpi_series(p_reader, p_kpi, p_unit, p_from, p_to, p_bucket, p_by, p_where, p_as_of) s;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT v_bounds[f.ordinal], CASE WHEN v_each THEN u.code ELSE f.dim END,
           ioc.kpi_value(v_kpi, v_bounds[f.ordinal], v_zone, f.numerator, f.denominator),
           f.numerator, f.denominator, f.estimated, f.reason
    FROM (SELECT p.*, bool_or(p.numerator <> 0 OR p.denominator <> 0 OR p.reason IS NOT NULL) OVER (PARTITION BY p.area) AS told
          FROM ioc.area_points(
              ARRAY[v_kpi], v_targets,
              ARRAY(SELECT CASE WHEN v_each THEN n ELSE 1 END FROM generate_series(1, cardinality(v_targets)) AS n ORDER BY n),
              NULL, v_bounds, v_clock, v_zone, CASE WHEN NOT v_each THEN p_by END, v_where - 'unit', p_as_of) p) AS f
    LEFT JOIN ioc.unit u ON v_each AND u.unit_id = v_targets[f.area]
    WHERE f.told OR NOT v_each
    ORDER BY f.ordinal, 2 NULLS FIRST;
END $$;

-- ioc.kpi_current for areas of today.
CREATE OR REPLACE FUNCTION ioc.kpi_current_areas(p_reader text, p_kpis text[] DEFAULT NULL, p_units text[] DEFAULT NULL)
RETURNS TABLE (
    kpi text, unit text, since timestamptz, value float8, numerator float8, denominator float8, estimated boolean, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_units text[] := coalesce(p_units, ARRAY[NULL::text]);
    v_kpis text[] := coalesce(p_kpis, ARRAY(SELECT d.id FROM ioc.kpi_definition() d ORDER BY d.ordinal));
    v_zones text[] := ARRAY(SELECT ioc.unit_zone(p_reader, v_units[n]) FROM generate_series(1, cardinality(v_units)) AS n ORDER BY n);
    v_zone text;
    v_places int[];
    v_targets int[];
    v_areas int[];
    v_same ioc.kpi_row[];
    v_bounds timestamptz[];
BEGIN
    PERFORM ioc.kpi_check_size(cardinality(v_units), cardinality(v_kpis));
    PERFORM ioc.kpi_known(k.id) FROM unnest(v_kpis) AS k (id);
    FOR v_zone IN SELECT DISTINCT z.name FROM unnest(v_zones) AS z (name) LOOP
        v_places := ARRAY(SELECT n FROM generate_series(1, cardinality(v_units)) AS n WHERE v_zones[n] = v_zone ORDER BY n);
        SELECT coalesce(array_agg(t.unit_id), '{}'), coalesce(array_agg(g.n), '{}') INTO v_targets, v_areas
        FROM generate_series(1, cardinality(v_places)) AS g (n)
        CROSS JOIN LATERAL unnest(ioc.area_targets(p_reader, v_units[v_places[g.n]])) AS t (unit_id);
        FOR v_same IN
            SELECT array_agg(d ORDER BY d.ordinal) FROM ioc.kpi_definition() d
            WHERE d.id = ANY (v_kpis) AND 'unit' = ANY (d.dimensions)
            GROUP BY d.source, d.current_window, d.device_kind
        LOOP
            v_bounds := ioc.kpi_current_bounds(v_same[1].current_window, v_zone);
            RETURN QUERY
            SELECT v_same[p.kpi].id, v_units[v_places[p.area]], v_bounds[1],
                   ioc.kpi_value(v_same[p.kpi], v_bounds[1], v_zone, p.numerator, p.denominator),
                   p.numerator, p.denominator, p.estimated, p.reason
            FROM ioc.area_points(v_same, v_targets, v_areas, NULL, v_bounds, ioc.kpi_current_clock(v_same[1].current_window), v_zone,
                                 NULL, '{}', NULL) p;
        END LOOP;
    END LOOP;
    -- in no order: the caller knows in which it asked
    RETURN QUERY
    SELECT c.kpi, c.unit, c.since, c.value, c.numerator, c.denominator, false, NULL::text
    FROM ioc.kpi_current(p_reader, ARRAY(SELECT d.id FROM ioc.kpi_definition() d
                                         WHERE d.id = ANY (v_kpis) AND NOT 'unit' = ANY (d.dimensions)), v_units) c;
END $$;
