"""Brings rules, policies and channels of alerts into the database, as a part of applying a pack."""

from __future__ import annotations

from typing import Any

import psycopg

from ioc.alerts.encoding import channel_to_json, policy_to_json, rule_to_json
from ioc.alerts.model import AlertPack

# A rule keeps its number for as long as its code is known, also when it went and came back.
_RULE = """
INSERT INTO ioc.alert_rule AS r (code, position, kind, severity, definition, retired)
VALUES (%s, %s, %s, %s, %s, false)
ON CONFLICT (code) DO UPDATE
   SET position = excluded.position, kind = excluded.kind, severity = excluded.severity,
       definition = excluded.definition, retired = false
 WHERE (r.position, r.kind, r.severity, r.definition, r.retired)
       IS DISTINCT FROM (excluded.position, excluded.kind, excluded.severity, excluded.definition, false)
"""
_RETIRE = "UPDATE ioc.alert_rule SET retired = true WHERE NOT retired AND code <> ALL (%s)"
_DEFINED = """
INSERT INTO ioc.{table} AS d (code, definition) VALUES (%s, %s)
ON CONFLICT (code) DO UPDATE SET definition = excluded.definition
 WHERE d.definition IS DISTINCT FROM excluded.definition
"""


def apply_alerts(cursor: psycopg.Cursor[Any], alerts: AlertPack) -> int:
    """Bring the tables to what a pack says, within the caller's transaction; return the rows touched.

    A rule that the pack no longer has is retired and stays for the sake of its alerts; a policy or channel that it no
    longer has is gone, since every alert keeps its policy as it was.
    """
    cursor.execute(_RETIRE, ([rule.code for rule in alerts.rules],))
    touched = max(cursor.rowcount, 0)
    touched += _write(
        cursor,
        _RULE,
        [
            (rule.code, place, rule.kind.value, int(rule.severity), rule_to_json(rule))
            for place, rule in enumerate(alerts.rules)
        ],
    )
    policies = [(policy.code, policy_to_json(policy)) for policy in alerts.policies]
    channels = [(channel.code, channel_to_json(channel)) for channel in alerts.channels]
    for table, rows in (("alert_policy", policies), ("alert_channel", channels)):
        cursor.execute(
            f"DELETE FROM ioc.{table} WHERE code <> ALL (%s)".encode(),  # noqa: S608
            ([code for code, _ in rows],),
        )
        touched += max(cursor.rowcount, 0) + _write(cursor, _DEFINED.format(table=table), rows)
    return touched


def _write(cursor: psycopg.Cursor[Any], statement: str, rows: list[tuple[Any, ...]]) -> int:
    cursor.executemany(statement.encode(), rows)
    return max(cursor.rowcount, 0) if rows else 0
