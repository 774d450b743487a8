"""``ioc dashboards build`` and ``check``: what they write, say and end with."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ioc.cli.main import build as command_line


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command_line(), ["dashboards", *arguments])
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_build_writes_and_check_holds_the_folder_against_it(tmp_path: Path) -> None:
    assert run("build") == (0, "18 boards in boards; 18 files were written anew.\n")
    assert run("build", "--check") == (0, "boards holds the 18 boards as they are built.\n")
    file = tmp_path / "boards" / "ioc-en" / "ioc-wall-en.json"
    file.write_text(file.read_text().replace("Operations wall", "My wall"))
    code, said = run("build", "--check")
    assert code == 1
    assert said.startswith("boards/ioc-en/ioc-wall-en.json is another board\n")
    assert "run ioc dashboards build --out boards" in said


def test_links_follow_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_PUBLIC_URL", "https://ioc.example.vn")
    run("build", "--out", "here")
    assert "https://ioc.example.vn" in (tmp_path / "here" / "ioc-vi" / "ioc-wall-vi.json").read_text()


def test_rules_alone_need_no_database() -> None:
    assert run("check", "--rules-only") == (0, "18 boards, 0 faults.\n")
