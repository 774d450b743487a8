"""Which history a moment belongs to: each restore begins a new timeline of the database's log.

A restore to ten o'clock at noon leaves two histories of eleven o'clock: the one that was lived, and none in the new
timeline. A moment before the restore means the former, one after it the latter. Each restore is noted in
``restores.jsonl`` beside the backups.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from deploy.stack.backups.manifest import Backup, listed
from ioc.errors import InputError, UsageError


class Restore(msgspec.Struct, frozen=True):
    """A restore that was done."""

    restored_at: datetime
    moment: datetime
    """As of when the data were that it began with."""
    system: str
    timeline: int
    parent: int


def path_of(folder: Path) -> Path:
    """Where restores are noted."""
    return folder / "restores.jsonl"


def noted(folder: Path) -> list[Restore]:
    """All restores, oldest first.

    :raises InputError: the file can't be read.
    """
    path = path_of(folder)
    try:
        found = [msgspec.json.decode(line, type=Restore) for line in path.read_bytes().splitlines() if line]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{path} can't be read: {error}.", remedy="Mend it, or move it away.") from error
    return sorted(found, key=lambda one: one.restored_at)


def note(folder: Path, restore: Restore) -> None:
    """Add a restore."""
    descriptor = os.open(path_of(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(msgspec.json.encode(restore) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def lived(restores: Sequence[Restore], system: str, first: int, at: datetime | None) -> int:
    """The timeline that was lived at a moment, or is now.

    :param first: of the server before any restore.
    """
    before = [one for one in restores if one.system == system and (at is None or one.restored_at <= at)]
    return before[-1].timeline if before else first


def on_the_way(backups: Sequence[Backup], restores: Sequence[Restore], timeline: int) -> list[Backup]:
    """Backups from which a timeline can be reached, in the order in which they were given."""
    born = {(one.system, one.timeline): one for one in restores}
    found = []
    for backup in backups:
        made = backup.manifest
        at, until = timeline, None
        while at != made.timeline and (made.system, at) in born:
            step = born[made.system, at]
            until = step.moment if until is None else min(until, step.moment)
            at = step.parent
        if at == made.timeline and (until is None or made.finished_at <= until):
            found.append(backup)
    return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a restore begins with, and the timeline that it follows."""

    backup: Backup
    timeline: int


def choose(folder: Path, name: str | None, at: datetime | None) -> Chosen:
    """The named backup, else the newest from which the wanted moment can be reached.

    :raises UsageError: there is none.
    """
    backups, wrong = listed(folder)
    restores = noted(folder)
    if name is not None:
        backups = [one for one in backups if one.name == name]
    if at is not None:
        backups = [one for one in backups if one.manifest.finished_at <= at]
    if backups and name is not None and at is None:
        return Chosen(backups[0], backups[0].manifest.timeline)
    if backups:
        system = backups[0].manifest.system
        own = [one for one in backups if one.manifest.system == system]
        timeline = lived(restores, system, min(one.manifest.timeline for one in own), at)
        if suiting := on_the_way(own, restores, timeline):
            return Chosen(suiting[0], timeline)
    which = f"named {name}" if name is not None else "there"
    when = "" if at is None else f" from which {at.isoformat()} can be reached"
    raise UsageError(
        f"There is no backup {which}{when} in {folder}." + "".join(f" {one}" for one in wrong),
        remedy="See: ioc backup list, or name another folder in IOC_BACKUP_DIR.",
    )
