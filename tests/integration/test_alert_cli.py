"""``ioc alerts`` and ``ioc maintenance``, on a real database."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ioc.alerts.errors import AlertError, UnknownAlertError
from ioc.cli.main import build
from ioc.settings import Settings, load
from tests.integration.alert_place import Place


@pytest.fixture
def run(ready: Settings, desk: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("IOC_DATABASE_URL", ready.database_dsn)
    load.cache_clear()

    def command(*arguments: object) -> Result:
        return CliRunner().invoke(build(), [str(argument) for argument in arguments])

    return command


def test_an_alert_from_the_list_to_its_end(run: Any, desk: Place) -> None:
    number, other = desk.open("camera.down", "device:c1"), desk.open("wifi.down", "device:w1", "go-2")
    listed = run("alerts", "list").output
    assert all(text in listed for text in (str(number), "device:c1", "major", "2026-03-02 08:00:00"))
    rows = list(
        csv.DictReader(io.StringIO(run("alerts", "list", "--unit", "go-2", "--format", "csv").output))
    )
    assert [(row["id"], row["rule"], row["held"]) for row in rows] == [(str(other), "wifi.down", "—")]
    done = run("alerts", "ack", number, other, "--comment", "đang xem", "--by", "truc-1")
    assert done.output == f"{number}: done.\n{other}: done.\n"
    again = run("alerts", "ack", number, "--format", "json")
    assert json.loads(again.output)["alerts"][0]["changed"] is False
    for arguments in (
        ("assign", number, "--to", "truc-1"),
        ("comment", number, "--text", "chờ điện"),
        ("snooze", number, "--minutes", 30),
        ("unsnooze", number),
        ("unack", number),
        ("close", number, "--reason", "đã thay"),
    ):
        result = run("alerts", *arguments, "--by", "truc-1")
        assert (result.exit_code, result.output.startswith(f"{number}: done.")) == (0, True), result.output
    shown = json.loads(run("alerts", "show", number, "--format", "json").output)
    assert shown["opened_at"] == "2026-03-02T08:00:00+07:00"
    assert {(event["actor"], event["detail"]["via"]) for event in shown["events"][1:]} == {("truc-1", "cli")}
    text = run("alerts", "show", number).output
    assert all(word in text for word in ("assigned to", "truc-1", "reason=đã thay", "escalate", "cancelled"))
    kinds = [
        entry["kind"]
        for entry in json.loads(run("alerts", "log", number, "--format", "json").output)["entries"]
    ]
    assert (kinds[0], kinds[-1]) == ("opened", "closed")
    trail = json.loads(run("alerts", "log", "--actor", "truc-1", "--limit", 2, "--format", "json").output)
    assert [entry["what"] for entry in trail["entries"]] == ["alert.closed", "alert.unacknowledged"]


def test_windows_are_added_listed_and_ended(run: Any, desk: Place) -> None:
    made = run(
        "maintenance", "add", "Bảo trì", "--from", "2026-01-01T08:00", "--hours", 4, "--recurs", "FREQ=WEEKLY;BYDAY=SU",
        "--unit", "go-1", "--rule", "camera.down", "--by", "truc-1", "--format", "json",
    )  # fmt: skip
    (window,) = json.loads(made.output)["windows"]
    assert (window["units"], window["rules"], window["made_by"]) == (["go-1"], ["camera.down"], "truc-1")
    listed = run("maintenance", "list").output
    assert all(text in listed for text in ("Bảo trì", "FREQ=WEEKLY;BYDAY=SU", "camera.down, go-1"))
    assert run("maintenance", "end", window["id"], "--by", "truc-1").exit_code == 0
    assert "Bảo trì" not in run("maintenance", "list").output
    rows = list(csv.DictReader(io.StringIO(run("maintenance", "list", "--ended", "--format", "csv").output)))
    assert [row["withdrawn"] for row in rows] == ["truc-1"]


def test_what_can_not_be_done_is_said_and_nothing_is_done(run: Any, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    unknown = run("alerts", "ack", number, 4711)
    assert isinstance(unknown.exception, UnknownAlertError)
    for arguments in (
        ("alerts", "snooze", number),
        ("alerts", "close", number, "--reason", " "),
        ("maintenance", "add", "x", "--from", "2026-01-01", "--hours", 1, "--recurs", "FREQ=HOURLY"),
    ):
        assert isinstance(run(*arguments).exception, AlertError), arguments
    assert run("alerts", "list", "--state", "gone").exit_code == 2
    assert desk.events(number) == ["opened"]
