"""Every kind of source, and every option of it, is explained to the person who writes the line."""

from __future__ import annotations

from pathlib import Path

from connectors.sources import RUN, SERVED
from ioc.district.source_kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "connect-a-source.md"


def test_every_kind_is_read_by_something_and_stands_in_the_page_with_its_options() -> None:
    assert set(KINDS) == {*RUN, *SERVED}
    rows = {
        line.split("`")[1]: line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")
    }
    assert set(rows) == set(KINDS)
    for name, kind in KINDS.items():
        assert [option for option in kind.options if f"`{option}`" not in rows[name]] == []
