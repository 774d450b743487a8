"""Planners at their screens: each asks the real API, waits for the answer, thinks, and asks again."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import psycopg

from deploy.bench import outcome
from deploy.bench.history.province import ROOT, Size, unit_code
from deploy.bench.history.questions import OF_UNITS, WALL
from deploy.bench.latency import Spread, spread
from deploy.bench.roles import free_port, running, wait_until_healthy
from ioc.access import passwords, readers
from ioc.errors import UnavailableError
from ioc.kpi.catalogue import CATALOGUE
from ioc.settings import Settings

#: What planners ask, and how often of a hundred times.
MIX: Final[dict[str, int]] = {
    "a unit's year by day": 40,
    "a unit's three years by month and field": 15,
    "a wall of 30 indicators × 10 units": 20,
    "the province's year by day": 10,
    "a unit's year by day as known half a year ago": 10,
    "all units' year by day in one answer": 5,
}
#: Left out while everything warms up, in seconds.
_WARM_S: Final = 15.0
_READER: Final = "planner"


@dataclass(frozen=True)
class Planned:
    """What the planners waited.

    :param by_kind: of each kind of question.
    """

    planners: int
    think_s: float
    seconds: float
    all: Spread
    by_kind: dict[str, Spread]
    api_cores: float
    api_peak_mib: float


def measure(
    settings: Settings, size: Size, *, planners: int = 50, think_s: float = 10.0, seconds: float = 120.0
) -> Planned:
    """Run ``ioc serve`` as in service and let planners ask it over real connections.

    :raises UnavailableError: when an answer is not the one that was asked for.
    """
    with psycopg.connect(settings.database_dsn) as connection:
        password = passwords.generate()
        readers.add(connection, _READER, password)
    with _serve(settings) as (process, port):
        used, began = outcome.cpu_s(process.pid), time.perf_counter()
        waits = asyncio.run(_ask(port, password, size, planners, think_s, seconds + _WARM_S))
        cores = (outcome.cpu_s(process.pid) - used) / (time.perf_counter() - began)
        peak = outcome.peak_mib(process.pid)
    by_kind: dict[str, list[float]] = {}
    for kind, waited in waits:
        by_kind.setdefault(kind, []).append(waited)
    return Planned(
        planners,
        think_s,
        seconds,
        spread([waited for _, waited in waits]),
        {kind: spread(by_kind[kind]) for kind in MIX if kind in by_kind},
        cores,
        peak,
    )


async def _ask(
    port: int, password: str, size: Size, planners: int, think_s: float, seconds: float
) -> list[tuple[str, float]]:
    began = time.perf_counter()
    waits: list[tuple[str, float]] = []

    async def one(number: int) -> None:
        rng = random.Random(number)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", auth=(_READER, password), timeout=60
        ) as client:
            await asyncio.sleep(rng.uniform(0, think_s))
            while time.perf_counter() - began < seconds:
                kind = rng.choices(list(MIX), list(MIX.values()))[0]
                path, asked = _question(rng, kind, size)
                start = time.perf_counter()
                answer = await client.get(path, params=asked)
                waited = time.perf_counter() - start
                if answer.status_code != 200:
                    raise UnavailableError(
                        f"The API answered {answer.status_code} to {path}: {answer.text[:300]}"
                    )
                if start - began >= _WARM_S:
                    waits.append((kind, waited))
                # planners don't think in step
                await asyncio.sleep(think_s * rng.uniform(0.5, 1.5))

    await asyncio.gather(*(one(number) for number in range(planners)))
    return waits


def _question(rng: random.Random, kind: str, size: Size) -> tuple[str, dict[str, str]]:
    now = datetime.now(UTC)
    unit = unit_code(rng.randrange(size.units) + 1)
    year = f"{now - timedelta(days=365):%Y-%m-%d}"
    of_units = [CATALOGUE[kpi] for kpi in OF_UNITS]
    dossiers = [kpi for kpi in of_units if "field" in kpi.dimensions]
    match kind:
        case "a wall of 30 indicators × 10 units":
            units = [unit_code(n + 1) for n in rng.sample(range(size.units), 10)]
            return "/api/v1/kpis/current", {"ids": ",".join(WALL), "units": ",".join(units)}
        case "a unit's three years by month and field":
            kpi = rng.choice(dossiers)
            asked = {
                "unit": unit,
                "from": f"{now - timedelta(weeks=size.weeks):%Y-%m}-01",
                "bucket": "1mo",
                "by": "field",
            }
        case "the province's year by day":
            kpi = rng.choice(of_units)
            asked = {"unit": ROOT, "from": year, "bucket": "1d"}
        case "a unit's year by day as known half a year ago":
            kpi = rng.choice(dossiers)
            asked = {
                "unit": unit,
                "from": year,
                "bucket": "1d",
                "as_of": (now - timedelta(days=182)).isoformat(),
            }
        case "all units' year by day in one answer":
            kpi = rng.choice(of_units)
            asked = {"unit": ROOT, "from": year, "bucket": "1d", "by": "unit"}
        case _:
            kpi = rng.choice(of_units)
            asked = {"unit": unit, "from": year, "bucket": "1d"}
    return f"/api/v1/kpis/{kpi.id}/series", asked


@contextmanager
def _serve(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    log = Path(settings.state_dir) / "serve.log"
    with running(settings, ("ioc.cli", "serve", "--port", str(port)), log) as process:
        wait_until_healthy(process, port, "/health/live", log)
        yield process, port
