"""Does the internet work here: pages that come back as they should, portals, lies and silence."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.wifi.internet import InternetEntry, jobs
from ioc.errors import InputError
from ioc.events import Status, WifiSample
from tests.peers.http_double import Asked, Reply, serving

pytestmark = pytest.mark.peers


async def sample(
    tmp_path: Path, answer: Callable[[Asked], Reply | None], more: str = "", host: str = "127.0.0.1"
) -> WifiSample:
    async with serving(answer) as (port, _):
        path = tmp_path / "internet.toml"
        path.write_text(
            f"""
            [[target]]
            device = "net-1"
            unit = "u"
            host = "127.0.0.1"
            ping = "tcp:{port}"
            timeout_s = 2.0
            url = "http://{host}:{port}/generate_204"
            {more}
            """
        )
        (job,) = jobs(path)
        (event,) = (await job.probe()).events
    assert isinstance(event.data, WifiSample)
    return event.data


async def test_it_works(tmp_path: Path) -> None:
    found = await sample(tmp_path, lambda _: Reply(204))
    assert (found.status, found.internet_ok, found.reason, found.loss) == (Status.OK, True, None, 0.0)
    assert found.rtt_ms is not None
    page = await sample(tmp_path, lambda _: Reply(body=b"<p>all is well</p>"), 'expect = "all is well"')
    assert page.internet_ok is True


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            lambda _: Reply(302, headers={"Location": "http://login.portal.example/?mac=1"}),
            "login.portal.example",
        ),
        (lambda _: Reply(511), "captive portal"),
        (lambda _: Reply(body=b"<html>please log in</html>"), "another content"),
        (lambda _: Reply(204, body=b"not empty"), "204"),
        (lambda _: Reply(503), "503"),
        (lambda _: None, "in time"),
    ],
    ids=["redirect", "511", "page", "204 with content", "503", "silence"],
)
async def test_it_does_not_work(tmp_path: Path, answer: Callable[[Asked], Reply | None], said: str) -> None:
    found = await sample(tmp_path, answer)
    assert (found.status, found.internet_ok) == (Status.DEGRADED, False)
    assert said in (found.reason or "")
    assert "answers echo requests" in (found.reason or ""), "the line is there"
    assert "mac=1" not in (found.reason or "")


async def test_a_name_that_leads_nowhere_or_somewhere_else(tmp_path: Path) -> None:
    lie = await sample(tmp_path, lambda _: Reply(204), host="localhost")
    assert (lie.internet_ok, "lie" in (lie.reason or "")) == (False, True), (
        "a public name has public addresses"
    )
    own = await sample(tmp_path, lambda _: Reply(204), 'addresses = ["127.0.0.0/8", "::1"]', host="localhost")
    assert own.internet_ok is True
    nowhere = await sample(tmp_path, lambda _: Reply(204), 'name = "nowhere.invalid"')
    assert (
        nowhere.internet_ok,
        "nowhere.invalid" in (nowhere.reason or "") or "names" in (nowhere.reason or ""),
    ) == (
        False,
        True,
    )


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "internet.toml"
    path.write_text(
        f'[[target]]\ndevice = "n"\nunit = "u"\nhost = "127.0.0.1"\nping = "tcp:{port}"\n'
        f'url = "http://127.0.0.1:{port}/"\n'
    )
    (job,) = jobs(path)
    (event,) = (await job.probe()).events
    assert isinstance(event.data, WifiSample)
    assert (event.data.internet_ok, event.data.loss) == (False, 1.0)
    assert event.data.reason == "the page can't be reached"


def test_what_can_not_be_used(tmp_path: Path) -> None:
    path = tmp_path / "internet.toml"
    for url in ("ftp://x/", "http://user:pw@x/", "http:///x", "http://x:99999/"):
        path.write_text(f'[[target]]\ndevice = "n"\nunit = "u"\nhost = "h"\nurl = "{url}"\n')
        with pytest.raises(InputError) as caught:
            jobs(path)
        assert "pw" not in caught.value.message
    assert InternetEntry(device="d", unit="u", host="h", url="http://x/").requests == 5
