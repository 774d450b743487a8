"""Runs every query of every board on a database, as Grafana's own role and with Grafana's macros written out.

A query that fails, that may read too much, or whose rows a panel can't show is a fault. One that is slow or finds
nothing is told, and no fault: that depends on what the database holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import errors

from dashboards.lint import Fault
from dashboards.macros import Asked, MacroError, expand
from dashboards.model import Board, Bundle
from dashboards.reading import Found, Role, queries, variables
from ioc.errors import UnavailableError

#: Longest time that a query should take, in milliseconds.
SLOW_MS: Final = 300.0
#: More rows than this no panel shows in a way that people can read.
MOST_ROWS: Final = 20_000
_NUMBERS: Final = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})
_MOMENTS: Final = frozenset({"timestamptz", "timestamp"})
_TEXTS: Final = frozenset({"text", "varchar", "bpchar", "name"})
_SPANS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Run:
    """How one query went."""

    found: Found
    rows: int
    took_ms: float

    @property
    def is_slow(self) -> bool:
        """Whether it took longer than a person should wait."""
        return self.took_ms > SLOW_MS


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows as they came, with the names of their columns and their types as PostgreSQL calls them."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    took_ms: float


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    faults: tuple[Fault, ...]
    runs: tuple[Run, ...]

    @property
    def slow(self) -> tuple[Run, ...]:
        """Queries that took too long, the slowest first."""
        return tuple(sorted((run for run in self.runs if run.is_slow), key=lambda run: -run.took_ms))

    @property
    def empty(self) -> tuple[Run, ...]:
        """Queries that found nothing."""
        return tuple(run for run in self.runs if run.rows == 0)


Tick = Callable[[int, int], None]


def check(
    bundle: Bundle,
    dsn: str,
    *,
    now: datetime | None = None,
    tick: Tick = lambda done, of: None,  # noqa: ARG005
) -> Checked:
    """Run every query of the boards.

    :param dsn: of the database, for the role that Grafana uses.
    :param now: end of the times that boards show; the clock's without it.
    :param tick: told how many queries are done, and of how many.
    :raises UnavailableError: the database does not answer, or refuses the role.
    """
    try:
        connection = psycopg.connect(dsn, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise UnavailableError(
            f"The database does not let the boards' role in: {str(error).strip().splitlines()[-1]}.",
            remedy="Run: ioc dashboards role",
        ) from error
    with connection:
        return _check(bundle, connection, now or datetime.now(UTC), tick)


def _check(bundle: Bundle, connection: psycopg.Connection[Any], now: datetime, tick: Tick) -> Checked:
    faults: list[Fault] = []
    runs: list[Run] = []
    every = [(board, list(queries(board))) for board in bundle.boards]
    total, done = sum(len(found) for _, found in every), 0
    for board, of_board in every:
        asked = as_opened(board, connection, now, faults)
        for found in of_board:
            answer = ask(connection, found.sql, asked)
            if isinstance(answer, str):
                faults.append(Fault("runs", board.uid, found.where, answer))
            else:
                faults.extend(
                    Fault("shape", board.uid, found.where, said) for said in misshapen(found, answer)
                )
                runs.append(Run(found, len(answer.rows), answer.took_ms))
            done += 1
            tick(done, total)
    return Checked(tuple(faults), tuple(runs))


# -- what the person who looks has chosen ---------------------------------------------------------------


def moment(text: str, now: datetime) -> datetime:
    """Read a time of Grafana: ``now``, ``now-24h``, ``now/d``; months and years are of 30 and 365 days here.

    :raises ValueError: it is none of these.
    """
    rest = text.removeprefix("now")
    if rest == text:
        raise ValueError(f"{text} is no time of Grafana")
    if rest == "":
        return now
    if rest == "/d":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    number, unit = int(rest[1:-1]), rest[-1]
    if unit in _SPANS:
        return now - timedelta(**{_SPANS[unit]: number})
    return now - timedelta(days=number * {"M": 30, "y": 365}[unit])


def as_opened(board: Board, connection: psycopg.Connection[Any], now: datetime, faults: list[Fault]) -> Asked:
    """The choices with which a board opens: of a list from the database its first.

    :param faults: gets one for each list with nothing to choose from.
    """
    span = board.document.get("time", {})
    chosen: dict[str, str] = {}
    asked = Asked(start=moment(span.get("from", "now-6h"), now), end=moment(span.get("to", "now"), now))
    for variable in variables(board):
        name, kind = str(variable.get("name")), variable.get("type")
        if kind == "query":
            answer = ask(connection, str(variable.get("query", "")), asked)
            if not isinstance(answer, str) and answer.rows:
                chosen[name] = str(answer.rows[0][-1])
            else:
                chosen[name] = ""
                faults.append(
                    Fault("variables", board.uid, f"variable {name}", "there is nothing to choose from")
                )
        elif kind == "custom":
            chosen[name] = str((variable.get("current") or {}).get("value", ""))
        else:
            chosen[name] = str(variable.get("query") or "")
    return Asked(start=asked.start, end=asked.end, variables=chosen)


def ask(connection: psycopg.Connection[Any], sql: str, asked: Asked) -> Answer | str:
    """Run one query; return what was wrong with it where it failed."""
    try:
        written = expand(sql, asked)
        begun = time.perf_counter()
        # percent signs are the query's own: without parameters nothing is looked for in it
        cursor = connection.execute(written.encode())
        rows = cursor.fetchmany(MOST_ROWS + 1)
        took_ms = (time.perf_counter() - begun) * 1000
    except MacroError as error:
        return str(error)
    except errors.QueryCanceled:
        return "it took longer than the role may"
    except psycopg.Error as error:
        return f"it fails: {str(error).splitlines()[0]}"
    described = cursor.description or []
    types = connection.adapters.types
    return Answer(
        columns=tuple(one.name for one in described),
        types=tuple(known.name if (known := types.get(one.type_code)) else "?" for one in described),
        rows=rows,
        took_ms=took_ms,
    )


# -- what a panel needs ---------------------------------------------------------------------------------


def misshapen(found: Found, answer: Answer) -> Iterator[str]:
    """Say what of an answer Grafana, or the panel, can't show."""
    if len(answer.rows) > MOST_ROWS:
        yield f"it gives more than {MOST_ROWS} rows"
    if len(set(answer.columns)) < len(answer.columns):
        yield "two columns have one name"
    if "?" in answer.types:
        yield "a column is of a type that Grafana does not know"
    if found.role is Role.VARIABLE:
        yield from _choices(answer)
    elif found.role is Role.ANNOTATION:
        yield from _marks(answer)
    elif found.format == "time_series":
        yield from _series(answer)
    elif found.panel is not None:
        yield from _columns(found.panel, answer)


def _choices(answer: Answer) -> Iterator[str]:
    if answer.columns not in (("__text", "__value"), ("__value", "__text")):
        yield "a list to choose from has the columns __text and __value"
    elif any(one is None for row in answer.rows for one in row):
        yield "a choice has no text or no value"


def _marks(answer: Answer) -> Iterator[str]:
    kinds = dict(zip(answer.columns, answer.types, strict=True))
    for name, wanted in (("time", _MOMENTS), ("timeend", _MOMENTS), ("text", _TEXTS), ("tags", _TEXTS)):
        if kinds.get(name) not in wanted:
            yield f"marks need a column {name}"
    yield from _in_order(answer)


def _series(answer: Answer) -> Iterator[str]:
    kinds = dict(zip(answer.columns, answer.types, strict=True))
    if kinds.get("time") not in _MOMENTS:
        yield "a series needs a column time"
        return
    if not set(answer.types) & _NUMBERS:
        yield "a series needs a number"
    if sum(kind in _TEXTS for kind in answer.types) > 1:
        yield "a series has one column of names at most"
    yield from _in_order(answer)
    names = [place for place, kind in enumerate(answer.types) if kind in _TEXTS]
    at = answer.columns.index("time")
    keys = [(row[at], *(row[place] for place in names)) for row in answer.rows]
    if len(set(keys)) < len(keys):
        yield "a series has two values at one time"
    if any(row[place] is None for row in answer.rows for place in names):
        yield "a series has no name"


def _in_order(answer: Answer) -> Iterator[str]:
    if "time" not in answer.columns:
        return
    at = answer.columns.index("time")
    times = [row[at] for row in answer.rows]
    if None in times:
        yield "a row has no time"
    elif times != sorted(times):
        yield "rows are not in the order of time"


def _columns(panel: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    """Columns that a panel's settings name are there; a tile has one row."""
    for name in _named(panel):
        if name not in answer.columns:
            yield f"the panel names a column {name}, and there is none"
    if panel.get("type") == "stat" and len(answer.rows) != 1:
        yield f"a tile shows one figure, not {len(answer.rows)}"


def _named(panel: Mapping[str, Any]) -> Iterator[str]:
    for override in (panel.get("fieldConfig") or {}).get("overrides") or []:
        if override["matcher"]["id"] == "byName":
            yield override["matcher"]["options"]
    for change in panel.get("transformations") or []:
        mapped: Sequence[Mapping[str, str]] = (change.get("options") or {}).get("mappings") or []
        yield from (one["fieldName"] for one in mapped)
    options = panel.get("options") or {}
    for layer in options.get("layers") or []:
        where, style = layer.get("location") or {}, (layer.get("config") or {}).get("style") or {}
        yield from (where[part] for part in ("latitude", "longitude") if where.get(part))
        yield from (
            style[part]["field"] for part in ("color", "size", "text") if (style.get(part) or {}).get("field")
        )
