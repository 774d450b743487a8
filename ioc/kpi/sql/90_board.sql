-- What boards may ask. Everything here asks as the reader 'grafana', through the functions that every surface uses, and gives no
-- dossier's code, no person and no address. Whoever may use the schema may call all of it, and nothing else of the database.

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    -- a function's result type can't be replaced in place
    FOR v_function IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'ioc_board'::regnamespace LOOP
        EXECUTE format('DROP FUNCTION %s', v_function);
    END LOOP;
END $$;

-- An empty choice of a board's variable is none.
CREATE FUNCTION ioc_board.chosen(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT nullif(btrim(p_text), '') $$;

-- The moment that somebody typed: a date, or a time; without an offset on the unit's clock. Null where nothing was.
CREATE FUNCTION ioc_board.moment(p_text text, p_unit text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_text text := ioc_board.chosen(p_text);
BEGIN
    IF v_text IS NULL THEN
        RETURN NULL;
    ELSIF v_text !~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
        RAISE invalid_datetime_format;
    ELSIF v_text ~ '(Z|[+-]\d{2}(:?\d{2})?)$' AND v_text ~ ':' THEN
        RETURN v_text::timestamptz;
    END IF;
    RETURN v_text::timestamp AT TIME ZONE ioc.unit_zone('grafana', ioc_board.chosen(p_unit));
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow THEN
    RAISE EXCEPTION '% is neither a date nor a time.', quote_literal(v_text)
        USING ERRCODE = 'IOC03', HINT = 'Write 2026-11-24, 2026-11-24T08:00 or 2026-11-24T08:00:00+07:00.';
END $$;

-- The bucket that was chosen; 'auto' is one that gives a chart some hundred points at most. The index is by month only.
CREATE FUNCTION ioc_board.bucket(p_kpi text, p_bucket text, p_from timestamptz, p_to timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_kpi LIKE 'index766.%' THEN '1mo'
                WHEN coalesce(p_bucket, '') NOT IN ('', 'auto') THEN p_bucket
                WHEN p_to - p_from <= interval '4 hours' THEN '1min'
                WHEN p_to - p_from <= interval '3 days' THEN '15min'
                WHEN p_to - p_from <= interval '15 days' THEN '1h'
                WHEN p_to - p_from <= interval '800 days' THEN '1d'
                ELSE '1mo' END
$$;

-- What a value of a dimension is called.
CREATE FUNCTION ioc_board.name_of(p_by text, p_value text, p_language text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(CASE p_by
        WHEN 'unit' THEN (SELECT CASE p_language WHEN 'en' THEN u.name_en ELSE u.name_vi END FROM ioc.unit u WHERE u.code = p_value)
        WHEN 'procedure' THEN (SELECT CASE p_language WHEN 'en' THEN r.name_en ELSE r.name_vi END FROM ioc.procedure r WHERE r.code = p_value)
        WHEN 'device' THEN (SELECT nullif(concat_ws(' · ', d.code, d.name), '') FROM ioc.device d WHERE d.code = p_value)
        WHEN 'channel' THEN CASE WHEN p_language = 'en' THEN p_value
                                 ELSE CASE p_value WHEN 'counter' THEN 'trực tiếp' WHEN 'online' THEN 'trực tuyến'
                                                   WHEN 'post' THEN 'bưu chính' END END
        END, p_value, CASE p_language WHEN 'en' THEN '(none)' ELSE '(không có)' END)
$$;

-- How a figure stands to its target, as ioc.kpi.targets.judge says; null where there is no target.
CREATE FUNCTION ioc_board.judged(p_up boolean, p_target float8, p_warning float8, p_strict boolean, p_value float8) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_target IS NULL OR p_up IS NULL THEN NULL
                WHEN p_value IS NULL THEN 'unknown'
                WHEN p_value = p_target AND NOT p_strict THEN 'met'
                WHEN p_value <> p_target AND p_up = (p_value > p_target) THEN 'met'
                WHEN p_warning IS NOT NULL AND (p_value = p_warning OR p_up = (p_value > p_warning)) THEN 'near'
                ELSE 'missed' END
$$;

-- Which way is better: true up, false down, null neither.
CREATE FUNCTION ioc_board.better_up(p_kpi text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE r.definition->>'direction' WHEN 'up' THEN true WHEN 'down' THEN false END
    FROM ioc.kpi_release r JOIN ioc.kpi_definition() d ON d.id = r.kpi AND d.version = r.version WHERE r.kpi = p_kpi
$$;

-- Units to choose from: the district first, then those of today, at last those that are no more.
CREATE FUNCTION ioc_board.units(p_language text)
RETURNS TABLE (code text, name text, today boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.code, f.name || CASE WHEN f.ended IS NULL THEN '' ELSE ' (–' || to_char(f.ended, 'MM/YYYY') || ')' END, f.ended IS NULL
    FROM (SELECT u.code, CASE p_language WHEN 'en' THEN u.name_en ELSE u.name_vi END AS name,
                 CASE WHEN u.valid_to <= (now() AT TIME ZONE u.time_zone)::date THEN u.valid_to END AS ended,
                 u.code = ioc.unit_start('grafana', NULL) AS root
          FROM ioc.reader_unit u WHERE u.reader = 'grafana' AND u.declared) AS f
    ORDER BY f.root IS NOT TRUE, f.ended IS NOT NULL, f.name
$$;

-- A series, as ioc.kpi_series gives it. p_by '' is undivided, p_as_of '' is now.
CREATE FUNCTION ioc_board.kpi_series(
    p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_bucket text DEFAULT 'auto', p_by text DEFAULT '',
    p_as_of text DEFAULT '', p_language text DEFAULT 'vi')
RETURNS TABLE ("time" timestamptz, dim text, name text, value float8, numerator float8, denominator float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH found AS MATERIALIZED (
        SELECT * FROM ioc.kpi_series(
            'grafana', p_kpi, ioc_board.chosen(p_unit), p_from, p_to, ioc_board.bucket(p_kpi, p_bucket, p_from, p_to),
            ioc_board.chosen(p_by), '{}', ioc_board.moment(p_as_of, p_unit))
    ), named AS MATERIALIZED (
        SELECT v.dim, ioc_board.name_of(ioc_board.chosen(p_by), v.dim, p_language) AS name FROM (SELECT DISTINCT f.dim FROM found f) AS v
    )
    SELECT f."time", f.dim, n.name, f.value, f.numerator, f.denominator
    FROM found f JOIN named n ON n.dim IS NOT DISTINCT FROM f.dim ORDER BY f."time", f.dim NULLS FIRST
$$;

-- The series of an earlier period of the same length, moved on by p_shift to lie under the one that is shown.
CREATE FUNCTION ioc_board.kpi_before(
    p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_bucket text, p_shift text, p_as_of text DEFAULT '')
RETURNS TABLE ("time" timestamptz, value float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_zone text := ioc.unit_zone('grafana', ioc_board.chosen(p_unit));
    v_shift interval;
    v_from timestamptz;
    v_to timestamptz;
BEGIN
    IF p_shift !~ '^\d{1,4} (day|week|month|year)s?$' OR p_shift ~ '^0+ ' THEN
        RAISE EXCEPTION 'There is no period %.', quote_literal(p_shift)
            USING ERRCODE = 'IOC03', HINT = 'Write 1 week, 1 month or 1 year.';
    END IF;
    v_shift := p_shift::interval;
    -- by the calendar of the unit: a month earlier is the same day of the month before
    v_from := (p_from AT TIME ZONE v_zone - v_shift) AT TIME ZONE v_zone;
    v_to := (p_to AT TIME ZONE v_zone - v_shift) AT TIME ZONE v_zone;
    RETURN QUERY
    SELECT (s."time" AT TIME ZONE v_zone + v_shift) AT TIME ZONE v_zone, s.value
    FROM ioc.kpi_series('grafana', p_kpi, ioc_board.chosen(p_unit), v_from, v_to, ioc_board.bucket(p_kpi, p_bucket, p_from, p_to),
                        NULL, '{}', ioc_board.moment(p_as_of, p_unit)) s;
END $$;

-- The target of an indicator over a time: two points for each stretch in which one is in force.
CREATE FUNCTION ioc_board.kpi_target(p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE ("time" timestamptz, value float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.at, t.target
    FROM ioc.kpi_targets('grafana', ARRAY[p_kpi], ARRAY[ioc_board.chosen(p_unit)]) t
    CROSS JOIN LATERAL (VALUES (greatest(t.since, p_from)), (least(t.until - interval '1 second', p_to))) AS e (at)
    WHERE coalesce(t.since, '-infinity') < p_to AND coalesce(t.until, 'infinity') > p_from
    ORDER BY 1
$$;

-- The newest figures for a unit, with the targets in force and how the figures stand to them.
CREATE FUNCTION ioc_board.kpi_now(p_kpis text[], p_unit text)
RETURNS TABLE (kpi text, since timestamptz, value float8, numerator float8, denominator float8, target float8, status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.kpi, c.since, c.value, c.numerator, c.denominator, t.target,
           ioc_board.judged(ioc_board.better_up(c.kpi), t.target, t.warning, t.strict, c.value)
    FROM ioc.kpi_current('grafana', p_kpis, ARRAY[ioc_board.chosen(p_unit)]) c
    LEFT JOIN ioc.kpi_targets('grafana', p_kpis, ARRAY[ioc_board.chosen(p_unit)]) t
           ON t.kpi = c.kpi AND coalesce(t.since, '-infinity') <= c.since AND coalesce(t.until, 'infinity') > c.since
    ORDER BY array_position(p_kpis, c.kpi)
$$;

-- The same for every unit of today below the one that is chosen, one row a unit and indicator.
CREATE FUNCTION ioc_board.kpi_units(p_kpis text[], p_unit text, p_language text)
RETURNS TABLE (code text, name text, kpi text, value float8, numerator float8, denominator float8, target float8, status text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_start text := ioc.unit_start('grafana', ioc_board.chosen(p_unit));
    v_units text[] := ARRAY(
        SELECT u.code FROM ioc.unit_scope('grafana', v_start) s JOIN ioc.unit u USING (unit_id)
        WHERE u.declared AND u.code <> v_start AND (u.valid_to IS NULL OR u.valid_to > (now() AT TIME ZONE u.time_zone)::date)
          AND (u.valid_from IS NULL OR u.valid_from <= (now() AT TIME ZONE u.time_zone)::date)
        ORDER BY u.code);
BEGIN
    IF v_units = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT c.unit, ioc_board.name_of('unit', c.unit, p_language), c.kpi, c.value, c.numerator, c.denominator, t.target,
           ioc_board.judged(ioc_board.better_up(c.kpi), t.target, t.warning, t.strict, c.value)
    FROM ioc.kpi_current('grafana', p_kpis, v_units) c
    LEFT JOIN ioc.kpi_targets('grafana', p_kpis, v_units) t
           ON t.kpi = c.kpi AND t.unit = c.unit AND coalesce(t.since, '-infinity') <= c.since
          AND coalesce(t.until, 'infinity') > c.since
    ORDER BY 2, array_position(p_kpis, c.kpi);
END $$;

-- The newest figure by a dimension: of gauges now, of others of the bucket that runs.
CREATE FUNCTION ioc_board.kpi_parts(p_kpi text, p_unit text, p_by text, p_language text)
RETURNS TABLE (dim text, name text, value float8, numerator float8, denominator float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.dim, ioc_board.name_of(p_by, s.dim, p_language), s.value, s.numerator, s.denominator
    FROM (SELECT d.current_window AS looks FROM ioc.kpi_definition() d WHERE d.id = p_kpi) AS w
    CROSS JOIN LATERAL ioc.kpi_current_bounds(
        CASE w.looks WHEN 'now' THEN 'now' WHEN 'month' THEN 'month' ELSE 'today' END,
        ioc.unit_zone('grafana', ioc_board.chosen(p_unit))) AS b (bounds)
    CROSS JOIN LATERAL ioc.kpi_series(
        'grafana', p_kpi, ioc_board.chosen(p_unit),
        CASE w.looks WHEN 'now' THEN date_trunc('minute', now()) ELSE b.bounds[1] END,
        CASE w.looks WHEN 'now' THEN date_trunc('minute', now()) + interval '1 minute' ELSE b.bounds[2] END,
        CASE w.looks WHEN 'now' THEN '1min' WHEN 'month' THEN '1mo' ELSE '1d' END, p_by, '{}', NULL) s
    ORDER BY s.value DESC NULLS LAST, s.dim
$$;

-- The index of Decision 766 for the month in which a time ends, component by component.
CREATE FUNCTION ioc_board.index766(p_unit text, p_to timestamptz, p_as_of text DEFAULT '')
RETURNS TABLE (grp text, component text, points float8, max_points float8, lost float8, numerator float8, denominator float8,
               origin text, published_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.grp, m.component, m.points, m.max_points, m.max_points - m.points, m.numerator, m.denominator, m.origin, m.published_at
    FROM ioc.index766_month(
        'grafana', ioc_board.chosen(p_unit),
        date_trunc('month', (least(p_to, now()) - interval '1 microsecond')
                   AT TIME ZONE ioc.unit_zone('grafana', ioc_board.chosen(p_unit)))::date,
        ioc_board.moment(p_as_of, p_unit)) m
$$;

-- Where the index lost its points in that month, by procedure.
CREATE FUNCTION ioc_board.index766_losses(p_unit text, p_to timestamptz, p_language text, p_as_of text DEFAULT '')
RETURNS TABLE (component text, procedure text, missing float8, counted float8, points float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.component, ioc_board.name_of('procedure', m.procedure, p_language), m.missing, m.counted, m.points
    FROM ioc.index766_losses(
        'grafana', ioc_board.chosen(p_unit),
        date_trunc('month', (least(p_to, now()) - interval '1 microsecond')
                   AT TIME ZONE ioc.unit_zone('grafana', ioc_board.chosen(p_unit)))::date,
        ioc_board.moment(p_as_of, p_unit)) m
    WHERE m.points > 0 ORDER BY m.points DESC LIMIT 50
$$;
