"""``ioc channel``: which channels there are, whether each works, and what came back from a trial."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner, Result

from ioc.alerts.encoding import channel_to_json
from ioc.alerts.model import Channel
from ioc.cli.main import build
from ioc.errors import InputError, UnavailableError, UsageError
from ioc.settings import Settings, load
from tests.peers.receiver import Receiver, Reply, receiving


@pytest.fixture(scope="module")
def ready(place: Settings) -> Settings:
    channels = (
        Channel("hook", "webhook", "env:TEST_HOOK"),
        Channel("unset", "apprise", "env:TEST_UNSET_CHANNEL"),
        Channel("siren", "siren"),
    )
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        for channel in channels:
            connection.execute(
                "INSERT INTO ioc.alert_channel (code, definition) VALUES (%s, %s)",
                (channel.code, channel_to_json(channel)),
            )
        for code, contacts in (("boss", {"hook": "84900000000"}), ("deputy", {})):
            connection.execute(
                "INSERT INTO ioc.duty_person (code, name, contacts) VALUES (%s, 'Tên', %s)",
                (code, Jsonb(contacts)),
            )
    return place


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as found:
        monkeypatch.setenv("TEST_HOOK", f"{found.url}/to/{{address}}")
        yield found


def run(ready: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str, said: str = "") -> Result:
    monkeypatch.setenv("IOC_DATABASE_URL", ready.database_dsn)
    monkeypatch.setenv("IOC_STATE_DIR", str(ready.state_dir))
    load.cache_clear()
    return CliRunner().invoke(build(), ["channel", *arguments], input=said)


def test_a_person_is_tried_at_their_address_and_the_answer_is_told(
    ready: Settings, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    receiver.answer = lambda _asked: Reply(202, b'{"id": "m-1"}')
    found = run(ready, monkeypatch, "test", "hook", "--to", "boss")
    assert found.exit_code == 0, found.output
    assert "id m-1, status 202" in found.output
    assert receiver.asked[0].path == "/to/84900000000"
    assert receiver.asked[0].json["data"]["kind"] == "test"
    assert "kênh này hoạt động" in receiver.asked[0].json["data"]["text"]
    run(ready, monkeypatch, "test", "hook", "--to", "-", said="84911111111\n")
    assert receiver.asked[1].path == "/to/84911111111"


def test_what_went_wrong_is_told_with_what_to_do(
    ready: Settings, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    receiver.answer = lambda _asked: Reply(429, headers={"Retry-After": "30"})
    error = run(ready, monkeypatch, "test", "hook", "--to", "boss").exception
    assert isinstance(error, UnavailableError)
    assert "answered 429. It asks to wait 30 s." in str(error)
    receiver.answer = lambda _asked: Reply(404)
    error = run(ready, monkeypatch, "test", "hook", "--to", "boss").exception
    assert isinstance(error, InputError)
    assert error.remedy
    for code, to, words in (
        ("hook", "deputy", "deputy has no address at channel hook"),
        ("pigeon", "boss", "There is no channel 'pigeon'"),
    ):
        error = run(ready, monkeypatch, "test", code, "--to", to).exception
        assert isinstance(error, UsageError)
        assert words in error.message
    assert "84900000000" not in str(error)


def test_the_list_says_which_can_be_used_and_what_the_others_lack(
    ready: Settings, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    found = run(ready, monkeypatch, "list")
    assert found.exit_code == 1
    lines = {line.split()[0]: line for line in found.output.splitlines() if line.strip()}
    assert "can be used" in lines["hook"]
    assert "can be used" in lines["siren"]
    assert "has no TEST_UNSET_CHANNEL" in lines["unset"]
    assert "IOC_PUBLIC_URL is not set" in found.output
    assert receiver.url not in found.output
    assert receiver.asked == []


def test_the_key_of_links_is_turned(ready: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(ready, monkeypatch, "new-link-key").exit_code == 0
    first = (ready.state_dir / "secrets" / "links").read_text()
    run(ready, monkeypatch, "new-link-key")
    assert (ready.state_dir / "secrets" / "links").read_text().split("\n")[1] == first.split("\n")[0]
