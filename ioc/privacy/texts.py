"""Where else a dossier is named: alerts, the access log, unreadable records, saved questions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

import psycopg

from ioc.alerts import keys

Connection = psycopg.Connection[Any]
#: What stands in the access log in place of a code.
ERASED: Final = "(erased)"


@dataclass(frozen=True, slots=True)
class Place:
    """A column that may name dossiers.

    :param as_subject: plain text that is the dossier's subject; otherwise JSON that may hold subject or code.
    """

    table: str
    column: str
    as_subject: bool = False


#: Held by docs/reference/data-inventory.md against the tables that there are.
PLACES: Final = (
    Place("alert", "key", as_subject=True),
    Place("alert", "subject", as_subject=True),
    Place("alert_signal", "subject", as_subject=True),
    Place("alert_flap", "key", as_subject=True),
    Place("alert", "detail"),
    Place("alert_signal", "detail"),
    Place("alert_event", "detail"),
    Place("alert_step", "detail"),
    Place("alert_message", "content"),
    Place("alert_message", "receipt"),
    Place("question", "asked"),
)
_PLAIN: Final = "UPDATE ioc.{table} SET {column} = %(new)s WHERE {column} = %(old)s"
_PLAIN_COUNT: Final = "SELECT count(*) FROM ioc.{table} WHERE {column} = ANY (%(subjects)s)"
_JSON: Final = """
UPDATE ioc.{table} SET {column} = replace(
    replace({column}::text, to_json(%(old)s::text)::text, to_json(%(new)s::text)::text),
    to_json(%(old_code)s::text)::text, to_json(%(new_code)s::text)::text)::jsonb
WHERE strpos({column}::text, to_json(%(old)s::text)::text) > 0
   OR strpos({column}::text, to_json(%(old_code)s::text)::text) > 0
"""
_JSON_COUNT: Final = """
SELECT count(*) FROM ioc.{table} t WHERE EXISTS (
    SELECT FROM unnest(%(names)s::text[]) n WHERE strpos(t.{column}::text, to_json(n)::text) > 0)
"""
_WINDOWS: Final = """
UPDATE ioc.maintenance SET subjects = array_replace(subjects, %(old)s, %(new)s) WHERE %(old)s = ANY (subjects)
"""
_LOG: Final = f"""
UPDATE ioc.access_log SET filters = replace(filters::text, to_json(%(old_code)s::text)::text, '"{ERASED}"')::jsonb
WHERE filters ? 'dossier' AND strpos(filters::text, to_json(%(old_code)s::text)::text) > 0
"""  # noqa: S608 - a constant of ours
_LOG_COUNT: Final = """
SELECT count(*) FROM ioc.access_log WHERE filters ? 'dossier' AND EXISTS (
    SELECT FROM unnest(%(codes)s::text[]) n WHERE strpos(filters::text, to_json(n)::text) > 0)
"""
_ALIASES: Final = "DELETE FROM ioc.dossier_alias WHERE alias = %(old_code)s OR code = %(old_code)s"
_ALIASES_COUNT: Final = (
    "SELECT count(*) FROM ioc.dossier_alias WHERE alias = ANY (%(codes)s) OR code = ANY (%(codes)s)"
)
#: Whole records go, as retention takes them: their number stays.
_UNREADABLE: Final = """
WITH gone AS (
    DELETE FROM ioc.unreadable
    WHERE position(convert_to(%(old_code)s, 'UTF8') in bytes) > 0 OR strpos(detail, %(old_code)s) > 0
    RETURNING topic, recorded_at
), counted AS (
    INSERT INTO ioc.unreadable_count AS c (topic, hour, records)
    SELECT topic, date_trunc('hour', recorded_at, 'UTC'), count(*) FROM gone GROUP BY 1, 2
    ON CONFLICT (topic, hour) DO UPDATE SET records = c.records + excluded.records
)
SELECT count(*) FROM gone
"""
_UNREADABLE_COUNT: Final = """
SELECT count(*) FROM ioc.unreadable u WHERE EXISTS (
    SELECT FROM unnest(%(codes)s::text[]) n
    WHERE position(convert_to(n, 'UTF8') in u.bytes) > 0 OR strpos(u.detail, n) > 0)
"""

_LETTING_GO: Final = "SELECT set_config('ioc.letting_go', 'erasure', true)"


def mentions(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Rows that name a dossier, by table; tables without any are left out."""
    named = {
        "codes": list(codes),
        "subjects": [keys.dossier(code) for code in codes],
        "names": [*codes, *(keys.dossier(code) for code in codes)],
    }
    found: dict[str, int] = {}

    def count(table: str, statement: str) -> None:
        row = connection.execute(statement.encode(), named).fetchone()
        if row is not None and row[0]:
            found[table] = found.get(table, 0) + int(row[0])

    for place in PLACES:
        statement = _PLAIN_COUNT if place.as_subject else _JSON_COUNT
        count(place.table, statement.format(table=place.table, column=place.column))
    count("access_log", _LOG_COUNT)
    count("dossier_alias", _ALIASES_COUNT)
    count("unreadable", _UNREADABLE_COUNT)
    return found


def forget(connection: Connection, new: Mapping[str, str]) -> dict[str, int]:
    """Take the codes out of every place, in the caller's transaction; returns how many rows changed, by table.

    :param new: what stands for each code where something has to.
    """
    connection.execute(_LETTING_GO)
    found: dict[str, int] = {}
    for code, other in new.items():
        named = {
            "old": keys.dossier(code),
            "new": keys.dossier(other),
            "old_code": code,
            "new_code": other,
        }

        def change(table: str, statement: str, named: Mapping[str, str] = named) -> None:
            cursor = connection.execute(statement.encode(), named)
            if cursor.rowcount > 0:
                found[table] = found.get(table, 0) + cursor.rowcount

        for place in PLACES:
            statement = _PLAIN if place.as_subject else _JSON
            change(place.table, statement.format(table=place.table, column=place.column))
        change("maintenance", _WINDOWS)
        change("access_log", _LOG)
        change("dossier_alias", _ALIASES)
        row = connection.execute(_UNREADABLE, named).fetchone()
        if row is not None and row[0]:
            found["unreadable"] = found.get("unreadable", 0) + int(row[0])
    connection.execute("SELECT set_config('ioc.letting_go', '', true)")
    return found


_WORKBOOKS: Final = "SELECT unit, kind, first, language, workbook FROM ioc.report"
_DROP_REPORT: Final = "DELETE FROM ioc.report WHERE (unit, kind, first, language) = (%s, %s, %s, %s)"


def forget_reports(connection: Connection, codes: Sequence[str]) -> int:
    """Delete reports that list one of these codes, in the caller's transaction; ``ioc report`` makes them anew.

    Workbook and page of a report say the same; the workbook can be read.
    """
    needles = [escape(code).encode() for code in codes]
    named: list[tuple[Any, ...]] = []
    with connection.cursor(name="reports") as cursor:
        cursor.itersize = 50
        for *key, workbook in cursor.execute(_WORKBOOKS):
            if _lists(bytes(workbook), needles):
                named.append(tuple(key))
    for one in named:
        connection.execute(_DROP_REPORT, one)
    return len(named)


def _lists(workbook: bytes, needles: Sequence[bytes]) -> bool:
    """Whether a workbook has one of some texts in a cell; one that can't be read counts as if it had."""
    try:
        with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
            sheets = [parts.read(name) for name in parts.namelist() if name.endswith(".xml")]
    except (zipfile.BadZipFile, OSError, EOFError):
        return True
    return any(needle in sheet for sheet in sheets for needle in needles)
