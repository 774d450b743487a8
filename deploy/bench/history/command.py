"""``python -m deploy.bench history``: fills, asks, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from deploy.bench.ground import Ground
from deploy.bench.history import planners, questions
from deploy.bench.history.fill import Filled, fill
from deploy.bench.history.province import ROOT, Size, unit_code
from deploy.bench.history.section import plans_page, section
from ioc.kpi.question import Asked
from ioc.storage.migrate import upgrade

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What goes into the docs."""

    section: str
    plans: str


def measure(ground: Ground, size: Size, tell: Tell, *, seconds: float = 120.0, rounds: int = 8) -> Report:
    """Fill a database of its own on running servers, ask it, and drop it again."""
    name = f"history_{uuid4().hex[:8]}"
    database = ground.postgres.ensure_database(name)
    try:
        upgrade(database)
        with ground.folder() as folder, ground.folder() as pack:
            settings = ground.worker_settings("", database, folder)
            filled = fill(settings, pack, size, tell)
            asked = questions.measure(database, size, tell, rounds=rounds)
            tell("planners")
            planned = planners.measure(settings, size, seconds=seconds)
        return Report(section(size, filled, asked, planned), plans_page(filled, _plans(ground, name, filled)))
    finally:
        ground.postgres.drop_database(name)


def _plans(ground: Ground, name: str, _filled: Filled) -> list[tuple[str, str]]:
    superuser = ground.postgres.admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    now = datetime.now(UTC)
    year = f"{now - timedelta(days=365):%Y-%m-%d}"
    unit = unit_code(7)
    asked = {
        "One unit's year by day: a ratio": (
            "dossier.on_time_rate",
            Asked(unit=unit, start=year, bucket="1d"),
        ),
        "One unit's year by day: a gauge": ("dossier.open", Asked(unit=unit, start=year, bucket="1d")),
        "One unit's year by day: a gauge as known half a year ago": (
            "dossier.open",
            Asked(unit=unit, start=year, bucket="1d", as_of=(now - timedelta(days=182)).isoformat()),
        ),
        "One unit's year by day: device-time": (
            "camera.availability",
            Asked(unit=unit, start=year, bucket="1d"),
        ),
        "All units' year by day: a gauge": (
            "dossier.overdue",
            Asked(unit=ROOT, start=year, bucket="1d", by="unit"),
        ),
        "All units' year by day: a quantile": (
            "dossier.processing_days_p50",
            Asked(unit=ROOT, start=year, bucket="1d", by="unit"),
        ),
        "All units' year by day: device-time": (
            "camera.availability",
            Asked(unit=ROOT, start=year, bucket="1d", by="unit"),
        ),
    }
    found = [(title, questions.plans(superuser, kpi, question)) for title, (kpi, question) in asked.items()]
    units = [unit_code(n) for n in range(1, 11)]
    found.append(("A wall of 30 indicators × 10 units", questions.plans(superuser, "", None, units)))
    return found


def write_plans(path: Path, text: str) -> None:
    """Write the page of plans."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
