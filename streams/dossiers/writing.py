"""The statements that write dossier facts, projections and ledger entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from ioc.dossiers.ledger import Series
from ioc.dossiers.reducer import Dossier, Fact
from streams.ownership import Connection


class FactKey(NamedTuple):
    """What makes a fact the same when it comes again."""

    dossier_id: int
    source_id: int
    id: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """A row of ``ioc.dossier_fact``."""

    key: FactKey
    time: datetime
    sequence: str
    kind: int
    recorded_at: datetime
    body: str


class LedgerRow(NamedTuple):
    """A row of ``ioc.dossier_ledger``, less its dossier."""

    series_id: int
    measure: int
    amount: int
    delta: int
    effective_at: datetime
    recorded_at: datetime


async def ensure_dossiers(connection: Connection, codes: Mapping[str, int]) -> dict[str, int]:
    """Return the numbers of these dossiers (code to unit), locking their rows for this transaction.

    Rows are made and locked in the order of their codes, so that two writers can't wait for one another in a circle.
    """
    names = sorted(codes)
    await connection.execute(
        "INSERT INTO ioc.dossier (code, unit_id) SELECT * FROM unnest(%s::text[], %s::int[])"
        " ON CONFLICT (code) DO NOTHING",
        (names, [codes[name] for name in names]),
    )
    rows: list[Any] = await (
        await connection.execute(
            "SELECT code, dossier_id FROM ioc.dossier WHERE code = ANY(%s) ORDER BY code FOR UPDATE", (names,)
        )
    ).fetchall()
    return dict(rows)


async def insert_facts(connection: Connection, facts: Sequence[FactRow]) -> list[FactKey]:
    """Insert the facts that are new; return their keys."""
    rows = [(*fact.key, fact.time, fact.sequence, fact.kind, fact.recorded_at, fact.body) for fact in facts]
    cursor = await connection.execute(
        "INSERT INTO ioc.dossier_fact (dossier_id, source_id, id, time, sequence, kind, recorded_at, body)"
        " SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::timestamptz[], %s::text[], %s::smallint[],"
        " %s::timestamptz[], %s::jsonb[]) ON CONFLICT DO NOTHING RETURNING dossier_id, source_id, id",
        [list(column) for column in zip(*rows, strict=True)],
    )
    inserted: list[Any] = await cursor.fetchall()
    return [FactKey(*row) for row in inserted]


async def load_ledger(connection: Connection, dossier_ids: Sequence[int]) -> dict[int, Counter[LedgerRow]]:
    """Return the stored entries of these dossiers."""
    rows: list[Any] = await (
        await connection.execute(
            "SELECT dossier_id, series_id, measure, amount, delta, effective_at, recorded_at FROM ioc.dossier_ledger"
            " WHERE dossier_id = ANY(%s)",
            (list(dossier_ids),),
        )
    ).fetchall()
    found: dict[int, Counter[LedgerRow]] = {}
    for dossier_id, *entry in rows:
        found.setdefault(dossier_id, Counter())[LedgerRow(*entry)] += 1
    return found


_LISTED: Final = (
    "unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS n (unit_id, channel, field, procedure)"
)
_SAME_SERIES: Final = (
    "s.unit_id = n.unit_id AND s.channel IS NOT DISTINCT FROM n.channel"
    " AND s.field IS NOT DISTINCT FROM n.field AND s.procedure IS NOT DISTINCT FROM n.procedure"
)
_NEW_SERIES: Final = f"""
INSERT INTO ioc.dossier_series (unit_id, channel, field, procedure)
SELECT n.* FROM {_LISTED} WHERE NOT EXISTS (SELECT FROM ioc.dossier_series s WHERE {_SAME_SERIES})
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants of ours
_FIND_SERIES: Final = f"""
SELECT s.series_id, s.unit_id, s.channel, s.field, s.procedure FROM ioc.dossier_series s JOIN {_LISTED}
ON {_SAME_SERIES}
"""  # noqa: S608 - constants of ours


async def ensure_series(
    connection: Connection, wanted: Iterable[Series], units: Mapping[str, int]
) -> dict[Series, int]:
    """Return the numbers of these combinations of dimensions."""
    series = sorted(wanted, key=lambda s: tuple(part or "" for part in s))
    columns = (
        [units[s.unit] for s in series],
        [s.channel for s in series],
        [s.field for s in series],
        [s.procedure for s in series],
    )
    # An insert takes a number even where it finds the row there, and there is an end to numbers: only what is new is
    # inserted.
    await connection.execute(_NEW_SERIES, columns)
    rows: list[Any] = await (await connection.execute(_FIND_SERIES, columns)).fetchall()
    codes = {number: code for code, number in units.items()}
    return {Series(codes[unit], channel, field, procedure): i for i, unit, channel, field, procedure in rows}


async def store_ledger(
    connection: Connection,
    wanted: Mapping[int, Counter[LedgerRow]],
    stored: Mapping[int, Counter[LedgerRow]],
) -> int:
    """Make the stored entries equal the wanted ones; return how many rows that took.

    Nearly always entries are only added. Entries go when a fact comes that claims to have been learned before
    others, as a historical import's do: then what was known in between changes too.
    """
    empty: Counter[LedgerRow] = Counter()
    added = [(i, row) for i in wanted for row in (wanted[i] - stored.get(i, empty)).elements()]
    gone = [i for i in wanted if stored.get(i, empty) - wanted[i]]
    if gone:
        await connection.execute("DELETE FROM ioc.dossier_ledger WHERE dossier_id = ANY(%s)", (gone,))
        rewritten = set(gone)
        added = [(i, row) for i, row in added if i not in rewritten]
        added += [(i, row) for i in gone for row in wanted[i].elements()]
    if added:
        await connection.execute(
            "INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)"
            " SELECT * FROM unnest(%s::bigint[], %s::int[], %s::smallint[], %s::int[], %s::smallint[],"
            " %s::timestamptz[], %s::timestamptz[])",
            (
                [i for i, _ in added],
                [r.series_id for _, r in added],
                [r.measure for _, r in added],
                [r.amount for _, r in added],
                [r.delta for _, r in added],
                [r.effective_at for _, r in added],
                [r.recorded_at for _, r in added],
            ),
        )
    return len(added) + sum((stored[i] - wanted[i]).total() for i in gone)


#: Columns of ``ioc.dossier`` that are a value of the reduced dossier: name, type, value.
_PROJECTED: Final[tuple[tuple[str, str, Callable[[Dossier], object]], ...]] = (
    ("channel", "text", lambda d: None if d.channel is None else d.channel.value),
    ("field", "text", lambda d: d.field),
    ("procedure", "text", lambda d: d.procedure),
    ("applicant", "text", lambda d: None if d.applicant is None else d.applicant.value),
    ("service_level", "smallint", lambda d: d.service_level),
    ("status", "int", lambda d: d.status),
    ("step", "text", lambda d: d.step),
    ("role", "text", lambda d: d.role),
    ("handler", "text", lambda d: d.handler),
    ("submitted_at", "timestamptz", lambda d: d.submitted_at),
    ("received_at", "timestamptz", lambda d: d.accepted_at),
    ("rejected_at", "timestamptz", lambda d: d.rejected_at),
    ("original_due_at", "timestamptz", lambda d: d.original_due_at),
    ("due_at", "timestamptz", lambda d: d.due_at),
    ("completed_at", "timestamptz", lambda d: d.completed_at),
    ("returned_at", "timestamptz", lambda d: d.returned_at),
    ("withdrawn_at", "timestamptz", lambda d: d.withdrawn_at),
    ("fee_vnd", "bigint", lambda d: d.fee_vnd),
    ("paid_vnd", "bigint", lambda d: None if d.paid_vnd is None else min(d.paid_vnd, 2**63 - 1)),
    ("payable_online", "boolean", lambda d: d.payable_online),
    ("paid_online", "boolean", lambda d: d.paid_online),
    ("digitised", "boolean", lambda d: d.digitised),
    ("reused", "boolean", lambda d: d.reused),
    ("from_store", "boolean", lambda d: d.from_store),
    ("result_digital", "boolean", lambda d: d.result_digital),
    ("apologised_at", "timestamptz", lambda d: d.apologies[-1][0] if d.apologies else None),
    ("promised_at", "timestamptz", lambda d: d.apologies[-1][1] if d.apologies else None),
    ("rated_at", "timestamptz", lambda d: d.rating and d.rating[0]),
    ("satisfied", "boolean", lambda d: d.rating and d.rating[1]),
    ("score", "smallint", lambda d: d.rating and d.rating[2]),
    ("merged_into", "text", lambda d: d.merged_into),
    ("newest_fact", "timestamptz", lambda d: d.newest_fact),
)
_UPDATE: Final = (  # names and types of the table above, no value
    "UPDATE ioc.dossier d SET unit_id = n.unit_id, facts = n.facts, recorded_at = n.recorded_at, "  # noqa: S608
    + ", ".join(f"{name} = n.{name}" for name, _, _ in _PROJECTED)
    + " FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::timestamptz[], "
    + ", ".join(f"%s::{kind}[]" for _, kind, _ in _PROJECTED)
    + ") AS n (dossier_id, unit_id, facts, recorded_at, "
    + ", ".join(name for name, _, _ in _PROJECTED)
    + ") WHERE d.dossier_id = n.dossier_id AND (d.unit_id, d.facts, d.recorded_at, "
    + ", ".join(f"d.{name}" for name, _, _ in _PROJECTED)
    + ") IS DISTINCT FROM (n.unit_id, n.facts, n.recorded_at, "
    + ", ".join(f"n.{name}" for name, _, _ in _PROJECTED)
    + ")"
)


async def store_dossiers(
    connection: Connection,
    dossiers: Mapping[int, Dossier],
    units: Mapping[str, int],
    facts: Mapping[int, list[Fact]],
) -> int:
    """Write the projections; return how many differed from what was stored."""
    ids = sorted(dossiers)
    found = [dossiers[i] for i in ids]
    cursor = await connection.execute(
        _UPDATE,
        [
            ids,
            [units[d.unit] if d.unit is not None else None for d in found],
            [len(facts[i]) for i in ids],
            [max(f.recorded_at for f in facts[i]) for i in ids],
            *([value(d) for d in found] for _, _, value in _PROJECTED),
        ],
    )
    return cursor.rowcount


async def add_aliases(connection: Connection, aliases: set[tuple[str, str]]) -> None:
    """Note which codes stand for which dossier (alias, code); one that two dossiers claim stands there twice."""
    if not aliases:
        return
    listed = sorted(aliases)
    await connection.execute(
        "INSERT INTO ioc.dossier_alias (alias, code) SELECT * FROM unnest(%s::text[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        ([alias for alias, _ in listed], [code for _, code in listed]),
    )
