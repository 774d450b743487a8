-- Device indicators: device-time per unit and minute where units are asked for, samples where single devices are.

-- Samples of both kinds with what indicators read of them.
CREATE OR REPLACE VIEW ioc.device_sample AS
SELECT 1::smallint AS kind, device_id, time, unit_id, state, valid_ms, NULL::int AS clients FROM ioc.camera_sample
UNION ALL
SELECT 2::smallint, device_id, time, unit_id, state, valid_ms, clients FROM ioc.wifi_sample;

-- Spans of time for which each sample speaks: until the device's next sample, or until it runs out; clipped to the range.
-- A device belongs to the unit that each sample is stamped with.
CREATE OR REPLACE FUNCTION ioc.device_spans(
    p_kind int, p_scope int[], p_devices text[], p_from timestamptz, p_to timestamptz)
RETURNS TABLE (device text, unit_id int, state smallint, clients int, started timestamptz, ended timestamptz)
LANGUAGE sql STABLE AS $$
    WITH devices AS MATERIALIZED (
        SELECT d.device_id, d.code FROM ioc.device d
        WHERE d.kind = p_kind AND (p_devices IS NULL OR d.code = ANY (p_devices))
          AND (d.unit_id = ANY (p_scope)
               OR EXISTS (SELECT FROM ioc.device_run r
                          WHERE r.device_id = d.device_id AND r.unit_id = ANY (p_scope)
                            AND r.ended > p_from AND r.started < p_to))
    ), samples AS (
        SELECT d.code, s.unit_id, s.state, s.clients, s.time,
               least(lead(s.time) OVER (PARTITION BY d.device_id ORDER BY s.time),
                     s.time + make_interval(secs => s.valid_ms / 1000.0)) AS until
        FROM devices d
        CROSS JOIN LATERAL (
            (SELECT b.unit_id, b.state, b.clients, b.time, b.valid_ms FROM ioc.device_sample b
             WHERE b.kind = p_kind AND b.device_id = d.device_id
               -- validity is an int of milliseconds: no sample reaches further
               AND b.time < p_from AND b.time > p_from - interval '25 days'
             ORDER BY b.time DESC LIMIT 1)
            UNION ALL
            SELECT i.unit_id, i.state, i.clients, i.time, i.valid_ms FROM ioc.device_sample i
            WHERE i.kind = p_kind AND i.device_id = d.device_id AND i.time >= p_from AND i.time < p_to
        ) AS s
    )
    SELECT s.code, s.unit_id, s.state, s.clients, greatest(s.time, p_from), least(s.until, p_to)
    FROM samples s
    WHERE s.until > p_from AND s.time < p_to AND s.unit_id = ANY (p_scope)
$$;

-- Device-time and client-time by point and dimension. Milliseconds; minutes_ms are those with at least one report of clients.
CREATE OR REPLACE FUNCTION ioc.device_sums(
    p_kind int, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb)
RETURNS TABLE (point int, dim text, up_ms numeric, down_ms numeric, client_ms numeric, minutes_ms numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_end timestamptz := least(p_bounds[cardinality(p_bounds)], p_clock);
    v_scope int[] := p_scope;
    v_devices text[];
BEGIN
    IF p_where ? 'unit' THEN
        v_scope := ARRAY(SELECT u.unit_id FROM ioc.unit u
                         WHERE u.unit_id = ANY (p_scope) AND p_where -> 'unit' @> to_jsonb(u.code));
    END IF;
    IF p_by IS DISTINCT FROM 'device' AND NOT p_where ? 'device' THEN
        -- Minutes after the current one hold what samples promise ahead: never read.
        RETURN QUERY
        SELECT width_bucket(m.bucket, p_bounds), m.dim, sum(m.up), sum(m.down), sum(m.client),
               sum(least(60000, m.known))
        FROM (SELECT d.bucket, CASE p_by WHEN 'unit' THEN u.code END AS dim, sum(d.up_ms) AS up, sum(d.down_ms) AS down,
                     sum(d.client_ms) AS client, sum(d.client_known_ms) AS known
              FROM ioc.device_minute d
              JOIN ioc.unit u ON u.unit_id = d.unit_id
              WHERE d.kind = p_kind AND d.unit_id = ANY (v_scope) AND d.bucket >= p_bounds[1] AND d.bucket < v_end
              GROUP BY 1, 2) AS m
        GROUP BY 1, 2;
        RETURN;
    END IF;
    IF p_where ? 'device' THEN
        v_devices := ARRAY(SELECT jsonb_array_elements_text(
            CASE jsonb_typeof(p_where -> 'device') WHEN 'array' THEN p_where -> 'device'
                                                   ELSE jsonb_build_array(p_where -> 'device') END));
    END IF;
    RETURN QUERY
    SELECT cut.point, cut.dim, coalesce(sum(cut.ms) FILTER (WHERE cut.state IN (1, 2)), 0),
           coalesce(sum(cut.ms) FILTER (WHERE cut.state = 3), 0),
           coalesce(sum(cut.ms * cut.clients), 0), coalesce(sum(cut.ms) FILTER (WHERE cut.clients IS NOT NULL), 0)
    FROM (SELECT p.i AS point, CASE p_by WHEN 'device' THEN s.device WHEN 'unit' THEN u.code END AS dim, s.state, s.clients,
                 1000 * extract(epoch FROM least(s.ended, p_bounds[p.i + 1]) - greatest(s.started, p_bounds[p.i])) AS ms
          FROM ioc.device_spans(p_kind, v_scope, v_devices, p_bounds[1], v_end) s
          JOIN ioc.unit u ON u.unit_id = s.unit_id
          CROSS JOIN LATERAL generate_series(width_bucket(s.started, p_bounds), ioc.kpi_before(s.ended, p_bounds)) AS p (i)
         ) AS cut
    GROUP BY 1, 2;
END $$;

CREATE OR REPLACE FUNCTION ioc.kpi_device_time(
    p_kind int, p_clients boolean, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
BEGIN
    RETURN QUERY
    WITH sums AS MATERIALIZED (
        SELECT d.point, d.dim AS value,
               (CASE WHEN p_clients THEN d.client_ms ELSE d.up_ms END / 1000)::float8 AS num,
               (CASE WHEN p_clients THEN d.minutes_ms ELSE d.up_ms + d.down_ms END / 1000)::float8 AS den
        FROM ioc.device_sums(p_kind, p_scope, p_bounds, p_clock, p_by, p_where) d
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

-- Devices in a state just before the end of each bucket, from runs of equal state; null while no device's state is known.
CREATE OR REPLACE FUNCTION ioc.kpi_device_gauge(
    p_kind int, p_state int, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_moments timestamptz[] := ioc.kpi_gauge_moments(p_bounds, p_clock);
    v_last timestamptz := v_moments[cardinality(v_moments)];
BEGIN
    RETURN QUERY
    WITH runs AS (
        SELECT r.device_id, r.unit_id, r.state, r.started, r.ended FROM ioc.device_run r
        WHERE r.kind = p_kind AND r.state BETWEEN 1 AND 4 AND r.unit_id = ANY (p_scope)
          AND r.ended >= v_moments[1] AND r.started < v_last
        UNION ALL
        SELECT s.device_id, s.unit_id, s.state, s.since, s.valid_until FROM ioc.device_state s
        WHERE s.kind = p_kind AND s.state <> 0 AND s.unit_id = ANY (p_scope)
          AND s.valid_until >= v_moments[1] AND s.since < v_last
    ), held AS (
        SELECT CASE p_by WHEN 'device' THEN d.code WHEN 'unit' THEN u.code END AS value, (r.state = p_state)::int AS hit,
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
