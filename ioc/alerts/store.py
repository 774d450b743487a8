"""Rules, policies and channels in force, from the database: steps, driven by whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ioc.alerts.encoding import channel_from_json, policy_from_json, rule_from_json
from ioc.alerts.model import Channel, Policy, Rule
from ioc.kpi.query import Steps

_RULES: Final = (
    "SELECT rule_id, code, definition::text FROM ioc.alert_rule WHERE NOT retired ORDER BY position, rule_id"
)
_POLICIES: Final = "SELECT code, definition::text FROM ioc.alert_policy ORDER BY code"
_CHANNELS: Final = "SELECT code, definition::text FROM ioc.alert_channel ORDER BY code"


@dataclass(frozen=True)
class KeptRule:
    """A rule with the number that signals and alerts know it by; the number outlives every change of the rule."""

    id: int
    rule: Rule


def rules_of() -> Steps[dict[str, KeptRule]]:
    """Steps to the rules in force, by their codes, in the pack's order.

    :raises EncodingError: a definition is of a newer platform; see :mod:`ioc.alerts.encoding`.
    """
    rows = yield _RULES, ()
    return {code: KeptRule(number, rule_from_json(text)) for number, code, text in rows}


def policies_of() -> Steps[dict[str, Policy]]:
    """Steps to the policies in force, by their codes."""
    rows = yield _POLICIES, ()
    return {code: policy_from_json(text) for code, text in rows}


def channels_of() -> Steps[dict[str, Channel]]:
    """Steps to the channels in force, by their codes."""
    rows = yield _CHANNELS, ()
    return {code: channel_from_json(text) for code, text in rows}
