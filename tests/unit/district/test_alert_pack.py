"""What the Gò Dầu pack says of alerts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer.main

from ioc.alerts.model import Kind, Rule, Severity
from ioc.alerts.trial import Trial
from ioc.alerts.trying import try_rule
from ioc.alerts.words import LANGUAGES, rule_words
from ioc.cli.main import build
from ioc.district import Pack, examine

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
PACK = examine(SHIPPED).pack
assert PACK is not None
RULES = PACK.alerts.rules


@pytest.fixture(scope="module")
def pack() -> Pack:
    assert PACK is not None
    return PACK


@pytest.mark.parametrize("trial", PACK.trials, ids=lambda trial: f"{trial.rule.code} {trial.name}")
def test_every_rule_does_what_its_tests_expect(trial: Trial, pack: Pack) -> None:
    tried = try_rule(trial, pack.calendar)
    assert tried.passed, tried.told()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_tests_of_a_rule_notice_when_it_becomes_another(rule: Rule, pack: Pack) -> None:
    """Tests that pass whatever the rule says would be worth nothing."""
    trials = [trial for trial in pack.trials if trial.rule == rule]
    assert any(trial.fires_at for trial in trials)
    changed = [replace(rule, holds_for=rule.holds_for + timedelta(hours=30))]
    if rule.clear_for:
        changed.append(replace(rule, clear_for=timedelta(0)))
    for other in changed:
        if other.kind is Kind.SYNTHETIC:
            continue
        assert not all(try_rule(replace(trial, rule=other), pack.calendar).passed for trial in trials)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_says_what_to_do_in_both_languages(rule: Rule) -> None:
    assert not rule.runbook_vi.isascii()
    assert rule.runbook_en
    for language in LANGUAGES:
        assert rule_words(rule, language)


def test_commands_that_runbooks_name_exist() -> None:
    whole = typer.main.get_command(build())
    texts = " ".join(text for rule in RULES for text in (rule.runbook_vi, rule.runbook_en))
    named = set(re.findall(r"`ioc ([a-z-]+)(?: ([a-z-]+))?", texts))
    assert named
    for group, command in sorted(named - {("deliver", "")}):
        found = whole.commands[group]
        assert not command or command in found.commands, f"ioc {group} {command}"


def test_dossiers_have_the_three_levels_of_lateness(pack: Pack) -> None:
    rules = {rule.code: rule for rule in RULES}
    levels = [rules[code] for code in ("dossier.due-soon", "dossier.overdue", "dossier.overdue-48h")]
    assert [rule.severity for rule in levels] == sorted({rule.severity for rule in levels})
    assert [rule.policy for rule in levels] == ["muc-1", "muc-2", "muc-3"]
    assert {rule.group_by.value for rule in levels} == {"unit"}


def test_a_site_that_is_out_silences_each_of_its_devices_before_they_call(pack: Pack) -> None:
    site = next(rule for rule in RULES if rule.kind is Kind.SITE)
    devices = [rule for rule in RULES if rule.kind is Kind.DEVICE and rule.severity >= Severity.WARNING]
    assert devices
    for rule in devices:
        assert site.code in rule.inhibited_by, rule.code
        assert site.holds_for < rule.holds_for, rule.code


def test_operations_duty_comes_first_then_the_leader_then_both_and_the_room_when_nobody_is_there(
    pack: Pack,
) -> None:
    policy = next(policy for policy in pack.alerts.policies if policy.code == "truc")
    layers = [[target.layer for target in step.targets] for step in policy.steps]
    assert layers == [["truc-ban"], ["lanh-dao"], ["truc-ban", "lanh-dao"]]
    assert [target.channel for target in policy.fallback] == ["siren"]
