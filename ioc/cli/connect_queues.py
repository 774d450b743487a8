"""``ioc connect queues``: tickets of kiosks, from files in a folder or from an MQTT broker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc.cli import connect
from ioc.errors import InputError, UsageError

if TYPE_CHECKING:
    from connectors.queues.clocks import Clocks
    from connectors.queues.reading import TicketReader
    from ioc.settings import Settings

_PORT_HELP = "mqtt://host[:1883] or mqtts://host[:8883]: kiosks publish there. No login in it."


def register(_parent: typer.Typer) -> None:
    """Put the command of this file under ``ioc connect``."""
    connect.app.command("queues")(queues)


def queues(
    watch: Annotated[
        Path | None,
        typer.Option(
            "--watch", metavar="FOLDER", help="Folder in which finished files appear.", show_default=False
        ),
    ] = None,
    mqtt: Annotated[
        str | None, typer.Option("--mqtt", metavar="ADDRESS", help=_PORT_HELP, show_default=False)
    ] = None,
    topic: Annotated[
        str, typer.Option(help="Topics of that broker; {kiosk} stands for the machine's code.")
    ] = "kiosks/{kiosk}/tickets",
    secret: Annotated[
        str | None,
        typer.Option(help="Where user:password is kept: env:NAME or file:PATH.", show_default=False),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(help="Certificate authority (PEM) to trust with mqtts.", show_default=False),
    ] = None,
    client: Annotated[
        str, typer.Option(help="Name of our session at the broker; nobody else may use it.")
    ] = "ioc-queues",
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="How the kiosks write tickets, when not as documented (.toml).", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Who says so: the facts' CloudEvents source, part of their ids; never change it.",
        ),
    ] = None,
    once: connect._Once = False,
    poll_s: connect._Poll = 1.0,
    name: connect._Name = None,
) -> None:
    """Take queue tickets from a folder of JSON lines (--watch) or from a broker (--mqtt).

    The district pack (IOC_PACK) says where kiosks are, and its time zone. Messages are acknowledged to the broker once
    Kafka or the spool has them. A line of the kind mqtt-queues in sources.csv does the same for `ioc connect all`.

    Example: ioc connect queues --mqtt mqtts://broker --secret env:KIOSKS
    """
    from ioc.settings import load

    if (watch is None) == (mqtt is None):
        raise UsageError("Name either --watch FOLDER or --mqtt ADDRESS.")
    if source is not None and not 1 <= len(source) <= 200:
        raise UsageError(
            "A source has 1 to 200 characters.", remedy="Leave --source out, or name it shortly."
        )
    settings = load()
    if mqtt is None:
        _watch(settings, watch or Path(), mapping, source, once, poll_s, name)
        return
    if once:
        raise UsageError("--once is for folders: a broker says what comes, not when it is all.")

    from connectors.queues.broker import route
    from connectors.queues.clocks import Clocks
    from connectors.shared.figures import showing
    from connectors.shared.mqtt import Broker, Subscriber
    from connectors.shared.relay import Relay
    from connectors.shared.reporter import Reporter
    from ioc.district.secrets import read_secret

    broker = Broker.at(mqtt, read_secret(secret, Path.cwd()) if secret else None, ca=ca)
    if ca is not None and not ca.is_file():
        raise InputError(f"The certificate file {ca} is not there.")
    health, kiosks = connect._health("source"), connect._health("kiosk")
    clocks = Clocks(kiosks.note, settings.future_tolerance_s)
    wanted, read = route(topic, _reader(settings, mapping, source, clocks))
    stop = connect._stop_event()
    with (
        Relay(settings, name or "queues") as relay,
        Reporter(relay, [health, kiosks]),
        showing(settings, relay, [health, kiosks]),
    ):
        Subscriber(broker, {wanted: read}, relay.accept, client_id=client, health=health).run(stop)


def _watch(
    settings: Settings,
    folder: Path,
    mapping: Path | None,
    source: str | None,
    once: bool,
    poll_s: float,
    name: str | None,
) -> None:
    import structlog

    from connectors.queues.tickets import import_file
    from connectors.shared.folder import Folder

    reader = _reader(settings, mapping, source, None)
    stop = connect._stop_event()
    log = structlog.get_logger(__name__)
    health = connect._health("folder")
    with connect._way(name or "queues", once, health) as sink:

        def take(path: Path) -> None:
            sent, faults = import_file(path, sink, reader)
            log.info("file.imported", file=path.name, published=sent, rejected=faults)

        watched = Folder(folder, (".jsonl",), take, health=health)
        if once:
            typer.echo(f"{watched.once()} files imported")
        else:
            watched.run(stop, poll_s)


def _reader(
    settings: Settings, mapping: Path | None, source: str | None, clocks: Clocks | None
) -> TicketReader:
    from zoneinfo import ZoneInfo

    from connectors.pack import usable_pack
    from connectors.queues import mapping as mappings
    from connectors.queues.reading import SOURCE, TicketReader
    from connectors.sources import kiosk_units
    from ioc.cli.district import pack_folder

    pack = usable_pack(pack_folder(None))
    return TicketReader(
        zone=ZoneInfo(pack.time_zone),
        source=SOURCE if source is None else source,
        unit_of=kiosk_units(pack),
        mapping=None if mapping is None else mappings.load(mapping),
        future_tolerance_s=settings.future_tolerance_s,
        clocks=clocks,
    )
