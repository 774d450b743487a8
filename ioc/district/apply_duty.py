"""Brings rosters and people on duty into the database, as a part of applying a pack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ioc.duty.model import Person, Roster


def apply_rosters(
    cursor: psycopg.Cursor[Any], rosters: Sequence[Roster], people: Sequence[Person], root: str
) -> int:
    """Bring rosters and people to what a pack says, within the caller's transaction; return the rows touched."""
    touched = _gone(cursor, "duty_roster", [roster.code for roster in rosters])
    for place, roster in enumerate(rosters):
        plain = replace(roster, line=0, rotations=tuple(replace(r, line=0) for r in roster.rotations))
        cursor.execute(
            "INSERT INTO ioc.duty_roster AS r (code, position, unit_code, definition) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (code) DO UPDATE SET position = excluded.position, unit_code = excluded.unit_code,"
            " definition = excluded.definition WHERE (r.position, r.unit_code, r.definition)"
            " IS DISTINCT FROM (excluded.position, excluded.unit_code, excluded.definition)",
            (roster.code, place, roster.unit or root, msgspec.json.encode(plain).decode()),
        )
        touched += max(cursor.rowcount, 0)
    touched += _gone(cursor, "duty_person", [person.code for person in people])
    for person in people:
        cursor.execute(
            "INSERT INTO ioc.duty_person AS p (code, name, title, unit_code, valid_from, valid_to, contacts)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (code) DO UPDATE SET name = excluded.name,"
            " title = excluded.title, unit_code = excluded.unit_code, valid_from = excluded.valid_from,"
            " valid_to = excluded.valid_to, contacts = excluded.contacts"
            " WHERE (p.name, p.title, p.unit_code, p.valid_from, p.valid_to, p.contacts) IS DISTINCT FROM"
            " (excluded.name, excluded.title, excluded.unit_code, excluded.valid_from, excluded.valid_to,"
            " excluded.contacts)",
            (
                person.code,
                person.name,
                person.title,
                person.unit,
                person.valid_from,
                person.valid_to,
                Jsonb(dict(person.contacts)),
            ),
        )
        touched += max(cursor.rowcount, 0)
    return touched


def _gone(cursor: psycopg.Cursor[Any], table: str, codes: list[str]) -> int:
    cursor.execute(f"DELETE FROM ioc.{table} WHERE code <> ALL (%s)".encode(), (codes,))  # noqa: S608
    return max(cursor.rowcount, 0)
