-- Tickets as of an earlier moment: the same facts, less those that were learned later.

DROP FUNCTION ioc.ticket_rounds(bigint[]);

-- The facts of numbers, each with its round. A number that is issued again begins a round when ten minutes have passed
-- since it was issued last, or one minute when it was completed, given up or cancelled meanwhile; what is nearer is a
-- clock that was set right.
CREATE FUNCTION ioc.ticket_rounds(p_numbers bigint[], p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (ticket_id bigint, round smallint, "time" timestamptz, sequence text, id text, kind smallint, body jsonb)
LANGUAGE sql STABLE AS $$
    SELECT f.ticket_id, (1 + count(*) FILTER (WHERE f.kind = 1
               AND (f.time - f.last_issued >= interval '10 minutes'
                    OR f.time - f.last_issued >= interval '1 minute' AND f.last_end >= f.last_issued)) OVER so_far)::smallint,
           f.time, f.sequence, f.id, f.kind, f.body
    FROM (
        SELECT r.*, max(r.time) FILTER (WHERE r.kind = 1) OVER before AS last_issued,
               max(r.time) FILTER (WHERE r.kind IN (5, 6, 8)) OVER before AS last_end
        FROM ioc.ticket_fact r
        WHERE r.ticket_id = ANY (p_numbers) AND (p_as_of IS NULL OR r.recorded_at <= p_as_of)
        WINDOW before AS (PARTITION BY r.ticket_id ORDER BY r.time, r.sequence, r.source_id, r.id
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) f
    WINDOW so_far AS (PARTITION BY f.ticket_id ORDER BY f.time, f.sequence, f.source_id, f.id
                      ROWS UNBOUNDED PRECEDING)
$$;
REVOKE ALL ON FUNCTION ioc.ticket_rounds(bigint[], timestamptz) FROM PUBLIC;

-- What the facts of numbers make of each of their rounds; moments are the earliest of their kind.
CREATE FUNCTION ioc.ticket_states(p_numbers bigint[], p_as_of timestamptz DEFAULT NULL)
RETURNS TABLE (
    ticket_id bigint, round smallint, unit text, issued_at timestamptz, called_at timestamptz, started_at timestamptz,
    completed_at timestamptz, no_show_at timestamptz, cancelled_at timestamptz, recalls int, service text, counter text)
LANGUAGE sql STABLE AS $$
    SELECT r.ticket_id, r.round,
        (array_agg(r.body->>'unit' ORDER BY r.time, r.sequence, r.id))[1],
        min(r.time) FILTER (WHERE r.kind = 1),
        min(r.time) FILTER (WHERE r.kind = 2),
        min(r.time) FILTER (WHERE r.kind = 4),
        max(r.time) FILTER (WHERE r.kind = 5),
        min(r.time) FILTER (WHERE r.kind = 6),
        min(r.time) FILTER (WHERE r.kind = 8),
        (count(*) FILTER (WHERE r.kind = 3))::int,
        (array_agg(coalesce(r.body->>'to_service', r.body->>'service') ORDER BY r.time DESC, r.sequence DESC, r.id DESC)
            FILTER (WHERE r.body ? 'service' OR r.body ? 'to_service'))[1],
        (array_agg(r.body->>'counter' ORDER BY r.time DESC, r.sequence DESC, r.id DESC)
            FILTER (WHERE r.body ? 'counter'))[1]
    FROM ioc.ticket_rounds(p_numbers, p_as_of) r GROUP BY r.ticket_id, r.round
$$;
REVOKE ALL ON FUNCTION ioc.ticket_states(bigint[], timestamptz) FROM PUBLIC;

-- Questions as of an earlier moment find the numbers that something happened to in their range.
CREATE INDEX ticket_fact_time ON ioc.ticket_fact (time);
