"""Documentation can't fall behind: generated pages are current, and everything that people may use is described."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
import typer.main

from ioc.cli.main import build
from ioc.docs import cli, events, http, pages, settings
from ioc.events import CameraProbed, CameraSample, Status, encode
from ioc.kpi import CATALOGUE

_DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return pages()


def test_generated_pages_are_current(generated: dict[str, str]) -> None:
    stale = [
        name
        for name, text in generated.items()
        if not (_DOCS / "reference" / name).exists()
        or (_DOCS / "reference" / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run: python -m ioc.docs"


def test_no_schema_is_left_over(generated: dict[str, str]) -> None:
    kept = {f"schemas/{path.name}" for path in (_DOCS / "reference" / "schemas").iterdir()}
    assert kept == {name for name in generated if name.startswith("schemas/")}


def test_every_indicator_is_explained(generated: dict[str, str]) -> None:
    concepts = (_DOCS / "concepts" / "kpis.md").read_text(encoding="utf-8")
    for kpi in CATALOGUE.values():
        assert f"`{kpi.id}`" in concepts, kpi.id
        assert f"## {kpi.id}\n" in generated["kpis.md"], kpi.id
        assert kpi.formula_vi in generated["kpis.md"]


def test_every_setting_says_what_it_is_for() -> None:
    empty = [
        name for name, text in settings.descriptions().items() if len(text) < 10 and name != "model_config"
    ]
    assert empty == []


def test_every_command_has_help_with_an_example_and_its_options_are_explained() -> None:
    found = cli.commands()
    assert {"ioc up", "ioc kpi show", "ioc serve"} <= set(found)
    for name, command in found.items():
        assert command.help, name
        assert "Example: ioc " in command.help, name
        for option in command.params:
            assert option.help or option.param_type_name == "argument", f"{name} {option.name}"


def test_every_group_of_commands_has_an_example() -> None:
    whole: Any = typer.main.get_command(build())
    groups = {name: found for name, found in whole.commands.items() if hasattr(found, "commands")}
    assert {"kpi", "repair"} <= set(groups)
    assert [name for name, found in groups.items() if f"Example: ioc {name} " not in (found.help or "")] == []


def test_every_operation_is_on_the_page(generated: dict[str, str]) -> None:
    for path, operations in http.description()["paths"].items():
        for method in operations:
            assert f"## {method.upper()} {path}\n" in generated["http.md"]


def test_every_event_is_on_the_page_with_each_of_its_fields(generated: dict[str, str]) -> None:
    for name, (_, struct) in events.types().items():
        assert f"`{name}`" in generated["events.md"]
        payload = next(field for field in msgspec.structs.fields(struct) if field.name == "data").type
        section = generated["events.md"].split(f"## Data: {payload.__name__}\n")[1].split("\n## ")[0]
        for field in msgspec.structs.fields(payload):
            assert f"| `{field.encode_name}` |" in section, f"{name}.{field.name}"


def test_a_schema_lets_an_event_through_and_stops_a_broken_one(generated: dict[str, str]) -> None:
    event = CameraProbed(
        specversion="1.0",
        id="1",
        source="//test",
        subject="cam-1",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        data=CameraSample(unit="go-dau", verdict=Status.OK, fps=25.0),
    )
    schema = json.loads(generated["schemas/ioc.camera.probed.v1.json"])
    document = json.loads(encode(event))
    checker = jsonschema.Draft202012Validator(schema)
    checker.validate(document)
    for broken in (
        {**document, "type": "ioc.camera.seen.v1"},
        {**document, "data": {"unit": "go-dau"}},
        {**document, "data": {**document["data"], "verdict": "fine"}},
        {**document, "subject": ""},
    ):
        assert not checker.is_valid(broken), broken


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(_DOCS)}: {target}"
        for page in _DOCS.rglob("*.md")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
