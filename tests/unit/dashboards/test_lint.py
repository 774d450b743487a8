# ruff: noqa: S608 - one mutant a line, and none of them runs
"""Each rule catches a board that breaks it, and nothing else of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dashboards.build import build
from dashboards.lint import BOARD_RULES, BUNDLE_RULES, Exclusion, lint
from dashboards.model import Board, Bundle

GOOD = build()
Change = Callable[[dict[str, Any]], object]


def with_board(change: Change, uid: str = "ioc-onestop-vi") -> Bundle:
    """The boards, one of them changed."""
    boards = []
    for board in GOOD.boards:
        document: Any = copy.deepcopy(board.document) if board.uid == uid else board.document
        if board.uid == uid:
            change(document)
        boards.append(replace(board, document=document))
    return replace(GOOD, boards=tuple(boards))


def panel(document: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["panels"] if one["type"] == kind)
    return found


def asks(kind: str, sql: str) -> Change:
    return lambda d: panel(d, kind)["targets"][0].update(rawSql=sql)


def default(kind: str, **settings: object) -> Change:
    return lambda d: panel(d, kind)["fieldConfig"]["defaults"].update(settings)


def rules(bundle: Bundle) -> set[str]:
    return {fault.rule for fault in lint(bundle)}


SERIES = "ioc_board.kpi_series('dossier.received', ${unit:sqlstring}, $__timeFrom(), $__timeTo(), '1d')"

MUTANTS: list[tuple[str, str, Change]] = [
    ("ids", "two panels with one number", lambda d: d["panels"][1].update(id=d["panels"][0]["id"])),
    ("ids", "a panel without a number", lambda d: d["panels"][1].pop("id")),
    ("titles", "no title", lambda d: panel(d, "stat").update(title=" ")),
    ("titles", "no description", lambda d: panel(d, "table").pop("description")),
    ("unknown", "no words for what is unknown", default("stat", noValue="")),
    (
        "unknown",
        "lines over gaps",
        lambda d: panel(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(spanNulls=True),
    ),
    ("units", "no unit", lambda d: panel(d, "timeseries")["fieldConfig"]["defaults"].pop("unit")),
    ("units", "another unit than the catalogue's", default("stat", unit="percent")),
    ("units", "other places than the catalogue's", default("stat", decimals=3)),
    ("units", "a column without its unit", lambda d: panel(d, "table")["fieldConfig"]["overrides"].pop(1)),
    (
        "sources",
        "a panel of another data source",
        lambda d: panel(d, "stat")["datasource"].update(uid="mine"),
    ),
    (
        "sources",
        "a query of another data source",
        lambda d: panel(d, "stat")["targets"][0]["datasource"].update(uid="mine"),
    ),
    (
        "sources",
        "a variable of another data source",
        lambda d: d["templating"]["list"][0]["datasource"].update(uid="mine"),
    ),
    (
        "sources",
        "an annotation of another data source",
        lambda d: d["annotations"]["list"][0]["datasource"].update(uid="mine"),
    ),
    ("sources", "a panel that asks nothing", lambda d: panel(d, "stat").update(targets=[])),
    ("sql", "an indicator of its own", asks("table", "SELECT count(*) FROM ioc.dossier")),
    ("sql", "a table joined to a function", asks("stat", f"SELECT 1 FROM {SERIES} s JOIN dossier d ON true")),
    ("sql", "a table read aside", asks("stat", f"SELECT (SELECT count(*) FROM dossier), 1 FROM {SERIES}")),
    ("sql", "nothing at all", asks("stat", "SELECT 98")),
    ("sql", "two statements", asks("stat", f"SELECT 1 FROM {SERIES}; SELECT 2")),
    ("sql", "a change", asks("stat", f"UPDATE x SET a = 1 FROM {SERIES}")),
    ("sql", "a function that is not there", asks("stat", "SELECT * FROM ioc_board.everything()")),
    (
        "sql",
        "an indicator that is not there",
        asks("stat", f"SELECT * FROM {SERIES}".replace("received", "recieved")),
    ),
    (
        "sql",
        "an indicator from a variable",
        asks("stat", "SELECT * FROM ioc_board.kpi_now(${bucket:sqlstring}, ${unit:sqlstring})"),
    ),
    (
        "times",
        "another time than the one shown",
        asks("timeseries", f"SELECT * FROM {SERIES.replace('$__timeTo()', 'now()')}"),
    ),
    (
        "times",
        "a chart of now",
        asks("timeseries", "SELECT * FROM ioc_board.kpi_now(ARRAY['dossier.received'], ${unit:sqlstring})"),
    ),
    ("times", "a chart of rows", lambda d: panel(d, "timeseries")["targets"][0].update(format="table")),
    ("variables", "one that is not declared", lambda d: d["templating"]["list"].pop(0)),
    ("variables", "one declared twice", lambda d: d["templating"]["list"].append(d["templating"]["list"][0])),
    ("variables", "one in a link that is not declared", lambda d: panel(d, "stat").update(title="${gone}")),
    (
        "variables",
        "one that is not quoted",
        asks("stat", f"SELECT * FROM {SERIES.replace(':sqlstring', ':raw')}"),
    ),
    ("grid", "two panels in one place", lambda d: d["panels"][1]["gridPos"].update(x=0, y=0)),
    ("grid", "a panel beyond the edge", lambda d: d["panels"][0]["gridPos"].update(x=23)),
    (
        "outside",
        "a picture from elsewhere",
        lambda d: panel(d, "stat").update(description="![x](https://example.com/x.png)"),
    ),
    ("marks", "no alerts on the charts", lambda d: d["annotations"]["list"].pop(0)),
    ("marks", "no holidays on the charts", lambda d: d["annotations"]["list"].pop(1)),
    (
        "links",
        "to a board that is not there",
        lambda d: panel(d, "stat").update(links=[{"url": "/d/ioc-gone-vi"}]),
    ),
    ("twins", "a panel that the other language lacks", lambda d: d["panels"].pop()),
    ("twins", "no way to the other language", lambda d: d["links"].pop(1)),
    ("uids", "a document with another uid", lambda d: d.update(uid="other")),
]


@pytest.mark.parametrize(
    ("rule", "change"), [(r, c) for r, _, c in MUTANTS], ids=[f"{r}: {w}" for r, w, _ in MUTANTS]
)
def test_caught(rule: str, change: Change) -> None:
    assert rule in rules(with_board(change))


def test_tiles_of_a_map_from_elsewhere_are_caught() -> None:
    def tiles(document: dict[str, Any]) -> None:
        panel(document, "geomap")["options"]["basemap"] = {"type": "osm-standard", "name": "x"}

    assert rules(with_board(tiles, "ioc-wall-vi")) == {"outside"}


def test_states_that_end_with_another_devices_are_caught() -> None:
    def torn(document: dict[str, Any]) -> None:
        panel(document, "state-timeline")["fieldConfig"]["overrides"].clear()

    assert rules(with_board(torn, "ioc-cameras-vi")) == {"unknown"}


def _boards(change: Callable[[tuple[Board, ...]], tuple[Board, ...]]) -> Bundle:
    return replace(GOOD, boards=change(GOOD.boards))


def test_uids_and_folders_of_all_boards_together() -> None:
    first = GOOD.boards[0]
    assert "uids" in rules(_boards(lambda boards: (*boards, first)))
    assert "uids" in rules(_boards(lambda boards: (replace(first, folder_uid="gone"), *boards[1:])))
    assert "uids" in rules(_boards(lambda boards: (replace(first, uid="IOC wall"), *boards[1:])))
    assert "uids" in rules(replace(GOOD, folders=(*GOOD.folders, GOOD.folders[0])))
    assert "twins" in rules(_boards(lambda boards: boards[1:]))
    assert "twins" in rules(_boards(lambda boards: (replace(first, uid="wall"), *boards[1:])))


def test_every_rule_has_its_mutant() -> None:
    assert {rule for rule, _, _ in MUTANTS} == {*BOARD_RULES, *BUNDLE_RULES}


def test_a_rule_is_set_aside_for_one_panel_with_a_reason_only() -> None:
    broken = with_board(default("stat", unit="percent"))
    number = panel(dict(GOOD.boards[1].document), "stat")["id"]
    (fault,) = lint(broken)
    excluded = Exclusion("units", fault.board, number, "the field's own way to write it")
    assert lint(broken, [excluded]) == []
    assert rules_with(broken, replace(excluded, reason=" ")) == {"units", "exclusion"}
    assert rules_with(broken, replace(excluded, panel=number + 1)) == {"units", "exclusion"}
    assert rules_with(GOOD, excluded) == {"exclusion"}


def rules_with(bundle: Bundle, exclusion: Exclusion) -> set[str]:
    return {fault.rule for fault in lint(bundle, [exclusion])}
