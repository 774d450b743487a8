"""``ioc doctor``: looks at everything the platform leans on and names the command that mends what is wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from deploy.stack import (
    accounts,
    control,
    install,
    install_kafka,
    install_postgres,
    ports,
    topics,
    wal,
    worker_state,
)
from deploy.stack.backups import manifest
from deploy.stack.layout import Layout, nearest_existing
from deploy.stack.postgres import memory_mb
from deploy.stack.supervisor import running_pid
from ioc.delivery.links import Links
from ioc.errors import IocError
from ioc.settings import Settings

_LOWEST_DISK_GB = 4.0
_LOWEST_MEMORY_MB = 3000
_MOST_CLOCK_DRIFT_S = 5.0
_MOST_BACKUP_HOURS = 50.0
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Finding:
    """What one look found. ``remedy`` is a command or a setting; empty when all is well."""

    subject: str
    ok: bool
    message: str
    remedy: str = ""


def _python(_: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        "python", ok, f"Python {version}", "" if ok else "apt-get install python3.11 python3.11-venv"
    )


def _disk(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(nearest_existing(Layout.of(settings).state)).free / 1e9
    ok = free >= _LOWEST_DISK_GB
    remedy = "" if ok else f"Free {_LOWEST_DISK_GB:.0f} GB, or set IOC_STATE_DIR to a larger disk."
    yield Finding("disk", ok, f"{free:.1f} GB free for {Layout.of(settings).state}", remedy)


def _memory(_: Settings) -> Iterator[Finding]:
    found = memory_mb()
    ok = found >= _LOWEST_MEMORY_MB
    remedy = "" if ok else "Set IOC_KAFKA_HEAP_MB=256 and IOC_DATABASE_BUFFERS_MB=128, or add memory."
    yield Finding("memory", ok, f"{found} MiB", remedy)


def _state_folder(settings: Settings) -> Iterator[Finding]:
    layout = Layout.of(settings)
    try:
        control.require_permission(settings)
    except IocError as error:
        yield Finding("state folder", ok=False, message=error.message, remedy=error.remedy)
        return
    if not settings.database_is_embedded:
        yield Finding("state folder", ok=True, message=str(layout.state))
        return
    account = accounts.current() if os.geteuid() else accounts.find(settings.run_as)
    if account is None:
        yield Finding(
            "state folder", ok=True, message=f"{layout.state}; user {settings.run_as} is made by ioc up"
        )
        return
    for path, setting in ((layout.state, "IOC_STATE_DIR"), (layout.software, "IOC_SOFTWARE_DIR")):
        try:
            accounts.require_reachable(path, account, setting)
        except IocError as error:
            yield Finding("state folder", ok=False, message=error.message, remedy=error.remedy)
            return
    yield Finding("state folder", ok=True, message=f"{layout.state}, reachable by {account.name}")


def _software(settings: Settings) -> Iterator[Finding]:
    missing = install.missing(settings)
    software = Layout.of(settings).software
    if settings.kafka_is_embedded:
        ok = "kafka" not in missing
        message = f"Kafka {install_kafka.VERSION} {'in' if ok else 'is not in'} {software}"
        if ok:
            try:
                install_kafka.check(install_kafka.folder(software) / "libs")
            except IocError as error:
                ok, message = False, error.message
        yield Finding("software", ok, message, "" if ok else "ioc install")
    if settings.database_is_embedded:
        ok = "postgresql" not in missing
        message = f"PostgreSQL {install_postgres.MAJOR} {'in' if ok else 'is not in'} {software}"
        yield Finding("software", ok, message, "" if ok else "ioc install")
        if not ok:
            yield from _apt()


def _apt() -> Iterator[Finding]:
    for program, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if shutil.which(program) is None:
            message = f"{program} is missing; PostgreSQL is laid out from Debian's packages"
            yield Finding(
                "apt", ok=False, message=message, remedy=f"apt-get install {package}, or set IOC_DATABASE_URL"
            )
            return
    try:
        install_postgres.keyring()
    except IocError as error:
        yield Finding("apt", ok=False, message=error.message, remedy=error.remedy)
        return
    yield Finding("apt", ok=True, message=f"packages come from {install_postgres.mirrors()[0]}")


def _pid(settings: Settings) -> int | None:
    """The supervisor's pid; a closed state folder is told by its own line."""
    with contextlib.suppress(IocError):
        return running_pid(settings)
    return None


def _ports(settings: Settings) -> Iterator[Finding]:
    wanted = [
        (settings.api_port, "API", "IOC_API_PORT"),
        (settings.ingest_port, "ingest", "IOC_INGEST_PORT"),
    ]
    if settings.kafka_is_embedded:
        wanted += [(settings.kafka_port, "Kafka", "IOC_KAFKA_PORT")]
        wanted += [(settings.kafka_port + 1, "Kafka's controller", "IOC_KAFKA_PORT")]
    if settings.database_is_embedded:
        wanted += [(settings.database_port, "PostgreSQL", "IOC_DATABASE_PORT")]
    up = _pid(settings) is not None
    for port, what, setting in wanted:
        if up:
            yield Finding("port", ok=True, message=f"{port} ({what}) is the running platform's")
        elif ports.is_free(port):
            yield Finding("port", ok=True, message=f"{port} ({what}) is free")
        else:
            who = ports.holder(port) or "another program"
            message = f"{port} ({what}) is taken by {who}"
            yield Finding(
                "port", ok=False, message=message, remedy=f"Stop it, or set {setting} to a free port."
            )


def _clock(_: Settings) -> Iterator[Finding]:
    now = datetime.now(tz=UTC)
    ok = now >= _EARLIEST
    remedy = "" if ok else "timedatectl set-ntp true"
    yield Finding("clock", ok, now.isoformat(timespec="seconds"), remedy)


def _supervisor(settings: Settings) -> Iterator[Finding]:
    pid = _pid(settings)
    if pid is None:
        yield Finding("supervisor", ok=False, message="The platform is not up.", remedy="ioc up")
        return
    status = control.read_status(settings)
    lagging = [service for service in status.services if not service.is_up] if status else []
    if not lagging:
        yield Finding("supervisor", ok=True, message=f"runs as pid {pid}")
    for service in lagging:
        message = f"{service.name} is {service.state} {service.fault}".strip()
        yield Finding("supervisor", ok=False, message=message, remedy=f"tail -n 50 {service.log}")


def _kafka(settings: Settings) -> Iterator[Finding]:
    try:
        found = topics.partitions(settings)
    except IocError as error:
        yield Finding("kafka", ok=False, message=error.message, remedy=error.remedy or "ioc up")
        return
    yield Finding("kafka", ok=True, message=f"answers at {settings.kafka_servers}")
    for name in topics.names(settings):
        count = found.get(name)
        if count is None:
            yield Finding("topics", ok=False, message=f"{name} does not exist", remedy="ioc prepare")
        elif count != settings.topic_partitions:
            message = f"{name} has {count} partitions, the settings say {settings.topic_partitions}"
            yield Finding("topics", ok=False, message=message, remedy=f"Set IOC_TOPIC_PARTITIONS={count}.")
    if all(found.get(name) == settings.topic_partitions for name in topics.names(settings)):
        yield Finding(
            "topics", ok=True, message=f"{len(found)} with {settings.topic_partitions} partitions each"
        )


def _database(settings: Settings) -> Iterator[Finding]:
    from ioc.storage import migrate

    try:
        with psycopg.connect(settings.database_dsn, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),"
                " extract(epoch FROM clock_timestamp())::float8"
            ).fetchone()
            drift = abs(time.time() - row[1]) if row else 0.0
            version = row[0] if row else None
            revision = migrate.current_revision(connection)
    except psycopg.Error as error:
        where = "at the address of IOC_DATABASE_URL"
        if settings.database_is_embedded:
            where = f"at 127.0.0.1:{settings.database_port}"
        message = (
            f"The database {where} does not answer: {type(error).__name__}."  # its text may hold the address
        )
        remedy = "ioc up" if settings.database_is_embedded else "Start it, or mend IOC_DATABASE_URL."
        yield Finding("database", ok=False, message=message, remedy=remedy)
        return
    yield Finding("database", ok=True, message="answers")
    remedy = (
        ""
        if version
        else "CREATE EXTENSION timescaledb; as the server's superuser in the platform's database"
    )
    yield Finding("timescaledb", version is not None, f"extension {version or 'is missing'}", remedy)
    head = migrate.head_revision()
    current = revision == head
    message = f"schema {revision or 'not made'}" + ("" if current else f", the program's is {head}")
    yield Finding("schema", current, message, "" if current else "ioc prepare")
    if not settings.database_is_embedded:
        in_time = drift <= _MOST_CLOCK_DRIFT_S
        remedy = "" if in_time else "timedatectl set-ntp true, on both machines"
        yield Finding("clock", in_time, f"the database's clock differs by {drift:.1f} s", remedy)
    for partition in worker_state.partition_states(settings) or []:
        if partition.halted_reason:
            message = f"{partition.topic}/{partition.partition} is halted: {partition.halted_reason}"
            yield Finding("worker", ok=False, message=message, remedy=partition.repair)
    for source in worker_state.source_halts(settings) or []:
        yield Finding("halted source", ok=False, message=source.summary, remedy=source.repair)
    yield from _agencies(settings)


def _links(settings: Settings) -> Iterator[Finding]:
    links = Links.of(settings)
    # not wrong: messages go without links, and those who want them are told what to do
    yield Finding("links", ok=True, message=links.problem or f"messages lead to {links.public_url}")


def grafana(settings: Settings) -> Iterator[Finding]:
    """Whether the Grafana of the settings, if one is named, can be pushed to."""
    if settings.grafana_url is None:
        return
    from dashboards.push.server import Grafana

    try:
        found = Grafana.connect(settings)
    except IocError as error:
        yield Finding("grafana", ok=False, message=error.message, remedy=error.remedy)
        return
    version = ".".join(map(str, found.version))
    yield Finding(
        "grafana", ok=True, message=f"{version} answers at {found.address}, and boards may be pushed"
    )


def _backups(settings: Settings) -> Iterator[Finding]:
    if not settings.database_is_embedded:
        message = "the database is a server of its own: its backups are that server's"
        yield Finding("backups", ok=True, message=message)
        return
    if not settings.backup_keep:
        yield Finding("backups", ok=True, message="none is made: IOC_BACKUP_KEEP is 0")
        return
    folder = settings.backup_path.absolute()
    found, wrong = manifest.listed(folder)
    for fault in wrong:
        yield Finding(
            "backups", ok=False, message=fault, remedy=f"Put its files back, or delete it from {folder}."
        )
    if not found:
        began = Layout.of(settings).secrets
        days = (time.time() - began.stat().st_mtime) / 86_400 if began.exists() else 0.0
        ok = days < settings.first_backup_days
        yield Finding("backups", ok, f"there is none yet in {folder}", "" if ok else "ioc backup")
        return
    newest = found[0].manifest
    hours = (datetime.now(UTC) - newest.finished_at).total_seconds() / 3600
    ok = hours <= _MOST_BACKUP_HOURS
    same_disk = folder.stat().st_dev == Layout.of(settings).state.stat().st_dev
    message = f"{len(found)}, the newest is {newest.name}, {hours:.0f} hours old"
    if same_disk:
        message += "; on the same disk as the data, which both are lost with (IOC_BACKUP_DIR)"
    yield Finding("backups", ok, message, "" if ok else "ioc backup")
    if wal.gaps(settings, newest.system):
        message = "the archived log has a gap: moments after it can't be restored yet"
        yield Finding(
            "backups", ok=False, message=message, remedy="See that its disk has room, then: ioc backup"
        )


def _agencies(settings: Settings) -> Iterator[Finding]:
    from ioc.district.agencies import list_unmapped

    with (
        contextlib.suppress(psycopg.Error),  # told above
        psycopg.connect(settings.database_dsn, connect_timeout=5) as connection,
    ):
        if found := len(list_unmapped(connection)):
            message = f"{found} names that one-stop systems write for an agency have no unit"
            yield Finding("agencies", ok=False, message=message, remedy="ioc district agencies")


_STATIC: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _disk,
    _memory,
    _state_folder,
    _software,
    _ports,
    _clock,
    _links,
    grafana,
    _backups,
)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything. Servers that are embedded and not up are told once, by the supervisor's line."""
    found = [finding for look in _STATIC for finding in look(settings)]
    found += _supervisor(settings)
    up = _pid(settings) is not None
    if up or not settings.kafka_is_embedded:
        found += _kafka(settings)
    if up or not settings.database_is_embedded:
        found += _database(settings)
    return found
