"""Makes reports and keeps them in the database, so that every process of a platform gives the same file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from ioc.kpi.errors import KpiError
from ioc.kpi.query import SYSTEM_READER, Steps, answer
from ioc.reports import files
from ioc.reports.content import Content, gather
from ioc.reports.pages import lay_out
from ioc.reports.period import Kind, Period
from ioc.reports.words import Language
from ioc.version import platform_version

Connection = psycopg.Connection[Any]

#: A report asks much at once, and nobody waits in front of a screen for it.
_TIMEOUT_S: Final = 120.0
_KEEP: Final = """
INSERT INTO ioc.report (kind, first, last, unit, language, made_at, version, pdf, workbook)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (unit, kind, first, language) DO UPDATE SET
    made_at = excluded.made_at, version = excluded.version, pdf = excluded.pdf, workbook = excluded.workbook
"""


class Format(StrEnum):
    """What a report may be had as."""

    PDF = "pdf"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """Media type of the file."""
        if self is Format.PDF:
            return "application/pdf"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class UnknownReportError(KpiError):
    """There is no such report, or this reader may not know of it."""

    slug = "unknown-report"
    status = 404


@dataclass(frozen=True, slots=True)
class Entry:
    """A report that is kept."""

    kind: str
    first: date
    last: date
    unit: str
    language: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """A report as files, with what it says."""

    content: Content
    pdf: bytes
    workbook: bytes


def make(connection: Connection, unit: str | None, period: Period, language: Language) -> Report:
    """Make a report and keep it; one that was made before of the same period is replaced.

    :param connection: outside a transaction.
    :raises KpiError: there is no such unit, or the period has not begun.
    """
    content = answer(connection, gather(SYSTEM_READER, unit, period), timeout_s=_TIMEOUT_S)
    pages = lay_out(content, language)
    found = Report(content, files.pdf(pages), files.workbook(pages))
    connection.execute(
        _KEEP,
        (
            period.kind.value,
            period.first,
            period.last,
            content.unit.code,
            language.value,
            content.made_at,
            platform_version(),
            found.pdf,
            found.workbook,
        ),
    )
    return found


def listed(reader: str, unit: str | None, kind: Kind | None, limit: int) -> Steps[list[Entry]]:
    """Steps to the reports of a unit, the reader's own unless one is named; newest first."""
    code = yield from _unit(reader, unit)
    rows = yield (
        (
            "SELECT kind, first, last, unit, language, made_at FROM ioc.report"
            " WHERE unit = %s AND (%s::text IS NULL OR kind = %s) ORDER BY last DESC, first, language LIMIT %s"
        ),
        (code, kind, kind, limit),
    )
    return [Entry(*row) for row in rows]


def read(
    reader: str, unit: str | None, kind: Kind, day: date, language: Language, form: Format
) -> Steps[tuple[Entry, bytes]]:
    """Steps to the file of the period that a day lies in.

    :raises UnknownReportError: it was not made, or is gone.
    """
    code = yield from _unit(reader, unit)
    column = "pdf" if form is Format.PDF else "workbook"
    statement = (
        f"SELECT kind, first, last, unit, language, made_at, {column} FROM ioc.report"  # noqa: S608 - of two names
        " WHERE unit = %s AND kind = %s AND first = %s AND language = %s"
    )
    rows = yield statement, (code, kind.value, Period.around(kind, day).first, language.value)
    if not rows:
        raise UnknownReportError(
            f"There is no {kind} report of {day.isoformat()}.",
            remedy=f"Reports are made once their period has ended; make one with: ioc report {kind} --of {day}",
        )
    *entry, file = rows[0]
    return Entry(*entry), bytes(file)


def _unit(reader: str, unit: str | None) -> Steps[str | None]:
    # a unit that the reader may not see is refused here, like one that does not exist
    ((count, code),) = yield (
        "SELECT (SELECT count(*) FROM ioc.unit_scope(%s, %s)), coalesce(%s, ioc.unit_start(%s, %s))",
        (reader, unit, unit, reader, unit),
    )
    return code if count else None


def due(connection: Connection, unit: str, language: Language, now: datetime, zone: ZoneInfo) -> list[Period]:
    """Periods that have ended, newest of each kind, whose report was not made since they did."""
    found = []
    for kind in Kind:
        period = Period.newest_whole(kind, now.astimezone(zone).date())
        row = connection.execute(
            "SELECT 1 FROM ioc.report WHERE unit = %s AND kind = %s AND first = %s AND language = %s AND made_at >= %s",
            (unit, kind.value, period.first, language.value, period.bounds(zone)[1]),
        ).fetchone()
        if row is None:
            found.append(period)
    return found


def forget(connection: Connection, days: int, today: date) -> int:
    """Delete reports whose period ended more than ``days`` ago; 0 keeps all. Returns how many went."""
    if not days:
        return 0
    return connection.execute(
        "DELETE FROM ioc.report WHERE last < %s", (today - timedelta(days=days),)
    ).rowcount
