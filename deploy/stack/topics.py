"""The platform's topics on the broker: made once with a fixed number of partitions, and looked at."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ioc import topics
from ioc.errors import SettingsError, UnavailableError
from ioc.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

_DAY_MS = 24 * 3600 * 1000
#: Mirrors of unreadable records may hold personal data: kept shortly. The database has the guarded original.
DEAD_LETTER_RETENTION_MS = 3 * _DAY_MS
_REQUEST_TIMEOUT_MS = 10_000
_LONGEST_REASON = 300


@contextmanager
def _quiet() -> Iterator[None]:
    """kafka-python logs every refused connection of a broker that is still starting; the caller reports instead."""
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def admin(servers: str, timeout_ms: int = 5_000) -> Iterator[KafkaAdminClient]:
    """An admin client.

    :raises UnavailableError: nobody answers at these servers.
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    with _quiet():
        try:
            client = KafkaAdminClient(
                bootstrap_servers=servers.split(","),
                client_id="ioc-stack",
                bootstrap_timeout_ms=timeout_ms,
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
            )
        except (KafkaError, OSError) as error:
            raise UnavailableError(
                f"Kafka does not answer at {servers}: {error or type(error).__name__}.",
                remedy="Start it with ioc up, or mend IOC_KAFKA.",
            ) from error
        try:
            yield client
        except KafkaError as error:
            # errors of kafka-python may carry the broker's whole answer
            raise UnavailableError(f"Kafka at {servers} refused: {str(error)[:_LONGEST_REASON]}.") from error
        finally:
            client.close()


def cluster_answers(servers: str) -> bool:
    """Whether the cluster names a controller and at least one broker."""
    with contextlib.suppress(UnavailableError), admin(servers, timeout_ms=3_000) as client:
        facts = client.describe_cluster()
        return bool(facts.get("brokers")) and facts.get("controller_id", -1) != -1
    return False


def names(settings: Settings) -> tuple[str, ...]:
    """The platform's topics as they are called on this broker."""
    return tuple(settings.topic_prefix + name for name in topics.ALL_TOPICS)


def partitions(settings: Settings) -> dict[str, int]:
    """Partition count of each of the platform's topics that exists."""
    wanted = names(settings)
    with admin(settings.kafka_servers) as client:
        existing = set(client.list_topics()) & set(wanted)
        if not existing:
            return {}
        return {facts["name"]: len(facts["partitions"]) for facts in client.describe_topics(sorted(existing))}


def ensure(settings: Settings) -> list[str]:
    """Make the topics that are missing.

    :returns: names of those made.
    :raises SettingsError: a topic has another number of partitions than ``topic_partitions``; a later change
        would move keys between partitions, so it is never changed here.
    """
    existing = partitions(settings)
    for name, count in existing.items():
        if count != settings.topic_partitions:
            raise SettingsError(
                f"Topic {name} has {count} partitions, IOC_TOPIC_PARTITIONS says {settings.topic_partitions}; "
                "the number is fixed when a topic is made.",
                remedy=f"Set IOC_TOPIC_PARTITIONS={count}.",
            )
    missing = [name for name in names(settings) if name not in existing]
    if not missing:
        return []
    wanted: dict[str, dict[str, object]] = {}
    for name in missing:
        configs = {"max.message.bytes": str(8 * 1024 * 1024)}
        if name.endswith(topics.DEAD_LETTERS):
            configs["retention.ms"] = str(DEAD_LETTER_RETENTION_MS)
        wanted[name] = {
            "num_partitions": settings.topic_partitions,
            "replication_factor": settings.topic_replication,
            "configs": configs,
        }
    from kafka.errors import TopicAlreadyExistsError

    # somebody else may make them at this moment, or has and the broker's list did not know yet
    with admin(settings.kafka_servers) as client, contextlib.suppress(TopicAlreadyExistsError):
        client.create_topics(wanted, timeout_ms=_REQUEST_TIMEOUT_MS, wait_for_metadata=True)
    return missing


def delete(settings: Settings) -> None:
    """Delete the platform's topics and what they hold."""
    existing = partitions(settings)
    if existing:
        with admin(settings.kafka_servers) as client:
            client.delete_topics(sorted(existing), timeout_ms=_REQUEST_TIMEOUT_MS)
