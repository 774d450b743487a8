"""Units of the database, one at a time: for importers that bring a unit of their own."""

from __future__ import annotations

from typing import Any

import psycopg

from ioc.errors import UsageError

_ENSURE = """
INSERT INTO ioc.unit AS u (code, name_vi, name_en, kind, parent_code, time_zone, declared)
VALUES (%(code)s, %(name_vi)s, %(name_en)s, %(kind)s, %(parent)s, %(time_zone)s, true)
ON CONFLICT (code) DO UPDATE
   SET name_vi = excluded.name_vi, name_en = excluded.name_en, kind = excluded.kind,
       parent_code = excluded.parent_code, time_zone = excluded.time_zone, declared = true
 WHERE (u.name_vi, u.name_en, u.kind, u.parent_code, u.time_zone, u.declared)
       IS DISTINCT FROM
       (excluded.name_vi, excluded.name_en, excluded.kind, excluded.parent_code, excluded.time_zone, true)
"""


def ensure_unit(
    conn: psycopg.Connection[Any],
    *,
    code: str,
    name_vi: str,
    name_en: str,
    time_zone: str,
    parent: str | None = None,
    kind: str = "other",
) -> int:
    """Make a unit, or bring it to these values; the caller commits.

    :param parent: code of the unit above, None for a tree of its own, outside the district's.
    :returns: its number in the database.
    :raises UsageError: ``parent`` is not a unit of this database.
    """
    if (
        parent is not None
        and conn.execute("SELECT 1 FROM ioc.unit WHERE code = %s", (parent,)).fetchone() is None
    ):
        raise UsageError(
            f"Unit {code!r} can't be put under {parent!r}: there is no such unit.",
            remedy="Apply the district pack first, or leave the parent out.",
        )
    conn.execute(
        _ENSURE,
        {
            "code": code,
            "name_vi": name_vi,
            "name_en": name_en,
            "time_zone": time_zone,
            "parent": parent,
            "kind": kind,
        },
    )
    cursor = conn.cursor(row_factory=psycopg.rows.tuple_row)
    row = cursor.execute("SELECT unit_id FROM ioc.unit WHERE code = %s", (code,)).fetchone()
    if row is None:
        raise RuntimeError(f"unit {code!r} vanished in its own transaction")
    return int(row[0])
