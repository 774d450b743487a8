"""``ioc connect all`` and ``ioc connect sources``: what the district pack names, read without further words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc.cli import connect
from ioc.errors import UsageError

if TYPE_CHECKING:
    from connectors.sources import Context
    from ioc.district import Pack
    from ioc.settings import Settings


def register(_parent: typer.Typer) -> None:
    """Put the commands of this file under ``ioc connect``."""
    connect.app.command("all")(everything)
    connect.app.command("sources")(sources)


def everything() -> None:
    """Run every device and source that the district pack (IOC_PACK) names, and follow the pack when it changes.

    Each kind has a process of its own; what fails is started again, and costs no other. A mistake on a line of
    devices.csv or sources.csv costs that line.

    Example: ioc connect all
    """
    from connectors.sources import RUN
    from deploy.stack.connecting import Connecting
    from ioc.cli.district import pack_folder
    from ioc.settings import load

    stop = connect._stop_event()
    Connecting(load(), pack_folder(None).absolute(), kinds=RUN).run(stop)


def sources(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as mqtt-queues or folder.")],
) -> None:
    """Run the sources of one kind that the district pack (IOC_PACK) names; `ioc connect all` does so for all.

    Example: ioc connect sources mqtt-queues
    """
    from connectors.pack import devices_file, usable_pack
    from connectors.polled import POLLED, active
    from connectors.shared.figures import showing
    from connectors.shared.relay import Relay
    from connectors.shared.reporter import Reporter
    from connectors.shared.runner import Poller
    from connectors.sources import RUN, run_sources
    from ioc.cli.district import pack_folder
    from ioc.settings import load

    if kind not in RUN:
        raise UsageError(f"No process of its own reads {kind!r}.", remedy=f"Kinds are {', '.join(RUN)}.")
    settings = load()
    folder = pack_folder(None)
    pack = usable_pack(folder)
    found = active(pack, kind)
    if not found:
        raise UsageError(f"The pack {folder} names no source of the kind {kind} today.")
    shared = context(settings, pack, folder)
    polled = POLLED[kind](kind, found) if kind in POLLED else None
    stop = connect._stop_event()
    healths = [shared.sources, shared.kiosks]
    with (
        Relay(settings, f"pack-{kind}") as relay,
        Reporter(relay, healths),
        showing(settings, relay, healths),
    ):
        if polled is None:
            run_sources(found, shared, relay, stop)
            return

        async def poll() -> None:
            async with polled.beside:
                poller = Poller(polled.jobs, devices_file(folder), relay, workers=16, health=shared.sources)
                await poller.run(stop)

        asyncio.run(poll())


def context(settings: Settings, pack: Pack, folder: Path) -> Context:
    """What the sources of a pack share."""
    from importlib.resources import files

    from connectors.sources import Context
    from ioc.cli.imports import make_unit

    return Context(
        settings,
        pack,
        folder,
        Path(str(files("deploy") / "mappings")),
        make_unit=lambda unit: make_unit(settings, unit),
    )
