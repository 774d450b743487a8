"""When the supervisor makes a backup by itself: once a day, in a new installation, and after a gap in the log."""

from __future__ import annotations

import logging
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from deploy.stack import wal
from deploy.stack.backups import manifest
from deploy.stack.layout import Layout
from deploy.stack.process import Command, Process
from ioc.errors import IocError
from ioc.settings import Settings

log = logging.getLogger("ioc.supervisor")

_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_LOOK_S: Final = 60.0
#: What failed is tried again after this.
_AGAIN_S: Final = 1800.0
_SETTLED_S: Final = 600.0


def due(settings: Settings, newest: datetime | None, now: datetime, *, gap: bool) -> bool:
    """Whether a backup should be made now.

    :param newest: when the last one was finished.
    :param gap: the archived log can't be applied to it up to now.
    """
    if not settings.backup_keep or not settings.backup_at:
        return False
    if newest is None or gap:
        return True
    hour, minute = map(int, settings.backup_at.split(":"))
    local = now.astimezone(_ZONE)
    today = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    last_due = today if today <= local else today - timedelta(days=1)
    return newest < last_due


class Backups:
    """Runs ``ioc backup`` as a process when it is due; to be ticked by the supervisor.

    :param settled_s: seconds for which servers that have just come up are left alone.
    """

    def __init__(self, settings: Settings, *, settled_s: float = _SETTLED_S) -> None:
        self._settings = settings
        layout = Layout.of(settings)
        self.process = Process(
            Command(
                name="backup",
                argv=("nice", "-n", "10", sys.executable, "-m", "ioc.cli", "backup"),
                log=layout.logs / "backup.log",
                lock=layout.processes_lock,
                environment={"PYTHONUNBUFFERED": "1"},
                directory=Path.cwd(),
                grace_s=10.0,
            )
        )
        self._next = time.monotonic() + settled_s
        self._runs = False

    def tick(self, *, database_is_up: bool) -> None:
        """Look once; never blocks for long."""
        if self._runs:
            if self.process.running:
                return
            self._runs = False
            if self.process.exit_code == 0:
                log.info("backup made")
            else:
                log.warning("the backup failed, see %s", self.process.command.log)
                self._next = time.monotonic() + _AGAIN_S
        if not self._settings.database_is_embedded or not database_is_up or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK_S
        try:
            if self._is_due():
                self.process.start()
                self._runs = True
        except (OSError, IocError) as error:
            log.warning("no backup: %s", error)
            self._next = time.monotonic() + _AGAIN_S

    def _is_due(self) -> bool:
        found, _ = manifest.listed(self._settings.backup_path.absolute())
        system = wal.system_of(Layout.of(self._settings).postgres / "data")
        own = [one for one in found if one.manifest.system == system]
        newest = own[0].manifest.finished_at if own else None
        return due(
            self._settings, newest, datetime.now(UTC), gap=bool(wal.gaps(self._settings, system))
        ) and os.access(self._settings.backup_path.absolute(), os.W_OK)

    def stop(self) -> None:
        """End one that is being made: what it wrote is removed by the next."""
        self.process.stop()
