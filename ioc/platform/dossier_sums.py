"""Moves pending ledger entries into their sums by local day and month.

The ledger's triggers leave what every change adds and takes away in ``ioc.dossier_pending``. What a statement here
takes out of it is what it adds to the sums: whatever is killed when, nothing is added twice or lost, and questions
read sums and pending entries in one snapshot.
"""

from __future__ import annotations

from typing import Final

from ioc.platform import lots
from ioc.platform.lots import Connection

#: Entries moved in one transaction, so that none is long.
_ENTRIES: Final = 20_000

_TAKEN = """
WITH taken AS MATERIALIZED (
    DELETE FROM ioc.dossier_pending
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM ioc.dossier_pending LIMIT %s)) RETURNING *
), placed AS MATERIALIZED (
    SELECT t.measure, s.unit_id, t.series_id, t.amount, t.delta,
           date_trunc('day', t.effective_at, z.zone) AS day, date_trunc('month', t.effective_at, z.zone) AS month
    FROM taken t
    JOIN ioc.dossier_series s USING (series_id)
    JOIN ioc.rollup_zone z USING (unit_id)
),"""
_ADD = """
{table} AS (
    INSERT INTO ioc.{table} AS m (measure, {whose}, bucket, delta)
    SELECT measure, {whose}, {cell}, sum(delta) FROM placed GROUP BY 1, 2, 3 HAVING sum(delta) <> 0 ORDER BY 1, 2, 3
    ON CONFLICT (measure, {whose}, bucket) DO UPDATE SET delta = m.delta + excluded.delta
)"""
#: Table, whose entries a sum holds, and the cell that an entry lies in.
LEVELS: Final = (
    ("dossier_day", "unit_id", "day"),
    ("dossier_month", "unit_id", "month"),
    ("dossier_series_month", "series_id", "month"),
)
# A day's amounts are ranked anew from what they were and what comes and goes.
_RANK = """
ranked AS (
    INSERT INTO ioc.dossier_amount_day AS m (unit_id, bucket, amounts, taken)
    SELECT d.unit_id, d.day,
           coalesce(array_agg(a.amount ORDER BY a.amount) FILTER (WHERE a.n > 0), '{}'),
           coalesce(array_agg(a.amount ORDER BY a.amount) FILTER (WHERE a.n < 0), '{}')
    FROM (SELECT DISTINCT unit_id, day FROM placed WHERE measure = 9) AS d
    LEFT JOIN LATERAL (
        SELECT f.amount, sum(f.n) AS n
        FROM (SELECT p.amount, p.delta AS n FROM placed p
              WHERE p.measure = 9 AND p.unit_id = d.unit_id AND p.day = d.day
              UNION ALL
              SELECT unnest(o.amounts), 1 FROM ioc.dossier_amount_day o WHERE o.unit_id = d.unit_id AND o.bucket = d.day
              UNION ALL
              SELECT unnest(o.taken), -1 FROM ioc.dossier_amount_day o WHERE o.unit_id = d.unit_id AND o.bucket = d.day
             ) AS f
        GROUP BY 1 HAVING sum(f.n) <> 0
    ) AS s ON true
    LEFT JOIN LATERAL (SELECT s.amount, s.n FROM generate_series(1, abs(s.n))) AS a ON true
    GROUP BY 1, 2
    ON CONFLICT (unit_id, bucket) DO UPDATE SET amounts = excluded.amounts, taken = excluded.taken
)"""
_FOLD = (
    _TAKEN
    + ",".join([*(_ADD.format(table=table, whose=whose, cell=cell) for table, whose, cell in LEVELS), _RANK])
    + "\nSELECT count(*) FROM taken"
)


def fold(connection: Connection, *, turns: int = lots.TURNS) -> int:
    """Move pending entries into the sums, each lot in a transaction of its own.

    :param turns: most lots; where there is more, another call goes on.
    :returns: how many entries were moved.
    """
    return lots.move(connection, _FOLD, most=_ENTRIES, turns=turns)
