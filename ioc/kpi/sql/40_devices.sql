-- Device indicators. Of units: device-time per minute and its roll-ups. Of single devices: runs of equal state.

-- Device-time by point and dimension, from the coarsest roll-ups that answer exactly. Milliseconds; reported_ms are whole
-- minutes in which clients of at least one device were known, counted only when p_clients asks for them.
CREATE OR REPLACE FUNCTION ioc.device_sums(
    p_kind int, p_scope int[], p_bounds timestamptz[], p_end timestamptz, p_zone text, p_by_unit boolean, p_clients boolean)
RETURNS TABLE (point int, dim text, up_ms numeric, degraded_ms numeric, down_ms numeric, maintenance_ms numeric,
               client_ms numeric, reported_ms numeric, client_max int, late numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_sums constant text := 'up_ms, degraded_ms, down_ms, maintenance_ms, client_ms, client_max, late';
    v_levels text[] := ARRAY['hour', 'quarter'];
    v_part record;
    v_rows text[] := '{}';
    v_where text;
    v_width int;
    v_dim text := CASE WHEN p_by_unit THEN '(SELECT u.code FROM ioc.unit u WHERE u.unit_id = c.unit_id)' ELSE 'NULL::text' END;
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
            v_rows := v_rows || format('SELECT unit_id, bucket, %s FROM ioc.device_minute WHERE part >= 0 AND %s', c_sums, v_where);
        END IF;
    END LOOP;
    IF v_rows = '{}' THEN
        RETURN;
    END IF;
    IF p_clients THEN
        RETURN QUERY EXECUTE format(
            'SELECT width_bucket(m.cell, $2), m.dim, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric,'
            '       sum(m.client_ms), sum(60000 * bit_count(m.bits))::numeric, max(m.client_max), NULL::numeric'
            ' FROM (SELECT c.cell, %s AS dim, sum(c.client_ms) AS client_ms, max(c.client_max) AS client_max, bit_or(c.bits) AS bits'
            '       FROM (SELECT r.unit_id, r.cell, sum(r.client_ms) AS client_ms, max(r.client_max) AS client_max,'
            '                    CASE WHEN count(r.mask) = 0 THEN bit_or(r.marks) ELSE'
            '                        coalesce(bit_or(r.marks) FILTER (WHERE r.mask IS NULL) & ~bit_or(r.mask), bit_xor(r.mask # r.mask))'
            '                        | bit_or(r.marks) FILTER (WHERE r.mask IS NOT NULL) END AS bits'
            '             FROM (%s) AS r GROUP BY 1, 2) AS c'
            '       GROUP BY 1, 2) AS m'
            ' GROUP BY 1, 2', v_dim, array_to_string(v_rows, ' UNION ALL '))
        USING p_scope, p_bounds, p_zone;
    ELSE
        -- summed per unit first: its name is looked up once
        RETURN QUERY EXECUTE format(
            'SELECT c.point, %s, sum(c.up_ms), sum(c.degraded_ms), sum(c.down_ms), sum(c.maintenance_ms), sum(c.client_ms),'
            '       NULL::numeric, max(c.client_max), sum(c.late)'
            ' FROM (SELECT width_bucket(r.cell, $2) AS point, %s AS unit_id, sum(r.up_ms) AS up_ms, sum(r.degraded_ms) AS degraded_ms,'
            '              sum(r.down_ms) AS down_ms, sum(r.maintenance_ms) AS maintenance_ms, sum(r.client_ms) AS client_ms,'
            '              max(r.client_max) AS client_max, sum(r.late) AS late'
            '       FROM (%s) AS r GROUP BY 1, 2) AS c'
            ' GROUP BY 1, 2', v_dim, CASE WHEN p_by_unit THEN 'r.unit_id' ELSE 'NULL::int' END,
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
    p_kind int, p_num smallint[], p_den smallint[], p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text,
    p_by text, p_where jsonb)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    v_scope int[] := ioc.where_units(p_scope, p_where);
    v_single boolean := p_by IS NOT DISTINCT FROM 'device' OR p_where ? 'device';
    v_unknown boolean := 5 = ANY (p_num || p_den);
BEGIN
    RETURN QUERY
    WITH runs AS (
        SELECT r.device_id, r.unit_id, r.state, r.started, r.ended
        FROM ioc.device_runs(p_kind, v_scope, ioc.where_texts(p_where, 'device'), p_bounds[1], c_end) r
        WHERE (v_single OR v_unknown) AND (v_single OR r.state = 0)
    ), cut AS (
        SELECT p.i AS point, CASE p_by WHEN 'device' THEN d.code WHEN 'unit' THEN u.code END AS value, r.state,
               1000 * extract(epoch FROM least(r.ended, p_bounds[p.i + 1]) - greatest(r.started, p_bounds[p.i])) AS ms
        FROM runs r
        JOIN ioc.device d ON d.device_id = r.device_id
        JOIN ioc.unit u ON u.unit_id = r.unit_id
        CROSS JOIN LATERAL generate_series(width_bucket(r.started, p_bounds), ioc.kpi_before(r.ended, p_bounds)) AS p (i)
    ), parts AS (
        SELECT s.point, s.dim AS value, s.up_ms AS up, s.degraded_ms AS degraded, s.down_ms AS down,
               s.maintenance_ms AS maintenance, 0::numeric AS unknown
        FROM ioc.device_sums(p_kind, v_scope, p_bounds, c_end, p_zone, p_by IS NOT DISTINCT FROM 'unit', false) s
        WHERE NOT v_single
        UNION ALL
        SELECT c.point, c.value, sum(c.ms) FILTER (WHERE c.state IN (1, 2)), sum(c.ms) FILTER (WHERE c.state = 2),
               sum(c.ms) FILTER (WHERE c.state = 3), sum(c.ms) FILTER (WHERE c.state = 4), sum(c.ms) FILTER (WHERE c.state = 0)
        FROM cut c GROUP BY 1, 2
    ), sums AS MATERIALIZED (
        SELECT m.point, m.value,
               (coalesce(sum(m.up), 0) * (1 = ANY (p_num))::int + coalesce(sum(m.degraded), 0) * (2 = ANY (p_num))::int
                + coalesce(sum(m.down), 0) * (3 = ANY (p_num))::int + coalesce(sum(m.maintenance), 0) * (4 = ANY (p_num))::int
                + coalesce(sum(m.unknown), 0) * (5 = ANY (p_num))::int)::float8 / 1000 AS num,
               (coalesce(sum(m.up), 0) * (1 = ANY (p_den))::int + coalesce(sum(m.degraded), 0) * (2 = ANY (p_den))::int
                + coalesce(sum(m.down), 0) * (3 = ANY (p_den))::int + coalesce(sum(m.maintenance), 0) * (4 = ANY (p_den))::int
                + coalesce(sum(m.unknown), 0) * (5 = ANY (p_den))::int)::float8 / 1000 AS den
        FROM parts m GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT sums.value FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, sums.num, sums.den
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND sums.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits;
END $$;

-- Clients: their mean over time, or the most that one device reported at once.
CREATE OR REPLACE FUNCTION ioc.kpi_device_clients(
    p_kind int, p_most boolean, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    v_scope int[] := ioc.where_units(p_scope, p_where);
    v_single boolean := p_by IS NOT DISTINCT FROM 'device' OR p_where ? 'device';
BEGIN
    RETURN QUERY
    WITH sums AS MATERIALIZED (
        SELECT s.point, s.dim AS value, CASE WHEN p_most THEN s.client_max ELSE s.client_ms / 1000 END::float8 AS num,
               CASE WHEN NOT p_most THEN s.reported_ms / 1000 END::float8 AS den
        FROM ioc.device_sums(p_kind, v_scope, p_bounds, c_end, p_zone, p_by IS NOT DISTINCT FROM 'unit', NOT p_most) s
        WHERE NOT v_single
        UNION ALL
        SELECT c.point, CASE p_by WHEN 'device' THEN d.code WHEN 'unit' THEN u.code END,
               CASE WHEN p_most THEN max(c.client_max) ELSE sum(c.client_ms) / 1000 END::float8,
               CASE WHEN NOT p_most THEN sum(c.client_known_ms) / 1000 END::float8
        FROM ioc.sample_cells(p_kind, v_scope, ioc.where_texts(p_where, 'device'), p_bounds, c_end, p_zone, true) c
        JOIN ioc.device d ON d.device_id = c.device_id
        JOIN ioc.unit u ON u.unit_id = c.unit_id
        WHERE v_single
        GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT sums.value FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, sums.num, sums.den
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND sums.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits;
END $$;

-- Devices in a state, or with something that lasts beside it, just before the end of each bucket; null while no device's
-- state is known. Measures: 3 down, 11 frozen, 12 stalled, 13 saturated.
CREATE OR REPLACE FUNCTION ioc.kpi_device_gauge(
    p_kind int, p_measure int, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_state constant int := CASE WHEN p_measure < 10 THEN p_measure ELSE -1 END;
    c_flag constant int := CASE p_measure WHEN 12 THEN 2 WHEN 11 THEN 1 WHEN 13 THEN 1 ELSE 0 END;
    v_moments timestamptz[] := ioc.kpi_gauge_moments(p_bounds, p_clock);
    v_last timestamptz := v_moments[cardinality(v_moments)];
BEGIN
    RETURN QUERY
    WITH runs AS (
        SELECT r.device_id, r.unit_id, r.state, r.flags, r.started, r.ended FROM ioc.device_run r
        WHERE r.kind = p_kind AND r.state BETWEEN 1 AND 4 AND r.unit_id = ANY (p_scope)
          AND r.ended >= v_moments[1] AND r.started < v_last
        UNION ALL
        SELECT s.device_id, s.unit_id, s.state, s.flags, s.since, s.valid_until FROM ioc.device_state s
        WHERE s.kind = p_kind AND s.state <> 0 AND s.unit_id = ANY (p_scope)
          AND s.valid_until >= v_moments[1] AND s.since < v_last
    ), held AS (
        SELECT CASE p_by WHEN 'device' THEN d.code WHEN 'unit' THEN u.code END AS value,
               (r.state = c_state OR r.flags & c_flag <> 0)::int AS hit,
               width_bucket(r.started, v_moments) + 1 AS first, width_bucket(r.ended, v_moments) + 1 AS after
        FROM runs r
        JOIN ioc.device d ON d.device_id = r.device_id
        JOIN ioc.unit u ON u.unit_id = r.unit_id
        WHERE (NOT p_where ? 'device' OR p_where -> 'device' @> to_jsonb(d.code))
          AND (NOT p_where ? 'unit' OR p_where -> 'unit' @> to_jsonb(u.code))
    ), steps AS MATERIALIZED (
        SELECT step.point, step.value, sum(step.known) AS known, sum(step.hit) AS hit
        FROM (SELECT held.first AS point, held.value, 1 AS known, held.hit FROM held WHERE held.after > held.first
              UNION ALL
              SELECT held.after, held.value, -1, -held.hit FROM held WHERE held.after > held.first) AS step
        GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT steps.value FROM steps WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value,
           CASE WHEN p_bounds[point.i] < p_clock AND sum(steps.known) OVER upto > 0
                THEN (sum(steps.hit) OVER upto)::float8 END,
           NULL::float8
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN steps ON steps.point = point.i AND steps.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits
    WINDOW upto AS (PARTITION BY dims.value ORDER BY point.i);
END $$;

-- Repairs: stretches of down that ended in the bucket with the device working again; seconds that they lasted, over their
-- number. What ended in silence or maintenance is no repair.
CREATE OR REPLACE FUNCTION ioc.kpi_device_repairs(
    p_kind int, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    v_scope int[] := ioc.where_units(p_scope, p_where);
    v_devices text[] := ioc.where_texts(p_where, 'device');
BEGIN
    RETURN QUERY
    WITH RECURSIVE ends AS (
        SELECT r.device_id, r.unit_id, r.started, r.ended FROM ioc.device_run r
        WHERE r.kind = p_kind AND r.state = 3 AND r.unit_id = ANY (v_scope) AND r.ended >= p_bounds[1] AND r.ended < c_end
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
               CASE p_by WHEN 'device' THEN d.code WHEN 'unit' THEN u.code END AS value,
               sum(extract(epoch FROM x.ended - x.started))::float8 AS num, count(*)::float8 AS den
        FROM (SELECT b.device_id, b.unit_id, min(b.started) AS started, b.ended FROM back b GROUP BY 1, 2, 4) AS x
        JOIN ioc.device d ON d.device_id = x.device_id
        JOIN ioc.unit u ON u.unit_id = x.unit_id
        WHERE v_devices IS NULL OR d.code = ANY (v_devices)
        GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT sums.value FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, sums.num, sums.den
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND sums.value IS NOT DISTINCT FROM dims.value
    WHERE allowed.fits;
END $$;
