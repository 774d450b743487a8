# ruff: noqa: E501 - what is said stands beside what it is said of
"""What must hold between rules, policies, channels and the rest of a pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ioc.district import Reading, examine

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
RULE = """[[rule]]
code = "{code}"
name_vi = "Báo động"
name_en = "Alert"
severity = "{severity}"
kind = "{kind}"
{when}
runbook_vi = "Làm gì đó trước tiên."
{more}
"""
POLICY = """[[policy]]
code = "truc"
name_vi = "Trực"
name_en = "Duty"
{more}
[[policy.step]]
after = "0s"
call = [{call}]
"""
CHANNEL = """[[channel]]
code = "{code}"
driver = "{driver}"
{more}
"""
SIREN = CHANNEL.format(code="siren", driver="siren", more="")
CALLS = POLICY.format(more="", call='{ channel = "siren" }')


def _rule(
    kind: str = "device",
    when: str = 'device = "camera", states = ["down"]',
    *,
    code: str = "r",
    severity: str = "minor",
    more: str = "",
) -> str:
    return RULE.format(
        code=code, severity=severity, kind=kind, when=f"when = {{ {when} }}" if when else "", more=more
    )


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    without = shutil.ignore_patterns("rules", "policies.toml", "channels.toml", "agencies.csv")
    found = Path(shutil.copytree(SHIPPED, tmp_path / "pack", ignore=without))
    (found / "rules").mkdir()
    return found


def _examine(pack: Path, *rules: str, policies: str = CALLS, channels: str = SIREN) -> Reading:
    (pack / "rules" / "a.toml").write_text("".join(rules), "utf-8")
    (pack / "policies.toml").write_text(policies, "utf-8")
    (pack / "channels.toml").write_text(channels, "utf-8")
    return examine(pack)


def _errors(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.errors]


def _notes(reading: Reading) -> str:
    return "\n".join(
        str(problem)
        for problem in reading.notes
        if problem.file in ("rules/a.toml", "policies.toml", "channels.toml", "people.csv")
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (_rule("kpi", 'kpi = "dossier.on_time", below = 0.9'), "r: There is no indicator 'dossier.on_time'. Did you mean dossier.on_time_rate"),
        (_rule("kpi", 'kpi = "dossier.on_time_rate", below = 98'), "r: below 98 is no share: a share is 0 to 1. Write 0.98 for 98 %."),
        (_rule("kpi", 'kpi = "dossier.on_time_rate", below = 0.9, clear = 1.2'), "r: clear 1.2 is no share"),
        (_rule("kpi", 'kpi = "platform.lag", above = 9, each = true'), "r: platform.lag is of no unit. Leave units and each out."),
        (_rule("kpi", 'kpi = "dossier.overdue", above = 9, least = 3'), "r: dossier.overdue has no denominator."),
        (_rule("kpi", 'kpi = "dossier.overdue", above = 9, units = ["go-dua"]'), "r: Unit 'go-dua' is not in units.csv. Did you mean go-dau?"),
        (_rule("kpi", 'kpi = "dossier.on_time_rate", target = true, clear = 0.97'), "r: clear 0.97 is worse than the target 0.98 on line 4 of targets.csv."),
        (_rule("kpi", 'kpi = "dossier.surge", target = true'), "r: dossier.surge can have no target: neither more nor less of it is better."),
        (_rule(more='units = ["25664"]'), "r: Unit '25664' is not in units.csv. Did you mean 25663?"),
        (_rule(more='policy = "trucs"'), "r: Policy 'trucs' is not in policies.toml. Did you mean truc?"),
        (_rule(more='remind = "1h"'), "r: It reminds, but calls nobody. Name a policy, or leave remind out."),
        (_rule("dossier", 'situation = "overdue"', more='group_by = "point"'), "r: group_by point makes nothing of rules of kind dossier"),
        (_rule("reading", 'reading = "disk.free_share", below = 0.1', more='group_by = "unit"'), "r: What it looks at is the platform's own and of no unit."),
        (_rule("absence", 'of = "connector"', more='units = ["go-dau"]'), "r: What it looks at is the platform's own and of no unit."),
        (_rule("absence", 'of = "topic", name = "ioc.camera", longer = "1h"'), "r: Topic 'ioc.camera' is not in what workers read. Did you mean ioc.cameras?"),
        (_rule("absence", 'of = "process", name = "evaluator"'), "r: Process 'evaluator' is not in the platform. Did you mean evaluate?"),
        (_rule(more='inhibited_by = ["site.outage"]'), "r: inhibited_by: rule 'site.outage' is not in the pack."),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_is_named_and_left_out_of_the_others(
    pack: Path, rule: str, said: str
) -> None:
    reading = _examine(pack, _rule(code="good"), rule)
    (error,) = _errors(reading)
    assert error.startswith("rules/a.toml:10: " + said)
    assert reading.pack is None
    assert reading.usable is not None
    assert [kept.code for kept in reading.usable.alerts.rules] == ["good"]
    assert not reading.usable.alerts.whole


def test_rules_that_silence_one_another_in_a_ring_are_found_once(pack: Path) -> None:
    rules = [
        _rule(code=code, more=f'inhibited_by = ["{by}"]')
        for code, by in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    ]
    (error,) = _errors(_examine(pack, *rules))
    assert "a: Rules silence one another in a ring: a ← b ← c ← a." in error
    (error,) = _errors(_examine(pack, _rule(code="a", more='inhibited_by = ["a"]')))
    assert "ring: a ← a" in error


def test_a_site_must_be_told_before_its_devices(pack: Path) -> None:
    device = _rule(code="camera", more='for = "3m"\ninhibited_by = ["site"]')
    slow = _rule("site", "kinds = 2", code="site", more='for = "3m"')
    (error,) = _errors(_examine(pack, slow, device))
    assert "site: for 3m is not shorter than the 3m of camera, which it is to silence." in error
    assert _errors(_examine(pack, slow.replace('"3m"', '"2m"'), device)) == []


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ('[[policy]]\ncode = "truc"\nname_vi = "Trực"\nname_en = "Duty"\n', "policies.toml:1: truc: The policy has no step: it would call nobody."),
        (POLICY.format(more="", call=""), "policies.toml:8: truc: The step calls nobody."),
        (CALLS.replace('"0s"', '"-5m"'), "policies.toml:7: truc: after '-5m' is no length of time."),
        (POLICY.format(more="repeat = -1", call='{ channel = "siren" }'), "policies.toml:5: truc: repeat -1 is not within 0 to 100."),
        (POLICY.format(more='ack_for = "1s"', call='{ channel = "siren" }'), "policies.toml:5: truc: ack_for 1s is not within 1m to 30d."),
        (POLICY.format(more="", call='{ roster = "truc-ioc", person = "truc-ban-1" }'), "policies.toml:8: truc: roster and person are both given."),
        (POLICY.format(more="", call='{ layer = "truc-ban" }'), "policies.toml:8: truc: A layer is of a roster."),
        (POLICY.format(more="", call="{}"), "policies.toml:8: truc: It names nobody."),
        (POLICY.format(more="", call='{ rooster = "truc-ioc" }'), "policies.toml:8: truc: The key 'rooster' is not known here. Did you mean roster?"),
        (POLICY.format(more="", call='{ roster = "truc-io" }'), "policies.toml:1: truc: Roster 'truc-io' is not in rosters.csv. Did you mean truc-ioc?"),
        (POLICY.format(more="", call='{ roster = "truc-ioc", layer = "truc-bann" }'), "policies.toml:1: truc: Layer 'truc-bann' is not in roster truc-ioc. Did you mean truc-ban?"),
        (POLICY.format(more="", call='{ person = "truc-ban-9" }'), "policies.toml:1: truc: Person 'truc-ban-9' is not in people.csv. Did you mean truc-ban-"),
        (POLICY.format(more="", call='{ channel = "sirens" }'), "policies.toml:1: truc: Channel 'sirens' is not in channels.toml. Did you mean siren?"),
        (CALLS + CALLS, "policies.toml:10: truc: the code stands on line 1 too."),
    ],
)  # fmt: skip
def test_a_policy_that_can_call_nobody_is_named(pack: Path, policies: str, said: str) -> None:
    errors = _errors(_examine(pack, _rule(more='policy = "truc"'), policies=policies))
    assert errors[0].startswith(said), errors
    assert all(error.startswith("policies.toml") for error in errors), (
        "the rule that names it is not to blame"
    )


def test_a_roster_that_is_never_held_again_is_named(pack: Path) -> None:
    text = (pack / "duty.csv").read_text("utf-8")
    ended = [line + "2026-01-01" if line.endswith("2025-06-30,") else line for line in text.splitlines()]
    (pack / "duty.csv").write_text("\n".join(ended) + "\n", "utf-8")
    errors = _errors(
        _examine(pack, policies=POLICY.format(more="", call='{ roster = "truc-ioc", layer = "lanh-dao" }'))
    )
    assert errors == [
        "policies.toml:1: truc: Roster truc-ioc/lanh-dao has no shift any more. Give it one in duty.csv, or call somebody else."
    ]


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        (CHANNEL.format(code="email", driver="smtp", more='secret = "env:X"'), "channels.toml:3: email: driver 'smtp' is not one of apprise,"),
        (CHANNEL.format(code="email", driver="apprise", more=""), "channels.toml:1: email: A channel of driver apprise needs a secret"),
        (CHANNEL.format(code="email", driver="apprise", more='secret = "mailtos://a:hunter2@b"'), "channels.toml:4: email: secret is no reference."),
        (CHANNEL.format(code="siren", driver="siren", more='secret = "env:X"'), "channels.toml:4: siren: A channel of driver siren has no secret."),
        (CHANNEL.format(code="siren", driver="siren", more='timeout = "10m"'), "channels.toml:4: siren: timeout 10m is not within 1s to 2m."),
        (CHANNEL.format(code="siren", driver="siren", more="attempts = 0"), "channels.toml:4: siren: attempts 0 is not within 1 to 50."),
        (CHANNEL.format(code="siren", driver="siren", more='quiet = { from = "21:00", to = "21:00" }'), "channels.toml:4: siren: Quiet hours end when they begin."),
        (CHANNEL.format(code="siren", driver="siren", more='quiet = { from = "9pm", to = "06:00" }'), "channels.toml:4: siren: from is no time of day. Write it as 21:00."),
        (CHANNEL.format(code="siren", driver="siren", more='least = "loud"'), "channels.toml:4: siren: least 'loud' is not one of info,"),
        (SIREN + SIREN, "channels.toml:6: siren: the code stands on line 1 too."),
    ],
)  # fmt: skip
def test_a_channel_that_can_not_serve_is_named_and_its_secret_never_repeated(
    pack: Path, channels: str, said: str
) -> None:
    reading = _examine(
        pack,
        _rule(more='policy = "truc"'),
        channels=channels,
        policies=POLICY.format(more="", call='{ roster = "truc-ioc" }'),
    )
    (error,) = _errors(reading)
    assert error.startswith(said)
    assert "hunter2" not in error
    assert reading.usable is not None
    assert len(reading.usable.alerts.rules) == 1


def test_what_is_only_worth_knowing_is_a_note(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IOC_TEST_MAIL", raising=False)
    people = (pack / "people.csv").read_text("utf-8").replace("code,name,title", "code,name,title,contacts")
    (pack / "people.csv").write_text(
        people.replace("Lãnh đạo trực 1,Lãnh đạo trực", "Lãnh đạo trực 1,Lãnh đạo trực,sms=0900"), "utf-8"
    )
    lines = [
        line if line.count(",") != 2 or line.startswith("#") else line + ","
        for line in (pack / "people.csv").read_text("utf-8").splitlines()
    ]
    (pack / "people.csv").write_text("\n".join(lines) + "\n", "utf-8")
    reading = _examine(
        pack,
        _rule(severity="critical").replace("Làm gì đó trước tiên.", "Do something."),
        policies=POLICY.format(more="", call='{ roster = "truc-ioc" }'),
        channels=CHANNEL.format(code="mail", driver="apprise", more='secret = "env:IOC_TEST_MAIL"'),
    )
    assert _errors(reading) == []
    notes = _notes(reading)
    for said in (
        "r: It is critical and calls nobody.",
        "r: It has no test.",
        "r: runbook_vi has no Vietnamese letter.",
        "truc: none of the people whom it calls has a contact on a channel that is defined",
        "mail: The environment has no IOC_TEST_MAIL.",
        "mail: no contact of people.csv can name it.",
        "lanh-dao-1 can be told by sms, but channels.toml has no channel sms.",
    ):
        assert said in notes, said
    assert "0900" not in notes


def test_a_unit_of_before_and_an_inhibitor_without_effect_are_notes(pack: Path) -> None:
    reading = _examine(
        pack,
        _rule("site", "kinds = 2", code="site"),
        _rule("dossier", 'situation = "overdue"', more='units = ["go-dau.huyen"]\ninhibited_by = ["site"]'),
    )
    assert _errors(reading) == []
    assert "r: Unit go-dau.huyen holds […, 2025-07-01): nothing new is of it." in _notes(reading)
    assert "r: site never silences it: what it looks at stands at no point." in _notes(reading)


def test_a_channel_that_does_not_send_what_a_rule_is_is_a_note(pack: Path) -> None:
    loud = CHANNEL.format(code="siren", driver="siren", more='least = "major"')
    reading = _examine(pack, _rule(more='policy = "truc"'), channels=loud)
    assert "r: channel siren of its policy truc sends nothing below major, and the rule is minor." in _notes(
        reading
    )


def test_rules_that_name_what_has_a_mistake_of_its_own_are_not_to_blame(pack: Path) -> None:
    broken = _rule("site", "kinds = 2", code="site.outage").replace('"minor"', '"bad"')
    reading = _examine(
        pack,
        broken,
        _rule(more='inhibited_by = ["site.outage"]\npolicy = "truc"'),
        policies=CALLS.replace("[[policy]]", "[[policies]]"),
    )
    assert sorted(error.split(" ")[0] for error in _errors(reading)) == [
        "policies.toml:1:",
        "rules/a.toml:5:",
    ]
    assert reading.usable is not None
    assert [rule.code for rule in reading.usable.alerts.rules] == ["r"]


def test_a_mistake_in_a_rule_leaves_the_pack_usable_and_one_elsewhere_does_not(pack: Path) -> None:
    (pack / "units.csv").write_text("code\n", "utf-8")
    assert _examine(pack, _rule()).usable is None


def test_every_file_of_alerts_is_part_of_the_digest(pack: Path) -> None:
    digests = set()
    for change in ("", "policies.toml", "channels.toml", "rules/a.toml", "rules/b.toml"):
        if not change:
            _examine(pack, _rule())
        else:
            with (pack / change).open("a", encoding="utf-8") as file:
                file.write("# changed\n")
        found = examine(pack).pack
        assert found is not None
        digests.add(found.digest)
    assert len(digests) == 5


def test_a_pack_without_any_of_it_is_in_order(pack: Path) -> None:
    (pack / "rules").rmdir()
    found = examine(pack).pack
    assert found is not None
    assert (found.alerts.rules, found.alerts.policies, found.alerts.channels) == ((), (), ())


TEST = '[[rule.test]]\nname = "t"\n'


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ('see = [{ at = "0s", state = "down" }]\n', "rules/a.toml:9: r: The test does not say what is to happen."),
        ('see = [{ at = "0s", state = "down" }]\nfires_at = "1m"\nnever = true\n', "rules/a.toml:12: r: The test says both fires_at and never."),
        ('never = true\n', "rules/a.toml:9: r: The test sees nothing."),
        ('see = [{ state = "down" }]\nnever = true\n', "rules/a.toml:11: r: at is missing."),
        ('see = [{ at = "0s", state = "broken" }]\nnever = true\n', "rules/a.toml:11: r: state 'broken' is not one of"),
        ('see = [{ at = "0s", value = 3 }]\nnever = true\n', "rules/a.toml:11: r: The key 'value' is not known here."),
        ('see = [{ at = "soon", state = "down" }]\nnever = true\n', "rules/a.toml:11: r: at is no time after the beginning."),
        ('see = [{ at = "1m", state = "ok" }, { at = "0s", state = "ok" }]\nnever = true\n', "rules/a.toml:11: r: What is seen is not in order"),
        ('see = [{ at = "0s", state = "ok" }]\nnever = true\nbegins = "8:00"\n', "rules/a.toml:13: r: begins is no local time."),
        ('see = [{ at = "0s", state = "down" }]\nfires_at = 60\n', "rules/a.toml:12: r: fires_at is no time after the beginning."),
    ],
)  # fmt: skip
def test_a_test_that_makes_no_sense_is_named(pack: Path, test: str, said: str) -> None:
    errors = _errors(_examine(pack, _rule().rstrip() + "\n" + TEST + test))
    assert any(error.startswith(said) for error in errors), errors
