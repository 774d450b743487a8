"""Tells one Kafka log from another of the same name."""

from __future__ import annotations

import asyncio
from typing import Any

from kafka.admin import KafkaAdminClient

from ioc.errors import UnavailableError
from streams.ownership import LogIdentity


class LogIdentities:
    """Cluster and topic ids, asked of Kafka once between two assignments."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._known: dict[str, LogIdentity] = {}

    def forget(self) -> None:
        """Ask again next time: the cluster may be another one by now."""
        self._known.clear()

    async def of(self, topic: str) -> LogIdentity:
        """Return the identity of a topic's log.

        :raises UnavailableError: when Kafka does not answer or has no such topic.
        """
        if topic not in self._known:
            self._known[topic] = await asyncio.to_thread(self._ask, topic)
        return self._known[topic]

    def _ask(self, topic: str) -> LogIdentity:
        admin = KafkaAdminClient(bootstrap_servers=self._servers.split(","), client_id="ioc-stream-identity")
        try:
            cluster: dict[str, Any] = admin.describe_cluster()
            topics: list[dict[str, Any]] = admin.describe_topics([topic])
        finally:
            admin.close()
        found = topics[0] if topics else {}
        if found.get("error_code"):
            raise UnavailableError(
                f"Kafka has no topic {topic} (error {found['error_code']}).", remedy="Run: ioc doctor"
            )
        return LogIdentity(str(cluster["cluster_id"]), str(found["topic_id"]))
