-- A kiosk that restarts, or counts to 999 and begins anew, gives a number twice in a day: two tickets, told apart by
-- their round. Facts know the number only, so all of them hang on the first round's row.

ALTER TABLE ioc.ticket
    ADD COLUMN round smallint NOT NULL DEFAULT 1,
    ADD COLUMN first_id bigint REFERENCES ioc.ticket,
    DROP CONSTRAINT ticket_kiosk_date_number_key,
    ADD UNIQUE (kiosk, date, number, round),
    ADD CHECK ((round = 1) = (first_id IS NULL));
CREATE INDEX ticket_first ON ioc.ticket (first_id) WHERE first_id IS NOT NULL;

-- The facts of numbers, each with its round. A number that is issued again begins a round when ten minutes have passed
-- since it was issued last, or one minute when it was completed, given up or cancelled meanwhile; what is nearer is a
-- clock that was set right.
CREATE FUNCTION ioc.ticket_rounds(p_numbers bigint[])
RETURNS TABLE (ticket_id bigint, round smallint, "time" timestamptz, sequence text, id text, kind smallint, body jsonb)
LANGUAGE sql STABLE AS $$
    SELECT f.ticket_id, (1 + count(*) FILTER (WHERE f.kind = 1
               AND (f.time - f.last_issued >= interval '10 minutes'
                    OR f.time - f.last_issued >= interval '1 minute' AND f.last_end >= f.last_issued)) OVER so_far)::smallint,
           f.time, f.sequence, f.id, f.kind, f.body
    FROM (
        SELECT r.*, max(r.time) FILTER (WHERE r.kind = 1) OVER before AS last_issued,
               max(r.time) FILTER (WHERE r.kind IN (5, 6, 8)) OVER before AS last_end
        FROM ioc.ticket_fact r WHERE r.ticket_id = ANY (p_numbers)
        WINDOW before AS (PARTITION BY r.ticket_id ORDER BY r.time, r.sequence, r.source_id, r.id
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) f
    WINDOW so_far AS (PARTITION BY f.ticket_id ORDER BY f.time, f.sequence, f.source_id, f.id
                      ROWS UNBOUNDED PRECEDING)
$$;
REVOKE ALL ON FUNCTION ioc.ticket_rounds (bigint[]) FROM PUBLIC;
