-- Arrivals (dossiers accepted, queue tickets issued) against what was to be expected of them. Reasons: docs/concepts/forecasts.md.

-- Whether the district's calendar holds for these units: they are of its tree, or nobody declared them.
CREATE OR REPLACE FUNCTION ioc.works_by_district(p_scope int[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM ioc.district d
        WHERE d.working_time IS NOT NULL
          AND EXISTS (SELECT FROM ioc.unit u WHERE u.unit_id = ANY (p_scope)
                      AND (NOT u.declared OR u.unit_id IN (SELECT t.unit_id FROM ioc.unit_tree(d.root_unit) t))))
$$;

-- The days of a stretch. worked: offices open on it; regular: its weekday is one on which they do. Other units than the
-- district's have weekdays and no holidays.
CREATE OR REPLACE FUNCTION ioc.office_days(p_scope int[], p_first date, p_last date)
RETURNS TABLE (day date, weekday int, worked boolean, regular boolean)
LANGUAGE plpgsql STABLE SET enable_nestloop = on AS $$
#variable_conflict use_column
DECLARE
    v_district boolean := ioc.works_by_district(p_scope);
    v_weekdays int[] := '{1,2,3,4,5}';
BEGIN
    IF v_district THEN
        v_weekdays := ARRAY(SELECT jsonb_array_elements_text(d.working_time -> 'weekdays')::int FROM ioc.district d);
    END IF;
    RETURN QUERY
    SELECT g.at::date, extract(isodow FROM g.at)::int,
           coalesce(x.worked, extract(isodow FROM g.at)::int = ANY (v_weekdays)),
           extract(isodow FROM g.at)::int = ANY (v_weekdays)
    FROM generate_series(p_first::timestamp, p_last::timestamp, interval '1 day') AS g (at)
    LEFT JOIN ioc.exceptional_day x ON v_district AND x.day = g.at::date;
END $$;

-- When arrivals came, with how many of them count (corrections take some back).
CREATE OR REPLACE FUNCTION ioc.arrivals(
    p_subject text, p_scope int[], p_where jsonb, p_from timestamptz, p_to timestamptz, p_as_of timestamptz)
RETURNS TABLE (at timestamptz, n int)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET enable_nestloop = on AS $$
DECLARE
    v_units int[] := ioc.where_units(p_scope, p_where);
BEGIN
    IF p_subject = 'dossiers' THEN
        RETURN QUERY
        SELECT l.effective_at, l.delta::int
        FROM ioc.dossier_series s
        JOIN ioc.dossier_ledger l ON l.series_id = s.series_id
        WHERE s.unit_id = ANY (v_units) AND ioc.dossier_fits(p_where, s.channel, s.field, s.procedure)
          AND l.measure = 1 AND l.effective_at >= p_from AND l.effective_at < p_to
          AND (p_as_of IS NULL OR l.recorded_at <= p_as_of);
    ELSIF p_as_of IS NULL THEN
        RETURN QUERY
        SELECT t.issued_at, 1 FROM ioc.ticket t
        WHERE t.unit_id = ANY (v_units) AND t.issued_at >= p_from AND t.issued_at < p_to AND ioc.queue_fits(p_where, t.service);
    ELSE
        RETURN QUERY
        SELECT t.issued_at, 1 FROM ioc.tickets_as_of(v_units, p_from, p_to, p_as_of) t
        WHERE t.issued_at >= p_from AND t.issued_at < p_to AND ioc.queue_fits(p_where, t.service);
    END IF;
END $$;

-- For each local day: arrivals by hour until the clock, and what was to be expected from the 84 days before it alone.
-- memory: worked days looked back on, expected is unknown with fewer than 20. A past day counts up to a limit (median plus three
-- robust deviations, of all days or of its weekday, whichever is more), so that old surges raise nothing. expected: mean of days, drawn to those of the same weekday; spread over hours by
-- shares. held_back: part of it that a closure before brought; half of what is still missing comes on each day that follows.
-- Variance of a count with mean m: batch * m + sway * (sum of squares of its days' means). p_extra: arrivals that are imagined.
-- p_since: first day that is looked at whole.
CREATE OR REPLACE FUNCTION ioc.arrival_expectations(
    p_subject text, p_scope int[], p_where jsonb, p_first date, p_last date, p_clock timestamptz, p_zone text,
    p_as_of timestamptz, p_spread boolean, p_extra timestamptz[], p_since date)
RETURNS TABLE (day date, worked boolean, memory int, memory_from date, expected float8, held_back float8,
               observed float8[], shares float8[], batch float8, sway float8)
-- What is joined are results without statistics: nested loops over them take minutes, and planning anew gains nothing.
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
    c_memory constant int := 84;
    c_least constant int := 20;
    v_low constant timestamptz := (p_first - c_memory)::timestamp AT TIME ZONE p_zone;
    v_end constant timestamptz := least((p_last + 1)::timestamp AT TIME ZONE p_zone, p_clock);
BEGIN
    RETURN QUERY
    WITH calendar AS MATERIALIZED (
        SELECT c.day, c.weekday, c.worked, c.regular, count(*) FILTER (WHERE c.worked) OVER (ORDER BY c.day) AS nth
        FROM ioc.office_days(p_scope, p_first - c_memory, p_last) c
    ), arrived AS MATERIALIZED (
        SELECT a.day, a.hour, sum(a.arrivals) AS n
        FROM (SELECT (x.at AT TIME ZONE p_zone)::date AS day, extract(hour FROM x.at AT TIME ZONE p_zone)::int AS hour, x.n::float8 AS arrivals
              FROM (SELECT r.at, r.n FROM ioc.arrivals(p_subject, p_scope, p_where, v_low, v_end, p_as_of) r
                    UNION ALL SELECT e.at, 1 FROM unnest(p_extra) AS e (at) WHERE e.at >= v_low AND e.at < v_end) AS x) a
        GROUP BY 1, 2 HAVING sum(a.arrivals) > 0
    ), totals AS MATERIALIZED (
        SELECT c.day, c.weekday, coalesce(sum(a.n), 0) AS n
        FROM calendar c LEFT JOIN arrived a ON a.day = c.day
        WHERE c.worked GROUP BY 1, 2
    ), asked AS MATERIALIZED (
        SELECT c.* FROM calendar c WHERE c.day >= p_first
    ), pairs AS MATERIALIZED (
        SELECT a.day AS at, t.day, t.weekday, t.n
        FROM asked a JOIN totals t ON t.day < a.day AND t.day >= a.day - c_memory AND t.day >= p_since
    ), middle AS (
        SELECT p.at, percentile_cont(0.5) WITHIN GROUP (ORDER BY p.n) AS n FROM pairs p GROUP BY 1
    ), limits AS MATERIALIZED (
        SELECT m.at, m.n + 3 * greatest(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(p.n - m.n)),
                                        sqrt(greatest(m.n, 1))) AS most
        FROM middle m JOIN pairs p ON p.at = m.at GROUP BY m.at, m.n
    ), weekday_middle AS (
        SELECT p.at, p.weekday, percentile_cont(0.5) WITHIN GROUP (ORDER BY p.n) AS n FROM pairs p GROUP BY 1, 2
    ), weekday_limits AS MATERIALIZED (
        -- a weekday that is always busier has a limit of its own
        SELECT m.at, m.weekday,
               greatest(l.most, CASE WHEN count(*) >= 3 THEN
                   m.n + 3 * greatest(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(p.n - m.n)), sqrt(greatest(m.n, 1))) END) AS most
        FROM weekday_middle m JOIN limits l ON l.at = m.at JOIN pairs p ON p.at = m.at AND p.weekday = m.weekday
        GROUP BY m.at, m.weekday, m.n, l.most
    ), counted AS MATERIALIZED (
        SELECT p.at, p.day, p.weekday, p.n, l.most, least(p.n, l.most) AS kept
        FROM pairs p JOIN weekday_limits l ON l.at = p.at AND l.weekday = p.weekday
    ), levels AS MATERIALIZED (
        SELECT c.at, count(*)::int AS days, min(c.day) AS since, avg(c.kept) AS mean FROM counted c GROUP BY 1
    ), weekdays AS MATERIALIZED (
        -- four days' worth of the level stand beside those of the weekday
        SELECT c.at, c.weekday, (sum(c.kept) + 4 * l.mean) / (count(*) + 4) AS mean
        FROM counted c JOIN levels l ON l.at = c.at GROUP BY c.at, c.weekday, l.mean
    ), profile AS MATERIALIZED (
        SELECT h.at, h.hour, h.n / sum(h.n) OVER (PARTITION BY h.at) AS share
        FROM (SELECT c.at, a.hour, sum(a.n * c.kept / c.n) AS n
              FROM counted c JOIN arrived a ON a.day = c.day GROUP BY 1, 2) AS h
    ), kept AS MATERIALIZED (
        SELECT c.at, c.day, c.n, w.mean
        FROM counted c JOIN weekdays w ON w.at = c.at AND w.weekday = c.weekday
        WHERE p_spread AND c.n <= c.most
    ), by_day AS (
        SELECT k.at, count(*) AS days, sum(k.mean) AS mean, sum(k.mean ^ 2) AS square, sum((k.n - k.mean) ^ 2) AS off
        FROM kept k GROUP BY 1
    ), by_hour AS (
        -- squares of hours off their share; hours without arrivals are off by the whole of it
        SELECT k.at, sum(a.n ^ 2 - 2 * a.n * k.mean * f.share) AS off
        FROM kept k JOIN arrived a ON a.day = k.day JOIN profile f ON f.at = k.at AND f.hour = a.hour GROUP BY 1
    ), evenness AS (
        SELECT f.at, sum(f.share ^ 2) AS square FROM profile f WHERE p_spread GROUP BY 1
    ), batches AS (
        SELECT d.*, greatest(1, (h.off + d.square * e.square) / nullif(d.mean, 0)) AS batch
        FROM by_day d JOIN by_hour h ON h.at = d.at JOIN evenness e ON e.at = d.at
    ), spread AS (
        -- with what the level itself may be off
        SELECT b.at, b.batch,
               greatest(0, (b.off * b.days / greatest(b.days - 5, 1) - b.batch * b.mean) / nullif(b.square, 0)) * (1 + 1.0 / b.days)
               + b.batch / nullif(b.mean, 0) AS sway
        FROM batches b
    ), closures AS (
        SELECT a.day, sum(0.5::float8 ^ (a.nth - c.nth)) AS missed
        FROM asked a JOIN calendar c ON c.regular AND NOT c.worked AND c.day < a.day AND c.day >= a.day - 28
                                    AND a.nth - c.nth BETWEEN 1 AND 5
        WHERE a.worked GROUP BY 1
    ), grid AS (
        SELECT a.day, array_agg(coalesce(o.n, 0) ORDER BY g.hour) AS observed, array_agg(coalesce(f.share, 0) ORDER BY g.hour) AS shares
        FROM asked a
        CROSS JOIN generate_series(0, 23) AS g (hour)
        LEFT JOIN arrived o ON o.day = a.day AND o.hour = g.hour
        LEFT JOIN profile f ON f.at = a.day AND f.hour = g.hour
        GROUP BY 1
    )
    SELECT a.day, a.worked, coalesce(l.days, 0), l.since,
           CASE WHEN l.days >= c_least THEN CASE WHEN a.worked THEN coalesce(w.mean, l.mean) * (1 + coalesce(c.missed, 0)) ELSE 0 END END,
           CASE WHEN l.days >= c_least THEN CASE WHEN a.worked THEN coalesce(w.mean, l.mean) * coalesce(c.missed, 0) ELSE 0 END END,
           g.observed, g.shares, coalesce(s.batch, 1), coalesce(s.sway, 0)
    FROM asked a
    JOIN grid g ON g.day = a.day
    LEFT JOIN levels l ON l.at = a.day
    LEFT JOIN weekdays w ON w.at = a.day AND w.weekday = a.weekday
    LEFT JOIN closures c ON c.day = a.day
    LEFT JOIN spread s ON s.at = a.day;
END $$;

CREATE OR REPLACE FUNCTION ioc.arrival_days(
    p_subject text, p_scope int[], p_where jsonb, p_first date, p_last date, p_clock timestamptz, p_zone text,
    p_as_of timestamptz, p_spread boolean, p_extra timestamptz[] DEFAULT '{}')
RETURNS TABLE (day date, worked boolean, memory int, memory_from date, expected float8, held_back float8,
               observed float8[], shares float8[], batch float8, sway float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_low constant timestamptz := (p_first - 84)::timestamp AT TIME ZONE p_zone;
    v_one int[] := array_fill(1, ARRAY[cardinality(p_scope)]);
    v_first timestamptz := CASE p_subject WHEN 'dossiers' THEN (ioc.dossier_first_facts(p_scope, v_one, v_low, p_as_of))[1]
                                          ELSE (ioc.queue_first_facts(p_scope, v_one, p_as_of))[1] END;
BEGIN
    RETURN QUERY
    SELECT e.* FROM ioc.arrival_expectations(
        p_subject, p_scope, p_where, p_first, p_last, p_clock, p_zone, p_as_of, p_spread, p_extra,
        -- the day of the first fact may be a part of one
        CASE WHEN v_first <= v_low THEN p_first - 84 ELSE (v_first AT TIME ZONE p_zone)::date + 1 END) e;
END $$;

-- Arrivals on worked days over what was to be expected, per bucket. Both end at the clock.
CREATE OR REPLACE FUNCTION ioc.surge_buckets(
    p_subject text, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, observed float8, expected float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    c_points constant int := cardinality(p_bounds) - 1;
    v_end constant timestamptz := least(p_bounds[c_points + 1], p_clock);
BEGIN
    RETURN QUERY
    WITH days AS MATERIALIZED (
        SELECT d.* FROM ioc.arrival_days(
            p_subject, p_scope, p_where, (p_bounds[1] AT TIME ZONE p_zone)::date,
            ((v_end - interval '1 microsecond') AT TIME ZONE p_zone)::date, v_end, p_zone, p_as_of, false) d
        WHERE p_bounds[1] < v_end
    ), slots AS (
        SELECT s.low, s.high, d.worked, d.observed[g.hour + 1] AS n, d.expected * d.shares[g.hour + 1] AS mean
        FROM days d
        CROSS JOIN generate_series(0, 23) AS g (hour)
        CROSS JOIN LATERAL (SELECT (d.day + make_interval(hours => g.hour)) AT TIME ZONE p_zone AS low,
                                   (d.day + make_interval(hours => g.hour + 1)) AT TIME ZONE p_zone AS high) AS s
        WHERE s.high > s.low AND s.low < v_end AND s.high > p_bounds[1]
    ), shown AS (
        SELECT b.i, bool_and(s.mean IS NOT NULL) AS known,
               sum(s.mean * extract(epoch FROM least(s.high, p_bounds[b.i + 1], v_end) - greatest(s.low, p_bounds[b.i]))::float8
                   / extract(epoch FROM s.high - s.low)::float8) AS mean
        FROM slots s
        CROSS JOIN LATERAL generate_series(greatest(width_bucket(s.low, p_bounds), 1),
                                           least(width_bucket(s.high - interval '1 microsecond', p_bounds), c_points)) AS b (i)
        WHERE p_bounds[b.i] < v_end
        GROUP BY 1
    ), counted AS (
        SELECT a.i, sum(a.n) AS n
        FROM days d
        JOIN (
            SELECT (r.at AT TIME ZONE p_zone)::date AS day, width_bucket(r.at, p_bounds) AS i, sum(r.n)::float8 AS n
            FROM ioc.arrivals(p_subject, p_scope, p_where, p_bounds[1], v_end, p_as_of) r
            GROUP BY 1, 2
        ) AS a ON a.day = d.day
        WHERE d.worked GROUP BY 1
    )
    SELECT i.i, CASE WHEN s.known THEN coalesce(c.n, 0) END, CASE WHEN s.known THEN s.mean END
    FROM generate_series(1, c_points) AS i (i)
    LEFT JOIN shown s ON s.i = i.i
    LEFT JOIN counted c ON c.i = i.i;
END $$;

-- The same for each value of a dimension, each with an expectation of its own.
CREATE OR REPLACE FUNCTION ioc.kpi_surge(
    p_subject text, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_dims text[] := ARRAY[NULL::text];
    v_dim text;
BEGIN
    IF p_by IS NOT NULL AND p_subject = 'dossiers' THEN
        v_dims := ARRAY(
            SELECT DISTINCT CASE p_by WHEN 'unit' THEN u.code WHEN 'channel' THEN s.channel WHEN 'field' THEN s.field ELSE s.procedure END
            FROM ioc.dossier_series s JOIN ioc.unit u ON u.unit_id = s.unit_id
            WHERE s.unit_id = ANY (ioc.where_units(p_scope, p_where)) AND ioc.dossier_fits(p_where, s.channel, s.field, s.procedure)
            ORDER BY 1);
    ELSIF p_by = 'unit' THEN
        v_dims := ARRAY(SELECT u.code FROM ioc.unit u WHERE u.unit_id = ANY (ioc.where_units(p_scope, p_where))
                        AND EXISTS (SELECT FROM ioc.ticket t WHERE t.unit_id = u.unit_id) ORDER BY 1);
    ELSIF p_by = 'service' THEN
        v_dims := ARRAY(SELECT DISTINCT t.service FROM ioc.ticket t
                        WHERE t.unit_id = ANY (ioc.where_units(p_scope, p_where)) AND ioc.queue_fits(p_where, t.service)
                          AND t.issued_at >= p_bounds[1] - interval '84 days'
                          AND t.issued_at < p_bounds[cardinality(p_bounds)] ORDER BY 1);
    END IF;
    PERFORM ioc.kpi_check_size(cardinality(p_bounds) - 1, cardinality(v_dims));
    FOREACH v_dim IN ARRAY v_dims LOOP
        RETURN QUERY
        SELECT b.ordinal, v_dim, b.observed, b.expected
        FROM ioc.surge_buckets(p_subject, p_scope, p_bounds, p_clock, p_zone,
                               CASE WHEN p_by IS NULL THEN p_where ELSE p_where || jsonb_build_object(p_by, jsonb_build_array(v_dim)) END,
                               p_as_of) b;
    END LOOP;
END $$;

-- Chance of a count at least as large, by the negative binomial distribution of this mean and variance (Poisson where the variance is
-- no larger than the mean). 1 where the count is not above its mean.
CREATE OR REPLACE FUNCTION ioc.chance_of(p_count float8, p_mean float8, p_variance float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_scale float8 := greatest(1, p_count / 20000);  -- bounds the work; larger counts are counted in lots
    v_count int := round(p_count / v_scale);
    v_mean float8 := p_mean / v_scale;
    v_variance float8 := p_variance / v_scale ^ 2;
    v_over boolean := v_variance > v_mean * 1.000001;
    v_size float8;
    v_step float8;
    v_log float8;
    v_term float8;
    v_sum float8;
BEGIN
    IF p_count <= p_mean THEN
        RETURN 1;
    ELSIF v_mean <= 0 THEN
        RETURN 0;
    END IF;
    v_size := CASE WHEN v_over THEN v_mean ^ 2 / (v_variance - v_mean) END;
    v_step := CASE WHEN v_over THEN 1 - v_mean / v_variance END;
    v_log := CASE WHEN v_over THEN v_size * ln(v_mean / v_variance) ELSE -v_mean END;
    FOR k IN 0 .. v_count - 1 LOOP
        v_log := v_log + ln(CASE WHEN v_over THEN (v_size + k) / (k + 1) * v_step ELSE v_mean / (k + 1) END);
    END LOOP;
    IF v_log < -600 THEN
        RETURN 0;
    END IF;
    v_term := exp(v_log);
    v_sum := v_term;
    FOR k IN v_count .. v_count + 20000 LOOP
        v_term := v_term * CASE WHEN v_over THEN (v_size + k) / (k + 1) * v_step ELSE v_mean / (k + 1) END;
        EXIT WHEN v_term < v_sum * 1e-9;
        v_sum := v_sum + v_term;
    END LOOP;
    RETURN least(v_sum, 1);
END $$;

-- At each moment: the stretch up to it (from any hour of the day, or the beginning of one of four worked days before) in which arrivals are
-- least likely, with its chance times the number of stretches looked at. A surge is one whose chance is below 1 in 100 and that holds three
-- arrivals more than expected. Only the last moment may lie within an hour.
CREATE OR REPLACE FUNCTION ioc.surge_scan(
    p_subject text, p_scope int[], p_where jsonb, p_moments timestamptz[], p_zone text, p_as_of timestamptz, p_extra timestamptz[] DEFAULT '{}')
RETURNS TABLE (moment timestamptz, state text, since timestamptz, observed float8, expected float8, held_back float8, chance float8,
               today_observed float8, today_expected float8, memory int, memory_from date)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    c_chance constant float8 := 0.01;
    c_more constant float8 := 3;
    v_last timestamptz := (SELECT max(m.at) FROM unnest(p_moments) AS m (at));
    v_day date := ((SELECT min(m.at) FROM unnest(p_moments) AS m (at)) AT TIME ZONE p_zone)::date;
BEGIN
    RETURN QUERY
    WITH days AS MATERIALIZED (
        SELECT d.*, count(*) FILTER (WHERE d.worked) OVER (ORDER BY d.day) AS nth
        FROM ioc.arrival_days(p_subject, p_scope, p_where, v_day - 21, (v_last AT TIME ZONE p_zone)::date, v_last, p_zone, p_as_of,
                              true, p_extra) d
    ), slots AS MATERIALIZED (
        SELECT d.day, d.nth, s.low, s.high, d.observed[g.hour + 1] AS n, d.expected * d.shares[g.hour + 1] AS mean,
               d.held_back * d.shares[g.hour + 1] AS held
        FROM days d
        CROSS JOIN generate_series(0, 23) AS g (hour)
        CROSS JOIN LATERAL (SELECT (d.day + make_interval(hours => g.hour)) AT TIME ZONE p_zone AS low,
                                   (d.day + make_interval(hours => g.hour + 1)) AT TIME ZONE p_zone AS high) AS s
        WHERE d.worked AND d.expected IS NOT NULL AND s.high > s.low AND (d.observed[g.hour + 1] > 0 OR d.shares[g.hour + 1] > 0)
    ), moments AS MATERIALIZED (
        SELECT m.at, d.day, d.nth, d.worked, d.memory, d.memory_from, d.expected, d.batch, d.sway
        FROM unnest(p_moments) AS m (at) JOIN days d ON d.day = (m.at AT TIME ZONE p_zone)::date
    ), parts AS MATERIALIZED (
        SELECT m.at, s.day = m.day AS today, s.day, s.low, s.n, s.mean * f.part AS mean, s.held * f.part AS held
        FROM moments m
        JOIN slots s ON s.nth BETWEEN m.nth - 4 AND m.nth AND s.low < m.at AND (s.high <= m.at OR m.at = v_last)
        CROSS JOIN LATERAL (SELECT least(1, extract(epoch FROM m.at - s.low) / extract(epoch FROM s.high - s.low))::float8 AS part) AS f
        WHERE m.worked AND m.expected IS NOT NULL
    ), sums AS MATERIALIZED (
        SELECT p.at, p.today, p.day, min(p.low) AS low, sum(p.n) AS n, sum(p.mean) AS mean, sum(p.held) AS held
        FROM parts p GROUP BY 1, 2, 3
    ), stretches AS (
        SELECT p.at, p.low, sum(p.n) OVER w AS n, sum(p.mean) OVER w AS mean, sum(p.held) OVER w AS held, (sum(p.mean) OVER w) ^ 2 AS square
        FROM parts p WHERE p.today WINDOW w AS (PARTITION BY p.at ORDER BY p.low DESC)
        UNION ALL
        SELECT d.at, d.low, d.n, d.mean, d.held, d.square
        FROM (SELECT s.at, s.today, s.low, sum(s.n) OVER w AS n, sum(s.mean) OVER w AS mean, sum(s.held) OVER w AS held,
                     sum(s.mean ^ 2) OVER w AS square
              FROM sums s WINDOW w AS (PARTITION BY s.at ORDER BY s.day DESC)) AS d
        WHERE NOT d.today
    ), judged AS (
        -- what was never met in so many days is expected once in as many
        SELECT s.*, ioc.chance_of(s.n, f.mean, m.batch * f.mean + m.sway * s.square) AS chance, count(*) OVER (PARTITION BY s.at) AS looked
        FROM stretches s
        JOIN moments m ON m.at = s.at
        CROSS JOIN LATERAL (SELECT greatest(s.mean, 1.0 / m.memory)::float8 AS mean) AS f
    ), best AS (
        SELECT DISTINCT ON (j.at) j.at, j.low, j.n, j.mean, j.held, least(1, j.chance * j.looked) AS chance
        FROM judged j ORDER BY j.at, j.chance, j.low DESC
    ), told AS (
        SELECT m.*, CASE WHEN m.expected IS NULL THEN 'unknown' WHEN NOT m.worked THEN 'closed'
                         WHEN b.chance < c_chance AND b.n - b.mean >= c_more THEN 'surge' ELSE 'none' END AS state,
               b.low, b.n, b.mean, b.held, coalesce(b.chance, CASE WHEN m.worked AND m.expected IS NOT NULL THEN 1 END) AS chance,
               CASE WHEN m.expected IS NOT NULL THEN coalesce(t.n, 0) END AS today_n, CASE WHEN m.expected IS NOT NULL THEN coalesce(t.mean, 0) END AS today_mean,
               t.held AS today_held
        FROM moments m LEFT JOIN best b ON b.at = m.at LEFT JOIN sums t ON t.at = m.at AND t.today
    )
    SELECT t.at, t.state, CASE t.state WHEN 'surge' THEN t.low END, CASE t.state WHEN 'surge' THEN t.n ELSE t.today_n END,
           CASE t.state WHEN 'surge' THEN t.mean ELSE t.today_mean END,
           CASE WHEN t.state = 'surge' THEN t.held WHEN t.expected IS NOT NULL THEN coalesce(t.today_held, 0) END,
           t.chance, t.today_n, t.today_mean, t.memory, t.memory_from
    FROM told t ORDER BY t.at;
END $$;

-- Whether there is a surge, for some units (null: the reader's whole scope as one), of dossiers and of tickets. A reader's answer at any
-- moment, with what was known then where p_as_of says so.
CREATE OR REPLACE FUNCTION ioc.surge_now(
    p_reader text, p_units text[] DEFAULT NULL, p_at timestamptz DEFAULT NULL, p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (unit text, subject text, moment timestamptz, state text, since timestamptz, observed float8, expected float8,
               held_back float8, chance float8, today_observed float8, today_expected float8, memory int, memory_from date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_at timestamptz := coalesce(p_at, p_as_of, now());
    v_unit text;
    v_scope int[];
    v_zone text;
BEGIN
    PERFORM ioc.forecast_check(v_at, p_as_of);
    FOREACH v_unit IN ARRAY coalesce(p_units, ARRAY[NULL::text]) LOOP
        v_scope := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, v_unit) s);
        v_zone := ioc.unit_zone(p_reader, v_unit);
        RETURN QUERY
        SELECT v_unit, w.subject, s.*
        FROM (VALUES ('dossiers'), ('tickets')) AS w (subject)
        CROSS JOIN LATERAL ioc.surge_scan(w.subject, v_scope, '{}', ARRAY[v_at], v_zone, p_as_of) s;
    END LOOP;
END $$;

-- The same at many moments, each within its hour's beginning, for looking back; p_extra imagines arrivals that there were not.
CREATE OR REPLACE FUNCTION ioc.surge_history(
    p_reader text, p_unit text, p_subject text, p_moments timestamptz[], p_extra timestamptz[] DEFAULT '{}')
RETURNS TABLE (moment timestamptz, state text, since timestamptz, observed float8, expected float8, held_back float8, chance float8,
               today_observed float8, today_expected float8, memory int, memory_from date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT s.* FROM ioc.surge_scan(p_subject, ARRAY(SELECT u.unit_id FROM ioc.unit_scope(p_reader, p_unit) u), '{}', p_moments,
                                   ioc.unit_zone(p_reader, p_unit), NULL, p_extra) s;
END $$;

CREATE OR REPLACE FUNCTION ioc.forecast_check(p_at timestamptz, p_as_of timestamptz) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF greatest(p_at, p_as_of) > now() OR least(p_at, p_as_of) < '1900-01-01 00:00+00' THEN
        RAISE EXCEPTION 'A forecast can''t be asked for the moment %.', CASE WHEN p_at > now() OR p_as_of IS NULL THEN p_at ELSE p_as_of END
            USING ERRCODE = 'IOC03', HINT = 'Give a moment between the year 1900 and now.';
    END IF;
END $$;
