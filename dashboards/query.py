# ruff: noqa: S608 - what is put together here are literals quoted by text(), and variables that Grafana quotes
"""The one way to a query of a board: PostgreSQL for Grafana, made from an indicator's id or from a function's name.

The foundation SDK has no PostgreSQL query; this small one is a ``Dataquery`` like its others. Nobody writes SQL for an
indicator: :func:`series`, :func:`before`, :func:`target`, :func:`tile`, :func:`units`, :func:`parts` take its id, and
ask the database's functions by which every surface is answered. Other lists are functions of the schema ``ioc_board``,
asked with :func:`listed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants as cogvariants
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards.model import DATA_SOURCE_UID, DataSource, Language
from dashboards.words import MEETS, SERIES_TARGET, STATUSES, STATUSES_BY_WORTH
from ioc.kpi.catalogue import find
from ioc.kpi.definition import Direction, Kpi, Source

#: The data source of every query.
SOURCE: Final = DataSourceRef(type_val=DataSource().type, uid=DATA_SOURCE_UID)
#: Names of the boards' variables, as they stand in SQL: quoted as text by Grafana.
UNIT: Final = "${unit:sqlstring}"
OTHER_UNIT: Final = "${other:sqlstring}"
BUCKET: Final = "${bucket:sqlstring}"
SHIFT: Final = "${before:sqlstring}"
AS_OF: Final = "${as_of:sqlstring}"
NOW: Final = "''"
FROM: Final = "$__timeFrom()"
TO: Final = "$__timeTo()"


class Format(StrEnum):
    """How Grafana reads the rows."""

    SERIES = "time_series"
    """``time``, perhaps ``metric``, and a value: one series for each metric."""
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class PostgresQuery(cogvariants.Dataquery, cogbuilder.Builder[cogvariants.Dataquery]):
    """A query as Grafana's PostgreSQL data source takes it; its own builder, so that panels take it as it is."""

    raw_sql: str
    format: Format
    ref_id: str = "A"

    def build(self) -> cogvariants.Dataquery:
        """Return the query itself."""
        return self

    def named(self, ref_id: str) -> Self:
        """The same under another letter of its panel."""
        return replace(self, ref_id=ref_id)

    def to_json(self) -> dict[str, object]:
        """Return what stands in a panel's ``targets``."""
        return {
            "datasource": SOURCE,
            "editorMode": "code",
            "format": self.format.value,
            "rawQuery": True,
            "rawSql": self.raw_sql,
            "refId": self.ref_id,
        }


def text(value: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def column(name: str) -> str:
    """Return a column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


# -- indicators -----------------------------------------------------------------------------------------


def _by(kpi: Kpi, dimension: str) -> str:
    if dimension and dimension not in kpi.dimensions:
        raise ValueError(f"{kpi.id} has no dimension {dimension}: {', '.join(kpi.dimensions)}")
    return text(dimension)


def _bucket(kpi: Kpi) -> str:
    """The variable that says by what; the index is scored by month alone, and its board has none."""
    return text("1mo") if kpi.source is Source.INDEX766 else BUCKET


def _ids(kpi_ids: Sequence[str]) -> str:
    return "ARRAY[" + ", ".join(text(find(kpi_id).id) for kpi_id in kpi_ids) + "]"


def series(
    kpi_id: str,
    language: Language,
    *,
    label: str,
    by: str = "",
    unit: str = UNIT,
    as_of: str = NOW,
) -> PostgresQuery:
    """A series of an indicator over the time that is shown.

    :param label: name of the series; of a divided one the values' names are.
    :param by: dimension to divide it by.
    :param unit: the variable that says of which unit.
    :param as_of: the variable that says as known when; now without one.
    :raises UnknownKpiError: there is no such indicator.
    :raises ValueError: it has no such dimension.
    """
    kpi = find(kpi_id)
    metric = "name" if by else text(label)
    return PostgresQuery(
        f'SELECT "time", {metric} AS metric, value FROM ioc_board.kpi_series({text(kpi.id)}, {unit}, {FROM}, {TO},'
        f" {_bucket(kpi)}, {_by(kpi, by)}, {as_of}, {text(language.value)})",
        Format.SERIES,
    )


def before(kpi_id: str, *, label: str, as_of: str = NOW) -> PostgresQuery:
    """The series of the earlier period that the board's variable names, under the one that is shown."""
    return PostgresQuery(
        f'SELECT "time", {text(label)} AS metric, value FROM ioc_board.kpi_before({text(find(kpi_id).id)}, {UNIT},'
        f" {FROM}, {TO}, {_bucket(find(kpi_id))}, {SHIFT}, {as_of})",
        Format.SERIES,
    )


def target(kpi_id: str, language: Language) -> PostgresQuery:
    """The targets in force over the time that is shown, as a series of its own."""
    return PostgresQuery(
        f'SELECT "time", {text(SERIES_TARGET.said(language))} AS metric, value'
        f" FROM ioc_board.kpi_target({text(find(kpi_id).id)}, {UNIT}, {FROM}, {TO})",
        Format.SERIES,
    )


def tile(kpi_id: str, language: Language) -> PostgresQuery:
    """The newest figure: its value, a name that says how it stands to its target, and the colour of that.

    What a figure is held against is data with a validity: neither words nor colours can be set when boards are built.
    """
    kpi = find(kpi_id)
    return PostgresQuery(
        f"SELECT value, {_stands(kpi, language)} AS name, {_colour()} AS colour"
        f" FROM ioc_board.kpi_now({_ids([kpi_id])}, {UNIT})",
        Format.TABLE,
    )


def _stands(kpi: Kpi, language: Language) -> str:
    if kpi.direction is Direction.NONE:
        return "' '"
    cases = " ".join(
        f"WHEN {text(status)} THEN {text(f'{mark.sign} {mark.word.said(language)}')}"
        for status, mark in STATUSES.items()
    )
    sign = "≥" if kpi.direction is Direction.UP else "≤"
    held = text(f" · {MEETS.said(language)} {sign} ")
    return f"coalesce(CASE status {cases} END || {held} || {written(kpi, 'target')}, ' ')"


def _colour() -> str:
    cases = " ".join(f"WHEN {text(status)} THEN {text(mark.colour)}" for status, mark in STATUSES.items())
    return f"CASE status {cases} ELSE 'blue' END"


def written(kpi: Kpi, expression: str) -> str:
    """Return SQL that writes a figure of an indicator for people."""
    if kpi.unit_of_measure == "share":
        return f"(round(({expression} * 100)::numeric, 1)::float8)::text || ' %'"
    if kpi.unit_of_measure == "s":
        return f"(round(({expression} / 60)::numeric, 1)::float8)::text || ' min'"
    return f"(round(({expression})::numeric, 1)::float8)::text"


def units(
    kpi_ids: Sequence[str],
    language: Language,
    *,
    head: str,
    stands: str,
    lacks: str,
    names: Mapping[str, str],
) -> PostgresQuery:
    """The newest figures of every unit below the chosen one: a row a unit, a column an indicator.

    :param head: what the column of units is called.
    :param stands: of the column with how the worst of the figures stands to its target.
    :param lacks: of the column with what misses its target.
    :param names: of the indicators' columns, by id.
    """
    figures = ", ".join(
        f"max(value) FILTER (WHERE kpi = {text(kpi_id)}) AS {column(names[kpi_id])}" for kpi_id in kpi_ids
    )
    worst = " ".join(f"WHEN {text(status)} THEN {place}" for place, status in enumerate(STATUSES_BY_WORTH))
    missed = " ".join(f"WHEN {text(kpi_id)} THEN {text(names[kpi_id])}" for kpi_id in kpi_ids)
    return PostgresQuery(
        f"SELECT name AS {column(head)}, {figures}, max(CASE status {worst} END) AS {column(stands)},"
        f" string_agg(CASE kpi {missed} END, ', ') FILTER (WHERE status = 'missed') AS {column(lacks)},"
        ' code AS "code"'
        f" FROM ioc_board.kpi_units({_ids(kpi_ids)}, {UNIT}, {text(language.value)}) GROUP BY name, code ORDER BY name",
        Format.TABLE,
    )


def parts(kpi_id: str, language: Language, *, by: str, most: int, head: str, label: str) -> PostgresQuery:
    """The newest figure divided by a dimension, the greatest first: a row a value of it.

    :param most: how many of them.
    """
    kpi = find(kpi_id)
    return PostgresQuery(
        f"SELECT name AS {column(head)}, value AS {column(label)} FROM ioc_board.kpi_parts({text(kpi.id)}, {UNIT},"
        f" {_by(kpi, by)}, {text(language.value)}) LIMIT {most:d}",
        Format.TABLE,
    )


# -- lists ----------------------------------------------------------------------------------------------


def listed(
    function: str,
    arguments: Sequence[str],
    columns: Mapping[str, str] | None = None,
    *,
    form: Format = Format.TABLE,
    tail: str = "",
) -> PostgresQuery:
    """Rows of a function of ``ioc_board`` that is no indicator's.

    :param arguments: SQL of each: variables of this module, or literals of :func:`text`.
    :param columns: SQL of each column by what it is called; all of the function's without them.
    :param tail: what orders or limits the rows.
    :raises ValueError: the function is an indicator's, which is asked by its id.
    """
    if function.startswith("kpi_"):
        raise ValueError(f"{function} is asked for by an indicator's id")
    wanted = (
        "*" if columns is None else ", ".join(f"{sql} AS {column(name)}" for name, sql in columns.items())
    )
    return PostgresQuery(
        f"SELECT {wanted} FROM ioc_board.{function}({', '.join(arguments)}){' ' + tail if tail else ''}", form
    )


def unit_choice(language: Language) -> PostgresQuery:
    """Units to choose from: what is shown, and the code that is meant; the district first."""
    return listed("units", [text(language.value)], {"__text": "name", "__value": "code"})
