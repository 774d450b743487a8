"""Rules, policies and channels go to the database as text and come back the same."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts import model
from ioc.alerts.encoding import (
    EncodingError,
    channel_from_json,
    channel_to_json,
    policy_from_json,
    policy_to_json,
    rule_from_json,
    rule_to_json,
)
from ioc.alerts.model import Channel, Kind, Policy, QuietHours, Rule, Severity, Step, Target

_words = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_lengths = st.timedeltas(timedelta(0), timedelta(days=400))
_figures = st.floats(allow_nan=False, allow_infinity=False)
_codes = st.tuples(_words) | st.just(()) | st.tuples(_words, _words)
_CONDITIONS = {
    Kind.DEVICE: st.builds(
        model.DeviceCondition,
        device=_words,
        states=_codes,
        flag=st.none() | _words,
        reason=st.none() | _words,
        clients_at_most=st.none() | st.integers(0, 1000),
    ),
    Kind.DOSSIER: st.builds(
        model.DossierCondition, situation=_words, after=_lengths, before=st.none() | _lengths
    ),
    Kind.KPI: st.builds(
        model.KpiCondition,
        kpi=_words,
        above=st.none() | _figures,
        below=st.none() | _figures,
        target=st.booleans(),
        clear=st.none() | _figures,
        least=st.none() | _figures,
        units=_codes,
        each=st.booleans(),
    ),
    Kind.ABSENCE: st.builds(model.AbsenceCondition, of=_words, name=_words, longer=st.none() | _lengths),
    Kind.SITE: st.builds(model.SiteCondition, kinds=st.integers(1, 3)),
    Kind.READING: st.builds(
        model.ReadingCondition, reading=_words, above=st.none() | _figures, below=st.none() | _figures
    ),
    Kind.SYNTHETIC: st.just(model.SyntheticCondition()),
}
_rules = st.sampled_from(list(Kind)).flatmap(
    lambda kind: st.builds(
        Rule,
        code=_words,
        name_vi=_words,
        name_en=_words,
        severity=st.sampled_from(Severity),
        kind=st.just(kind),
        condition=_CONDITIONS[kind],
        runbook_vi=_words,
        runbook_en=_words,
        holds_for=_lengths,
        clear_for=_lengths,
        hours=st.sampled_from(model.Hours),
        during=st.none()
        | st.builds(model.Schedule, st.times(), st.times(), st.lists(_words, max_size=3).map(tuple)),
        units=_codes,
        group_by=st.sampled_from(model.Grouping),
        inhibited_by=_codes,
        remind=st.none() | _lengths,
        policy=st.none() | _words,
    )
)
_maybe = st.none() | _words
_targets = st.lists(
    st.builds(Target, roster=_maybe, layer=_maybe, person=_maybe, channel=_maybe), max_size=3
).map(tuple)
_policies = st.builds(
    Policy,
    code=_words,
    name_vi=_words,
    name_en=_words,
    steps=st.lists(st.builds(Step, after=_lengths, targets=_targets), max_size=3).map(tuple),
    repeat=st.integers(0, 20),
    fallback=_targets,
    ack_for=st.none() | _lengths,
)
_channels = st.builds(
    Channel,
    code=_words,
    driver=_words,
    secret=_words,
    least=st.sampled_from(Severity),
    bundle=_lengths,
    most_per_hour=st.none() | st.integers(1, 1000),
    timeout=_lengths,
    attempts=st.integers(1, 30),
    quiet=st.none()
    | st.builds(QuietHours, start=st.times(), end=st.times(), below=st.sampled_from(Severity)),
)


@given(_rules)
def test_a_rule_comes_back_as_it_was(rule: Rule) -> None:
    text = rule_to_json(rule)
    assert rule_from_json(text) == rule
    assert rule_to_json(rule_from_json(text)) == text


@given(_policies)
def test_a_policy_comes_back_as_it_was(policy: Policy) -> None:
    assert policy_from_json(policy_to_json(policy)) == policy


@given(_channels)
def test_a_channel_comes_back_as_it_was(channel: Channel) -> None:
    assert channel_from_json(channel_to_json(channel)) == channel


_RULE = Rule(
    code="camera.down",
    name_vi="Camera mất tín hiệu",
    name_en="Camera down",
    severity=Severity.MAJOR,
    kind=Kind.DEVICE,
    condition=model.DeviceCondition("camera", states=("down",)),
    runbook_vi="Kiểm tra nguồn.",
)


def test_the_text_does_not_depend_on_where_the_rule_stood() -> None:
    assert rule_to_json(replace(_RULE, file="rules/cameras.toml", line=12)) == rule_to_json(_RULE)


def test_keys_of_the_database_in_any_order_and_left_out_defaults_are_read() -> None:
    found = json.loads(rule_to_json(_RULE))
    del found["remind"], found["condition"]["flag"]
    assert rule_from_json(json.dumps(dict(reversed(found.items())))) == _RULE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mood": "calm"}, "rule has keys that are not known: mood."),
        (
            {"condition": {"device": "camera", "smell": 1}},
            "rule.condition has keys that are not known: smell.",
        ),
        ({"condition": []}, "rule.condition is no object."),
        ({"kind": "weather"}, "rule.kind: Invalid enum value 'weather'."),
        ({"severity": 9}, "rule.severity: Invalid enum value 9."),
        ({"holds_for": "soon"}, "rule.holds_for: Invalid ISO8601 duration."),
    ],
)
def test_what_is_not_known_is_refused(change: dict[str, object], said: str) -> None:
    text = json.dumps({**json.loads(rule_to_json(_RULE)), **change})
    with pytest.raises(EncodingError) as caught:
        rule_from_json(text)
    assert caught.value.message == said


def test_what_is_missing_or_no_json_is_refused() -> None:
    with pytest.raises(EncodingError, match=r"rule lacks code, name_vi"):
        rule_from_json("{}")
    with pytest.raises(EncodingError, match=r"The policy is no JSON"):
        policy_from_json("{")
    with pytest.raises(
        EncodingError, match=r"policy.steps\[0\].targets\[0\] has keys that are not known: whom"
    ):
        policy_from_json(
            '{"code":"p","name_vi":"","name_en":"","steps":[{"after":"PT0S","targets":[{"whom":"x"}]}]}'
        )
    with pytest.raises(EncodingError, match=r"channel.quiet lacks below"):
        channel_from_json('{"code":"c","driver":"siren","quiet":{"start":"21:00:00","end":"06:00:00"}}')


def test_quiet_hours_and_every_field_of_a_channel_are_kept() -> None:
    channel = Channel("sms", "apprise", "env:SMS", quiet=QuietHours(time(21), time(6), Severity.MAJOR))
    assert set(json.loads(channel_to_json(channel))) == {f.name for f in fields(Channel)} - {"line"}
    assert channel_from_json(channel_to_json(channel)) == channel
