"""Roles: what somebody's work is. What he may see is limited by his unit, whatever his role."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ioc.access.errors import RoleError
from ioc.kpi.steps import Steps


class Role(StrEnum):
    """A reader's role."""

    VIEWER = "viewer"
    PLANNER = "planner"
    OPERATOR = "operator"
    LEADER = "leader"
    ADMIN = "admin"


#: May act on alerts, duty, the shift log and maintenance.
ACTING: Final = frozenset({Role.OPERATOR, Role.LEADER, Role.ADMIN})
#: May change accounts, keys and what was set aside.
ADMINISTERING: Final = frozenset({Role.ADMIN})


def role_of(reader: str) -> Steps[Role]:
    """Steps to a reader's role; a viewer's for whoever is unknown or closed."""
    rows = yield "SELECT role FROM ioc.reader WHERE name = %s AND active", (reader,)
    return Role(rows[0][0]) if rows else Role.VIEWER


def require(reader: str, roles: frozenset[Role] = ACTING) -> Steps[Role]:
    """Steps that go on only for a reader with one of these roles.

    :raises RoleError: he has another one.
    """
    found = yield from role_of(reader)
    if found not in roles:
        wanted = " or ".join(role.value for role in Role if role in roles)
        raise RoleError(
            f"This needs the role {wanted}; {reader} is a {found.value}.",
            remedy=f"Whoever administers the platform can change it: ioc user role {reader} operator.",
        )
    return found
