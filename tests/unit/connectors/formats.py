"""The same rows in every format that the importer reads."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

import openpyxl

TIMES = frozenset(
    {"case:deadline", "case:enddate", "case:startdate", "time:timestamp", "case:enddate_planned"}
)


def workbook(
    path: Path, rows: Iterable[Sequence[object]], *, titles: Sequence[Sequence[object]] = ()
) -> Path:
    """Rows (the first one is the header) as a sheet, below these title rows."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Hồ sơ")
    for row in [*titles, *rows]:
        sheet.append(list(row))
    book.save(path)
    return path


def permit_workbook(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """The permit log with real dates of the spreadsheet, which know no offset: local times.

    A time in the hour that comes twice when clocks go back can only be told as a text with its offset.
    """
    zone = ZoneInfo("Europe/Amsterdam")

    def cell(name: str, text: str) -> object:
        if name not in TIMES or not text:
            return text
        local = datetime.fromisoformat(text).astimezone(zone)
        return text if local.fold else local.replace(tzinfo=None)

    header = list(rows[0])
    return workbook(path, [header, *([cell(name, row[name]) for name in header] for row in rows)])


def json_lines(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    """One object a line, empty values left out."""
    lines = (json.dumps({k: v for k, v in row.items() if v}, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def xes(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """An event log: one trace a case; gzipped when the name says so."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org/">\n'
    ]
    parts.append('<global scope="event"><string key="concept:name" value="UNKNOWN"/></global>\n')
    ordered = sorted(rows, key=lambda row: row["case:concept:name"])
    for _, case in groupby(ordered, key=lambda row: row["case:concept:name"]):
        steps = list(case)
        parts.append("<trace>\n")
        parts += [
            _attribute(k.removeprefix("case:"), k, v) for k, v in steps[0].items() if k.startswith("case:")
        ]
        for step in steps:
            parts.append("<event>")
            parts += [_attribute(k, k, v) for k, v in step.items() if not k.startswith("case:")]
            parts.append("</event>\n")
        parts.append("</trace>\n")
    content = "".join([*parts, "</log>\n"]).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def _attribute(key: str, name: str, value: str) -> str:
    kind = "date" if name in TIMES else "string"
    return f"<{kind} key={quoteattr(key)} value={quoteattr(value.replace(' ', 'T', 1) if kind == 'date' else value)}/>"
