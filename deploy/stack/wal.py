"""The database's log (WAL), archived segment by segment beside the backups: what restores any moment between them.

The archive never stops the platform: where the disk of the backups has no room, a segment is not kept and a ``gap-…``
file says so. A new backup closes the gap.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.stack.accounts import Account, require_reachable
from deploy.stack.layout import Layout, write_atomically
from ioc.settings import Settings

_SEGMENT: Final = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.[0-9A-F]{8}\.backup|\.partial)?\.gz")
_GAP: Final = "gap-"
#: Changes of a quiet district are in the archive after this, in seconds.
SWITCH_S: Final = 300
_ARCHIVE: Final = """#!/bin/sh
# Written by ioc at every start. archive-wal PATH NAME: keeps a segment of PostgreSQL's log, whole or not at all.
set -eu
folder={folder}
target="$folder/$2.gz"
part="$folder/.$2.part"
if [ -f "$target" ]; then
    gzip -dc "$target" | cmp -s - "$1"
    exit
fi
free=$(df -Pk "$folder" | awk 'NR == 2 {{ print $4 }}')
if [ "$free" -lt {least_kb} ]; then
    : > "$folder/gap-$2"
    exit 0
fi
gzip -1 -c "$1" > "$part"
sync "$part"
mv "$part" "$target"
sync "$folder"
"""


def folder(settings: Settings, system: str) -> Path:
    """Where segments of a server are kept; the database's user's own.

    :param system: the server's identifier: two servers' logs have the same names.
    """
    return settings.backup_path.absolute() / "wal" / system


def system_of(data: Path) -> str:
    """Identifier of the server whose data folder this is."""
    with (data / "global" / "pg_control").open("rb") as file:
        return str(int.from_bytes(file.read(8), sys.byteorder))


def lines(settings: Settings) -> dict[str, str | int]:
    """The server's settings for archiving."""
    if not settings.backup_keep:
        return {"archive_mode": "off"}
    script = shlex.quote(str(_script(settings)))
    return {
        "archive_mode": "on",
        "archive_command": f"/bin/sh {script.replace('%', '%%')} %p %f".replace("'", "''"),
        "archive_timeout": SWITCH_S,
    }


def _script(settings: Settings) -> Path:
    return Layout.of(settings).postgres / "archive-wal"


def prepare(settings: Settings, account: Account, data: Path) -> None:
    """Make folder and script for a server.

    :param data: its data folder.

    :raises SettingsError: the database's user can't reach the folder.
    """
    if not settings.backup_keep:
        return
    wal = folder(settings, system_of(data))
    require_reachable(make_folder(settings), account, "IOC_BACKUP_DIR")
    wal.parent.mkdir(exist_ok=True, mode=0o711)
    wal.mkdir(exist_ok=True, mode=0o700)
    least_kb = settings.spool_free_bytes // 1024
    write_atomically(
        _script(settings), _ARCHIVE.format(folder=shlex.quote(str(wal)), least_kb=least_kb), mode=0o600
    )
    if os.geteuid() == 0:
        for path in (wal, _script(settings)):
            os.chown(path, account.uid, account.gid)


def make_folder(settings: Settings) -> Path:
    """The folder of backups; the database's user may pass it, not look into it."""
    path = settings.backup_path.absolute()
    path.mkdir(parents=True, exist_ok=True, mode=0o711)
    if os.geteuid() == 0:
        path.chmod(0o711)
    return path


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the archive."""

    path: Path
    place: str
    """Sixteen hexadecimal characters that grow with the log, whatever its timeline."""


def segments(settings: Settings, system: str) -> Iterator[Segment]:
    """Segments in the archive, in no order; files of timelines are none."""
    if not folder(settings, system).is_dir():
        return
    for path in folder(settings, system).iterdir():
        if match := _SEGMENT.fullmatch(path.name):
            yield Segment(path, match[2])


def gaps(settings: Settings, system: str) -> list[Path]:
    """Marks of segments that were not kept."""
    return sorted(folder(settings, system).glob(f"{_GAP}*"))


def forget_before(settings: Settings, system: str, place: str) -> int:
    """Delete segments from before a place, which no backup needs any more; returns how many."""
    gone = [one.path for one in segments(settings, system) if one.place < place]
    gone += [path for path in gaps(settings, system) if path.name.removeprefix(_GAP)[8:24] < place]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def mark_gap(settings: Settings, system: str, why: str) -> None:
    """Note that a new backup is needed, as after a restore."""
    path = folder(settings, system)
    if path.is_dir():
        (path / f"{_GAP}{why}").touch()
