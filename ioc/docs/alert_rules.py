"""``alert-rules.md``: the rules, policies and channels of the shipped pack, and the readings that rules may ask for."""

from __future__ import annotations

from collections.abc import Iterator

from ioc.alerts.durations import duration_text
from ioc.alerts.model import Policy, Rule, Target
from ioc.alerts.readings import READINGS
from ioc.alerts.words import rule_words
from ioc.cli.district import shipped_pack
from ioc.district import read_pack
from ioc.docs.markdown import code, document, table


def page() -> str:
    """Return the page."""
    alerts = read_pack(shipped_pack()).alerts
    intro = (
        "What the Gò Dầu pack raises alerts for. How rules are written: [alerts](../concepts/alerts.md). "
        "`ioc rules list` shows those of any pack, `ioc rules test` tries them."
    )
    overview = table(
        ("rule", "tên", "name", "severity", "when", "clears after", "one alert for each", "policy"),
        (
            (
                code(rule.code),
                rule.name_vi,
                rule.name_en,
                rule.severity.word,
                rule_words(rule, "en"),
                duration_text(rule.clear_for),
                rule.group_by.value,
                code(rule.policy or ""),
            )
            for rule in alerts.rules
        ),
    )
    policies = table(
        ("policy", "tên", "name", "calls", "again", "fallback", "an acknowledgement lasts"),
        (
            (
                code(policy.code),
                policy.name_vi,
                policy.name_en,
                _steps(policy),
                f"{policy.repeat} times" if policy.repeat else "-",
                _targets(policy.fallback) or "-",
                duration_text(policy.ack_for) if policy.ack_for else "until it clears",
            )
            for policy in alerts.policies
        ),
    )
    channels = table(
        ("channel", "driver", "secret", "from severity", "bundle", "most in an hour", "quiet"),
        (
            (
                code(channel.code),
                channel.driver,
                code(channel.secret),
                channel.least.word,
                duration_text(channel.bundle),
                "-" if channel.most_per_hour is None else str(channel.most_per_hour),
                "-"
                if channel.quiet is None
                else f"{channel.quiet.start:%H:%M} to {channel.quiet.end:%H:%M} below {channel.quiet.below.word}",
            )
            for channel in alerts.channels
        ),
    )
    readings = table(
        ("reading", "unit", "instance", "là gì", "what it is"),
        ((code(one.name), one.unit, one.instance, one.vi, one.en) for one in READINGS.values()),
    )
    return document(
        "Rules of alerts · Quy tắc báo động",
        intro,
        overview,
        "## What to do then · Việc cần làm",
        table(("rule", "việc cần làm", "what to do"), (_runbook(rule) for rule in alerts.rules)),
        "## Inhibition and reminders",
        table(("rule", "silenced by", "told again after"), _beside(alerts.rules)),
        "## Policies",
        policies,
        "## Channels",
        channels,
        "## Readings",
        readings,
    )


def _runbook(rule: Rule) -> tuple[str, str, str]:
    return code(rule.code), rule.runbook_vi, rule.runbook_en


def _beside(rules: tuple[Rule, ...]) -> Iterator[tuple[str, str, str]]:
    for rule in rules:
        if rule.inhibited_by or rule.remind:
            again = duration_text(rule.remind) if rule.remind else "-"
            yield code(rule.code), ", ".join(map(code, rule.inhibited_by)) or "-", again


def _steps(policy: Policy) -> str:
    told = []
    for place, step in enumerate(policy.steps):
        when = "at once" if not place and not step.after else f"after {duration_text(step.after)}"
        told.append(f"{when}: {_targets(step.targets)}")
    return "; ".join(told)


def _targets(targets: tuple[Target, ...]) -> str:
    return " and ".join(
        code("/".join(filter(None, (target.roster, target.layer, target.person, target.channel))))
        for target in targets
    )
