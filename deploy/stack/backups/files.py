"""Files of a backup: hashed, synced, packed and unpacked, so that a part never looks whole."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from deploy.stack.backups.manifest import Backup, File
from ioc.errors import InputError

_PIECE: Final = 1024 * 1024
Tick = Callable[[str, int, int], None]
"""What is being done, how far it is, and of how much."""


def digest(path: Path, tick: Callable[[int], None] = lambda _read: None) -> str:
    """SHA-256 of a file, read piece by piece."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
            tick(len(piece))
    return found.hexdigest()


def describe(folder: Path, tick: Tick) -> tuple[File, ...]:
    """Hash and sync every file of a folder, and the folder."""
    paths = sorted(folder.iterdir())
    sizes = {path: path.stat().st_size for path in paths}
    done, of = 0, sum(sizes.values())

    def read(size: int) -> None:
        nonlocal done
        done += size
        tick("checking", done, of)

    found = []
    for path in paths:
        sync(path)
        found.append(File(path.name, sizes[path], digest(path, read)))
    sync(folder)
    return tuple(found)


def sync(path: Path) -> None:
    """Wait until the disk has a file or a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def verify(backup: Backup, tick: Tick) -> None:
    """Hold every file against the manifest.

    :raises InputError: one is missing, cut off or altered.
    """
    done, of = 0, backup.manifest.size

    def read(size: int) -> None:
        nonlocal done
        done += size
        tick("checking", done, of)

    for one in backup.manifest.files:
        path = backup.folder / one.name
        try:
            size = path.stat().st_size
            wrong = (
                f"has {size:,} of {one.size:,} bytes"
                if size != one.size
                else ("was altered: its checksum differs" if digest(path, read) != one.sha256 else None)
            )
        except OSError as error:
            wrong = f"can't be read ({error.strerror})"
        if wrong is not None:
            raise InputError(
                f"The backup {backup.name} can't be used: {one.name} {wrong}.",
                remedy="Use another one: ioc backup list. Delete this one when no copy of it is whole.",
            )


def pack(target: Path, parts: Iterable[tuple[Path, str]]) -> None:
    """Put files and folders under names of their own into a compressed archive that only its owner may read."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb") as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for path, name in parts:
            archive.add(path, name)


def unpack(source: Path, target: Path, tick: Callable[[int], None] = lambda _read: None) -> None:
    """Unpack a compressed archive into a folder: its folders and files alone, and nothing outside it.

    :raises InputError: it is damaged or holds what it must not.
    """
    try:
        with gzip.open(source, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            for member in archive:
                tick(member.size)
                # Debian's Python 3.11 has no filters for extractall yet
                _take_out(archive, member, target)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{source} can't be unpacked: {error}.", remedy="Use another backup.") from error


def _take_out(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isreg()):
        raise tarfile.TarError(f"{member.name!r} is no file or folder of its own")
    path, mode = target / name, member.mode & 0o700
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode | 0o700)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(member)
    # nothing that is there is followed or written over
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        if content is not None:
            shutil.copyfileobj(content, file, _PIECE)
    os.utime(path, (member.mtime, member.mtime))


def free_bytes(path: Path) -> int:
    """Free bytes of the disk of a folder."""
    return shutil.disk_usage(path).free
