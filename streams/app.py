"""The Faust application: one agent per topic, each handing micro-batches to the sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import faust
import structlog

from ioc import topics
from ioc.settings import Settings
from streams.batch import Partition
from streams.connectors.projector import ConnectorProjector
from streams.devices.projector import DeviceProjector
from streams.devices.tables import CameraTable, SampleTable, WifiTable
from streams.dossiers.projector import DossierProjector
from streams.ownership import Claim
from streams.queues.projector import QueueProjector
from streams.registry import Registry
from streams.sink import ProjectorFactory, Sink
from streams.transport import BatchConsumer, BatchTransport, PassThrough

log = structlog.get_logger(__name__)

#: Seconds between the hints of progress that Kafka's own tools can show.
_HINT_S = 5.0


#: Seconds after which a topic that was made again is noticed: until then a worker has no partition of it.
_METADATA_S = 10.0


class StreamApp(faust.App):
    """Faust's application with our transport and sink."""

    sink: Sink

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def _devices(table: SampleTable) -> ProjectorFactory:
    def make(claim: Claim, registry: Registry, settings: Settings, careful: bool) -> DeviceProjector:
        return DeviceProjector(table, claim, registry, settings, careful=careful)

    return make


#: What each topic's facts become.
PROJECTORS: dict[str, ProjectorFactory] = {
    topics.DOSSIERS: DossierProjector,
    topics.QUEUES: QueueProjector,
    topics.CAMERAS: _devices(CameraTable()),
    topics.WIFI: _devices(WifiTable()),
    topics.CONNECTORS: ConnectorProjector,
}


def build(
    settings: Settings, *, only: tuple[str, ...] = topics.STREAM_TOPICS, member: str | None = None
) -> StreamApp:
    """Return the application that ``ioc stream`` runs.

    :param member: lasting name of this worker in its consumer group, see :mod:`streams.slot`.
    :param only: topics to work on, by their names without prefix.
    """
    servers = ";".join(f"kafka://{server}" for server in settings.kafka_servers.split(","))
    app = StreamApp(
        settings.consumer_group,
        broker=servers,
        consumer_group_instance_id=member,
        datadir=str(settings.state_dir / "faust"),
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_buffer_maxsize=8,
        # the sink's pipelines end their own work when a partition is revoked
        stream_wait_empty=False,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=max(0.5, settings.session_timeout_s / 4),
        broker_request_timeout=max(40.0, settings.session_timeout_s * 2),
        broker_rebalance_timeout=30.0,
        broker_max_poll_interval=600.0,
        broker_max_poll_records=settings.batch_records,
        consumer_max_fetch_size=settings.fetch_bytes,
        consumer_metadata_max_age_ms=int(_METADATA_S * 1000),
    )
    app.sink = Sink(settings, {settings.topic_prefix + topic: PROJECTORS[topic] for topic in only})
    for topic in only:
        _add_agent(app, settings.topic_prefix + topic)

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]
    async def close_sink(*_: Any, **__: Any) -> None:
        await app.sink.close()

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def give_up(_app: Any, revoked: set[Any], **__: Any) -> None:
        await app.sink.revoke({Partition(tp.topic, tp.partition) for tp in revoked})

    @app.task  # type: ignore[untyped-decorator]
    async def hint() -> None:
        consumer = cast("BatchConsumer", app.consumer)
        while not app.should_stop:
            await asyncio.sleep(_HINT_S)
            offsets = app.sink.committed()
            if offsets and not app.rebalancing:
                await consumer.commit_hint(offsets)

    return app


def _add_agent(app: StreamApp, name: str) -> None:
    channel = app.topic(name, schema=PassThrough(), acks=False)

    @app.agent(channel, name=f"agent:{name}")  # type: ignore[untyped-decorator]
    async def agent(stream: AsyncIterator[Any]) -> None:
        async for fetched in stream:
            app.sink.submit(fetched)


async def prepare(app: StreamApp) -> None:
    """Open what the worker needs before Faust starts, in Faust's loop."""
    await app.sink.open()
    app.sink.source = cast("Any", app.consumer)
