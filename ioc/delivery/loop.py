"""The delivery process: does what is due, sends what waits, and writes down what became of it.

One thread has the database; each channel has its own few threads that send. Any number of processes may run side by
side: what one of them holds the others pass over.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import psycopg
import structlog

from ioc.alerts import clock, trail
from ioc.alerts.encoding import EncodingError, channel_from_json
from ioc.alerts.model import Channel, Target
from ioc.delivery import claiming, digest, escalation, noticing, settling, standing
from ioc.delivery.claiming import Claimed, Claims
from ioc.delivery.composing import LinkMaker, compose
from ioc.delivery.sending import Make, Senders
from ioc.delivery.settling import Outcome
from ioc.duty import calling
from ioc.duty.notices import Notices
from ioc.kpi.query import Steps
from ioc.kpi.steps import run as drive
from ioc.settings import Settings
from ioc.storage import lasting

log = structlog.get_logger(__name__)

_T = TypeVar("_T")
Connection = psycopg.Connection[Any]

#: Without news the database is looked at after this all the same.
_LOOK_S: Final = 5.0
#: What somebody else holds, and what falls due just now, is looked at again after this.
_SOON_S: Final = 0.1
_RETRY_S: Final = 1.0
#: Between two looks at what the clock alone brings: notices of duty, the digest.
_CLOCK_S: Final = 5.0
#: Longest wait for what is being sent when the process ends.
_DRAIN_S: Final = 20.0
_ORPHANS: Final = 500
_NO_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")

_REVISION: Final = "SELECT revision FROM ioc.alert_book"
_CHANNELS: Final = "SELECT code, definition::text FROM ioc.alert_channel ORDER BY code"
_DUE: Final = """
SELECT DISTINCT channel FROM ioc.alert_message
WHERE state IN ('waiting', 'sending') AND not_before <= clock_timestamp()
"""
_ORPHANED: Final = """
SELECT message_id, attempts, 'There is no such channel.' FROM ioc.alert_message
WHERE state IN ('waiting', 'sending') AND not_before <= clock_timestamp() AND channel <> ALL (%s)
LIMIT %s FOR UPDATE SKIP LOCKED
"""
_NEXT: Final = """
SELECT extract(epoch FROM least(
    (SELECT min(due_at) FROM ioc.alert_step WHERE state = 'waiting'),
    (SELECT min(not_before) FROM ioc.alert_message WHERE state IN ('waiting', 'sending') AND channel = ANY (%s))
) - clock_timestamp())::float8
"""


class Deliverer:
    """What a delivery process does; :meth:`run` until it is told to stop.

    :param make: makes a channel's driver.
    :param links: makes the links of messages.
    :param turned: called at every turn of the loop.
    """

    def __init__(
        self,
        settings: Settings,
        make: Make,
        links: LinkMaker | None = None,
        turned: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._links, self._turned = settings, links, turned
        self._wake = threading.Event()
        self._senders = Senders(make, settings.send_at_once, self._wake.set)
        self._channels: dict[str, Channel] = {}
        self._revision: int | None = None
        self._roll: calling.Roll | None = None
        self._notices = Notices()
        self._digested: datetime | None = None
        #: Outcomes that are to be written, each with a number from 0 to 1 for its delay.
        self._unwritten: list[tuple[Outcome, float]] = []
        self._chance = random.SystemRandom().random
        self._clocked = self._released = -_CLOCK_S
        self._failing: set[str] = set()
        self._news = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop`` is set; then what is being sent is awaited. Outlives a database that goes away."""
        over = threading.Event()
        threading.Thread(target=self._listen, args=(over,), name="listen", daemon=True).start()
        threading.Thread(target=self._end, args=(stop,), name="stop", daemon=True).start()

        def work(connection: Connection, well: Callable[[], None]) -> None:
            well()
            while not stop.is_set():
                self._turned()
                self._wake.clear()
                wait_s = self.turn(connection)
                if not stop.is_set():
                    self._wake.wait(wait_s)

        try:
            lasting.run(
                lambda: self._connect("ioc-deliver"),
                work,
                stop,
                away="the database does not answer, will be tried again",
                back="the database answers again",
                retry_s=_RETRY_S,
                turned=self._turned,
            )
            self._drain()
        finally:
            over.set()
            self._senders.close()

    def turn(self, connection: Connection) -> float:
        """Do once what there is to do; returns after how many seconds there is more, unless there is news before.

        What goes wrong in one part keeps no other from its work.
        """
        self._guard(connection, "outcomes", lambda: self._write(connection))
        self._renew(connection)
        self._guard(connection, "steps", lambda: self._escalate(connection))
        if time.monotonic() - self._clocked >= _CLOCK_S:
            self._clocked = time.monotonic()
            self._guard(connection, "notices", lambda: _in_one(connection, self._tell_duty))
            self._guard(connection, "digest", lambda: self._tell_digest(connection))
        if self._guard(connection, "messages", lambda: self._send(connection)):
            return _SOON_S
        free = [code for code, places in self._senders.places().items() if places]
        ((next_s,),) = connection.execute(_NEXT, (free,)).fetchall()
        return _LOOK_S if next_s is None else min(max(next_s, _SOON_S), _LOOK_S)

    # -- parts of a turn -----------------------------------------------------------------------------

    def _renew(self, connection: Connection) -> None:
        """Take the channels and the duty in force."""
        ((revision,),) = connection.execute(_REVISION).fetchall()
        if revision != self._revision:
            self._channels = _channels(connection)
            self._senders.renew(self._channels)
            self._revision = revision
        roll = self._guard(
            connection, "duty", lambda: _in_one(connection, lambda now: calling.current(now, self._roll))
        )
        if roll is not None:
            self._roll = roll

    def _escalate(self, connection: Connection) -> None:
        """Do the steps that are due."""
        if self._news.is_set() or time.monotonic() - self._released >= _LOOK_S:
            self._news.clear()
            self._released = time.monotonic()
            _in_one(connection, standing.release)
        roll = self._roll or _NoDuty()
        while True:
            done = _in_one(connection, lambda now: escalation.advance(roll, self._channels, now))
            if done.steps < escalation.BATCH:
                return

    def _tell_duty(self, now: datetime) -> Steps[int]:
        notices = yield from self._notices.due(now)
        return (yield from noticing.tell(notices, self._channels, now))

    def _tell_digest(self, connection: Connection) -> None:
        """Send the digest once its time has come; asked of the database only until it is there."""
        moment = digest.due(self._settings.digest_at, datetime.now(UTC), self._zone)
        roll = self._roll
        if moment is None or roll is None or moment == self._digested:
            return
        sent = _in_one(connection, lambda now: digest.send(roll, self._channels, moment, now))
        if sent is not None:
            self._digested = moment

    def _send(self, connection: Connection) -> bool:
        """Claim for every channel what it can take; says whether something is left that somebody else holds."""
        waiting = [channel for (channel,) in connection.execute(_DUE).fetchall()]
        if any(code not in self._channels for code in waiting):
            _in_one(connection, self._give_up_orphans)
        places = self._senders.places()
        left = False
        for code in waiting:
            while places.get(code, 0) > 0:
                claims = self._claim(connection, self._channels[code], places[code])
                left = left or claims.left
                places = self._senders.places()
                if not claims.full:
                    break
        return left

    def _claim(self, connection: Connection, channel: Channel, places: int) -> Claims:
        """Take what a channel can send now, and have it sent."""
        crowded = self._senders.crowded(channel.code)
        began = time.monotonic()

        def claim(now: datetime) -> Steps[Claims]:
            return claiming.claim(channel, places, now, self._zone, without=crowded)

        claims = _in_one(connection, claim)
        if claims.failed:
            _in_one(connection, lambda now: self._fail(claims.failed, now))
        if claims.sends:
            self._hand_over(connection, channel, claims.sends, began)
        return claims

    def _hand_over(
        self, connection: Connection, channel: Channel, sends: list[Claimed], began: float
    ) -> None:
        try:
            made = _in_one(connection, lambda now: compose(sends, channel.code, self._links, now, self._zone))
        except Exception:
            # begun, and not sent: said at once, not when the leases are over
            self._note(channel, sends, "The message could not be prepared.", final=False)
            raise
        # sent within its time it is over before the lease is, which the database's clock ends
        until = began + claiming.MARGIN.total_seconds() - 1.0
        for claimed, outgoing in made:
            if outgoing is None:
                why = "The message can't be put into words; it was made by another version of the platform."
                self._note(channel, [claimed], why, final=True)
            else:
                self._senders.send(channel.code, claimed, outgoing, until)

    def _note(self, channel: Channel, sends: Iterable[Claimed], why: str, *, final: bool) -> None:
        self._unwritten += [
            (Outcome(one.message_id, one.attempt, channel.code, error=why, final=final), self._chance())
            for one in sends
        ]
        self._wake.set()

    def _write(self, connection: Connection) -> None:
        """Write down what became of messages; kept until it is written."""
        self._unwritten += [(outcome, self._chance()) for outcome in self._senders.outcomes()]
        if not self._unwritten:
            return
        try:
            self._settle(connection, self._unwritten)
        except Exception:
            if connection.closed:
                raise
            # one that can't be written must not hold the others back: its lease ends, and it is sent again
            log.exception("outcomes can't be written together, will be one by one")
            for one in self._unwritten:
                self._guard(connection, "outcome", partial(self._settle, connection, [one]))
        self._unwritten.clear()

    def _settle(self, connection: Connection, unwritten: Sequence[tuple[Outcome, float]]) -> None:
        roll, outcomes = self._roll or _NoDuty(), [outcome for outcome, _ in unwritten]
        chances = [chance for _, chance in unwritten]
        _in_one(connection, lambda now: settling.settle(outcomes, roll, self._channels, now, chances))

    def _give_up_orphans(self, now: datetime) -> Steps[int]:
        rows = yield _ORPHANED, (list(self._channels), _ORPHANS)
        return (yield from self._fail([(row[0], row[1], row[2]) for row in rows], now))

    def _fail(self, failed: list[tuple[int, int, str]], now: datetime) -> Steps[int]:
        return (yield from settling.fail(failed, self._roll or _NoDuty(), self._channels, now))

    @property
    def _zone(self) -> ZoneInfo:
        return _NO_ZONE if self._roll is None else self._roll.plan.calendar.zone

    # -- around it -----------------------------------------------------------------------------------

    def _guard(self, connection: Connection, part: str, work: Callable[[], _T]) -> _T | None:
        """Do a part's work; what goes wrong is told once, and the part is tried again with the next turn."""
        try:
            found = work()
        except Exception as error:
            if connection.closed:
                raise psycopg.OperationalError("the connection was closed") from error
            if part not in self._failing:
                self._failing.add(part)
                log.exception("a part of delivery fails, will be tried again", part=part)
            return None
        if part in self._failing:
            self._failing.discard(part)
            log.info("a part of delivery works again", part=part)
        return found

    def _drain(self) -> None:
        """Wait for what is being sent, and write down what became of it."""
        until = time.monotonic() + _DRAIN_S
        while True:
            self._turned()
            self._wake.clear()
            self._unwritten += [(outcome, self._chance()) for outcome in self._senders.outcomes()]
            if not self._senders.on_the_way or time.monotonic() >= until:
                break
            self._wake.wait(0.5)
        if self._unwritten:
            try:
                with self._connect("ioc-deliver") as connection:
                    self._write(connection)
            except (psycopg.Error, OSError) as error:
                # whoever is next sends them again, under the same keys
                log.warning("what became of messages can't be written", error=lasting.first_line(error))

    def _listen(self, over: threading.Event) -> None:
        """Wake the loop whenever alerts changed."""
        while not over.is_set():
            try:
                with self._connect("ioc-deliver-news") as connection:
                    connection.execute(f"LISTEN {trail.NEWS}".encode())
                    while not over.is_set():
                        self._tell_news()
                        for _ in connection.notifies(timeout=_LOOK_S, stop_after=1):
                            break
            except (psycopg.Error, OSError):
                over.wait(_RETRY_S)

    def _end(self, stop: threading.Event) -> None:
        stop.wait()
        self._wake.set()

    def _tell_news(self) -> None:
        self._news.set()
        self._wake.set()

    def _connect(self, name: str) -> Connection:
        return lasting.connect(
            self._settings.database_dsn,
            name,
            statement_s=30,
            options="-c idle_in_transaction_session_timeout=30000",
        )


class _NoDuty:
    """While nobody can say who is on duty: channels that are of nobody are called, such as the fallback's."""

    def whom(self, targets: Iterable[Target], at: datetime) -> calling.Called:  # noqa: ARG002 - as a roll
        """See :meth:`ioc.duty.calling.Roll.whom`."""
        return calling.Called((), tuple(one.channel for one in targets if one.channel is not None), ())


def _in_one(connection: Connection, steps: Callable[[datetime], Steps[_T]]) -> _T:
    """Drive steps in one transaction, at the moment that the database's clock shows."""
    with connection.transaction():
        return drive(connection, steps(drive(connection, clock.now())))


def _channels(connection: Connection) -> dict[str, Channel]:
    """Channels in force; one that can't be read is left out, and said."""
    found: dict[str, Channel] = {}
    for code, text in connection.execute(_CHANNELS).fetchall():
        try:
            found[code] = channel_from_json(text)
        except EncodingError as error:
            log.error("a channel can't be read, its messages fail", channel=code, error=error.message)
    return found
