"""Removes all that the simulated district made, before a platform goes live.

What simulated devices said carries the names of real probes, so facts go as a whole: where anything else than the
simulation has written, nothing is done until each such source is named. Pack, settings, accounts and what people did
stay. Kafka goes first: a kill in between leaves partitions that halt rather than a district that comes back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from deploy.simulation.connectors import Connectors
from deploy.simulation.state import Lock
from deploy.stack import topics
from deploy.stack.control import require_permission
from deploy.stack.kafka import EmbeddedKafka
from deploy.stack.layout import Layout
from deploy.stack.postgres import EmbeddedPostgres
from deploy.stack.process import wait_for_leftovers
from deploy.stack.supervisor import running_pid
from ioc.errors import UsageError
from ioc.platform.kafka_view import KafkaView
from ioc.privacy.inventory import of_facts
from ioc.settings import Settings
from ioc.storage import migrate

Connection = psycopg.Connection[Any]

#: Sources of facts that carry their name; and connectors that the simulation runs.
PREFIX: Final = "//simulation/"
_RUN: Final = Connectors.NAMES

_FACT_SOURCES: Final = """
SELECT s.name FROM ioc.source s
WHERE EXISTS (SELECT FROM ioc.dossier_fact f WHERE f.source_id = s.source_id)
   OR EXISTS (SELECT FROM ioc.ticket_fact f WHERE f.source_id = s.source_id)
ORDER BY 1
"""
_CONNECTORS: Final = (
    "SELECT DISTINCT name FROM ioc.connector WHERE sources > 0 AND name <> 'ingest' ORDER BY 1"
)
_SESSIONS: Final = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'ioc%' ORDER BY 1
"""
_COUNTED: Final = """
SELECT topic, partition, next_offset FROM ioc.partition_offset WHERE retired_at IS NULL
"""
#: Triggers empty these with the ledger, and with the runs of devices.
_BY_TRIGGERS: Final = frozenset(
    {
        "dossier_pending",
        "dossier_day",
        "dossier_month",
        "dossier_series_month",
        "dossier_amount_day",
        "device_run_pending",
        "device_day_end",
    }
)
_SOURCES: Final = """
DELETE FROM ioc.source s WHERE NOT EXISTS (SELECT FROM ioc.index766_fact f WHERE f.source_id = s.source_id)
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go.

    :param rows: by table; tables without rows are left out.
    :param simulated: sources of the simulation.
    :param real: sources and connectors that are not the simulation's.
    :param unread: records in Kafka that are not counted yet.
    """

    rows: dict[str, int]
    simulated: tuple[str, ...]
    real: tuple[str, ...]
    unread: int

    @property
    def total(self) -> int:
        return sum(self.rows.values())


@contextmanager
def servers(settings: Settings) -> Iterator[None]:
    """The platform's servers, without the platform: embedded ones are started for as long as this lasts.

    :raises UsageError: the platform or a simulation runs.
    """
    require_permission(settings)
    layout = Layout.of(settings)
    layout.prepare()
    if running_pid(settings) is not None or not wait_for_leftovers(layout.processes_lock, 0.0):
        raise UsageError("The platform is up: nothing is removed under it.", remedy="ioc down")
    with ExitStack() as stack:
        lock = Lock(settings.state_dir.absolute() / "simulation" / "lock")
        stack.callback(lock.release)
        if settings.kafka_is_embedded:
            stack.enter_context(EmbeddedKafka(settings))
        if settings.database_is_embedded:
            stack.enter_context(EmbeddedPostgres(settings))
        migrate.upgrade(settings.database_dsn)
        yield


def plan(settings: Settings) -> Plan:
    """What would go; changes nothing.

    :raises UsageError: processes of the platform are connected to the database.
    """
    kafka = KafkaView(settings)
    try:
        ends = kafka.log_ends()
    finally:
        kafka.close()
    with psycopg.connect(settings.database_dsn, autocommit=True, connect_timeout=5) as connection:
        if sessions := [name for (name,) in connection.execute(_SESSIONS).fetchall()]:
            raise UsageError(
                f"Processes of the platform are at work on this database: {', '.join(sessions)}.",
                remedy="Stop them on every machine.",
            )
        rows = {}
        for table in of_facts():
            ((count,),) = connection.execute(
                sql.SQL("SELECT count(*) FROM ioc.{}").format(sql.Identifier(table))
            ).fetchall()
            if count:
                rows[table] = int(count)
        names = [name for (name,) in connection.execute(_FACT_SOURCES).fetchall()]
        connectors = [name for (name,) in connection.execute(_CONNECTORS).fetchall()]
        counted = {(t, p): n for t, p, n in connection.execute(_COUNTED).fetchall()}
    played = (settings.state_dir / "simulation" / "state.json").exists()
    simulated = [name for name in names if name.startswith(PREFIX)]
    real = [name for name in names if not name.startswith(PREFIX)]
    real += [f"connector:{name}" for name in connectors if not (played and name in _RUN)]
    return Plan(
        rows,
        tuple(simulated),
        tuple(real),
        sum(max(0, end - counted.get(key, 0)) for key, end in ends.items()),
    )


def purge(settings: Settings, also: Sequence[str], say: Callable[[str], None]) -> Plan:
    """Remove it; to be called within :func:`servers`.

    :param also: each source that is not the simulation's and whose facts are to go too.
    :param say: told each step.
    :returns: what went.
    :raises UsageError: other sources have written, a name is none of theirs, or records wait to be counted.
    """
    found = plan(settings)
    if unknown := [name for name in also if name not in found.real]:
        raise UsageError(
            f"{', '.join(unknown)} has written nothing here that is not the simulation's.",
            remedy="See: ioc purge-demo --dry-run",
        )
    if left := [name for name in found.real if name not in also]:
        raise UsageError(
            f"Not only the simulation has written: {', '.join(left)}. Nothing was removed.",
            remedy="If what they wrote is to go too, name each: "
            + " ".join(f"--also {name}" for name in left),
        )
    if found.unread:
        raise UsageError(
            f"{found.unread} records in Kafka are not counted yet, and it is not known whose they are.",
            remedy="ioc up --no-simulation, wait until ioc status says that none is behind, ioc down, and repeat this.",
        )
    say("emptying the topics")
    topics.delete(settings)
    topics.ensure(settings)
    say("emptying the tables of facts")
    with psycopg.connect(settings.database_dsn, connect_timeout=5) as connection:
        connection.execute(
            sql.SQL("TRUNCATE {}").format(
                sql.SQL(", ").join(
                    sql.Identifier("ioc", table) for table in of_facts() if table not in _BY_TRIGGERS
                )
            )
        )
        connection.execute(_SOURCES)
    say("removing the simulation's files")
    state = settings.state_dir.absolute()
    for path in (state / "checkpoints", *(state / "spool" / name for name in _RUN)):
        shutil.rmtree(path, ignore_errors=True)
    for path in (state / "simulation").iterdir():
        if path.name != "lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found
