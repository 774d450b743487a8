-- The index of Decision 766: the live part from the ledger, the portal's part from what it published. ioc.index766_formula() and
-- ioc.index766_version() are generated from ioc/index766/formulas.toml. A point is always that of a whole calendar month, of the
-- running one so far.

-- Begin of each month that a series touches, and of the one after the last: n + 1 moments for n points.
CREATE OR REPLACE FUNCTION ioc.index766_bounds(p_bounds timestamptz[], p_zone text) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(m.at AT TIME ZONE p_zone ORDER BY m.at)
    FROM (SELECT date_trunc('month', b.at AT TIME ZONE p_zone) AS at
          FROM unnest(p_bounds[1:cardinality(p_bounds) - 1]) AS b (at)
          UNION
          SELECT date_trunc('month', p_bounds[cardinality(p_bounds) - 1] AT TIME ZONE p_zone) + interval '1 month') AS m
$$;

-- The unit that stands above all others of a scope; none where several do.
CREATE OR REPLACE FUNCTION ioc.index766_root(p_scope int[]) RETURNS int
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN count(*) = 1 THEN min(u.unit_id) END
    FROM ioc.unit u
    WHERE u.unit_id = ANY (p_scope)
      AND NOT EXISTS (SELECT FROM ioc.unit p WHERE p.code = u.parent_code AND p.unit_id = ANY (p_scope))
$$;

-- What was published for a unit and month, as known at a moment: of each component the newest publication's newest statement.
CREATE OR REPLACE FUNCTION ioc.index766_published(p_unit int, p_month date, p_as_of timestamptz)
RETURNS TABLE (component text, points float8, numerator float8, denominator float8, published_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT newest.component, newest.points, newest.numerator, newest.denominator, newest.published_at
    FROM (SELECT DISTINCT ON (f.component) f.*
          FROM ioc.index766_fact f
          WHERE f.unit_id = p_unit AND f.month = p_month AND (p_as_of IS NULL OR f.recorded_at <= p_as_of)
          ORDER BY f.component, f.published_at DESC, f.recorded_at DESC, f.fact_id DESC) AS newest
    WHERE newest.points IS NOT NULL OR newest.numerator IS NOT NULL
$$;

-- The same for a scope: the figure published for its root; else, where every lowest unit of that month has its two counts, their sums.
CREATE OR REPLACE FUNCTION ioc.index766_imported(p_scope int[], p_month date, p_as_of timestamptz)
RETURNS TABLE (component text, points float8, numerator float8, denominator float8, published_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_root int := ioc.index766_root(p_scope);
    v_lowest int[] := ARRAY(
        SELECT u.unit_id FROM ioc.unit u
        WHERE u.unit_id = ANY (p_scope) AND u.declared
          AND (u.valid_from IS NULL OR u.valid_from <= p_month) AND (u.valid_to IS NULL OR u.valid_to > p_month)
          AND NOT EXISTS (SELECT FROM ioc.unit c
                          WHERE c.parent_code = u.code AND c.unit_id = ANY (p_scope) AND c.declared
                            AND (c.valid_from IS NULL OR c.valid_from <= p_month)
                            AND (c.valid_to IS NULL OR c.valid_to > p_month)));
BEGIN
    RETURN QUERY
    WITH own AS MATERIALIZED (
        SELECT * FROM ioc.index766_published(v_root, p_month, p_as_of)
    ), below AS (
        SELECT b.component, sum(b.numerator) AS numerator, sum(b.denominator) AS denominator, max(b.published_at) AS published_at
        FROM unnest(v_lowest) AS l (unit_id)
        CROSS JOIN LATERAL ioc.index766_published(l.unit_id, p_month, p_as_of) AS b
        WHERE b.numerator IS NOT NULL
        GROUP BY b.component HAVING count(*) = cardinality(v_lowest)
    )
    SELECT * FROM own
    UNION ALL
    SELECT b.component, NULL::float8, b.numerator, b.denominator, b.published_at FROM below b
    WHERE NOT EXISTS (SELECT FROM own WHERE own.component = b.component);
END $$;

-- An indicator like any other that is a ratio of ledger measures, with these.
CREATE OR REPLACE FUNCTION ioc.index766_ratio(p_num smallint[], p_den smallint[], p_known smallint[]) RETURNS ioc.kpi_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_kpi ioc.kpi_row := ioc.kpi_known('dossier.digitised_rate');
BEGIN
    v_kpi.num := p_num;
    v_kpi.den := p_den;
    v_kpi.known := p_known;
    RETURN v_kpi;
END $$;

-- Points of one indicator for one scope.
CREATE OR REPLACE FUNCTION ioc.index766_figures(
    p_kpi ioc.kpi_row, p_scope int[], p_months timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT p.ordinal, p.dim, p.numerator, p.denominator
    FROM ioc.kpi_points(ARRAY[p_kpi], p_scope, array_fill(1, ARRAY[cardinality(p_scope)]), p_months, p_clock, p_zone, p_by, '{}',
                        p_as_of) p;
END $$;

-- What the ledger gives of the components that it can give.
CREATE OR REPLACE FUNCTION ioc.index766_live(
    p_group text, p_scope int[], p_months timestamptz[], p_clock timestamptz, p_zone text, p_as_of timestamptz)
RETURNS TABLE (ordinal int, component text, version int, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_one constant int[] := array_fill(1, ARRAY[cardinality(p_scope)]);
    v_count text;
    v_kpis ioc.kpi_row[];
    v_names text[];
    v_versions int[];
BEGIN
    FOR v_count, v_kpis, v_names, v_versions IN
        SELECT f.live_count, array_agg(ioc.index766_ratio(f.num, f.den, f.known) ORDER BY f.version, f.place),
               array_agg(f.component ORDER BY f.version, f.place), array_agg(f.version ORDER BY f.version, f.place)
        FROM ioc.index766_formula() f
        WHERE f.live_count IS NOT NULL AND (p_group IS NULL OR f.grp = p_group) GROUP BY 1
    LOOP
        CASE v_count
            WHEN 'handled' THEN
                -- late by the formula of Gia Lai: completed late, or overdue at the end; the rest of what was handled is on time
                RETURN QUERY
                SELECT c.ordinal, v_names[n], v_versions[n], greatest(c.denominator - c.numerator, 0), c.denominator
                FROM ioc.index766_figures(
                    ioc.kpi_known('dossier.late_rate_gialai'), p_scope, p_months, p_clock, p_zone, NULL, p_as_of) c
                CROSS JOIN generate_series(1, cardinality(v_names)) AS n;
            WHEN 'dossiers' THEN
                RETURN QUERY
                SELECT c.ordinal, v_names[c.kpi], v_versions[c.kpi], c.numerator, c.denominator
                FROM ioc.kpi_points(v_kpis, p_scope, c_one, p_months, p_clock, p_zone, NULL, '{}', p_as_of) c;
            WHEN 'procedures' THEN
                -- a source that says of one procedure whether it was paid says so of all: those that are silent have none
                RETURN QUERY
                SELECT c.ordinal, v_names[c.kpi], v_versions[c.kpi],
                       CASE WHEN bool_or(c.numerator IS NOT NULL AND c.denominator > 0)
                            THEN count(*) FILTER (WHERE c.numerator > 0 AND c.denominator > 0)::float8 END,
                       CASE WHEN bool_or(c.denominator IS NOT NULL)
                            THEN count(*) FILTER (WHERE c.denominator > 0)::float8 END
                FROM ioc.kpi_points(v_kpis, p_scope, c_one, p_months, p_clock, p_zone, 'procedure', '{}', p_as_of) c
                WHERE c.dim IS NOT NULL
                GROUP BY c.kpi, c.ordinal;
        END CASE;
    END LOOP;
END $$;

-- Every component of a group (of all without one) for each month: what it was made of and the points that it gives. Our own
-- figure goes before the published one; where ours is unknown, the published one stands in for it.
CREATE OR REPLACE FUNCTION ioc.index766_components(
    p_group text, p_scope int[], p_months timestamptz[], p_clock timestamptz, p_zone text, p_as_of timestamptz)
RETURNS TABLE (ordinal int, version int, component text, grp text, max_points float8, points float8, numerator float8,
               denominator float8, origin text, stated_points float8, published_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH months AS (
        SELECT m.ordinal::int AS ordinal, (m.at AT TIME ZONE p_zone)::date AS month
        FROM unnest(p_months[1:cardinality(p_months) - 1]) WITH ORDINALITY AS m (at, ordinal)
        WHERE m.at < p_clock
    ), live AS MATERIALIZED (
        SELECT * FROM ioc.index766_live(p_group, p_scope, p_months, p_clock, p_zone, p_as_of)
    ), imported AS MATERIALIZED (
        SELECT months.ordinal, i.* FROM months
        CROSS JOIN LATERAL ioc.index766_imported(p_scope, months.month, p_as_of) AS i
    ), found AS (
        SELECT months.ordinal, f.version, f.component, f.grp, f.max_points, f.place,
               ioc.index766_points(f.max_points, f.target, f.nothing, live.numerator, live.denominator) AS live_points,
               live.numerator AS live_numerator, live.denominator AS live_denominator,
               coalesce(imported.points,
                        ioc.index766_points(f.max_points, f.target, f.nothing, imported.numerator, imported.denominator))
                   AS imported_points,
               imported.numerator AS imported_numerator, imported.denominator AS imported_denominator, imported.published_at
        FROM months
        JOIN ioc.index766_formula() f ON months.month >= f.valid_from AND months.month < f.valid_to
                                     AND (p_group IS NULL OR f.grp = p_group)
        LEFT JOIN live ON live.ordinal = months.ordinal AND live.component = f.component AND live.version = f.version
        LEFT JOIN imported ON imported.ordinal = months.ordinal AND imported.component = f.component
    )
    SELECT n.ordinal, n.version, n.component, n.grp, n.max_points,
           round(coalesce(n.live_points, n.imported_points)::numeric, 6)::float8,
           CASE WHEN n.live_points IS NOT NULL OR n.imported_points IS NULL THEN n.live_numerator ELSE n.imported_numerator END,
           CASE WHEN n.live_points IS NOT NULL OR n.imported_points IS NULL THEN n.live_denominator ELSE n.imported_denominator END,
           CASE WHEN n.live_points IS NOT NULL THEN 'live' WHEN n.imported_points IS NOT NULL THEN 'imported' END,
           n.imported_points, n.published_at
    FROM found n ORDER BY n.ordinal, n.place;
END $$;

-- Points of a share: max × min(1, share / target); where there was nothing to count, what the formula says of that.
CREATE OR REPLACE FUNCTION ioc.index766_points(
    p_max float8, p_target float8, p_nothing float8, p_numerator float8, p_denominator float8) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
    -- least() passes over what is null: an unknown numerator would give all points
    SELECT CASE WHEN p_numerator IS NULL THEN NULL
                WHEN p_denominator > 0 THEN least(p_max, p_max * p_numerator / p_denominator / p_target)
                WHEN p_denominator = 0 THEN p_nothing END
$$;

-- Numerator: points that are known; denominator: the most that these components can give. The value needs all of them. Several
-- groups of points are made of one look at the components. p_units and p_groups as in ioc.kpi_points.
CREATE OR REPLACE FUNCTION ioc.kpi_index766(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_months timestamptz[] := ioc.index766_bounds(p_bounds, p_zone);
    v_names text[] := ARRAY(SELECT nullif(split_part(k.id, '.', 2), 'total') FROM unnest(p_kpis) WITH ORDINALITY AS k ORDER BY k.ordinality);
    v_only text := CASE WHEN cardinality(v_names) = 1 THEN v_names[1] END;
    v_units int[];
    v_groups int[];
    v_part record;
BEGIN
    SELECT w.units, w.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) w;
    IF p_by IS NOT NULL THEN
        PERFORM ioc.kpi_check_size(c_points, cardinality(v_units));
    END IF;
    FOR v_part IN
        SELECT g.n AS grp, NULL::text AS code, ARRAY(
                   SELECT m.unit_id FROM unnest(v_units, v_groups) AS m (unit_id, grp) WHERE m.grp = g.n) AS scope
        FROM generate_series(1, coalesce((SELECT max(x.n) FROM unnest(p_groups) AS x (n)), 1)) AS g (n) WHERE p_by IS NULL
        UNION ALL
        SELECT m.grp, u.code, ARRAY[m.unit_id] FROM unnest(v_units, v_groups) AS m (unit_id, grp)
        JOIN ioc.unit u ON u.unit_id = m.unit_id WHERE p_by = 'unit'
    LOOP
        RETURN QUERY
        WITH scored AS MATERIALIZED (
            SELECT c.* FROM ioc.index766_components(v_only, v_part.scope, v_months, p_clock, p_zone, p_as_of) c
        )
        SELECT k.n, v_part.grp, i, v_part.code, sums.points, sums.most
        FROM generate_series(1, cardinality(v_names)) AS k (n)
        CROSS JOIN generate_series(1, c_points) AS i
        LEFT JOIN LATERAL (
            SELECT round(sum(c.points)::numeric, 6)::float8 AS points,
                   CASE WHEN count(*) > 0 THEN coalesce(sum(c.max_points) FILTER (WHERE c.points IS NOT NULL), 0) END AS most
            FROM scored c WHERE c.ordinal = i AND (v_names[k.n] IS NULL OR c.grp = v_names[k.n])
        ) AS sums ON true
        -- of units that have nothing in the whole range no points are given
        WHERE p_by IS NULL OR EXISTS (
            SELECT FROM scored c WHERE c.points IS NOT NULL AND (v_names[k.n] IS NULL OR c.grp = v_names[k.n]));
    END LOOP;
END $$;

-- The value of a group or of the whole: its points, once every component that counts towards it is known.
CREATE OR REPLACE FUNCTION ioc.index766_value(
    p_kpi text, p_at timestamptz, p_zone text, p_points float8, p_most float8) RETURNS float8
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_most = (
        SELECT sum(f.max_points) FROM ioc.index766_formula() f
        WHERE (p_kpi = 'index766.total' OR f.grp = split_part(p_kpi, '.', 2))
          AND date_trunc('month', p_at AT TIME ZONE p_zone)::date >= f.valid_from
          AND date_trunc('month', p_at AT TIME ZONE p_zone)::date < f.valid_to) THEN p_points END
$$;

-- The value of a point of any indicator, from its two figures.
CREATE OR REPLACE FUNCTION ioc.kpi_value(
    p_kpi ioc.kpi_row, p_at timestamptz, p_zone text, p_numerator float8, p_denominator float8) RETURNS float8
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p_kpi).is_ratio THEN p_numerator / nullif(p_denominator, 0)
                WHEN (p_kpi).source = 'index766' THEN ioc.index766_value((p_kpi).id, p_at, p_zone, p_numerator, p_denominator)
                ELSE p_numerator END
$$;

CREATE OR REPLACE FUNCTION ioc.index766_check_bucket(p_kpi ioc.kpi_row, p_bucket text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_kpi.source = 'index766' AND p_bucket <> '1mo' THEN
        RAISE EXCEPTION '% is scored by calendar month; there is no figure by %.', p_kpi.id, p_bucket
            USING ERRCODE = 'IOC03', HINT = 'Ask with the bucket 1mo.';
    END IF;
END $$;
