"""Up to where a spool was acknowledged: two slots written in turn, so that one of them is always whole.

It is not fsynced: after a power cut it may be older than the truth, and then a stretch is sent again.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final
from zlib import crc32

_FIELDS: Final = struct.Struct("<QQQQ")
_CRC: Final = struct.Struct("<I")
_SLOT_BYTES: Final = 64


class Cursor:
    """The cursor file, open; made when missing.

    :raises OSError: when it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._sequence = 0

    def load(self) -> tuple[int, int, int]:
        """Number of the oldest message, segment that holds it, where it begins there: of the newer whole slot.

        A file without one says 1, 0, 0: everything there is waits.
        """
        best = (0, 1, 0, 0)
        for place in (0, 1):
            slot = os.pread(self._file, _FIELDS.size + _CRC.size, place * _SLOT_BYTES)
            if len(slot) == _FIELDS.size + _CRC.size:
                fields, crc = slot[: _FIELDS.size], slot[_FIELDS.size :]
                if _CRC.pack(crc32(fields)) == crc:
                    best = max(best, _FIELDS.unpack(fields))
        self._sequence, *place_of = best
        number, segment, offset = place_of
        return number, segment, offset

    def store(self, number: int, segment: int, offset: int) -> None:
        """Move on; arguments as :meth:`load` gives them."""
        self._sequence += 1
        fields = _FIELDS.pack(self._sequence, number, segment, offset)
        os.pwrite(self._file, fields + _CRC.pack(crc32(fields)), self._sequence % 2 * _SLOT_BYTES)

    def close(self) -> None:
        os.close(self._file)
