"""Where a source was last read up to: one small JSON object a source, replaced whole or not at all."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import msgspec

from ioc.errors import InputError, UnavailableError, UsageError

_FORMAT: Final = "ioc-checkpoint-1"
_MOST_BYTES: Final = 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class _Stored(msgspec.Struct):
    format: str
    source: str
    crc: int
    value: msgspec.Raw


class Checkpoint:
    """The checkpoint of one source, in ``folder/<source>.json``.

    Save only after everything before it was accepted by the outbox: then a kill reads a stretch again and
    the sink removes the duplicates.

    :param folder: made when missing; readable by its owner only.
    :param source: 1 to 100 letters, digits, ``.``, ``_`` and ``-``; part of the file's name.
    :raises UsageError: when the name can't be a file's.
    """

    def __init__(self, folder: Path, source: str) -> None:
        if not _NAME.fullmatch(source):
            raise UsageError(
                f"A checkpoint can't be named {source!r}.",
                remedy="Use 1 to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit.",
            )
        self._source = source
        self.path = folder / f"{source}.json"

    def load(self) -> dict[str, Any] | None:
        """Return what was saved last; None when nothing was.

        :raises InputError: when the file is torn, was changed by hand or belongs to another source.
        :raises UnavailableError: when it can't be read.
        """
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable("read", error) from error
        try:
            stored = msgspec.json.decode(content, type=_Stored)
            value = msgspec.json.decode(stored.value, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unusable("it is torn, or no checkpoint") from error
        if stored.format != _FORMAT or stored.source != self._source:
            raise self._unusable("it belongs to another source or version")
        if stored.crc != crc32(bytes(stored.value)):
            raise self._unusable("its checksum does not fit")
        return value

    def save(self, value: dict[str, Any]) -> None:
        """Keep ``value``: once this returns, it outlives a power cut.

        :param value: anything that JSON can say, up to 1 MiB.
        :raises UsageError: when it can't be said in JSON or is too large; the former one stays.
        :raises UnavailableError: when it can't be written; the former one stays.
        """
        try:
            raw = msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"A checkpoint of {self._source} can't be written as JSON: {error}.") from error
        content = msgspec.json.encode(_Stored(_FORMAT, self._source, crc32(raw), msgspec.Raw(raw)))
        if len(content) > _MOST_BYTES:
            raise UsageError(f"A checkpoint of {self._source} is larger than {_MOST_BYTES} bytes.")
        waiting = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_durably(waiting, content)
            waiting.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            with suppress(OSError):
                waiting.unlink(missing_ok=True)
            raise self._unavailable("written", error) from error

    def _unusable(self, why: str) -> InputError:
        return InputError(
            f"The checkpoint {self.path} can't be used: {why}.",
            remedy="Move it away to read the source from its beginning; facts that are known are not counted twice.",
        )

    def _unavailable(self, what: str, error: OSError) -> UnavailableError:
        return UnavailableError(
            f"The checkpoint {self.path} can't be {what}: {error.strerror or error}.",
            remedy="Look at the folder's owner and the disk's free space.",
        )


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, and wait until the disk has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's entries: a rename or new file is durable only then."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
