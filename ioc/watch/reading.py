"""Readings: measurements of the platform's own machines and servers, as ``ioc.reading`` keeps the newest of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ioc.alerts import keys
from ioc.alerts.readings import READINGS
from ioc.kpi.query import Asking, Steps

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement.

    :param name: of :data:`ioc.alerts.readings.READINGS`.
    :param instance: what tells one from another: a machine's folder, a server, a roster; ``all`` where there is one.
    :param value: None is unknown, never zero.
    :param detail: what stands behind the value; ``state`` says in a word why it is unknown.
    """

    name: str
    instance: str
    value: float | None
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class KeptReading:
    """A reading as it stands in the database."""

    name: str
    instance: str
    at: datetime
    valid_until: datetime
    value: float | None
    unit: str
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def known(self, now: datetime) -> float | None:
        """The value while it holds; None when it is unknown, or too old to be told as of now."""
        return self.value if now < self.valid_until else None

    @property
    def subject(self) -> str:
        """As alerts name it."""
        return keys.reading(self.name, self.instance)


#: Readings that were not renewed for so long are of machines that were taken away.
_GONE_AFTER: Final = timedelta(days=7)
_KEEP = """
INSERT INTO ioc.reading AS r (name, instance, at, valid_until, value, unit, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (name, instance) DO UPDATE SET at = excluded.at, valid_until = excluded.valid_until,
    value = excluded.value, unit = excluded.unit, detail = excluded.detail
WHERE excluded.at >= r.at
"""
_FORGET = "DELETE FROM ioc.reading WHERE valid_until < %s"
_ALL = "SELECT name, instance, at, valid_until, value, unit, detail FROM ioc.reading ORDER BY name, instance"


def kept(one: Reading, now: datetime, valid_for: timedelta) -> Asking:
    """The statement that writes a reading taken at ``now``; what was read later stays."""
    unit = READINGS[one.name].unit
    return _KEEP, (one.name, one.instance, now, now + valid_for, one.value, unit, Jsonb(one.detail))


def keep(connection: Connection, found: Sequence[Reading], now: datetime, valid_for: timedelta) -> None:
    """Write readings that were taken at ``now``."""
    for one in found:
        statement, parameters = kept(one, now, valid_for)
        connection.execute(statement.encode(), parameters)


def forget(connection: Connection, now: datetime) -> int:
    """Drop readings of machines, servers and rosters that are no more; returns how many."""
    return connection.execute(_FORGET, (now - _GONE_AFTER,)).rowcount


def readings() -> Steps[tuple[KeptReading, ...]]:
    """Steps to the newest of every reading, by name and instance."""
    rows = yield _ALL, ()
    return tuple(KeptReading(*row) for row in rows)
