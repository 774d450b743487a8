"""Readers: the identities that every question about figures is asked by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.rows import class_row

from ioc.access.passwords import hash_password
from ioc.errors import UsageError

#: Who reads without a name: figures of the district. Deactivated, anonymous reading is closed.
GUEST: Final = "guest"
#: The first person's identity: every unit.
ADMIN: Final = "admin"
_LEAST_PASSWORD: Final = 12
_COLUMNS: Final = "name, root_unit, district_only, active, password_hash IS NOT NULL AS has_password"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who may read, and what: every unit, one unit with all below it, or the district."""

    name: str
    root_unit: str | None
    district_only: bool
    active: bool
    has_password: bool


def find(connection: psycopg.Connection[Any], name: str) -> Reader:
    """Return the reader with this name.

    :raises UsageError: there is none.
    """
    with connection.cursor(row_factory=class_row(Reader)) as cursor:
        found = cursor.execute(
            f"SELECT {_COLUMNS} FROM ioc.reader WHERE name = %s".encode(),  # noqa: S608 - constant columns
            (name,),
        ).fetchone()
    if found is None:
        raise UsageError(f"There is no reader {name!r}.")
    return found


def list_readers(connection: psycopg.Connection[Any]) -> list[Reader]:
    """Return every reader, by name."""
    with connection.cursor(row_factory=class_row(Reader)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM ioc.reader ORDER BY name".encode()  # noqa: S608 - constant columns
        ).fetchall()


def add(
    connection: psycopg.Connection[Any],
    name: str,
    password: str | None = None,
    *,
    root_unit: str | None = None,
    district_only: bool = False,
) -> Reader:
    """Add a reader, limited to ``root_unit`` and all below it, or to the district, or to nothing.

    :raises UsageError: the name is taken, the unit does not exist, both limits are given, or the password is short.
    """
    if not name or ":" in name:  # HTTP Basic ends the name at a colon
        raise UsageError(
            f"{name!r} can't be a reader's name.", remedy="Use letters, digits, dots and dashes."
        )
    if root_unit is not None and district_only:
        raise UsageError("A reader is limited to a unit or to the district, not both.")
    stored = None if password is None else _hash(password)
    try:
        connection.execute(
            "INSERT INTO ioc.reader (name, password_hash, root_unit, district_only) VALUES (%s, %s, %s, %s)",
            (name, stored, root_unit, district_only),
        )
    except errors.UniqueViolation as error:
        raise UsageError(f"There is a reader {name!r} already.") from error
    except errors.ForeignKeyViolation as error:
        raise UsageError(f"There is no unit {root_unit!r}.") from error
    return find(connection, name)


def set_password(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    """Give a reader a new password.

    :raises UsageError: there is no such reader, or the password is short.
    """
    _changed(
        connection.execute(
            "UPDATE ioc.reader SET password_hash = %s WHERE name = %s", (_hash(password), name)
        ),
        name,
    )


def set_active(connection: psycopg.Connection[Any], name: str, *, active: bool) -> None:
    """Let a reader in again, or keep him out; his next question is already refused.

    :raises UsageError: there is no such reader.
    """
    _changed(connection.execute("UPDATE ioc.reader SET active = %s WHERE name = %s", (active, name)), name)


def _hash(password: str) -> str:
    if len(password) < _LEAST_PASSWORD:
        raise UsageError(f"A password has at least {_LEAST_PASSWORD} characters.")
    return hash_password(password)


def _changed(cursor: psycopg.Cursor[Any], name: str) -> None:
    if cursor.rowcount == 0:
        raise UsageError(f"There is no reader {name!r}.")
