-- The platform's own gauges: now from the stored offsets, before from the samples that the evaluator keeps each minute. Nothing of
-- them is corrected: as of an earlier moment they are what was sampled until then.

CREATE OR REPLACE FUNCTION ioc.platform_now() RETURNS TABLE (kpi text, topic text, value float8)
LANGUAGE sql STABLE AS $$
    WITH live AS (
        SELECT o.topic, sum(greatest(o.log_end - o.next_offset, 0)) AS lag, max(o.newest_fact) AS newest
        FROM ioc.partition_offset o WHERE o.retired_at IS NULL GROUP BY o.topic
    )
    SELECT 'platform.lag', live.topic, live.lag::float8 FROM live
    UNION ALL
    SELECT 'platform.freshness', live.topic, greatest(extract(epoch FROM now() - live.newest), 0)::float8
    FROM live WHERE live.newest IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION ioc.kpi_platform(
    p_kpi text, p_greatest boolean, p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_now int := CASE WHEN p_as_of IS NULL AND p_bounds[c_points + 1] > now() AND p_bounds[1] <= now() THEN width_bucket(now(), p_bounds) END;
BEGIN
    PERFORM ioc.rollup_check_kept('platform_sample', p_bounds[1], NULL);
    RETURN QUERY
    WITH gauge AS (
        (SELECT DISTINCT ON (1, 2) width_bucket(s.time, p_bounds) AS point, s.topic, s.value
         FROM ioc.platform_sample s
         WHERE s.kpi = p_kpi AND s.time >= p_bounds[1] AND s.time < p_bounds[c_points + 1] AND s.time <= p_clock
           AND (v_now IS NULL OR s.time < p_bounds[v_now])
         ORDER BY 1, 2, s.time DESC)
        UNION ALL
        SELECT v_now, n.topic, n.value FROM ioc.platform_now() n WHERE n.kpi = p_kpi AND v_now IS NOT NULL
    ), sums AS MATERIALIZED (
        SELECT g.point, CASE p_by WHEN 'topic' THEN g.topic END AS value,
               CASE WHEN p_greatest THEN max(g.value) ELSE sum(g.value) END AS num
        FROM gauge g
        WHERE NOT p_where ? 'topic' OR p_where -> 'topic' @> to_jsonb(g.topic)
        GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT sums.value FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, sums.num, NULL::float8
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND coalesce('=' || sums.value, '') = coalesce('=' || dims.value, '')
    WHERE allowed.fits;
END $$;

-- Records that could not be read, by when they were met; those that were dropped since are kept as counts by the hour.
CREATE OR REPLACE FUNCTION ioc.kpi_platform_unreadable(
    p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
BEGIN
    IF p_as_of > date_trunc('hour', p_as_of, 'UTC') AND EXISTS (
        SELECT FROM ioc.unreadable_count c WHERE c.hour = date_trunc('hour', p_as_of, 'UTC')) THEN
        RAISE EXCEPTION 'Of the hour around %, unreadable records are kept as one count.', p_as_of
            USING ERRCODE = 'IOC03', HINT = 'Give as_of as a full hour.';
    END IF;
    RETURN QUERY
    WITH met AS (
        SELECT u.topic, u.recorded_at AS at, 1::bigint AS records FROM ioc.unreadable u
        WHERE u.recorded_at >= p_bounds[1] AND u.recorded_at < c_end
        UNION ALL
        SELECT c.topic, c.hour, c.records FROM ioc.unreadable_count c WHERE c.hour >= p_bounds[1] AND c.hour < c_end
    ), sums AS MATERIALIZED (
        SELECT width_bucket(m.at, p_bounds) AS point, CASE p_by WHEN 'topic' THEN m.topic END AS value, sum(m.records) AS num
        FROM met m
        WHERE NOT p_where ? 'topic' OR p_where -> 'topic' @> to_jsonb(m.topic)
        GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT sums.value FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.value, CASE WHEN p_bounds[point.i] < p_clock THEN coalesce(sums.num, 0)::float8 END, NULL::float8
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND coalesce('=' || sums.value, '') = coalesce('=' || dims.value, '')
    WHERE allowed.fits;
END $$;

-- Synthetic alerts that returned, by when they did; the rule that raised them stands where gauges have their topic. A moment is no
-- period in which one returns: now it is each rule's newest, unless one that is under way is late.
CREATE OR REPLACE FUNCTION ioc.kpi_round_trip(
    p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_now constant boolean := p_as_of IS NULL AND c_points = 1 AND p_bounds[1] = now();
BEGIN
    PERFORM ioc.rollup_check_kept('platform_sample', p_bounds[1], NULL);
    RETURN QUERY
    WITH returned AS (
        SELECT width_bucket(s.time, p_bounds) AS point, s.topic AS rule, s.value
        FROM ioc.platform_sample s
        WHERE s.kpi = 'alerts.round_trip' AND s.time >= p_bounds[1] AND s.time < p_bounds[c_points + 1] AND s.time <= p_clock
          AND NOT c_now
        UNION ALL
        SELECT 1, r.instance, CASE WHEN r.detail->>'state' = 'back' THEN r.value END
        FROM ioc.reading r WHERE r.name = 'alerts.round_trip' AND r.valid_until > now() AND c_now
    ), sums AS MATERIALIZED (
        SELECT t.point, CASE p_by WHEN 'rule' THEN t.rule END AS name,
               CASE WHEN bool_and(t.value IS NOT NULL) THEN max(t.value) END AS num
        FROM returned t
        WHERE NOT p_where ? 'rule' OR p_where -> 'rule' @> to_jsonb(t.rule)
        GROUP BY 1, 2
    ), dims AS (
        SELECT DISTINCT sums.name FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT NULL WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT point.i, dims.name, sums.num, NULL::float8
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN sums ON sums.point = point.i AND coalesce('=' || sums.name, '') = coalesce('=' || dims.name, '')
    WHERE allowed.fits;
END $$;
