"""Moves runs of equal state that came and went into the counts of devices at the end of each local day.

As with sums of the ledger (:mod:`ioc.platform.dossier_sums`): triggers note every run, and what a statement here takes
out of the notes is what it adds to the days.
"""

from __future__ import annotations

from typing import Final

from ioc.platform import lots
from ioc.platform.lots import Connection

_RUNS: Final = 20_000

#: Midnights that runs ``r`` of units in ``zone`` hold at.
MIDNIGHTS: Final = """
    SELECT g.day AT TIME ZONE zone AS moment
    FROM generate_series(date_trunc('day', r.started AT TIME ZONE zone), (r.ended AT TIME ZONE zone) + interval '1 day',
                         interval '1 day') AS g (day)
    WHERE g.day AT TIME ZONE zone > r.started AND g.day AT TIME ZONE zone <= r.ended
"""
#: What a run ``r`` that counts ``n`` times adds to each.
COUNTS: Final = """
    sum(r.n)::int AS known, coalesce(sum(r.n) FILTER (WHERE r.state = 3), 0)::int AS down,
    coalesce(sum(r.n) FILTER (WHERE r.flags & 1 <> 0), 0)::int AS flag_1,
    coalesce(sum(r.n) FILTER (WHERE r.flags & 2 <> 0), 0)::int AS flag_2
"""
_FOLD: Final = f"""
WITH taken AS MATERIALIZED (
    DELETE FROM ioc.device_run_pending
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM ioc.device_run_pending LIMIT %s)) RETURNING *
), added AS (
    INSERT INTO ioc.device_day_end AS d (kind, unit_id, moment, known, down, flag_1, flag_2)
    SELECT r.kind, r.unit_id, m.moment, {COUNTS}
    FROM taken r JOIN ioc.rollup_zone USING (unit_id) CROSS JOIN LATERAL ({MIDNIGHTS}) AS m
    GROUP BY 1, 2, 3
    ON CONFLICT (kind, unit_id, moment) DO UPDATE SET known = d.known + excluded.known, down = d.down + excluded.down,
        flag_1 = d.flag_1 + excluded.flag_1, flag_2 = d.flag_2 + excluded.flag_2
)
SELECT count(*) FROM taken
"""  # noqa: S608 - constants of ours


def fold(connection: Connection, *, turns: int = lots.TURNS) -> int:
    """Move noted runs into the days, each lot in a transaction of its own.

    :param turns: most lots; where there is more, another call goes on.
    :returns: how many runs were moved.
    """
    return lots.move(connection, _FOLD, most=_RUNS, turns=turns)
