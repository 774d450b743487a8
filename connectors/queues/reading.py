"""A kiosk's JSON becomes ticket facts. Only the fields named here travel: no visitor's name or number does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from connectors.queues.clocks import Clocks
from connectors.queues.mapping import Mapping
from connectors.shared.jsonbounds import holds_too_many
from ioc import events
from ioc.errors import InputError
from ioc.events import Code, QueueEvent, ShortText, Ticket, event_id

SOURCE: Final = "urn:ioc:queues:kiosk"
MOST_BYTES: Final = 65_536
"""Longest object of one ticket."""
MOST_TICKETS: Final = 1_000
"""Most objects of one message or request."""
_MOST_CONTAINERS: Final = 50 * MOST_TICKETS
STALE: Final = timedelta(days=35)
"""A kiosk keeps no ticket back for longer: a clock that says so is wrong."""

_TYPES: Final[dict[str, Any]] = {
    "issued": events.TicketIssued,
    "called": events.TicketCalled,
    "recalled": events.TicketRecalled,
    "started": events.TicketStarted,
    "completed": events.TicketCompleted,
    "no-show": events.TicketNoShow,
    "transferred": events.TicketTransferred,
    "cancelled": events.TicketCancelled,
}

UnitOf: TypeAlias = Callable[[str, date], str | None]
"""The unit that a kiosk belongs to on a day; None when the kiosk is not known."""


class TicketRow(msgspec.Struct, frozen=True):
    """What one object says; further fields are dropped."""

    happened: str
    number: str | int
    time: str | int | float
    kiosk: Code | None = None
    unit: Code | None = None
    date: str | None = None
    service: ShortText | None = None
    counter: ShortText | int | None = None
    to_service: ShortText | None = None


class Fault(msgspec.Struct, frozen=True):
    """One object that can't be read."""

    index: int
    """Its place in the message, from 0."""
    reason: str
    """Why; never holds a value of the object."""


@dataclass
class Reading:
    """What a message holds."""

    events: list[QueueEvent] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


_NOT_JSON: Final = object()
_READABLE: Final = (ValueError, ArithmeticError, msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class TicketReader:
    """Reads what the kiosks of one source send.

    :param source: CloudEvents source of the facts, part of their ids; never change it.
    :param zone: where the kiosks are: local dates, and times without an offset.
    :param unit_of: says which unit a kiosk belongs to. A kiosk that it does not know must name its unit itself.
    :param mapping: how the kiosks write it, when not as documented.
    :param future_tolerance_s: how far ahead of this machine's clock a kiosk's may be, in seconds.
    :param clocks: is told what the kiosks' clocks say; absent for files, whose times are history.
    """

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        source: str = SOURCE,
        unit_of: UnitOf | None = None,
        mapping: Mapping | None = None,
        future_tolerance_s: float = 300.0,
        clocks: Clocks | None = None,
    ) -> None:
        self._source = source
        self._zone = zone
        self._unit_of = unit_of or (lambda _kiosk, _day: None)
        self._mapping = mapping
        self._tolerance = timedelta(seconds=future_tolerance_s)
        self._clocks = clocks

    def read(self, line: bytes, now: datetime, *, kiosk: str | None = None) -> QueueEvent | None:
        """Turn one JSON object into a fact; None when the mapping says that it is about no ticket.

        :param now: when it came in, aware.
        :param kiosk: the machine that it came from, where the way tells; it must not say another one.
        :raises ValueError: or another of msgspec's errors, saying why it can't be read without repeating it.
        """
        if len(line) > MOST_BYTES:
            raise ValueError(f"longer than {MOST_BYTES} bytes")
        try:
            return self._fact(msgspec.json.decode(line), now, kiosk, self._source)
        except (ArithmeticError, RecursionError) as error:
            raise ValueError(_plainly(error)) from None

    def read_many(
        self, body: bytes, now: datetime, *, kiosk: str | None = None, source: str | None = None
    ) -> Reading:
        """Read a message of one JSON object, an array of them, or one a line; what is bad costs only itself.

        :param source: CloudEvents source of these facts; the reader's own when absent.
        :raises InputError: when the message as a whole can't be read.
        """
        reading = Reading()
        for index, item in enumerate(_items(body)):
            try:
                fact = self._fact(item, now, kiosk, source or self._source)
            except _READABLE as error:
                reading.faults.append(Fault(index, _plainly(error)))
            else:
                if fact is not None:
                    reading.events.append(fact)
        return reading

    def _fact(self, item: object, now: datetime, named: str | None, source: str) -> QueueEvent | None:
        if item is _NOT_JSON:
            raise ValueError("it is not JSON")
        if self._mapping is not None:
            item = self._mapping.pick(item)
            if item is None:
                return None
        row = msgspec.convert(item, TicketRow)
        kind = _TYPES.get(row.happened)
        if kind is None:
            raise ValueError(f"happened is none of {', '.join(_TYPES)}")
        kiosk = named or row.kiosk
        if kiosk is None:
            raise ValueError("it names no kiosk")
        if row.kiosk not in (None, kiosk):
            raise ValueError("it names another kiosk than the one that it comes from")
        stated = self._moment(row.time)
        moment = self._plausible(kiosk, stated, now)
        day = self._day(row, moment)
        unit = self._unit_of(kiosk, date.fromisoformat(day)) or row.unit
        if unit is None:
            raise ValueError("its kiosk is not in devices.csv of the district pack, and it names no unit")
        number = str(row.number).strip()
        what = "\x1f".join((row.happened, day, number, row.to_service or ""))
        event = kind(
            specversion="1.0",
            id=event_id(source, kiosk, what, stated),
            source=source,
            subject=kiosk,
            time=moment,
            data=Ticket(
                unit=unit,
                kiosk=kiosk,
                date=day,
                number=number,
                service=_text(row.service),
                counter=_text(row.counter),
                to_service=_text(row.to_service),
                received_at=now.astimezone(UTC) if self._clocks else None,
                stated_at=stated if stated != moment else None,
            ),
        )
        if not all(map(str.isprintable, (kiosk, number, unit))):
            raise ValueError("kiosk, number or unit holds a control character")
        # Checked as the worker will: a pattern or length that does not fit shows here, not there.
        checked: QueueEvent = msgspec.json.decode(events.encode(event), type=QueueEvent)
        return checked

    def _moment(self, stated: str | float) -> datetime:
        if self._mapping is not None:
            return self._mapping.moment(stated, self._zone)
        if not isinstance(stated, str):
            raise ValueError("time is no text such as 2025-09-01T07:30:05+07:00")
        try:
            moment = datetime.fromisoformat(stated)
        except ValueError:
            raise ValueError("time is not written as 2025-09-01T07:30:05+07:00") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return moment.astimezone(UTC)

    def _plausible(self, kiosk: str, stated: datetime, now: datetime) -> datetime:
        """The kiosk's time where it can be right, else the time of receiving it; files can't be set right."""
        ahead = stated > now + self._tolerance
        if self._clocks is None:
            if ahead:
                raise ValueError("time lies in the future")
            return stated
        self._clocks.saw(kiosk, stated, now)
        return now.astimezone(UTC) if ahead or stated < now - STALE else stated

    def _day(self, row: TicketRow, moment: datetime) -> str:
        local = moment.astimezone(self._zone).date()
        if row.date is None:
            return local.isoformat()
        try:
            day = date.fromisoformat(row.date)
        except ValueError:
            raise ValueError("date is not written as 2025-09-01") from None
        # a clock that is wrong dates its tickets wrongly too; a number called after midnight is yesterday's
        if self._clocks is not None and abs((day - local).days) > 1:
            return local.isoformat()
        return day.isoformat()


def _items(body: bytes) -> list[object]:
    if not body.strip():
        raise InputError("The message is empty.", remedy="Send a JSON object for each thing that happened.")
    if holds_too_many(body, _MOST_CONTAINERS):
        raise InputError(
            f"The message holds more than {_MOST_CONTAINERS} objects and lists.", remedy="Send smaller ones."
        )
    try:
        found = msgspec.json.decode(body)
    except RecursionError:
        raise InputError("The JSON is nested too deep.", remedy="Send tickets as documented.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        filled = (line for line in BytesIO(body) if line.strip())
        lines = list(islice(filled, MOST_TICKETS + 1))
        if len(lines) < 2:
            raise InputError(f"The message is not JSON: {error}.", remedy="Send UTF-8 JSON.") from None
        return _bounded([_line(line) for line in lines])
    return _bounded(found if isinstance(found, list) else [found])


def _line(line: bytes) -> object:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOT_JSON


def _bounded(items: list[object]) -> list[object]:
    if len(items) > MOST_TICKETS:
        raise InputError(f"The message holds more than {MOST_TICKETS} tickets.", remedy="Send smaller ones.")
    return items


def _text(found: str | int | None) -> str | None:
    """A free text without marks that can't be stored; empty is unknown."""
    return None if found is None else "".join(filter(str.isprintable, str(found))).strip() or None


def _plainly(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, ArithmeticError):
        return "time is out of range"
    return str(error)
