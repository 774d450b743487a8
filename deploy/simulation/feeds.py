"""Hands the model's facts to the connectors as their sources would: CSV exports and JSON lines in watched folders."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from deploy.simulation.lives import NEW, REFUSED
from deploy.simulation.playback import Row
from deploy.simulation.queue import TicketStep

#: The one-stop system writes its clock in this zone, whatever the district's.
_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_COLUMNS: Final = (
    "MaHoSo",
    "MaDonVi",
    "KenhThucHien",
    "TenLinhVuc",
    "MaTTHC",
    "TrangThaiHoSo",
    "NgayTiepNhan",
    "NgayHenTra",
    "NgayKetThucXuLy",
    "NgayRut",
    "HoSoCoThanhPhanSoHoa",
    "ThanhToanTrucTuyen",
    "ThoiDiemXuLy",
    "CongViec",
)


def dossier_csv(rows: Sequence[Row]) -> bytes:
    """The rows as an export of a one-stop system: each the whole view of a dossier after one change."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow(_cells(row))
    return text.getvalue().encode()


def _cells(row: Row) -> Iterator[str]:
    dossier, step = row.dossier, row.step
    accepted = step.status not in (NEW, REFUSED)
    yield from (
        dossier.code,
        dossier.unit,
        dossier.channel,
        dossier.field,
        dossier.procedure.code,
        str(step.status),
    )
    yield _clock(dossier.received if accepted else None)
    yield from map(_clock, (step.due, step.completed, step.withdrawn))
    yield from (str(int(dossier.digitised)), str(int(dossier.paid_online)), _clock(step.time), step.name)


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(_ZONE).strftime("%Y%m%d%H%M%S")


def ticket_lines(steps: Sequence[TicketStep]) -> bytes:
    """The steps as a kiosk's log, one JSON object a line."""
    return b"".join(msgspec.json.encode(_line(step)) + b"\n" for step in steps)


def _line(step: TicketStep) -> dict[str, str]:
    line = {
        "happened": step.happened,
        "unit": step.unit,
        "kiosk": step.kiosk,
        "number": step.number,
        "time": step.time.isoformat(),
        # a number that is called after midnight is still yesterday's
        "date": step.date,
        "service": step.service,
    }
    if step.counter is not None:
        line["counter"] = step.counter
    if step.to_service is not None:
        line["to_service"] = step.to_service
    return line


def write(folder: Path, name: str, data: bytes) -> Path:
    """Put a finished file into a watched folder: written beside, then renamed, so that it is never read half."""
    folder.mkdir(parents=True, exist_ok=True)
    part, whole = folder / f"{name}.part", folder / name
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(whole)
    return whole


class Spool:
    """The two watched folders, and names that sort by time."""

    def __init__(self, folder: Path) -> None:
        self.dossiers = folder / "onestop"
        self.tickets = folder / "queues"
        for path in (self.dossiers, self.tickets):
            path.mkdir(parents=True, exist_ok=True)

    def put(self, rows: Sequence[Row], tickets: Sequence[TicketStep], now: datetime) -> None:
        """Write what happened: a file a local day, so that a long history comes in pieces."""
        for day, of_day in groupby(rows, lambda row: row.step.time.astimezone(_ZONE).date()):
            write(self.dossiers, f"{_stamp(now)}-{day:%Y%m%d}.csv", dossier_csv(list(of_day)))
        for day, steps in groupby(tickets, lambda step: step.time.astimezone(_ZONE).date()):
            write(self.tickets, f"{_stamp(now)}-{day:%Y%m%d}.jsonl", ticket_lines(list(steps)))

    def waiting(self) -> int:
        """Files that the connectors have not taken yet."""
        return len(list(self.dossiers.glob("*.csv"))) + len(list(self.tickets.glob("*.jsonl")))


def _stamp(now: datetime) -> str:
    return now.astimezone(_ZONE).strftime("%Y%m%dT%H%M%S%f")
