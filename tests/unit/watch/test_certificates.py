"""The end of a certificate is read from whatever a server shows, trusted or not."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.settings import Settings
from ioc.watch.certificates import ask, days_left, endpoints, not_after

_AUTHORITY = """
[ca]
default_ca = own
[own]
database = {0}/index
serial = {0}/serial
new_certs_dir = {0}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


#: One that ends on 7 June 2031, to be damaged.
_ONE = ssl.PEM_cert_to_DER_cert("""\
-----BEGIN CERTIFICATE-----
MIIBDDCBsgIBATAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAd3YXRjaGVkMB4XDTE5
MDEwMTAwMDAwMFoXDTMxMDYwNzA4MDkxMFowEjEQMA4GA1UEAwwHd2F0Y2hlZDBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABFVkdoSjcb2s4+6XVTX83hPRMjFAk2lZ
h786xABCqEUpHGem2DLt4jz5AEL6JeK4HnLPZak/H+ONhLtMUIXd7xYwCgYIKoZI
zj0EAwIDSQAwRgIhAJL+3gWWJT4zVUo2jNzSCCFy7diP2OfFXmSb/i9yB67aAiEA
y97lNMWNoKMLasY9mRZ8PN/ZHEOzkxdOH2A/ccFUtN0=
-----END CERTIFICATE-----
""")


def certificate(folder: Path, begins: str, ends: str) -> tuple[Path, Path]:
    """A certificate that nobody signed but itself, made by the tool that administrators use."""
    key, request, made, rules = (folder / name for name in ("key.pem", "request.pem", "cert.pem", "ca.conf"))
    rules.write_text(_AUTHORITY.format(folder))
    (folder / "index").write_text("")
    (folder / "serial").write_text("01")

    def openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=watched")
    openssl("req", "-new", *new, "-keyout", key, "-out", request)
    signed = ("-keyfile", key, "-in", request, "-out", made, "-startdate", begins, "-enddate", ends)
    openssl("ca", "-batch", "-selfsign", "-notext", "-config", rules, *signed)
    return made, key


@contextmanager
def serving(made: Path, key: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as secured:
                        secured.recv(1)
                except OSError:
                    plain.close()

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("ends", "text"), [("2031", "20310607080910Z"), ("2051", "20510607080910Z"), ("2020", "20200607080910Z")]
)
def test_the_end_of_a_certificate_is_told_to_the_second(tmp_path: Path, ends: str, text: str) -> None:
    """Before 2050 and after it certificates write their end differently; one that has ended is read as well."""
    made, key = certificate(tmp_path, "20190101000000Z", text)
    moment = datetime(int(ends), 6, 7, 8, 9, 10, tzinfo=UTC)
    assert not_after(ssl.PEM_cert_to_DER_cert(made.read_text())) == moment
    with serving(made, key) as port:
        (found,) = ask([("127.0.0.1", port)])
    assert found.value is not None
    left = (moment - datetime.now(UTC)).total_seconds() / 86_400
    assert found.value == pytest.approx(left, abs=0.01)
    assert (found.value < 0) == (ends == "2020")


def test_a_server_that_is_not_there_or_speaks_no_tls_is_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=lambda: listener.accept()[0].sendall(b"hello\r\n"), daemon=True).start()
        plain = days_left("127.0.0.1", port)
    closed = days_left("127.0.0.1", port)
    for found in (plain, closed):
        assert found.value is None
        assert found.detail["state"].startswith("not reached")


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        not_after(data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_certificate_is_refused_or_read(at: int, byte: int) -> None:
    der = bytearray(_ONE)
    der[at % len(der)] = byte
    try:
        found = not_after(bytes(der))
    except ValueError:
        return
    assert found.tzinfo is UTC


def test_endpoints_are_those_that_are_reached_with_tls(tmp_path: Path) -> None:
    settings = Settings(
        state_dir=tmp_path, public_url="https://ioc.example", grafana_url="http://127.0.0.1:3000"
    )
    assert endpoints(settings) == [("ioc.example", 443)]
