"""Erases a dossier: what names it goes, what counts it stays under a code that nothing leads to.

Figures are sums over the ledger, and a replay proves them from the facts. So the facts stay as a tombstone: moments,
unit, procedure, status and marks, in the same order, with new ids, and without codes, officers, keys of payments and
reasons. Its number is a new one. A dossier that is still in hand can't be kept so, since what would end it is refused
from now on; it can be taken out of the figures instead.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ioc import topics
from ioc.errors import UsageError
from ioc.privacy import ledger, texts
from ioc.privacy.finding import Connection, Group, UnknownDossierError, group
from ioc.settings import Settings

#: Of a fact's body, what a tombstone is not to have.
_DROPPED: Final = ("aliases", "handler", "reason")
_LOCK: Final = 0x696F6345
_TELL_WORKERS: Final = """
UPDATE ioc.partition_offset o SET erasures = o.erasures + 1 FROM (
    SELECT ctid FROM ioc.partition_offset WHERE topic = %s ORDER BY cluster_id, topic_id, partition FOR UPDATE
) p WHERE o.ctid = p.ctid
"""
_NOTE: Final = """
INSERT INTO ioc.erasure (digest, erased_at, reason, erased_by) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_FACTS: Final = """
SELECT f.source_id, f.id, f.time, f.sequence, f.kind, f.recorded_at, f.body, s.name
FROM ioc.dossier_fact f JOIN ioc.source s USING (source_id) WHERE f.dossier_id = %s
"""
_PUT_FACT: Final = """
INSERT INTO ioc.dossier_fact (dossier_id, source_id, id, time, sequence, kind, recorded_at, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_COLUMNS: Final = """
SELECT attname FROM pg_attribute WHERE attrelid = 'ioc.dossier'::regclass AND attnum > 0 AND NOT attisdropped
  AND attname <> ALL ('{dossier_id,code,handler,merged_into,erased}')
"""
_MOVE_LEDGER: Final = """
INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)
SELECT %s, series_id, measure, amount, delta, effective_at, recorded_at FROM ioc.dossier_ledger WHERE dossier_id = %s
"""
_PURGE: Final = (
    "DELETE FROM ioc.dossier_ledger WHERE dossier_id = %s",
    "DELETE FROM ioc.dossier_fact WHERE dossier_id = %s",
    "DELETE FROM ioc.dossier WHERE dossier_id = %s",
)


@dataclass(slots=True)
class Erased:
    """What was done: how many things of each kind."""

    codes: int
    dossiers: int = 0
    facts: int = 0
    ledger_entries: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """Rows that named it, by table."""


def erase(
    connection: Connection, settings: Settings, code: str, *, reason: str, by: str, uncount: bool = False
) -> Erased:
    """Erase the dossier that has this code, under all its codes. The connection must be in autocommit.

    Written to the ledger's file first: after a crash in between, repeat it.

    :param reason: 1 to 200 characters, kept; it must not name anybody.
    :param uncount: take it out of the figures as well, rather than keep it counted without a name.
    :raises UnknownDossierError: nothing is kept of it.
    :raises UsageError: it is still in hand, or two dossiers claim the code.
    """
    if not 1 <= len(reason) <= 200:
        raise UsageError("A reason has 1 to 200 characters.", remedy="Say briefly why, without any name.")
    with connection.transaction():
        # whoever erases is alone; whoever writes facts is between two batches until this is committed
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_TELL_WORKERS, (settings.topic_prefix + topics.DOSSIERS,))
        found = group(connection, code)
        if not found.rows and not texts.mentions(connection, found.codes):
            raise UnknownDossierError(
                "Nothing is kept of a dossier of this code.",
                remedy="Give its code as the one-stop system writes it.",
            )
        if not uncount and not all(row.over for row in found.rows):
            raise UsageError(
                "The dossier is still in hand: without the facts to come it would count as open for good.",
                remedy="Erase it once it has ended, or give --uncount to take it out of the figures too.",
            )
        key = ledger.fitting_key(connection, settings)
        now = datetime.now(UTC)
        lines = [ledger.Line(key.digest(one).hex(), now, reason, by) for one in found.codes]
        ledger.append(ledger.path_of(settings), lines)
        _note(connection, lines)
        return purge(connection, found, uncount=uncount)


def _note(connection: Connection, lines: Iterable[ledger.Line]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            _NOTE, [(bytes.fromhex(one.digest), one.erased_at, one.reason, one.erased_by) for one in lines]
        )


def purge(connection: Connection, found: Group, *, uncount: bool) -> Erased:
    """Take a dossier out of the database, in the caller's transaction."""
    new = {code: f"erased-{secrets.token_hex(10)}" for code in found.codes}
    done = Erased(len(found.codes))
    columns = [name for (name,) in connection.execute(_COLUMNS).fetchall()]
    for row in found.rows:
        connection.execute("SELECT FROM ioc.dossier WHERE dossier_id = %s FOR UPDATE", (row.dossier_id,))
        facts = connection.execute(_FACTS, (row.dossier_id,)).fetchall()
        if not uncount:
            _bury(connection, row.dossier_id, new[row.code], columns, new, facts)
        done.ledger_entries += connection.execute(_PURGE[0], (row.dossier_id,)).rowcount
        for statement in _PURGE[1:]:
            connection.execute(statement, (row.dossier_id,))
        done.dossiers += 1
        done.facts += len(facts)
    done.counts = texts.forget(connection, new)
    if reports := texts.forget_reports(connection, found.codes):
        done.counts["report"] = reports
    return done


def _bury(
    connection: Connection,
    old: int,
    code: str,
    columns: Sequence[str],
    new: Mapping[str, str],
    facts: Sequence[Sequence[Any]],
) -> None:
    """Make the tombstone of a dossier, with its facts and its ledger."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    row = connection.execute(
        sql.SQL(
            "INSERT INTO ioc.dossier (code, erased, merged_into, {names}) SELECT %s, true,"
            " CASE WHEN merged_into IS NOT NULL THEN %s END, {names} FROM ioc.dossier WHERE dossier_id = %s"
            " RETURNING dossier_id"
        ).format(names=names),
        (code, _into(connection, old, new), old),
    ).fetchone()
    if row is None:
        raise psycopg.DataError("the dossier is gone")
    # by time, sequence, id and source, as the reducer has them
    ordered = sorted(facts, key=lambda fact: (fact[2], fact[3], fact[1], fact[7]))
    payments: dict[tuple[int, str], str] = {}
    with connection.cursor() as cursor:
        cursor.executemany(
            _PUT_FACT,
            [
                (
                    *(row[0], source, f"erased-{place:06d}", time, f"{place:06d}", kind, learned),
                    Jsonb(_anonymous(body, source, new, payments)),
                )
                for place, (source, _, time, _, kind, learned, body, _) in enumerate(ordered)
            ],
        )
    connection.execute(_MOVE_LEDGER, (row[0], old))


def _into(connection: Connection, dossier: int, new: Mapping[str, str]) -> str | None:
    row = connection.execute(
        "SELECT merged_into FROM ioc.dossier WHERE dossier_id = %s", (dossier,)
    ).fetchone()
    return None if row is None or row[0] is None else new.get(row[0], "erased")


def _anonymous(
    body: dict[str, Any], source: int, new: Mapping[str, str], payments: dict[tuple[int, str], str]
) -> dict[str, Any]:
    """A fact's body without what leads to anybody. Payments of one key stay payments of one key."""
    kept = {name: value for name, value in body.items() if name not in _DROPPED}
    if (payment := kept.get("payment")) is not None:
        kept["payment"] = payments.setdefault((source, payment), f"p{len(payments)}")
    if (into := kept.get("into")) is not None:
        kept["into"] = new.get(into, "erased")
    return kept


_KNOWN: Final = "SELECT code FROM ioc.dossier WHERE NOT erased UNION SELECT alias FROM ioc.dossier_alias"
_KEPT_LINES: Final = "SELECT digest, erased_at, reason, erased_by FROM ioc.erasure"
_LOT: Final = 10_000


def apply_again(connection: Connection, settings: Settings) -> int:
    """Erase once more what the ledger names and this database holds, as after a restore; returns how many dossiers.

    Those that are still in hand here are taken out of the figures: what ended them is refused.
    The connection must be in autocommit.

    :raises SettingsError: the ledger's key is not this machine's.
    :raises InputError: the ledger's file can't be read.
    """
    lines = {line.digest: line for line in ledger.read(ledger.path_of(settings))}
    for digest, erased_at, reason, by in connection.execute(_KEPT_LINES).fetchall():
        lines.setdefault(bytes(digest).hex(), ledger.Line(bytes(digest).hex(), erased_at, reason, by))
    if not lines:
        return 0
    key = ledger.fitting_key(connection, settings, make=False)
    wanted = {bytes.fromhex(digest) for digest in lines}
    named: list[str] = []
    with connection.transaction(), connection.cursor(name="codes") as cursor:
        cursor.itersize = _LOT
        named += [code for (code,) in cursor.execute(_KNOWN) if key.digest(code) in wanted]
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_TELL_WORKERS, (settings.topic_prefix + topics.DOSSIERS,))
        _note(connection, lines.values())
        dossiers = 0
        for code in named:
            try:
                found = group(connection, code)
            except UsageError:  # claimed by two: this one alone
                found = Group((code,), ())
            if not found.rows and not texts.mentions(connection, found.codes):
                continue  # gone with another code of it
            uncount = not all(row.over for row in found.rows)
            dossiers += purge(connection, found, uncount=uncount).dossiers
    return dossiers
