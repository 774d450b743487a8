-- The entry points that every surface asks. ioc.kpi_definition() is generated from the catalogue.

CREATE OR REPLACE FUNCTION ioc.kpi_known(p_kpi text) RETURNS ioc.kpi_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_kpi ioc.kpi_row;
BEGIN
    SELECT d.* INTO v_kpi FROM ioc.kpi_definition() d WHERE d.id = p_kpi;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no indicator %.', coalesce(quote_literal(p_kpi), 'without a name')
            USING ERRCODE = 'IOC02', HINT = 'ioc kpi list shows all of them.';
    END IF;
    RETURN v_kpi;
END $$;

-- Points of several indicators of one source for several groups of units: unit p_units[n] counts in group p_groups[n], groups
-- are numbered from 1 without gaps. kpi and grp of the answer are the places in p_kpis and the numbers of groups.
CREATE OR REPLACE FUNCTION ioc.kpi_points(
    p_kpis ioc.kpi_row[], p_units int[], p_groups int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text,
    p_where jsonb, p_as_of timestamptz)
RETURNS TABLE (kpi int, grp int, ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_scope int[];
BEGIN
    IF cardinality(p_bounds) < 2 THEN
        RETURN;
    END IF;
    IF p_as_of IS NOT NULL AND p_kpis[1].device_kind > 0 THEN
        PERFORM ioc.known_check_kept(p_kpis[1].device_kind, p_bounds[1]);
    END IF;
    CASE p_kpis[1].source
        WHEN 'dossier_flow' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_dossier_flow(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'dossier_gauge' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_dossier_gauge(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'dossier_carried' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_dossier_carried(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'dossier_quantile' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_dossier_quantile(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'index766' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_index766(p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'device_time' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_device_time(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'device_gauge' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_device_gauge(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'queue_flow' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_queue_flow(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_by, p_where, p_as_of);
        WHEN 'queue_quantile' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_queue_quantile(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_by, p_where, p_as_of);
        WHEN 'queue_gauge' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_queue_gauge(
                p_kpis, p_units, p_groups, p_bounds, p_clock, p_by, p_where, p_as_of);
        ELSE
            FOR v_group IN 1 .. coalesce((SELECT max(g.n) FROM unnest(p_groups) AS g (n)), 1) LOOP
                v_scope := ARRAY(SELECT m.unit_id FROM unnest(p_units, p_groups) AS m (unit_id, grp) WHERE m.grp = v_group);
                FOR v_kpi IN 1 .. cardinality(p_kpis) LOOP
                    RETURN QUERY SELECT v_kpi, v_group, f.ordinal, f.dim, f.numerator, f.denominator
                    FROM ioc.kpi_points_of(p_kpis[v_kpi], v_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of) f;
                END LOOP;
            END LOOP;
    END CASE;
END $$;

-- Points of one indicator for one scope, of the sources that answer one at a time: what they read of several units can't be added.
CREATE OR REPLACE FUNCTION ioc.kpi_points_of(
    p_kpi ioc.kpi_row, p_scope int[], p_bounds timestamptz[], p_clock timestamptz, p_zone text, p_by text, p_where jsonb,
    p_as_of timestamptz)
RETURNS TABLE (ordinal int, dim text, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE p_kpi.source
        WHEN 'dossier_surge' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_surge('dossiers', p_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'queue_surge' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_surge('tickets', p_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'device_clients' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_device_clients(
                p_kpi.device_kind, p_kpi.over_units = 'greatest', p_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'device_repairs' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_device_repairs(
                p_kpi.device_kind, p_scope, p_bounds, p_clock, p_by, p_where, p_as_of);
        WHEN 'device_samples' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_sample_sums(
                p_kpi.device_kind, p_kpi.num, p_kpi.den, p_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'device_quantile' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_sample_quantile(
                p_kpi.device_kind, p_kpi.quantile, p_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'device_offset' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_sample_offset(
                p_kpi.device_kind, p_kpi.quantile, p_scope, p_bounds, p_clock, p_zone, p_by, p_where, p_as_of);
        WHEN 'platform_unreadable' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_platform_unreadable(p_bounds, p_clock, p_by, p_where, p_as_of);
        WHEN 'round_trip' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_round_trip(p_bounds, p_clock, p_by, p_where, p_as_of);
        WHEN 'platform_gauge' THEN
            RETURN QUERY SELECT * FROM ioc.kpi_platform(
                p_kpi.id, p_kpi.over_units = 'greatest', p_bounds, p_clock, p_by, p_where, p_as_of);
    END CASE;
END $$;

-- The indicator, once it is sure that it can be asked so.
CREATE OR REPLACE FUNCTION ioc.kpi_asked(p_kpi text, p_by text, p_where jsonb, p_as_of timestamptz) RETURNS ioc.kpi_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_kpi ioc.kpi_row := ioc.kpi_known(p_kpi);
    v_strange text;
BEGIN
    SELECT asked INTO v_strange
    FROM (SELECT jsonb_object_keys(coalesce(p_where, '{}')) UNION ALL SELECT p_by) AS a (asked)
    WHERE asked IS NOT NULL AND NOT asked = ANY (v_kpi.dimensions) LIMIT 1;
    IF v_strange IS NOT NULL THEN
        RAISE EXCEPTION '% has no dimension %.', p_kpi, quote_literal(v_strange)
            USING ERRCODE = 'IOC03', HINT = 'Its dimensions: ' || array_to_string(v_kpi.dimensions, ', ') || '.';
    END IF;
    IF p_as_of > now() THEN
        RAISE EXCEPTION 'The moment % of as_of is in the future.', p_as_of
            USING ERRCODE = 'IOC03', HINT = 'Give a moment in the past, or leave it out.';
    END IF;
    RETURN v_kpi;
END $$;

-- A series without gaps from p_from (included) to p_to (not), or to now where that comes first.
-- p_where: {"channel": ["online", "post"], "field": null}; a list means any of them, null means without a value.
CREATE OR REPLACE FUNCTION ioc.kpi_series(
    p_reader text, p_kpi text, p_unit text, p_from timestamptz, p_to timestamptz, p_bucket text,
    p_by text DEFAULT NULL, p_where jsonb DEFAULT '{}', p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE ("time" timestamptz, dim text, value float8, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    v_kpi ioc.kpi_row := ioc.kpi_asked(p_kpi, p_by, p_where, p_as_of);
    v_where jsonb := coalesce(p_where, '{}');
    v_zone text := ioc.unit_zone(p_reader, p_unit);
    v_bounds timestamptz[];
BEGIN
    PERFORM ioc.index766_check_bucket(v_kpi, p_bucket);
    v_bounds := ioc.kpi_bounds(p_from, p_to, p_bucket, v_zone);
    RETURN QUERY
    SELECT v_bounds[p.ordinal], p.dim,
           ioc.kpi_value(v_kpi, v_bounds[p.ordinal], v_zone, p.numerator, p.denominator),
           p.numerator, p.denominator
    FROM ioc.kpi_points_dated(v_kpi, ioc.unit_start(p_reader, p_unit), v_scope, v_bounds, least(now(), p_as_of), v_zone, p_by,
                              v_where, p_as_of) p
    ORDER BY p.ordinal, p.dim NULLS FIRST;
END $$;

-- What a current figure looks back on.
CREATE OR REPLACE FUNCTION ioc.kpi_current_bounds(p_window text, p_zone text) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    SELECT CASE p_window
        WHEN 'now' THEN ARRAY[now(), now() + interval '1 second']
        WHEN '1h' THEN ARRAY[m.minute - interval '59 minutes', m.minute + interval '1 minute']
        WHEN '30d' THEN ARRAY[m.minute - interval '30 days', m.minute + interval '1 minute']
        WHEN 'month' THEN ARRAY[date_trunc('month', now(), p_zone),
                                (date_trunc('month', now() AT TIME ZONE p_zone) + interval '1 month') AT TIME ZONE p_zone]
        WHEN '5min' THEN ARRAY[m.minute - interval '4 minutes', m.minute + interval '1 minute']
        ELSE ARRAY[date_trunc('day', now(), p_zone),
                   (date_trunc('day', now() AT TIME ZONE p_zone) + interval '1 day') AT TIME ZONE p_zone] END
    FROM (SELECT date_trunc('minute', now()) AS minute) AS m
$$;

-- The clock stands just after the first bound, so that a window that begins now counts as begun.
CREATE OR REPLACE FUNCTION ioc.kpi_current_clock(p_window text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE p_window WHEN 'now' THEN now() + interval '1 microsecond' ELSE now() END
$$;

-- The newest value of several indicators for several units: a wall in one call. Null p_kpis means all of them,
-- null p_units the reader's whole scope. since is where the value's window begins. Indicators of one source and window are
-- answered together, for all units of one zone.
CREATE OR REPLACE FUNCTION ioc.kpi_current_figures(p_reader text, p_kpis text[], p_units text[])
RETURNS TABLE (kpi text, unit_place int, since timestamptz, value float8, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_zones text[] := ARRAY(SELECT ioc.unit_zone(p_reader, p_units[n]) FROM generate_series(1, cardinality(p_units)) AS n ORDER BY n);
    v_zone text;
    v_places int[];
    v_units int[];
    v_groups int[];
    v_kpis ioc.kpi_row[];
    v_bounds timestamptz[];
    v_clock timestamptz;
BEGIN
    -- one that is unknown is told as anywhere else
    PERFORM ioc.kpi_known(k.id) FROM unnest(p_kpis) AS k (id)
    WHERE k.id IS NULL OR k.id NOT IN (SELECT d.id FROM ioc.kpi_definition() d);
    FOR v_zone IN SELECT DISTINCT z.name FROM unnest(v_zones) AS z (name) LOOP
        v_places := ARRAY(SELECT n FROM generate_series(1, cardinality(p_units)) AS n WHERE v_zones[n] = v_zone ORDER BY n);
        SELECT coalesce(array_agg(s.unit_id), '{}'), coalesce(array_agg(g.n), '{}') INTO v_units, v_groups
        FROM generate_series(1, cardinality(v_places)) AS g (n)
        CROSS JOIN LATERAL ioc.unit_scope_today(p_reader, p_units[v_places[g.n]]) s;
        FOR v_kpis IN
            SELECT array_agg(d ORDER BY d.ordinal) FROM ioc.kpi_definition() d
            WHERE d.id = ANY (p_kpis) GROUP BY d.source, d.current_window, d.device_kind
        LOOP
            v_bounds := ioc.kpi_current_bounds(v_kpis[1].current_window, v_zone);
            v_clock := ioc.kpi_current_clock(v_kpis[1].current_window);
            RETURN QUERY
            SELECT v_kpis[p.kpi].id, v_places[p.grp], v_bounds[1],
                   ioc.kpi_value(v_kpis[p.kpi], v_bounds[1], v_zone, p.numerator, p.denominator),
                   p.numerator, p.denominator
            FROM ioc.kpi_points(v_kpis, v_units, v_groups, v_bounds, v_clock, v_zone, NULL, '{}', NULL) p;
        END LOOP;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION ioc.kpi_current(p_reader text, p_kpis text[] DEFAULT NULL, p_units text[] DEFAULT NULL)
RETURNS TABLE (kpi text, unit text, since timestamptz, value float8, numerator float8, denominator float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_units text[] := coalesce(p_units, ARRAY[NULL::text]);
    v_kpis text[] := coalesce(p_kpis, ARRAY(SELECT d.id FROM ioc.kpi_definition() d ORDER BY d.ordinal));
BEGIN
    PERFORM ioc.kpi_check_size(cardinality(v_units), cardinality(v_kpis));
    RETURN QUERY
    SELECT f.kpi, v_units[f.unit_place], f.since, f.value, f.numerator, f.denominator
    FROM ioc.kpi_current_figures(p_reader, v_kpis, v_units) f
    ORDER BY f.unit_place, array_position(v_kpis, f.kpi);
END $$;
