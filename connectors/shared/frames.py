"""How a message stands in a file so that damage shows, and what follows the damage can still be read.

::

    "IOCs" | body bytes u32 | number u64 | put at, µs since 1970, i64 | topic bytes u16 | key bytes u16 | body CRC u32
    head CRC u32
    topic, key, value; where the mark is "IOCt", after the 55 bytes of a ``traceparent``

All numbers are little-endian; the CRCs are zlib's CRC-32.
"""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple
from zlib import crc32

_MARK: Final = b"IOCs"
#: Of a message that knows which request brought it.
_MARK_TRACED: Final = b"IOCt"
_MARKS: Final = (_MARK, _MARK_TRACED)
_MARKED: Final = re.compile(b"IOC[st]")
_TRACE_BYTES: Final = 55
_HEAD: Final = struct.Struct("<4sIQqHHI")
_CRC: Final = struct.Struct("<I")

FRAME_BYTES: Final = _HEAD.size + _CRC.size
"""What a message costs on disk beside its own bytes."""
MOST_MESSAGE_BYTES: Final = 2 * 1024 * 1024
"""Largest message with its frame; Kafka's own limit is lower. A head that says more is damaged."""


class Message(NamedTuple):
    """What Kafka is to be given."""

    topic: str
    key: bytes
    value: bytes
    trace: bytes = b""
    """``traceparent`` of the request that brought it: 55 bytes, or none."""

    @property
    def size(self) -> int:
        """Bytes that it takes on disk; the name of a topic is ASCII."""
        return FRAME_BYTES + len(self.topic) + len(self.key) + len(self.value) + len(self.trace)


class Frame(NamedTuple):
    """A message as it was read, and where it stands in the data."""

    message: Message
    number: int
    put_us: int
    start: int
    end: int


class Short(NamedTuple):
    """The data ends within a frame; ``need`` bytes from its start would tell more."""

    need: int


class Damage(NamedTuple):
    """A stretch that is no frame, or one that does not fit its checksum."""

    start: int
    end: int


def encode(message: Message, number: int, put_us: int) -> bytes:
    """Return a message as a frame."""
    topic = message.topic.encode("ascii")
    traced = len(message.trace) == _TRACE_BYTES
    body = b"".join((message.trace if traced else b"", topic, message.key, message.value))
    head = _HEAD.pack(
        _MARK_TRACED if traced else _MARK,
        len(body),
        number,
        put_us,
        len(topic),
        len(message.key),
        crc32(body),
    )
    return b"".join((head, _CRC.pack(crc32(head)), body))


def read(data: bytes, at: int, *, last: bool) -> Frame | Short | Damage:
    """Read what stands at an offset, which is before the end of the data.

    :param last: nothing follows the data: a frame cut short will never be whole.
    """
    if len(data) - at < FRAME_BYTES:
        return Short(FRAME_BYTES)
    head = _head(data, at)
    if head is None:
        found = _find(data, at + 1)
        if found is None:  # a head may begin in the last bytes
            found = len(data) if last else len(data) - FRAME_BYTES + 1
        return Damage(at, found)
    size, number, put_us, topic_size, key_size, crc = head
    traced = data[at : at + len(_MARK)] == _MARK_TRACED
    begin = at + FRAME_BYTES
    end = begin + size
    if len(data) < end:
        return Short(end - at)
    body = data[begin:end]
    if crc32(body) != crc:
        return Damage(at, end)
    trace = body[:_TRACE_BYTES] if traced else b""
    body = body[len(trace) :]
    key_end = topic_size + key_size
    message = Message(
        body[:topic_size].decode("ascii", "replace"), body[topic_size:key_end], body[key_end:], trace
    )
    return Frame(message, number, put_us, at, end)


def _head(data: bytes, at: int) -> tuple[int, int, int, int, int, int] | None:
    """Body bytes, number, time, bytes of topic and key, body CRC; None when it does not fit its checksum."""
    if len(data) - at < FRAME_BYTES:
        return None
    mark, size, number, put_us, topic, key, crc = _HEAD.unpack_from(data, at)
    (head_crc,) = _CRC.unpack_from(data, at + _HEAD.size)
    whole = mark in _MARKS and head_crc == crc32(data[at : at + _HEAD.size])
    least = topic + key + (_TRACE_BYTES if mark == _MARK_TRACED else 0)
    if not whole or least > size or size > MOST_MESSAGE_BYTES:
        return None
    return size, number, put_us, topic, key, crc


def _find(data: bytes, at: int) -> int | None:
    """Where the next whole head begins at or after an offset."""
    for found in _MARKED.finditer(data, at):
        if _head(data, found.start()) is not None:
            return found.start()
    return None
