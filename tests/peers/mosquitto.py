"""Debian's Mosquitto as a peer: a broker on a free port of 127.0.0.1 that keeps sessions, to be stopped and started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from connectors.shared.mqtt import Broker
from tests.peers.conftest import accepts, free_port

_SHOULD_S = 30.0


def require() -> str:
    """Path of the broker's program; skips the test where it is not installed."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("Mosquitto is not installed; apt-get install the packages of deploy/apt-test.txt")
    return found


def until(there: Callable[[], bool], what: str) -> None:
    """Wait for a condition, generously; fails naming it."""
    deadline = time.monotonic() + _SHOULD_S * 2
    while not there():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come about: {what}")
        time.sleep(0.02)


class Mosquitto:
    """A running broker.

    :param folder: where it keeps its sessions, configuration and log.
    :param login: (user, password) that it asks for; anybody may come in without.
    :param tls: whether it shows a certificate, made for 127.0.0.1 by an authority of its own (:attr:`ca`).
    """

    def __init__(self, folder: Path, *, login: tuple[str, str] | None = None, tls: bool = False) -> None:
        self._program = require()
        self.port = free_port()
        self.ca = folder / "ca.pem" if tls else None
        self.log = folder / "mosquitto.log"
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'false' if login else 'true'}",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 0",
            "connection_messages true",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # it would not find its way into a folder of the tests otherwise
        if login:
            passwords = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, *login], check=True)
            lines.append(f"password_file {passwords}")
        if tls:
            _certify(folder)
            lines += [
                f"cafile {folder}/ca.pem",
                f"certfile {folder}/server.pem",
                f"keyfile {folder}/server.key",
            ]
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text("\n".join(lines) + "\n")
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{'mqtts' if self.ca else 'mqtt'}://127.0.0.1:{self.port}"

    @property
    def broker(self) -> Broker:
        return Broker.at(self.address, ca=self.ca)

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._server = subprocess.Popen(
                [self._program, "-c", str(self._configuration)], stdout=output, stderr=subprocess.STDOUT
            )
        until(
            lambda: accepts(self.port), f"Mosquitto answers\n{self.log.read_text(errors='replace')[-2000:]}"
        )

    def stop(self) -> None:
        """As the system stops it: it writes its sessions down."""
        if self._server is not None:
            self.resume()
            self._server.terminate()
            self._server.wait(_SHOULD_S)
            self._server = None

    def pause(self) -> None:
        """Hold it still: connections stay open, nothing is read or sent."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)

    def publisher(self, name: str = "kiosk") -> Client:
        """A client that publishes with a session of its own, connected; its thread runs until ``loop_stop``."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        return client

    def publish(self, topic: str, payloads: Iterable[bytes], *, qos: int = 1, retain: bool = False) -> None:
        """Publish and wait until the broker has them all."""
        self.publish_each(((topic, payload) for payload in payloads), qos=qos, retain=retain)

    def publish_each(
        self, messages: Iterable[tuple[str, bytes]], *, qos: int = 1, retain: bool = False
    ) -> None:
        """As :meth:`publish`, with a topic for each payload."""
        client = self.publisher(f"once-{time.monotonic_ns()}")
        until(client.is_connected, "the publisher is let in")
        sent = [client.publish(topic, payload, qos=qos, retain=retain) for topic, payload in messages]
        for message in sent:
            message.wait_for_publish(_SHOULD_S)
        client.disconnect()
        client.loop_stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _certify(folder: Path) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        "req",
        "-x509",
        *curve,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=test authority",
    )
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=broker")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "server.pem", "-days", "2", "-extfile", "names",
    )  # fmt: skip
