"""What a backup says of itself, and which there are.

``backup-NAME.json`` is written last, so that a folder without one is no backup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from ioc.errors import InputError

FORMAT: Final = 1
_MOST_BYTES: Final = 4 * 1024 * 1024


class File(msgspec.Struct, frozen=True):
    """A file of a backup."""

    name: str
    size: int
    sha256: str


class Offset(msgspec.Struct, frozen=True):
    """How far a partition had been counted."""

    topic: str
    partition: int
    next_offset: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds, and what restores it."""

    format: int
    name: str
    started_at: datetime
    finished_at: datetime
    """As of when it holds the data."""
    complete: bool
    platform: str
    """Version of the program that made it."""
    schema: str
    """Revision of the database's schema."""
    postgres: str
    """Version of the server; its major version restores it."""
    timescaledb: str
    data_bytes: int
    """Bytes of the server's data when restored, about."""
    system: str
    """Identifier of the server, which its log has too."""
    timeline: int
    wal_start: str
    """Name of the first segment of the log that it needs, less its timeline."""
    files: tuple[File, ...]
    offsets: tuple[Offset, ...]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(one.size for one in self.files)


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup: its manifest and the folder of its files."""

    manifest: Manifest
    folder: Path

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def manifest_path(self) -> Path:
        return path_of(self.folder.parent, self.name)


def path_of(folder: Path, name: str) -> Path:
    """Where the manifest of a backup is."""
    return folder / f"backup-{name}.json"


def listed(folder: Path) -> tuple[list[Backup], list[str]]:
    """Complete backups, newest first; and what is wrong with other manifests."""
    found: list[Backup] = []
    wrong: list[str] = []
    for path in sorted(folder.glob("backup-*.json")):
        try:
            found.append(read(path))
        except InputError as error:
            wrong.append(error.message)
    return sorted(found, key=lambda one: one.manifest.finished_at, reverse=True), wrong


def read(path: Path) -> Backup:
    """:raises InputError: it is no manifest of a complete backup that this program knows."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        if manifest.format != FORMAT or not manifest.complete or manifest.finished_at.tzinfo is None:
            raise ValueError("it is of another format")
        if path_of(path.parent, manifest.name) != path or any("/" in one.name for one in manifest.files):
            raise ValueError("it names files that are not its own")
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} is no manifest of a backup: {error}.") from error
    folder = path.parent / manifest.name
    if not folder.is_dir():
        raise InputError(f"{path.name} is there, and the folder {manifest.name} of its files is not.")
    return Backup(manifest, folder)
