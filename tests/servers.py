"""Real servers for tests: one Kafka and one PostgreSQL a session, and private ones for tests that break theirs.

They live in a temporary folder and on free ports; their programs are shared between sessions. Their guards end
them with the test session, even when it is killed.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from deploy.stack import EmbeddedKafka, EmbeddedPostgres, ensure_installed, topics
from deploy.stack.ports import is_free
from deploy.stack.process import wait_for_leftovers
from ioc.settings import Settings

_PREFIX = "ioc-tests-"


def software_dir() -> Path:
    """Where the servers' programs stay between sessions: ``IOC_SOFTWARE_DIR``, or a cache folder."""
    if named := os.environ.get("IOC_SOFTWARE_DIR"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache/ioc-software")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ioc-software"


def free_ports(count: int = 2) -> int:
    """First of ``count`` free neighbouring ports, below the range that the kernel hands out by itself."""
    first = int(os.environ.get("IOC_TEST_PORTS", "23000"))
    last = max(first + 60, 32000) if "IOC_TEST_PORTS" not in os.environ else first + 60
    starts = list(range(first, last - count, count))
    random.Random().shuffle(starts)
    for start in starts:
        if all(is_free(port) for port in range(start, start + count)):
            return start
    raise RuntimeError(f"no {count} neighbouring free ports between {first} and {last}")


@contextmanager
def state_folder() -> Iterator[Path]:
    """A temporary state folder that the database's system user can reach; remains of killed sessions are removed."""
    base = Path(tempfile.gettempdir())
    for remains in base.glob(f"{_PREFIX}*"):
        _remove_if_dead(remains)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    folder.chmod(0o711)
    lock = os.open(folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_if_dead(folder: Path) -> None:
    try:
        descriptor = os.open(folder / "alive", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        if wait_for_leftovers(folder / "state" / "run" / "processes.lock", 5.0):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def stack_settings(state: Path, **overrides: object) -> Settings:
    """Settings of an embedded stack in ``state`` with free ports and little memory."""
    first = free_ports(5)
    facts: dict[str, object] = {
        "state_dir": state,
        "software_dir": software_dir(),
        "kafka_port": first,
        "database_port": first + 2,
        "api_port": first + 3,
        "ingest_port": first + 4,
        "kafka_heap_mb": 384,
        "database_buffers_mb": 128,
        "backup_keep": 0,  # archiving the log of all tests would cost them a good part of a core
    }
    return Settings.model_validate({**facts, **overrides})


@dataclass
class Servers:
    """The session's servers, each started when it is first asked for."""

    settings: Settings
    _kafka: EmbeddedKafka | None = None
    _postgres: EmbeddedPostgres | None = None
    _template: str | None = None
    _databases: list[str] = field(default_factory=list)

    @property
    def kafka(self) -> EmbeddedKafka:
        if self._kafka is None:
            ensure_installed(self.settings)
            self._kafka = EmbeddedKafka(self.settings)
        if not self._kafka.process.running:
            self._kafka.start()
            self._kafka.wait_ready()
        return self._kafka

    @property
    def postgres(self) -> EmbeddedPostgres:
        if self._postgres is None:
            ensure_installed(self.settings)
            self._postgres = EmbeddedPostgres(self.settings)
        if not self._postgres.process.running:
            self._postgres.start()
            self._postgres.wait_ready()
        return self._postgres

    def new_database(self) -> str:
        """A fresh database with the newest schema, copied from a migrated one; returns its URL."""
        from ioc.storage.migrate import upgrade

        if self._template is None:
            template = f"template_{uuid4().hex[:8]}"
            upgrade(self.postgres.ensure_database(template))
            self._template = template
        name = f"test_{uuid4().hex[:12]}"
        self._databases.append(name)
        return self.postgres.ensure_database(name, template=self._template)

    def admin_dsn(self, settings: Settings) -> str:
        """URL of the same database for the server's administrator, who may make roles."""
        return f"{self.postgres.admin_dsn.rsplit('/', 1)[0]}/{settings.database_dsn.rsplit('/', 1)[1]}"

    def drop_database(self, url: str) -> None:
        self.postgres.drop_database(url.rsplit("/", 1)[1])

    @contextmanager
    def place(self) -> Iterator[Settings]:
        """Settings with a fresh database and a state folder of their own; starts no Kafka."""
        url = self.new_database()
        state = self.settings.state_dir.parent / f"place-{uuid4().hex[:8]}"
        state.mkdir(mode=0o711)
        try:
            yield Settings.model_validate(
                {**self.settings.model_dump(), "database_url": url, "state_dir": state}
            )
        finally:
            self.drop_database(url)

    def new_settings(
        self, *, database: str | None = None, with_topics: bool = True, **overrides: object
    ) -> Settings:
        """Settings that name these servers: own topics by a fresh prefix, own consumer group, own state folder."""
        mark = uuid4().hex[:8]
        state = self.settings.state_dir.parent / f"state-{mark}"
        state.mkdir(mode=0o711)
        facts: dict[str, object] = {
            **self.settings.model_dump(exclude={"database_url", "grafana_token"}),
            "state_dir": state,
            "kafka": self.kafka.bootstrap_servers,
            "topic_prefix": f"t{mark}.",
            "consumer_group": f"test-{mark}",
            "api_port": (port := free_ports(2)),
            "ingest_port": port + 1,
        }
        if database is not None:
            facts["database_url"] = database
        settings = Settings.model_validate({**facts, **overrides})
        if with_topics:
            topics.ensure(settings)
        return settings

    def close(self) -> None:
        for server in (self._kafka, self._postgres):
            if server is not None:
                server.stop()
