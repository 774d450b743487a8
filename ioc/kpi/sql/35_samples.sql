-- What samples say beside states: sums per device, from samples or from their roll-ups.

-- Samples of both kinds with what indicators read of them.
CREATE OR REPLACE VIEW ioc.device_sample AS
SELECT 1::smallint AS kind, device_id, time, unit_id, state, valid_ms, NULL::int AS clients, NULL::real AS loss,
       NULL::real AS rtt_ms, NULL::boolean AS internet_ok, NULL::float8 AS rx_bytes, NULL::float8 AS tx_bytes,
       clock_offset_s AS offset_s, flags, recorded_at
FROM ioc.camera_sample
UNION ALL
SELECT 2::smallint, device_id, time, unit_id, state, valid_ms, clients, loss, rtt_ms, internet_ok, rx_bytes, tx_bytes, NULL, flags,
       recorded_at
FROM ioc.wifi_sample;

-- Sums of the samples themselves, per point, unit and device. A sample counts in the bucket of its time; its clients for as
-- long as it speaks: until the device's next sample, or until it runs out. With p_as_of, of those that were known then.
CREATE OR REPLACE FUNCTION ioc.sample_sums(
    p_kind int, p_scope int[], p_devices text[], p_bounds timestamptz[], p_from timestamptz, p_to timestamptz,
    p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (
    point int, unit_id int, device_id int, samples bigint, client_ms bigint, client_known_ms bigint, client_max int,
    loss_sum float8, loss_known bigint, internet_ok bigint, internet_known bigint, rx_bytes float8, tx_bytes float8,
    rtt_bins smallint[], rtt_counts bigint[], offset_s float8, offset_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH devices AS MATERIALIZED (
        SELECT d.device_id FROM ioc.device d
        WHERE d.kind = p_kind AND (p_devices IS NULL OR d.code = ANY (p_devices))
          AND (d.unit_id = ANY (p_scope)
               OR d.device_id IN (SELECT s.device_id FROM ioc.device_state s WHERE s.kind = p_kind AND s.unit_id = ANY (p_scope))
               -- what was known once may have reached further than what came of it
               OR d.device_id IN (SELECT r.device_id FROM ioc.device_run r
                                  WHERE r.kind = p_kind AND r.unit_id = ANY (p_scope) AND r.started < p_to
                                    AND (p_as_of IS NOT NULL OR r.ended > p_from)))
    ), seen AS MATERIALIZED (
        SELECT d.device_id, s.*, lead(s.time) OVER (PARTITION BY d.device_id ORDER BY s.time) AS next
        FROM devices d
        CROSS JOIN LATERAL (
            (SELECT b.unit_id, b.state, b.time, b.valid_ms, b.clients, b.loss, b.rtt_ms, b.internet_ok, b.rx_bytes, b.tx_bytes,
                    b.offset_s
             FROM ioc.device_sample b
             -- validity is an int of milliseconds: no sample reaches further
             WHERE b.kind = p_kind AND p_kind = 2 AND b.device_id = d.device_id
               AND b.time < p_from AND b.time > p_from - interval '25 days'
               AND (p_as_of IS NULL OR b.recorded_at <= p_as_of)
             ORDER BY b.time DESC LIMIT 1)
            UNION ALL
            SELECT i.unit_id, i.state, i.time, i.valid_ms, i.clients, i.loss, i.rtt_ms, i.internet_ok, i.rx_bytes, i.tx_bytes,
                   i.offset_s
            FROM ioc.device_sample i
            WHERE i.kind = p_kind AND i.device_id = d.device_id AND i.time >= p_from AND i.time < p_to
              AND (p_as_of IS NULL OR i.recorded_at <= p_as_of)
        ) AS s
    ), held AS (
        SELECT p.i AS point, s.unit_id, s.device_id, sum(ms.ms * s.clients) AS client_ms, sum(ms.ms) AS client_known_ms
        FROM (SELECT seen.unit_id, seen.device_id, seen.clients, greatest(seen.time, p_from) AS started,
                     least(seen.next, seen.time + make_interval(secs => seen.valid_ms / 1000.0), p_to) AS ended
              FROM seen WHERE seen.clients IS NOT NULL AND seen.state NOT IN (0, 3)) AS s
        CROSS JOIN LATERAL generate_series(width_bucket(s.started, p_bounds), ioc.kpi_before(s.ended, p_bounds)) AS p (i)
        CROSS JOIN LATERAL (
            -- whole milliseconds, as device-time is booked
            SELECT floor(1000 * extract(epoch FROM least(s.ended, p_bounds[p.i + 1])))
                   - floor(1000 * extract(epoch FROM greatest(s.started, p_bounds[p.i]))) AS ms
        ) AS ms
        WHERE s.ended > s.started
        GROUP BY 1, 2, 3
    ), own AS (
        SELECT width_bucket(s.time, p_bounds) AS point, s.unit_id, s.device_id, count(*) AS samples,
               max(s.clients) FILTER (WHERE s.state NOT IN (0, 3)) AS client_max,
               coalesce(sum(s.loss::float8), 0) AS loss_sum, count(s.loss) AS loss_known,
               count(*) FILTER (WHERE s.internet_ok) AS internet_ok, count(s.internet_ok) AS internet_known,
               sum(s.rx_bytes) AS rx_bytes, sum(s.tx_bytes) AS tx_bytes,
               (array_agg(s.offset_s ORDER BY s.time DESC) FILTER (WHERE s.offset_s IS NOT NULL))[1] AS offset_s,
               max(s.time) FILTER (WHERE s.offset_s IS NOT NULL) AS offset_at
        FROM seen s WHERE s.time >= p_from
        GROUP BY 1, 2, 3
    ), bins AS (
        SELECT b.point, b.unit_id, b.device_id, array_agg(b.bin ORDER BY b.bin) AS bins, array_agg(b.n ORDER BY b.bin) AS counts
        FROM (SELECT width_bucket(s.time, p_bounds) AS point, s.unit_id, s.device_id, ioc.log_bin(s.rtt_ms) AS bin, count(*) AS n
              FROM seen s WHERE s.time >= p_from AND s.rtt_ms IS NOT NULL GROUP BY 1, 2, 3, 4) AS b
        GROUP BY 1, 2, 3
    )
    SELECT point, unit_id, device_id, coalesce(o.samples, 0), coalesce(h.client_ms, 0)::bigint,
           coalesce(h.client_known_ms, 0)::bigint, o.client_max, coalesce(o.loss_sum, 0), coalesce(o.loss_known, 0),
           coalesce(o.internet_ok, 0), coalesce(o.internet_known, 0), o.rx_bytes, o.tx_bytes, coalesce(b.bins, '{}'),
           coalesce(b.counts, '{}'), o.offset_s, o.offset_at
    FROM own o
    FULL JOIN held h USING (point, unit_id, device_id)
    LEFT JOIN bins b USING (point, unit_id, device_id)
    WHERE unit_id = ANY (p_scope)
$$;

-- The same for questions: days and hours from roll-ups where they answer exactly, the rest from samples. p_single tells
-- whether devices are told apart; if not, a unit's row of a roll-up is all of its devices together, device 0. The median bin and
-- the number of round-trip times are told where they are kept: of days.
CREATE OR REPLACE FUNCTION ioc.sample_cells(
    p_kind int, p_scope int[], p_devices text[], p_bounds timestamptz[], p_end timestamptz, p_zone text, p_single boolean,
    p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (
    point int, unit_id int, device_id int, samples bigint, client_ms bigint, client_known_ms bigint, client_max int,
    loss_sum float8, loss_known bigint, internet_ok bigint, internet_known bigint, rx_bytes float8, tx_bytes float8,
    rtt_bins smallint[], rtt_counts bigint[], offset_s float8, offset_at timestamptz, rtt_median smallint, rtt_known bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    v_part record;
    v_levels text[] := CASE WHEN ioc.rollup_zone_fits(p_scope, p_zone) THEN ARRAY['day', 'hour'] ELSE ARRAY['hour'] END;
    v_ids int[] := CASE WHEN p_devices IS NOT NULL THEN ARRAY(
        SELECT d.device_id FROM ioc.device d WHERE d.kind = p_kind AND d.code = ANY (p_devices)) END;
    v_single boolean := p_single OR p_devices IS NOT NULL;
    v_until timestamptz := coalesce((SELECT p.until FROM ioc.sample_progress p WHERE p.kind = p_kind), '-infinity');
BEGIN
    IF p_as_of IS NOT NULL THEN  -- sums are of what is known now
        RETURN QUERY SELECT f.*, NULL::smallint, NULL::bigint
        FROM ioc.sample_sums(p_kind, p_scope, p_devices, p_bounds, p_bounds[1], p_end, p_as_of) f;
        RETURN;
    END IF;
    FOR v_part IN SELECT * FROM ioc.rollup_parts(p_bounds, p_end, v_levels, p_zone, v_until) LOOP
        IF v_part.level = 'fact' THEN
            PERFORM ioc.rollup_check_kept(CASE p_kind WHEN 1 THEN 'camera_sample' ELSE 'wifi_sample' END, v_part.low, '1h');
            RETURN QUERY SELECT f.*, NULL::smallint, NULL::bigint
            FROM ioc.sample_sums(p_kind, p_scope, p_devices, p_bounds, v_part.low, v_part.high) f;
        ELSE
            IF v_part.level = 'hour' THEN
                PERFORM ioc.rollup_check_kept('sample_hour', v_part.low, '1d');
            END IF;
            RETURN QUERY EXECUTE format(
                'SELECT width_bucket(bucket, $1), unit_id, device_id, samples, client_ms, client_known_ms, client_max, loss_sum,'
                '       loss_known, internet_ok, internet_known, rx_bytes, tx_bytes, rtt_bins, rtt_counts, offset_s, offset_at, %s'
                ' FROM ioc.sample_%s WHERE kind = %s AND unit_id = ANY ($2) AND bucket >= %L AND bucket < %L AND %s',
                CASE v_part.level WHEN 'day' THEN 'rtt_median, rtt_known' ELSE 'NULL::smallint, NULL::bigint' END,
                v_part.level, p_kind, v_part.low, v_part.high,
                CASE WHEN v_ids IS NOT NULL THEN 'device_id = ANY ($3)' WHEN v_single THEN 'device_id > 0' ELSE 'device_id = 0' END)
            USING p_bounds, p_scope, v_ids;
        END IF;
    END LOOP;
END $$;

-- Sums of samples over sums. Measures: 1 loss, 2 samples with a loss, 3 samples with internet, 4 samples that tell whether
-- there was internet, 5 octets.
CREATE OR REPLACE FUNCTION ioc.kpi_sample_sums(
    p_kind int, p_num smallint[], p_den smallint[], p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text,
    p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_single boolean := p_by IS NOT DISTINCT FROM 'device' OR p_where ? 'device';
BEGIN
    RETURN QUERY
    WITH sums AS MATERIALIZED (
        SELECT c.point, CASE p_by WHEN 'device' THEN c.device_id WHEN 'unit' THEN c.unit_id ELSE 0 END AS part,
               CASE p_num[1] WHEN 1 THEN sum(c.loss_sum) WHEN 3 THEN sum(c.internet_ok)
                             WHEN 5 THEN sum(coalesce(c.rx_bytes, 0) + coalesce(c.tx_bytes, 0))
                                         FILTER (WHERE c.rx_bytes IS NOT NULL OR c.tx_bytes IS NOT NULL) END::float8 AS num,
               CASE p_den[1] WHEN 2 THEN sum(c.loss_known) WHEN 4 THEN sum(c.internet_known) END::float8 AS den
        FROM ioc.sample_cells(p_kind, ioc.where_units(p_scope, p_where), ioc.where_texts(p_where, 'device'), p_bounds,
                              least(p_bounds[c_points + 1], p_clock), p_zone, v_single, p_as_of) c
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

-- Quantile of round-trip times, from how many fall into which bin.
CREATE OR REPLACE FUNCTION ioc.kpi_sample_quantile(
    p_kind int, p_quantile float8, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_single boolean := p_by IS NOT DISTINCT FROM 'device' OR p_where ? 'device';
BEGIN
    RETURN QUERY
    WITH cells AS MATERIALIZED (
        SELECT c.point, CASE p_by WHEN 'device' THEN c.device_id WHEN 'unit' THEN c.unit_id ELSE 0 END AS part,
               c.rtt_bins, c.rtt_counts, c.rtt_median, c.rtt_known
        FROM ioc.sample_cells(p_kind, ioc.where_units(p_scope, p_where), ioc.where_texts(p_where, 'device'), p_bounds,
                              least(p_bounds[c_points + 1], p_clock), p_zone, v_single, p_as_of) c
        WHERE c.rtt_bins <> '{}'
    ), alone AS MATERIALIZED (
        -- a point of one cell whose median is kept needs no counting
        SELECT c.point, c.part, min(c.rtt_median) AS bin, min(c.rtt_known) AS total
        FROM cells c GROUP BY 1, 2 HAVING p_quantile = 0.5 AND count(*) = 1 AND min(c.rtt_median) IS NOT NULL
    ), bins AS (
        SELECT c.point, c.part, h.bin, sum(h.n) AS n
        FROM cells c
        CROSS JOIN LATERAL unnest(c.rtt_bins, c.rtt_counts) AS h (bin, n)
        WHERE NOT EXISTS (SELECT FROM alone a WHERE a.point = c.point AND a.part = c.part)
        GROUP BY 1, 2, 3
    ), ranked AS (
        SELECT b.point, b.part, b.bin, sum(b.n) OVER (PARTITION BY b.point, b.part ORDER BY b.bin) AS upto,
               sum(b.n) OVER (PARTITION BY b.point, b.part) AS total
        FROM bins b
    ), sums AS MATERIALIZED (
        -- the smallest value that at least so many do not exceed
        SELECT r.point, r.part, ioc.log_bin_value(min(r.bin) FILTER (WHERE r.upto >= p_quantile * r.total)) AS num,
               max(r.total)::float8 AS den
        FROM ranked r GROUP BY 1, 2
        UNION ALL
        SELECT a.point, a.part, ioc.log_bin_value(a.bin), a.total::float8 FROM alone a
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

-- Clock offset: of each device that told one in the bucket the newest, without its sign; the median of these.
CREATE OR REPLACE FUNCTION ioc.kpi_sample_offset(
    p_kind int, p_quantile float8, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
BEGIN
    RETURN QUERY
    WITH newest AS (
        SELECT DISTINCT ON (c.point, c.device_id) c.point, c.device_id, c.unit_id, abs(c.offset_s) AS seconds
        FROM ioc.sample_cells(p_kind, ioc.where_units(p_scope, p_where), ioc.where_texts(p_where, 'device'), p_bounds,
                              least(p_bounds[c_points + 1], p_clock), p_zone, true, p_as_of) c
        WHERE c.offset_at IS NOT NULL
        ORDER BY c.point, c.device_id, c.offset_at DESC
    ), sums AS MATERIALIZED (
        SELECT n.point, CASE p_by WHEN 'device' THEN n.device_id WHEN 'unit' THEN n.unit_id ELSE 0 END AS part,
               percentile_cont(p_quantile) WITHIN GROUP (ORDER BY n.seconds) AS num, count(*)::float8 AS den
        FROM newest n
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
