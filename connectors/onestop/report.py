"""What an import found and did, without a value of any row."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from connectors.onestop.rows import Facts, Rejection

_LISTED: Final = 20
_REASONS: Final = 100


class RowReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one row: the facts that it gives and the fields that they hold, or why it gives none."""

    line: int
    facts: dict[str, list[str]] = {}
    """Type of fact → names of its fields that are known."""
    column: str | None = None
    found: str | None = None
    reason: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """A reason for leaving rows out, and how many it struck."""

    column: str
    reason: str
    rows: int


class Report(msgspec.Struct):
    """What an import found and did."""

    file: str
    format: str = ""
    rows: int = 0
    dossiers: int = 0
    published: int = 0
    repeated: int = 0
    """Facts with a time of their own that stand in the file more than once; sent once."""
    unchanged: int = 0
    """Dossiers that are as Kafka already had them; sent again under their old ids, which counts for nothing."""
    disagreeing: int = 0
    """Dossiers whose rows tell different things without a change time; the row with the latest moment counts."""
    merged: int = 0
    """Codes that turned out to be second codes of dossiers counted under another one."""
    unmapped: Counter[str] = msgspec.field(default_factory=Counter)
    """Values left unknown because the mapping does not list them, by column."""
    rejected: int = 0
    rejections: list[Rejection] = msgspec.field(default_factory=list)
    """The first 20."""
    faults: list[Fault] = msgspec.field(default_factory=list)
    """All reasons for leaving rows out, the commonest first."""
    rejected_file: Path | None = None
    dry_run: bool = False
    would_publish: int = 0
    facts: Counter[str] = msgspec.field(default_factory=Counter)
    """Facts that rows gave, by type, before repetitions are taken out."""
    listed: list[RowReport] = msgspec.field(default_factory=list)
    """The first rows one by one, as many as were asked for."""

    def as_json(self) -> str:
        """The report for programs."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        said["rejected_file"] = None if self.rejected_file is None else str(self.rejected_file)
        return msgspec.json.format(msgspec.json.encode(said), indent=2).decode()


class Recorder:
    """Fills a report row by row.

    :param report: the report.
    :param most: how many rows to list one by one.
    """

    def __init__(self, report: Report, most: int) -> None:
        self._report = report
        self._most = most
        self._faults: Counter[tuple[str, str]] = Counter()

    def add(self, line: int, found: Facts | Rejection) -> None:
        """Take in what a row gave."""
        report = self._report
        if isinstance(found, Rejection):
            if len(report.rejections) < _LISTED:
                report.rejections.append(found)
            key = (found.column, found.reason)
            if key in self._faults or len(self._faults) < _REASONS:
                self._faults[key] += 1
            else:
                self._faults["", "other reasons"] += 1
        else:
            report.facts.update(_types(found))
        if len(report.listed) < self._most:
            report.listed.append(_row(line, found))

    def finish(self) -> None:
        """Put the totals into the report."""
        self._report.faults = [
            Fault(column, reason, rows) for (column, reason), rows in self._faults.most_common()
        ]


def _types(facts: Facts) -> list[str]:
    own = [] if facts.record is None else ["ioc.dossier.recorded.v1"]
    return own + [str(event.__struct_config__.tag) for event in facts.happenings]


def _row(line: int, found: Facts | Rejection) -> RowReport:
    if isinstance(found, Rejection):
        return RowReport(line, column=found.column, found=found.found, reason=found.reason)
    facts: dict[str, list[str]] = {}
    if found.record is not None:
        facts["ioc.dossier.recorded.v1"] = _known(found.record)
    for event in found.happenings:
        facts[str(event.__struct_config__.tag)] = _known(event.data)
    return RowReport(line, facts)


def _known(data: msgspec.Struct) -> list[str]:
    """Names of the fields that hold something."""
    return [name for name in data.__struct_fields__ if getattr(data, name) not in (None, ())]


class RejectedFile:
    """Line, column, kind of value and reason of every rejected row; made when there is a first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._writer: Any = None
        self.count = 0

    def __enter__(self) -> RejectedFile:
        return self

    def add(self, fault: Rejection) -> None:
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(("line", "column", "found", "reason"))
        self._writer.writerow((fault.line, fault.column, fault.found, fault.reason))
        self.count += 1

    def discard(self) -> None:
        self.__exit__()
        self._path.unlink(missing_ok=True)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
