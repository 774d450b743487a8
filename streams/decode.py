"""From a batch's bytes to typed events, in one pass where all is well."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Generic, TypeVar, cast

import msgspec

from ioc.events import TOPIC_TYPES
from streams.batch import Batch
from streams.unreadable import Unreadable

E = TypeVar("E")

#: A larger record can't be a fact of ours.
MAX_RECORD_BYTES = 1024 * 1024
#: No fact of a district's own systems is older.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
#: JSON's way to write NUL, which PostgreSQL's text can't hold; an even number of backslashes before it are text.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
#: What may be in the bytes of a record that our types can't take.
_NOT_READABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Nameless(msgspec.Struct, tag_field="type", tag=""):
    """Stands beside a topic's only type; nothing can be read as one."""

    impossible: Annotated[str, msgspec.Meta(min_length=1, pattern="^$")]


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

    def decode(self, batch: Batch) -> tuple[list[int], list[E], list[Unreadable]]:
        """Return offsets and events of the readable records, and the others."""
        events = self._decode_at_once(batch)
        if events is not None:
            offsets = batch.offsets
            bad: list[Unreadable] = []
        else:
            offsets, events, bad = self._decode_one_by_one(batch)
        latest = datetime.now(UTC) + self._tolerance
        times = [e.time for e in events]
        if not events or (min(times) >= EARLIEST and max(times) <= latest):
            learned = [e.recordedat for e in events]
            if learned.count(None) == len(learned) or min(at for at in learned if at is not None) >= EARLIEST:
                return offsets, events, bad
        return self._sort_out_times(batch, offsets, events, bad, latest)

    def _decode_at_once(self, batch: Batch) -> list[Any] | None:
        """Decode all records in one pass of C; None when any of them needs a closer look."""
        if not all(batch.values):
            return None
        values = cast("list[bytes]", batch.values)
        if max(map(len, values), default=0) > MAX_RECORD_BYTES:
            return None
        # To search one text is quicker than to search many. No backslash, no escaped NUL; hardly any record has one.
        joined = b"".join(values)
        if b"\\" in joined and b"\\u0000" in joined:
            return None
        try:
            return list(map(self._decoder.decode, values))
        except _NOT_READABLE:
            return None

    def _decode_one_by_one(self, batch: Batch) -> tuple[list[int], list[Any], list[Unreadable]]:
        offsets: list[int] = []
        events: list[Any] = []
        bad: list[Unreadable] = []
        for offset, value in zip(batch.offsets, batch.values, strict=True):
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
    def _sort_out_times(
        batch: Batch, offsets: list[int], events: list[Any], bad: list[Unreadable], latest: datetime
    ) -> tuple[list[int], list[Any], list[Unreadable]]:
        values = batch.by_offset()
        kept_offsets: list[int] = []
        kept: list[Any] = []
        for offset, event in zip(offsets, events, strict=True):
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
        return kept_offsets, kept, bad


def _identity(event: Any) -> tuple[object, ...]:
    data = event.data
    return (
        event.id,
        event.source,
        event.subject,
        event.sequence,
        data.unit,
        getattr(data, "kiosk", None),
        getattr(data, "number", None),
    )
