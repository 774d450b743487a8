"""RADIUS accounting from real clients: pyrad's and FreeRADIUS's radclient."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from pyrad.client import Client
from pyrad.client import Timeout as NoAnswer
from pyrad.dictionary import Dictionary

from connectors.wifi.accounting import Accountant
from ioc.errors import IocError
from ioc.events import Status, WifiProbed, encode

pytestmark = pytest.mark.peers

SECRET = "a shared secret"
PERSON = {
    "User-Name": "Nguyen Thi Hoa",
    "Calling-Station-Id": "AA-BB-CC-DD-EE-FF",
    "Framed-IP-Address": "10.1.2.3",
}
DICTIONARY = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Called-Station-Id 30 string
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Delay-Time 41 integer
ATTRIBUTE Acct-Session-Id 44 string
VALUE Acct-Status-Type Start 1
VALUE Acct-Status-Type Stop 2
VALUE Acct-Status-Type Interim-Update 3
VALUE Acct-Status-Type Accounting-On 7
"""


@pytest.fixture
def accountant(tmp_path: Path) -> Accountant:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "accounting.toml").write_text(
        """
        [[target]]
        device = "nas-1"
        unit = "go-dau"
        address = "127.0.0.1"
        secret = "file:secret"
        settles_s = 0.001
        [target.access_points."00-10-A4-23-19-C0"]
        device = "ap-1"
        unit = "bau-don"
        """
    )
    return Accountant()


@pytest.fixture
async def port(accountant: Accountant, tmp_path: Path) -> AsyncIterator[int]:
    accountant.jobs(tmp_path / "accounting.toml")
    async with accountant.listening("127.0.0.1", 0) as found:
        yield found


async def told(accountant: Accountant, tmp_path: Path) -> dict[str, WifiProbed]:
    (job,) = accountant.jobs(tmp_path / "accounting.toml")
    return {event.subject: event for event in (await job.probe()).events}  # type: ignore[misc]


async def send(port: int, secret: str = SECRET, **attributes: object) -> bool:
    """Send one message with pyrad's client, which checks the answer's authenticator; whether it was answered."""

    def ask() -> bool:
        client = Client(
            "127.0.0.1", acctport=port, secret=secret.encode(), dict=Dictionary(StringIO(DICTIONARY))
        )
        client.timeout, client.retries = 2, 1
        request = client.CreateAcctPacket(
            **{key.replace("-", "_"): value for key, value in attributes.items()}
        )
        try:
            client.SendPacket(request)
        except NoAnswer:
            return False
        return True

    return await asyncio.to_thread(ask)


async def test_sessions_are_counted_and_nobody_is_named(
    accountant: Accountant, port: int, tmp_path: Path
) -> None:
    called = {"Called-Station-Id": "00-10-A4-23-19-C0:wifi cong cong"}
    for session in ("s1", "s2", "s2"):
        assert await send(
            port, **PERSON, **called, **{"Acct-Status-Type": "Start", "Acct-Session-Id": session}
        )
    events = await told(accountant, tmp_path)
    assert events["ap-1"].data.clients == 2
    assert (events["ap-1"].data.unit, events["ap-1"].data.status) == ("bau-don", Status.OK)
    assert "nas-1" not in events, "every message named an access point"
    assert await send(port, **PERSON, **called, **{"Acct-Status-Type": "Stop", "Acct-Session-Id": "s1"})
    events = await told(accountant, tmp_path)
    assert events["ap-1"].data.clients == 1
    sent = encode(events["ap-1"]).decode() + repr(vars(accountant))
    for kept in (*PERSON.values(), "s1", "s2", SECRET):
        assert kept not in sent
    assert await send(port, **{"Acct-Status-Type": "Accounting-On"})
    assert (await told(accountant, tmp_path))["ap-1"].data.clients == 0


async def test_a_stranger_is_not_answered(accountant: Accountant, port: int, tmp_path: Path) -> None:
    assert not await send(port, "another secret", **{"Acct-Status-Type": "Start", "Acct-Session-Id": "s"})
    sample = (await told(accountant, tmp_path))["nas-1"].data
    assert (sample.status, sample.clients) == (Status.UNKNOWN, None), "never heard of: unknown, not zero"
    elsewhere = accountant.take(b"\x04" + bytes(40), "127.9.9.9")
    assert elsewhere is None


@pytest.mark.skipif(shutil.which("radclient") is None, reason="freeradius-utils is not installed")
async def test_radclient(accountant: Accountant, port: int, tmp_path: Path) -> None:
    client = await asyncio.create_subprocess_exec(
        "radclient", "-x", "-r", "2", "-t", "5", f"127.0.0.1:{port}", "acct", SECRET,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    lines = (
        'Acct-Status-Type = Interim-Update\nAcct-Session-Id = "r1"\nUser-Name = "hoa"\nNAS-Identifier = "x"\n'
    )
    output, _ = await client.communicate(lines.encode())
    assert client.returncode == 0, output
    assert b"Accounting-Response" in output
    events = await told(accountant, tmp_path)
    assert events["nas-1"].data.clients == 1


async def test_damaged_messages_are_refused_and_the_listener_lives(
    accountant: Accountant, port: int, tmp_path: Path
) -> None:
    chance = random.Random(3)
    for size in (*range(60), 300, 4_096, 9_000):
        assert accountant.take(chance.randbytes(size), "127.0.0.1") is None
        assert (
            accountant.take(b"\x04\x01" + size.to_bytes(2, "big") + chance.randbytes(size), "127.0.0.1")
            is None
        )
    assert await send(port, **{"Acct-Status-Type": "Start", "Acct-Session-Id": "after"})


async def test_a_file_that_can_not_be_used_says_why_without_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "accounting.toml"
    head = '[[target]]\ndevice = "d"\nunit = "u"\n'
    for text, said in (
        (head + 'address = "nowhere"\nsecret = "env:X"\n', "address"),
        (head + 'address = "127.0.0.1"\nsecret = "plain secret"\n', "secret"),
        (head + 'address = "127.0.0.1"\nsecret = "file:missing"\n', "missing"),
    ):
        path.write_text(text)
        with pytest.raises(IocError, match=said) as caught:
            Accountant().jobs(path)
        assert "plain secret" not in caught.value.message
