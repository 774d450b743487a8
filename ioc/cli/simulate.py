"""``ioc simulate``: a district that lives, for demonstrations and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate(
    seed: Annotated[int, typer.Option(help="Equal seeds give equal days.")] = 1,
    rate: Annotated[
        float, typer.Option(min=0.01, max=100.0, help="Factor on the number of people who come.")
    ] = 1.0,
    points: Annotated[
        int | None, typer.Option(min=1, help="How many of the pack's points take part; all.")
    ] = None,
    pack: Annotated[
        Path | None, typer.Option(help="Folder of the district pack.", show_default=False)
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier runs and begin anew.")] = False,
) -> None:
    """Run a simulated district with its connectors until it is told to stop (SIGTERM, Ctrl-C).

    Cameras are real RTSP streams, access points answer SNMP, the one-stop system and the kiosk write files; the
    connectors read them as they would read real ones. Outside working hours a virtual working day is played.
    Its dossiers and device history have sources that begin with //simulation/.

    Example: ioc simulate --seed 7 --rate 2
    """
    from deploy.simulation.run import Options, run
    from ioc.cli.district import pack_folder
    from ioc.district import read_pack
    from ioc.settings import load

    settings = load()
    run(settings, read_pack(pack_folder(pack)), Options(seed=seed, rate=rate, points=points, fresh=fresh))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)
