-- How many facts of a unit's local day came, how many of them late, and when the first was learned: what stands behind figures of
-- dossiers and queues. Per partition, as partitions don't wait for one another.
CREATE TABLE ioc.fact_day (
    unit_id    int NOT NULL REFERENCES ioc.unit,
    day        date NOT NULL,
    topic      text NOT NULL,
    partition  int NOT NULL,
    facts      bigint NOT NULL,
    -- came after their window had closed
    late       bigint NOT NULL,
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (unit_id, day, topic, partition) INCLUDE (facts, late, learned_at)
);

-- Of facts that are stored already it is not known which came late. A fact's own unit is in its body.
INSERT INTO ioc.fact_day (unit_id, day, topic, partition, facts, late, learned_at)
SELECT u.unit_id, (f.time AT TIME ZONE u.time_zone)::date, f.topic, -1, count(*), 0, min(f.recorded_at)
FROM (SELECT 'ioc.dossiers' AS topic, d.time, d.recorded_at, d.body ->> 'unit' AS unit FROM ioc.dossier_fact d
      UNION ALL
      SELECT 'ioc.queues', t.time, t.recorded_at, t.body ->> 'unit' FROM ioc.ticket_fact t) AS f
JOIN ioc.unit u ON u.code = f.unit
GROUP BY 1, 2, 3;
