-- The areas of units today, followed back through the units that they came from. Reasons: docs/decisions/020.

-- Of each unit's figures at a time, the share that is each target's today. p_targets: units; p_on: which day "today" is, in
-- p_zone. Times from low (included) to high (not) have one composition; times are cut only where a unit gave a part away and
-- went on itself: what a unit does after its end goes with its area, what it does after giving a part away is its own.
-- Over all units that there are as targets, the shares of one unit at one time make 1.
CREATE OR REPLACE FUNCTION ioc.area_shares(p_targets int[], p_zone text, p_on date)
RETURNS TABLE (unit_id int, target_id int, low timestamptz, high timestamptz, share float8)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE reach AS (
        SELECT u.unit_id, u.code FROM ioc.unit u WHERE u.unit_id = ANY (p_targets)
        UNION
        SELECT u.unit_id, u.code
        FROM reach
        JOIN ioc.unit_edge e ON e.to_code = reach.code AND e.share IS NOT NULL AND e.valid_from <= p_on
        JOIN ioc.unit u ON u.code = e.from_code
    ), edge AS MATERIALIZED (
        SELECT r.unit_id AS from_id, t.unit_id AS to_id, e.share, e.valid_from AS day,
               coalesce(f.valid_to <= e.valid_from, false) AS ended
        FROM reach r
        JOIN ioc.unit f ON f.unit_id = r.unit_id
        JOIN ioc.unit_edge e ON e.from_code = r.code AND e.share IS NOT NULL AND e.valid_from <= p_on
        LEFT JOIN ioc.unit t ON t.code = e.to_code
    ), segment AS MATERIALIZED (
        SELECT c.day AS low, lead(c.day, 1, 'infinity') OVER (ORDER BY c.day) AS high
        FROM (SELECT '-infinity'::date AS day UNION SELECT e.day FROM edge e WHERE NOT e.ended) AS c
    ), choice AS MATERIALIZED (
        SELECT s.low, e.from_id, e.day, e.to_id, e.share FROM segment s JOIN edge e ON e.ended OR s.low < e.day
        UNION ALL
        -- what nobody took stays
        SELECT s.low, e.from_id, e.day, e.from_id, 1 - sum(e.share) FROM segment s JOIN edge e ON e.ended OR s.low < e.day
        GROUP BY 1, 2, 3 HAVING sum(e.share) < 1 - 1e-9
    ), walk AS (
        SELECT s.low, r.unit_id AS origin, r.unit_id AS held_by, '-infinity'::date AS day, 1::float8 AS mass
        FROM segment s CROSS JOIN reach r
        UNION ALL
        -- days only grow, so every walk ends; what a unit took over on a day is not divided again on that day
        SELECT w.low, w.origin, c.to_id, c.day, w.mass * c.share
        FROM walk w
        JOIN choice c ON c.low = w.low AND c.from_id = w.held_by AND c.day > w.day
        WHERE c.day = (SELECT min(n.day) FROM choice n WHERE n.low = w.low AND n.from_id = w.held_by AND n.day > w.day)
    )
    SELECT w.origin, w.held_by,
           CASE WHEN s.low = '-infinity' THEN '-infinity' ELSE s.low::timestamp AT TIME ZONE p_zone END,
           CASE WHEN s.high = 'infinity' THEN 'infinity' ELSE s.high::timestamp AT TIME ZONE p_zone END,
           CASE WHEN sum(w.mass) > 1 - 1e-9 THEN 1 ELSE sum(w.mass) END
    FROM walk w
    JOIN segment s ON s.low = w.low
    WHERE w.held_by = ANY (p_targets)
      AND NOT EXISTS (SELECT FROM choice n WHERE n.low = w.low AND n.from_id = w.held_by AND n.day > w.day)
    GROUP BY w.origin, w.held_by, s.low, s.high
$$;

CREATE OR REPLACE FUNCTION ioc.area_day(p_zone text) RETURNS date
LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE p_zone)::date $$;

-- Units that belong to a unit, per stretch of time in which these stay the same; in the form of ioc.area_shares.
CREATE OR REPLACE FUNCTION ioc.group_parts(p_start text, p_zone text)
RETURNS TABLE (unit_id int, low timestamptz, high timestamptz, share float8)
LANGUAGE sql STABLE AS $$
    WITH member AS MATERIALIZED (
        SELECT t.unit_id, t.low, t.high FROM ioc.unit_tree_dated(p_start) t
    ), turn AS (
        SELECT m.low AS day FROM member m UNION SELECT m.high FROM member m
    ), segment AS (
        SELECT t.day AS low, lead(t.day) OVER (ORDER BY t.day) AS high FROM turn t
    )
    SELECT DISTINCT m.unit_id, CASE WHEN s.low = '-infinity' THEN '-infinity' ELSE s.low::timestamp AT TIME ZONE p_zone END,
           CASE WHEN s.high = 'infinity' THEN 'infinity' ELSE s.high::timestamp AT TIME ZONE p_zone END, 1::float8
    FROM segment s JOIN member m ON m.low <= s.low AND m.high >= s.high
    WHERE s.high IS NOT NULL
$$;

-- Units that a question about today covers: those that belong to where it starts today.
CREATE OR REPLACE FUNCTION ioc.unit_scope_today(p_reader text, p_unit text) RETURNS TABLE (unit_id int)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_start text := ioc.unit_start(p_reader, p_unit);
    v_on date;
BEGIN
    IF v_start IS NULL OR NOT ioc.unit_is_dated(v_start) THEN
        RETURN QUERY SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s;
    ELSE
        v_on := ioc.area_day(ioc.unit_zone(p_reader, p_unit));
        RETURN QUERY SELECT DISTINCT t.unit_id FROM ioc.unit_tree_dated(v_start) t WHERE t.low <= v_on AND v_on < t.high;
    END IF;
END $$;

-- Units that a question about an area of today is about: the one where it starts, and all below.
CREATE OR REPLACE FUNCTION ioc.area_targets(p_reader text, p_unit text) RETURNS int[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_start text := ioc.unit_start(p_reader, p_unit);
    v_ended date := (SELECT u.valid_to FROM ioc.unit u WHERE u.code = v_start);
    v_on date := ioc.area_day(ioc.unit_zone(p_reader, p_unit));
BEGIN
    IF v_ended <= v_on THEN
        RAISE EXCEPTION 'Unit % ended on %: it is no area of today.', quote_literal(v_start), v_ended
            USING ERRCODE = 'IOC03',
                  HINT = coalesce('Ask for what took its place (' || (
                      SELECT string_agg(DISTINCT e.to_code, ', ') FROM ioc.unit_edge e
                      WHERE e.from_code IN (SELECT t.code FROM ioc.unit_tree(v_start) t)
                        AND e.to_code NOT IN (SELECT t.code FROM ioc.unit_tree(v_start) t)) || '), or for its',
                      'Ask for its') || ' figures as they were (areas=as_was).';
    END IF;
    RETURN ARRAY(SELECT s.unit_id FROM ioc.unit_scope_today(p_reader, p_unit) s);
END $$;

-- Units whose figures a question reads.
CREATE OR REPLACE FUNCTION ioc.area_scope(p_reader text, p_unit text, p_remapped boolean) RETURNS int[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_zone text;
BEGIN
    IF NOT p_remapped THEN
        RETURN ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    END IF;
    v_zone := ioc.unit_zone(p_reader, p_unit);
    RETURN ARRAY(SELECT DISTINCT a.unit_id
                 FROM ioc.area_shares(ioc.area_targets(p_reader, p_unit), v_zone, ioc.area_day(v_zone)) a);
END $$;

-- How an area of today is made up over a range: which other units' figures are in it, with what share; whose share nobody has
-- said, and are left out. estimated: figures of a whole unit are divided by its share.
CREATE OR REPLACE FUNCTION ioc.kpi_areas(p_reader text, p_unit text, p_from timestamptz, p_to timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c_most constant int := 200;
    v_targets int[] := ioc.area_targets(p_reader, p_unit);
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_on date := ioc.area_day(v_zone);
BEGIN
    RETURN (
        WITH part AS MATERIALIZED (
            SELECT u.unit_id, u.code, a.low, a.high, least(sum(a.share), 1) AS share
            FROM ioc.area_shares(v_targets, v_zone, v_on) a
            JOIN ioc.unit u ON u.unit_id = a.unit_id
            WHERE a.low < p_to AND a.high > p_from
            GROUP BY 1, 2, 3, 4
        ), told AS (
            SELECT p.code, p.low, p.high, round(p.share::numeric, 6) AS share FROM part p
            WHERE p.share < 1 - 1e-9 OR p.unit_id <> ALL (v_targets)
            ORDER BY p.code, p.low LIMIT c_most
        ), unsaid AS (
            SELECT DISTINCT e.from_code, e.to_code, e.valid_from FROM ioc.unit_edge e
            JOIN ioc.unit t ON t.code = e.to_code
            WHERE e.share IS NULL AND e.valid_from <= v_on
              AND (t.unit_id = ANY (v_targets) OR t.unit_id IN (SELECT p.unit_id FROM part p))
            ORDER BY 1, 2, 3 LIMIT c_most
        )
        SELECT jsonb_build_object(
            'on', v_on,
            'estimated', EXISTS (SELECT FROM part p WHERE p.share < 1 - 1e-9),
            'shares', coalesce((SELECT jsonb_agg(jsonb_build_object(
                'unit', t.code, 'share', t.share, 'from', CASE WHEN isfinite(t.low) THEN t.low END,
                'to', CASE WHEN isfinite(t.high) THEN t.high END) ORDER BY t.code, t.low) FROM told t), '[]'),
            'left_out', coalesce((SELECT jsonb_agg(jsonb_build_object(
                'unit', u.from_code, 'into', u.to_code, 'since', u.valid_from) ORDER BY u.from_code, u.to_code) FROM unsaid u), '[]')));
END $$;
