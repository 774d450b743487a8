"""All that is kept of one dossier, for whom it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ioc.history import access_log
from ioc.kpi.query import SYSTEM_READER, change
from ioc.privacy import texts
from ioc.privacy.finding import Connection, UnknownDossierError, group

_DOSSIERS: Final = "SELECT to_jsonb(d) FROM ioc.dossier d WHERE code = ANY (%s) AND NOT erased ORDER BY code"
_FACTS: Final = """
SELECT to_jsonb(f) - 'dossier_id' - 'source_id' || jsonb_build_object('code', d.code, 'source', s.name)
FROM ioc.dossier_fact f JOIN ioc.dossier d USING (dossier_id) JOIN ioc.source s USING (source_id)
WHERE d.code = ANY (%s) AND NOT d.erased ORDER BY d.code, f.time, f.sequence, f.id
"""
_COUNTED: Final = """
SELECT to_jsonb(l) - 'dossier_id' - 'series_id' || jsonb_build_object('code', d.code)
FROM ioc.dossier_ledger l JOIN ioc.dossier d USING (dossier_id)
WHERE d.code = ANY (%s) AND NOT d.erased ORDER BY d.code, l.effective_at, l.measure, l.recorded_at
"""
_ASKED: Final = """
SELECT to_jsonb(l) FROM ioc.access_log l WHERE filters ? 'dossier' AND EXISTS (
    SELECT FROM unnest(%s::text[]) n WHERE strpos(filters::text, to_json(n)::text) > 0) ORDER BY at
"""


@dataclass(slots=True)
class Kept:
    """What the database holds of a dossier; documents as the rows are."""

    codes: list[str]
    dossiers: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    access_log: list[dict[str, Any]] = field(default_factory=list)
    """Who asked for it, this time left out."""
    named_in: dict[str, int] = field(default_factory=dict)
    """Rows beside these that name it, by table."""


def access(connection: Connection, code: str) -> Kept:
    """Everything about the dossier that has this code; noted in the access log. The connection must be in autocommit.

    :raises UnknownDossierError: nothing is kept of it.
    :raises UsageError: two dossiers claim the code.
    """
    found = group(connection, code)
    codes = list(found.codes)
    named_in = texts.mentions(connection, codes)
    if not found.rows and not named_in:
        raise UnknownDossierError(
            "Nothing is kept of a dossier of this code.",
            remedy="Give its code as the one-stop system writes it.",
        )
    kept = Kept(codes, named_in=named_in)
    for statement, rows in (
        (_DOSSIERS, kept.dossiers),
        (_FACTS, kept.facts),
        (_COUNTED, kept.ledger),
        (_ASKED, kept.access_log),
    ):
        rows += [row for (row,) in connection.execute(statement.encode(), (codes,)).fetchall()]
    asked = {"dossier": [row.code for row in found.rows]}
    number = change(connection, access_log.begin(SYSTEM_READER, "privacy.access", asked))
    connection.execute(*access_log.end(number, rows=len(kept.facts), outcome=access_log.Outcome.GIVEN))
    return kept
