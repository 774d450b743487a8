"""No Grafana to push to: absent, old, another server, a wrong address or token. Said plainly, and nothing changes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboards.push.server import Grafana, RefusedError
from ioc.errors import InputError, SettingsError, UnavailableError
from ioc.settings import Settings
from tests.grafana_double import TOKEN, Double, running
from tests.integration.pushing import on_double
from tests.servers import free_ports


def connect(url: str | None, token: str | None = TOKEN) -> Grafana:
    return Grafana.connect(Settings.model_validate({"grafana_url": url, "grafana_token": token}))


def test_a_grafana_that_is_absent_is_told(free_port: int) -> None:
    with pytest.raises(UnavailableError, match="does not answer: ConnectError") as caught:
        connect(f"http://127.0.0.1:{free_port}")
    assert caught.value.remedy == "Start it, or mend IOC_GRAFANA_URL."


@pytest.fixture
def free_port() -> int:
    return free_ports(1)


@pytest.mark.parametrize(("version", "found"), [("8.5.27", "8.5.27"), ("9.3.1", "9.3.1")])
def test_a_grafana_that_is_too_old_is_told_with_both_versions(version: str, found: str) -> None:
    with on_double(Double(version=version)) as old:
        with pytest.raises(InputError, match=rf"too old: it is {found}, and a push needs 9\.4 or newer"):
            old.push()
        assert old.own.changes == 0


@pytest.mark.parametrize("content", [b"<html>Welcome</html>", b'{"status": "up"}', b"[]"])
def test_what_is_no_grafana_is_told_and_sees_no_token(content: bytes) -> None:
    seen: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(str(self.headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        with pytest.raises(UnavailableError, match="is no Grafana"):
            connect(f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
    assert seen
    assert all(TOKEN not in headers for headers in seen)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "There is no Grafana to push to"),
        ("grafana:3000", "not an address"),
        ("http://grafana:port", "not an address"),
        ("http://admin:s3cret@127.0.0.1:3000", "holds a name or a password"),
    ],
)
def test_an_address_that_can_not_be_used_is_told_without_repeating_it(url: str | None, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        connect(url)
    assert "s3cret" not in str(caught.value)


def test_a_missing_token_is_told() -> None:
    with running(Double()) as double, pytest.raises(SettingsError, match="There is no token"):
        connect(double.url, None)


def test_a_token_without_enough_rights_is_told_before_anything_changes() -> None:
    with on_double(Double(rights=["folders:read", "dashboards:read", "datasources:read"])) as viewer:
        with pytest.raises(
            RefusedError, match="it lacks: folders:create, folders:write, dashboards:create"
        ) as caught:
            viewer.push()
        assert "Admin" in caught.value.remedy
        assert viewer.own.changes == 0


def test_the_doctor_tells_of_a_grafana_that_does_not_answer_or_does_not_know_the_token(
    free_port: int,
) -> None:
    from deploy.stack.doctor import grafana

    def told(**facts: object) -> list[tuple[bool, str]]:
        return [(one.ok, one.message) for one in grafana(Settings.model_validate(facts))]

    assert told() == []
    ((ok, message),) = told(grafana_url=f"http://127.0.0.1:{free_port}", grafana_token=TOKEN)
    assert not ok
    assert "does not answer" in message
    with running(Double()) as double:
        ((ok, message),) = told(grafana_url=double.url, grafana_token="glsa_wrong")
        assert not ok
        assert "does not know the token" in message
        assert told(grafana_url=double.url, grafana_token=TOKEN) == [
            (True, f"11.2.0 answers at {double.url}, and boards may be pushed")
        ]
