"""What people may use is described, and what is described is there: settings, commands, endpoints, indicators, metrics,
rules of alerts, pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer.main

from ioc.cli.main import build
from ioc.docs import cli, pages
from ioc.metrics import METRICS
from ioc.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RULES = ROOT / "deploy" / "packs" / "go-dau" / "rules"
WRITTEN = [*DOCS.rglob("*.md"), ROOT / "README.md"]
SETTINGS = {f"IOC_{name.upper()}" for name in Settings.model_fields}
#: What is read by others than the platform's processes: the compose file, scripts, the pack's secrets, tests.
ELSEWHERE = re.compile(
    r"IOC_(CHANNEL_[A-Z]+|DATABASE_PASSWORD|IMAGE|LISTEN|PORT|PYTHON|DRILL_[A-Z_]+|GRAFANA_[A-Z_]+|TEST_[A-Z_]+)"
)

#: What a name ends in that can be a metric's only.
ENDINGS = ("_total", "_seconds", "_records", "_up", "_bytes", "_events")


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return pages()


def texts() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in WRITTEN if "schemas" not in path.parts}


def test_every_setting_is_on_its_page(generated: dict[str, str]) -> None:
    assert [name for name in SETTINGS if f"| `{name}` |" not in generated["settings.md"]] == []


def test_every_command_and_endpoint_is_on_its_page(generated: dict[str, str]) -> None:
    assert [name for name in cli.commands() if f"## {name}\n" not in generated["cli.md"]] == []


def test_every_metric_is_on_its_page_and_on_the_page_of_who_watches(generated: dict[str, str]) -> None:
    assert [name for name in METRICS if f"| `{name}` |" not in generated["metrics.md"]] == []
    assert "reference/metrics.md" in (DOCS / "howto" / "watch-the-platform.md").read_text("utf-8")


def test_every_shipped_rule_of_alerts_is_on_its_page(generated: dict[str, str]) -> None:
    codes = [
        rule["code"]
        for path in sorted(RULES.glob("*.toml"))
        for rule in tomllib.loads(path.read_text("utf-8")).get("rule", ())
    ]
    assert len(codes) > 30
    assert [code for code in codes if f"`{code}`" not in generated["alert-rules.md"]] == []


def test_what_pages_name_is_there() -> None:
    """A page that tells of a setting, a command, a metric or an indicator that is gone misleads."""
    commands = {name.removeprefix("ioc ").split(" ")[0] for name in cli.commands()}
    whole = typer.main.get_command(build())
    commands |= set(getattr(whole, "commands", {}))
    wrong: list[str] = []
    for path, text in texts().items():
        where = path.relative_to(ROOT)
        wrong += [
            f"{where}: {name}"
            for name in set(re.findall(r"\bIOC_[A-Z][A-Z0-9_]*[A-Z0-9]\b", text)) - SETTINGS
            if not ELSEWHERE.fullmatch(name) and not any(known.startswith(name) for known in SETTINGS)
        ]
        for code in re.findall(r"`ioc ([a-z][a-z0-9-]*)[^`]*`", text):
            if code not in commands:
                wrong.append(f"{where}: ioc {code}")
        named = set(re.findall(r"`(ioc_[a-z_]+)`", text))
        wrong += [f"{where}: {name}" for name in named if name.endswith(ENDINGS) and name not in METRICS]
    assert sorted(wrong) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in seen or page.suffix not in {".md", ""}:
            continue
        seen.add(page)
        if page.is_dir():
            waiting += sorted(page.glob("*.md"))
            continue
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target and (page.parent / target).exists():
                waiting.append(page.parent / target)
    lost = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.resolve() not in seen]
    assert lost == [], "name them in README.md, or in a page that it leads to"
