"""The evaluator's loop: one at a time on a database, on committed data only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import structlog
from kafka.errors import KafkaError

from ioc import topics, tracing
from ioc.access import changes
from ioc.alerts import evaluator as alerts
from ioc.history import access_log
from ioc.kpi.query import sample_platform
from ioc.metrics import PROCESS, processes
from ioc.platform import day_ends, dossier_sums, log_ends, retention, samples, windows
from ioc.platform.kafka_view import KafkaView
from ioc.reports import schedule
from ioc.settings import Settings
from ioc.storage import alone
from ioc.watch import beside
from ioc.watch.beat import Beat

log = structlog.get_logger(__name__)

_ROUND_S = 1.0
_SAMPLE_S = 15.0
_DROP_S = 3600.0
_RETRY_S = 2.0
#: A round may hold statements of up to a minute each, one after another.
_ROUND_WITHIN_S = 180.0


def run(settings: Settings, stop: threading.Event) -> None:
    """Close windows, fold, sample and mirror until ``stop`` is set; outlives servers that go away."""
    tracing.configure(settings, "evaluate")
    with Beat(settings, "evaluate") as beat:
        beside.watch(settings, stop, beat)
        for crew in alerts.crews(settings):
            threading.Thread(
                target=crew.run,
                args=(stop, beat.loop(f"alerts {crew.name}", within_s=_ROUND_WITHIN_S)),
                name=f"alerts-{crew.name}",
                daemon=True,
            ).start()
        _evaluate(settings, stop, beat.loop("windows", within_s=_ROUND_WITHIN_S))


def _evaluate(settings: Settings, stop: threading.Event, turned: Callable[[], None]) -> None:
    kafka = KafkaView(settings)
    failing = False
    PROCESS.gauge(processes.EVALUATE_LEADS).set(0)
    # a report asks for long and sets pages: windows must not wait for it
    threading.Thread(target=schedule.run, args=(settings, stop), name="reports", daemon=True).start()
    try:
        while not stop.is_set():
            turned()
            try:
                with psycopg.connect(
                    settings.database_dsn,
                    autocommit=True,
                    connect_timeout=5,
                    application_name="ioc-evaluate",
                    options="-c statement_timeout=60000 -c lock_timeout=10000 -c timezone=UTC",
                ) as connection:
                    if alone.wait(connection, windows.EVALUATOR_LOCK, stop, every_s=_ROUND_S, turned=turned):
                        if failing:
                            log.info("the database answers again")
                            failing = False
                        with PROCESS.gauge(processes.EVALUATE_LEADS).track_inprogress():
                            _rounds(connection, settings, kafka, stop, turned)
            except (psycopg.Error, OSError) as error:
                if not failing:
                    log.warning("the database does not answer, will be tried again", error=str(error).strip())
                    failing = True
                stop.wait(_RETRY_S)
    finally:
        kafka.close()


def _rounds(
    connection: windows.Connection,
    settings: Settings,
    kafka: KafkaView,
    stop: threading.Event,
    turned: Callable[[], None],
) -> None:
    kinds = {settings.topic_prefix + topics.CAMERAS: 1, settings.topic_prefix + topics.WIFI: 2}
    sampled = -_SAMPLE_S
    dropped = -_DROP_S
    kafka_failing = False
    seconds = PROCESS.histogram(processes.EVALUATE_SECONDS)
    while not stop.is_set():
        turned()
        began = time.monotonic()
        with tracing.span("evaluate.round"):
            windows.close(connection, settings.grace_s, kinds)
            for topic, kind in kinds.items():
                samples.roll_up(connection, kind, topic)
            dossier_sums.fold(connection)
            day_ends.fold(connection)
        if time.monotonic() - dropped >= _DROP_S:
            dropped = time.monotonic()
            for gone in retention.drop_old(connection, settings):
                log.info("old facts were let go", kind=gone.kind, kept_from=gone.since.isoformat())
            access_log.forget(connection, settings.access_log_days)
            changes.forget(connection, settings.access_log_days)
        try:
            if time.monotonic() - sampled >= _SAMPLE_S:
                sampled = time.monotonic()
                log_ends.note(connection, kafka.log_ends())
                sample_platform(connection)
            kafka.mirror(connection)
            if kafka_failing:
                log.info("Kafka answers again")
                kafka_failing = False
        except (KafkaError, OSError) as error:
            if not kafka_failing:
                log.warning("Kafka does not answer, will be tried again", error=str(error))
                kafka_failing = True
            kafka.close()
            sample_platform(connection)
        seconds.observe(time.monotonic() - began)
        stop.wait(_ROUND_S)
