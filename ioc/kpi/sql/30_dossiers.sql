-- Dossier indicators: sums of signed ledger entries. Corrections are entries too, so a plain sum is always right; sums by
-- local day and month answer for what they cover. Several indicators and several groups of units are answered in one pass.
-- p_units and p_groups go together: unit p_units[n] counts in group p_groups[n]; groups are numbered from 1 without gaps.

-- Each group's first receipt as known at a moment: before it, figures are unknown and not zero. Where there is one by
-- p_from already, that is all a series needs to know, and the answer is p_from.
CREATE OR REPLACE FUNCTION ioc.dossier_first_facts(p_units int[], p_groups int[], p_from timestamptz, p_as_of timestamptz)
RETURNS timestamptz[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off AS $$
DECLARE
    v_found timestamptz[] := '{}';
    v_scope int[];
BEGIN
    FOR v_group IN 1 .. coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1) LOOP
        v_scope := ARRAY(SELECT m.unit_id FROM unnest(p_units, p_groups) AS m (unit_id, grp) WHERE m.grp = v_group);
        IF EXISTS (SELECT FROM ioc.dossier_series s
                   CROSS JOIN LATERAL (
                       SELECT FROM ioc.dossier_ledger l
                       WHERE l.measure = 1 AND l.series_id = s.series_id AND l.effective_at <= p_from
                         AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
                       LIMIT 1
                   ) AS early
                   WHERE s.unit_id = ANY (v_scope)) THEN
            v_found[v_group] := p_from;
        ELSE
            v_found[v_group] := (
                SELECT min(first.effective_at)
                FROM ioc.dossier_series s
                CROSS JOIN LATERAL (
                    SELECT l.effective_at FROM ioc.dossier_ledger l
                    WHERE l.measure = 1 AND l.series_id = s.series_id AND (p_as_of IS NULL OR l.recorded_at <= p_as_of)
                    ORDER BY l.effective_at LIMIT 1
                ) AS first
                WHERE s.unit_id = ANY (v_scope));
        END IF;
    END LOOP;
    RETURN v_found;
END $$;

-- Whether a combination of dimensions passes a filter, its unit aside. (Not immutable, as to_jsonb is not: it could not be inlined.)
CREATE OR REPLACE FUNCTION ioc.dossier_fits(p_where jsonb, p_channel text, p_field text, p_procedure text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT (NOT p_where ? 'channel' OR p_where -> 'channel' @> coalesce(to_jsonb(p_channel), 'null'))
       AND (NOT p_where ? 'field' OR p_where -> 'field' @> coalesce(to_jsonb(p_field), 'null'))
       AND (NOT p_where ? 'procedure' OR p_where -> 'procedure' @> coalesce(to_jsonb(p_procedure), 'null'))
$$;

-- Units and their groups, as far as a filter by unit lets them through.
CREATE OR REPLACE FUNCTION ioc.where_pairs(p_units int[], p_groups int[], p_where jsonb, OUT units int[], OUT groups int[])
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(m.unit_id ORDER BY m.n), '{}'), coalesce(array_agg(m.grp ORDER BY m.n), '{}')
    FROM ROWS FROM (unnest(p_units), unnest(p_groups)) WITH ORDINALITY AS m (unit_id, grp, n)
    WHERE NOT p_where ? 'unit' OR EXISTS (
        SELECT FROM ioc.unit u WHERE u.unit_id = m.unit_id AND p_where -> 'unit' @> to_jsonb(u.code))
$$;

-- The query that gives what the ledger holds from the first bound to p_end as rows of (unit_id, dim, measure, at, delta), summed
-- as far as the bounds allow; a sum stands at the beginning of its day or month. A first bound of -infinity is the ledger's
-- beginning: what lies before the second bound is summed as coarsely as it can be. $1 are units, $2 the filter, $3 as_of.
CREATE OR REPLACE FUNCTION ioc.dossier_cells(
    p_measures smallint[], p_units int[], p_bounds timestamptz[], p_end timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- told apart by more than their unit
    v_split boolean := coalesce(p_by, 'unit') <> 'unit' OR p_where - 'unit' <> '{}';
    v_levels text[] := CASE WHEN NOT ioc.rollup_zone_fits(p_units, p_zone) THEN '{}' WHEN v_split THEN ARRAY['month']
                            ELSE ARRAY['month', 'day'] END;
    -- What was learned later is taken off the sums again; near to as_of nearly all was, there the entries are read.
    v_until timestamptz := coalesce(p_as_of - interval '24 hours', 'infinity');
    v_dim text := CASE p_by WHEN 'channel' THEN 's.channel' WHEN 'field' THEN 's.field' WHEN 'procedure' THEN 's.procedure'
                            ELSE 'NULL::text' END;
    v_join text := 'JOIN ioc.dossier_series s ON s.series_id = l.series_id';
    v_scope text := format('l.measure = ANY (%L::smallint[]) AND s.unit_id = ANY ($1)', p_measures);
    v_rows text[] := '{}';
    v_summed text := '';
    v_any boolean := false;
    v_part record;
BEGIN
    IF v_split THEN
        v_scope := v_scope || ' AND ioc.dossier_fits($2, s.channel, s.field, s.procedure)';
    END IF;
    FOR v_part IN
        SELECT * FROM ioc.rollup_parts(p_bounds[1:1], p_bounds[2], v_levels, p_zone, v_until) WHERE p_bounds[1] = '-infinity'
        UNION ALL
        SELECT * FROM ioc.rollup_parts(
            CASE p_bounds[1] WHEN '-infinity' THEN p_bounds[2:] ELSE p_bounds END, p_end, v_levels, p_zone, v_until)
    LOOP
        IF v_part.level = 'fact' THEN
            v_rows := v_rows || format(
                'SELECT s.unit_id, %s AS dim, l.measure, l.effective_at AS at, l.delta::int FROM ioc.dossier_ledger l %s'
                ' WHERE %s AND l.effective_at >= %L AND l.effective_at < %L%s',
                v_dim, v_join, v_scope, v_part.low, v_part.high,
                CASE WHEN p_as_of IS NOT NULL THEN ' AND l.recorded_at <= $3' END);
            v_summed := v_summed || format(' AND (l.effective_at < %L OR l.effective_at >= %L)', v_part.low, v_part.high);
        ELSIF v_split THEN
            v_rows := v_rows || format(
                'SELECT s.unit_id, %s AS dim, l.measure, l.bucket AS at, l.delta FROM ioc.dossier_series_month l %s'
                ' WHERE %s AND l.bucket >= %L AND l.bucket < %L', v_dim, v_join, v_scope, v_part.low, v_part.high);
            v_any := true;
        ELSE
            v_rows := v_rows || format(
                'SELECT l.unit_id, NULL::text AS dim, l.measure, l.bucket AS at, l.delta FROM ioc.dossier_%s l'
                ' WHERE l.measure = ANY (%L::smallint[]) AND l.unit_id = ANY ($1) AND l.bucket >= %L AND l.bucket < %L',
                v_part.level, p_measures, v_part.low, v_part.high);
            v_any := true;
        END IF;
    END LOOP;
    v_summed := format('l.effective_at >= %L AND l.effective_at < %L', p_bounds[1], p_end) || v_summed;
    IF v_any THEN  -- what is not summed yet lies beside the sums
        v_rows := v_rows || format(
            'SELECT s.unit_id, %s AS dim, l.measure, l.effective_at AS at, l.delta FROM ioc.dossier_pending l %s WHERE %s AND %s',
            v_dim, v_join, v_scope, v_summed);
    END IF;
    IF v_any AND p_as_of IS NOT NULL THEN
        v_rows := v_rows || format(
            'SELECT s.unit_id, %s AS dim, l.measure, l.effective_at AS at, -l.delta::int FROM ioc.dossier_ledger l %s'
            ' WHERE %s AND %s AND l.recorded_at > $3 AND l.recorded_at - l.effective_at > interval ''24 hours''',
            v_dim, v_join, v_scope, v_summed);
    END IF;
    IF v_rows = '{}' THEN
        RETURN 'SELECT 0 AS unit_id, NULL::text AS dim, 0::smallint AS measure, NULL::timestamptz AS at, 0 AS delta WHERE false';
    END IF;
    RETURN array_to_string(v_rows, ' UNION ALL ');
END $$;

-- The query that adds cells up: one row for each group, point and value of the dimension (part and key stand for it), with a
-- column for each of p_sums (lists of measures): s1, s2, and so on; null where there is nothing. $4 are groups, $5 thresholds.
CREATE OR REPLACE FUNCTION ioc.dossier_sums(
    p_cells text, p_sums text[], p_groups int[], p_by text, p_point text)
RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'SELECT %s AS grp, %s AS point, %s AS part, %s AS key, min(c.dim) AS value, %s FROM (%s) AS c %s GROUP BY 1, 2, 3, 4',
        CASE WHEN p_groups = array_fill(1, ARRAY[cardinality(p_groups)]) THEN '1' ELSE 'm.grp' END,
        p_point,
        CASE p_by WHEN 'unit' THEN 'c.unit_id' ELSE '0' END,
        CASE WHEN p_by IN ('channel', 'field', 'procedure') THEN 'coalesce(''='' || c.dim, '''')' ELSE '''''::text' END,
        (SELECT string_agg(format('sum(c.delta) FILTER (WHERE c.measure = ANY (%L::smallint[])) AS s%s', s.measures, s.n), ', '
                           ORDER BY s.n)
         FROM unnest(p_sums) WITH ORDINALITY AS s (measures, n)),
        p_cells,
        CASE WHEN p_groups = array_fill(1, ARRAY[cardinality(p_groups)]) THEN ''
             ELSE 'JOIN unnest($1, $4) AS m (unit_id, grp) ON m.unit_id = c.unit_id' END)
$$;

-- The query that lays sums out without gaps: a row for each group, point and value of the dimension that has something in any
-- group of p_columns sums (without p_by, one value). $6 is the number of points, $7 that of groups.
CREATE OR REPLACE FUNCTION ioc.dossier_grid(p_sums text, p_columns int, p_by text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'WITH sums AS MATERIALIZED (%s), dims AS MATERIALIZED (%s), allowed AS ('
        ' SELECT ioc.kpi_check_size($6, count(*)) AS fits FROM dims)'
        ' SELECT dims.grp, point.i, %s AS dim, %s FROM allowed CROSS JOIN generate_series(1, $6) AS point (i) CROSS JOIN dims'
        ' LEFT JOIN sums ON sums.grp = dims.grp AND sums.point = point.i AND sums.part = dims.part AND sums.key = dims.key %s'
        ' WHERE allowed.fits',
        p_sums,
        CASE WHEN p_by IS NULL THEN 'SELECT g.n AS grp, 0 AS part, ''''::text AS key, NULL::text AS value'
                                    ' FROM generate_series(1, $7) AS g (n)'
             -- a value whose every entry was taken back again is none
             ELSE 'SELECT s.grp, s.part, s.key, min(s.value) AS value FROM sums s GROUP BY 1, 2, 3 HAVING bool_or('
                  || (SELECT string_agg(format('coalesce(s.s%s, 0) <> 0', n), ' OR ') FROM generate_series(1, p_columns) AS n)
                  || ')' END,
        CASE p_by WHEN 'unit' THEN 'u.code' ELSE 'dims.value' END,
        (SELECT string_agg(format('sums.s%s', n), ', ') FROM generate_series(1, p_columns) AS n),
        CASE p_by WHEN 'unit' THEN 'JOIN ioc.unit u ON u.unit_id = dims.part' ELSE '' END)
$$;

CREATE OR REPLACE FUNCTION ioc.kpi_dossier_flow(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET jit = off SET enable_mergejoin = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    v_first timestamptz[] := ioc.dossier_first_facts(p_units, p_groups, p_bounds[1], p_as_of);
    v_units int[];
    v_groups int[];
    -- points that begin at the clock or later are empty whatever there is
    v_end timestamptz := coalesce((SELECT min(b.at) FROM unnest(p_bounds) AS b (at) WHERE b.at >= p_clock), p_bounds[c_points + 1]);
    v_kpi ioc.kpi_row;
    v_sums text[] := '{}';
    v_figures text[] := '{}';
    v_measures smallint[] := '{}';
    v_n int := 0;
BEGIN
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    FOREACH v_kpi IN ARRAY p_kpis LOOP
        v_sums := v_sums || v_kpi.num::text || v_kpi.den::text || v_kpi.known::text;
        v_measures := v_measures || v_kpi.num || v_kpi.den || v_kpi.known;
        v_figures := v_figures || format(
            '(%s, %s, %s)', v_n + 1,
            CASE v_kpi.known WHEN '{}' THEN format('coalesce(g.s%s, 0)::float8', 3 * v_n + 1)
                 ELSE format('CASE WHEN coalesce(g.s%s, 0) = 0 OR coalesce(g.s%s, 0) <> 0 THEN coalesce(g.s%s, 0)::float8 END',
                             3 * v_n + 2, 3 * v_n + 3, 3 * v_n + 1) END,
            CASE v_kpi.den WHEN '{}' THEN 'NULL::float8' ELSE format('coalesce(g.s%s, 0)::float8', 3 * v_n + 2) END);
        v_n := v_n + 1;
    END LOOP;
    RETURN QUERY EXECUTE format(
        'SELECT k.kpi, g.grp, g.i, g.dim, CASE WHEN known.yes THEN k.num END, CASE WHEN known.yes THEN k.den END'
        ' FROM (%s) AS g CROSS JOIN LATERAL (SELECT $5[g.i + 1] > $8[g.grp] AND $5[g.i] < $9 AS yes) AS known'
        ' CROSS JOIN LATERAL (VALUES %s) AS k (kpi, num, den)',
        ioc.dossier_grid(
            ioc.dossier_sums(
                ioc.dossier_cells(v_measures, v_units, p_bounds, v_end, p_zone, p_by, p_where, p_as_of),
                v_sums, v_groups, p_by, 'width_bucket(c.at, $5)'),
            cardinality(v_sums), p_by),
        array_to_string(v_figures, ', '))
    USING v_units, p_where, p_as_of, v_groups, p_bounds, c_points, c_groups, v_first, p_clock;
END $$;

CREATE OR REPLACE FUNCTION ioc.kpi_dossier_gauge(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET jit = off SET enable_mergejoin = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    v_moments timestamptz[] := ioc.kpi_gauge_moments(p_bounds, p_clock);
    v_first timestamptz[] := ioc.dossier_first_facts(p_units, p_groups, p_bounds[1], p_as_of);
    v_units int[];
    v_groups int[];
    v_kpi ioc.kpi_row;
    v_sums text[] := '{}';
    v_measures smallint[] := '{}';
    v_n int := 0;
BEGIN
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    FOREACH v_kpi IN ARRAY p_kpis LOOP
        v_n := v_n + 1;
        v_sums := v_sums || v_kpi.num::text;
        v_measures := v_measures || v_kpi.num;
    END LOOP;
    RETURN QUERY EXECUTE format(
        'SELECT k.kpi, r.grp, r.i, r.dim,'
        '       CASE WHEN $5[r.i] > $8[r.grp] AND $10[r.i] < $9 THEN coalesce(k.num, 0) END, NULL::float8'
        ' FROM (SELECT g.grp, g.i, g.dim, %s FROM (%s) AS g WINDOW upto AS (PARTITION BY g.grp, g.dim ORDER BY g.i)) AS r'
        ' CROSS JOIN LATERAL (VALUES %s) AS k (kpi, num)',
        (SELECT string_agg(format('sum(g.s%s::float8) OVER upto AS s%s', n, n), ', ') FROM generate_series(1, v_n) AS n),
        ioc.dossier_grid(
            ioc.dossier_sums(
                ioc.dossier_cells(v_measures, v_units, '-infinity'::timestamptz || v_moments, v_moments[cardinality(v_moments)],
                                  p_zone, p_by, p_where, p_as_of),
                v_sums, v_groups, p_by,
                -- a single point has no edge that anything could come after
                CASE c_points WHEN 1 THEN '1' ELSE 'width_bucket(c.at, $5) + 1' END),
            v_n, p_by),
        (SELECT string_agg(format('(%s, r.s%s)', n, n), ', ') FROM generate_series(1, v_n) AS n))
    USING v_units, p_where, p_as_of, v_groups, v_moments, c_points, c_groups, v_first, p_clock, p_bounds;
END $$;
