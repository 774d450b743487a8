-- Queue indicators, from tickets. A ticket's wait ends when it is served, called in vain, or cancelled; one that nothing
-- ended lapses at the end of its local day, since numbers begin anew then.

-- Tickets that something happened to in a range, or whose number lapsed in it, as far as was known at p_as_of.
CREATE OR REPLACE FUNCTION ioc.tickets_as_of(p_scope int[], p_from timestamptz, p_to timestamptz, p_as_of timestamptz)
RETURNS TABLE (
    unit_id int, date date, service text, issued_at timestamptz, started_at timestamptz, wait_ended_at timestamptz, outcome smallint)
LANGUAGE sql STABLE AS $$
    SELECT k.unit_id, k.date, s.service, s.issued_at, s.started_at,
           coalesce(s.started_at, s.no_show_at, s.cancelled_at, s.completed_at),
           CASE WHEN s.started_at IS NOT NULL THEN 1 WHEN s.no_show_at IS NOT NULL THEN 2 WHEN s.cancelled_at IS NOT NULL THEN 3
                WHEN s.completed_at IS NOT NULL THEN 1 END::smallint
    FROM (SELECT array_agg(n.number) AS numbers FROM (
              SELECT f.ticket_id AS number FROM ioc.ticket_fact f
              WHERE f.time >= p_from AND f.time < p_to AND f.recorded_at <= p_as_of
              UNION
              SELECT t.ticket_id FROM ioc.ticket t
              WHERE t.round = 1 AND t.date >= (p_from - interval '3 days')::date AND t.date <= (p_to + interval '1 day')::date
          ) AS n) AS found
    CROSS JOIN LATERAL ioc.ticket_states(found.numbers, p_as_of) s
    JOIN ioc.ticket a ON a.ticket_id = s.ticket_id
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT u.unit_id FROM ioc.unit u WHERE u.code = s.unit), a.unit_id) AS unit_id, a.date) AS k
    WHERE k.unit_id = ANY (p_scope)
$$;

-- Tickets whose wait ended in a range. Outcomes: 1 served, 2 no-show, 3 cancelled, 4 lapsed.
CREATE OR REPLACE FUNCTION ioc.queue_ends(p_scope int[], p_from timestamptz, p_to timestamptz, p_as_of timestamptz)
RETURNS TABLE (unit_id int, service text, issued_at timestamptz, ended_at timestamptz, outcome smallint, wait_s float8)
LANGUAGE sql STABLE AS $$
    SELECT t.unit_id, t.service, t.issued_at, t.wait_ended_at, t.outcome,
           CASE WHEN t.started_at IS NOT NULL THEN greatest(date_part('epoch', t.started_at - t.issued_at), 0) END
    FROM ioc.ticket t
    WHERE p_as_of IS NULL AND t.unit_id = ANY (p_scope) AND t.wait_ended_at >= p_from AND t.wait_ended_at < p_to
    UNION ALL
    SELECT t.unit_id, t.service, t.issued_at, lapse.at, 4::smallint, NULL
    FROM ioc.ticket t
    JOIN ioc.unit u ON u.unit_id = t.unit_id
    CROSS JOIN LATERAL (SELECT (t.date + 1)::timestamp AT TIME ZONE u.time_zone AS at) AS lapse
    WHERE p_as_of IS NULL AND t.unit_id = ANY (p_scope) AND t.wait_ended_at IS NULL
      AND t.date >= (p_from - interval '3 days')::date AND t.date <= (p_to + interval '1 day')::date
      AND lapse.at >= p_from AND lapse.at < p_to
    UNION ALL
    SELECT t.unit_id, t.service, t.issued_at, coalesce(t.wait_ended_at, lapse.at), coalesce(t.outcome, 4::smallint),
           CASE WHEN t.started_at IS NOT NULL THEN greatest(date_part('epoch', t.started_at - t.issued_at), 0) END
    FROM ioc.tickets_as_of(p_scope, p_from, p_to, p_as_of) t
    JOIN ioc.unit u ON u.unit_id = t.unit_id
    CROSS JOIN LATERAL (SELECT (t.date + 1)::timestamp AT TIME ZONE u.time_zone AS at) AS lapse
    WHERE p_as_of IS NOT NULL AND coalesce(t.wait_ended_at, lapse.at) >= p_from AND coalesce(t.wait_ended_at, lapse.at) < p_to
$$;

-- Each group's first ticket. As of an earlier moment it is the first one known then: what is known is null before it.
CREATE OR REPLACE FUNCTION ioc.queue_first_facts(p_units int[], p_groups int[], p_as_of timestamptz) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(found.at ORDER BY found.n)
    FROM (SELECT g.n, (
              SELECT min(first.issued_at)
              FROM unnest(p_units, p_groups) AS m (unit_id, grp)
              CROSS JOIN LATERAL (
                  (SELECT t.issued_at FROM ioc.ticket t
                   WHERE p_as_of IS NULL AND t.unit_id = m.unit_id AND t.issued_at IS NOT NULL ORDER BY t.issued_at LIMIT 1)
                  UNION ALL
                  (SELECT min(f.time) FROM ioc.ticket t
                   JOIN ioc.ticket_fact f ON f.ticket_id = t.ticket_id AND f.kind = 1 AND f.recorded_at <= p_as_of
                   WHERE p_as_of IS NOT NULL AND t.unit_id = m.unit_id AND t.round = 1)) AS first
              WHERE m.grp = g.n) AS at
          FROM generate_series(1, coalesce((SELECT max(x.n) FROM unnest(p_groups) AS x (n)), 1)) AS g (n)) AS found
$$;

-- Whether a filter by service lets a ticket through.
CREATE OR REPLACE FUNCTION ioc.queue_fits(p_where jsonb, p_service text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT p_where ? 'service' OR p_where -> 'service' @> coalesce(to_jsonb(p_service), 'null')
$$;

-- Measures: 1 issued, 2 served, 3 served within 15 minutes, 4 served after a wait that is known, 5 no-show, 6 cancelled, 7 lapsed.
CREATE OR REPLACE FUNCTION ioc.kpi_queue_flow(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    c_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
    v_first timestamptz[] := ioc.queue_first_facts(p_units, p_groups, p_as_of);
    v_units int[];
    v_groups int[];
    v_issued boolean := EXISTS (SELECT FROM generate_series(1, cardinality(p_kpis)) AS k (n) WHERE 1 = ANY ((p_kpis[k.n]).num));
    v_ended boolean := EXISTS (SELECT FROM generate_series(1, cardinality(p_kpis)) AS k (n) WHERE NOT 1 = ANY ((p_kpis[k.n]).num));
BEGIN
    PERFORM ioc.rollup_check_kept('ticket', p_bounds[1], NULL);
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    RETURN QUERY
    WITH kpis AS MATERIALIZED (
        SELECT n, (SELECT coalesce(bit_or(1 << x), 0) FROM unnest((p_kpis[n]).num) AS x) AS num,
               (SELECT coalesce(bit_or(1 << x), 0) FROM unnest((p_kpis[n]).den) AS x) AS den
        FROM generate_series(1, cardinality(p_kpis)) AS n
    ), counted AS (
        -- what a ticket counts as: a bit for each measure
        SELECT width_bucket(t.issued_at, p_bounds) AS point, t.unit_id, t.service, 1 << 1 AS measures
        FROM ioc.ticket t
        WHERE v_issued AND p_as_of IS NULL AND t.unit_id = ANY (v_units) AND t.issued_at >= p_bounds[1] AND t.issued_at < c_end
        UNION ALL
        SELECT width_bucket(t.issued_at, p_bounds), t.unit_id, t.service, 1 << 1
        FROM ioc.tickets_as_of(v_units, p_bounds[1], c_end, p_as_of) t
        WHERE v_issued AND p_as_of IS NOT NULL AND t.issued_at >= p_bounds[1] AND t.issued_at < c_end
        UNION ALL
        SELECT width_bucket(e.ended_at, p_bounds), e.unit_id, e.service,
               CASE WHEN e.outcome <> 1 THEN 1 << (e.outcome + 3) WHEN e.wait_s <= 900 THEN (1 << 2) | (1 << 3) | (1 << 4)
                    WHEN e.wait_s IS NOT NULL THEN (1 << 2) | (1 << 4) ELSE 1 << 2 END
        FROM ioc.queue_ends(v_units, p_bounds[1], c_end, p_as_of) e
        WHERE v_ended
    ), alike AS (
        SELECT m.grp, c.point, CASE p_by WHEN 'unit' THEN c.unit_id ELSE 0 END AS part,
               CASE p_by WHEN 'service' THEN c.service END AS service, c.measures, count(*) AS n
        FROM counted c
        JOIN unnest(v_units, v_groups) AS m (unit_id, grp) ON m.unit_id = c.unit_id
        WHERE ioc.queue_fits(p_where, c.service)
        GROUP BY 1, 2, 3, 4, 5
    ), sums AS MATERIALIZED (
        SELECT k.n AS kpi, a.grp, a.point, a.part, a.service, sum(a.n) FILTER (WHERE a.measures & k.num <> 0)::float8 AS num,
               sum(a.n) FILTER (WHERE a.measures & k.den <> 0)::float8 AS den
        FROM alike a CROSS JOIN kpis k
        -- who was issued a number is no part of how waits end
        WHERE (a.measures & 2 <> 0) = (k.num & 2 <> 0)
        GROUP BY 1, 2, 3, 4, 5
    ), dims AS (
        SELECT DISTINCT sums.kpi, sums.grp, sums.part, sums.service FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT k.n, g.n, 0, NULL FROM kpis k CROSS JOIN generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT dims.kpi, dims.grp, point.i, coalesce(u.code, dims.service), CASE WHEN known.yes THEN coalesce(sums.num, 0) END,
           CASE WHEN known.yes AND k.den <> 0 THEN coalesce(sums.den, 0) END
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    JOIN kpis k ON k.n = dims.kpi
    LEFT JOIN ioc.unit u ON u.unit_id = dims.part
    CROSS JOIN LATERAL (SELECT p_bounds[point.i + 1] > v_first[dims.grp] AND p_bounds[point.i] < p_clock AS yes) AS known
    LEFT JOIN sums ON sums.kpi = dims.kpi AND sums.grp = dims.grp AND sums.point = point.i AND sums.part = dims.part
                   AND coalesce('=' || sums.service, '') = coalesce('=' || dims.service, '')
    WHERE allowed.fits;
END $$;

-- Quantile of the waits that ended with service in the bucket, from the tickets themselves.
CREATE OR REPLACE FUNCTION ioc.kpi_queue_quantile(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    v_quantiles float8[] := ARRAY(SELECT (p_kpis[n]).quantile FROM generate_series(1, cardinality(p_kpis)) AS n ORDER BY n);
    v_units int[];
    v_groups int[];
BEGIN
    PERFORM ioc.rollup_check_kept('ticket', p_bounds[1], NULL);
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    RETURN QUERY
    WITH sums AS MATERIALIZED (
        SELECT (t.key >> 48)::int AS grp, ((t.key >> 31) & 131071)::int AS point, (t.key & 2147483647)::int AS part, t.service,
               percentile_disc(v_quantiles) WITHIN GROUP (ORDER BY t.wait_s) AS nums, count(*)::float8 AS den
        FROM (
            -- group, point and unit in one number: all waits are sorted by it
            SELECT (m.grp::bigint << 48) | (width_bucket(e.ended_at, p_bounds)::bigint << 31)
                       | CASE p_by WHEN 'unit' THEN e.unit_id ELSE 0 END AS key,
                   CASE p_by WHEN 'service' THEN e.service END AS service, e.wait_s
            FROM ioc.queue_ends(v_units, p_bounds[1], least(p_bounds[c_points + 1], p_clock), p_as_of) e
            JOIN unnest(v_units, v_groups) AS m (unit_id, grp) ON m.unit_id = e.unit_id
            WHERE e.wait_s IS NOT NULL AND ioc.queue_fits(p_where, e.service)
        ) AS t
        GROUP BY t.key, t.service
    ), dims AS (
        SELECT DISTINCT sums.grp, sums.part, sums.service FROM sums WHERE p_by IS NOT NULL
        UNION ALL SELECT g.n, 0, NULL FROM generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT k.n, dims.grp, point.i, coalesce(u.code, dims.service), sums.nums[k.n], sums.den
    FROM allowed
    CROSS JOIN generate_series(1, cardinality(p_kpis)) AS k (n)
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN ioc.unit u ON u.unit_id = dims.part
    LEFT JOIN sums ON sums.grp = dims.grp AND sums.point = point.i AND sums.part = dims.part
                   AND coalesce('=' || sums.service, '') = coalesce('=' || dims.service, '')
    WHERE allowed.fits;
END $$;

-- Tickets that wait just before the end of each bucket.
CREATE OR REPLACE FUNCTION ioc.kpi_queue_gauge(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_mergejoin = off SET work_mem = '32MB' AS $$
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    c_groups constant int := coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1);
    v_moments timestamptz[] := ioc.kpi_gauge_moments(p_bounds, p_clock);
    v_last timestamptz := v_moments[cardinality(v_moments)];
    v_first timestamptz[] := ioc.queue_first_facts(p_units, p_groups, p_as_of);
    v_units int[];
    v_groups int[];
BEGIN
    PERFORM ioc.rollup_check_kept('ticket', p_bounds[1], NULL);
    SELECT f.units, f.groups INTO v_units, v_groups FROM ioc.where_pairs(p_units, p_groups, p_where) f;
    RETURN QUERY
    WITH waits AS (
        -- an end may come long after, or not yet: whoever waits at a moment ended his wait at it or later
        SELECT m.grp, CASE p_by WHEN 'unit' THEN e.unit_id ELSE 0 END AS part, CASE p_by WHEN 'service' THEN e.service END AS service,
               width_bucket(e.issued_at, v_moments) + 1 AS first, width_bucket(e.ended_at, v_moments) + 1 AS after
        FROM ioc.queue_ends(v_units, v_moments[1], 'infinity', p_as_of) e
        JOIN unnest(v_units, v_groups) AS m (unit_id, grp) ON m.unit_id = e.unit_id
        WHERE e.issued_at < v_last AND ioc.queue_fits(p_where, e.service)
    ), steps AS MATERIALIZED (
        SELECT step.grp, step.point, step.part, step.service, sum(step.n) AS step
        FROM (SELECT w.grp, w.first AS point, w.part, w.service, 1 AS n FROM waits w WHERE w.after > w.first
              UNION ALL SELECT w.grp, w.after, w.part, w.service, -1 FROM waits w WHERE w.after > w.first) AS step
        GROUP BY 1, 2, 3, 4
    ), dims AS (
        SELECT DISTINCT steps.grp, steps.part, steps.service FROM steps WHERE p_by IS NOT NULL
        UNION ALL SELECT g.n, 0, NULL FROM generate_series(1, c_groups) AS g (n) WHERE p_by IS NULL
    ), allowed AS (
        SELECT ioc.kpi_check_size(c_points, count(*)) AS fits FROM dims
    )
    SELECT 1, dims.grp, point.i, coalesce(u.code, dims.service),
           CASE WHEN v_moments[point.i] > v_first[dims.grp] AND p_bounds[point.i] < p_clock
                THEN coalesce(sum(steps.step) OVER (PARTITION BY dims.grp, dims.part, dims.service ORDER BY point.i), 0)::float8 END,
           NULL::float8
    FROM allowed
    CROSS JOIN generate_series(1, c_points) AS point (i)
    CROSS JOIN dims
    LEFT JOIN ioc.unit u ON u.unit_id = dims.part
    LEFT JOIN steps ON steps.grp = dims.grp AND steps.point = point.i AND steps.part = dims.part
                    AND coalesce('=' || steps.service, '') = coalesce('=' || dims.service, '')
    WHERE allowed.fits;
END $$;

-- Who waits now, by service, the longest wait first: the rows of which queue.waiting is the sum.
CREATE OR REPLACE FUNCTION ioc.queue_now(p_reader text, p_unit text) RETURNS TABLE (service text, people int, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT e.service, count(*)::int, min(e.issued_at)
    FROM ioc.queue_ends(ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s), now(), 'infinity', NULL) e
    WHERE e.issued_at < now() AND e.ended_at > now()
    GROUP BY e.service ORDER BY min(e.issued_at), e.service;
END $$;
