"""What a district pack says of alerts: its rules with their tests, policies and channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ioc.alerts.model import AlertPack
from ioc.alerts.trial import Trial
from ioc.district.alert_calls import CHANNELS, POLICIES, read_channels, read_policies
from ioc.district.alert_checks import LostAlerts
from ioc.district.alert_rules import FOLDER, read_rules, rule_files
from ioc.district.problems import Problems

#: Files beside the rules' own.
FILES: Final = (POLICIES, CHANNELS)


@dataclass(frozen=True)
class AlertReading:
    """What came of reading."""

    alerts: AlertPack
    trials: tuple[Trial, ...]
    lost: LostAlerts


def alert_files(folder: Path) -> list[str]:
    """Names of all files of a pack that speak of alerts, from its folder on."""
    return [*FILES, *(f"{FOLDER}/{path.name}" for path in rule_files(folder))]


def is_of_alerts(file: str) -> bool:
    """Whether a finding about this file is one about alerts."""
    return file in (*FILES, FOLDER) or file.startswith(f"{FOLDER}/")


def read_alerts(folder: Path, problems: Problems) -> AlertReading:
    """Read the files; what has a mistake is left out."""
    lost = LostAlerts()
    rules, trials = read_rules(folder, problems, lost.rules)
    policies = read_policies(folder, problems, lost.policies)
    channels = read_channels(folder, problems, lost.channels)
    return AlertReading(AlertPack(tuple(rules), tuple(policies), tuple(channels)), tuple(trials), lost)


def without_bad(alerts: AlertPack, problems: Problems) -> AlertPack:
    """Leave out what the checks found a mistake in; the pack's word is whole only where there is none."""
    bad = {(problem.file, problem.line) for problem in problems.errors if is_of_alerts(problem.file)}
    return replace(
        alerts,
        rules=tuple(rule for rule in alerts.rules if (rule.file, rule.line) not in bad),
        policies=tuple(policy for policy in alerts.policies if (POLICIES, policy.line) not in bad),
        channels=tuple(channel for channel in alerts.channels if (CHANNELS, channel.line) not in bad),
        whole=not bad,
    )
