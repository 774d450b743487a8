"""Writes a query out as Grafana does before it asks: first the board's variables, then the data source's macros.

Variables are the work of Grafana's browser part, macros that of its PostgreSQL data source. Only what queries use is
known; anything else is an error, as it is there. As with ``timescaledb`` set on the data source, ``$__timeGroup`` is
``time_bucket``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from ioc.errors import UsageError

Value = str | Sequence[str]

_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]|\$(?!__)(\w+)")
_INTERVAL: Final = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_MACRO: Final = re.compile(r"\$__(\w+)\(([^()]*)\)")


class MacroError(UsageError):
    """A query has a variable or macro that Grafana would not know, or uses one wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person who looks has chosen.

    :param interval: of ``$__interval``: about one point a pixel.
    """

    start: datetime
    end: datetime
    variables: Mapping[str, Value] = field(default_factory=dict)
    interval: timedelta = timedelta(seconds=60)


def expand(sql: str, asked: Asked) -> str:
    """Return the SQL that reaches the database.

    :raises MacroError: something in it is not known.
    """
    return _macros(_intervals(with_variables(sql, asked), asked), asked)


# -- variables ------------------------------------------------------------------------------------------


def _values(value: Value) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _quoted(value: Value, sign: str, escaped: str) -> str:
    return ",".join(f"{sign}{one.replace(sign, escaped)}{sign}" for one in _values(value))


def _bare(value: Value) -> str:
    """What PostgreSQL's data source does without a format: one value with its quotes doubled, several as literals."""
    return value.replace("'", "''") if isinstance(value, str) else _quoted(value, "'", "''")


_FORMATS: Final[Mapping[str, Callable[[Value], str]]] = {
    "": _bare,
    "raw": lambda value: ",".join(_values(value)),
    "csv": lambda value: ",".join(_values(value)),
    "pipe": lambda value: "|".join(_values(value)),
    "json": lambda value: json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False),
    "sqlstring": lambda value: _quoted(value, "'", "''"),
    "singlequote": lambda value: _quoted(value, "'", "\\'"),
    "doublequote": lambda value: _quoted(value, '"', '\\"'),
    "percentencode": lambda value: quote(_FORMATS["raw"](value), safe=""),
}


def with_variables(sql: str, asked: Asked) -> str:
    """Return the SQL that Grafana's browser part sends to its data source: its macros are still in it.

    :raises MacroError: a variable is not known.
    """

    def one(match: re.Match[str]) -> str:
        name = match[1] or match[3] or match[5]
        form = match[2] or match[4] or ""
        if name.startswith("__"):
            return match[0]
        if name not in asked.variables:
            raise MacroError(f"There is no variable {name}.", remedy="Declare it on the board.")
        if form not in _FORMATS:
            raise MacroError(
                f"Variables are not written as {form}.",
                remedy=f"Use one of {', '.join(filter(None, _FORMATS))}.",
            )
        return _FORMATS[form](asked.variables[name])

    return _VARIABLE.sub(one, sql)


# -- macros ---------------------------------------------------------------------------------------------


def _intervals(sql: str, asked: Asked) -> str:
    milliseconds = round(asked.interval.total_seconds() * 1000)
    written = f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"
    for name in ("__interval_ms", "__interval"):  # the longer name first: it begins with the other
        value = str(milliseconds) if name == "__interval_ms" else written
        sql = sql.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return sql


def _moment(at: datetime) -> str:
    """A moment as Grafana writes it: UTC, with as much of a second as there is."""
    text = at.astimezone(UTC).isoformat().removesuffix("+00:00")
    return f"'{text.rstrip('0').rstrip('.') if '.' in text else text}Z'"


def _seconds(text: str) -> float:
    found = _INTERVAL.fullmatch(text.strip().strip("'\""))
    if found is None:
        raise MacroError(f"{text.strip()} is no interval.", remedy="Write 5m, 1h or $__interval.")
    return int(found[1]) * _SECONDS[found[2]]


def _macros(sql: str, asked: Asked) -> str:
    def one(match: re.Match[str]) -> str:
        name, given = match[1], [part.strip() for part in match[2].split(",")] if match[2].strip() else []
        return _macro(name, given, asked)

    written = _MACRO.sub(one, sql)
    if left := re.search(r"\$__\w+|\$\{__\w+", written):
        raise MacroError(f"{left[0]} is no macro of PostgreSQL.", remedy="See docs/howto/grafana.md.")
    return written


def _macro(name: str, given: Sequence[str], asked: Asked) -> str:
    start, end = _moment(asked.start), _moment(asked.end)
    first, last = int(asked.start.timestamp()), int(asked.end.timestamp())
    match name, given:
        case "timeFrom", []:
            return start
        case "timeTo", []:
            return end
        case "timeFilter", [column]:
            return f"{column} BETWEEN {start} AND {end}"
        case "time", [column]:
            return f'{column} AS "time"'
        case "timeEpoch", [column]:
            return f'extract(epoch from {column}) as "time"'
        case "unixEpochFilter", [column]:
            return f"{column} >= {first} AND {column} <= {last}"
        case "unixEpochFrom", []:
            return str(first)
        case "unixEpochTo", []:
            return str(last)
        case "timeGroup" | "timeGroupAlias", [column, every, *_]:
            group = f"time_bucket('{_seconds(every):.3f}s',{column})"
            return f'{group} AS "time"' if name == "timeGroupAlias" else group
        case "unixEpochGroup" | "unixEpochGroupAlias", [column, every, *_]:
            seconds = int(_seconds(every))
            group = f"floor({column}/{seconds})*{seconds}"
            return f'{group} AS "time"' if name == "unixEpochGroupAlias" else group
    raise MacroError(
        f"$__{name} with {len(given)} arguments is no macro of PostgreSQL.",
        remedy="See docs/howto/grafana.md.",
    )
