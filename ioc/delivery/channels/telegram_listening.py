"""What people press and write in Telegram, by long polling: no address of ours needs to be reachable.

An update is handled in one transaction with the position up to which updates are handled: a kill repeats nothing and
loses nothing. One process listens to a bot at a time, under an advisory lock. Answers to people go out after the
transaction; where a kill prevents one, the alert is acknowledged all the same.

Only people of the roster may act, told by the account that pressed the button. In a group, too, each needs an entry of
their own in people.csv.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import psycopg
import structlog

from ioc.alerts import clock
from ioc.delivery import fitting
from ioc.delivery.answering import Doing, act, look
from ioc.delivery.channels.interface import PermanentError, TemporaryError
from ioc.delivery.channels.telegram import ACK, SNOOZE, answers
from ioc.delivery.channels.telegram_api import LONGEST_ANSWER, LONGEST_TEXT, BotApi
from ioc.delivery.channels.telegram_marking import MOVE, Marker, with_outcome
from ioc.delivery.channels.telegram_words import FAILED, HELP, STRANGER, greeting, on_duty, outcome
from ioc.duty.asking import ask
from ioc.errors import IocError
from ioc.kpi import steps
from ioc.kpi.query import SYSTEM_READER
from ioc.settings import Settings
from ioc.storage import alone, lasting

log = structlog.get_logger(__name__)

_T = TypeVar("_T")
_Connection = psycopg.Connection[Any]
#: With a number made of the channel's code: one listener at a time on each.
_LOCK: Final = 0x696F6340
#: Seconds that Telegram holds a question for updates open.
_HOLD_S: Final = 25
#: What is longer silent than it holds a question is broken.
SILENCE_S: Final = _HOLD_S + 10.0
#: A call that hangs longer is given up.
_GIVE_UP_S: Final = _HOLD_S + 15.0
_BACK_OFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_RETRY_S: Final = 2.0
STRANGERS_PER_MINUTE: Final = 30
_ACTIONS: Final = {ACK: Doing.ACKNOWLEDGE, SNOOZE: Doing.SNOOZE}
# After a week without updates Telegram numbers them anew: an old position says nothing then.
_POSITION: Final = """
SELECT CASE WHEN changed_at > clock_timestamp() - interval '6 days' THEN position END
FROM ioc.channel_position WHERE channel = %s FOR UPDATE
"""
_WHO: Final = """
SELECT p.code FROM ioc.duty_person p
CROSS JOIN LATERAL (
    SELECT (clock_timestamp() AT TIME ZONE coalesce((SELECT d.time_zone FROM ioc.district d), 'Asia/Ho_Chi_Minh'))::date
) AS today (day)
WHERE btrim(p.contacts->>%s) = %s
  AND (p.valid_from IS NULL OR p.valid_from <= day) AND (p.valid_to IS NULL OR day < p.valid_to)
ORDER BY p.code LIMIT 1
"""


class _User(msgspec.Struct):
    id: int


class _Chat(msgspec.Struct):
    id: int
    type: str = "private"


class _Message(msgspec.Struct):
    chat: _Chat
    message_id: int = 0
    text: str = ""
    sender: _User | None = msgspec.field(default=None, name="from")


class _Pressed(msgspec.Struct):
    id: str
    sender: _User = msgspec.field(name="from")
    data: str = ""
    message: _Message | None = None


class _Update(msgspec.Struct):
    update_id: int
    message: _Message | None = None
    callback_query: _Pressed | None = None


class _Numbered(msgspec.Struct):
    update_id: int


@dataclass
class _Saying:
    """What goes out once an update is handled: method and parameters of each call."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def say(self, method: str, **parameters: Any) -> None:
        self.calls.append((method, parameters))


def listen(channel: str, api: BotApi, settings: Settings, stop: threading.Event) -> None:
    """Handle updates of a channel's bot until ``stop`` is set; outlives Telegram's and the database's absence."""

    def work(connection: _Connection, well: Callable[[], None]) -> None:
        well()
        if alone.wait(connection, _LOCK, stop, every_s=_RETRY_S, of=channel):
            _Listener(channel, api, connection, stop).run()

    lasting.run(
        lambda: lasting.connect(settings.database_dsn, "ioc-deliver telegram", statement_s=20, lock_s=10),
        work,
        stop,
        away="telegram: listening ended, begins anew",
        back="telegram: listens again",
        retry_s=_RETRY_S,
        # the next round begins from what is in the database
        outlives=(Exception,),
        # its words may hold the bot's address, and so may its traceback
        say=lambda error: type(error).__name__,
        tracebacks=False,
        channel=channel,
    )


class _Listener:
    """Polls one bot over one connection."""

    def __init__(self, channel: str, api: BotApi, connection: _Connection, stop: threading.Event) -> None:
        self._channel, self._api, self._connection, self._stop = channel, api, connection, stop
        self._failures = 0
        self._strangers: list[float] = []
        self._marker = Marker(channel, api, connection, _GIVE_UP_S)

    def run(self) -> None:
        """Poll until told to stop.

        :raises psycopg.Error: the database went away.
        """
        while not self._stop.is_set():
            with self._connection.transaction():
                offset = self._position()
            try:
                raw = self._unless_stopped(
                    lambda offset=offset: self._api.call(  # type: ignore[misc]
                        "getUpdates",
                        offset=offset,
                        timeout=_HOLD_S,
                        allowed_updates=["message", "callback_query"],
                    ),
                    self._marker.turn,
                )
                updates = [] if raw is None else msgspec.convert(raw, type=list[Any])
            except (TemporaryError, PermanentError) as error:
                self._failed(error)
                continue
            except msgspec.MsgspecError:
                self._failed(TemporaryError("Telegram's updates can't be read."))
                continue
            if self._failures and raw is not None:
                log.info("telegram: updates come again", channel=self._channel, failures=self._failures)
                self._failures = 0
            for update in updates:
                self._handle(update)

    def _unless_stopped(
        self, call: Callable[[], _T], meanwhile: Callable[[], None] = lambda: None
    ) -> _T | None:
        """What a call returns; None when it is to stop. What it may still fetch is not confirmed, and comes again.

        :param meanwhile: is done several times a second while the call lasts.
        """
        result: list[_T] = []
        errors: list[Exception] = []
        done = threading.Event()

        def work() -> None:
            try:
                result.append(call())
            except Exception as error:
                errors.append(error)
            finally:
                done.set()

        threading.Thread(target=work, name=f"telegram {self._channel}", daemon=True).start()
        until = time.monotonic() + _GIVE_UP_S
        while not done.wait(0.1):
            if self._stop.is_set():
                return None
            if time.monotonic() > until:
                raise TemporaryError("Telegram does not end its answer.")
            meanwhile()
        if errors:
            raise errors[0]
        return result[0]

    def _failed(self, error: TemporaryError | PermanentError) -> None:
        if not self._failures:
            log.warning(
                "telegram: no updates; will be tried again",
                channel=self._channel,
                error=error.message,
                remedy=error.remedy,
            )
        wait_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        asked_s = error.retry_after_s if isinstance(error, TemporaryError) else None
        self._failures += 1
        # the lock dies with the connection: it is looked at while waiting
        self._stop.wait(max(wait_s, asked_s or 0.0))
        self._connection.execute("SELECT 1")

    # -- one update ------------------------------------------------------------------------------------

    def _position(self) -> int | None:
        row = self._connection.execute(_POSITION, (self._channel,)).fetchone()
        return None if row is None else row[0]

    def _handle(self, raw: object) -> None:
        """Handle an update once; one that can't be handled is passed over and hides no other."""
        try:
            number = msgspec.convert(raw, type=_Numbered).update_id
        except msgspec.MsgspecError:
            log.warning("telegram: an update without a number", channel=self._channel)
            return
        saying = _Saying()
        try:
            with self._connection.transaction():
                if self._handled(number):
                    return
                self._do(raw, saying)
                self._connection.execute(MOVE, (self._channel, number + 1))
        except psycopg.OperationalError:
            raise
        except (IocError, psycopg.Error, msgspec.MsgspecError) as error:
            what = error.message if isinstance(error, IocError) else type(error).__name__
            log.warning("telegram: an update could not be handled", channel=self._channel, error=what)
            with self._connection.transaction():
                if self._handled(number):
                    return
                self._connection.execute(MOVE, (self._channel, number + 1))
            saying = _sorry(raw)
        for method, parameters in saying.calls:
            self._say(method, parameters)

    def _handled(self, number: int) -> bool:
        position = self._position()
        return position is not None and number < position

    def _do(self, raw: object, saying: _Saying) -> None:
        update = msgspec.convert(raw, type=_Update)
        if update.callback_query is not None:
            self._pressed(update.callback_query, saying)
        elif update.message is not None:
            self._written(update.message, saying)

    def _say(self, method: str, parameters: dict[str, Any]) -> None:
        try:
            self._unless_stopped(lambda: self._api.call(method, **parameters))
        except (TemporaryError, PermanentError) as error:
            # what was asked for is done; only its being told is not
            log.debug("telegram: an answer did not go", channel=self._channel, error=error.message)

    def _who(self, user: int) -> str | None:
        row = self._connection.execute(_WHO, (self._channel, str(user))).fetchone()
        return None if row is None else row[0]

    # -- buttons ---------------------------------------------------------------------------------------

    def _pressed(self, pressed: _Pressed, saying: _Saying) -> None:
        person = self._who(pressed.sender.id)
        kind, _, number = pressed.data.partition(":")
        doing = _ACTIONS.get(kind)
        if person is None:
            saying.say("answerCallbackQuery", callback_query_id=pressed.id, text=STRANGER, show_alert=True)
            return
        if doing is None or not (number.isascii() and number.isdigit() and len(number) <= 18):
            saying.say("answerCallbackQuery", callback_query_id=pressed.id, text=FAILED)
            return
        now, zone = steps.run(self._connection, clock.here())
        message_id = int(number)
        before = steps.run(self._connection, look(message_id))
        found = (
            steps.run(self._connection, act(message_id, doing, person, now, self._channel))
            if before.facts
            else before
        )
        line = outcome(found, doing, person, now, zone)
        saying.say(
            "answerCallbackQuery", callback_query_id=pressed.id, text=fitting.fit(line, LONGEST_ANSWER)
        )
        self._marker.marked(message_id)
        if pressed.message is not None and pressed.message.text:
            open_still = any(fact.acknowledged_by is None and fact.cleared_at is None for fact in found.facts)
            saying.say(
                "editMessageText",
                chat_id=pressed.message.chat.id,
                message_id=pressed.message.message_id,
                text=with_outcome(pressed.message.text, line),
                link_preview_options={"is_disabled": True},
                reply_markup={"inline_keyboard": [answers(message_id)] if open_still else []},
            )

    # -- words -----------------------------------------------------------------------------------------

    def _written(self, message: _Message, saying: _Saying) -> None:
        command = message.text.split(maxsplit=1)[0].partition("@")[0].lower() if message.text.strip() else ""
        person = None if message.sender is None else self._who(message.sender.id)
        if person is None and not self._has_room():
            return
        if command == "/start":
            text = greeting(message.chat.id, person)
        elif person is None:
            if message.chat.type != "private":
                return
            text = STRANGER
        elif command == "/duty":
            text = on_duty(steps.run(self._connection, ask(SYSTEM_READER)))
        elif message.chat.type == "private":
            text = HELP
        else:
            return
        saying.say("sendMessage", chat_id=message.chat.id, text=fitting.cut(text, LONGEST_TEXT))

    def _has_room(self) -> bool:
        """Whether a stranger is answered: not more than so many a minute, or they could hold others up."""
        now = time.monotonic()
        self._strangers = [moment for moment in self._strangers if now - moment < 60]
        if len(self._strangers) >= STRANGERS_PER_MINUTE:
            return False
        self._strangers.append(now)
        return True


def _sorry(raw: object) -> _Saying:
    saying = _Saying()
    try:
        pressed = msgspec.convert(raw, type=_Update).callback_query
    except msgspec.MsgspecError:
        return saying
    if pressed is not None:
        saying.say("answerCallbackQuery", callback_query_id=pressed.id, text=FAILED)
    return saying
