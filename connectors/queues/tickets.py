"""Queue tickets from files of JSON lines, such as a kiosk's log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import structlog

from connectors.queues.reading import MOST_BYTES, TicketReader
from connectors.shared.publisher import Sink
from ioc.errors import InputError
from ioc.events import QueueEvent

_CHUNK: Final = 5_000
_LISTED: Final = 20

log = structlog.get_logger(__name__)


def import_file(
    path: Path, sink: Sink, reader: TicketReader, *, tell: Callable[[str], None] | None = None
) -> tuple[int, int]:
    """Send every line of a file; returns how many were sent and how many can't be read.

    :param reader: without clocks, for a file is history: its times are taken as they are.
    :param tell: is told about the first 20 lines that can't be read; the log when absent.
    :raises InputError: when no line at all can be read.
    :raises UnavailableError: when Kafka does not acknowledge; sending the file again changes no id.
    """
    sent = faults = 0
    say = tell or (lambda text: log.warning("ticket.rejected", file=path.name, reason=text))
    now = datetime.now(UTC)

    def good(lines: Iterator[tuple[int, bytes]]) -> Iterator[QueueEvent]:
        nonlocal faults
        for number, line in lines:
            if not line.strip():
                continue
            try:
                fact = reader.read(line, now)
            except (ValueError, msgspec.DecodeError) as error:
                faults += 1
                if faults <= _LISTED:
                    say(f"line {number}: {error}")
            else:
                if fact is not None:
                    yield fact

    try:
        with path.open("rb") as file:
            stream = good(enumerate(iter(lambda: file.readline(MOST_BYTES + 1), b""), start=1))
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
