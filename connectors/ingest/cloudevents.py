"""The CloudEvents HTTP binding 1.0: one request's headers and body become events of the platform.

Structured (``application/cloudevents+json``), binary (``ce-*`` headers, JSON data) and batch
(``application/cloudevents-batch+json``). The types of :mod:`ioc.events` validate; unknown extension
attributes are dropped by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from connectors.shared.jsonbounds import MOST_CONTAINERS, holds_too_many
from ioc.errors import InputError
from ioc.events import AnyEvent, encode

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_PREFIX: Final = "ce-"
#: The streams refuse what is dated before; a test holds the two equal, since connectors don't know streams.
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
#: A larger one the streams would not read.
_MOST_EVENT_BYTES: Final = 1024 * 1024
#: JSON's way to write NUL, which PostgreSQL's text can't hold; after an odd backslash more it is plain text.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class UnsupportedMediaError(InputError):
    """The body is of a type that this address does not read."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One event of a request that can't be taken.

    :param index: its place in the batch, from 0; 0 for a single event.
    :param reason: what was wrong; never holds a value of the event.
    """

    index: int
    reason: str


class RejectedEventsError(InputError):
    """Some events of a request are bad, so none of them is taken."""

    def __init__(self, rejected: tuple[Rejected, ...]) -> None:
        super().__init__(
            f"{len(rejected)} event(s) can't be read; none of the request was taken.",
            remedy="Mend or leave out the events named, and send the request again.",
        )
        self.rejected = rejected


def read_request(
    headers: Mapping[str, str], body: bytes, *, now: datetime, future_tolerance: timedelta, max_events: int
) -> list[AnyEvent]:
    """Read all events of one request, or none.

    :param headers: names in lower case.
    :param body: decompressed and already bounded in size.
    :param now: this machine's clock, aware.
    :param future_tolerance: how far ahead of ``now`` an event may be dated.
    :param max_events: most events that a batch may hold.
    :raises UnsupportedMediaError: for a content type that is none of the three modes.
    :raises RejectedEventsError: naming each bad event by its place.
    :raises InputError: when the body as a whole can't be read.
    """
    media, charset = _media_type(headers.get("content-type", ""))
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaError(f"The character set {charset[:40]!r} is not read.", remedy="Send UTF-8.")
    if media == BATCH:
        items = read_json(body)
        if not isinstance(items, list):
            raise InputError("A batch must be a JSON array.", remedy="Put the events between [ and ].")
        if len(items) > max_events:
            raise InputError(
                f"The batch holds {len(items)} events; the limit is {max_events}.",
                remedy="Send smaller batches.",
            )
    elif media == STRUCTURED:
        items = [read_json(body)]
    elif "ce-specversion" in headers and (media == "application/json" or media.endswith("+json")):
        items = [{**_attributes(headers), "data": read_json(body)}]
    else:
        raise UnsupportedMediaError(
            "The content type is none of the CloudEvents modes.",
            remedy=f"Send {STRUCTURED}, {BATCH}, or application/json with ce-* headers.",
        )
    return _events(items, now + future_tolerance)


def read_json(body: bytes) -> Any:
    """Read strict JSON: UTF-8, no name twice in an object, no NaN or Infinity.

    :raises InputError: saying what was wrong without repeating the text.
    """
    if holds_too_many(body):
        raise InputError(
            f"The body holds more than {MOST_CONTAINERS} objects and lists.", remedy="Send smaller batches."
        )
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise InputError(f"Byte {error.start} of the body is not UTF-8.", remedy="Send UTF-8.") from None
    except RecursionError:
        raise InputError("The JSON is nested too deep.", remedy="Send events as documented.") from None
    except json.JSONDecodeError as error:
        raise InputError(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except ValueError:
        raise InputError("The body holds a number that is too long.", remedy="Send numbers as is.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise InputError("An object of the body holds the same name twice.", remedy="Send each name once.")
    return read


def _constant(_: str) -> Any:
    raise InputError("NaN and Infinity are not JSON.", remedy="Leave out what is unknown.")


def _media_type(header: str) -> tuple[str, str]:
    media, *parameters = header.lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media.strip(), value.strip().strip('"')
    return media.strip(), "utf-8"


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the context attributes of the binary mode; values are percent-encoded UTF-8."""
    read = {}
    for name, value in headers.items():
        if name.startswith(_PREFIX) and name != "ce-data":
            try:
                read[name.removeprefix(_PREFIX)] = unquote(value, errors="strict")
            except UnicodeDecodeError:
                raise RejectedEventsError((Rejected(0, "a ce-* header is not UTF-8"),)) from None
    return read


def _events(items: list[Any], latest: datetime) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        try:
            event = msgspec.convert(item, AnyEvent)
            encoded = encode(event)
        except msgspec.ValidationError as error:
            rejected.append(Rejected(index, _without_values(str(error))))
        except UnicodeEncodeError:
            rejected.append(Rejected(index, "a text holds half of a surrogate pair"))
        else:
            if len(encoded) > _MOST_EVENT_BYTES:
                rejected.append(Rejected(index, f"larger than {_MOST_EVENT_BYTES} bytes"))
            elif _NUL.search(encoded):
                rejected.append(Rejected(index, "a text holds NUL"))
            elif event.time > latest:
                rejected.append(
                    Rejected(index, "far-future: `time` is too far ahead of this machine's clock")
                )
            elif min(event.time, event.recordedat or event.time) < EARLIEST:
                rejected.append(Rejected(index, f"far-past: dated before {EARLIEST.year}"))
            else:
                events.append(event)
    if rejected:
        raise RejectedEventsError(tuple(rejected))
    return events


def _without_values(reason: str) -> str:
    """Cut what was sent out of msgspec's message: it may be personal."""
    if not reason.startswith("Invalid "):
        return reason
    _, marker, place = reason.rpartition(" - at ")
    return f"a value that is not allowed{marker}{place}"
