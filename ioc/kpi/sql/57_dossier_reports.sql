-- Rows for reports on dossiers that are no indicators: due dates against procedures' times, and with whom dossiers stand. They name
-- dossiers and pseudonyms: for the platform's own role, which decides what a reader is shown; no entry points.

-- Dossiers accepted in a range, with what their procedure's time and their unit's calendar are.
CREATE OR REPLACE FUNCTION ioc.dossier_due_check(
    p_reader text, p_unit text, p_from timestamptz, p_to timestamptz, p_limit int)
RETURNS TABLE (code text, procedure text, received_at timestamptz, due_at timestamptz, time_zone text, working_time text,
               working_days float8, calendar_days int)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
    v_district int[] := ARRAY(SELECT t.unit_id FROM ioc.district d CROSS JOIN LATERAL ioc.unit_tree(d.root_unit) t);
BEGIN
    RETURN QUERY
    SELECT d.code, d.procedure, d.received_at, d.original_due_at, u.time_zone,
           CASE WHEN NOT u.declared OR u.unit_id = ANY (v_district) THEN (SELECT x.working_time::text FROM ioc.district x) END,
           p.working_days, p.calendar_days
    FROM ioc.dossier d
    JOIN ioc.unit u ON u.unit_id = d.unit_id
    LEFT JOIN ioc.procedure p ON p.code = d.procedure
    WHERE d.unit_id = ANY (v_scope) AND d.received_at >= p_from AND d.received_at < p_to AND d.merged_into IS NULL
    LIMIT p_limit;
END $$;

-- Open dossiers by department, role and officer (a pseudonym: these rows are for the platform's own use, never to be given out),
-- and the officers that had dossiers there in the last 90 days.
CREATE OR REPLACE FUNCTION ioc.dossier_load(p_reader text, p_unit text)
RETURNS TABLE (unit text, department text, role text, handler text, open bigint, overdue bigint, due_24h bigint, paused bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_scope int[] := ARRAY(SELECT s.unit_id FROM ioc.unit_scope(p_reader, p_unit) s);
BEGIN
    RETURN QUERY
    WITH standing AS (
        SELECT u.code AS unit, d.step, d.role, d.handler,
               d.completed_at IS NULL AND d.withdrawn_at IS NULL AND d.received_at <= now() AS is_open,
               d.status IN (6, 8) AS is_paused,
               coalesce(d.status NOT IN (5, 6, 8), true) AS runs,
               d.due_at,
               -- overdue from the local midnight after the due date on
               (date_trunc('day', d.due_at AT TIME ZONE u.time_zone) + interval '1 day') AT TIME ZONE u.time_zone AS late_from
        FROM ioc.dossier d JOIN ioc.unit u ON u.unit_id = d.unit_id
        WHERE d.unit_id = ANY (v_scope) AND d.received_at IS NOT NULL AND d.merged_into IS NULL
          AND (d.completed_at IS NULL AND d.withdrawn_at IS NULL
               OR d.handler IS NOT NULL AND d.newest_fact > now() - interval '90 days')
    )
    SELECT s.unit, s.step, s.role, s.handler,
           count(*) FILTER (WHERE s.is_open),
           count(*) FILTER (WHERE s.is_open AND s.runs AND s.late_from <= now()),
           count(*) FILTER (WHERE s.is_open AND s.runs AND s.due_at - interval '24 hours' <= now() AND s.late_from > now()),
           count(*) FILTER (WHERE s.is_open AND s.is_paused)
    FROM standing s
    GROUP BY 1, 2, 3, 4;
END $$;
