"""The subscriber against Debian's Mosquitto: nothing is acknowledged before it is safe, nothing hostile ends it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from connectors.shared.mqtt import Broker, Message, Subscriber
from ioc.errors import InputError, UnavailableError
from tests.peers.mosquitto import Mosquitto, until

pytestmark = pytest.mark.peers


class Keeper:
    """Takes facts over as a relay does; tests decide what becomes of them."""

    def __init__(self, fate: str | None = "safe") -> None:
        self.fate = fate
        self.taken: list[Any] = []
        self.futures: list[Future[str]] = []

    def accept(self, events: Sequence[Any]) -> Future[str]:
        future: Future[str] = Future()
        self.futures.append(future)
        self.taken.extend(events)
        if self.fate == "full":
            raise UnavailableError("The spool is full.")
        if self.fate == "lost":
            future.set_exception(UnavailableError("The disk is gone."))
        elif self.fate is not None:
            future.set_result(self.fate)
        return future


def text(message: Message) -> Sequence[Any]:
    return [message.payload.decode()]


def subscriber(
    broker: Broker, keeper: Keeper, routes: Mapping[str, Any] | None = None, **options: Any
) -> Subscriber:
    chosen: dict[str, Any] = {"client_id": "ioc-test", **options}
    return Subscriber(
        broker,
        routes or {"kiosks/+/tickets": text},
        keeper.accept,
        **chosen,
    )


@contextmanager
def running(found: Subscriber) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=found.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def session_of(mosquitto: Mosquitto, keeper: Keeper, **options: Any) -> Iterator[Subscriber]:
    """A subscriber that is known to be subscribed: it got a first message."""
    found = subscriber(mosquitto.broker, keeper, **options)
    with running(found):
        until(lambda: _reaches(mosquitto, keeper), "the subscriber reads")
        yield found


def _reaches(mosquitto: Mosquitto, keeper: Keeper) -> bool:
    mosquitto.publish("kiosks/0/tickets", [b"hello"])
    return "hello" in keeper.taken


def numbers(keeper: Keeper) -> list[str]:
    return [one for one in keeper.taken if one != "hello"]


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as found:
        yield found


@pytest.fixture
def mosquitto(shared_broker: Mosquitto) -> Iterator[Mosquitto]:
    """The module's broker, without what an earlier test left under our name."""
    yield shared_broker
    stop = threading.Event()
    keeper = Keeper()
    found = subscriber(shared_broker.broker, keeper, session_s=0)
    thread = threading.Thread(target=found.run, args=(stop,))
    thread.start()
    until(lambda: _reaches(shared_broker, keeper), "the session is cleared")
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_messages_are_handed_over_in_order_and_acknowledged(mosquitto: Mosquitto) -> None:
    keeper = Keeper()
    sent = [str(number) for number in range(2000)]
    with session_of(mosquitto, keeper) as found:
        mosquitto.publish("kiosks/1/tickets", (one.encode() for one in sent))
        until(lambda: len(numbers(keeper)) >= len(sent), "all arrive")
        assert numbers(keeper) == sent
        assert found.counts.events == found.counts.messages
    again = Keeper()
    with session_of(mosquitto, again):
        assert numbers(again) == []  # the broker knows that it was done with them


def test_what_is_not_safe_yet_is_not_acknowledged(mosquitto: Mosquitto) -> None:
    keeper = Keeper()
    with session_of(mosquitto, keeper):
        keeper.fate = None
        mosquitto.publish("kiosks/1/tickets", [b"1", b"2"])
        until(lambda: numbers(keeper) == ["1", "2"], "they are handed over")
    again = Keeper()
    with running(subscriber(mosquitto.broker, again)):
        until(lambda: numbers(again) == ["1", "2"], "they come again")


def test_acknowledgements_follow_once_the_facts_are_safe(mosquitto: Mosquitto) -> None:
    keeper = Keeper()
    with session_of(mosquitto, keeper):
        keeper.fate = None
        mosquitto.publish("kiosks/1/tickets", [b"1"])
        until(lambda: numbers(keeper) == ["1"], "it is handed over")
        keeper.fate = "safe"
        # a second greeting may have come before it and waits as well
        for future in keeper.futures:
            if not future.done():
                future.set_result("safe")
        mosquitto.publish("kiosks/1/tickets", [b"2"])
        until(lambda: numbers(keeper) == ["1", "2"], "the next one arrives")
    again = Keeper()
    with session_of(mosquitto, again):
        assert numbers(again) == []


def test_a_slow_broker_has_our_acknowledgements_before_we_leave(mosquitto: Mosquitto) -> None:
    """It is held still just when we leave, with messages in our socket that nobody has read."""
    sent = [str(number) for number in range(40)]
    stop = threading.Event()

    class Leaving(Keeper):
        def accept(self, events: Sequence[Any]) -> Future[str]:
            future = super().accept(events)
            if set(sent) <= set(self.taken) and not stop.is_set():
                mosquitto.publish("kiosks/1/tickets", [b"later"] * 40)
                mosquitto.pause()
                stop.set()
                threading.Timer(0.5, mosquitto.resume).start()
            return future

    keeper = Leaving()
    reading = threading.Thread(target=subscriber(mosquitto.broker, keeper).run, args=(stop,))
    reading.start()
    until(lambda: _reaches(mosquitto, keeper), "the subscriber reads")
    mosquitto.publish("kiosks/1/tickets", (one.encode() for one in sent))
    reading.join(60)
    assert not reading.is_alive()
    assert numbers(keeper) == sent
    again = Keeper()
    with session_of(mosquitto, again):
        until(lambda: len(numbers(again)) >= 40, "what nobody had read comes")
        assert set(numbers(again)) == {"later"}


@pytest.mark.parametrize("fate", ["full", "lost"])
def test_what_nobody_can_store_stays_with_the_broker(mosquitto: Mosquitto, fate: str) -> None:
    keeper = Keeper()
    with capture_logs() as logs, session_of(mosquitto, keeper) as found:
        keeper.fate = fate
        mosquitto.publish("kiosks/1/tickets", [b"1"])
        until(lambda: found.counts.refused >= 2, "it is refused, and again after a pause")
        keeper.fate = "safe"
        tried = len(keeper.taken)
        until(lambda: len(keeper.taken) > tried, "it comes again")
        until(lambda: any(line["event"] == "source.recovered" for line in logs), "the recovery is told")
    told = [line["event"] for line in logs if line["event"].startswith("source.")]
    assert told[:2] == ["source.failing", "source.recovered"]
    assert set(numbers(keeper)) == {"1"}


def test_a_broker_that_restarts_loses_nothing(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto:
        keeper = Keeper()
        kiosk = mosquitto.publisher()
        with capture_logs() as logs, session_of(mosquitto, keeper):
            for number in range(2):
                kiosk.publish("kiosks/1/tickets", f"{number}", qos=1)
                until(lambda number=number: str(number) in keeper.taken, "it arrives")  # type: ignore[misc]
                mosquitto.stop()
                kiosk.publish("kiosks/1/tickets", f"away-{number}", qos=1)
                mosquitto.start()
            until(lambda: len(set(numbers(keeper))) == 4, "what was sent meanwhile arrives too")
        kiosk.disconnect()
        kiosk.loop_stop()
        ways = [line["event"] for line in logs if line["event"].startswith("source.")]
        assert ways.count("source.failing") == ways.count("source.recovered") > 0


def test_a_connector_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Killed while messages flow, four times; what it had not made safe comes again, nothing is missing."""
    with Mosquitto(tmp_path) as mosquitto:
        kept = tmp_path / "kept"
        kept.touch()

        def connector() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.peers.mqtt_connector",
                    mosquitto.address,
                    "ioc-killed",
                    str(kept),
                ],
                cwd=Path(__file__).parents[2],
            )

        def found() -> set[str]:
            return set(kept.read_text().split())

        victim = connector()
        try:
            until(lambda: _hello(mosquitto, found), "the connector reads")
            total = 0
            for _ in range(4):
                mosquitto.publish(
                    "kiosks/1/tickets", (str(number).encode() for number in range(total, total + 500))
                )
                total += 500
                until(lambda: bool(found() - {"hello"}), "some arrive")
                victim.kill()
                victim.wait()
                mosquitto.publish("kiosks/1/tickets", [str(total).encode()])
                total += 1
                victim = connector()
            expected = {str(number) for number in range(total)}
            until(lambda: found() >= expected, "all arrive")
            assert found() == expected | {"hello"}
        finally:
            victim.kill()
            victim.wait()


def _hello(mosquitto: Mosquitto, found: Callable[[], set[str]]) -> bool:
    mosquitto.publish("kiosks/0/tickets", [b"hello"])
    return "hello" in found()


def test_tls_and_login(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, login=("ioc", "s3cret-word"), tls=True) as mosquitto:
        right = Broker.at(mosquitto.address, SecretStr("ioc:s3cret-word"), ca=mosquitto.ca)
        with capture_logs() as logs, running(subscriber(right, Keeper())):
            until(lambda: "as ioc-test" in mosquitto.log.read_text(), "it is let in")
        assert not logs
        for broker, why in [
            (
                Broker.at(mosquitto.address, SecretStr("ioc:s3cret-wrong"), ca=mosquitto.ca),
                "refuses the login",
            ),
            (Broker.at(mosquitto.address, SecretStr("ioc:s3cret-word")), "certificate is not trusted"),
            (Broker.at(mosquitto.address, ca=mosquitto.ca), "refuses the login"),
            (Broker.at(mosquitto.address, ca=tmp_path / "absent.pem"), "absent.pem can't be used"),
            (Broker.at(mosquitto.address.replace("mqtts", "mqtt")), "connection"),
        ]:
            with capture_logs() as logs, running(subscriber(broker, Keeper(), client_id="other")):
                until(lambda: bool(logs), "the failure is told")
            assert why in logs[0]["reason"], logs
            assert "s3cret" not in repr(logs) + repr(broker)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\xff\xff\xff\x7f", b"\x20\x03\x00\x00\xff", b""]
)
def test_something_that_is_no_broker_is_told_and_left(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(1024)
                        connection.sendall(answer)
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        broker = Broker.at(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        with capture_logs() as logs, running(subscriber(broker, Keeper())):
            until(lambda: bool(logs), "the failure is told")
        assert [line["event"] for line in logs] == ["source.failing"]
        server.shutdown(socket.SHUT_RDWR)


def test_hostile_messages_cost_only_themselves(mosquitto: Mosquitto) -> None:
    keeper = Keeper()

    def strict(message: Message) -> Sequence[Any]:
        if message.payload.startswith(b"{"):
            raise RecursionError  # as a careless reader would
        return text(message)

    routes = {"kiosks/+/tickets": strict, "deep/#": text}
    with capture_logs() as logs, session_of(mosquitto, keeper, routes=routes, most_bytes=1000) as found:
        mosquitto.publish(
            "kiosks/1/tickets",
            [b"\xff\xfe", b'{"a":' * 100, b"x" * 100_000, b"y" * 1500, b"", "sau đó".encode()],
        )
        mosquitto.publish("deep/" + "x/" * 100, [b"deep"])
        until(lambda: {"sau đó", "deep"} <= set(keeper.taken), "the good ones arrive")
        assert numbers(keeper) == ["", "sau đó", "deep"]
        assert found.counts.unreadable == 3  # the broker itself holds back what is far too large
    told = [line for line in logs if line["event"] == "mqtt.unreadable"]
    assert len(told) == 1
    assert "a" * 3 not in repr(told)


def test_a_flood_without_receipts_is_bounded_and_the_rest_counted(mosquitto: Mosquitto) -> None:
    keeper = Keeper()
    with session_of(mosquitto, keeper, most_waiting=50) as found:
        keeper.fate = None  # nothing becomes safe for now
        flood = [str(number) for number in range(5000)]
        mosquitto.publish("kiosks/1/tickets", (one.encode() for one in flood), qos=0)
        until(lambda: len(numbers(keeper)) + found.counts.dropped == len(flood), "each is taken or counted")
        taken = numbers(keeper)
        assert taken == flood[: len(taken)]
        assert 90 < len(taken) <= 100  # a late hello may take a place
        mosquitto.publish("kiosks/1/tickets", [b"with a receipt"])
        until(lambda: "with a receipt" in keeper.taken, "what may not be lost arrives")
        for future in keeper.futures:
            if not future.done():
                future.set_result("safe")


def test_retained_messages_come_once_a_session_or_never(mosquitto: Mosquitto) -> None:
    topics = [f"kiosks/{number}/tickets" for number in range(200)]
    mosquitto.publish_each(((topic, topic.encode()) for topic in topics), retain=True)
    try:
        keeper = Keeper()
        with session_of(mosquitto, keeper):
            until(lambda: set(topics) <= set(keeper.taken), "all retained ones arrive")
        again = Keeper()
        with session_of(mosquitto, again):
            assert numbers(again) == []
        never = Keeper()
        with session_of(mosquitto, never, client_id="ioc-other", retained=False, session_s=0):
            assert numbers(never) == []
    finally:
        mosquitto.publish_each(((topic, b"") for topic in topics), retain=True)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host",
        "http://host",
        "mqtt://",
        "mqtt://user:word@host",
        "mqtt://host:0",
        "mqtt://host:99999",
        "mqtt://h/p",
        "mqtt://[::1",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(InputError) as caught:
        Broker.at(address)
    assert "word" not in str(caught.value)
    assert "mqtt://host" in str(caught.value)


def test_an_address_has_default_ports() -> None:
    assert (Broker.at("mqtt://h").port, Broker.at("mqtts://h").port, Broker.at("mqtts://[::1]:99").host) == (
        1883,
        8883,
        "::1",
    )
