"""Small one-stop exports for the tests, and a place that keeps what would go to Kafka."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from connectors.onestop.importing import Importer, Report
from connectors.onestop.mapping import Mapping, load
from ioc.errors import UnavailableError
from ioc.events import AnyEvent, DossierProgressed, DossierRecorded

COLUMNS = ("code", "channel", "received", "due", "done", "step", "at", "officer", "applicant")

MAPPING = """
name = "town"
source = "urn:test:town"
[unit]
code = "town"
name_vi = "Thị trấn"
name_en = "Town"
time_zone = "Asia/Ho_Chi_Minh"
[dossier]
code = "code"
channel = { column = "channel", values = { web = "online", desk = "counter" } }
received_at = "received"
due_at = "due"
completed_at = "done"
[progress]
time = "at"
step = "step"
handler = { column = "officer", treatment = "hash" }
"""

ROW = {
    "code": "H53-250901-0001",
    "channel": "web",
    "received": "2025-09-01T08:00:00",
    "due": "2025-09-10T17:00:00",
    "done": "",
    "step": "accept",
    "at": "2025-09-01T08:05:00",
    "officer": "Lê Thị Thử",
    "applicant": "Nguyễn Văn Mẫu",
}


class Kept:
    """Keeps events as Kafka would, until told to be away."""

    def __init__(self, away_after: int | None = None) -> None:
        self.events: list[AnyEvent] = []
        self.away_after = away_after

    def publish(self, event: AnyEvent) -> None:
        if self.away_after is not None and len(self.events) >= self.away_after:
            raise UnavailableError("away")
        self.events.append(event)

    def flush(self) -> None:
        if self.away_after is not None:
            raise UnavailableError("away")

    @property
    def ids(self) -> set[str]:
        return {event.id for event in self.events}

    @property
    def records(self) -> list[DossierRecorded]:
        return [event for event in self.events if isinstance(event, DossierRecorded)]

    @property
    def steps(self) -> list[DossierProgressed]:
        return [event for event in self.events if isinstance(event, DossierProgressed)]


def mapping(folder: Path, text: str = MAPPING) -> Mapping:
    path = folder / "town.toml"
    path.write_text(text, "utf-8")
    return load(path)


def write(
    path: Path, rows: Iterable[dict[str, str]], *, separator: str = ",", encoding: str = "utf-8"
) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(folder: Path, rows: Iterable[dict[str, str]], kept: Kept | None = None) -> tuple[Report, Kept]:
    """Import rows with the state kept in ``folder``."""
    sink = kept or Kept()
    file = write(folder / "export.csv", rows)
    return Importer(mapping(folder), folder / "state").run(file, lambda: sink), sink
