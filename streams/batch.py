"""A micro-batch: consecutive records of one partition, taken from Kafka at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import not_
from typing import Final, NamedTuple

from ioc.tracing import Context

#: Requests of one batch that its span is linked with.
MOST_TRACES: Final = 32
#: A larger record can't be a fact of ours.
MAX_RECORD_BYTES: Final = 1024 * 1024


class Partition(NamedTuple):
    """A topic and partition. Equal to Faust's and aiokafka's own pairs, which are named tuples too."""

    topic: str
    partition: int


class Records(NamedTuple):
    """Some records of one partition: offsets, and the values at the same places."""

    offsets: list[int]
    values: list[bytes | None]
    #: Filled in by who decodes them: how many came of each source, as far as they say.
    sources: Counter[str]

    def by_offset(self) -> dict[int, bytes | None]:
        """Return the values by their offsets."""
        return dict(zip(self.offsets, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition that cover the offsets ``start <= offset < end``.

    Offsets may have holes (compaction, control records): what makes two batches neighbours is that the
    end of one is the start of the next, not that offsets are consecutive.
    """

    partition: Partition
    start: int
    end: int
    #: Kafka's log end when the batch was fetched.
    log_end: int
    offsets: list[int]
    values: list[bytes | None]
    #: Bytes of all values together.
    size: int = 0
    #: Records of halted sources, which are to be set aside and not read.
    held: Records | None = None
    #: Requests that brought some of its records, as far as spans are made of them; a few.
    traces: tuple[Context, ...] = ()
    #: How many records came of each source; known once the batch is decoded.
    sources: Counter[str] = field(default_factory=Counter, init=False, compare=False)

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def records(self) -> Records:
        """The records without what tells where they belong."""
        return Records(self.offsets, self.values, self.sources)

    def by_offset(self) -> dict[int, bytes | None]:
        """Return the values by their offsets."""
        return self.records.by_offset()

    def joined(self, following: Batch) -> Batch:
        """Return this batch and its neighbour as one."""
        return Batch(
            partition=self.partition,
            start=self.start,
            end=following.end,
            log_end=following.log_end,
            offsets=self.offsets + following.offsets,
            values=self.values + following.values,
            size=self.size + following.size,
            traces=(self.traces + following.traces)[:MOST_TRACES],
        )

    def cut(self, count: int) -> tuple[Batch, Batch | None]:
        """Return the first ``count`` records as a batch, and the rest as another one if there is any."""
        if count >= len(self):
            return self, None
        edge = self.offsets[count]
        head, tail = slice(None, count), slice(count, None)
        size = sum(map(len, filter(None, self.values[head])))
        return (
            replace(self, end=edge, offsets=self.offsets[head], values=self.values[head], size=size),
            replace(
                self,
                start=edge,
                offsets=self.offsets[tail],
                values=self.values[tail],
                size=self.size - size,
            ),
        )

    def pieces(self, count: int) -> Iterator[Records]:
        """Yield the records in pieces of at most ``count``; nothing where there are none."""
        for first in range(0, len(self), count):
            part = slice(first, first + count)
            yield Records(self.offsets[part], self.values[part], self.sources)

    def holding(self, marks: Sequence[bool]) -> Batch:
        """Return the batch with the marked records in ``held``."""
        others = list(map(not_, marks))
        return replace(
            self,
            offsets=list(compress(self.offsets, others)),
            values=list(compress(self.values, others)),
            held=Records(list(compress(self.offsets, marks)), list(compress(self.values, marks)), Counter()),
        )

    def after(self, offset: int) -> Batch:
        """Return the part of this batch from ``offset`` on."""
        if offset <= self.start:
            return self
        keep = next((i for i, found in enumerate(self.offsets) if found >= offset), len(self.offsets))
        return Batch(
            partition=self.partition,
            start=offset,
            end=self.end,
            log_end=self.log_end,
            offsets=self.offsets[keep:],
            values=self.values[keep:],
            size=self.size,
            traces=self.traces,
        )


@dataclass(frozen=True, slots=True)
class OffsetLost:
    """Kafka answered that it does not have the offset that the partition stands at."""

    partition: Partition
    offset: int
