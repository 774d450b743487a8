"""Who waits now, by service, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.kpi.query import Steps

# by the rows of which queue.waiting is the sum
_WAITING: Final = """
SELECT e.service, count(*), min(e.issued_at)
FROM ioc.queue_ends(ARRAY(SELECT s.unit_id FROM ioc.unit_scope(%(reader)s, NULL) s), now(), 'infinity', NULL) e
WHERE e.issued_at < now() AND e.ended_at > now()
GROUP BY e.service ORDER BY min(e.issued_at), e.service
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Those who wait for one service.

    :param service: its code; None where tickets name none.
    :param since: when the one who waits longest drew the number.
    """

    service: str | None
    people: int
    since: datetime


def waiting(reader: str) -> Steps[tuple[Waiting, ...]]:
    """Steps to the services for which somebody waits, the longest wait first."""
    rows = yield _WAITING, {"reader": reader}
    return tuple(Waiting(*row) for row in rows)
