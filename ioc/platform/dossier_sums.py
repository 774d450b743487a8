"""Moves pending ledger entries into their sums by local day and month.

The ledger's triggers leave what every change adds and takes away in ``ioc.dossier_pending``. What a statement here
takes out of it is what it adds to the sums: whatever is killed when, nothing is added twice or lost, and questions
read sums and pending entries in one snapshot.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from ioc.platform.rollups import ENSURE_ZONES

Connection = psycopg.Connection[Any]

#: Entries moved in one transaction, so that none is long; and transactions of one call, so that windows keep closing.
_ENTRIES: Final = 20_000
_TURNS: Final = 20

_TAKEN = """
WITH taken AS MATERIALIZED (
    DELETE FROM ioc.dossier_pending
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM ioc.dossier_pending LIMIT %s)) RETURNING *
), placed AS MATERIALIZED (
    SELECT t.measure, s.unit_id, t.series_id, t.delta,
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
_FOLD = (
    _TAKEN
    + ",".join(_ADD.format(table=table, whose=whose, cell=cell) for table, whose, cell in LEVELS)
    + "\nSELECT count(*) FROM taken"
)


def fold(connection: Connection, *, turns: int = _TURNS) -> int:
    """Move pending entries into the sums, each lot in a transaction of its own.

    :param turns: most lots; where there is more, another call goes on.
    :returns: how many entries were moved.
    """
    moved = 0
    for _ in range(turns):
        with connection.transaction():
            connection.execute(ENSURE_ZONES)
            row = connection.execute(_FOLD.encode(), (_ENTRIES,)).fetchone()
        taken = 0 if row is None else int(row[0])
        moved += taken
        if taken < _ENTRIES:
            break
    return moved
