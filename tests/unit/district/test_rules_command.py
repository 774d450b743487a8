"""``ioc rules``: exit codes and words are what a reviewer and a build machine go by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ioc.cli.main import build
from ioc.district import PackError
from ioc.errors import UsageError

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(), ["rules", *map(str, arguments)])


def _change(pack: Path, old: str, new: str, file: str = "cameras.toml") -> None:
    path = pack / "rules" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_the_shipped_rules_are_in_order_and_do_what_they_should(pack: Path) -> None:
    assert _run("check", pack).exit_code == 0
    tried = _run("test", pack)
    assert tried.exit_code == 0
    assert "0 failed" in tried.stdout


def test_a_test_that_fails_says_which_and_what_differs(pack: Path) -> None:
    _change(pack, 'for = "5m"', 'for = "7m"')
    found = _run("test", pack)
    assert found.exit_code == 1
    assert (
        "camera.down: “mất 5 phút thì báo, có lại 2 phút thì hết” failed: it fires at +7m, not at +5m."
        in found.stdout
    )
    assert _run("test", pack, "--rule", "wifi.down").exit_code == 0
    document = json.loads(_run("test", pack, "--rule", "camera.down", "--format", "json").stdout)
    assert document["passed"] is False
    assert [one["passed"] for one in document["tests"]] == [False, True, True]
    assert document["tests"][0]["fires_at_s"] == [420.0]


def test_one_bad_rule_is_told_and_the_others_are_still_tried(pack: Path) -> None:
    _change(pack, 'severity = "minor"', 'severity = "bad"')
    checked = _run("check", pack)
    assert isinstance(checked.exception, PackError)
    assert checked.exception.exit_code == 3
    assert [problem.file for problem in checked.exception.problems] == ["rules/cameras.toml"]
    tried = _run("test", pack)
    assert isinstance(tried.exception, PackError)
    assert "0 failed" in tried.stdout
    assert _run("check", pack, "--rule", "wifi.down").exit_code == 0
    assert _run("test", pack, "--rule", "wifi.down").exit_code == 0
    document = json.loads(_run("check", pack, "--rule", "camera.down", "--format", "json").stdout)
    assert document["in_order"] is False
    assert document["findings"][0]["message"].startswith("camera.down: severity 'bad'")
    listed = json.loads(_run("list", pack, "--format", "json").stdout)
    assert "camera.down" not in {rule["code"] for rule in listed["rules"]}
    assert "camera.frozen" in {rule["code"] for rule in listed["rules"]}


def test_mistakes_elsewhere_in_the_pack_are_counted_or_stop_what_can_not_be_judged(pack: Path) -> None:
    with (pack / "devices.csv").open("a", encoding="utf-8") as file:
        file.write("x,drone,point.huyen,X,,60,,\n")
    found = _run("check", pack)
    assert found.exit_code == 0
    assert "1 mistakes in other files of the pack: ioc district check names them." in found.stdout
    (pack / "units.csv").write_text("code\n", "utf-8")
    for command in ("check", "test", "list"):
        assert isinstance(_run(command, pack).exception, PackError), command


def test_rules_are_listed_in_words_of_both_languages(pack: Path) -> None:
    vietnamese = _run("list", pack).stdout
    assert "Camera mất tín hiệu" in vietnamese
    assert "hồ sơ quá hạn từ 2d (giờ làm việc)" in vietnamese
    english = _run("list", pack, "--language", "en", "--rule", "disk").exception
    assert isinstance(english, UsageError)
    assert "platform.disk" in _run("list", pack, "--language", "en").stdout
    one = _run("list", pack, "--rule", "wifi.no-clients", "--language", "en").stdout
    assert "access point ok, clients ≤ 0, for 3h (working hours)" in one
    assert "try it with a telephone there" in one
    assert isinstance(_run("list", pack, "--language", "fr").exception, UsageError)


def test_a_rule_that_is_not_there_is_refused_with_the_nearest(pack: Path) -> None:
    for command in ("check", "test", "list"):
        error = _run(command, pack, "--rule", "camera.dwn").exception
        assert isinstance(error, UsageError)
        assert "camera.down" in error.remedy
