"""Whose record it is: read from the bytes, however bad they are else."""

from __future__ import annotations

from typing import Final

import msgspec

from streams.batch import MAX_RECORD_BYTES

#: Stands for the source of records that don't say where they come from.
UNKNOWN: Final = "?"
_LONGEST_NAME: Final = 200


class _Sourced(msgspec.Struct):
    """The one field that is looked for."""

    source: str = UNKNOWN


_READER: Final = msgspec.json.Decoder(_Sourced)


def source_of(value: bytes | None) -> str:
    """Return the source that a record names; :data:`UNKNOWN` where it names none."""
    if not value or len(value) > MAX_RECORD_BYTES:
        return UNKNOWN
    try:
        name = _READER.decode(value).source
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNKNOWN
    return name if 0 < len(name) <= _LONGEST_NAME and "\x00" not in name else UNKNOWN
