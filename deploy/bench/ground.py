"""Real servers for one run of the benchmarks: own ports, own state folder, a fresh database for each measurement."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg

from deploy.bench.workload import Workload
from deploy.stack import EmbeddedKafka, EmbeddedPostgres, ensure_installed, topics
from ioc.settings import Settings, load
from ioc.storage.migrate import upgrade

_DEVICES = """
INSERT INTO ioc.device (code, kind, unit_id, interval_s)
SELECT n.code, 2, u.unit_id, 60 FROM unnest(%s::text[], %s::text[]) AS n (code, unit) JOIN ioc.unit u ON u.code = n.unit
"""


@dataclass
class Ground:
    """Running servers, and what is made on them."""

    kafka: EmbeddedKafka
    postgres: EmbeddedPostgres
    settings: Settings
    _templates: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def servers(self) -> str:
        """Kafka's bootstrap servers."""
        return self.kafka.bootstrap_servers

    def new_topic(self, partitions: int) -> str:
        """Make empty topics as the platform does; returns the prefix of their names."""
        prefix = f"b{uuid4().hex[:8]}."
        topics.ensure(Settings(kafka=self.servers, topic_prefix=prefix, topic_partitions=partitions))
        return prefix

    def drop_topics(self, marks: str) -> None:
        """Delete the topics whose name contains ``marks``: what the prefix's own topic and its rivals made."""
        with topics.admin(self.servers) as admin:
            names = [name for name in admin.list_topics() if marks in name]
            if names:
                admin.delete_topics(names, timeout_ms=30_000)

    @contextmanager
    def database(self, workload: Workload) -> Iterator[str]:
        """A fresh database that knows the workload's units and devices, as after ``ioc district apply``."""
        name = f"bench_{uuid4().hex[:8]}"
        url = self.postgres.ensure_database(name, template=self._template(workload))
        with psycopg.connect(self.postgres.admin_dsn, autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # no measurement pays for the one before it
        try:
            yield url
        finally:
            self.postgres.drop_database(name)

    def _template(self, workload: Workload) -> str:
        shape = (workload.devices, workload.units)
        if shape not in self._templates:
            name = f"template_{uuid4().hex[:8]}"
            url = self.postgres.ensure_database(name)
            upgrade(url)
            declare(url, workload)
            self._templates[shape] = name
        return self._templates[shape]

    def worker_settings(self, prefix: str, database: str, state: Path) -> Settings:
        """Settings of a worker on one database and one topic; everything else is the platform's default."""
        return Settings(
            kafka=self.servers,
            database_url=database,  # type: ignore[arg-type]  # pydantic makes it secret
            topic_prefix=prefix,
            consumer_group=f"bench-{uuid4().hex[:8]}",
            state_dir=state,
        )

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A temporary folder beside the servers' state."""
        path = Path(tempfile.mkdtemp(prefix="run-", dir=self.settings.state_dir.parent))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def declare(database: str, workload: Workload) -> None:
    """Enter the workload's units and devices."""
    with psycopg.connect(database) as connection:
        connection.cursor().executemany(
            "INSERT INTO ioc.unit (code, name_vi, name_en, kind, time_zone)"
            " VALUES (%s, %s, %s, 'commune', 'Asia/Ho_Chi_Minh')",
            [(workload.unit_of(n), f"Xã {n + 1}", f"Commune {n + 1}") for n in range(workload.units)],
        )
        connection.execute(
            _DEVICES,
            (
                [workload.code_of(d) for d in range(workload.devices)],
                [workload.unit_of(d) for d in range(workload.devices)],
            ),
        )
        connection.commit()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ANALYZE ioc.device, ioc.unit")


@contextmanager
def prepared(port: int, state: Path | None = None) -> Iterator[Ground]:
    """Start the servers.

    :param port: first of three free neighbouring ports.
    :param state: folder to use and keep; None takes a temporary one.
    """
    named = load()
    folder = state or Path(tempfile.mkdtemp(prefix="ioc-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the database's system user walks through it
    settings = Settings(
        state_dir=folder / "state",
        software_dir=named.software_path,
        kafka_port=port,
        database_port=port + 2,
    )
    ensure_installed(settings)
    try:
        with EmbeddedKafka(settings) as kafka, EmbeddedPostgres(settings) as postgres:
            yield Ground(kafka, postgres, settings)
    finally:
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)
