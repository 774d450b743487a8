"""Installs the SQL functions that answer for every indicator, generated from the catalogue and ``sql/*.sql``."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from importlib import resources
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc.index766.formulas import formulas
from ioc.index766.sql import formula_sql
from ioc.kpi.catalogue import CATALOGUE, TOPIC_OF
from ioc.kpi.definition import Kpi

#: Functions that a database role for readers may be granted; everything else is theirs to call only.
ENTRY_POINTS: Final = (
    "unit_start",
    "unit_scope",
    "unit_zone",
    "reader_units",
    "reader_sees_all",
    "kpi_series",
    "kpi_current",
    "kpi_span",
    "kpi_provenance",
    "kpi_areas",
    "kpi_series_areas",
    "kpi_current_areas",
    "kpi_targets",
    "surge_now",
    "surge_history",
    "forecast_calendar",
    "forecast_open",
    "forecast_ends",
    "forecast_dossiers",
    "forecast_history",
    "index766_month",
    "index766_losses",
    "queue_now",
    "dossier_values",
)

_ROW_TYPE: Final = """
CREATE TYPE ioc.kpi_row AS (
    ordinal int, id text, version int, source text, over_units text, is_ratio boolean,
    num smallint[], den smallint[], device_kind int, topic text, dimensions text[], current_window text,
    quantile float8, known smallint[], over_time text, divisible boolean);
"""


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple):
        return "'{" + ",".join(f"{part:d}" if isinstance(part, int) else str(part) for part in value) + "}'"
    return "'" + str(value).replace("'", "''") + "'"


def _row(ordinal: int, kpi: Kpi) -> str:
    values = (
        ordinal,
        kpi.id,
        kpi.version,
        kpi.source.value,
        kpi.over_units.value,
        kpi.is_ratio,
        kpi.numerator_measures,
        kpi.denominator_measures,
        kpi.device_kind,
        TOPIC_OF.get(kpi.subject),
        kpi.dimensions,
        kpi.current_window.value,
        kpi.quantile,
        kpi.known_measures,
        kpi.over_time.value,
        kpi.is_divisible,
    )
    return "SELECT ROW(" + ", ".join(_literal(value) for value in values) + ")::ioc.kpi_row AS kpi"


def definition_sql() -> str:
    """Return the function that gives the catalogue to SQL, one row an indicator."""
    rows = "\n    UNION ALL ".join(_row(ordinal, kpi) for ordinal, kpi in enumerate(CATALOGUE.values()))
    return (  # literals of the catalogue, quoted above; no value from outside comes here
        _ROW_TYPE + "CREATE FUNCTION ioc.kpi_definition() RETURNS SETOF ioc.kpi_row\n"  # noqa: S608
        f"LANGUAGE sql IMMUTABLE AS $$\n    SELECT (c.kpi).* FROM (\n    {rows}) AS c\n$$;\n"
    )


def functions_sql() -> str:
    """Return everything that is installed, in order."""
    folder = resources.files("ioc.kpi") / "sql"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    return (
        definition_sql()
        + formula_sql(formulas())
        + "\n".join(entry.read_text(encoding="utf-8") for entry in files)
    )


def install(connection: psycopg.Connection[Any]) -> bool:
    """Install the functions and record the definitions; does nothing where this very text is installed already.

    :param connection: a connection of the owning role, outside or inside a transaction; the work is one transaction.
    :returns: whether anything was changed.
    """
    text = functions_sql()
    mark = hashlib.sha256(text.encode()).hexdigest()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT obj_description(p.oid, 'pg_proc') FROM pg_proc p"
            " WHERE p.pronamespace = 'ioc'::regnamespace AND p.proname = 'kpi_definition'"
        )
        found = cursor.fetchone()
        if found is not None and found[0] == mark:
            return False
        _drop(cursor, text)
        cursor.execute(text.encode())
        _close_to_public(cursor, text)
        cursor.execute(sql.SQL("COMMENT ON FUNCTION ioc.kpi_definition() IS {}").format(sql.Literal(mark)))
        cursor.executemany(
            "INSERT INTO ioc.kpi_release (kpi, version, definition) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (kpi.id, kpi.version, json.dumps(asdict(kpi), ensure_ascii=False))
                for kpi in CATALOGUE.values()
            ],
        )
    return True


def _names(text: str, what: str) -> list[str]:
    return re.findall(rf"^CREATE (?:OR REPLACE )?{what} ioc\.(\w+)", text, re.MULTILINE)


def _drop(cursor: psycopg.Cursor[Any], text: str) -> None:
    """Remove what an earlier version installed: a function's result type can't be replaced in place."""
    for view in _names(text, "VIEW"):
        cursor.execute(sql.SQL("DROP VIEW IF EXISTS ioc.{} CASCADE").format(sql.Identifier(view)))
    cursor.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " WHERE p.pronamespace = 'ioc'::regnamespace AND p.proname = ANY (%s)",
        (_names(text, "FUNCTION"),),
    )
    for (signature,) in cursor.fetchall():
        cursor.execute(f"DROP FUNCTION IF EXISTS {signature} CASCADE".encode())
    cursor.execute("DROP TYPE IF EXISTS ioc.kpi_row CASCADE")


def _close_to_public(cursor: psycopg.Cursor[Any], text: str) -> None:
    cursor.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " WHERE p.pronamespace = 'ioc'::regnamespace AND p.proname = ANY (%s)",
        (_names(text, "FUNCTION"),),
    )
    for (signature,) in cursor.fetchall():
        cursor.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC".encode())
