"""Who waits now, by service, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.kpi.query import Steps

_WAITING: Final = "SELECT service, people, since FROM ioc.queue_now(%(reader)s, NULL)"


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
