"""From a batch's bytes to typed events, in one pass where all is well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from ioc.events import TOPIC_TYPES
from streams.batch import MAX_RECORD_BYTES, Records
from streams.instants import micros
from streams.origin import source_of
from streams.unreadable import Unreadable

E = TypeVar("E")
Ints: TypeAlias = npt.NDArray[np.int64]

#: No fact of a district's own systems is older.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_EARLIEST_US: Final = micros(EARLIEST)
#: JSON's way to write NUL, which PostgreSQL's text can't hold; an even number of backslashes before it are text.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_SOURCE: Final = attrgetter("source")
#: What may be in the bytes of a record that our types can't take.
_NOT_READABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Nameless(msgspec.Struct, tag_field="type", tag=""):
    """Stands beside a topic's only type; nothing can be read as one."""

    impossible: Annotated[str, msgspec.Meta(min_length=1, pattern="^$")]


class Decoded(NamedTuple, Generic[E]):
    """What was read: ``events``, with their offsets and times at the same places, and what could not be."""

    offsets: list[int]
    events: list[E]
    bad: list[Unreadable]
    time_us: Ints
    #: See :func:`learned_of`.
    learned_us: Ints | None


class BatchDecoder(Generic[E]):
    """Decodes the records of one topic.

    :param subject_topic: the topic's name without prefix, a key of :data:`ioc.events.TOPIC_TYPES`.
    :param future_tolerance_s: how far ahead of this machine's clock a fact may be dated.
    """

    def __init__(self, subject_topic: str, future_tolerance_s: float) -> None:
        types = TOPIC_TYPES[subject_topic]
        # msgspec demands the type's name of a union only: a topic of one type would take records without any
        wanted = types | _Nameless if isinstance(types, type) else types
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wanted)
        self._tolerance = timedelta(seconds=future_tolerance_s)

    def decode(self, records: Records) -> Decoded[E]:
        """Tell the readable records from the others."""
        events = self._decode_at_once(records)
        if events is not None:
            offsets = records.offsets
            bad: list[Unreadable] = []
        else:
            offsets, events, bad = self._decode_one_by_one(records)
            records.sources.update(source_of(record.value) for record in bad)
        records.sources.update(map(_SOURCE, events))
        decoded = Decoded(offsets, events, bad, times_of(events), learned_of(events))
        latest = datetime.now(UTC) + self._tolerance
        if not events or (
            decoded.time_us.min() >= _EARLIEST_US
            and decoded.time_us.max() <= micros(latest)
            and (
                decoded.learned_us is None
                or decoded.learned_us[decoded.learned_us != -1].min() >= _EARLIEST_US
            )
        ):
            return decoded
        return self._sort_out_times(records, decoded, latest)

    def _decode_at_once(self, records: Records) -> list[Any] | None:
        """Decode all records in one pass of C; None when any of them needs a closer look."""
        if not all(records.values):
            return None
        values = cast("list[bytes]", records.values)
        # To search one text is quicker than to search many. No backslash, no escaped NUL; hardly any record has one.
        joined = b"".join(values)
        if len(joined) > MAX_RECORD_BYTES and max(map(len, values)) > MAX_RECORD_BYTES:
            return None
        if b"\\" in joined and b"\\u0000" in joined:
            return None
        try:
            return list(map(self._decoder.decode, values))
        except _NOT_READABLE:
            return None

    def _decode_one_by_one(self, records: Records) -> tuple[list[int], list[Any], list[Unreadable]]:
        offsets: list[int] = []
        events: list[Any] = []
        bad: list[Unreadable] = []
        for offset, value in zip(records.offsets, records.values, strict=True):
            if not value:
                bad.append(Unreadable(offset, "empty", "the record has no value", value))
            elif len(value) > MAX_RECORD_BYTES:
                bad.append(
                    Unreadable(offset, "too-large", f"{len(value)} bytes, at most {MAX_RECORD_BYTES}", value)
                )
            else:
                try:
                    events.append(self.decode_one(value))
                    offsets.append(offset)
                except msgspec.ValidationError as error:
                    reason = "unknown-type" if "$.type" in str(error) else "invalid"
                    bad.append(Unreadable(offset, reason, str(error), value))
                except _NOT_READABLE as error:
                    bad.append(Unreadable(offset, "not-json", str(error), value))
        return offsets, events, bad

    def decode_one(self, value: bytes) -> E:
        """Decode one record.

        :raises msgspec.DecodeError: when the bytes are not a fact of the topic.
        """
        event: E = self._decoder.decode(value)
        if b"\\u0000" not in value:
            return event
        # Devices pad texts with NUL: free text loses it. What tells one fact from another must not be altered.
        without: E = self._decoder.decode(_NUL.sub(rb"\1", value))
        if _identity(event) != _identity(without):
            raise msgspec.ValidationError("NUL in a text that identifies the fact")
        return without

    @staticmethod
    def _sort_out_times(records: Records, decoded: Decoded[E], latest: datetime) -> Decoded[E]:
        values = records.by_offset()
        kept_offsets: list[int] = []
        kept: list[Any] = []
        bad = decoded.bad
        for offset, event in zip(decoded.offsets, cast("list[Any]", decoded.events), strict=True):
            if event.time > latest:
                bad.append(
                    Unreadable(offset, "far-future", f"dated {event.time.isoformat()}", values[offset])
                )
            elif event.time < EARLIEST:
                bad.append(Unreadable(offset, "far-past", f"dated {event.time.isoformat()}", values[offset]))
            elif event.recordedat is not None and event.recordedat < EARLIEST:
                learned = event.recordedat.isoformat()
                bad.append(Unreadable(offset, "far-past", f"recordedat is {learned}", values[offset]))
            else:
                kept_offsets.append(offset)
                kept.append(event)
        return Decoded(kept_offsets, kept, bad, times_of(kept), learned_of(kept))


def times_of(events: Sequence[Any]) -> Ints:
    """When each event happened, in microseconds."""
    if not events:
        return np.empty(0, np.int64)
    # counted from a time nearby: Python's sums are quicker the smaller they are
    base = events[0].time
    seconds = np.array([(e.time - base).total_seconds() for e in events], dtype=np.float64)
    return micros(base) + np.rint(seconds * 1e6).astype(np.int64)


def learned_of(events: Sequence[Any]) -> Ints | None:
    """When each event was learned, in microseconds, -1 where its source does not say; None where none says."""
    learned = [e.recordedat for e in events]
    if learned.count(None) == len(learned):
        return None
    return np.array([-1 if at is None else micros(at) for at in learned], dtype=np.int64)


def _identity(event: Any) -> tuple[object, ...]:
    data = event.data
    return (
        event.id,
        event.source,
        event.subject,
        event.sequence,
        getattr(data, "unit", None),
        getattr(data, "kiosk", None),
        getattr(data, "number", None),
    )
