"""The page about alerts says all that packs may write, and its examples are rules, policies and channels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ioc.alerts.model import Kind
from ioc.district.alert_calls import CHANNEL_KEYS, DRIVERS, POLICY_KEYS, read_policies
from ioc.district.alert_rules import RULE_KEYS, WHEN_KEYS, read_rules
from ioc.district.alert_trials import SEEN_KEYS, TRIAL_KEYS
from ioc.district.problems import Problems
from ioc.district.toml_blocks import Lost

PAGE = (Path(__file__).parents[2] / "docs" / "concepts" / "alerts.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_described_with_its_keys_and_what_its_tests_can_see(kind: Kind) -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind.value}` |")]
    assert len(lines) == 2
    for key in WHEN_KEYS.get(kind, ()):
        assert f"`{key}`" in lines[0] or f"`{key} =" in lines[0], key
    for key in set(SEEN_KEYS[kind]) - {"at"}:
        assert f"`{key}`" in lines[1] or f"`{key} =" in lines[1], key


@pytest.mark.parametrize("key", sorted({*RULE_KEYS, *TRIAL_KEYS, *POLICY_KEYS, *CHANNEL_KEYS, *DRIVERS}))
def test_each_key_is_named(key: str) -> None:
    assert re.search(rf"`{key}[` ,]|^{key} = |\.{key}\]\]|`{key}`, `", PAGE, re.MULTILINE), key


def test_examples_are_in_order(tmp_path: Path) -> None:
    rule, trial, policy = EXAMPLES
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.toml").write_text(rule + trial, "utf-8")
    (tmp_path / "policies.toml").write_text(policy, "utf-8")
    problems = Problems()
    rules, trials = read_rules(tmp_path, problems, Lost())
    assert (len(rules), len(trials), len(read_policies(tmp_path, problems, Lost()))) == (1, 1, 1)
    assert problems.found == []
