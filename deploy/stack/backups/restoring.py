"""Restores a backup into an empty data folder, up to a moment, and makes it fit to be served.

The copy is brought up under a server of its own on a port that nobody knows; there the log is applied, the schema is
brought up to date, what was erased since is erased again, and calls that waited are cancelled. Only then it becomes the
data folder. A kill before leaves the data folder as it was, and a remainder that the next restore removes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from deploy.stack import accounts, install_postgres, wal
from deploy.stack.backups import files, timelines
from deploy.stack.backups.files import Tick
from deploy.stack.backups.manifest import Backup, Manifest
from deploy.stack.backups.taking import SECRETS, STATE, require_embedded, require_room
from deploy.stack.install import ensure_installed
from deploy.stack.layout import Layout, write_atomically
from deploy.stack.postgres import RESTORED, EmbeddedPostgres
from deploy.stack.process import Command, Process, last_lines, wait_for_leftovers
from deploy.stack.supervisor import running_pid
from ioc.delivery import quiet
from ioc.errors import InputError, UnavailableError, UsageError
from ioc.privacy.erasing import apply_again
from ioc.settings import Settings
from ioc.storage import migrate

_FETCH: Final = """#!/bin/sh
# fetch-wal NAME PATH: a segment of the archive, or of a data folder that was in use.
if [ -f {folder}/"$1".gz ]; then
    gzip -dc {folder}/"$1".gz > "$2"
    exit
fi
for data in {postgres}/data {postgres}/data.aside-*; do
    if [ -f "$data/pg_wal/$1" ]; then
        cp "$data/pg_wal/$1" "$2"
        exit
    fi
done
exit 1
"""
_POLL_S: Final = 0.1
_REACHED: Final = """
SELECT pg_last_xact_replay_timestamp(), ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands in the data folder now.

    :param moment: as of when the data are.
    :param erased: dossiers of the erasure ledger that the backup still had.
    :param aside: where the former data folder is; None where there was none.
    :param revision: of the schema.
    :param cancelled: messages that waited in the backup, and are not sent.
    """

    backup: str
    moment: datetime
    erased: int
    aside: Path | None
    revision: str
    cancelled: int


def restore(
    settings: Settings,
    tick: Tick,
    *,
    name: str | None = None,
    at: datetime | None = None,
    aside: bool = False,
) -> Restored:
    """Restore the newest backup and all of the log since; or one as it was made; or all as of a moment.

    :param name: of the backup; without ``at`` nothing that came after it is applied.
    :param at: moment up to which the log is applied.
    :param aside: move a data folder that is there aside; otherwise it is an error that there is one.
    :raises UsageError: the platform runs, there is data, or there is no such backup.
    :raises InputError: the backup is damaged, or of another version than this machine's programs.
    :raises UnavailableError: the disk has no room, or the log does not reach the moment.
    """
    require_embedded(settings)
    layout = Layout.of(settings)
    layout.prepare()
    if running_pid(settings) is not None or not wait_for_leftovers(layout.processes_lock, 0.0):
        raise UsageError("The platform is up: nothing can be restored under it.", remedy="ioc down")
    data = layout.postgres / "data"
    if data.exists() and not aside:
        raise UsageError(
            f"There is data in {data}; it is not overwritten.",
            remedy="Give --aside to move it aside and keep it, or name an empty IOC_STATE_DIR.",
        )
    ensure_installed(settings)
    folder = settings.backup_path.absolute()
    chosen = timelines.choose(folder, name, at)
    backup = chosen.backup
    _require_fitting(settings, backup.manifest)
    for remainder in (layout.postgres / RESTORED, *layout.secrets.glob("restore-*")):
        shutil.rmtree(remainder, ignore_errors=True)
    require_room(layout.state, backup.manifest.data_bytes, "the restored database")
    files.verify(backup, tick)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=layout.secrets) as scratch:
        secrets = Path(scratch)
        files.unpack(backup.folder / STATE, secrets)
        _install_secrets(layout, secrets / SECRETS)
        server = _Restoring(settings, chosen, secrets / SECRETS, at, exact=name is not None and at is None)
        try:
            server.unpack(tick)
            server.start()
            server.wait(tick)
            found = _make_fit(server, settings, backup, tick)
        except BaseException:
            server.stop()
            shutil.rmtree(server.data, ignore_errors=True)
            raise
        server.stop()
        server.leave_no_trace()
    moved = None
    if data.exists():
        moved = layout.postgres / f"data.aside-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        data.rename(moved)
    server.data.rename(data)
    files.sync(layout.postgres)
    timelines.note(
        folder,
        timelines.Restore(
            datetime.now(UTC), found.moment, backup.manifest.system, found.timeline, chosen.timeline
        ),
    )
    wal.mark_gap(settings, backup.manifest.system, "restored")  # a backup of the new timeline is due
    return Restored(backup.name, found.moment, found.erased, moved, found.revision, found.cancelled)


def _require_fitting(settings: Settings, made: Manifest) -> None:
    """:raises InputError: this machine's programs can't run the backup's data."""
    major = made.postgres.split(".")[0]
    libraries = install_postgres.bin_folder(Layout.of(settings).software).parent / "lib"
    if major != str(install_postgres.MAJOR):
        what = f"PostgreSQL {major}, and this machine has {install_postgres.MAJOR}"
    elif not (libraries / f"timescaledb-{made.timescaledb}.so").is_file():
        here = ", ".join(
            sorted(path.stem.removeprefix("timescaledb-") for path in libraries.glob("timescaledb-[0-9]*.so"))
        )
        what = f"TimescaleDB {made.timescaledb}, and this machine has {here or 'none'}"
    elif not migrate.knows(made.schema):
        what = f"schema {made.schema}, and this program knows {migrate.head_revision()} (platform {made.platform})"
    else:
        return
    raise InputError(
        f"The backup {made.name} can't be restored here: it was made with {what}.",
        remedy="Restore it with the version of the platform that made it, then upgrade.",
    )


class _Restoring(EmbeddedPostgres):
    """A server over the unpacked copy, on a port of its own, that applies the log and then takes changes."""

    name = "restore"

    def __init__(
        self, settings: Settings, chosen: timelines.Chosen, secrets: Path, at: datetime | None, *, exact: bool
    ) -> None:
        self._given = settings
        super().__init__(settings.model_copy(update={"database_port": _free_port()}))
        self.data = self.layout.postgres / RESTORED
        self._data = self.data
        self._backup, self._timeline = chosen.backup, chosen.timeline
        self._secrets, self._at, self.exact = secrets, at, exact
        self._script = self.layout.postgres / "fetch-wal"
        self._log = self.layout.logs / "restore.log"
        self.knows_own_passwords = False

    def password(self, name: str) -> str:
        """The backup's own at first: it is the one that the copy knows."""
        if self.knows_own_passwords:
            return super().password(name)
        return (self._secrets / name).read_text().strip()

    @property
    def process(self) -> Process:
        if self._process is None:
            target = {
                "recovery_target_action": "promote",
                "recovery_target_timeline": str(self._timeline),
                "restore_command": self._fetching(),
            }
            if self._at is not None:
                target["recovery_target_time"] = self._at.astimezone(UTC).isoformat()
            elif self.exact:
                target["recovery_target"] = "immediate"
            options = [part for key, value in target.items() for part in ("-c", f"{key}={value}")]
            self._process = Process(
                Command(
                    name=self.name,
                    argv=[
                        str(self._program("postgres")),
                        "-D",
                        str(self.data),
                        "-c",
                        "hot_standby=off",
                        *options,
                    ],
                    log=self._log,
                    lock=self.layout.processes_lock,
                    environment={"LC_ALL": "C", "LANG": "C"},
                    directory=self.layout.postgres,
                    account=self.account,
                    stop_signal=signal.SIGINT,
                    grace_s=60.0,
                )
            )
        return self._process

    def _fetching(self) -> str:
        return f"/bin/sh {shlex.quote(str(self._script)).replace('%', '%%')} %f %p"

    def unpack(self, tick: Tick) -> None:
        """Lay out the copy."""
        accounts.require_reachable(self.layout.state, self.account, "IOC_STATE_DIR")
        self.layout.postgres.mkdir(exist_ok=True, mode=0o700)
        self.data.mkdir(mode=0o700)
        done, of = 0, max(1, self._backup.manifest.data_bytes)

        def progress(size: int) -> None:
            nonlocal done
            done = min(of, done + size)
            tick("unpacking", done, of)

        try:
            files.unpack(self._backup.folder / "base.tar.gz", self.data, progress)
            files.unpack(self._backup.folder / "pg_wal.tar.gz", self.data / "pg_wal", progress)
            (self.data / "recovery.signal").touch(mode=0o600)
        except OSError as error:
            raise UnavailableError(
                f"The backup can't be unpacked to {self.data}: {error.strerror}.",
                remedy="See that the disk has room.",
            ) from error
        script = _FETCH.format(
            folder=shlex.quote(str(wal.folder(self._given, self._backup.manifest.system))),
            postgres=shlex.quote(str(self.layout.postgres)),
        )
        write_atomically(self._script, script, mode=0o600)
        if os.geteuid() == 0:
            for path in (self.layout.postgres, self._script, self.data, *self.data.rglob("*")):
                os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def wait(self, tick: Tick) -> None:
        """Wait until the log is applied, however long that takes.

        :raises UnavailableError: the server gave up, with what it said.
        """
        turns = 0
        while not self.is_ready():
            if not self.process.running:
                raise self._failed()
            turns += 1
            tick("applying the log", turns % 100, 100)
            time.sleep(_POLL_S)

    def _failed(self) -> UnavailableError:
        tail = last_lines(self._log, 12)
        if any("recovery ended before configured recovery target was reached" in line for line in tail):
            return UnavailableError(
                f"The log that was kept does not reach {self._at}.",
                remedy="Name an earlier moment in --at, or leave it out to restore all that there is.",
            )
        return UnavailableError(
            f"The backup {self._backup.name} could not be brought up. Last lines of {self._log}:\n"
            + "\n".join(tail),
            remedy="Use another backup: ioc backup list",
        )

    def leave_no_trace(self) -> None:
        """Remove what only the restore needed."""
        self._script.unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class _Fit:
    moment: datetime
    erased: int
    revision: str
    cancelled: int
    timeline: int


def _make_fit(server: _Restoring, settings: Settings, backup: Backup, tick: Tick) -> _Fit:
    """Bring the copy's schema up to date, erase what was erased since, and cancel what waited to be sent."""
    with psycopg.connect(server.admin_dsn, autocommit=True, connect_timeout=5) as connection:
        row: Any = connection.execute(_REACHED).fetchone()
        moment, made = row[0], backup.manifest.finished_at
        moment = made if moment is None or server.exact else max(made, moment)
        for role, name in (("ioc", "database"), ("postgres", "database-admin")):
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal((server.layout.secrets / name).read_text().strip())
                )
            )
    server.knows_own_passwords = True
    tick("bringing the schema up to date", 1, 1)
    dsn = server.dsn_of(server.database)
    revision = migrate.upgrade(dsn)
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        tick("erasing again", 1, 1)
        erased = apply_again(connection, settings)
        until = datetime.now(UTC) + timedelta(seconds=settings.restore_quiet_s)
        cancelled = quiet.begin(connection, backup.name, moment, until)
    return _Fit(moment, erased, revision, cancelled, row[1])


def _install_secrets(layout: Layout, found: Path) -> None:
    """Put the backup's secrets there that this machine lacks; what is there stays."""
    for path in sorted(found.iterdir()) if found.is_dir() else ():
        target = layout.secrets / path.name
        if path.is_file() and not target.exists():
            part = target.with_name(f".{target.name}.part")
            shutil.copyfile(path, part)
            part.chmod(0o600)
            part.rename(target)
