"""Messages that people have in Telegram say who took their alerts on, wherever that was done, and lose their buttons.

What is shown so is a convenience: pressing an old button is harmless and tells the same. So an edit that can't be made
is left out, and events are looked at in the order of their numbers, which may pass over one that is committed late.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from ioc.alerts import clock
from ioc.delivery import fitting, texts
from ioc.delivery.answering import look
from ioc.delivery.channels.bounded import Bounded
from ioc.delivery.channels.interface import PermanentError, TemporaryError
from ioc.delivery.channels.telegram_api import LONGEST_TEXT, BotApi
from ioc.delivery.facts import Facts
from ioc.kpi import steps
from ioc.reports.words import Language, at

log = structlog.get_logger(__name__)

_LOOK_S: Final = 2.0
_REST_S: Final = 30.0
_MOST_REMEMBERED: Final = 1000
#: Between the text and what became of it.
MARK: Final = "\n\n———\n"
_POSITION: Final = "SELECT position FROM ioc.channel_position WHERE channel = %s"
#: Up to where a channel, or something that is done for one, has come.
MOVE: Final = """
INSERT INTO ioc.channel_position (channel, position, changed_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (channel) DO UPDATE SET position = excluded.position, changed_at = excluded.changed_at
"""
_LAST: Final = "SELECT coalesce(max(event_id), 0) FROM ioc.alert_event"
_NEWS: Final = """
SELECT event_id, alert_id, kind FROM ioc.alert_event WHERE event_id > %s ORDER BY event_id LIMIT 1000
"""
_TAKEN: Final = """
SELECT DISTINCT m.message_id, m.kind, m.receipt->>'id', p.contacts->>%(channel)s
FROM ioc.alert_message_alert l
JOIN ioc.alert_message m USING (message_id)
JOIN ioc.duty_person p ON p.code = m.person
WHERE l.alert_id = ANY (%(alerts)s) AND m.channel = %(channel)s AND m.state = 'sent' AND m.kind IN ('alert', 'reminder')
  AND m.receipt->>'id' ~ '^[0-9]{1,18}$' AND p.contacts->>%(channel)s ~ '^ *-?[0-9]{1,18} *$'
  AND NOT EXISTS (
      SELECT FROM ioc.alert_message_alert o JOIN ioc.alert a USING (alert_id)
      WHERE o.message_id = m.message_id AND a.acknowledged_at IS NULL AND a.cleared_at IS NULL
  )
ORDER BY m.message_id
"""


class Marker:
    """Marks the messages of one channel; used by whoever listens to it, one at a time."""

    def __init__(
        self, channel: str, api: BotApi, connection: psycopg.Connection[Any], timeout_s: float
    ) -> None:
        self._channel, self._api, self._connection = channel, api, connection
        self._bounded = Bounded(timeout_s, name=f"{channel} marks", most=4)
        self._place = f"{channel} marks"
        self._next_s = 0.0
        self._todo: deque[tuple[int, str, str, str]] = deque()
        self._reached: int | None = None
        self._marked: OrderedDict[int, None] = OrderedDict()

    def marked(self, message_id: int) -> None:
        """Somebody pressed a button of this message: it is marked already."""
        self._marked[message_id] = None
        while len(self._marked) > _MOST_REMEMBERED:
            self._marked.popitem(last=False)

    def turn(self) -> None:
        """Look for news now and then, and make one edit at most.

        :raises psycopg.Error: the database went away.
        """
        if time.monotonic() < self._next_s:
            return
        if not self._todo and not self._look():
            self._next_s = time.monotonic() + _LOOK_S
            return
        if self._todo:
            try:
                self._edit(*self._todo[0])
            except TemporaryError as error:
                self._next_s = time.monotonic() + (error.retry_after_s or _REST_S)
                return
            self._todo.popleft()
        if not self._todo and self._reached is not None:
            self._connection.execute(MOVE, (self._place, self._reached))

    def _look(self) -> bool:
        """Whether there is news; what is to be edited for it stands in line then."""
        row = self._connection.execute(_POSITION, (self._place,)).fetchone()
        if row is None:  # what was done before this platform marked anything stays as it is
            self._connection.execute(
                f"INSERT INTO ioc.channel_position VALUES (%s, ({_LAST}), clock_timestamp())".encode(),  # noqa: S608
                (self._place,),
            )
            return False
        news = self._connection.execute(_NEWS, (row[0],)).fetchall()
        if not news:
            return False
        self._reached = news[-1][0]
        taken = sorted({alert for _, alert, kind in news if kind in ("acknowledged", "closed")})
        if taken:
            asked = {"channel": self._channel, "alerts": taken}
            found = self._connection.execute(_TAKEN, asked).fetchall()
            self._todo.extend(one for one in found if one[0] not in self._marked)
        return True

    def _edit(self, message_id: int, kind: str, sent: str, chat: str) -> None:
        facts = steps.run(self._connection, look(message_id)).facts
        if not facts:
            return
        _, zone = steps.run(self._connection, clock.here())
        text = marked_text(message_id, kind, facts, zone)
        try:
            self._bounded.run(
                lambda: self._api.call(
                    "editMessageText",
                    chat_id=int(chat),
                    message_id=int(sent),
                    text=text,
                    link_preview_options={"is_disabled": True},
                    reply_markup={"inline_keyboard": []},
                )
            )
        except PermanentError as error:
            # deleted by the person, too old, or marked already
            log.debug("telegram: a message is not marked", channel=self._channel, error=error.message)


def marked_text(message_id: int, kind: str, facts: Sequence[Facts], zone: ZoneInfo) -> str:
    """What a message says once all of its alerts are taken on or over."""
    said = texts.alert_text(kind, facts, zone=zone)
    people = sorted({fact.acknowledged_by for fact in facts if fact.acknowledged_by})
    moments = [fact.acknowledged_at for fact in facts if fact.acknowledged_at]
    if moments:
        line = f"✅ {', '.join(people)} đã xác nhận, {at(min(moments), zone, Language.VI)} / acknowledged"
    else:
        line = "Đã hết / resolved"
    return with_outcome(f"{said.body}\n\n(tin số {message_id})", fitting.one_line(line, 300))


def with_outcome(text: str, line: str) -> str:
    """A text with what became of it, in place of what was there before."""
    tail = MARK + line
    return fitting.cut(text.split(MARK)[0], LONGEST_TEXT - fitting.units(tail)) + tail
