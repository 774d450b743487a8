"""``python -m deploy.bench forecast``: a real log through the real importer and worker, forecasts held against it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
from kafka import KafkaConsumer, TopicPartition
from pydantic import SecretStr

from deploy.bench.ground import Ground
from deploy.bench.roles import environment, running
from ioc import topics
from ioc.errors import InputError
from ioc.forecast import report
from ioc.forecast.backtest import Report, backtest
from ioc.kpi.query import SYSTEM_READER, answer
from ioc.settings import Settings
from ioc.storage.migrate import upgrade

_BEGIN: Final = "<!-- backtest -->"
_END: Final = "<!-- end -->"
_COUNTED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM ioc.partition_offset WHERE topic = %s"


def measure(
    ground: Ground, log: Path, mapping: str, unit: str, every: int, tell: Callable[[str], None]
) -> Report:
    """Import a log into a fresh database and look back on it.

    :param mapping: name or file of the mapping that reads the log.
    :param unit: code of the unit that the mapping gives its dossiers to.
    """
    if not log.is_file():
        raise InputError(f"There is no file {log}.", remedy="Name the log with --log.")
    name = f"bench_{uuid4().hex[:8]}"
    url = ground.postgres.ensure_database(name)
    try:
        upgrade(url)
        prefix = ground.new_topic(4)
        with ground.folder() as state:
            _import(ground, log, mapping, url, prefix, state, tell)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE ioc.dossier_ledger")
                return answer(
                    connection,
                    backtest(SYSTEM_READER, unit, every_days=every, tell=tell),
                    timeout_s=120.0,
                )
    finally:
        ground.postgres.drop_database(name)


def _import(
    ground: Ground, log: Path, mapping: str, url: str, prefix: str, state: Path, tell: Callable[[str], None]
) -> None:
    settings = Settings(
        kafka=ground.servers,
        database_url=SecretStr(url),
        topic_prefix=prefix,
        state_dir=state,
        consumer_group=f"bench-{uuid4().hex[:8]}",
    )
    tell(f"importing {log.name}")
    done = subprocess.run(
        [sys.executable, "-m", "ioc.cli", "import", "dossiers", str(log), "--mapping", mapping],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"The log can't be imported: {done.stderr.strip()}")
    with running(settings, ("ioc.cli", "stream"), state / "worker.log"):
        tell("counting")
        _wait_counted(url, prefix + topics.DOSSIERS, _log_end(ground.servers, prefix + topics.DOSSIERS))
    ground.drop_topics(prefix)


def _log_end(servers: str, topic: str) -> int:
    """Records of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=servers)
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def _wait_counted(url: str, topic: str, records: int, within_s: float = 300.0) -> None:
    """Until the worker has stored so many records of the topic."""
    end = time.monotonic() + within_s
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < end:
            row = connection.execute(_COUNTED, (topic,)).fetchone()
            if row is not None and row[0] >= records > 0:
                return
            time.sleep(0.2)
    raise InputError(f"The worker did not store the {records:,} records within {within_s:.0f} s.")


def write(page: Path, found: Report) -> None:
    """Put the tables where the page has its marks.

    :raises InputError: when the page has none.
    """
    text = page.read_text(encoding="utf-8")
    if _BEGIN not in text:
        raise InputError(
            f"{page} has no mark {_BEGIN}.",
            remedy="Put the mark and, after it, <!-- end --> where the tables go.",
        )
    new = f"{_BEGIN}\n{report.text(found)}\n{_END}"
    page.write_text(
        re.sub(f"{_BEGIN}.*?{_END}", lambda _: new, text, count=1, flags=re.DOTALL), encoding="utf-8"
    )
