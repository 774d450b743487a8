"""What reads each kind of source of the district pack, and the process that runs all sources of one kind.

Every source has a thread of its own: what one of them raises is told once, waited out and tried again, and its
neighbours don't notice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from connectors import polled
from connectors.shared import rests
from connectors.shared.health import Health
from ioc.district import Pack
from ioc.district.model import DeviceKind
from ioc.district.problems import Problem
from ioc.district.secrets import read_secret
from ioc.district.sources import FILE, Source
from ioc.errors import InputError, IocError
from ioc.events import AnyEvent
from ioc.settings import Settings

if TYPE_CHECKING:
    from connectors.onestop.mapping import UnitTable
    from connectors.queues.reading import TicketReader
    from connectors.shared.mqtt import Message, Read
    from connectors.shared.relay import Relay

_FIRST_REST_S: Final = 1.0
_LONGEST_REST_S: Final = 60.0

log = structlog.get_logger(__name__)

Run: TypeAlias = Callable[["Relay", threading.Event], None]
"""Reads a source until told to stop; may raise anything, then it is called again after a pause."""


@dataclass(frozen=True)
class Context:
    """What the sources of one process share.

    :param folder: the pack's folder, from which paths count.
    :param mappings: folder of the mappings that come with the platform.
    :param make_unit: sees to it that a mapping's own unit exists in the database.
    """

    settings: Settings
    pack: Pack
    folder: Path
    mappings: Path
    make_unit: Callable[[UnitTable], None] = lambda _unit: None
    sources: Health = field(default_factory=lambda: Health("source"))
    kiosks: Health = field(default_factory=lambda: Health("kiosk"))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.pack.time_zone)

    def login(self, source: Source) -> SecretStr | None:
        """The source's secret, looked up now.

        :raises InputError: when the reference leads to nothing.
        """
        return None if source.secret is None else read_secret(source.secret, self.folder)

    def mapping(self, source: Source) -> Path | None:
        """The mapping file that a source names: the pack's, else one that comes with the platform.

        :raises InputError: when there is none of that name.
        """
        if source.mapping is None:
            return None
        if source.mapping.endswith(".toml"):
            return self.folder / source.mapping
        found = self.mappings / f"{source.mapping}.toml"
        if not found.is_file():
            known = ", ".join(sorted(path.stem for path in self.mappings.glob("*.toml")))
            raise InputError(
                f"There is no mapping {source.mapping!r}.",
                remedy=f"Name a file of the pack (….toml), or one of {known}.",
            )
        return found

    def file(self, source: Source, option: str) -> Path | None:
        """A file that an option names, from the pack's folder on."""
        name = source.options.get(option)
        return None if name is None else self.folder / name


def kiosk_units(pack: Pack, otherwise: str | None = None) -> Callable[[str, date], str | None]:
    """What tells the unit of a kiosk on a day.

    :param otherwise: unit of kiosks that the pack does not name.
    """
    points = {device.code: device.point for device in pack.devices if device.kind is DeviceKind.KIOSK}

    def unit_of(kiosk: str, day: date) -> str | None:
        point = points.get(kiosk)
        return (pack.unit_of(point, day) if point else None) or otherwise

    return unit_of


Prepare: TypeAlias = Callable[[Source, Context], Run]
"""Reads what a line, its mapping and its secret say, without touching the network.

:raises IocError: when it can't be used.
"""


def _queues(source: Source, context: Context) -> Run:
    from connectors.queues.broker import TOPIC, route

    return _subscribed(
        source, context, *route(source.options.get("topic", TOPIC), _tickets(source, context, live=True))
    )


def _subscribed(source: Source, context: Context, wanted: str, read: Read) -> Run:
    from connectors.shared.mqtt import Broker, Subscriber

    broker = Broker.at(source.address or "", context.login(source), ca=context.file(source, "ca"))

    def run(relay: Relay, stop: threading.Event) -> None:
        Subscriber(
            broker,
            {wanted: read},
            relay.accept,
            client_id=source.options.get("client", f"ioc-{context.pack.id}-{source.code}"),
            health=context.sources,
            name=source.code,
        ).run(stop)

    return run


def _wifi_status(source: Source, context: Context) -> Run:
    from connectors.shared.topics import machine_of, topic_filter
    from connectors.wifi.status import TOPIC, StatusReader
    from connectors.wifi.targets import PlaceEntry

    today = datetime.now(context.zone).date()
    known = {
        device.code: (PlaceEntry(device.code, unit, device.point), device.interval_s)
        for device in context.pack.devices
        if device.kind is DeviceKind.WIFI and (unit := context.pack.unit_of(device.point, today))
    }

    def place_of(device: str) -> tuple[PlaceEntry, float] | None:
        if device in known:
            return known[device]
        return (PlaceEntry(device, source.unit, source.point), 60.0) if source.unit else None

    topic, place = source.options.get("topic", TOPIC), "{device}"
    wanted = topic_filter(topic, place)
    if place not in topic.split("/"):
        raise InputError(f"The topic has no {place}.", remedy=f"Write one such as {TOPIC}.")
    tolerance_s = context.settings.future_tolerance_s
    reader = StatusReader(source.uri, place_of, future_tolerance_s=tolerance_s)

    def read(message: Message) -> Sequence[AnyEvent]:
        return reader.read(message, machine_of(message.topic, topic, place) or "")

    return _subscribed(source, context, wanted, read)


def _tickets(source: Source, context: Context, *, live: bool) -> TicketReader:
    from connectors.queues import mapping
    from connectors.queues.clocks import Clocks
    from connectors.queues.reading import TicketReader

    named = context.mapping(source)
    tolerance_s = context.settings.future_tolerance_s
    return TicketReader(
        zone=context.zone,
        source=source.uri,
        unit_of=kiosk_units(context.pack, source.unit),
        mapping=None if named is None else mapping.load(named),
        future_tolerance_s=tolerance_s,
        clocks=Clocks(context.kiosks.note, tolerance_s) if live else None,
    )


def _folder(source: Source, context: Context) -> Run:
    holds = source.options.get("holds", "dossiers")
    if holds == "dossiers":
        return _dossier_folder(source, context)
    if holds != "tickets":
        raise InputError(
            f"A folder holds dossiers or tickets, not {holds!r}.", remedy="Correct the option holds."
        )
    from connectors.queues.tickets import import_file

    reader = _tickets(source, context, live=False)

    def run(relay: Relay, stop: threading.Event) -> None:
        def take(path: Path) -> None:
            sent, faults = import_file(path, relay, reader)
            log.info("file.imported", source=source.code, file=path.name, published=sent, rejected=faults)

        _follow(source, context, (".jsonl",), take, stop)

    return run


def _follow(
    source: Source,
    context: Context,
    suffixes: tuple[str, ...],
    take: Callable[[Path], None],
    stop: threading.Event,
) -> None:
    from connectors.shared.folder import Folder

    place = context.folder / (source.address or "")
    try:
        folder = Folder(place, suffixes, take, health=context.sources)
    except OSError as error:
        raise InputError(f"The folder {place} can't be used: {error.strerror}.") from None
    context.sources.note(source.code, True)
    folder.run(stop, source.interval_s or 1.0)


def _dossier_folder(source: Source, context: Context) -> Run:
    from connectors.onestop import mapping
    from connectors.onestop.importing import Importer
    from connectors.onestop.reading import SUFFIXES

    named = context.mapping(source)
    if named is None:
        raise InputError(
            "Files of dossiers need a mapping.", remedy="docs/connectors/onestop.md explains it."
        )
    meaning = mapping.load(named)
    settings = context.settings

    def run(relay: Relay, stop: threading.Event) -> None:
        importer = Importer(meaning, settings.state_dir, future_tolerance_s=settings.future_tolerance_s)
        if meaning.unit is not None:
            context.make_unit(meaning.unit)

        def take(path: Path) -> None:
            report = importer.run(path, lambda: relay)
            log.info(
                "file.imported",
                source=source.code,
                file=path.name,
                rows=report.rows,
                rejected=report.rejected,
            )

        _follow(source, context, SUFFIXES, take, stop)

    return run


def _rest(source: Source, context: Context) -> Run:
    from connectors.onestop import polling, restsource

    named = context.mapping(source)
    if named is None:
        raise InputError("A REST source needs its file.", remedy="docs/connectors/onestop.md explains it.")
    asked = restsource.load(
        named,
        context.mappings,
        url=source.address,
        secret=source.secret,
        interval_s=source.interval_s,
        folder=context.folder,
    )
    settings = context.settings

    def run(relay: Relay, stop: threading.Event) -> None:
        if asked.mapping.unit is not None:
            context.make_unit(asked.mapping.unit)
        poller = polling.RestPoller(
            asked,
            relay,
            settings.state_dir,
            future_tolerance_s=settings.future_tolerance_s,
            health=context.sources,
            name=source.code,
        )
        asyncio.run(polling.run([poller], stop))

    return run


#: Kinds whose lines have a thread each, in one process a kind.
READERS: Final[Mapping[str, Prepare]] = {
    "mqtt-queues": _queues,
    "mqtt-wifi": _wifi_status,
    "folder": _folder,
    "rest": _rest,
}
#: Kinds that come to the ingest process.
SERVED: Final = ("portal", "http")
#: Kinds that have a process.
RUN: Final = (*READERS, *polled.POLLED)


def examine_sources(context: Context) -> Iterator[Problem]:
    """Look closer at each line of the pack: at its mapping, topic and address as its connector reads them.

    A secret that is not here is left to :func:`ioc.district.examine`, which notes it.
    """
    for source in context.pack.sources:
        name, noted = source.kind.name, None
        try:
            context.login(source)
        except InputError as error:
            noted = error.message
        try:
            if name in READERS:
                READERS[name](source, context)
            elif name in polled.POLLED:
                polled.check(source, context.pack, context.folder)
        except IocError as error:
            if error.message != noted:
                yield Problem(FILE, source.line, f"{source.code}: {error.message}", error.remedy)


def run_sources(sources: Sequence[Source], context: Context, relay: Relay, stop: threading.Event) -> None:
    """Read sources, each in a thread of its own, until told to stop."""
    threads = [
        threading.Thread(target=_tend, args=(source, context, relay, stop), name=source.code, daemon=True)
        for source in sources
    ]
    for thread in threads:
        thread.start()
    log.info("sources.running", sources=[source.code for source in sources])
    stop.wait()
    for thread in threads:
        thread.join(10.0)


def _tend(source: Source, context: Context, relay: Relay, stop: threading.Event) -> None:
    faults = 0
    while not stop.is_set():
        try:
            READERS[source.kind.name](source, context)(relay, stop)
        except IocError as error:
            context.sources.note(source.code, False, error.message)
        except Exception as error:
            # one source's fault must not end the others; nothing of it may hold a password
            context.sources.note(source.code, False, f"its connector failed: {type(error).__name__}")
            log.debug("source.failed", source=source.code, exc_info=True)
        faults += 1
        stop.wait(rests.rest_s(faults, first_s=_FIRST_REST_S, longest_s=_LONGEST_REST_S))
