-- Device indicators. Of units: device-time per minute and its roll-ups. Of single devices: runs of equal state.

-- Device-time by point, and by unit where p_by_unit asks for it, from the coarsest roll-ups that answer exactly. Milliseconds, whole
-- numbers far below 2^53: a float8 adds them exactly, in any order, and in a third of numeric's time;
-- reported_ms are whole minutes in which clients of at least one device were known, counted only when p_clients asks for them.
CREATE OR REPLACE FUNCTION ioc.device_sums(
    p_kind int, p_scope int[], p_bounds timestamptz[], p_end timestamptz, p_zone text, p_by_unit boolean, p_clients boolean)
RETURNS TABLE (point int, unit_id int, up_ms float8, degraded_ms float8, down_ms float8, maintenance_ms float8,
               client_ms float8, reported_ms float8, client_max int, late float8, samples float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_sums constant text := 'up_ms, degraded_ms, down_ms, maintenance_ms, client_ms, client_max, late, samples';
    v_levels text[] := ARRAY['hour', 'quarter'];
    v_part record;
    v_rows text[] := '{}';
    v_where text;
    v_width int;
BEGIN
    IF ioc.rollup_zone_fits(p_scope, p_zone) THEN
        v_levels := 'day'::text || v_levels;
        IF NOT p_clients THEN  -- a month's minutes are not marked: its days are
            v_levels := 'month'::text || v_levels;
        END IF;
    END IF;
    FOR v_part IN SELECT * FROM ioc.rollup_parts(p_bounds, p_end, v_levels, p_zone) LOOP
        v_where := format('kind = %s AND unit_id = ANY ($1) AND bucket >= %L AND bucket < %L', p_kind, v_part.low, v_part.high);
        IF v_part.level = 'fact' THEN
            PERFORM ioc.rollup_check_kept('device_minute', v_part.low, '15min');
            -- Minutes after the current one hold what samples promise ahead: p_end keeps them out.
            v_rows := v_rows || CASE WHEN p_clients THEN format(
                'SELECT unit_id, bucket AS cell, sum(client_ms) AS client_ms, max(client_max) AS client_max,'
                ' CASE WHEN sum(client_known_ms) > 0 THEN ''1'' ELSE ''0'' END::varbit AS marks, NULL::varbit AS mask'
                ' FROM ioc.device_minute WHERE %s GROUP BY 1, 2', v_where)
                ELSE format('SELECT unit_id, bucket AS cell, %s FROM ioc.device_minute WHERE %s', c_sums, v_where) END;
            CONTINUE;
        END IF;
        IF v_part.level IN ('quarter', 'hour') THEN
            PERFORM ioc.rollup_check_kept('device_' || v_part.level, v_part.low,
                                          CASE v_part.level WHEN 'hour' THEN '1d' ELSE '1h' END);
        END IF;
        -- What is not folded yet lies beside the roll-up.
        IF p_clients THEN
            v_width := CASE v_part.level WHEN 'day' THEN 1500 WHEN 'hour' THEN 60 ELSE 15 END;
            v_rows := v_rows || format(
                'SELECT unit_id, bucket AS cell, client_ms, client_max, reported AS marks, NULL::varbit AS mask'
                ' FROM ioc.device_%s WHERE %s', v_part.level, v_where);
            v_rows := v_rows || format(
                'SELECT unit_id, cell, sum(client_ms), max(client_max),'
                ' bit_or(set_bit(zeros, at, (known > 0)::int)), bit_or(set_bit(zeros, at, 1))'
                ' FROM (SELECT p.*, (extract(epoch FROM p.bucket - p.cell) / 60)::int AS at, repeat(''0'', %1$s)::varbit AS zeros,'
                '              p.partial + coalesce((SELECT f.client_known_ms FROM ioc.device_minute f WHERE f.kind = %2$s'
                '                  AND f.unit_id = p.unit_id AND f.bucket = p.bucket AND f.part = -1), 0) AS known'
                '       FROM (SELECT unit_id, bucket, ioc.rollup_floor(%3$L, bucket, $3) AS cell, sum(client_ms) AS client_ms,'
                '                    max(client_max) AS client_max, sum(client_known_ms) AS partial'
                '             FROM ioc.device_minute WHERE part >= 0 AND %4$s GROUP BY 1, 2) AS p) AS q'
                ' GROUP BY 1, 2', v_width, p_kind, v_part.level, v_where);
        ELSE
            v_rows := v_rows || format('SELECT unit_id, bucket AS cell, %s FROM ioc.device_%s WHERE %s',
                                       c_sums, v_part.level, v_where);
            -- these are few: the fence has them found by their own index, and not by all minutes of the units
            v_rows := v_rows || format(
                'SELECT unit_id, bucket, %s FROM (SELECT * FROM ioc.device_minute WHERE part >= 0 AND bucket >= %L AND bucket < %L'
                ' OFFSET 0) AS p WHERE kind = %s AND unit_id = ANY ($1)', c_sums, v_part.low, v_part.high, p_kind);
        END IF;
    END LOOP;
    IF v_rows = '{}' THEN
        RETURN;
    END IF;
    IF p_clients THEN
        RETURN QUERY EXECUTE format(
            'SELECT width_bucket(m.cell, $2), m.unit_id, NULL::float8, NULL::float8, NULL::float8, NULL::float8,'
            '       sum(m.client_ms)::float8, sum(60000 * bit_count(m.bits))::float8, max(m.client_max), NULL::float8, NULL::float8'
            ' FROM (SELECT c.cell, %s, sum(c.client_ms) AS client_ms, max(c.client_max) AS client_max, bit_or(c.bits) AS bits'
            '       FROM (SELECT r.unit_id, r.cell, sum(r.client_ms) AS client_ms, max(r.client_max) AS client_max,'
            '                    CASE WHEN count(r.mask) = 0 THEN bit_or(r.marks) ELSE'
            '                        coalesce(bit_or(r.marks) FILTER (WHERE r.mask IS NULL) & ~bit_or(r.mask), bit_xor(r.mask # r.mask))'
            '                        | bit_or(r.marks) FILTER (WHERE r.mask IS NOT NULL) END AS bits'
            '             FROM (%s) AS r GROUP BY 1, 2) AS c'
            '       GROUP BY 1, 2) AS m'
            ' GROUP BY 1, 2', CASE WHEN p_by_unit THEN 'c.unit_id' ELSE 'NULL::int AS unit_id' END, array_to_string(v_rows, ' UNION ALL '))
        USING p_scope, p_bounds, p_zone;
    ELSE
        RETURN QUERY EXECUTE format(
            'SELECT width_bucket(r.cell, $2), %s, sum(r.up_ms::float8), sum(r.degraded_ms::float8), sum(r.down_ms::float8),'
            '       sum(r.maintenance_ms::float8), sum(r.client_ms::float8), NULL::float8, max(r.client_max),'
            '       sum(r.late::float8), sum(r.samples::float8)'
            ' FROM (%s) AS r GROUP BY 1, 2', CASE WHEN p_by_unit THEN 'r.unit_id' ELSE 'NULL::int' END,
            array_to_string(v_rows, ' UNION ALL '))
        USING p_scope, p_bounds, p_zone;
    END IF;
END $$;

-- Runs of equal state that touch a range, the newest ones with as much as is known of them; clipped. A device belongs to the
-- unit that its samples are stamped with. Unknown (state 0) is what lies between the first sample and the end unaccounted for.
CREATE OR REPLACE FUNCTION ioc.device_runs(
    p_kind int, p_scope int[], p_devices text[], p_from timestamptz, p_to timestamptz)
RETURNS TABLE (device_id int, unit_id int, state smallint, flags smallint, started timestamptz, ended timestamptz)
LANGUAGE sql STABLE AS $$
    WITH newest AS (
        SELECT s.device_id, s.unit_id, s.state, s.flags, s.since,
               -- the row may trail the samples by some seconds
               greatest(s.valid_until, (
                   SELECT f.time + make_interval(secs => f.valid_ms / 1000.0) FROM ioc.device_sample f
                   WHERE f.kind = p_kind AND f.device_id = s.device_id AND f.time > s.last_time AND s.valid_until > s.since
                   ORDER BY f.time DESC LIMIT 1)) AS until
        FROM ioc.device_state s WHERE s.kind = p_kind AND s.unit_id = ANY (p_scope)
    ), found AS (
        SELECT r.device_id, r.unit_id, r.state, r.flags, r.started, r.ended FROM ioc.device_run r
        WHERE r.kind = p_kind AND r.unit_id = ANY (p_scope) AND r.ended > p_from AND r.started < p_to
        UNION ALL
        SELECT n.device_id, n.unit_id, n.state, n.flags, n.since, n.until FROM newest n
        UNION ALL
        SELECT n.device_id, n.unit_id, 0::smallint, 0::smallint, n.until, p_to FROM newest n
    )
    SELECT f.device_id, f.unit_id, f.state, f.flags, greatest(f.started, p_from), least(f.ended, p_to)
    FROM found f
    WHERE f.ended > p_from AND f.started < p_to AND f.ended > f.started
      AND (p_devices IS NULL OR f.device_id IN (SELECT d.device_id FROM ioc.device d WHERE d.code = ANY (p_devices)))
$$;

-- Values of a filter as texts; null where it is not asked for.
CREATE OR REPLACE FUNCTION ioc.where_texts(p_where jsonb, p_dimension text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_where ? p_dimension THEN ARRAY(SELECT jsonb_array_elements_text(
        CASE jsonb_typeof(p_where -> p_dimension) WHEN 'array' THEN p_where -> p_dimension
                                                  ELSE jsonb_build_array(p_where -> p_dimension) END)) END
$$;

-- Units of a scope that a filter lets through.
CREATE OR REPLACE FUNCTION ioc.where_units(p_scope int[], p_where jsonb) RETURNS int[]
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_where ? 'unit'
                THEN ARRAY(SELECT u.unit_id FROM ioc.unit u
                           WHERE u.unit_id = ANY (p_scope) AND u.code = ANY (ioc.where_texts(p_where, 'unit')))
                ELSE p_scope END
$$;

-- Shares of device-time. Measures: 1 up, 2 degraded, 3 down, 4 maintenance, 5 unknown.
CREATE OR REPLACE FUNCTION ioc.kpi_device_time(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    c_kind constant int := p_kpis[1].device_kind;
    v_scope int[] := ioc.where_units(p_units, p_where);
    v_single boolean := p_by IS NOT DISTINCT FROM 'device' OR p_where ? 'device';
    v_unknown boolean := EXISTS (SELECT FROM generate_series(1, cardinality(p_kpis)) AS k (n)
                                 WHERE 5 = ANY ((p_kpis[k.n]).num || (p_kpis[k.n]).den));
BEGIN
    RETURN QUERY
    WITH kpis AS MATERIALIZED (
        SELECT k.n, (1 = ANY (k.num))::int AS n1, (2 = ANY (k.num))::int AS n2, (3 = ANY (k.num))::int AS n3,
               (4 = ANY (k.num))::int AS n4, (5 = ANY (k.num))::int AS n5, (1 = ANY (k.den))::int AS d1,
               (2 = ANY (k.den))::int AS d2, (3 = ANY (k.den))::int AS d3, (4 = ANY (k.den))::int AS d4, (5 = ANY (k.den))::int AS d5
        FROM (SELECT n, (p_kpis[n]).num, (p_kpis[n]).den FROM generate_series(1, cardinality(p_kpis)) AS n) AS k
    ), runs AS (
        SELECT r.device_id, r.unit_id, r.state, r.started, r.ended
        FROM ioc.device_runs(c_kind, v_scope, ioc.where_texts(p_where, 'device'), p_bounds[1], c_end) r
        WHERE p_as_of IS NULL AND (v_single OR v_unknown) AND (v_single OR r.state = 0)
        UNION ALL
        SELECT r.device_id, r.unit_id, r.state, r.started, r.ended
        FROM ioc.device_runs_known(c_kind, v_scope, ioc.where_texts(p_where, 'device'), p_bounds[1], c_end, p_as_of) r
        WHERE p_as_of IS NOT NULL AND (v_single OR v_unknown) AND (v_single OR r.state = 0)
    ), cut AS (
        SELECT p.i AS point, r.unit_id, CASE p_by WHEN 'device' THEN r.device_id END AS device_id, r.state,
               1000 * extract(epoch FROM least(r.ended, p_bounds[p.i + 1]) - greatest(r.started, p_bounds[p.i])) AS ms
        FROM runs r
        CROSS JOIN LATERAL generate_series(width_bucket(r.started, p_bounds), ioc.kpi_before(r.ended, p_bounds)) AS p (i)
    ), parts AS (
        SELECT s.point, s.unit_id, NULL::int AS device_id, s.up_ms AS up, s.degraded_ms AS degraded, s.down_ms AS down,
               s.maintenance_ms AS maintenance, 0::float8 AS unknown
        FROM ioc.device_sums(c_kind, v_scope, p_bounds, c_end, p_zone, p_by IS NOT DISTINCT FROM 'unit' OR c_groups > 1, false) s
        WHERE NOT v_single AND p_as_of IS NULL
        UNION ALL
        SELECT s.point, s.unit_id, NULL, s.up_ms, s.degraded_ms, s.down_ms, s.maintenance_ms, 0
        FROM ioc.device_sums_known(c_kind, v_scope, p_bounds, c_end, p_by IS NOT DISTINCT FROM 'unit' OR c_groups > 1, p_as_of) s
        WHERE NOT v_single AND p_as_of IS NOT NULL
        UNION ALL
        SELECT c.point, c.unit_id, c.device_id, sum(c.ms) FILTER (WHERE c.state IN (1, 2)),
               sum(c.ms) FILTER (WHERE c.state = 2), sum(c.ms) FILTER (WHERE c.state = 3),
               sum(c.ms) FILTER (WHERE c.state = 4), sum(c.ms) FILTER (WHERE c.state = 0)
        FROM cut c GROUP BY 1, 2, 3
    ), totals AS MATERIALIZED (
        SELECT CASE c_groups WHEN 1 THEN 1 ELSE m.grp END AS grp, p.point,
               CASE p_by WHEN 'unit' THEN p.unit_id WHEN 'device' THEN p.device_id ELSE 0 END AS part,
               coalesce(sum(p.up), 0)::float8 AS up, coalesce(sum(p.degraded), 0)::float8 AS degraded,
               coalesce(sum(p.down), 0)::float8 AS down, coalesce(sum(p.maintenance), 0)::float8 AS maintenance,
               coalesce(sum(p.unknown), 0)::float8 AS unknown
        FROM parts p
        LEFT JOIN unnest(p_units, p_groups) AS m (unit_id, grp) ON c_groups > 1 AND m.unit_id = p.unit_id
        GROUP BY 1, 2, 3
    ), dims AS (
        SELECT t.grp, t.part, CASE p_by WHEN 'device' THEN (SELECT d.code FROM ioc.device d WHERE d.device_id = t.part)
                                        ELSE (SELECT u.code FROM ioc.unit u WHERE u.unit_id = t.part) END AS value
        FROM (SELECT DISTINCT x.grp, x.part FROM totals x WHERE p_by IS NOT NULL) AS t
        UNION ALL SELECT g.n, 0, NULL FROM generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT k.n, dims.grp, point.i, dims.value,
           (s.up * k.n1 + s.degraded * k.n2 + s.down * k.n3 + s.maintenance * k.n4 + s.unknown * k.n5) / 1000,
           (s.up * k.d1 + s.degraded * k.d2 + s.down * k.d3 + s.maintenance * k.d4 + s.unknown * k.d5) / 1000
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN totals s ON s.grp = dims.grp AND s.point = point.i AND s.part = dims.part
    CROSS JOIN kpis k
    WHERE allowed.fits;
END $$;

-- Clients: their mean over time, or the most that one device reported at once.
CREATE OR REPLACE FUNCTION ioc.kpi_device_clients(
    p_kind int, p_most boolean, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    v_scope int[] := ioc.where_units(p_scope, p_where);
    v_single boolean := p_by IS NOT DISTINCT FROM 'device' OR p_where ? 'device';
BEGIN
    RETURN QUERY
    WITH sums AS MATERIALIZED (
        SELECT s.point, coalesce(s.unit_id, 0) AS part, CASE WHEN p_most THEN s.client_max ELSE s.client_ms / 1000 END::float8 AS num,
               CASE WHEN NOT p_most THEN s.reported_ms / 1000 END::float8 AS den
        FROM ioc.device_sums(p_kind, v_scope, p_bounds, c_end, p_zone, p_by IS NOT DISTINCT FROM 'unit', NOT p_most) s
        WHERE NOT v_single AND p_as_of IS NULL
        UNION ALL
        SELECT s.point, coalesce(s.unit_id, 0),
               CASE WHEN p_most THEN s.client_max ELSE s.client_ms / 1000 END::float8,
               CASE WHEN NOT p_most THEN s.reported_ms / 1000 END::float8
        FROM ioc.device_sums_known(p_kind, v_scope, p_bounds, c_end, p_by IS NOT DISTINCT FROM 'unit', p_as_of) s
        WHERE NOT v_single AND p_as_of IS NOT NULL
        UNION ALL
        SELECT c.point, CASE p_by WHEN 'device' THEN c.device_id WHEN 'unit' THEN c.unit_id ELSE 0 END,
               CASE WHEN p_most THEN max(c.client_max) ELSE sum(c.client_ms) / 1000 END::float8,
               CASE WHEN NOT p_most THEN sum(c.client_known_ms) / 1000 END::float8
        FROM ioc.sample_cells(p_kind, v_scope, ioc.where_texts(p_where, 'device'), p_bounds, c_end, p_zone, true, p_as_of) c
        WHERE v_single
        GROUP BY 1, 2
    ), dims AS (
        SELECT x.part, CASE p_by WHEN 'device' THEN (SELECT d.code FROM ioc.device d WHERE d.device_id = x.part)
                                 ELSE (SELECT u.code FROM ioc.unit u WHERE u.unit_id = x.part) END AS value
        FROM (SELECT DISTINCT sums.part FROM sums WHERE p_by IS NOT NULL) AS x
        UNION ALL SELECT 0, NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, sums.num, sums.den
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND sums.part = dims.part
    WHERE allowed.fits;
END $$;

-- Devices in a state, or with something that lasts beside it, just before the end of each bucket; null while no device's
-- state is known. Measures: 3 down, 11 frozen, 12 stalled, 13 saturated.
CREATE OR REPLACE FUNCTION ioc.kpi_device_gauge(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    c_kind constant int := p_kpis[1].device_kind;
    v_moments timestamptz[] := ioc.kpi_gauge_moments(p_bounds, p_clock);
    v_last timestamptz := v_moments[cardinality(v_moments)];
BEGIN
    IF p_as_of IS NULL AND c_points > 7 AND coalesce(p_by, 'unit') = 'unit' AND NOT p_where ? 'device'
       AND ioc.rollup_zone_fits(p_units, p_zone)
       AND NOT EXISTS (SELECT FROM unnest(v_moments[:cardinality(v_moments) - 1]) AS m (at)
                       WHERE date_trunc('day', m.at, p_zone) <> m.at) THEN
        RETURN QUERY SELECT * FROM ioc.kpi_device_gauge_days(
            p_kpis, p_units, p_groups, p_bounds, v_moments, p_clock, p_by, p_where);
        RETURN;
    END IF;
    RETURN QUERY
    WITH kpis AS MATERIALIZED (
        SELECT k.n, CASE WHEN k.measure < 10 THEN k.measure ELSE -1 END AS state,
               CASE k.measure WHEN 12 THEN 2 WHEN 11 THEN 1 WHEN 13 THEN 1 ELSE 0 END AS flag
        FROM (SELECT n, (p_kpis[n]).num[1] AS measure FROM generate_series(1, cardinality(p_kpis)) AS n) AS k
    ), runs AS (
        SELECT r.device_id, r.unit_id, r.state, r.flags, r.started, r.ended FROM ioc.device_run r
        WHERE p_as_of IS NULL AND r.kind = c_kind AND r.state BETWEEN 1 AND 4 AND r.unit_id = ANY (p_units)
          AND r.ended >= v_moments[1] AND r.started < v_last
        UNION ALL
        SELECT s.device_id, s.unit_id, s.state, s.flags, s.since, s.valid_until FROM ioc.device_state s
        WHERE p_as_of IS NULL AND s.kind = c_kind AND s.state <> 0 AND s.unit_id = ANY (p_units)
          AND s.valid_until >= v_moments[1] AND s.since < v_last
        UNION ALL
        SELECT r.device_id, r.unit_id, r.state, r.flags, r.started, r.ended
        FROM ioc.device_runs_known(c_kind, p_units, ioc.where_texts(p_where, 'device'), p_bounds[1], v_last, p_as_of) r
        WHERE p_as_of IS NOT NULL AND r.state <> 0
    ), held AS (
        SELECT m.grp, CASE p_by WHEN 'device' THEN d.code WHEN 'unit' THEN u.code END AS value, r.state, r.flags,
               width_bucket(r.started, v_moments) + 1 AS first, width_bucket(r.ended, v_moments) + 1 AS after
        FROM runs r
        JOIN ioc.device d ON d.device_id = r.device_id
        JOIN ioc.unit u ON u.unit_id = r.unit_id
        JOIN unnest(p_units, p_groups) AS m (unit_id, grp) ON m.unit_id = r.unit_id
        WHERE (NOT p_where ? 'device' OR p_where -> 'device' @> to_jsonb(d.code))
          AND (NOT p_where ? 'unit' OR p_where -> 'unit' @> to_jsonb(u.code))
    ), alike AS (
        -- most runs begin and end between the same moments as many others
        SELECT held.grp, held.value, held.state, held.flags, held.first, held.after, count(*) AS n
        FROM held WHERE held.after > held.first GROUP BY 1, 2, 3, 4, 5, 6
    ), steps AS MATERIALIZED (
        SELECT k.n AS kpi, step.grp, step.point, step.value, sum(step.n) AS known,
               sum(step.n) FILTER (WHERE step.state = k.state OR step.flags & k.flag <> 0) AS hit
        FROM (SELECT a.grp, a.first AS point, a.value, a.state, a.flags, a.n FROM alike a
              UNION ALL
              SELECT a.grp, a.after, a.value, a.state, a.flags, -a.n FROM alike a) AS step
        CROSS JOIN kpis k
        GROUP BY 1, 2, 3, 4
    ), dims AS (
        SELECT DISTINCT steps.grp, steps.value FROM steps WHERE p_by IS NOT NULL
        UNION ALL SELECT g.n, NULL FROM generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT k.n, dims.grp, point.i, dims.value,
           CASE WHEN p_bounds[point.i] < p_clock AND sum(steps.known) OVER upto > 0
                THEN coalesce(sum(steps.hit) OVER upto, 0)::float8 END,
           NULL::float8
    FROM allowed
    CROSS JOIN kpis k
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN steps ON steps.kpi = k.n AND steps.grp = dims.grp AND steps.point = point.i
                    AND coalesce('=' || steps.value, '') = coalesce('=' || dims.value, '')
    WHERE allowed.fits
    WINDOW upto AS (PARTITION BY k.n, dims.grp, dims.value ORDER BY point.i);
END $$;

-- The same where all moments but perhaps the last are the ends of local days: from the days' counts, the runs that are not in them
-- yet, and the newest runs, which are still open.
CREATE OR REPLACE FUNCTION ioc.kpi_device_gauge_days(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_moments timestamptz[], p_clock timestamptz,
    p_by text, p_where jsonb)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    c_kind constant int := p_kpis[1].device_kind;
    c_days constant int := cardinality(p_moments) - 1;
    c_last constant timestamptz := p_moments[cardinality(p_moments)];
    v_units int[];
    v_groups int[];
BEGIN
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    RETURN QUERY
    WITH kpis AS MATERIALIZED (
        SELECT n, (p_kpis[n]).num[1] AS measure FROM generate_series(1, cardinality(p_kpis)) AS n
    ), pieces AS (
        SELECT r.unit_id, r.state, r.flags, r.started, r.ended, r.n, 1 AS low, c_days AS high FROM ioc.device_run_pending r
        WHERE r.kind = c_kind AND r.unit_id = ANY (v_units) AND r.ended >= p_moments[1] AND r.started < c_last
        UNION ALL
        SELECT s.unit_id, s.state, s.flags, s.since, s.valid_until, 1, 1, c_days + 1 FROM ioc.device_state s
        WHERE s.kind = c_kind AND s.state <> 0 AND s.unit_id = ANY (v_units) AND s.valid_until >= p_moments[1] AND s.since < c_last
        UNION ALL
        SELECT r.unit_id, r.state, r.flags, r.started, r.ended, 1, c_days + 1, c_days + 1 FROM ioc.device_run r
        WHERE r.kind = c_kind AND r.state BETWEEN 1 AND 4 AND r.unit_id = ANY (v_units) AND r.ended >= c_last AND r.started < c_last
    ), counts AS (
        SELECT d.unit_id, width_bucket(d.moment, p_moments) AS point, d.known, d.down, d.flag_1, d.flag_2
        FROM ioc.device_day_end d
        WHERE d.kind = c_kind AND d.unit_id = ANY (v_units) AND d.moment = ANY (p_moments[1:c_days])
        UNION ALL
        SELECT q.unit_id, p.i, q.n, q.n * (q.state = 3)::int, q.n * (q.flags & 1 <> 0)::int, q.n * (q.flags & 2 <> 0)::int
        FROM pieces q
        CROSS JOIN LATERAL generate_series(greatest(width_bucket(q.started, p_moments) + 1, q.low),
                                           least(width_bucket(q.ended, p_moments), q.high)) AS p (i)
    ), sums AS MATERIALIZED (
        SELECT m.grp, c.point, CASE p_by WHEN 'unit' THEN c.unit_id ELSE 0 END AS part, sum(c.known) AS known, sum(c.down) AS down,
               sum(c.flag_1) AS flag_1, sum(c.flag_2) AS flag_2
        FROM counts c
        JOIN unnest(v_units, v_groups) AS m (unit_id, grp) ON m.unit_id = c.unit_id
        GROUP BY 1, 2, 3
    ), dims AS (
        SELECT s.grp, s.part FROM sums s WHERE p_by IS NOT NULL GROUP BY 1, 2 HAVING bool_or(s.known <> 0)
        UNION ALL SELECT g.n, 0 FROM generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT k.n, dims.grp, point.i, u.code,
           CASE WHEN p_bounds[point.i] < p_clock AND s.known > 0
                THEN CASE k.measure WHEN 3 THEN s.down WHEN 12 THEN s.flag_2 ELSE s.flag_1 END::float8 END,
           NULL::float8
    FROM allowed
    CROSS JOIN kpis k
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums s ON s.grp = dims.grp AND s.point = point.i AND s.part = dims.part
    LEFT JOIN ioc.unit u ON u.unit_id = dims.part
    WHERE allowed.fits;
END $$;

-- Repairs: stretches of down that ended in the bucket with the device working again; seconds that they lasted, over their
-- number. What ended in silence or maintenance is no repair.
CREATE OR REPLACE FUNCTION ioc.kpi_device_repairs(
    p_kind int, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    v_scope int[] := ioc.where_units(p_scope, p_where);
    v_devices text[] := ioc.where_texts(p_where, 'device');
BEGIN
    RETURN QUERY
    WITH RECURSIVE ends AS (
        SELECT r.device_id, r.unit_id, r.started, r.ended FROM ioc.device_run r
        WHERE p_as_of IS NULL AND r.kind = p_kind AND r.state = 3 AND r.unit_id = ANY (v_scope) AND r.ended >= p_bounds[1]
          AND r.ended < c_end
          AND (EXISTS (SELECT FROM ioc.device_run n
                       WHERE n.device_id = r.device_id AND n.started = r.ended AND n.state IN (1, 2))
               OR EXISTS (SELECT FROM ioc.device_state n
                          WHERE n.device_id = r.device_id AND n.since = r.ended AND n.state IN (1, 2)))
    ), back AS (
        -- a stretch may be several runs: other packets, another unit
        SELECT e.device_id, e.unit_id, e.started, e.ended FROM ends e
        UNION ALL
        SELECT b.device_id, b.unit_id, r.started, b.ended
        FROM back b
        CROSS JOIN LATERAL (
            SELECT e.started, e.ended, e.state FROM ioc.device_run e
            WHERE e.device_id = b.device_id AND e.started < b.started ORDER BY e.started DESC LIMIT 1
        ) AS r
        WHERE r.ended = b.started AND r.state = 3
    ), sums AS MATERIALIZED (
        SELECT width_bucket(x.ended, p_bounds) AS point,
               CASE p_by WHEN 'device' THEN x.device_id WHEN 'unit' THEN x.unit_id ELSE 0 END AS part,
               sum(extract(epoch FROM x.ended - x.started))::float8 AS num, count(*)::float8 AS den
        FROM (SELECT b.device_id, b.unit_id, min(b.started) AS started, b.ended FROM back b GROUP BY 1, 2, 4
              UNION ALL
              SELECT * FROM ioc.device_repairs_known(p_kind, v_scope, v_devices, p_bounds[1], c_end, p_as_of)
              WHERE p_as_of IS NOT NULL) AS x
        JOIN ioc.device d ON d.device_id = x.device_id
        WHERE v_devices IS NULL OR d.code = ANY (v_devices)
        GROUP BY 1, 2
    ), dims AS (
        SELECT x.part, CASE p_by WHEN 'device' THEN (SELECT d.code FROM ioc.device d WHERE d.device_id = x.part)
                                 ELSE (SELECT u.code FROM ioc.unit u WHERE u.unit_id = x.part) END AS value
        FROM (SELECT DISTINCT sums.part FROM sums WHERE p_by IS NOT NULL) AS x
        UNION ALL SELECT 0, NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, sums.num, sums.den
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND sums.part = dims.part
    WHERE allowed.fits;
END $$;
