"""``ioc connect``: run a connector until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc import settings as settings_module
from ioc.errors import UsageError

if TYPE_CHECKING:
    from connectors.shared.health import Health
    from connectors.shared.publisher import Sink
    from connectors.shared.runner import Job

app = typer.Typer(
    name="connect",
    no_args_is_help=True,
    help="Run a connector until it is told to stop.\n\nExample: ioc connect all",
)

_Targets = Annotated[
    Path | None,
    typer.Option(
        "--targets",
        metavar="FILE",
        help="Devices to poll (TOML); without it the district pack's. Read again on change.",
        show_default=False,
    ),
]
_Workers = Annotated[int, typer.Option(min=1, max=256, help="Most probes at a time.")]
_Watch = Annotated[
    Path, typer.Option("--watch", metavar="FOLDER", help="Folder in which finished files appear.")
]
_Once = Annotated[bool, typer.Option("--once", help="One round, then end.")]
_Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="Name of this connector, of its spool and in its reports, where several of a kind run.",
        show_default=False,
    ),
]
_Poll = Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks into the folder.")]


def register(parent: typer.Typer) -> None:
    """Put the commands of this file under ``parent``."""
    parent.add_typer(app)


@app.command("cameras")
def cameras(
    targets: _Targets = None, once: _Once = False, workers: _Workers = 16, name: _Name = None
) -> None:
    """Poll cameras over RTSP.

    Without --targets: those of the district pack (IOC_PACK) that have an address.

    Example: ioc connect cameras
    """
    from connectors.camera.targets import jobs
    from connectors.pack import camera_jobs

    _poll(name or "cameras", *_devices(targets, jobs, camera_jobs), once, workers)


@app.command("wifi")
def wifi(targets: _Targets = None, once: _Once = False, workers: _Workers = 256, name: _Name = None) -> None:
    """Poll access points and controllers over SNMP.

    Without --targets: those of the district pack (IOC_PACK) that have an address.

    Example: ioc connect wifi
    """
    from connectors.pack import wifi_jobs
    from connectors.wifi.targets import jobs

    _poll(name or "wifi", *_devices(targets, jobs, wifi_jobs), once, workers)


_File = Annotated[Path, typer.Option("--targets", metavar="FILE", help="TOML file; read again on change.")]


@app.command("controllers")
def controllers(targets: _File, once: _Once = False, workers: _Workers = 8) -> None:
    """Ask wifi controllers (UniFi Network, OpenWISP) over HTTP: one sample for each of their access points.

    How often a host is called is added up first; a file that would call it more often than it allows is refused.

    Example: ioc connect controllers --targets controllers.toml
    """
    from connectors.wifi.controllers.targets import Controllers

    _poll("controllers", Controllers().jobs, targets, once, workers)


@app.command("radius")
def radius(
    targets: _File,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    port: Annotated[int, typer.Option(min=0, max=65_535, help="UDP port to listen on.")] = 1813,
) -> None:
    """Listen to RADIUS accounting and count open sessions for each access point; nobody's name or address is kept.

    Exits with 4 when the port is taken.

    Example: ioc connect radius --targets accounting.toml
    """
    from connectors.wifi.accounting import Accountant

    accountant = Accountant()
    _poll("radius", accountant.jobs, targets, False, 8, accountant.listening(host, port))


@app.command("internet")
def internet(targets: _File, once: _Once = False, workers: _Workers = 32) -> None:
    """See whether the internet works from here: echo requests, names, a page that says nothing (HTTP 204).

    Run it on a machine in the network whose users are meant.

    Example: ioc connect internet --targets internet.toml
    """
    from connectors.wifi.internet import jobs

    _poll("internet", jobs, targets, once, workers)


@app.command("onestop")
def onestop(
    watch: _Watch,
    mapping: Annotated[str, typer.Option(help="A mapping file (.toml), or the name of a shipped one.")],
    once: _Once = False,
    poll_s: _Poll = 1.0,
    name: _Name = None,
) -> None:
    """Import files of dossiers (CSV, XLSX, JSON Lines, XES) as they appear in a folder.

    A file is written under another name and renamed to *.csv, *.xlsx … when complete; it goes to done/ when all of it
    is in Kafka or safe in the spool, to rejected/ with the reason when it can't be read.

    Example: ioc connect onestop --watch /srv/spool/dossiers --mapping motcua
    """
    import sqlite3

    import structlog

    from connectors.onestop.importing import Importer
    from connectors.onestop.reading import SUFFIXES
    from connectors.shared.folder import Folder
    from ioc.cli.imports import load_mapping, make_unit, state_unusable

    settings = settings_module.load()
    meaning = load_mapping(mapping)
    stop = _stop_event()
    importer = Importer(meaning, settings.state_dir, future_tolerance_s=settings.future_tolerance_s)
    log = structlog.get_logger(__name__)

    health = _health("folder")

    with _way(name or "onestop", once, health) as sink:

        def take(path: Path) -> None:
            try:
                report = importer.run(path, lambda: sink)
            except (OSError, sqlite3.Error) as error:
                raise state_unusable(settings, error) from None
            log.info(
                "file.imported",
                file=path.name,
                format=report.format,
                rows=report.rows,
                published=report.published,
                rejected=report.rejected,
            )

        if meaning.unit is not None:
            make_unit(settings, meaning.unit)
        folder = Folder(watch, SUFFIXES, take, health=health)
        if once:
            typer.echo(f"{folder.once()} files imported")
        else:
            folder.run(stop, poll_s)


@app.command("rest")
def rest(
    source: Annotated[
        list[Path],
        typer.Option("--source", metavar="FILE", help="A source file (.toml); may be given several times."),
    ],
    once: _Once = False,
    name: _Name = None,
) -> None:
    """Poll REST sources of dossiers from where they were last read up to.

    Facts wait on disk while Kafka is away. A source that fails is logged once and tried again; the others go on.

    Example: ioc connect rest --source /etc/ioc/sources/province.toml
    """
    import asyncio
    from importlib.resources import files

    from connectors.onestop import polling, restsource
    from ioc.cli.imports import make_unit

    settings = settings_module.load()
    shipped = Path(str(files("deploy") / "mappings"))
    sources = [restsource.load(path, shipped) for path in source]
    names = [one.config.name for one in sources]
    if len(set(names)) < len(names):
        raise UsageError("Two sources have one name.", remedy="Give each its own: its cursor is kept by it.")
    stop = _stop_event()
    for one in sources:
        if one.mapping.unit is not None:
            make_unit(settings, one.mapping.unit)
    health = _health("source")
    with _way(name or "rest", once, health) as sink:
        polled = polling.pollers(
            sources,
            sink,
            settings.state_dir,
            future_tolerance_s=settings.future_tolerance_s,
            health=health,
        )
        if once:
            typer.echo("\n".join(asyncio.run(polling.run_once(polled))))
        else:
            asyncio.run(polling.run(polled, stop))


@app.command("ingest")
def ingest() -> None:
    """Take what other systems send over HTTP: CloudEvents and the portal protocol.

    Listens on IOC_INGEST_HOST and IOC_INGEST_PORT. Keeps facts on disk while Kafka is away, and goes on with the keys
    it knows while the database is. Exits with 4 when the port is taken.

    Example: ioc connect ingest
    """
    from connectors.ingest.server import serve
    from ioc.cli.district import pack_folder

    serve(settings_module.load(), pack_folder(None))


_Load = Callable[[Path], "list[Job]"]


def _devices(targets: Path | None, from_targets: _Load, from_pack: _Load) -> tuple[_Load, Path]:
    """What reads the devices to poll, and the file that it reads: the one named, else the pack's."""
    from connectors.pack import devices_file
    from ioc.cli.district import pack_folder

    return (from_targets, targets) if targets else (from_pack, devices_file(pack_folder(None)))


def _poll(
    name: str,
    jobs: _Load,
    targets: Path,
    once: bool,
    workers: int,
    beside: AbstractAsyncContextManager[object] | None = None,
) -> None:
    """Poll until told to stop; ``beside`` is entered meanwhile."""
    import asyncio

    from connectors.shared.runner import Poller

    jobs(targets)  # a file that can't be used is told before anything is opened
    stop = _stop_event()
    health = _health("source")
    with _way(name, once, health) as sink:
        poller = Poller(jobs, targets, sink, workers=workers, health=health)
        if once:
            typer.echo(f"{asyncio.run(poller.once())} samples sent")
        else:

            async def run() -> None:
                async with beside or nullcontext():
                    await poller.run(stop)

            asyncio.run(run())


def _health(what: str) -> Health:
    from connectors.shared.health import Health

    return Health(what)


@contextmanager
def _way(name: str, once: bool, health: Health) -> Iterator[Sink]:
    """Where a connector's events go: a single round fails when Kafka is away; one that runs on keeps them."""
    settings = settings_module.load()
    client = f"ioc-connect-{name}"
    if once:
        from connectors.shared.publisher import Publisher

        with Publisher(settings, client_id=client) as publisher:
            yield publisher
    else:
        from connectors.shared.figures import showing
        from connectors.shared.relay import Relay
        from connectors.shared.reporter import Reporter

        with (
            Relay(settings, name, client_id=client) as relay,
            Reporter(relay, [health]),
            showing(settings, relay, [health]),
        ):
            yield relay


def _stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
