"""Which codes one dossier has, and where it is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ioc.errors import UsageError

Connection = psycopg.Connection[Any]

_AS_ALIAS: Final = "SELECT code FROM ioc.dossier_alias WHERE alias = %s ORDER BY code"
_NEIGHBOURS: Final = """
SELECT alias FROM ioc.dossier_alias WHERE code = ANY (%(codes)s)
UNION SELECT code FROM ioc.dossier WHERE merged_into = ANY (%(codes)s)
"""
_ROWS: Final = """
SELECT dossier_id, code, completed_at IS NOT NULL OR withdrawn_at IS NOT NULL OR merged_into IS NOT NULL
    OR received_at IS NULL
FROM ioc.dossier WHERE code = ANY (%s) AND NOT erased ORDER BY dossier_id
"""


class UnknownDossierError(UsageError):
    """Nothing is kept of a dossier of this code."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ``ioc.dossier``."""

    dossier_id: int
    code: str
    over: bool
    """It ended, was never accepted, or counts under another code."""


@dataclass(frozen=True, slots=True)
class Group:
    """All codes of one dossier, and what stands under them."""

    codes: tuple[str, ...]
    rows: tuple[Row, ...]


def group(connection: Connection, code: str) -> Group:
    """All codes of the dossier that has this one.

    :raises UsageError: two dossiers claim the code.
    """
    heads = [found for (found,) in connection.execute(_AS_ALIAS, (code,)).fetchall()]
    if len(heads) > 1:
        raise UsageError(
            f"{len(heads)} dossiers claim this code as theirs: {', '.join(heads)}.",
            remedy="Name one of those codes instead.",
        )
    codes = {code, *heads}
    while True:
        more = {found for (found,) in connection.execute(_NEIGHBOURS, {"codes": sorted(codes)}).fetchall()}
        if more <= codes:
            break
        codes |= more
    ordered = sorted(codes)
    rows = connection.execute(_ROWS, (ordered,)).fetchall()
    return Group(tuple(ordered), tuple(Row(*row) for row in rows))
