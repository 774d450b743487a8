-- Device figures as of an earlier moment: from the samples that were known then, by the rules by which they are booked.
-- Roll-ups and runs are of what is known now, so nothing of them is read.

-- What the last sample before the range said may reach into it: a day of them is needed before its beginning.
CREATE OR REPLACE FUNCTION ioc.known_check_kept(p_kind int, p_from timestamptz) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_since timestamptz := (SELECT k.since FROM ioc.kept_from k
                            WHERE k.fact = CASE p_kind WHEN 1 THEN 'camera_sample' ELSE 'wifi_sample' END);
BEGIN
    IF p_from < v_since + interval '1 day' THEN
        RAISE EXCEPTION 'As of an earlier moment, figures of devices are made of their samples, and these are kept since %.', v_since
            USING ERRCODE = 'IOC03', HINT = format('Begin at %s or later, or ask without as_of.', v_since + interval '1 day');
    END IF;
END $$;

-- What each device's samples say and until when: until the next one, or until it runs out, and silence follows (state 0). Not
-- clipped; of all units that a device was in.
CREATE OR REPLACE FUNCTION ioc.known_spans(
    p_kind int, p_scope int[], p_devices text[], p_from timestamptz, p_to timestamptz, p_as_of timestamptz)
RETURNS TABLE (
    device_id int, unit_id int, state smallint, flags smallint, clients int, started timestamptz, ended timestamptz)
LANGUAGE sql STABLE AS $$
    WITH devices AS MATERIALIZED (
        SELECT d.device_id FROM ioc.device d
        WHERE p_as_of IS NOT NULL AND d.kind = p_kind AND (p_devices IS NULL OR d.code = ANY (p_devices))
          AND (d.unit_id = ANY (p_scope)
               OR EXISTS (SELECT FROM ioc.device_state s WHERE s.device_id = d.device_id AND s.unit_id = ANY (p_scope))
               OR EXISTS (SELECT FROM ioc.device_run r WHERE r.device_id = d.device_id AND r.unit_id = ANY (p_scope)))
    ), seen AS (
        SELECT d.device_id, s.unit_id, s.state, s.flags, s.clients, s.time,
               s.time + make_interval(secs => s.valid_ms / 1000.0) AS until,
               lead(s.time, 1, 'infinity') OVER (PARTITION BY d.device_id ORDER BY s.time) AS next
        FROM devices d
        CROSS JOIN LATERAL (
            (SELECT b.unit_id, b.state, b.flags, b.clients, b.time, b.valid_ms FROM ioc.device_sample b
             WHERE b.kind = p_kind AND b.device_id = d.device_id AND b.time < p_from AND b.recorded_at <= p_as_of
             ORDER BY b.time DESC LIMIT 1)
            UNION ALL
            SELECT i.unit_id, i.state, i.flags, i.clients, i.time, i.valid_ms FROM ioc.device_sample i
            WHERE i.kind = p_kind AND i.device_id = d.device_id AND i.time >= p_from AND i.time < p_to
              AND i.recorded_at <= p_as_of
            UNION ALL
            -- one that was heard from only before samples are kept is silent, and not unheard of
            (SELECT r.unit_id, 0::smallint, 0::smallint, NULL, r.started, 0
             FROM (SELECT o.unit_id, o.started FROM ioc.device_run o WHERE o.device_id = d.device_id
                   UNION ALL SELECT o.unit_id, o.since FROM ioc.device_state o WHERE o.device_id = d.device_id) AS r
             WHERE r.started < (SELECT k.since FROM ioc.kept_from k
                                WHERE k.fact = CASE p_kind WHEN 1 THEN 'camera_sample' ELSE 'wifi_sample' END)
             ORDER BY r.started DESC LIMIT 1)
        ) AS s
    )
    SELECT s.device_id, s.unit_id, s.state, s.flags, s.clients, s.time, least(s.until, s.next) FROM seen s WHERE s.until > s.time
    UNION ALL
    SELECT s.device_id, s.unit_id, 0::smallint, 0::smallint, NULL, s.until, s.next FROM seen s WHERE s.next > s.until
$$;

-- The same as ioc.device_runs, in pieces: neighbours that say the same are not joined.
CREATE OR REPLACE FUNCTION ioc.device_runs_known(
    p_kind int, p_scope int[], p_devices text[], p_from timestamptz, p_to timestamptz, p_as_of timestamptz)
RETURNS TABLE (device_id int, unit_id int, state smallint, flags smallint, started timestamptz, ended timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT s.device_id, s.unit_id, s.state, s.flags, greatest(s.started, p_from), least(s.ended, p_to)
    FROM ioc.known_spans(p_kind, p_scope, p_devices, p_from, p_to, p_as_of) s
    WHERE s.unit_id = ANY (p_scope) AND s.ended > p_from AND s.started < p_to
$$;

CREATE OR REPLACE FUNCTION ioc.minute_ceil(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN m.minute = p_at THEN p_at ELSE m.minute + interval '1 minute' END
    FROM (SELECT date_trunc('minute', p_at) AS minute) AS m
$$;

-- The same as ioc.device_sums: in whole minutes and milliseconds, the current minute with what its samples promise.
CREATE OR REPLACE FUNCTION ioc.device_sums_known(
    p_kind int, p_scope int[], p_bounds timestamptz[], p_end timestamptz, p_by_unit boolean, p_as_of timestamptz)
RETURNS TABLE (point int, unit_id int, up_ms numeric, degraded_ms numeric, down_ms numeric, maintenance_ms numeric,
               client_ms numeric, reported_ms numeric, client_max int)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_bounds timestamptz[] := ARRAY(SELECT ioc.minute_ceil(b.at) FROM unnest(p_bounds) WITH ORDINALITY AS b (at, n) ORDER BY b.n);
    v_end timestamptz := ioc.minute_ceil(p_end);
BEGIN
    RETURN QUERY
    WITH spans AS MATERIALIZED (
        SELECT CASE WHEN p_by_unit THEN s.unit_id END AS unit_id, s.state, s.started AS at,
               CASE WHEN s.state <> 3 THEN s.clients END AS clients,
               greatest(date_trunc('milliseconds', s.started), v_bounds[1]) AS started,
               least(date_trunc('milliseconds', s.ended), v_end) AS ended
        FROM ioc.known_spans(p_kind, p_scope, NULL, v_bounds[1], v_end, p_as_of) s
        WHERE s.unit_id = ANY (p_scope) AND s.state <> 0
    ), cut AS (
        SELECT p.i AS point, s.unit_id, s.state, s.clients, greatest(s.started, v_bounds[p.i]) AS started,
               least(s.ended, v_bounds[p.i + 1]) AS ended
        FROM spans s
        CROSS JOIN LATERAL generate_series(width_bucket(s.started, v_bounds), ioc.kpi_before(s.ended, v_bounds)) AS p (i)
        WHERE s.ended > s.started
    ), held AS (
        SELECT t.point, t.unit_id, sum(t.ms) FILTER (WHERE t.state IN (1, 2)) AS up, sum(t.ms) FILTER (WHERE t.state = 2) AS degraded,
               sum(t.ms) FILTER (WHERE t.state = 3) AS down, sum(t.ms) FILTER (WHERE t.state = 4) AS maintenance,
               sum(t.ms * t.clients) AS clients, range_agg(t.minutes) FILTER (WHERE t.clients IS NOT NULL) AS reported
        FROM (SELECT c.*, 1000 * extract(epoch FROM c.ended - c.started) AS ms,
                     tstzrange(date_trunc('minute', c.started), ioc.minute_ceil(c.ended)) AS minutes
              FROM cut c) AS t
        GROUP BY 1, 2
    ), most AS (
        SELECT width_bucket(s.at, v_bounds) AS point, s.unit_id, max(s.clients) AS clients
        FROM spans s WHERE s.at >= v_bounds[1] AND s.at < v_end AND s.clients IS NOT NULL
        GROUP BY 1, 2
    )
    SELECT coalesce(h.point, m.point), coalesce(h.unit_id, m.unit_id), coalesce(h.up, 0), coalesce(h.degraded, 0),
           coalesce(h.down, 0), coalesce(h.maintenance, 0), coalesce(h.clients, 0),
           coalesce((SELECT sum(1000 * extract(epoch FROM upper(r.span) - lower(r.span))) FROM unnest(h.reported) AS r (span)), 0),
           m.clients
    FROM held h
    FULL JOIN most m ON m.point = h.point AND coalesce(m.unit_id, 0) = coalesce(h.unit_id, 0);
END $$;

-- Stretches of down that ended in a range with the device working again. One may have begun before the range: its samples are
-- followed back, and beyond the oldest that is kept its run.
CREATE OR REPLACE FUNCTION ioc.device_repairs_known(
    p_kind int, p_scope int[], p_devices text[], p_from timestamptz, p_to timestamptz, p_as_of timestamptz)
RETURNS TABLE (device_id int, unit_id int, started timestamptz, ended timestamptz)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE spans AS (
        SELECT s.*, lead(s.started) OVER after AS next, lead(s.state) OVER after AS next_state
        FROM ioc.known_spans(p_kind, p_scope, p_devices, p_from, p_to, p_as_of) s
        WINDOW after AS (PARTITION BY s.device_id ORDER BY s.started)
    ), back AS (
        SELECT s.device_id, s.unit_id, s.started, s.ended FROM spans s
        WHERE s.state = 3 AND s.unit_id = ANY (p_scope) AND s.ended >= p_from AND s.ended < p_to
          AND s.next = s.ended AND s.next_state IN (1, 2)
        UNION ALL
        SELECT b.device_id, b.unit_id, e.time, b.ended
        FROM back b
        CROSS JOIN LATERAL (
            SELECT f.time, f.state, f.time + make_interval(secs => f.valid_ms / 1000.0) AS until FROM ioc.device_sample f
            WHERE f.kind = p_kind AND f.device_id = b.device_id AND f.time < b.started AND f.recorded_at <= p_as_of
            ORDER BY f.time DESC LIMIT 1
        ) AS e
        WHERE e.state = 3 AND e.until >= b.started
    ), found AS (
        SELECT b.device_id, b.unit_id, min(b.started) AS started, b.ended FROM back b GROUP BY 1, 2, 4
    )
    SELECT f.device_id, f.unit_id, coalesce((
               SELECT min(r.started) FROM ioc.device_run r
               JOIN ioc.kept_from k ON k.fact = CASE p_kind WHEN 1 THEN 'camera_sample' ELSE 'wifi_sample' END
               WHERE r.device_id = f.device_id AND r.state = 3 AND r.started < k.since AND r.ended >= f.started), f.started), f.ended
    FROM found f
$$;
