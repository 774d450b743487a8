"""Makes a backup of the running embedded database, and lets old ones go.

Everything is written into a folder whose name begins with a dot, hashed and synced; then the folder is renamed, and the
manifest is written last. A kill at any point leaves a remainder that the next backup removes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from deploy.stack import install_postgres, wal
from deploy.stack.backups import files, manifest
from deploy.stack.backups.files import Tick
from deploy.stack.backups.manifest import Backup, Manifest, Offset
from deploy.stack.layout import Layout, write_atomically
from deploy.stack.postgres import EmbeddedPostgres
from ioc.errors import UnavailableError, UsageError
from ioc.settings import Settings
from ioc.storage.migrate import current_revision
from ioc.version import platform_version

#: What of the state folder is in a backup beside the database; checkpoints and spools stay where they are.
SECRETS: Final = "secrets"
_PACK: Final = "pack"
STATE: Final = "state.tar.gz"
_FACTS: Final = """
SELECT current_setting('server_version'),
    (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
    (SELECT sum(pg_database_size(oid))::bigint FROM pg_database)
        + (SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()),
    (SELECT system_identifier::text FROM pg_control_system())
"""
_OFFSETS: Final = """
SELECT topic, partition, next_offset FROM ioc.partition_offset WHERE retired_at IS NULL ORDER BY topic, partition
"""
_PROGRESS: Final = re.compile(rb"(\d+)/(\d+) kB \(\d+%\)")
_MARGIN: Final = 64 * 1024 * 1024


def require_embedded(settings: Settings) -> None:
    """:raises UsageError: the database is a server of its own."""
    if not settings.database_is_embedded:
        raise UsageError(
            "ioc backup and ioc restore are for the embedded database; IOC_DATABASE_URL names a server of its own.",
            remedy="Back that up with its own means (docs/howto/backup.md says what else to keep), and after a restore"
            " run ioc privacy apply-erasures before ioc up.",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError(
                f"Another backup is being made in {folder}.", remedy="Wait for it."
            ) from None
        yield
    finally:
        os.close(descriptor)


def take(settings: Settings, tick: Tick) -> Backup:
    """Make a backup of the running platform, then let go what is more than ``backup_keep``.

    :raises UsageError: the database is not embedded.
    :raises UnavailableError: it is not running, the disk has no room, or it could not be copied whole.
    """
    require_embedded(settings)
    folder = wal.make_folder(settings)
    with _alone(folder):
        _remove_remainders(folder)
        backup = _take(settings, folder, tick)
        keep(settings)
    return backup


def _take(settings: Settings, folder: Path, tick: Tick) -> Backup:
    server = EmbeddedPostgres(settings)
    started = datetime.now(UTC)
    name = started.strftime("%Y%m%dT%H%M%SZ")
    while manifest.path_of(folder, name).exists():
        time.sleep(0.2)
        started = datetime.now(UTC)
        name = started.strftime("%Y%m%dT%H%M%SZ")
    part = folder / f".{name}.part"
    facts = _facts(server)
    require_room(folder, facts.data_bytes + settings.spool_free_bytes, "a backup")
    part.mkdir(mode=0o700)
    try:
        _copy(server, part, name, tick)
        files.pack(part / STATE, _state_parts(settings))
        finished = datetime.now(UTC)
        timeline, wal_start = _log_from(part / "backup_manifest")
        described = files.describe(part, tick)
        made = Manifest(
            format=manifest.FORMAT,
            name=name,
            started_at=started,
            finished_at=finished,
            complete=True,
            platform=platform_version(),
            schema=facts.schema,
            postgres=facts.version,
            timescaledb=facts.timescale,
            data_bytes=facts.data_bytes,
            system=facts.system,
            timeline=timeline,
            wal_start=wal_start,
            files=described,
            offsets=facts.offsets,
        )
        part.rename(folder / name)
        files.sync(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UnavailableError(
            f"The backup can't be written to {folder}: {error.strerror}.",
            remedy="See that its disk has room.",
        ) from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    text = msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"
    write_atomically(manifest.path_of(folder, name), text, mode=0o600)
    files.sync(folder)
    return Backup(made, folder / name)


def require_room(folder: Path, needed: int, what: str) -> None:
    """:raises UnavailableError: the disk of a folder has less free."""
    free = files.free_bytes(folder)
    if free < needed + _MARGIN:
        raise UnavailableError(
            f"{what[0].upper()}{what[1:]} may take {needed / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free.",
            remedy="Free that much, or name a folder of a larger disk in IOC_BACKUP_DIR.",
        )


class _Facts(NamedTuple):
    version: str
    timescale: str
    data_bytes: int
    system: str
    schema: str
    offsets: tuple[Offset, ...]


def _facts(server: EmbeddedPostgres) -> _Facts:
    address = server.admin_dsn.removesuffix("/postgres") + f"/{server.database}"
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            row: Any = connection.execute(_FACTS).fetchone()
            schema = current_revision(connection)
            rows: list[Any] = connection.execute(_OFFSETS).fetchall() if schema else []
    except psycopg.Error as error:
        raise UnavailableError(
            f"The embedded database does not answer: {str(error).strip()}.",
            remedy="A backup is made while it runs: ioc up",
        ) from error
    if schema is None or row[1] is None:
        raise UnavailableError(
            "The database has no schema yet: there is nothing to back up.", remedy="ioc up"
        )
    return _Facts(row[0], row[1], int(row[2]), row[3], schema, tuple(Offset(*one) for one in rows))


def _copy(server: EmbeddedPostgres, part: Path, name: str, tick: Tick) -> None:
    """Copy the server's data and the log that makes it whole, while it works."""
    settings = server.settings
    command = [
        str(install_postgres.bin_folder(server.layout.software) / "pg_basebackup"),
        "--host=127.0.0.1",
        f"--port={settings.database_port}",
        "--username=postgres",
        "--no-password",
        f"--pgdata={part}",
        "--format=tar",
        "--compress=client-gzip:1",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        f"--label=ioc {name}",
        "--progress",
    ]
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C",
        "PGPASSWORD": server.password("database-admin"),
        "PGAPPNAME": "ioc-backup",
    }
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stderr is not None  # noqa: S101 - asked for above
        text = b""
        try:
            while piece := os.read(process.stderr.fileno(), 4096):
                text = (text + piece)[-4096:]
                if found := _PROGRESS.findall(text):
                    tick("copying", int(found[-1][0]), max(1, int(found[-1][1])))
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        lines = [line for line in text.decode(errors="replace").splitlines() if "error" in line.lower()]
        raise UnavailableError(
            f"The database could not be copied: {' '.join(lines)[-500:] or f'it ended with {process.returncode}'}.",
            remedy="See that the database runs and the disk of the backups has room.",
        )


def _state_parts(settings: Settings) -> Iterator[tuple[Path, str]]:
    secrets = Layout.of(settings).secrets
    if secrets.is_dir():
        yield secrets, SECRETS
    if settings.pack is not None and settings.pack.is_dir():
        yield settings.pack.absolute(), _PACK


class _Range(msgspec.Struct):
    timeline: int = msgspec.field(name="Timeline")
    start_lsn: str = msgspec.field(name="Start-LSN")


class _Whole(msgspec.Struct):
    ranges: list[_Range] = msgspec.field(name="WAL-Ranges")


def _log_from(path: Path) -> tuple[int, str]:
    """Timeline, and place of the first segment that a backup needs, by the server's own manifest."""
    ranges = msgspec.json.decode(path.read_bytes(), type=_Whole).ranges
    high, low = ranges[0].start_lsn.split("/")
    return max(one.timeline for one in ranges), f"{int(high, 16):08X}{int(low, 16) >> 24:08X}"


def keep(settings: Settings) -> list[str]:
    """Let go of backups beyond ``backup_keep``, and of the log before the oldest that stays; returns their names."""
    folder = settings.backup_path.absolute()
    found, _ = manifest.listed(folder)
    gone = found[max(1, settings.backup_keep) :]
    for backup in gone:
        backup.manifest_path.unlink(missing_ok=True)
        shutil.rmtree(backup.folder, ignore_errors=True)
    kept = found[: len(found) - len(gone)]
    for system in {one.manifest.system for one in kept}:
        own = [one.manifest for one in kept if one.manifest.system == system]
        wal.forget_before(settings, system, min(one.wal_start for one in own))
        # what the newest one holds closes the gaps before it
        for path in wal.gaps(settings, system):
            if path.stat().st_mtime < own[0].started_at.timestamp():
                path.unlink(missing_ok=True)
    for system in {one.manifest.system for one in gone} - {one.manifest.system for one in kept}:
        shutil.rmtree(wal.folder(settings, system), ignore_errors=True)
    return [one.name for one in gone]


def _remove_remainders(folder: Path) -> None:
    """Of backups that were being made or let go when their process died."""
    for path in folder.glob(".*.part"):
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.iterdir():
        if re.fullmatch(r"\d{8}T\d{6}Z", path.name) and not manifest.path_of(folder, path.name).exists():
            shutil.rmtree(path, ignore_errors=True)
