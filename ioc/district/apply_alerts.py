"""Brings rules, policies and channels of alerts into the database, as a part of applying a pack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import psycopg

from ioc.alerts.encoding import channel_to_json, policy_to_json, rule_to_json
from ioc.alerts.model import AlertPack

# A rule keeps its number for as long as its code is known, also when it went and came back.
_RULE: Final = """
INSERT INTO ioc.alert_rule (code, position, kind, severity, definition, retired) VALUES (%s, %s, %s, %s, %s, false)
ON CONFLICT (code) DO UPDATE
   SET position = excluded.position, kind = excluded.kind, severity = excluded.severity,
       definition = excluded.definition, retired = false
"""
_RULES: Final = (
    "SELECT code, position, kind, severity, definition::text FROM ioc.alert_rule WHERE NOT retired"
)
_DEFINED: Final = """
INSERT INTO ioc.{table} (code, definition) VALUES (%s, %s)
ON CONFLICT (code) DO UPDATE SET definition = excluded.definition
"""


def apply_alerts(cursor: psycopg.Cursor[Any], alerts: AlertPack) -> int:
    """Bring the tables to what a pack says, within the caller's transaction; return the rows touched.

    A rule that the pack no longer has is retired and stays for the sake of its alerts; a policy or channel that it no
    longer has is gone, since every alert keeps its policy as it was. Of a pack that is not whole, nothing is gone.
    """
    rules = {
        rule.code: (place, rule.kind.value, int(rule.severity), rule_to_json(rule))
        for place, rule in enumerate(alerts.rules)
    }
    cursor.execute(_RULES.encode())
    before: dict[str, tuple[Any, ...]] = {code: tuple(row) for code, *row in cursor}
    touched = _write(cursor, _RULE, rules, before)
    gone = sorted(before.keys() - rules.keys()) if alerts.whole else []
    if gone:
        cursor.execute("UPDATE ioc.alert_rule SET retired = true WHERE code = ANY (%s)", (gone,))
    touched += len(gone)
    policies = {policy.code: (policy_to_json(policy),) for policy in alerts.policies}
    channels = {channel.code: (channel_to_json(channel),) for channel in alerts.channels}
    return (
        touched
        + _replace(cursor, "alert_policy", policies, whole=alerts.whole)
        + _replace(cursor, "alert_channel", channels, whole=alerts.whole)
    )


def _replace(
    cursor: psycopg.Cursor[Any], table: str, wanted: Mapping[str, tuple[str]], *, whole: bool
) -> int:
    cursor.execute(f"SELECT code, definition::text FROM ioc.{table}".encode())  # noqa: S608 - of the two above
    before: dict[str, tuple[Any, ...]] = {code: (text,) for code, text in cursor}
    touched = _write(cursor, _DEFINED.format(table=table), wanted, before)
    gone = sorted(before.keys() - wanted.keys()) if whole else []
    if gone:
        cursor.execute(f"DELETE FROM ioc.{table} WHERE code = ANY (%s)".encode(), (gone,))  # noqa: S608
    return touched + len(gone)


def _write(
    cursor: psycopg.Cursor[Any],
    statement: str,
    wanted: Mapping[str, tuple[Any, ...]],
    before: Mapping[str, tuple[Any, ...]],
) -> int:
    """Write what differs, and nothing else: whoever keeps the rules in memory reads them anew after any statement."""
    changed = [
        (code, *row) for code, row in wanted.items() if code not in before or not _same(row, before[code])
    ]
    if changed:
        cursor.executemany(statement.encode(), changed)
    return len(changed)


def _same(row: tuple[Any, ...], kept: tuple[Any, ...]) -> bool:
    """Whether columns are equal; the last one is JSON, whose keys the database puts in an order of its own."""
    return row[:-1] == kept[:-1] and msgspec.json.decode(row[-1]) == msgspec.json.decode(kept[-1])
