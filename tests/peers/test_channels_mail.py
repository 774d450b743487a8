"""Mail against a real SMTP server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from ioc.alerts.model import Channel, Severity
from ioc.delivery.channels.interface import Driver, Outgoing, PermanentError, TemporaryError
from ioc.delivery.channels.making import make_driver
from ioc.settings import Settings
from tests.peers.mail_server import PASSWORD, Box, mail_server

TO = "truc.lanh.dao@godau.example"
MESSAGE = Outgoing(
    key="alert:7:0:0:0:lanh-dao-1:email",
    kind="alert",
    severity=Severity.CRITICAL,
    subject="[KHẨN CẤP] Mất điện toàn điểm – Xã Bàu Đồn 🚨",
    body="[KHẨN CẤP] Mất điện toàn điểm <b>x</b>\n.\nTừ lúc: 07:15 25/11/2026\n" + "dài " * 800,
    short="Mất điện",
    address=TO,
    message_id=7,
    ack_url="https://ioc.example/a/xyz",
)


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def server(box: Box) -> Iterator[int]:
    with mail_server(box) as (_, controller):
        yield controller.port


@pytest.fixture
def guarded(box: Box, certificates: Path) -> Iterator[int]:
    """With STARTTLS and a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "own.pem")
    options = {"tls_context": context, "authenticator": box.login}
    with mail_server(box, require_starttls=True, auth_required=True, **options) as (_, controller):
        yield controller.port


def made(address: str, timeout_s: float = 20.0) -> Driver:
    channel = Channel("email", "apprise", "env:MAIL", timeout=timedelta(seconds=timeout_s))
    return make_driver(channel, lambda _reference: SecretStr(address), Settings())


def plain(port: int, rest: str = "&to={address}") -> str:
    return f"mailto://127.0.0.1:{port}?from=ioc@godau.example&name=IOC%20Gò%20Dầu{rest}"


def test_a_mail_arrives_whole_with_a_message_id_of_its_key(server: int, box: Box) -> None:
    driver = made(plain(server))
    receipt = driver.send(MESSAGE)
    driver.send(MESSAGE)
    (envelope, mail), (_, again) = box.mails
    assert envelope.rcpt_tos == [TO]
    assert envelope.mail_from == "ioc@godau.example"
    assert mail["Subject"] == MESSAGE.subject
    assert "IOC Gò Dầu" in mail["From"]
    assert mail["Message-ID"] == again["Message-ID"] == receipt.id
    assert type(receipt.id) is str  # it is kept as JSON, which a header is not
    assert mail["X-IOC-Idempotency-Key"] == MESSAGE.key
    assert mail["Auto-Submitted"] == "auto-generated"
    said = mail.get_content().replace("\r\n", "\n")
    assert said.startswith(MESSAGE.body)
    assert said.rstrip().endswith("https://ioc.example/a/xyz")
    assert mail.get_content_type() == "text/plain"
    driver.send(replace(MESSAGE, key="another"))
    assert box.mails[2][1]["Message-ID"] != receipt.id


@pytest.mark.parametrize(
    "subject",
    ["x\r\nBcc: thief@example.org\r\n\r\nbody", "x\nBcc: thief@example.org", "x\x00\x0b\x0cy\u2028z\x85w"],
)
def test_a_subject_with_line_ends_adds_no_header(server: int, box: Box, subject: str) -> None:
    made(plain(server)).send(replace(MESSAGE, subject=subject, key="k\r\nBcc: thief@example.org"))
    ((envelope, mail),) = box.mails
    assert envelope.rcpt_tos == [TO]
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("x ")
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "a@b@c",
        "x@godau.example\r\nBcc: thief@example.org",
        "x@godau.example, thief@example.org",
        "<x@godau.example>",
        "",
    ],
)
def test_an_address_that_is_none_goes_nowhere(server: int, box: Box, address: str) -> None:
    with pytest.raises(PermanentError, match="address"):
        made(plain(server)).send(replace(MESSAGE, address=address))
    assert box.mails == []


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ("550 5.1.1 no such user truc.lanh.dao", PermanentError, "does not know the person's address"),
        ("450 4.2.0 greylisted", TemporaryError, "come back later .450"),
        ("452 4.2.2 mailbox full", TemporaryError, "come back later .452"),
    ],
)
def test_a_refused_recipient_is_told_by_its_code(
    server: int, box: Box, answer: str, error: type[Exception], words: str
) -> None:
    box.on_recipient = answer
    with pytest.raises(error, match=words) as caught:
        made(plain(server)).send(MESSAGE)
    assert "truc" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"), [("554 5.7.1 spam", PermanentError), ("451 4.3.0 try again", TemporaryError)]
)
def test_a_refused_mail_is_told_by_its_code(
    server: int, box: Box, answer: str, error: type[Exception]
) -> None:
    box.on_data = answer
    with pytest.raises(error, match=answer[:3]):
        made(plain(server)).send(MESSAGE)


def secure(port: int, password: str, verify: str = "no") -> str:
    return (
        f"mailtos://ioc:{password}@127.0.0.1:{port}?mode=starttls&smtp=127.0.0.1&from=ioc@godau.example"
        f"&verify={verify}&to={{address}}"
    )


def test_it_logs_in_over_tls(guarded: int, box: Box) -> None:
    made(secure(guarded, PASSWORD)).send(MESSAGE)
    assert len(box.mails) == 1
    assert box.logins == ["ioc"]


def test_a_wrong_password_is_told_without_telling_it(
    guarded: int, box: Box, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    driver = made(secure(guarded, "wr0ng-p4ss"))
    with pytest.raises(PermanentError, match="refuses the login") as caught:
        driver.send(MESSAGE)
    written = "".join(
        (str(caught.value), repr(caught.value.__cause__), repr(vars(driver)), *capfd.readouterr())
    )
    ours = "".join(r.getMessage() for r in caplog.records if r.name.startswith("ioc"))
    for secret in ("wr0ng-p4ss", TO):
        assert secret not in written + ours
    assert box.mails == []


def test_a_foreign_certificate_gets_neither_password_nor_mail(guarded: int, box: Box) -> None:
    with pytest.raises(TemporaryError, match="certificate is not trusted"):
        made(secure(guarded, PASSWORD, verify="yes")).send(MESSAGE)
    assert (box.mails, box.logins) == ([], [])


def test_a_server_without_tls_gets_neither(server: int, box: Box) -> None:
    with pytest.raises(PermanentError, match="does not offer"):
        made(secure(server, PASSWORD)).send(MESSAGE)
    assert (box.mails, box.logins) == ([], [])


def test_a_dead_and_a_silent_server_are_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TemporaryError, match="did not answer"):
            made(plain(silent.getsockname()[1]), timeout_s=0.5).send(MESSAGE)
        port = silent.getsockname()[1]
    with pytest.raises(TemporaryError, match="refuses connections"):
        made(plain(port)).send(MESSAGE)


def test_a_server_that_speaks_byte_by_byte_is_given_up() -> None:
    over = threading.Event()

    def greet(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"220")
            while not over.wait(0.1):
                peer.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener,), daemon=True)
        thread.start()
        with pytest.raises(TemporaryError, match=r"within 0\.5 s"):
            made(plain(listener.getsockname()[1]), timeout_s=0.5).send(MESSAGE)
        over.set()
        thread.join(30)
