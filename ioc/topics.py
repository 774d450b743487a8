"""The Kafka topics of the platform: one per subject, keyed by dossier code, kiosk, device id or connector."""

from __future__ import annotations

from typing import Final

DOSSIERS: Final = "ioc.dossiers"
QUEUES: Final = "ioc.queues"
CAMERAS: Final = "ioc.cameras"
WIFI: Final = "ioc.wifi"
CONNECTORS: Final = "ioc.connectors"
DEAD_LETTERS: Final = "ioc.dead-letters"

#: Topics that carry facts, in the order in which people name them.
FACT_TOPICS: Final = (DOSSIERS, QUEUES, CAMERAS, WIFI)
#: Topics that workers read: facts, and what connectors say about themselves.
STREAM_TOPICS: Final = (*FACT_TOPICS, CONNECTORS)
ALL_TOPICS: Final = (*STREAM_TOPICS, DEAD_LETTERS)

#: Partition counts are fixed when topics are made: a later change would move keys between partitions.
DEFAULT_PARTITIONS: Final = 4
