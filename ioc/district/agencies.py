"""Which unit an agency's name stands for, as one-stop systems write it (``DonViXuLy``).

Names are compared by a key that ignores composition, case and blanks; nothing is guessed: another way of writing a
name is another row of ``agencies.csv``.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from psycopg.rows import tuple_row

from ioc.district.model import Agency, Period

if TYPE_CHECKING:
    import psycopg

    from ioc.district.model import Pack

#: Longest name that is looked at; what is longer is cut, so that no source fills memory or the database.
LONGEST_NAME: Final = 200
#: Most different names without a unit that are kept, in memory and in the database.
MOST_UNMAPPED: Final = 1000
#: Names beyond the limit are counted together under this key, which no name has.
OVERFLOW_KEY: Final = ""
OVERFLOW_NAME: Final = "(further names)"

_STORE = """
INSERT INTO ioc.agency_unmapped AS a (key, name, seen, first_seen, last_seen) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE
   SET seen = a.seen + excluded.seen, first_seen = least(a.first_seen, excluded.first_seen),
       last_seen = greatest(a.last_seen, excluded.last_seen)
"""
#: The names without a unit, as :class:`Unmapped` has them, the most frequent first.
UNMAPPED: Final = (
    "SELECT key, name, seen, first_seen, last_seen FROM ioc.agency_unmapped ORDER BY seen DESC, key"
)


def agency_key(name: str) -> str:
    """What two spellings of one name share: composed (NFC), without case, control marks, and with single blanks."""
    text = unicodedata.normalize("NFC", name[: 4 * LONGEST_NAME]).casefold()
    seen = "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    return " ".join(unicodedata.normalize("NFC", seen).split())[:LONGEST_NAME].strip()


@dataclass(frozen=True)
class Unmapped:
    """A name that no row gives a unit for at the time of its facts."""

    key: str
    name: str
    seen: int
    """How often it was asked for."""
    first_seen: datetime
    last_seen: datetime


class AgencyResolver:
    """Finds units by agency name, and remembers the names that it could not find. Safe to share between threads.

    :param agencies: rows of the pack.
    :param time_zone: IANA zone in which the rows' days are meant.
    """

    def __init__(self, agencies: Iterable[Agency], *, time_zone: str) -> None:
        self._rows: dict[tuple[str, str], list[tuple[Period, str]]] = {}
        for row in agencies:
            self._rows.setdefault((agency_key(row.name), row.scheme), []).append((row.period, row.unit))
        self._zone = ZoneInfo(time_zone)
        self._lock = threading.Lock()
        self._unmapped: dict[str, Unmapped] = {}

    @classmethod
    def from_pack(cls, pack: Pack) -> AgencyResolver:
        return cls(pack.agencies, time_zone=pack.time_zone)

    @classmethod
    def from_database(cls, conn: psycopg.Connection[Any]) -> AgencyResolver:
        """Read what the applied pack says; without a pack no name has a unit."""
        with conn.cursor(row_factory=tuple_row) as cursor:
            zone = cursor.execute("SELECT time_zone FROM ioc.district").fetchone()
            rows = cursor.execute(
                "SELECT name, unit_code, scheme, nullif(valid_from, '0001-01-01'), valid_to FROM ioc.agency"
            ).fetchall()
        agencies = [
            Agency(name=name, unit=unit, scheme=scheme, period=Period(start, end))
            for name, unit, scheme, start, end in rows
        ]
        return cls(agencies, time_zone=zone[0] if zone else "UTC")

    def resolve(self, name: str, at: datetime, *, scheme: str = "") -> str | None:
        """Code of the unit that ``name`` stood for at ``at``, or None; a None is remembered.

        :param at: when the fact happened, aware.
        :param scheme: the system that writes the name; rows of this scheme go before rows for every system.
        :raises ValueError: when ``at`` is naive.
        """
        if at.tzinfo is None:
            raise ValueError("a naive time can't choose an agency's unit")
        key = agency_key(name)
        try:
            day = at.astimezone(self._zone).date()
        except OverflowError:
            day = at.date()
        for kind in (scheme, "") if scheme else ("",):
            for period, unit in self._rows.get((key, kind), ()):
                if period.holds_on(day):
                    return unit
        if key:
            self._remember(key, name)
        return None

    def _remember(self, key: str, name: str) -> None:
        now = datetime.now(UTC)
        shown = " ".join("".join(c if c.isprintable() else " " for c in name[:LONGEST_NAME]).split())
        with self._lock:
            if key not in self._unmapped and len(self._unmapped) >= MOST_UNMAPPED:
                key, shown = OVERFLOW_KEY, OVERFLOW_NAME
            known = self._unmapped.get(key)
            self._unmapped[key] = Unmapped(
                key,
                known.name if known else unicodedata.normalize("NFC", shown) or key,
                (known.seen if known else 0) + 1,
                known.first_seen if known else now,
                now,
            )

    def take_unmapped(self) -> list[Unmapped]:
        """The names without a unit since the last call, in the order in which they were met; forgets them."""
        with self._lock:
            found, self._unmapped = self._unmapped, {}
        return list(found.values())

    def give_back(self, names: Iterable[Unmapped]) -> None:
        """Remember names again that could not be stored."""
        with self._lock:
            for name in names:
                known = self._unmapped.get(name.key)
                if known is None and len(self._unmapped) >= MOST_UNMAPPED and name.key != OVERFLOW_KEY:
                    name = Unmapped(OVERFLOW_KEY, OVERFLOW_NAME, name.seen, name.first_seen, name.last_seen)
                    known = self._unmapped.get(OVERFLOW_KEY)
                self._unmapped[name.key] = _merged(name, known)

    def store_unmapped(self, conn: psycopg.Connection[Any]) -> int:
        """Add the names without a unit to ``ioc.agency_unmapped``; returns how many names were handed over.

        :raises psycopg.Error: when the database refuses; the names are kept for the next call.
        """
        names = self.take_unmapped()
        if not names:
            return 0
        try:
            with conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
                # One writer at a time, or two would pass the limit together.
                cursor.execute("LOCK TABLE ioc.agency_unmapped IN SHARE ROW EXCLUSIVE MODE")
                cursor.execute("SELECT key FROM ioc.agency_unmapped")
                stored = {str(row[0]) for row in cursor.fetchall()}
                cursor.executemany(_STORE, list(_within_limit(names, stored)))
        except BaseException:
            self.give_back(names)
            raise
        return len(names)


def _merged(name: Unmapped, known: Unmapped | None) -> Unmapped:
    if known is None:
        return name
    return Unmapped(
        known.key,
        known.name,
        known.seen + name.seen,
        min(known.first_seen, name.first_seen),
        max(known.last_seen, name.last_seen),
    )


def _within_limit(names: Iterable[Unmapped], stored: set[str]) -> Iterable[tuple[Any, ...]]:
    for name in names:
        key, shown = name.key, name.name
        if key not in stored and len(stored) >= MOST_UNMAPPED:
            key, shown = OVERFLOW_KEY, OVERFLOW_NAME
        stored.add(key)
        yield key, shown, name.seen, name.first_seen, name.last_seen


def list_unmapped(conn: psycopg.Connection[Any]) -> list[Unmapped]:
    """Names without a unit that connectors have met, the most frequent first."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return [Unmapped(*row) for row in cursor.execute(UNMAPPED.encode()).fetchall()]
