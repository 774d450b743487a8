# ruff: noqa: E501 - what is said stands beside what it is said of
"""``rules/*.toml``: every mistake is named where it stands, and costs the rule that it is in."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.alerts.model import (
    AbsenceCondition,
    DeviceCondition,
    DossierCondition,
    Grouping,
    Hours,
    Kind,
    KpiCondition,
    ReadingCondition,
    Rule,
    Schedule,
    Severity,
    SiteCondition,
    SyntheticCondition,
)
from ioc.alerts.words import rule_words
from ioc.district.alert_rules import MOST, read_rules
from ioc.district.problems import Problems
from ioc.district.toml_blocks import Lost

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
HEAD = """[[rule]]
code = "camera.down"
name_vi = "Camera mất tín hiệu"
name_en = "Camera down"
severity = "minor"
kind = "device"
when = { device = "camera", states = ["down"] }
runbook_vi = "Kiểm tra nguồn điện của camera."
"""


def _read(folder: Path, text: str | bytes, name: str = "a.toml") -> tuple[list[Rule], list[str], Lost]:
    (folder / "rules").mkdir(exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "rules" / name).write_bytes(data)
    problems, lost = Problems(), Lost()
    rules, _ = read_rules(folder, problems, lost)
    return rules, [str(problem) for problem in problems.errors], lost


def test_a_whole_rule_is_read(tmp_path: Path) -> None:
    text = (
        HEAD
        + """runbook_en = "Check the power."
for = "5m"
clear_for = "90s"
hours = "working"
units = ["go-dau"]
group_by = "point"
inhibited_by = ["site.outage"]
remind = "1d"
policy = "truc"
"""
    )
    rules, errors, _ = _read(tmp_path, text)
    assert errors == []
    assert rules == [
        Rule(
            code="camera.down",
            name_vi="Camera mất tín hiệu",
            name_en="Camera down",
            severity=Severity.MINOR,
            kind=Kind.DEVICE,
            condition=DeviceCondition("camera", states=("down",)),
            runbook_vi="Kiểm tra nguồn điện của camera.",
            runbook_en="Check the power.",
            holds_for=timedelta(minutes=5),
            clear_for=timedelta(seconds=90),
            hours=Hours.WORKING,
            units=("go-dau",),
            group_by=Grouping.POINT,
            inhibited_by=("site.outage",),
            remind=timedelta(days=1),
            policy="truc",
        )
    ]
    assert (rules[0].file, rules[0].line) == ("rules/a.toml", 1)


def test_hours_of_a_rule_s_own_are_read_and_said(tmp_path: Path) -> None:
    rules, errors, _ = _read(
        tmp_path, HEAD + 'during = { from = "22:00", to = "06:00", days = ["sat", "holidays"] }\n'
    )
    assert errors == []
    assert rules[0].during == Schedule(time(22), time(6), ("sat", "holidays"))
    assert rule_words(rules[0]).endswith("(22:00–06:00 sat+holidays)")


@pytest.mark.parametrize(
    ("kind", "when", "condition"),
    [
        (
            "device",
            '{ device = "wifi", flag = "saturated", clients_at_most = 0, reason = "x" }',
            DeviceCondition("wifi", flag="saturated", clients_at_most=0, reason="x"),
        ),
        (
            "dossier",
            '{ situation = "overdue", after = "48h", before = "4d" }',
            DossierCondition("overdue", timedelta(days=2), timedelta(days=4)),
        ),
        (
            "kpi",
            '{ kpi = "queue.wait_p90", above = 1800, clear = 1200, least = 10, units = ["go-dau"], each = true }',
            KpiCondition(
                "queue.wait_p90", above=1800.0, clear=1200.0, least=10.0, units=("go-dau",), each=True
            ),
        ),
        (
            "kpi",
            '{ kpi = "dossier.on_time_rate", target = true }',
            KpiCondition("dossier.on_time_rate", target=True),
        ),
        (
            "absence",
            '{ of = "topic", name = "ioc.cameras", longer = "15m" }',
            AbsenceCondition("topic", "ioc.cameras", timedelta(minutes=15)),
        ),
        ("absence", '{ of = "connector" }', AbsenceCondition("connector")),
        ("site", "{ kinds = 3 }", SiteCondition(3)),
        (
            "reading",
            '{ reading = "disk.free_share", below = 0.1, clear = 0.15 }',
            ReadingCondition("disk.free_share", below=0.1, clear=0.15),
        ),
    ],
)
def test_each_kind_has_its_condition(tmp_path: Path, kind: str, when: str, condition: object) -> None:
    text = HEAD.replace('"device"\n', f'"{kind}"\n').replace('{ device = "camera", states = ["down"] }', when)
    rules, errors, _ = _read(tmp_path, text)
    assert errors == []
    assert rules[0].condition == condition


def test_a_synthetic_rule_has_no_condition(tmp_path: Path) -> None:
    text = HEAD.replace('"device"\n', '"synthetic"\n')
    lines = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("when"))
    rules, errors, _ = _read(tmp_path, lines)
    assert errors == []
    assert rules[0].condition == SyntheticCondition()
    assert _read(tmp_path, text)[1] == [
        "rules/a.toml:7: camera.down: A synthetic rule has no condition. It is raised on purpose: leave out when."
    ]


_WHEN = 'when = { device = "camera", states = ["down"] }'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"minor"', '"majr"', ":5: camera.down: severity 'majr' is not one of info, warning, minor, major, critical. Did you mean major?"),
        ('"device"\n', '"camera"\n', ":6: camera.down: kind 'camera' is not one of device, dossier, kpi"),
        ('severity = "minor"\n', "", ":1: camera.down: severity is missing. It is one of info,"),
        ('code = "camera.down"', 'code = "bê tông"', ":2: code 'bê tông' is no code."),
        ('code = "camera.down"\n', "", ":1: code is missing."),
        ('runbook_vi = "Kiểm tra nguồn điện của camera."\n', "", ":1: camera.down: runbook_vi is missing. Write one line in Vietnamese"),
        ('"Kiểm tra nguồn điện của camera."', '"  "', ":8: camera.down: runbook_vi is empty."),
        ('"Camera down"', '"<b>Camera</b> down"', ":4: camera.down: name_en holds < or >."),
        ('"Camera down"', r'"Camera\u0007 down"', ":4: camera.down: name_en holds characters that can't be seen."),
        ('"Camera down"', r'"Camera\u202E down"', ":4: camera.down: name_en holds characters that can't be seen."),
        ('"Camera down"', '"' + "x" * 101 + '"', ":4: camera.down: name_en has 101 characters. 100 are the most."),
        ('"Camera down"', "7", ":4: camera.down: name_en is not a text in quotes."),
        ('severity = "minor"', 'severity = "minor"\nfro = "3m"', ":6: camera.down: The key 'fro' is not known here. Did you mean for?"),
        ('severity = "minor"', 'severity = "minor"\nfor = "3 minutes"', ":6: camera.down: for '3 minutes' is no length of time. Write a number and s, m, h or d"),
        ('severity = "minor"', 'severity = "minor"\nfor = 180', ":6: camera.down: for is not a length of time in quotes."),
        ('severity = "minor"', 'severity = "minor"\nfor = "99d"', ":6: camera.down: for 99d is not within 0s to 30d."),
        ('severity = "minor"', 'severity = "minor"\nremind = "1s"', ":6: camera.down: remind 1s is not within 1m to 30d."),
        ('severity = "minor"', 'severity = "minor"\nhours = ""', ":6: camera.down: hours '' is not one of always, working."),
        ('severity = "minor"', 'severity = "minor"\nduring = { from = "07:00", to = "07:00" }', ":6: camera.down: The hours end when they begin."),
        ('severity = "minor"', 'severity = "minor"\nduring = { from = "07:00", to = "25:00" }', ":6: camera.down: "),
        ('severity = "minor"', 'severity = "minor"\nduring = { from = "07:00", to = "09:00", days = [] }', ":6: camera.down: days names no day."),
        ('severity = "minor"', 'severity = "minor"\nduring = { from = "07:00", to = "09:00", days = ["monday"] }', ":6: camera.down: days 'monday' is not one of"),
        ('severity = "minor"', 'severity = "minor"\nhours = "working"\nduring = { from = "07:00", to = "09:00" }', ":7: camera.down: hours and during are both given."),
        ('severity = "minor"', 'severity = "minor"\nunits = "go-dau"', ":6: camera.down: units is no list of codes."),
        ('severity = "minor"', 'severity = "minor"\nunits = ["a", "a"]', ":6: camera.down: units names something twice."),
        (_WHEN, 'when = "down"', ":7: camera.down: when is no table."),
        (_WHEN + "\n", "", ":1: camera.down: when is missing. Such as when = {"),
        (_WHEN, 'when = { device = "camera", states = ["down"], kpi = "camera.down" }', ":7: camera.down: The key 'kpi' is not known here. It belongs to rules of kind kpi."),
        (_WHEN, 'when = { device = "camera" }', ":7: camera.down: The condition says nothing about the device."),
        (_WHEN, 'when = { device = "camera", states = ["broken"] }', ":7: camera.down: states 'broken' is not one of down, degraded, ok."),
        (_WHEN, 'when = { device = "camera", flag = "saturated" }', ":7: camera.down: A camera is never saturated. A camera has frozen and stalled."),
        (_WHEN, 'when = { device = "camera", clients_at_most = 0 }', ":7: camera.down: Only access points have clients."),
        (_WHEN, 'when = { device = "kiosk", states = ["down"] }', ":7: camera.down: Kiosks tell no state."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_what_to_write(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    good = HEAD.replace("camera.down", "camera.other")
    assert old in HEAD
    rules, errors, _ = _read(tmp_path, HEAD.replace(old, new, 1) + good)
    assert len(errors) == 1, errors
    assert errors[0].startswith("rules/a.toml" + said)
    assert [rule.code for rule in rules] == ["camera.other"]


@pytest.mark.parametrize(
    ("kind", "when", "said"),
    [
        ("kpi", '{ kpi = "a", above = 1, below = 2 }', "above and below are both given. Give exactly one of above, below, target."),
        ("kpi", '{ kpi = "a" }', "No limit is given. Give exactly one of above, below, target."),
        ("kpi", '{ kpi = "a", above = 10, clear = 12 }', "clear 12 is above the limit 10. It lies at or below it."),
        ("kpi", '{ kpi = "a", below = 0.9, clear = 0.8 }', "clear 0.8 is below the limit 0.9. It lies at or above it."),
        ("kpi", '{ kpi = "a", above = inf }', "above is no number that a value can be held against."),
        ("kpi", '{ kpi = "a", above = true }', "above is not a number."),
        ("dossier", '{ situation = "overdu" }', "situation 'overdu' is not one of due_soon, overdue, late_without_apology. Did you mean overdue?"),
        ("dossier", '{ situation = "overdue", after = "2d", before = "48h" }', "before is not longer than after."),
        ("absence", '{ of = "tickets" }', "longer is missing: tickets have no limit of their own."),
        ("absence", '{ of = "device", name = "drone" }', "name 'drone' is not one of camera, wifi, kiosk."),
        ("site", "{ kinds = 9 }", "kinds 9 is not within 1 to 3."),
        ("reading", '{ reading = "disk.free", below = 0.1 }', "reading 'disk.free' is not one of"),
        ("reading", '{ reading = "disk.free_share", below = 10 }', "below 10 is no share: a share is 0 to 1. Write 0.1 for 10 %."),
    ],
)  # fmt: skip
def test_a_condition_that_makes_no_sense_is_explained(
    tmp_path: Path, kind: str, when: str, said: str
) -> None:
    text = HEAD.replace('"device"\n', f'"{kind}"\n').replace('{ device = "camera", states = ["down"] }', when)
    rules, errors, _ = _read(tmp_path, text)
    assert rules == []
    assert len(errors) == 1, errors
    assert errors[0].startswith(f"rules/a.toml:7: camera.down: {said}")


def test_all_mistakes_of_a_rule_are_told_at_once(tmp_path: Path) -> None:
    text = HEAD.replace('"minor"', '"bad"').replace('"down"]', '"gone"]') + 'for = "x"\nmood = 1\n'
    assert [error.split(":")[1] for error in _read(tmp_path, text)[1]] == ["5", "7", "9", "10"]


def test_a_syntax_error_costs_the_rule_that_it_is_in(tmp_path: Path) -> None:
    broken = HEAD.replace('severity = "minor"', "severity = minor")
    rules, errors, lost = _read(
        tmp_path, HEAD.replace("camera.down", "one") + broken + HEAD.replace("camera.down", "two")
    )
    assert [rule.code for rule in rules] == ["one", "two"]
    assert rules[1].line == 17
    assert errors == ["rules/a.toml:13: camera.down: The line is no TOML: Invalid value."]
    assert "camera.down" in lost
    assert "site.outage" not in lost


def test_a_code_stands_once_in_all_files(tmp_path: Path) -> None:
    _read(tmp_path, HEAD, "a.toml")
    rules, errors, _ = _read(tmp_path, HEAD, "b.toml")
    assert errors == [
        "rules/b.toml:2: camera.down: the code stands in rules/a.toml:1 too. Give one another code."
    ]
    assert len(rules) == 1


def test_tables_in_texts_and_comments_are_no_tables(tmp_path: Path) -> None:
    text = "# [[rule]]\n" + HEAD.replace('"Camera down"', '"[[rule]] down"') + "# [[rule]]\n"
    rules, errors, _ = _read(tmp_path, text)
    assert errors == []
    assert rules[0].line == 2


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    rules, errors, _ = _read(tmp_path, "\ufeff".encode() + HEAD.replace("\n", "\r\n").encode())
    assert errors == []
    assert len(rules) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rules]]\ncode = 'x'\n", "rules/a.toml:1: [[rules]] is not known here. Write [[rule]]."),
        ("[rule]\ncode = 'x'\n", "rules/a.toml:1: [rule] is not known here. Write [[rule]]."),
        (
            HEAD + '[["rule"]]\ncode = "x"\n',
            "rules/a.toml:1: camera.down: The block holds a table 'rule' of its own beside it.",
        ),
        (
            HEAD + "[other.part]\nx = 1\n",
            "rules/a.toml:1: camera.down: The block holds a table 'other' of its own",
        ),
        ("code = 'x'\n", "rules/a.toml:1: Something stands before the first [[rule]]."),
    ],
)
def test_what_stands_elsewhere_is_told(tmp_path: Path, text: str, said: str) -> None:
    assert _read(tmp_path, text)[1][0].startswith(said)


# -- hostile files ---------------------------------------------------------------------------------------


def test_a_file_that_is_not_utf8_costs_itself_alone(tmp_path: Path) -> None:
    _read(tmp_path, HEAD, "b.toml")
    rules, errors, lost = _read(tmp_path, HEAD.replace("camera.down", "x").encode("utf-16"), "a.toml")
    assert [rule.code for rule in rules] == ["camera.down"]
    assert errors[0].startswith("rules/a.toml:1: The text is not UTF-8.")
    assert "anything" in lost


def test_a_file_of_ten_megabytes_is_refused_unread(tmp_path: Path) -> None:
    rules, errors, _ = _read(tmp_path, HEAD + "# " + "x" * (10 * 1024 * 1024))
    assert rules == []
    assert errors == ["rules/a.toml: The file is larger than 1 MiB. Split it by topic."]


def test_of_ten_thousand_rules_the_first_are_read_and_the_rest_told(tmp_path: Path) -> None:
    for part in range(10):
        body = "".join(HEAD.replace("camera.down", f"r{part:02}-{n}") for n in range(1000))
        (tmp_path / "rules").mkdir(exist_ok=True)
        (tmp_path / "rules" / f"{part:02}.toml").write_text(body, "utf-8")
    problems, lost = Problems(), Lost()
    rules, _ = read_rules(tmp_path, problems, lost)
    assert len(rules) == MOST
    assert [problem.message for problem in problems.errors] == [
        f"The pack has more than {MOST} rules; those from here on are not read."
    ]
    assert "r09-999" in lost


@pytest.mark.parametrize(
    "value",
    [
        "[" * 5000,
        "9" * 5000,
        '"""' * 3001,
        "'" * 999,
        "{ a = " * 4000,
        "\\u0000",
        "1979-05-27T07:32:00Z",
        "nan",
    ],
)
def test_no_value_breaks_the_reader(tmp_path: Path, value: str) -> None:
    good = HEAD.replace("camera.down", "good")
    rules, errors, _ = _read(tmp_path, HEAD + f"remind = {value}\n" + good)
    assert [rule.code for rule in rules] == ["good"]
    assert len(errors) == 1
    assert len(errors[0]) < 400


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    (tmp_path / "rules").mkdir()
    os.mkfifo(tmp_path / "rules" / "a.toml")
    problems = Problems()
    assert read_rules(tmp_path, problems, Lost()) == ([], [])
    assert "pipe" in problems.errors[0].message


def test_a_folder_of_very_many_files_is_read_in_part_and_other_files_are_noted(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for number in range(60):
        (tmp_path / "rules" / f"{number:02}.toml").write_text(
            HEAD.replace("camera.down", f"r{number}"), "utf-8"
        )
    (tmp_path / "rules" / "read.me").write_text("…", "utf-8")
    problems, lost = Problems(), Lost()
    rules, _ = read_rules(tmp_path, problems, lost)
    assert len(rules) == 50
    assert "r59" in lost
    assert [str(problem) for problem in problems.errors] == [
        "rules: The folder has 60 files; the first 50 are read."
    ]
    assert [problem.file for problem in problems.notes] == ["rules/read.me"]


_SCRAPS = st.sampled_from(
    [
        "[[rule]]",
        "[[rule.test]]",
        "]",
        "[",
        '"',
        "'",
        '"""',
        "\\",
        "{",
        "}",
        "=",
        "\n",
        "#",
        "when",
        "code = 1",
        "\u202e",
        "<b>",
        "9" * 30,
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 6), _SCRAPS), min_size=1, max_size=4))
def test_whatever_is_mistyped_is_a_problem_and_never_a_crash(
    tmp_path: Path, slips: list[tuple[int, int, str]]
) -> None:
    text = (SHIPPED / "rules" / "sites.toml").read_text("utf-8")
    for place, gone, scrap in slips:
        at = place % len(text)
        text = text[:at] + scrap + text[at + gone :]
    _read(tmp_path, HEAD, "b.toml")
    rules, errors, _ = _read(tmp_path, text, "a.toml")
    assert "camera.down" in {rule.code for rule in rules}, "the other file's rule is as it was"
    assert all(error.startswith("rules/a.toml") for error in errors)
    assert errors or len(rules) >= 1
