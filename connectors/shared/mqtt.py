"""Messages of an MQTT 5 broker, each acknowledged only once its facts are safe.

The broker keeps what was not acknowledged (QoS 1, persistent session), so that neither a connector that is killed nor a
full spool loses a message: the next connection gets it again, and deterministic ids make the repetition harmless.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from pydantic import SecretStr

from connectors.shared import rests
from connectors.shared.health import Health
from ioc.errors import InputError, IocError
from ioc.events import AnyEvent

_CONNECT_S: Final = 10.0
_KEEPALIVE_S: Final = 30
_BUSY_S: Final = 0.02
"""How long the socket is watched at a time while acknowledgements are awaited."""
_IDLE_S: Final = 0.5
_SETTLE_S: Final = 2.0
_RECEIPT_S: Final = 5.0
"""How long the broker may take to have read our acknowledgements before we leave."""
_FIRST_REST_S: Final = 1.0
_LONGEST_REST_S: Final = 60.0
_OVERHEAD_BYTES: Final = 2048
"""Room beside the payload for a topic and properties."""
_TOLD_EVERY_S: Final = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Broker:
    """Where a broker is and how to log in. The representation shows no password."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: SecretStr | None = None
    ca: Path | None = None
    """Certificate authority (PEM) to trust instead of the system's."""

    @classmethod
    def at(cls, address: str, login: SecretStr | None = None, *, ca: Path | None = None) -> Broker:
        """Read ``mqtt://host[:1883]`` or ``mqtts://host[:8883]``.

        :param login: ``user:password``.
        :raises InputError: when it is no such address; it is not repeated, it may hold a login.
        """
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        odd = parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc
        if parts.scheme not in {"mqtt", "mqtts"} or not host or port == 0 or odd:
            raise InputError(
                "The broker's address can't be used.",
                remedy="Write it as mqtt://host[:port] or mqtts://host[:port], without a login or a path.",
            )
        tls = parts.scheme == "mqtts"
        user, _, password = login.get_secret_value().partition(":") if login else ("", "", "")
        return cls(
            host=host,
            port=port or (8883 if tls else 1883),
            tls=tls,
            user=user or None,
            password=SecretStr(password) if password else None,
            ca=ca,
        )


@dataclass(frozen=True)
class Message:
    """One message as the broker handed it over."""

    topic: str
    payload: bytes = field(repr=False)
    received_at: datetime
    """When it came in here, UTC."""
    retained: bool = False
    """The broker keeps it for every new subscriber: it may be old."""


class PartlyReadError(ValueError):
    """Some of a message can't be read; ``events`` is the rest."""

    def __init__(self, reason: str, events: Sequence[AnyEvent]) -> None:
        super().__init__(reason)
        self.events = events


Read: TypeAlias = Callable[[Message], Sequence[AnyEvent]]
"""Turns a message into facts. A message that can't be read raises :class:`ValueError` (msgspec's errors are) or
:class:`IocError`; the reason is logged, so it must not repeat what the message holds. See :class:`PartlyReadError`."""
Accept: TypeAlias = Callable[[Sequence[AnyEvent]], "Future[Any]"]
"""Takes facts over, such as :meth:`connectors.shared.relay.Relay.accept`."""


@dataclass
class Counts:
    """What a subscriber has seen since it started."""

    messages: int = 0
    events: int = 0
    unreadable: int = 0
    refused: int = 0
    """Messages left with the broker because nobody could take their facts; they come again."""
    dropped: int = 0
    """QoS 0 messages that came while too much was waiting: their senders chose not to have them kept."""


@dataclass
class _Handed:
    """Messages handed over together, awaiting their fate."""

    future: Future[Any]
    mids: list[int]
    messages: int


class _Lost(Exception):  # noqa: N818 - a state, told once
    """The connection can't go on; the text is for the log."""


class Subscriber:
    """Reads topics of one broker until told to stop; every failure is waited out.

    One thread does all: reading the socket, handing facts over, acknowledging in the order of arrival.

    :param broker: where to read.
    :param routes: topic filter (``+`` and ``#`` as MQTT has them) to what reads its messages; the first that fits.
    :param accept: takes facts over; its future succeeds once they outlive this process. When it fails or nothing is
        taken, the messages stay with the broker and the connection is made anew after a pause.
    :param client_id: name of the session at the broker: the same after every start, and nobody else's.
    :param most_bytes: payloads beyond are never sent by the broker; they are lost to us, and to memory.
    :param most_waiting: messages that may be unacknowledged; the broker holds back the others.
    :param session_s: how long the broker keeps messages for us while we are away, in seconds.
    :param retained: whether messages that the broker retained are wanted on a new session.
    :param health: is told when it can't be read, and when it can again.
    :param name: under which it is told; its client id when absent.
    """

    def __init__(
        self,
        broker: Broker,
        routes: Mapping[str, Read],
        accept: Accept,
        *,
        client_id: str,
        most_bytes: int = 65_536,
        most_waiting: int = 500,
        session_s: int = 14 * 86_400,
        retained: bool = True,
        health: Health | None = None,
        name: str | None = None,
    ) -> None:
        self.counts = Counts()
        self._broker = broker
        self._routes = dict(routes)
        self._accept = accept
        self._client_id = client_id
        self._most_bytes = most_bytes
        self._most_waiting = most_waiting
        self._session_s = session_s
        self._retained = retained
        self._health = health or Health("source")
        self._name = name or client_id
        self._arrived: deque[tuple[Message, int | None]] = deque()
        self._handed: deque[_Handed] = deque()
        self._waiting = 0
        self._connack: ReasonCode | None = None
        self._suback: list[ReasonCode] | None = None
        self._unsuback = False
        self._farewell: str | None = None
        self._untold = 0
        self._told_at = -_TOLD_EVERY_S

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set, then acknowledge what became safe and leave; the session stays at the broker."""
        refusals = 0
        while not stop.is_set():
            began = time.monotonic()
            client: Client | None = None
            try:
                client = self._client()
                self._connect(client, stop)
                if not stop.is_set():
                    self._health.note(self._name, True)
                    self._read(client, stop)
                self._settle(client)
            except (_Lost, OSError) as error:
                self._health.note(self._name, False, _why(error))
                refusals = 1 if time.monotonic() - began > _LONGEST_REST_S else refusals + 1
            except Exception as error:
                # A hostile answer can break paho's reading anywhere; the next connection begins anew.
                self._health.note(self._name, False, f"the connection failed: {type(error).__name__}")
                log.debug("mqtt.failed", source=self._name, exc_info=True)
                refusals += 1
            finally:
                if client is not None:
                    self._leave(client)
            if not stop.is_set():
                stop.wait(
                    rests.rest_s(refusals, first_s=_FIRST_REST_S, longest_s=_LONGEST_REST_S, least=0.25)
                )

    # -- one connection ---------------------------------------------------------------------------------

    def _client(self) -> Client:
        """A client that knows nothing of earlier connections: what was not acknowledged comes again by itself."""
        self._arrived.clear()
        self._handed.clear()
        self._waiting = 0
        self._connack = self._suback = self._farewell = None
        self._unsuback = False
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,  # without it paho acknowledges when the callback returns
        )
        client.connect_timeout = _CONNECT_S
        if self._broker.tls:
            cafile = str(self._broker.ca) if self._broker.ca else None
            try:
                client.tls_set_context(ssl.create_default_context(cafile=cafile))
            except (OSError, ssl.SSLError) as error:
                raise _Lost(f"the certificate file {cafile} can't be used: {type(error).__name__}") from None
        if self._broker.user is not None:
            password = self._broker.password
            client.username_pw_set(self._broker.user, password.get_secret_value() if password else None)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        return client

    def _connect(self, client: Client, stop: threading.Event) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        properties.SessionExpiryInterval = self._session_s
        properties.ReceiveMaximum = self._most_waiting
        properties.MaximumPacketSize = self._most_bytes + _OVERHEAD_BYTES
        client.connect(
            self._broker.host, self._broker.port, _KEEPALIVE_S, clean_start=False, properties=properties
        )
        self._await(client, stop, lambda: self._connack is not None, "it does not answer as an MQTT broker")
        if stop.is_set():
            return
        if self._connack is not None and self._connack.is_failure:
            raise _Lost(_refusal(self._connack))
        handling = (
            SubscribeOptions.RETAIN_SEND_IF_NEW_SUB if self._retained else SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        options = SubscribeOptions(qos=1, retainAsPublished=False, retainHandling=handling)
        client.subscribe([(topic, options) for topic in self._routes])
        self._await(client, stop, lambda: self._suback is not None, "it does not answer the subscription")
        for topic, code in zip(self._routes, self._suback or (), strict=False):
            if code.is_failure:
                raise _Lost(f"it does not let us read {topic!r}: {code}")

    def _await(self, client: Client, stop: threading.Event, there: Callable[[], bool], fault: str) -> None:
        deadline = time.monotonic() + _CONNECT_S
        while not there() and not stop.is_set():
            self._look(client, _BUSY_S)
            if time.monotonic() > deadline:
                raise _Lost(fault)

    def _read(self, client: Client, stop: threading.Event) -> None:
        while not stop.is_set():
            self._look(client, _BUSY_S if self._handed else _IDLE_S)
            # paho reads one packet a look: gather what has come in already
            while 0 < (known := len(self._arrived)) < self._most_waiting:
                self._look(client, 0.0)
                if len(self._arrived) == known:
                    break
            self._hand_over()
            self._acknowledge(client)

    def _look(self, client: Client, wait_s: float) -> None:
        code = client.loop(wait_s)
        if self._farewell is not None:
            raise _Lost(self._farewell)
        if code is not MQTTErrorCode.MQTT_ERR_SUCCESS and self._connack is None:
            raise _Lost("it ended the connection at once")
        if code is not MQTTErrorCode.MQTT_ERR_SUCCESS and not (self._connack and self._connack.is_failure):
            raise _Lost(f"the connection was lost ({code.name})")

    def _hand_over(self) -> None:
        if not self._arrived:
            return
        events: list[AnyEvent] = []
        mids: list[int] = []
        messages = len(self._arrived)
        while self._arrived:
            message, mid = self._arrived.popleft()
            events.extend(self._facts(message))
            if mid is not None:
                mids.append(mid)
        self.counts.events += len(events)
        if events:
            try:
                future = self._accept(events)
            except IocError as error:
                self.counts.refused += len(mids)
                raise _Lost(f"its messages can't be stored: {error.message}") from None
        else:
            future = Future()
            future.set_result(None)
        self._handed.append(_Handed(future, mids, messages))
        self._waiting += messages

    def _acknowledge(self, client: Client) -> None:
        while self._handed and self._handed[0].future.done():
            handed = self._handed[0]
            error = handed.future.exception()
            if error is not None:
                self.counts.refused += len(handed.mids)
                raise _Lost(f"its messages can't be stored: {_why(error)}")
            self._handed.popleft()
            self._waiting -= handed.messages
            for mid in handed.mids:
                client.ack(mid, 1)

    def _settle(self, client: Client) -> None:
        """Before leaving: acknowledge what becomes safe in a moment; the rest comes again."""
        self._hand_over()
        deadline = time.monotonic() + _SETTLE_S
        while self._handed and time.monotonic() < deadline:
            self._look(client, _BUSY_S)
            self._acknowledge(client)
        if self._suback is None:
            return
        # A socket that is closed while something unread lies in it is reset, and a broker that was slow loses what it
        # had not read yet: our acknowledgements. It reads in order, so its answer to a last question says it has them.
        client.unsubscribe(f"{self._client_id}/nothing")
        deadline = time.monotonic() + _RECEIPT_S
        while not self._unsuback and time.monotonic() < deadline:
            self._look(client, _BUSY_S)

    def _leave(self, client: Client) -> None:
        try:
            client.disconnect()
            client.loop(0.0)
        except Exception:  # the connection is gone, or in no state to say goodbye
            log.debug("mqtt.leave", source=self._name, exc_info=True)

    def _facts(self, message: Message) -> Sequence[AnyEvent]:
        self.counts.messages += 1
        read = next(
            (read for topic, read in self._routes.items() if topic_matches_sub(topic, message.topic)), None
        )
        try:
            if read is None:
                raise ValueError("no topic of ours")
            if len(message.payload) > self._most_bytes:
                raise ValueError(f"longer than {self._most_bytes} bytes")
            return read(message)
        except Exception as error:  # one message must not end the reading of the others
            self._unreadable(message.topic, _why(error))
            return error.events if isinstance(error, PartlyReadError) else ()

    def _unreadable(self, topic: str, reason: str) -> None:
        """Count it, and tell the first one and then at most one a minute."""
        self.counts.unreadable += 1
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at >= _TOLD_EVERY_S:
            log.warning(
                "mqtt.unreadable",
                source=self._name,
                topic=topic[:100],
                reason=reason[:300],
                messages=self._untold,
            )
            self._untold, self._told_at = 0, now

    # -- called by paho, within loop() --------------------------------------------------------------------

    def _on_connect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self._connack = code

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._connack is None or not self._connack.is_failure:
            self._farewell = _refusal(code) if code.is_failure else "it ended the connection"

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        self._suback = codes

    def _on_unsubscribe(self, _client: Client, _data: Any, _mid: int, _codes: Any, _properties: Any) -> None:
        self._unsuback = True

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        received_at = datetime.now(UTC)
        mid = message.mid if message.qos else None
        if mid is None and len(self._arrived) + self._waiting >= 2 * self._most_waiting:
            self.counts.dropped += 1
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no filter fits it
        self._arrived.append((Message(topic, bytes(message.payload), received_at, message.retain), mid))


def _refusal(code: ReasonCode) -> str:
    """What a reason code means for the person who connects a source."""
    remedies = {
        "Unsupported protocol version": "it does not speak MQTT 5; Mosquitto does from 1.6 on",
        "Bad user name or password": "it refuses the login",
        "Not authorized": "it refuses the login, or its rights",
        "Session taken over": "another client uses our name at the broker; give each its own",
        "Client identifier not valid": "it refuses our client id",
        "Packet too large": "a packet was too large for it",
        "Unspecified error": "the connection was lost",  # what paho says when nobody said anything
    }
    return remedies.get(str(code), f"it says: {code}")


def _why(error: BaseException) -> str:
    """A reason without what may be secret or personal: types we know say why, of others only the kind is told."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError):
        return f"it can't be reached: {error.strerror or type(error).__name__}"
    if isinstance(error, _Lost | ValueError | IocError):
        return str(getattr(error, "message", error)) or type(error).__name__
    return f"{type(error).__name__}"
