"""How old the newest backup is, by the manifests that whoever backs up leaves.

A backup that is complete leaves ``backup-<anything>.json`` in the folder of backups: an object with at least
``finished_at`` (RFC 3339 with an offset) and ``complete`` (true). What else stands in it is its own.
"""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from ioc.settings import Settings
from ioc.watch.reading import Connection, Reading

_MOST_MANIFESTS: Final = 1000
_MOST_BYTES: Final = 256 * 1024
_SINCE = "SELECT detail->>'watched_since' FROM ioc.reading WHERE name = 'backup.age_s' AND instance = %s"


class Manifest(msgspec.Struct, frozen=True):
    """What is read of a backup's manifest."""

    finished_at: datetime
    complete: bool = False


def age(connection: Connection, settings: Settings, now: datetime) -> Reading:
    """Seconds since the newest complete backup.

    Where there never was one it is unknown at first. An installation that is older than ``IOC_FIRST_BACKUP_DAYS``
    counts as backed up when it began, so that a rule on the age holds for it too: that much at least can be lost.
    """
    host = socket.gethostname()
    row = connection.execute(_SINCE, (host,)).fetchone()
    since = datetime.fromisoformat(row[0]) if row is not None and row[0] else now
    detail: dict[str, Any] = {"watched_since": since.isoformat()}
    newest, unreadable = newest_backup(settings.backup_path)
    if unreadable:
        detail["unreadable"] = unreadable
    if newest is not None:
        detail["finished_at"] = newest.isoformat()
        return Reading("backup.age_s", host, max(0.0, (now - newest).total_seconds()), detail)
    detail["state"] = "never"
    old = now - since >= timedelta(days=settings.first_backup_days)
    return Reading("backup.age_s", host, (now - since).total_seconds() if old else None, detail)


def newest_backup(folder: Path) -> tuple[datetime | None, int]:
    """When the newest complete backup was finished, and how many manifests could not be read."""
    newest: datetime | None = None
    unreadable = 0
    try:
        paths = sorted(folder.glob("backup-*.json"), reverse=True)[:_MOST_MANIFESTS]
    except OSError:
        return None, 0
    for path in paths:
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError
            found = msgspec.json.decode(path.read_bytes(), type=Manifest)
            if found.finished_at.tzinfo is None:
                raise ValueError
        except (OSError, ValueError):
            unreadable += 1
            continue
        if found.complete and (newest is None or found.finished_at > newest):
            newest = found.finished_at
    return newest, unreadable
