"""Readers: the identities that every question about figures is asked by, and that people log in as.

What is asked and changed is written as steps; the functions that take a connection drive them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from ioc.access import sessions
from ioc.access.changes import SYSTEM, By, note
from ioc.access.passwords import hash_password
from ioc.access.roles import Role
from ioc.errors import UsageError
from ioc.kpi.query import change
from ioc.kpi.steps import Steps, run

#: Who reads without a name: figures of the district. Deactivated, anonymous reading is closed.
GUEST: Final = "guest"
#: The first person's identity: every unit.
ADMIN: Final = "admin"
#: The platform's own processes and the command line.
SYSTEM_READER: Final = "system"
#: Grafana's boards: figures of the district. Deactivated, the boards are empty.
BOARDS_READER: Final = "grafana"
LEAST_PASSWORD: Final = 12
MOST_PASSWORD: Final = 200
MOST_NAME: Final = 100
_COLUMNS: Final = "name, root_unit, district_only, active, password_hash IS NOT NULL, role, created_at"
_FIND: Final = f"SELECT {_COLUMNS} FROM ioc.reader WHERE name = %s"  # noqa: S608 - constant columns
_LIST: Final = f"SELECT {_COLUMNS} FROM ioc.reader ORDER BY name"  # noqa: S608 - constant columns
_ADD: Final = """
INSERT INTO ioc.reader (name, password_hash, root_unit, district_only, role) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (name) DO NOTHING RETURNING 1
"""
# Locked in one order, so that two who take the last right from each other wait for one another.
_ADMINS: Final = """
SELECT name FROM ioc.reader WHERE role = 'admin' AND active AND password_hash IS NOT NULL ORDER BY name FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who may read, and what: every unit, one unit with all below it, or the district."""

    name: str
    root_unit: str | None
    district_only: bool
    active: bool
    has_password: bool
    role: str
    created_at: datetime

    @property
    def is_person(self) -> bool:
        """Whether it is an account: neither the guest, nor the platform itself, nor its boards."""
        return self.name not in (GUEST, SYSTEM_READER, BOARDS_READER)


def one(name: str) -> Steps[Reader]:
    """Steps to the reader with this name.

    :raises UsageError: there is none.
    """
    rows = () if "\x00" in name else (yield _FIND, (name,))
    if not rows:
        raise UsageError(f"There is no reader {name!r}.", remedy="ioc user list shows all.")
    return Reader(*rows[0])


def listed() -> Steps[list[Reader]]:
    """Steps to every reader, by name."""
    return [Reader(*row) for row in (yield _LIST, ())]


def adding(
    by: By,
    name: str,
    stored: str | None,
    *,
    role: Role = Role.VIEWER,
    root_unit: str | None = None,
    district_only: bool = False,
) -> Steps[Reader]:
    """Steps that add a reader, limited to ``root_unit`` and all below it, or to the district, or to nothing.

    :param stored: of :func:`hashed`; None: nobody can log in as it.
    :raises UsageError: the name is taken or can't be one, the unit does not exist, or both limits are given.
    """
    # HTTP Basic ends the name at a colon
    if not name or name != name.strip() or len(name) > MOST_NAME or ":" in name or not name.isprintable():
        raise UsageError(
            f"{name[:MOST_NAME]!r} can't be a reader's name.", remedy="Use letters, digits, dots and dashes."
        )
    yield from _check_limit(root_unit, district_only)
    if not (yield _ADD, (name, stored, root_unit, district_only, role.value)):
        raise UsageError(f"There is a reader {name!r} already.")
    yield from note(by, "account.added", name, {"role": role.value, **_limit(root_unit, district_only)})
    return (yield from one(name))


def giving_password(by: By, name: str, stored: str, *, keep: str | None = None) -> Steps[int]:
    """Steps that give a reader a new password, and end his sessions; returns how many ended.

    :param stored: of :func:`hashed`.
    :param keep: secret of the one session that goes on: of whoever changes his own password.
    :raises UsageError: there is no such reader, or nobody can log in as it.
    """
    yield from _person(name)
    yield "UPDATE ioc.reader SET password_hash = %s WHERE name = %s", (stored, name)
    ended = yield from sessions.end_all(name, keep=keep)
    yield from note(by, "account.password", name)
    return ended


def giving_role(by: By, name: str, role: Role) -> Steps[None]:
    """Steps that give a reader another role; it holds for his next question.

    :raises UsageError: there is no such reader, or nobody would be left who administers.
    """
    found = yield from _person(name)
    if found.role == role:
        return
    if role is not Role.ADMIN:
        yield from _check_admins(name)
    yield "UPDATE ioc.reader SET role = %s WHERE name = %s", (role.value, name)
    yield from note(by, "account.role", name, {"was": found.role, "role": role.value})


def limiting(by: By, name: str, root_unit: str | None, *, district_only: bool = False) -> Steps[None]:
    """Steps that say what a reader may see: a unit with all below it, the district, or everything.

    :raises UsageError: there is no such reader or unit, or both limits are given.
    """
    found = yield from _person(name)
    yield from _check_limit(root_unit, district_only)
    if (found.root_unit, found.district_only) == (root_unit, district_only):
        return
    yield (
        "UPDATE ioc.reader SET root_unit = %s, district_only = %s WHERE name = %s",
        (root_unit, district_only, name),
    )
    yield from note(by, "account.unit", name, _limit(root_unit, district_only))


def closing(by: By, name: str) -> Steps[int]:
    """Steps that keep a reader out; his next question is refused. Returns how many sessions ended.

    :raises UsageError: there is no such reader, or nobody would be left who administers.
    """
    found = yield from one(name)
    if name == SYSTEM_READER:
        raise UsageError("The platform itself reads as 'system': it can't be closed.")
    yield from _check_admins(name)
    yield "UPDATE ioc.reader SET active = false WHERE name = %s", (name,)
    ended = yield from sessions.end_all(name)
    if found.active:
        yield from note(by, "account.closed", name)
    return ended


def opening(by: By, name: str) -> Steps[None]:
    """Steps that let a reader in again.

    :raises UsageError: there is no such reader.
    """
    found = yield from one(name)
    yield "UPDATE ioc.reader SET active = true WHERE name = %s", (name,)
    if not found.active:
        yield from note(by, "account.opened", name)


def ending_sessions(by: By, name: str) -> Steps[int]:
    """Steps that end every session of a reader; returns how many there were.

    :raises UsageError: there is no such reader.
    """
    yield from one(name)
    ended = yield from sessions.end_all(name)
    if ended:
        yield from note(by, "account.sessions_ended", name, {"sessions": ended})
    return ended


def releasing(by: By, name: str) -> Steps[None]:
    """Steps that write down that somebody ended a reader's wait after wrong passwords.

    :raises UsageError: there is no such reader.
    """
    yield from _person(name)
    yield from note(by, "account.released", name)


def hashed(password: str) -> str:
    """What is stored of a password. Slow on purpose: not to be called where others wait.

    :raises UsageError: it is too short or too long.
    """
    if len(password) < LEAST_PASSWORD:
        raise UsageError(f"A password has at least {LEAST_PASSWORD} characters.")
    if len(password) > MOST_PASSWORD or "\x00" in password:
        raise UsageError(f"A password has at most {MOST_PASSWORD} characters.")
    return hash_password(password)


# -- over a connection ----------------------------------------------------------------------------------


def find(connection: psycopg.Connection[Any], name: str) -> Reader:
    """Return the reader with this name; see :func:`one`."""
    return run(connection, one(name))


def list_readers(connection: psycopg.Connection[Any]) -> list[Reader]:
    """Return every reader, by name."""
    return run(connection, listed())


def add(
    connection: psycopg.Connection[Any],
    name: str,
    password: str | None = None,
    *,
    role: Role | str = Role.VIEWER,
    root_unit: str | None = None,
    district_only: bool = False,
    by: By = SYSTEM,
) -> Reader:
    """Add a reader; see :func:`adding`. Without a password nobody can log in as it."""
    stored = None if password is None else hashed(password)
    steps = adding(by, name, stored, role=Role(role), root_unit=root_unit, district_only=district_only)
    return change(connection, steps)


def set_password(connection: psycopg.Connection[Any], name: str, password: str, *, by: By = SYSTEM) -> int:
    """Give a reader a new password; see :func:`giving_password`."""
    return change(connection, giving_password(by, name, hashed(password)))


def set_active(connection: psycopg.Connection[Any], name: str, *, active: bool, by: By = SYSTEM) -> None:
    """Let a reader in again, or keep him out; see :func:`opening` and :func:`closing`."""
    if active:
        change(connection, opening(by, name))
    else:
        change(connection, closing(by, name))


# -- checks ---------------------------------------------------------------------------------------------


def _person(name: str) -> Steps[Reader]:
    found = yield from one(name)
    if not found.is_person:
        raise UsageError(
            f"{name!r} is not a person's account.",
            remedy="Only close and open are for the guest and for boards.",
        )
    return found


def _check_limit(root_unit: str | None, district_only: bool) -> Steps[None]:
    if root_unit is None:
        return
    if district_only:
        raise UsageError("A reader is limited to a unit or to the district, not both.")
    known = () if "\x00" in root_unit else (yield "SELECT 1 FROM ioc.unit WHERE code = %s", (root_unit,))
    if not known:
        raise UsageError(f"There is no unit {root_unit!r}.", remedy="ioc district units lists them.")


def _check_admins(without: str) -> Steps[None]:
    names = [row[0] for row in (yield _ADMINS, ())]
    if names == [without]:
        raise UsageError(
            f"{without!r} is the last one who administers.",
            remedy="Give somebody else the role admin and a password first.",
        )


def _limit(root_unit: str | None, district_only: bool) -> dict[str, object]:
    return {"unit": root_unit or ("(district)" if district_only else "(every unit)")}
