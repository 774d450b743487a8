"""Which pack the database holds, and how what lies in its folder differs: for people who keep it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from ioc.district.model import Certainty
from ioc.district.problems import Problem
from ioc.district.reader import examine
from ioc.kpi.steps import Steps

_APPLIED: Final = """
SELECT d.code, u.name_vi, u.name_en, d.root_unit, d.time_zone, d.pack_version, d.applied_at,
       (SELECT count(*) FROM ioc.unit WHERE declared), (SELECT count(DISTINCT code) FROM ioc.point),
       (SELECT count(*) FROM ioc.device WHERE declared), (SELECT count(*) FROM ioc.agency),
       (SELECT count(*) FROM ioc.kpi_target), (SELECT count(*) FROM ioc.procedure)
FROM ioc.district d LEFT JOIN ioc.unit u ON u.code = d.root_unit
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the database holds.

    :param version: as the pack says; ``digest``: of its files, so that a change that kept the version is seen.
    """

    code: str
    name_vi: str
    name_en: str
    root: str
    time_zone: str
    version: str
    digest: str
    at: datetime
    units: int
    points: int
    devices: int
    agencies: int
    targets: int
    procedures: int


@dataclass(frozen=True, slots=True)
class InFolder:
    """What lies in the pack's folder.

    :param version: None where the pack can't be read.
    :param certainty: of each file whose rows say it, how many are verified (V), seen in code or data in use (C), or
        inferred (I).
    """

    folder: str
    version: str | None
    digest: str | None
    certainty: tuple[tuple[str, dict[str, int]], ...]
    errors: tuple[Problem, ...]
    notes: tuple[Problem, ...]

    def is_in(self, applied: Applied | None) -> bool:
        """Whether the database holds just this."""
        return applied is not None and (self.version, self.digest) == (applied.version, applied.digest)


class _Sure(Protocol):
    @property
    def certainty(self) -> Certainty: ...


def applied() -> Steps[Applied | None]:
    """Steps to the pack that the database holds; None before the first one."""
    rows = yield _APPLIED, ()
    if not rows:
        return None
    code, vi, en, root, zone, pack_version, at, *counts = rows[0]
    version, _, digest = pack_version.partition("+")
    return Applied(code, vi or code, en or vi or code, root, zone, version, digest, at, *counts)


def in_folder(folder: Path) -> InFolder:
    """Read and check a pack's folder; takes about a second."""
    reading = examine(folder)
    pack = reading.usable
    tables: list[tuple[str, Iterable[_Sure]]] = []
    if pack is not None:
        tables = [
            ("units.csv", pack.units),
            ("successions.csv", pack.successions),
            ("groups.csv", pack.memberships),
            ("points.csv", pack.points),
            ("agencies.csv", pack.agencies),
            ("targets.csv", pack.targets),
        ]
    return InFolder(
        str(folder),
        None if pack is None else pack.version,
        None if pack is None else pack.digest,
        tuple((name, _count(rows)) for name, rows in tables if rows),
        tuple(reading.errors),
        tuple(reading.notes),
    )


def _count(rows: Iterable[_Sure]) -> dict[str, int]:
    found = Counter(row.certainty.value for row in rows)
    return {mark.value: found[mark.value] for mark in Certainty}
