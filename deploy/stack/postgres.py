"""The embedded PostgreSQL with TimescaleDB: an ordinary user's server on 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql

from deploy.stack import accounts, install_postgres, ports, wal
from deploy.stack.layout import Layout, write_atomically
from deploy.stack.process import Command, Process, last_lines
from ioc.errors import SettingsError, UnavailableError
from ioc.settings import Settings

#: Where a restore makes its copy, in the folder of the server.
RESTORED = "data.restored"
_CONNECT_TIMEOUT_S = 5
_SMALL_SHM_BYTES = 256 * 1024 * 1024


def memory_mb() -> int:
    """Memory of this machine in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def configuration(settings: Settings) -> str:
    """The server's configuration for a machine of two cores that runs the whole platform.

    Commits stay synchronous: the offset that a worker reads back after a crash must be the one it committed.
    """
    memory = memory_mb()
    buffers = max(16, min(settings.database_buffers_mb, memory // 4))
    shm = os.statvfs("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108  # the kernel's own folder
    small = shm is None or shm.f_frsize * shm.f_blocks < _SMALL_SHM_BYTES
    lines = {
        "listen_addresses": "127.0.0.1",
        "port": settings.database_port,
        "unix_socket_directories": "",
        "max_connections": 100,
        "password_encryption": "scram-sha-256",
        "shared_preload_libraries": "timescaledb",
        "timescaledb.telemetry_level": "off",
        "timescaledb.max_background_workers": 0,
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(64, memory // 3)}MB",
        "maintenance_work_mem": "128MB",
        "work_mem": "16MB",
        "dynamic_shared_memory_type": "mmap" if small else "posix",
        "huge_pages": "off",
        "max_worker_processes": 12,
        "max_parallel_workers_per_gather": 1,
        "jit": "off",
        "synchronous_commit": "on",
        "wal_level": "replica",
        "wal_compression": "lz4",
        **wal.lines(settings),
        "wal_buffers": "16MB",
        "min_wal_size": "512MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "autovacuum_naptime": "20s",
        "autovacuum_vacuum_insert_scale_factor": "0.2",
        "max_locks_per_transaction": 256,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] %u@%d ",
        "log_checkpoints": "off",
        "log_min_duration_statement": "5s",
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
    }
    text = "# Written by ioc at every start; own lines belong in postgresql.local.conf.\n"
    text += "".join(f"{key} = '{value}'\n" for key, value in lines.items())
    return text + "include_if_exists 'postgresql.local.conf'\n"


_HBA = """# Written by ioc at every start.
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


class EmbeddedPostgres:
    """PostgreSQL 17 + TimescaleDB with its data in the state folder. Use as a context manager, or start and stop it."""

    name = "postgres"
    database = "ioc"
    role = "ioc"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.layout = Layout.of(settings)
        self._data = self.layout.postgres / "data"
        self._account: accounts.Account | None = None
        self._process: Process | None = None

    @property
    def account(self) -> accounts.Account:
        """The user that the server runs as."""
        if self._account is None:
            self._account = accounts.ensure(self.settings.run_as)
        return self._account

    @property
    def process(self) -> Process:
        if self._process is None:
            self._process = Process(
                Command(
                    name=self.name,
                    argv=[str(self._program("postgres")), "-D", str(self._data)],
                    log=self.layout.logs / "postgres.log",
                    lock=self.layout.processes_lock,
                    environment={"LC_ALL": "C", "LANG": "C"},
                    directory=self.layout.postgres,
                    account=self.account,
                    stop_signal=signal.SIGINT,  # fast shutdown
                    grace_s=20.0,
                )
            )
        return self._process

    def _program(self, name: str) -> Path:
        return install_postgres.bin_folder(self.layout.software) / name

    def password(self, name: str) -> str:
        """Read a generated password, or generate and keep it."""
        path = self.layout.secrets / name
        if not path.exists():
            write_atomically(path, secrets.token_urlsafe(24) + "\n", mode=0o600)
        return path.read_text().strip()

    @property
    def dsn(self) -> str:
        """URL of the platform's database for its owner. Holds the password."""
        return self.dsn_of(self.database)

    def dsn_of(self, database: str) -> str:
        """URL of another database of this server for the platform's role."""
        password = self.password("database")
        return f"postgresql://{self.role}:{password}@127.0.0.1:{self.settings.database_port}/{database}"

    @property
    def admin_dsn(self) -> str:
        """URL for the server's superuser. Holds the password."""
        password = self.password("database-admin")
        return f"postgresql://postgres:{password}@127.0.0.1:{self.settings.database_port}/postgres"

    def _as_account(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {"LC_ALL": "C", "LANG": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
        if os.geteuid() == 0:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                env=environment,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=[],
            )
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=environment)

    def _initialise(self) -> None:
        """Make the data folder aside and put it in place whole: a kill in between leaves nothing half made."""
        new = self.layout.postgres / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        password = self.layout.postgres / ".password"
        write_atomically(password, self.password("database-admin"), mode=0o600)
        if os.geteuid() == 0:
            os.chown(password, self.account.uid, self.account.gid)
        try:
            done = self._as_account(
                [
                    str(self._program("initdb")),
                    f"--pgdata={new}",
                    "--username=postgres",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--data-checksums",
                ]
            )
        finally:
            password.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            raise UnavailableError(
                f"PostgreSQL's data folder can't be made: {(done.stderr or done.stdout).strip()[-500:]}",
                remedy="Check free disk space and memory with ioc doctor.",
            )
        new.rename(self._data)

    def _require_no_restore(self) -> None:
        """:raises SettingsError: a restore was cut off, and an empty server would be taken for its outcome."""
        if (remainder := self.layout.postgres / RESTORED).exists():
            raise SettingsError(
                f"There is no data folder, and a restore was cut off ({remainder}).",
                remedy="Repeat ioc restore; or delete that folder to begin with an empty database.",
            )

    def _prepare(self) -> None:
        self.layout.prepare()
        accounts.require_reachable(self.layout.state, self.account, "IOC_STATE_DIR")
        accounts.require_reachable(self._program("postgres").parent, self.account, "IOC_SOFTWARE_DIR")
        self.layout.postgres.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.layout.postgres, self.account.uid, self.account.gid)
        if not (self._data / "PG_VERSION").exists():
            self._require_no_restore()
            self._initialise()
        wal.prepare(self.settings, self.account, self._data)
        self._drop_stale_pid_file()
        for name, text in (("postgresql.conf", configuration(self.settings)), ("pg_hba.conf", _HBA)):
            write_atomically(self._data / name, text, mode=0o600)
            if os.geteuid() == 0:
                os.chown(self._data / name, self.account.uid, self.account.gid)

    def _drop_stale_pid_file(self) -> None:
        """After a crash the pid in the file may be another program's by now, and PostgreSQL would refuse to start."""
        path = self._data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(path.read_text().split()[0])
            try:
                program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            except FileNotFoundError:
                program = ""
            if not program.endswith("postgres"):
                path.unlink()

    def start(self) -> None:
        """Start the server without waiting for it; the first start makes its data folder.

        :raises SettingsError: its port is taken, or its user can't reach the folders.
        """
        if self.process.running:
            return
        ports.require_database_free(self.settings)
        self._prepare()
        self.process.start()

    def is_ready(self) -> bool:
        """Ask the server itself, as its superuser."""
        try:
            with psycopg.connect(self.admin_dsn, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the server answers, and see that the platform's role, database and extension are there.

        :raises UnavailableError: with the last lines of its log.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if not self.process.running or time.monotonic() > deadline:
                tail = "\n".join(last_lines(self.process.command.log, 8))
                state = "did not answer in time" if self.process.running else "ended while starting"
                raise UnavailableError(
                    f"PostgreSQL {state}. Last lines of {self.process.command.log}:\n{tail}",
                    remedy="Run ioc doctor.",
                )
            time.sleep(0.05)
        self.ensure_database(self.database)

    def ensure_database(self, name: str, *, template: str | None = None) -> str:
        """See that the platform's role and a database of this name are there, with the extension.

        :param template: database to copy; nobody may be connected to it.
        :returns: URL of the database for the platform's role.
        """
        with psycopg.connect(
            self.admin_dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
        ) as connection:
            role = sql.Identifier(self.role)
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [self.role]).fetchall():
                password = sql.Literal(self.password("database"))
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchall():
                create = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), role)
                if template is not None:
                    create += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
                connection.execute(create)
        address = self.admin_dsn.removesuffix("/postgres") + f"/{name}"
        with psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        return self.dsn_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending its connections."""
        with psycopg.connect(
            self.admin_dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
        ) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def stop(self) -> None:
        """Fast shutdown: connections are ended, what was committed is kept."""
        self.process.stop()

    def kill(self) -> None:
        """``kill -9`` of the server and its backends."""
        self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def restart(self, timeout_s: float = 60.0) -> None:
        self.stop()
        self.start()
        self.wait_ready(timeout_s)

    def wipe(self) -> None:
        """Stop it and delete its data: the next start makes an empty server with the same passwords."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
