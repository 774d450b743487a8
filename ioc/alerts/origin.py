"""Which records an entry of an alert's trail was written with: the way back from an alert to its fact."""

from __future__ import annotations

import msgspec


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The records ``start <= offset < end`` of a partition, in whose transaction something was written.

    :param topic: with its prefix.
    :param epoch: of the partition's owner then.
    :param trace: id of the trace of that batch, where traces are sent.
    """

    topic: str
    partition: int
    start: int
    end: int
    epoch: int
    trace: str | None = None

    def encode(self) -> str:
        """As it is stored."""
        return _ENCODER.encode(self).decode()

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} offsets {self.start}-{self.end - 1}"


_ENCODER = msgspec.json.Encoder()


def of(stored: object) -> Origin | None:
    """Read what is stored; None where there is none, or it was written by another version."""
    if stored is None:
        return None
    try:
        return msgspec.convert(stored, Origin)
    except msgspec.ValidationError:
        return None
