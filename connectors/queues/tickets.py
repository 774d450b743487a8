"""Queue tickets from a kiosk's JSON lines. Only the fields named here travel: no visitor's name or number does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from connectors.shared.publisher import Sink
from ioc import events
from ioc.errors import InputError
from ioc.events import Code, QueueEvent, ShortText, Ticket, event_id

SOURCE: Final = "urn:ioc:queues:kiosk"
_MOST_BYTES: Final = 65_536
_CHUNK: Final = 5_000
_LISTED: Final = 20

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

log = structlog.get_logger(__name__)


class TicketRow(msgspec.Struct, frozen=True):
    """One line of a kiosk's log; further fields are dropped."""

    happened: str
    unit: Code
    kiosk: Code
    number: str
    time: events.Instant
    date: str | None = None
    service: ShortText | None = None
    counter: ShortText | None = None
    to_service: ShortText | None = None


_decoder = msgspec.json.Decoder(TicketRow)


def read(line: bytes, not_after: datetime, source: str = SOURCE) -> QueueEvent:
    """Turn one line into a fact.

    :param not_after: a fact dated later is refused.
    :param source: CloudEvents source of the fact, part of its id.
    :raises ValueError: or :class:`msgspec.DecodeError`, saying why it can't be read.
    """
    if len(line) > _MOST_BYTES:
        raise ValueError(f"longer than {_MOST_BYTES} bytes")
    row = _decoder.decode(line)
    kind = _TYPES.get(row.happened)
    if kind is None:
        raise ValueError(f"happened is none of {', '.join(_TYPES)}")
    if row.time > not_after:
        raise ValueError("time lies in the future")
    date = row.date or row.time.date().isoformat()
    what = "\x1f".join((row.happened, date, row.number, row.to_service or ""))
    moment = row.time.astimezone(UTC)
    event = kind(
        specversion="1.0",
        id=event_id(source, row.kiosk, what, moment),
        source=source,
        subject=row.kiosk,
        time=moment,
        data=Ticket(
            unit=row.unit,
            kiosk=row.kiosk,
            date=date,
            number=row.number,
            service=row.service,
            counter=row.counter,
            to_service=row.to_service,
        ),
    )
    # Checked as the worker will: a pattern or length that does not fit shows here, not there.
    checked: QueueEvent = msgspec.json.decode(events.encode(event), type=QueueEvent)
    return checked


def import_file(
    path: Path,
    sink: Sink,
    *,
    source: str = SOURCE,
    future_tolerance_s: float = 300.0,
    tell: Callable[[str], None] | None = None,
) -> tuple[int, int]:
    """Send every line of a file; returns how many were sent and how many can't be read.

    :param source: CloudEvents source of the facts, part of their ids.
    :param tell: is told about the first 20 lines that can't be read; the log when absent.
    :raises InputError: when no line at all can be read.
    :raises UnavailableError: when Kafka does not acknowledge; sending the file again changes no id.
    """
    sent = faults = 0
    say = tell or (lambda text: log.warning("ticket.rejected", file=path.name, reason=text))
    not_after = datetime.now(UTC) + timedelta(seconds=future_tolerance_s)

    def good(lines: Iterator[tuple[int, bytes]]) -> Iterator[QueueEvent]:
        nonlocal faults
        for number, line in lines:
            if not line.strip():
                continue
            try:
                yield read(line, not_after, source)
            except (ValueError, msgspec.DecodeError) as error:
                faults += 1
                if faults <= _LISTED:
                    say(f"line {number}: {error}")

    try:
        with path.open("rb") as file:
            stream = good(enumerate(iter(lambda: file.readline(_MOST_BYTES + 1), b""), start=1))
            while chunk := list(islice(stream, _CHUNK)):
                for event in chunk:
                    sink.publish(event)
                sink.flush()
                sent += len(chunk)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from None
    if faults and not sent:
        raise InputError(
            f"{path} holds no ticket that can be read ({faults} lines).",
            remedy="Each line is one JSON object; docs/connectors/queues.md names its fields.",
        )
    return sent, faults
