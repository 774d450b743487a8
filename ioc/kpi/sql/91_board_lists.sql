-- What boards may ask beside indicators: places, devices, alerts, duty, days, and the platform's own health. See 90_board.sql.

-- Units of which a list is asked for; those of alerts that are of no unit: null, where the district is asked for.
CREATE FUNCTION ioc_board.scope(p_unit text) RETURNS int[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(SELECT s.unit_id FROM ioc.unit_scope('grafana', ioc_board.chosen(p_unit)) s)
$$;

CREATE FUNCTION ioc_board.is_whole(p_unit text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ioc.unit_start('grafana', ioc_board.chosen(p_unit)) IS NOT DISTINCT FROM ioc.unit_start('grafana', NULL)
       AND ioc.reader_sees_all('grafana')
$$;

-- Reception points of today with where they are, and the worst state of what stands there: down, degraded, unknown, maintenance,
-- ok, as on the operations wall. A point without a device has no state.
CREATE FUNCTION ioc_board.points(p_unit text, p_language text)
RETURNS TABLE (code text, name text, unit text, latitude float8, longitude float8, state int, devices int, down int, unknown int,
               alerts int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.code, CASE p_language WHEN 'en' THEN p.name_en ELSE p.name_vi END,
           CASE p_language WHEN 'en' THEN u.name_en ELSE u.name_vi END, p.latitude, p.longitude,
           CASE WHEN d.down > 0 THEN 3 WHEN d.degraded > 0 THEN 2 WHEN d.unknown > 0 THEN 0 WHEN d.devices > d.ok THEN 4
                WHEN d.ok > 0 THEN 1 END,
           d.devices, d.down, d.unknown,
           (SELECT count(*) FROM ioc.alert a WHERE a.cleared_at IS NULL AND a.point = p.code)::int
    FROM ioc.unit u
    JOIN ioc.point p ON p.unit_code = u.code
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS devices, count(*) FILTER (WHERE v.state = 3)::int AS down,
               count(*) FILTER (WHERE v.state = 2)::int AS degraded, count(*) FILTER (WHERE v.state = 0)::int AS unknown,
               count(*) FILTER (WHERE v.state = 1)::int AS ok
        FROM ioc.reader_device v WHERE v.reader = 'grafana' AND v.declared AND v.point_code = p.code
    ) AS d
    WHERE u.unit_id = ANY (ioc_board.scope(p_unit)) AND p.valid_from <= (now() AT TIME ZONE u.time_zone)::date
      AND (p.valid_to IS NULL OR p.valid_to > (now() AT TIME ZONE u.time_zone)::date)
    ORDER BY 2
$$;

-- Devices as they are now. p_kind: 1 camera, 2 access point, 3 kiosk. state: 0 unknown, 1 ok, 2 degraded, 3 down, 4 maintenance.
CREATE FUNCTION ioc_board.devices(p_kind int, p_unit text, p_language text)
RETURNS TABLE (code text, name text, unit text, point text, state int, since timestamptz, heard_at timestamptz, clients int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.code, coalesce(d.name, d.code), ioc_board.name_of('unit', d.unit, p_language),
           (SELECT CASE p_language WHEN 'en' THEN p.name_en ELSE p.name_vi END
            FROM ioc.point p WHERE p.code = d.point_code ORDER BY p.valid_from DESC LIMIT 1),
           d.state, d.since, d.last_time, d.clients
    FROM ioc.reader_device d
    WHERE d.reader = 'grafana' AND d.kind = p_kind AND d.declared AND d.unit_id = ANY (ioc_board.scope(p_unit))
    ORDER BY CASE d.state WHEN 3 THEN 0 WHEN 2 THEN 1 WHEN 0 THEN 2 ELSE 3 END, d.code
$$;

-- Changes of state of each device over a time, the state at its begin included; the hundred devices that were worst.
CREATE FUNCTION ioc_board.device_states(p_kind int, p_unit text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE ("time" timestamptz, device text, state int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH stretch AS MATERIALIZED (
        SELECT d.code, s.started, coalesce(s.ended, p_to) AS ended, s.state
        FROM ioc.device d JOIN ioc.device_stretch s USING (device_id)
        WHERE d.kind = p_kind AND d.declared AND d.unit_id = ANY (ioc_board.scope(p_unit))
          AND s.started < p_to AND (s.ended IS NULL OR s.ended > p_from)
    ), worst AS (
        SELECT t.code FROM stretch t GROUP BY t.code
        ORDER BY sum(least(t.ended, p_to) - greatest(t.started, p_from)) FILTER (WHERE t.state = 3) DESC NULLS LAST, t.code LIMIT 100
    )
    SELECT greatest(t.started, p_from), t.code, t.state::int FROM stretch t JOIN worst USING (code) ORDER BY 1, 2
$$;

-- Alerts that are open: what they are, not whom or which dossier they are about.
CREATE FUNCTION ioc_board.alerts(p_unit text, p_language text)
RETURNS TABLE (id bigint, severity int, title text, unit text, point text, device text, since timestamptz, opened_at timestamptz,
               acknowledged boolean, held boolean, members int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.alert_id, a.severity::int,
           coalesce(r.definition->>CASE p_language WHEN 'en' THEN 'name_en' ELSE 'name_vi' END, r.code),
           CASE p_language WHEN 'en' THEN u.name_en ELSE u.name_vi END,
           (SELECT CASE p_language WHEN 'en' THEN p.name_en ELSE p.name_vi END
            FROM ioc.point p WHERE p.code = a.point ORDER BY p.valid_from DESC LIMIT 1),
           (SELECT d.code FROM ioc.device d WHERE d.code = a.subject), a.since, a.opened_at, a.acknowledged_at IS NOT NULL,
           coalesce(a.inhibited_by, a.maintenance_id) IS NOT NULL OR a.snoozed_until IS NOT NULL OR a.flapping, a.members
    FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id) LEFT JOIN ioc.unit u USING (unit_id)
    WHERE a.cleared_at IS NULL
      AND (a.unit_id = ANY (ioc_board.scope(p_unit)) OR (a.unit_id IS NULL AND ioc_board.is_whole(p_unit)))
    ORDER BY a.severity DESC, a.opened_at DESC, a.alert_id DESC LIMIT 200
$$;

-- How many alerts are open, by severity; none is zero here, since all that are open are known.
CREATE FUNCTION ioc_board.alert_counts(p_unit text)
RETURNS TABLE (severity int, open int, waiting int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.n, count(a.alert_id)::int, count(a.alert_id) FILTER (WHERE a.acknowledged_at IS NULL)::int
    FROM generate_series(5, 1, -1) AS s (n)
    LEFT JOIN ioc.alert a ON a.severity = s.n AND a.cleared_at IS NULL
        AND (a.unit_id = ANY (ioc_board.scope(p_unit)) OR (a.unit_id IS NULL AND ioc_board.is_whole(p_unit)))
    GROUP BY s.n ORDER BY s.n DESC
$$;

-- Alerts opened over a time, by bucket and severity.
CREATE FUNCTION ioc_board.alerts_opened(p_unit text, p_from timestamptz, p_to timestamptz, p_bucket text)
RETURNS TABLE ("time" timestamptz, severity int, alerts int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH bounds AS MATERIALIZED (
        SELECT ioc.kpi_bounds(p_from, p_to, ioc_board.bucket('', p_bucket, p_from, p_to),
                              ioc.unit_zone('grafana', ioc_board.chosen(p_unit))) AS at
    ), opened AS (
        SELECT width_bucket(a.opened_at, b.at) AS place, a.severity::int AS severity, count(*)::int AS alerts
        FROM bounds b JOIN ioc.alert a ON a.opened_at >= p_from AND a.opened_at < p_to
        WHERE a.unit_id = ANY (ioc_board.scope(p_unit)) OR (a.unit_id IS NULL AND ioc_board.is_whole(p_unit))
        GROUP BY 1, 2
    )
    SELECT b.at[i.n], s.n, coalesce(o.alerts, 0)
    FROM bounds b
    CROSS JOIN LATERAL generate_series(1, cardinality(b.at) - 1) AS i (n)
    CROSS JOIN generate_series(1, 5) AS s (n)
    LEFT JOIN opened o ON o.place = i.n AND o.severity = s.n
    ORDER BY 1, 2
$$;

-- Alerts as marks on charts: the two hundred worst that were open at some time between.
CREATE FUNCTION ioc_board.alert_marks(p_unit text, p_from timestamptz, p_to timestamptz, p_language text)
RETURNS TABLE ("time" timestamptz, timeend timestamptz, text text, tags text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m."time", m.timeend, m.text, m.tags FROM (
        SELECT greatest(a.since, p_from) AS "time", least(coalesce(a.cleared_at, now()), p_to) AS timeend,
               concat_ws(' · ', coalesce(r.definition->>CASE p_language WHEN 'en' THEN 'name_en' ELSE 'name_vi' END, r.code),
                         CASE p_language WHEN 'en' THEN u.name_en ELSE u.name_vi END) AS text,
               (ARRAY['info', 'warning', 'minor', 'major', 'critical'])[a.severity] AS tags
        FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id) LEFT JOIN ioc.unit u USING (unit_id)
        WHERE a.opened_at < p_to AND coalesce(a.cleared_at, 'infinity') > p_from AND a.severity >= 4
          AND (a.unit_id = ANY (ioc_board.scope(p_unit)) OR (a.unit_id IS NULL AND ioc_board.is_whole(p_unit)))
        ORDER BY a.severity DESC, a.opened_at DESC LIMIT 200
    ) AS m ORDER BY 1
$$;

-- Days that are worked or free though their weekday says otherwise.
CREATE FUNCTION ioc_board.day_marks(p_from timestamptz, p_to timestamptz, p_language text)
RETURNS TABLE ("time" timestamptz, timeend timestamptz, text text, tags text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.day::timestamp AT TIME ZONE z.name, (e.day + 1)::timestamp AT TIME ZONE z.name - interval '1 second',
           CASE WHEN e.worked THEN CASE p_language WHEN 'en' THEN 'Make-up working day' ELSE 'Ngày làm bù' END
                ELSE CASE p_language WHEN 'en' THEN 'Holiday' ELSE 'Ngày nghỉ' END END,
           CASE WHEN e.worked THEN 'working day' ELSE 'holiday' END
    FROM ioc.exceptional_day e
    CROSS JOIN (SELECT ioc.unit_zone('grafana', NULL) AS name) AS z
    WHERE e.day >= (p_from AT TIME ZONE z.name)::date AND e.day <= (p_to AT TIME ZONE z.name)::date
    ORDER BY 1
$$;

-- Rosters of today and how far away the nearest time is in which nobody is on duty. Who is on duty is for those who log in.
CREATE FUNCTION ioc_board.rosters(p_language text)
RETURNS TABLE (roster text, name text, unit text, gap_hours float8, measured_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.r->'roster'->>'code',
           coalesce(o.r->'roster'->>CASE p_language WHEN 'en' THEN 'name_en' ELSE 'name_vi' END, o.r->'roster'->>'code'),
           ioc_board.name_of('unit', nullif(o.r->>'unit', ''), p_language), g.value, g.at
    FROM (SELECT e.rosters FROM ioc.duty_edition e ORDER BY e.since DESC LIMIT 1) AS n
    CROSS JOIN LATERAL jsonb_array_elements(n.rosters) WITH ORDINALITY AS o (r, place)
    LEFT JOIN ioc.reading g ON g.name = 'duty.gap_hours' AND g.instance = o.r->'roster'->>'code' AND g.valid_until > now()
    WHERE nullif(o.r->>'unit', '') IS NULL
       OR EXISTS (SELECT FROM ioc.reader_unit u WHERE u.reader = 'grafana' AND u.code = o.r->>'unit')
    ORDER BY o.place
$$;

-- What was told of duty over a time: hand-overs and gaps, of which roster, and to nobody by name.
CREATE FUNCTION ioc_board.duty_notices(p_from timestamptz, p_to timestamptz)
RETURNS TABLE ("time" timestamptz, kind text, roster text, told_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT n.at, n.kind, n.roster, min(n.told_at) OVER (PARTITION BY n.at, n.kind, n.roster)
    FROM ioc.duty_notice n WHERE n.at >= p_from AND n.at < p_to AND n.kind IN ('hand_over', 'gap')
    ORDER BY 1 DESC LIMIT 200
$$;

-- The platform's processes: alive, silent for three beats, or stopped on purpose. Machines are numbered, not named.
CREATE FUNCTION ioc_board.processes()
RETURNS TABLE (name text, kind text, state text, heard_at timestamptz, silent_s float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT split_part(h.name, '@', 1) || ' ' || row_number() OVER (PARTITION BY split_part(h.name, '@', 1) ORDER BY h.name), h.kind,
           CASE WHEN h.stopped THEN 'stopped' WHEN h.at + 3 * h.interval_s * interval '1 second' < now() THEN 'silent'
                ELSE 'alive' END,
           h.at, greatest(extract(epoch FROM now() - h.at), 0)::float8
    FROM ioc.heartbeat h WHERE h.at > now() - interval '7 days' ORDER BY 1
$$;

-- Connectors as they last reported.
CREATE FUNCTION ioc_board.connectors()
RETURNS TABLE (name text, state text, since timestamptz, reported_at timestamptz, sources int, failing int, spooled_events bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.name, c.state, c.since, c.time, c.sources, c.failing, c.spooled_events FROM ioc.connector_now c
    ORDER BY CASE c.state WHEN 'ok' THEN 1 ELSE 0 END, c.name
$$;

-- How far each partition is counted.
CREATE FUNCTION ioc_board.partitions()
RETURNS TABLE (topic text, partition int, lag bigint, newest_fact timestamptz, moved_at timestamptz, halted boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.topic, o.partition, greatest(o.log_end - o.next_offset, 0), o.newest_fact, o.updated_at, o.halted_at IS NOT NULL
    FROM ioc.partition_offset o WHERE o.retired_at IS NULL ORDER BY 1, 2
$$;

-- Measurements of the platform's own machines and of its calling; unknown once they are too old. Machines are numbered.
CREATE FUNCTION ioc_board.readings()
RETURNS TABLE (name text, instance text, value float8, unit text, measured_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.name, CASE WHEN r.name ~ '^(duty|alerts|delivery|escalation)\.' THEN r.instance
                        ELSE (row_number() OVER (PARTITION BY r.name ORDER BY r.instance))::text END,
           CASE WHEN r.valid_until > now() THEN r.value END, r.unit, r.at
    FROM ioc.reading r ORDER BY 1, 2
$$;

-- Messages over a time by channel: how many went, wait or failed. Of nobody in particular.
CREATE FUNCTION ioc_board.messages(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (channel text, sent int, waiting int, failed int, slowest_s float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.channel, count(*) FILTER (WHERE m.state = 'sent')::int, count(*) FILTER (WHERE m.state IN ('waiting', 'sending'))::int,
           count(*) FILTER (WHERE m.state = 'failed')::int,
           max(extract(epoch FROM m.ended_at - m.not_before)) FILTER (WHERE m.state = 'sent')::float8
    FROM ioc.alert_message m WHERE m.created_at >= p_from AND m.created_at < p_to GROUP BY 1 ORDER BY 1
$$;
