"""From a batch's bytes to typed events, in one call where all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from ioc.events import TOPIC_TYPES
from streams.batch import Batch
from streams.unreadable import Unreadable

E = TypeVar("E")

#: A larger record can't be a fact of ours.
MAX_RECORD_BYTES = 1024 * 1024
#: No fact of a district's own systems is older.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class BatchDecoder(Generic[E]):
    """Decodes the records of one topic.

    :param subject_topic: the topic's name without prefix, a key of :data:`ioc.events.TOPIC_TYPES`.
    :param future_tolerance_s: how far ahead of this machine's clock a fact may be dated.
    """

    def __init__(self, subject_topic: str, future_tolerance_s: float) -> None:
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(TOPIC_TYPES[subject_topic])
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
        if not events or (min(e.time for e in events) >= EARLIEST and max(e.time for e in events) <= latest):
            return offsets, events, bad
        return self._sort_out_times(batch, offsets, events, bad, latest)

    def _decode_at_once(self, batch: Batch) -> list[Any] | None:
        """Decode all records as lines of one text; None when any of them is not exactly one good line."""
        values = batch.values
        if not values:
            return []
        try:
            joined = b"\n".join(values)  # type: ignore[arg-type]  # None raises TypeError: not all are lines
        except TypeError:
            return None
        # One newline between two records and none inside: then each line is one record, whole.
        if joined.count(b"\n") != len(values) - 1 or len(max(values, key=_size)) > MAX_RECORD_BYTES:  # type: ignore[arg-type]
            return None
        try:
            events = self._decoder.decode_lines(joined)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return events if len(events) == len(values) else None

    def _decode_one_by_one(self, batch: Batch) -> tuple[list[int], list[Any], list[Unreadable]]:
        offsets: list[int] = []
        events: list[Any] = []
        bad: list[Unreadable] = []
        decode = self._decoder.decode
        for offset, value in zip(batch.offsets, batch.values, strict=True):
            if not value:
                bad.append(Unreadable(offset, "empty", "the record has no value", value))
            elif len(value) > MAX_RECORD_BYTES:
                bad.append(
                    Unreadable(offset, "too-large", f"{len(value)} bytes, at most {MAX_RECORD_BYTES}", value)
                )
            else:
                try:
                    events.append(decode(value))
                    offsets.append(offset)
                except msgspec.ValidationError as error:
                    reason = "unknown-type" if "$.type" in str(error) else "invalid"
                    bad.append(Unreadable(offset, reason, str(error), value))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    bad.append(Unreadable(offset, "not-json", str(error), value))
        return offsets, events, bad

    @staticmethod
    def _sort_out_times(
        batch: Batch, offsets: list[int], events: list[Any], bad: list[Unreadable], latest: datetime
    ) -> tuple[list[int], list[Any], list[Unreadable]]:
        values = dict(zip(batch.offsets, batch.values, strict=True))
        kept_offsets: list[int] = []
        kept: list[Any] = []
        for offset, event in zip(offsets, events, strict=True):
            if event.time > latest:
                bad.append(
                    Unreadable(offset, "far-future", f"dated {event.time.isoformat()}", values[offset])
                )
            elif event.time < EARLIEST:
                bad.append(Unreadable(offset, "far-past", f"dated {event.time.isoformat()}", values[offset]))
            else:
                kept_offsets.append(offset)
                kept.append(event)
        return kept_offsets, kept, bad


def _size(value: bytes) -> int:
    return len(value)
