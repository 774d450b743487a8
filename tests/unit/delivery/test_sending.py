"""Channels at work in one process, with drivers that do as the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from ioc.alerts.model import Channel, Severity
from ioc.delivery.channels.interface import (
    ChannelError,
    Driver,
    Outgoing,
    PermanentError,
    Receipt,
    TemporaryError,
)
from ioc.delivery.claiming import Claimed
from ioc.delivery.sending import Senders
from ioc.delivery.settling import Outcome

SECRET = "0900111222"  # an address, which nothing may repeat


class Acting:
    """A driver that does what it was given, and notes when it was closed."""

    def __init__(self, act: Callable[[Outgoing], Receipt]) -> None:
        self._act = act
        self.closed = threading.Event()

    def send(self, outgoing: Outgoing) -> Receipt:
        return self._act(outgoing)

    def close(self) -> None:
        self.closed.set()


def claimed(number: int, person: str = "an") -> Claimed:
    return Claimed(number, str(number), "alert", Severity.MAJOR, person, 1)


def outgoing(number: int) -> Outgoing:
    return Outgoing(str(number), "alert", Severity.MAJOR, "s", "b", "k", address=SECRET, message_id=number)


@contextmanager
def senders(make: Callable[[Channel], Driver], places: int = 4) -> Iterator[Senders]:
    found = Senders(make, places, lambda: None)
    found.renew({"c": Channel("c", "webhook")})
    try:
        yield found
    finally:
        found.close()


def send(to: Senders, number: int, person: str = "an", *, for_s: float = 60.0) -> None:
    to.send("c", claimed(number, person), outgoing(number), time.monotonic() + for_s)


def outcomes(of: Senders, count: int) -> list[Outcome]:
    found: list[Outcome] = []
    end = time.monotonic() + 60
    while len(found) < count and time.monotonic() < end:
        found += of.outcomes()
        time.sleep(0.005)
    assert len(found) == count
    return sorted(found, key=lambda one: one.message_id)


def test_nobody_takes_more_than_half_of_a_channels_places() -> None:
    held = threading.Event()

    def wait(_outgoing: Outgoing) -> Receipt:
        held.wait(60)
        return Receipt()

    with senders(lambda _channel: Acting(wait)) as found:
        send(found, 1)
        assert found.crowded("c") == []
        send(found, 2)
        assert found.crowded("c") == ["an"]
        send(found, 3, "lan")
        assert found.places() == {"c": 1}
        held.set()
        outcomes(found, 3)
        assert (found.places(), found.crowded("c"), found.on_the_way) == ({"c": 4}, [], 0)


def test_what_a_driver_says_becomes_an_outcome_and_its_own_faults_repeat_no_address() -> None:
    def act(one: Outgoing) -> Receipt:
        if one.key == "1":
            raise TemporaryError("The server is busy.", retry_after_s=7)
        if one.key == "2":
            raise PermanentError("There is no such mailbox.")
        if one.key == "3":
            raise RuntimeError(f"cannot parse {one.address}")
        return Receipt("id-4\x00", {"said": "\ud800ok\n" + "x" * 2000, "code": 250})

    with senders(lambda _channel: Acting(act)) as found:
        for number in (1, 2, 3, 4):
            send(found, number, f"p{number}")
        busy, refused, faulty, sent = outcomes(found, 4)
    assert (busy.error, busy.final, busy.retry_after_s) == ("The server is busy.", False, 7)
    assert (refused.error, refused.final) == ("There is no such mailbox.", True)
    assert (faulty.final, SECRET in faulty.error) == (False, False)
    assert "RuntimeError" in faulty.error
    # what no database would store is not kept
    assert sent.receipt == Receipt("id-4", {"said": "ok" + "x" * 496, "code": 250})


def test_a_channel_that_cannot_be_made_fails_its_messages_with_the_reason() -> None:
    def make(channel: Channel) -> Driver:
        raise ChannelError(f"Channel {channel.code}: its secret is unset.", remedy="Set it.")

    with senders(make) as found:
        send(found, 1)
        (one,) = outcomes(found, 1)
    assert (one.error, one.final) == ("Channel c: its secret is unset. Set it.", True)


def test_what_could_not_begin_within_its_lease_is_not_sent() -> None:
    sent: list[str] = []

    def note(one: Outgoing) -> Receipt:
        sent.append(one.key)
        return Receipt()

    with senders(lambda _channel: Acting(note), places=1) as found:
        send(found, 1, for_s=-1)
        send(found, 2)
        assert [one.message_id for one in outcomes(found, 1)] == [2]
    assert sent == ["2"]


def test_a_channel_that_changed_is_made_anew_and_the_old_one_ends_when_its_messages_did() -> None:
    held, made = threading.Event(), list[Acting]()

    def act(_outgoing: Outgoing) -> Receipt:
        held.wait(60)
        return Receipt()

    def make(_channel: Channel) -> Driver:
        made.append(Acting(act))
        return made[-1]

    with senders(make) as found:
        send(found, 1)
        found.renew({"c": Channel("c", "webhook")})
        assert len(made) == 1
        found.renew({"c": Channel("c", "webhook", timeout=timedelta(seconds=3))})
        assert len(made) == 2
        assert (found.places(), found.on_the_way) == ({"c": 4}, 1)
        assert not made[0].closed.is_set()
        held.set()
        outcomes(found, 1)
        assert made[0].closed.wait(60)
        found.renew({})
        assert made[1].closed.wait(60)
