"""Messages in the outbox, for tests of what people do with them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from tests.integration.alerting import Desk


def person(desk: Desk, code: str, **contacts: str) -> None:
    """Somebody who can be on duty."""
    desk.connection.execute(
        "INSERT INTO ioc.duty_person (code, name, title, contacts) VALUES (%s, 'Tên riêng', 'Trực', %s)",
        (code, Jsonb(contacts)),
    )


def message(desk: Desk, alerts: Sequence[int], to: str | None, channel: str, state: str = "sent") -> int:
    """Put a message about alerts into the outbox; returns its number."""
    row = desk.connection.execute(
        "INSERT INTO ioc.alert_message (key, kind, severity, person, channel, state, attempts, not_before, created_at)"
        " VALUES (%s, 'alert', 4, %s, %s, %s, 1, %s, %s) RETURNING message_id",
        (f"k{alerts}{to}{channel}", to, channel, state, desk.now, desk.now),
    ).fetchone()
    assert row is not None
    for number in alerts:
        desk.connection.execute("INSERT INTO ioc.alert_message_alert VALUES (%s, %s)", (row[0], number))
    return int(row[0])
