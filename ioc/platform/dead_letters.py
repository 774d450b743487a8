"""Records that were set aside since they could not be read: counted, looked at one by one, sent once more.

They may hold personal data: who looks at the bytes of one is written into the access log first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ioc.access.changes import By, note
from ioc.errors import UsageError
from ioc.kpi.query import change
from ioc.kpi.steps import Steps
from ioc.platform.sending_again import Again, Kept, send_all
from ioc.settings import Settings

#: Reason of records that nobody looked at, since their source was halted: ``ioc repair source`` is for them.
HELD: Final = "source-halted"
_MOST_GROUPS: Final = 500
_GROUPS: Final = """
SELECT topic, reason, count(*), min(recorded_at), max(recorded_at), max(unreadable_id) FROM ioc.unreadable
GROUP BY topic, reason ORDER BY max(recorded_at) DESC, topic, reason LIMIT %s
"""
_COLUMNS: Final = 'unreadable_id, topic, partition, "offset", source, reason, detail, size, recorded_at'
_LIST: Final = f"""
SELECT {_COLUMNS}, coalesce(length(bytes), 0) FROM ioc.unreadable
WHERE (%(topic)s::text IS NULL OR topic = %(topic)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(before)s::bigint IS NULL OR unreadable_id < %(before)s)
ORDER BY unreadable_id DESC LIMIT %(limit)s
"""  # noqa: S608 - of names above
_ONE: Final = (
    f"SELECT {_COLUMNS}, coalesce(length(bytes), 0), bytes FROM ioc.unreadable WHERE unreadable_id = %s"  # noqa: S608
)
_NOTE_LOOK: Final = """
INSERT INTO ioc.access_log (reader, what, filters, rows, outcome, took_ms) VALUES (%s, 'unreadable', %s, 1, 'given', 0)
"""
_CHOSEN: Final = """
SELECT count(*), coalesce(max(unreadable_id), 0), count(*) FILTER (WHERE length(bytes) < size OR bytes IS NULL)
FROM ioc.unreadable WHERE {}
"""
# What is cut short, or empty, could only be set aside once more.
_NEXT: Final = """
SELECT unreadable_id, topic, partition, bytes FROM ioc.unreadable
WHERE {} AND unreadable_id <= %(newest)s AND length(bytes) = size ORDER BY unreadable_id LIMIT %(limit)s FOR UPDATE
"""
# Figures of how many could not be read go on counting them, as they do when old ones are let go.
_SENT: Final = """
WITH gone AS (DELETE FROM ioc.unreadable WHERE unreadable_id = ANY (%s) RETURNING topic, recorded_at)
INSERT INTO ioc.unreadable_count AS c (topic, hour, records)
SELECT topic, date_trunc('hour', recorded_at, 'UTC'), count(*) FROM gone GROUP BY 1, 2
ON CONFLICT (topic, hour) DO UPDATE SET records = c.records + excluded.records
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one topic that were set aside for the same reason."""

    topic: str
    reason: str
    records: int
    oldest: datetime
    newest: datetime
    newest_number: int


@dataclass(frozen=True, slots=True)
class Letter:
    """One record, without its bytes.

    :param source: as far as it says; ``?`` where it does not.
    :param size: octets that it had; ``kept``: of these, how many there still are.
    """

    number: int
    topic: str
    partition: int
    offset: int
    source: str
    reason: str
    detail: str
    size: int
    recorded_at: datetime
    kept: int

    @property
    def is_whole(self) -> bool:
        """Whether it can be sent once more: nothing of it was cut off."""
        return 0 < self.kept == self.size


@dataclass(frozen=True, slots=True)
class Looked:
    """One record with its bytes."""

    letter: Letter
    content: bytes

    @property
    def text(self) -> str:
        """The bytes as text that can be printed; what is no UTF-8 stands escaped."""
        said = self.content.decode("utf-8", "backslashreplace")
        return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in said)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: one by its number, else those of a topic, a reason, or both."""

    number: int | None = None
    topic: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending records once more.

    :param left: those that stay, since they are cut short or empty.
    """

    sent: int
    left: int


def groups() -> Steps[list[Group]]:
    """Steps to the counts by topic and reason, the newest first."""
    rows = yield _GROUPS, (_MOST_GROUPS,)
    return [Group(*row) for row in rows]


def listed(
    *, topic: str | None = None, reason: str | None = None, before: int | None = None, limit: int = 50
) -> Steps[list[Letter]]:
    """Steps to single records, the newest first.

    :param before: only those with a smaller number.
    """
    rows = yield _LIST, {"topic": topic, "reason": reason, "before": before, "limit": limit}
    return [Letter(*row) for row in rows]


def look(reader: str, number: int) -> Steps[Looked]:
    """Steps that note in the access log who looks, and give one record with its bytes. They write.

    :raises UsageError: there is no such record any more.
    """
    rows = [] if not 0 < number < 2**63 else (yield _ONE, (number,))
    if not rows:
        raise _unknown(number)
    *values, content = rows[0]
    letter = Letter(*values)
    yield _NOTE_LOOK, (reader, Jsonb({"record": number, "topic": letter.topic, "reason": letter.reason}))
    return Looked(letter, bytes(content or b""))


def retry(
    settings: Settings,
    wanted: Wanted,
    by: By,
    *,
    tell: Callable[[int, int], None] = lambda _sent, _of: None,
) -> Sent:
    """Send records to Kafka once more, each to the partition that it came from.

    To be done when what made them unreadable is mended: a unit or a device was added to the pack, the platform learnt a
    type. Facts are known by their ids, so that a retry that is interrupted and done again counts nothing twice. What is
    still bad is set aside again. Those that were held for a halted source are not looked at: ``ioc repair source``.

    :param tell: called with how many were sent, and of how many.
    :raises UsageError: there are no such records.
    :raises UnavailableError: Kafka or the database does not answer; what was not sent stays.
    """
    where, parameters = _condition(wanted)
    with psycopg.connect(settings.database_dsn, connect_timeout=5, autocommit=True) as connection:
        found: Any = connection.execute(_CHOSEN.format(where).encode(), parameters).fetchone()
        records, newest, cut = found
        if not records:
            raise (
                _unknown(wanted.number)
                if wanted.number is not None
                else UsageError("There are no such records.", remedy="See: ioc dead-letters list")
            )
        sent = 0
        if records > cut:
            sent = _send(settings, connection, where, {**parameters, "newest": newest}, records - cut, tell)
        told = {"topic": wanted.topic, "reason": wanted.reason, "sent": sent}
        change(connection, note(by, "records.retried", str(wanted.number or "several"), told))
    return Sent(sent, records - sent)


def _send(
    settings: Settings,
    connection: psycopg.Connection[Any],
    where: str,
    parameters: dict[str, object],
    records: int,
    tell: Callable[[int, int], None],
) -> int:
    def lot(most: int) -> list[Kept]:
        rows = connection.execute(_NEXT.format(where).encode(), {**parameters, "limit": most}).fetchall()
        return [(number, Again(topic, partition, value)) for number, topic, partition, value in rows]

    return send_all(settings, connection, lot, _SENT, lambda sent: tell(sent, records))


def _condition(wanted: Wanted) -> tuple[str, dict[str, object]]:
    conditions: list[str] = ["reason <> %(held)s"]
    parameters: dict[str, object] = {"held": HELD}
    for column, name, value in (
        ("unreadable_id", "number", wanted.number),
        ("topic", "topic", wanted.topic),
        ("reason", "reason", wanted.reason),
    ):
        if value is not None:
            conditions.append(f"{column} = %({name})s")
            parameters[name] = value
    return " AND ".join(conditions), parameters


def _unknown(number: int) -> UsageError:
    return UsageError(
        f"There is no record {number} that could not be read.",
        remedy="It was sent again, or let go with age; ioc dead-letters list shows those that there are.",
    )
