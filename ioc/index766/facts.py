"""What the national portal published of the index: read from texts, checked, and kept as facts.

A fact says what was published when for a unit, month and component. Nothing is overwritten: the newest publication
counts, of one publication what was learned last, and every figure can be asked as of an earlier moment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from ioc.errors import UnavailableError
from ioc.index766.formulas import Component, in_force

#: Columns of a file, keys of an object. Of points and the two counts, points or both counts are needed.
COLUMNS: Final = ("period", "unit", "component", "points", "numerator", "denominator", "published_at")
#: In place of points: the figure published at that moment is taken back.
WITHDRAWN: Final = ("withdrawn", "rút")
#: Published points may differ by this much from what the formula makes of the published counts.
TOLERANCE: Final = 0.015
_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_MOST: Final = 1e12
_MOST_CODE: Final = 50
_AHEAD: Final = timedelta(minutes=5)
_MONTHS: Final = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})(?:-01)?"),
    re.compile(r"(?:tháng )?(?P<month>\d{1,2})/(?P<year>\d{4})", re.IGNORECASE),
)
#: Two imports at a time would both miss what the other is about to write.
_LOCK: Final = 0x696F6376


class FigureError(ValueError):
    """A figure can't be taken. The message says why and never repeats a value.

    :param column: where the fault lies.
    """

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


class Figure(NamedTuple):
    """A published figure. Without points and counts it takes back what was published at that moment."""

    unit: str
    month: date
    component: str
    points: float | None
    numerator: float | None
    denominator: float | None
    published_at: datetime

    @property
    def place(self) -> tuple[str, date, str, datetime]:
        """What makes two figures statements about the same."""
        return (self.unit, self.month, self.component, self.published_at)

    @property
    def disagrees(self) -> bool:
        """Whether the published points are not those that the formula gives for the published counts."""
        found = _component(self.component, self.month).score(self.numerator, self.denominator)
        return self.points is not None and found is not None and abs(found - self.points) > TOLERANCE


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of storing figures."""

    new: int
    corrected: int
    """Figures that say otherwise than what was known of the same publication; both stay."""
    unchanged: int


def read_figure(said: Mapping[str, object], *, now: datetime) -> Figure:
    """Read one figure from texts, numbers or moments.

    :param said: by the names of :data:`COLUMNS`; absent and empty are the same. Others are not read.
    :param now: this machine's clock; nothing is taken that lies ahead of it.
    :raises FigureError: naming the column.
    """
    month = _month(said.get("period"), now)
    component = _text(said, "component").casefold()
    known = _component(component, month)
    unit = _text(said, "unit")
    published_at = _moment(said.get("published_at"))
    if published_at > now + _AHEAD:
        raise FigureError("published_at", "it lies in the future")
    if published_at < datetime.combine(month, time(), tzinfo=_ZONE):
        raise FigureError("published_at", "it lies before the month that is scored")
    if str(said.get("points") or "").strip().casefold() in WITHDRAWN:
        if any(_given(said.get(name)) for name in ("numerator", "denominator")):
            raise FigureError("points", "a figure that is withdrawn has no counts")
        return Figure(unit, month, component, None, None, None, published_at)
    points = _number(said, "points")
    numerator, denominator = _number(said, "numerator", whole=True), _number(said, "denominator", whole=True)
    if (numerator is None) != (denominator is None):
        raise FigureError(
            "numerator" if numerator is None else "denominator", "one count without the other says nothing"
        )
    if points is None and numerator is None:
        raise FigureError(
            "points", "neither points nor counts are given; `withdrawn` takes an earlier figure back"
        )
    if points is not None and points > known.max:
        raise FigureError("points", f"{component} has {known.max:g} points at most")
    if numerator is not None and denominator is not None and numerator > denominator:
        raise FigureError("numerator", "it is greater than the denominator")
    return Figure(unit, month, component, points, numerator, denominator, published_at)


def store(connection: psycopg.Connection[Any], figures: Sequence[Figure], *, source: str) -> Stored:
    """Keep figures that are not known yet, in one transaction; their units must exist.

    :param source: who says so.
    """
    if not figures:
        return Stored(0, 0, 0)
    columns = [list(column) for column in zip(*figures, strict=True)]
    for place in (3, 4, 5):  # points and counts: the driver takes lists of one type only
        columns[place] = [None if number is None else float(number) for number in columns[place]]
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("INSERT INTO ioc.source (name) VALUES (%s) ON CONFLICT DO NOTHING", (source,))
        row = connection.execute(_STORE, (*columns, source)).fetchone()
    if row is None:
        raise RuntimeError("the statement gave no row")
    new, corrected = row
    return Stored(new, corrected, len(figures) - new - corrected)


_STORE: Final = """
WITH said AS (
    SELECT u.unit_id, s.month, s.component, s.points, s.numerator, s.denominator, s.published_at
    FROM unnest(%s::text[], %s::date[], %s::text[], %s::float8[], %s::float8[], %s::float8[], %s::timestamptz[])
         AS s (unit, month, component, points, numerator, denominator, published_at)
    JOIN ioc.unit u ON u.code = s.unit
), differing AS (
    SELECT said.*, known.fact_id IS NOT NULL AS corrects
    FROM said
    LEFT JOIN LATERAL (
        SELECT f.* FROM ioc.index766_fact f
        WHERE f.unit_id = said.unit_id AND f.month = said.month AND f.component = said.component
          AND f.published_at = said.published_at
        ORDER BY f.recorded_at DESC, f.fact_id DESC LIMIT 1
    ) AS known ON true
    WHERE known.fact_id IS NULL
       OR (known.points, known.numerator, known.denominator)
          IS DISTINCT FROM (said.points, said.numerator, said.denominator)
), written AS (
    INSERT INTO ioc.index766_fact (unit_id, month, component, points, numerator, denominator, published_at, source_id)
    SELECT d.unit_id, d.month, d.component, d.points, d.numerator, d.denominator, d.published_at,
           (SELECT source_id FROM ioc.source WHERE name = %s)
    FROM differing d
)
SELECT count(*) FILTER (WHERE NOT corrects), count(*) FILTER (WHERE corrects) FROM differing
"""


class Sorted(NamedTuple):
    """Figures that may be stored, and those that may not, by their place in what was read."""

    good: list[Figure]
    bad: list[tuple[int, FigureError]]
    repeated: int
    disagreeing: list[int]
    """Places of good figures whose points are not those of their counts."""


def sort_out(read: Iterable[tuple[int, Figure | FigureError]], known_units: set[str]) -> Sorted:
    """Tell what may be stored of one delivery: units must be known, and nothing may be said twice in two ways."""
    good: dict[tuple[str, date, str, datetime], Figure] = {}
    bad: list[tuple[int, FigureError]] = []
    disagreeing: list[int] = []
    repeated = 0
    for place, figure in read:
        if isinstance(figure, FigureError):
            bad.append((place, figure))
        elif figure.unit not in known_units:
            bad.append((place, FigureError("unit", "the district pack has no unit with this code")))
        elif figure.place not in good:
            good[figure.place] = figure
            if figure.disagrees:
                disagreeing.append(place)
        elif good[figure.place] == figure:
            repeated += 1
        else:
            bad.append(
                (place, FigureError("component", "an earlier row says otherwise of the same publication"))
            )
    return Sorted(list(good.values()), bad, repeated, disagreeing)


def units_known(connection: psycopg.Connection[Any], codes: Iterable[str]) -> set[str]:
    """Return those of the codes that are units."""
    rows = connection.execute(
        "SELECT code FROM ioc.unit WHERE code = ANY (%s)", (sorted(set(codes)),)
    ).fetchall()
    return {str(code) for (code,) in rows}


def keep(dsn: str, read: Sequence[tuple[int, Figure | FigureError]], *, source: str) -> tuple[Sorted, Stored]:
    """Sort out and store in one go.

    :raises UnavailableError: the database does not answer or is not prepared; nothing was stored.
    """
    try:
        with psycopg.connect(dsn, connect_timeout=5, options="-c statement_timeout=30000") as connection:
            codes = {figure.unit for _, figure in read if isinstance(figure, Figure)}
            found = sort_out(read, units_known(connection, codes))
            return found, store(connection, found.good, source=source)
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        raise UnavailableError(
            "The database does not answer or is not prepared; nothing was stored.",
            remedy="Run ioc status; ioc prepare brings an older database up to date. Then import again.",
        ) from error


def _component(component: str, month: date) -> Component:
    formula = in_force(month)
    found = formula.find(component) if formula is not None else None
    if found is None:
        raise FigureError(
            "component", "the formula of that month has no such component; ioc index766 template lists all"
        )
    return found


def _given(value: object) -> bool:
    return value is not None and str(value).strip() != ""


def _text(said: Mapping[str, object], column: str) -> str:
    value = said.get(column)
    found = str(value).strip() if isinstance(value, str) else ""
    if not found:
        raise FigureError(column, "it is missing" if not _given(value) else "it is no text")
    if len(found) > _MOST_CODE or "\x00" in found:
        raise FigureError(column, f"a code has at most {_MOST_CODE} characters")
    return found


def _month(value: object, now: datetime) -> date:
    if isinstance(value, datetime):
        found = value.date()
    else:
        text = str(value).strip() if _given(value) else ""
        if not text:
            raise FigureError("period", "it is missing")
        match = next((fits for pattern in _MONTHS if (fits := pattern.fullmatch(text))), None)
        if match is None:
            raise FigureError("period", "it is no month; write 2026-03")
        try:
            found = date(int(match["year"]), int(match["month"]), 1)
        except ValueError:
            raise FigureError("period", "there is no such month") from None
    if found.day != 1:
        raise FigureError("period", "it is a day within a month; write 2026-03")
    if not date(2000, 1, 1) <= found <= now.astimezone(_ZONE).date():
        raise FigureError(
            "period", "it lies in the future" if found.year >= 2000 else "it lies before the year 2000"
        )
    return found


def _moment(value: object) -> datetime:
    if not _given(value):
        raise FigureError("published_at", "it is missing: say when the figure was published")
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        found = found if found.tzinfo is not None else found.replace(tzinfo=_ZONE)
        return found.astimezone(_ZONE)
    except (ValueError, OverflowError):
        raise FigureError(
            "published_at", "it is neither a date nor a time; write 2026-04-05 or 2026-04-05T08:00"
        ) from None


def _number(said: Mapping[str, object], column: str, *, whole: bool = False) -> float | None:
    value = said.get(column)
    if not _given(value):
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(str(value).strip().replace(",", ".")) + 0.0
    except ValueError:
        raise FigureError(column, "it is no number") from None
    if not math.isfinite(found) or not 0 <= found <= _MOST:
        raise FigureError(column, "it is negative, or no number that can be")
    if whole and not found.is_integer():
        raise FigureError(column, "a count is a whole number, written without separators")
    return found
