-- Bounds of the buckets of a series: n + 1 moments for n points; point i is [bound i, bound i + 1).
-- Aligned to the zone's own clock, days and months by local date (so a day of 23 or 25 hours is one day), hours and less by
-- elapsed time (so the hour that comes twice is two). The first and last are clipped to the range; none begins after now.
CREATE OR REPLACE FUNCTION ioc.kpi_bounds(p_from timestamptz, p_to timestamptz, p_bucket text, p_zone text)
RETURNS timestamptz[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_most constant int := 50000;
    v_step interval;
    v_until timestamptz := least(p_to, now());
    v_start timestamptz;
    v_local timestamp;
    v_bounds timestamptz[];
BEGIN
    v_step := CASE p_bucket WHEN '1min' THEN '1 minute' WHEN '15min' THEN '15 minutes' WHEN '1h' THEN '1 hour'
                            WHEN '1d' THEN '1 day' WHEN '1mo' THEN '1 month' END::interval;
    IF v_step IS NULL THEN
        RAISE EXCEPTION 'There is no bucket %.', coalesce(quote_literal(p_bucket), 'without a name')
            USING ERRCODE = 'IOC03', HINT = 'Buckets are 1min, 15min, 1h, 1d, 1mo.';
    END IF;
    IF p_from IS NULL OR p_to IS NULL OR NOT isfinite(p_from) OR NOT isfinite(p_to)
       OR p_from < '1900-01-01 00:00+00' OR p_to > '2200-01-01 00:00+00' THEN
        RAISE EXCEPTION 'The range from % to % is not between the years 1900 and 2200.', p_from, p_to
            USING ERRCODE = 'IOC03', HINT = 'Give both ends as dates or times.';
    END IF;
    IF p_from >= p_to THEN
        RAISE EXCEPTION 'The range ends at %, not after its start %.', p_to, p_from
            USING ERRCODE = 'IOC03', HINT = 'The start is included, the end is not: give a later end.';
    END IF;
    IF extract(epoch FROM v_until - p_from) / extract(epoch FROM v_step) > c_most THEN
        RAISE EXCEPTION 'A series from % to % by % would have more than % points.', p_from, p_to, p_bucket, c_most
            USING ERRCODE = 'IOC04', HINT = 'Ask for a shorter range or a wider bucket.';
    END IF;
    IF p_from >= v_until THEN
        RETURN '{}';
    END IF;
    IF p_bucket IN ('1d', '1mo') THEN
        v_local := date_trunc(CASE p_bucket WHEN '1d' THEN 'day' ELSE 'month' END, p_from AT TIME ZONE p_zone);
        SELECT array_agg(g.at AT TIME ZONE p_zone ORDER BY g.at) INTO v_bounds
        FROM generate_series(v_local, (v_until AT TIME ZONE p_zone) + v_step, v_step) AS g (at);
    ELSE
        v_start := CASE p_bucket WHEN '1h' THEN date_trunc('hour', p_from, p_zone)
                                 ELSE date_bin(v_step, p_from, '2000-01-01 00:00+00') END;
        SELECT array_agg(g.at ORDER BY g.at) INTO v_bounds
        FROM generate_series(v_start, v_until + v_step, v_step) AS g (at);
    END IF;
    SELECT array_agg(kept.at ORDER BY kept.at) INTO v_bounds
    FROM (SELECT greatest(b.at, p_from) AS at FROM unnest(v_bounds) AS b (at) WHERE b.at < v_until
          UNION ALL
          SELECT least(min(b.at), p_to) FROM unnest(v_bounds) AS b (at) WHERE b.at >= v_until) AS kept;
    RETURN v_bounds;
END $$;

-- How many thresholds lie before a moment (not at it).
CREATE OR REPLACE FUNCTION ioc.kpi_before(p_at timestamptz, p_thresholds timestamptz[]) RETURNS int
LANGUAGE sql STABLE AS $$ SELECT width_bucket(p_at - interval '1 microsecond', p_thresholds) $$;

-- Moment before which a gauge's point is read: the bucket's end, so that what happens exactly at it belongs to the next one,
-- as with flows; where the clock comes first, what is true at the clock counts (a microsecond is the database's smallest step).
CREATE OR REPLACE FUNCTION ioc.kpi_gauge_moments(p_bounds timestamptz[], p_clock timestamptz) RETURNS timestamptz[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(least(p_bounds[i + 1], p_clock + interval '1 microsecond') ORDER BY i), '{}')
    FROM generate_series(1, cardinality(p_bounds) - 1) AS i
    WHERE p_bounds[i] < p_clock OR i = 1
$$;

-- Raised before the product of buckets and dimension values is built.
CREATE OR REPLACE FUNCTION ioc.kpi_check_size(p_points bigint, p_dims bigint) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_points * p_dims > 50000 THEN
        RAISE EXCEPTION 'The series would have % points for each of % values of the dimension, more than 50000 in all.',
            p_points, p_dims
            USING ERRCODE = 'IOC04', HINT = 'Ask for a shorter range, a wider bucket, or fewer values with where.';
    END IF;
    RETURN true;
END $$;
