"""Holds boards against the rules of this project, without a database.

Each rule has a name, and in the tests an example that breaks it. A rule can be set aside for one panel, with the
reason, in :data:`EXCLUSIONS`; an exclusion that nothing needs is a fault itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboards import words
from dashboards.functions import FUNCTIONS
from dashboards.model import DATA_SOURCE_UID, Board, Bundle, Language
from dashboards.reading import Found, Role, marks, name_of, panels, queries, variables
from ioc.kpi.catalogue import CATALOGUE

_CALL: Final = re.compile(r"\bioc_board\.(\w+)\s*\(")
_FROM: Final = re.compile(r"\b(?:FROM|JOIN)\s+(?:LATERAL\s+)?(?!ioc_board\.\w+\s*\(|\()", re.IGNORECASE)
_STRANGE: Final = re.compile(
    r";|--|/\*|\b(?:INSERT|UPDATE|DELETE|MERGE|COPY|CREATE|ALTER|DROP|GRANT|TRUNCATE|CALL|DO|SET|LOCK|LISTEN|NOTIFY)\b"
    r"|\b(?:ioc|pg_catalog|information_schema|public)\s*\.",
    re.IGNORECASE,
)
_KPI_CALL: Final = re.compile(r"\bioc_board\.kpi_\w+\((ARRAY\[[^\]]*\]|'[^']*'|[^,)]*)")
_COLUMN: Final = re.compile(r'"[^"]*"')
_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'")
_USED: Final = re.compile(r"\$\{(\w+)(?::\w+)?\}|\[\[(\w+)(?::\w+)?\]\]|\$(?!__)([A-Za-z]\w*)")
_BOARD_LINK: Final = re.compile(r"/d/([\w-]+)")
_OUTSIDE: Final = re.compile(r"(?:https?:)?//[\w.-]+")
_OVER_TIME: Final = ("timeseries", "state-timeline")
_GRID: Final = 24


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that a board breaks."""

    rule: str
    board: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.board}: {self.where}: {self.message} ({self.rule})"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A rule that one panel may break, and why."""

    rule: str
    board: str
    panel: int
    reason: str


#: None is needed.
EXCLUSIONS: Final[tuple[Exclusion, ...]] = ()

Faults = Iterator[Fault]


def lint(bundle: Bundle, exclusions: Sequence[Exclusion] = EXCLUSIONS) -> list[Fault]:
    """Return what breaks a rule; empty where nothing does."""
    found = [fault for rule in BUNDLE_RULES.values() for fault in rule(bundle)]
    found += [fault for board in bundle.boards for rule in BOARD_RULES.values() for fault in rule(board)]
    return _excluded(found, exclusions)


def _excluded(found: Sequence[Fault], exclusions: Sequence[Exclusion]) -> list[Fault]:
    kept, used = [], set()
    for fault in found:
        hit = next(
            (
                one
                for one in exclusions
                if (one.rule, one.board) == (fault.rule, fault.board)
                and fault.where.startswith(f"panel {one.panel} ")
                and one.reason.strip()
            ),
            None,
        )
        if hit is None:
            kept.append(fault)
        else:
            used.add(hit)
    kept += [
        Fault(
            "exclusion",
            one.board,
            f"panel {one.panel}",
            f"rule {one.rule} is set aside for nothing, or without a reason",
        )
        for one in exclusions
        if one not in used
    ]
    return kept


# -- of all boards together -----------------------------------------------------------------------------


def _uids(bundle: Bundle) -> Faults:
    """Boards and folders have uids of their own, which their documents repeat; every folder exists."""
    for uid, many in Counter(board.uid for board in bundle.boards).items():
        if many > 1:
            yield Fault("uids", uid, "board", f"{many} boards have this uid")
    folders = {folder.uid for folder in bundle.folders}
    if len(folders) < len(bundle.folders):
        yield Fault("uids", "folders", "folder", "two folders have one uid")
    for board in bundle.boards:
        if board.document.get("uid") != board.uid or board.document.get("title") != board.title:
            yield Fault("uids", board.uid, "board", "its document has another uid or title")
        if not re.fullmatch(r"[a-z0-9-]{1,40}", board.uid):
            yield Fault(
                "uids",
                board.uid,
                "board",
                "a uid has 40 characters at most, of a-z, 0-9 and -",
            )
        if board.folder_uid not in folders:
            yield Fault("uids", board.uid, "board", f"there is no folder {board.folder_uid}")


def _shape(board: Board) -> list[tuple[object, ...]]:
    return [
        (
            p.get("id"),
            p.get("type"),
            tuple(sorted((p.get("gridPos") or {}).items())),
            len(p.get("targets") or []),
        )
        for p in panels(board)
    ]


def _twins(bundle: Bundle) -> Faults:
    """Each board is there in every language, with the same panels at the same places."""
    by_uid = {board.uid: board for board in bundle.boards}
    for board in bundle.boards:
        stem, _, language = board.uid.rpartition("-")
        if language not in bundle.languages:
            yield Fault("twins", board.uid, "board", "its uid does not end with a language")
            continue
        for other in bundle.languages:
            twin = by_uid.get(f"{stem}-{other}")
            if twin is None:
                yield Fault("twins", board.uid, "board", f"it is not there in {other}")
            elif other > language and _shape(twin) != _shape(board):
                yield Fault("twins", board.uid, "board", f"{twin.uid} has other panels")
            elif other != language and f"/d/{twin.uid}" not in {
                link.get("url") for link in board.document.get("links", [])
            }:
                yield Fault("twins", board.uid, "board", f"nothing leads to {twin.uid}")


def _leads_to(board: Board, twin: Board) -> bool:
    return any(link.get("url") == f"/d/{twin.uid}" for link in board.document.get("links", []))


def _links(bundle: Bundle) -> Faults:
    """What leads to a board leads to one that is there, in the same language or to the twin."""
    known = {board.uid for board in bundle.boards}
    for board in bundle.boards:
        for text in _texts(board.document):
            for uid in _BOARD_LINK.findall(text):
                if uid not in known:
                    yield Fault("links", board.uid, "link", f"there is no board {uid}")


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, Sequence):
        for value in part:
            yield from _texts(value)


# -- of one board ---------------------------------------------------------------------------------------


def _ids(board: Board) -> Faults:
    """Panels have numbers of their own."""
    every = [panel.get("id") for panel in board.document.get("panels", [])]
    for number, many in Counter(every).items():
        if many > 1 or not isinstance(number, int) or number < 1:
            yield Fault("ids", board.uid, f"panel {number}", f"{many} panels have this number")


def _titles(board: Board) -> Faults:
    """Each panel has a title and says what it shows."""
    for panel in panels(board):
        for part in ("title", "description"):
            if not str(panel.get(part) or "").strip():
                yield Fault("titles", board.uid, name_of(panel), f"it has no {part}")


def _defaults(panel: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (panel.get("fieldConfig") or {}).get("defaults") or {}
    return found


def _unknown(board: Board) -> Faults:
    """What is unknown has words, and is a gap in a line."""
    for panel in panels(board):
        if not str(_defaults(panel).get("noValue") or "").strip():
            yield Fault("unknown", board.uid, name_of(panel), "nothing stands where a value is unknown")
        custom = _defaults(panel).get("custom") or {}
        if panel.get("type") == "timeseries" and custom.get("spanNulls") is not False:
            yield Fault("unknown", board.uid, name_of(panel), "its lines run over what is unknown")
        if panel.get("type") == "state-timeline" and not _goes_on(panel):
            yield Fault("unknown", board.uid, name_of(panel), "its states end where another device's change")


def _goes_on(panel: Mapping[str, Any]) -> bool:
    overrides = (panel.get("fieldConfig") or {}).get("overrides") or []
    return any(
        one.get("id") == "custom.spanNulls" and one.get("value") is True
        for override in overrides
        for one in override.get("properties") or []
    )


def _kpis_of(sql: str) -> list[str]:
    return [one for call in _KPI_CALL.findall(sql) for one in _LITERAL.findall(call)]


def _units(board: Board) -> Faults:
    """A panel has a unit of measure: of an indicator the catalogue's, with its places."""
    language = Language(board.uid.rpartition("-")[2]) if board.uid[-2:] in tuple(Language) else Language.EN
    for panel in panels(board):
        unit = _defaults(panel).get("unit")
        if not unit:
            yield Fault("units", board.uid, name_of(panel), "it has no unit of measure")
            continue
        asked = [
            one for target in panel.get("targets") or [] for one in _kpis_of(str(target.get("rawSql", "")))
        ]
        kpis = [CATALOGUE[one] for one in dict.fromkeys(asked) if one in CATALOGUE]
        if not kpis:
            continue
        if panel.get("type") == "table":
            yield from _columns(board, panel, language, kpis)
        elif {words.unit_of(kpi, language) for kpi in kpis} != {unit}:
            yield Fault(
                "units", board.uid, name_of(panel), f"its unit {unit} is not that of {', '.join(asked)}"
            )
        elif any(words.decimals_of(kpi) != _defaults(panel).get("decimals") for kpi in kpis):
            yield Fault("units", board.uid, name_of(panel), "its places are not the catalogue's")


def _columns(board: Board, panel: Mapping[str, Any], language: Language, kpis: Iterable[Any]) -> Faults:
    said = {
        override["matcher"]["options"]: {one["id"]: one.get("value") for one in override["properties"]}
        for override in (panel.get("fieldConfig") or {}).get("overrides") or []
    }
    for kpi in kpis:
        name = words.name_of(kpi, language)
        if said.get(name, {}).get("unit") != words.unit_of(kpi, language):
            yield Fault("units", board.uid, name_of(panel), f"column {name} has not the unit of {kpi.id}")


def _sources(board: Board) -> Faults:
    """Every panel, query, variable and annotation names the one data source."""
    for panel in panels(board):
        if (panel.get("datasource") or {}).get("uid") != DATA_SOURCE_UID:
            yield Fault("sources", board.uid, name_of(panel), "it does not name the data source")
        if not panel.get("targets"):
            yield Fault("sources", board.uid, name_of(panel), "it asks nothing")
    for found in queries(board):
        if found.source != DATA_SOURCE_UID:
            yield Fault("sources", board.uid, found.where, "it does not name the data source")


def _sql(board: Board) -> Faults:
    """Queries call functions of ioc_board and read nothing else; indicators are the catalogue's."""
    for found in queries(board):
        bare = _COLUMN.sub('""', _LITERAL.sub("''", found.sql))
        calls = _CALL.findall(bare)
        if not calls or _FROM.search(bare) or _STRANGE.search(bare):
            yield Fault("sql", board.uid, found.where, "it reads something else than functions of ioc_board")
        for name in calls:
            if name not in FUNCTIONS:
                yield Fault("sql", board.uid, found.where, f"there is no function ioc_board.{name}")
        for call in _KPI_CALL.findall(found.sql):
            ids = _LITERAL.findall(call)
            if not ids or "$" in call:
                yield Fault("sql", board.uid, found.where, "an indicator is asked for, and none is named")
            for one in ids:
                if one not in CATALOGUE:
                    yield Fault("sql", board.uid, found.where, f"there is no indicator {one}")


def _times(board: Board) -> Faults:
    """What is asked about a time is asked about the one that is shown; charts over time ask about one."""
    for found in queries(board):
        calls = [name for name in _CALL.findall(found.sql) if name in FUNCTIONS]
        lacking = sorted({macro for name in calls for macro in FUNCTIONS[name] if macro not in found.sql})
        if lacking:
            yield Fault(
                "times", board.uid, found.where, f"it is not of the time that is shown: {', '.join(lacking)}"
            )
        if _is_over_time(found) and not any(FUNCTIONS[name] for name in calls):
            yield Fault("times", board.uid, found.where, "a chart over time shows something of no time")
        if _is_over_time(found) and found.format != "time_series":
            yield Fault("times", board.uid, found.where, "a chart over time needs the format time_series")


def _is_over_time(found: Found) -> bool:
    return found.role is Role.PANEL and found.panel is not None and found.panel.get("type") in _OVER_TIME


def _declared(board: Board) -> Faults:
    """Variables that are used are declared, once; those of texts in SQL are quoted by Grafana."""
    names = [str(one.get("name")) for one in variables(board)]
    for name, many in Counter(names).items():
        if many > 1:
            yield Fault("variables", board.uid, f"variable {name}", f"it is declared {many} times")
    for text in _texts(board.document):
        for match in _USED.finditer(text):
            name = match[1] or match[2] or match[3]
            if not name.startswith("__") and name not in names:
                yield Fault("variables", board.uid, "text", f"there is no variable {name}: {match[0]}")
    for found in queries(board):
        for match in _USED.finditer(found.sql):
            if not match[0].endswith(":sqlstring}"):
                yield Fault(
                    "variables",
                    board.uid,
                    found.where,
                    f"{match[0]} is not quoted: write ${{name:sqlstring}}",
                )


def _grid(board: Board) -> Faults:
    """Panels lie inside the grid and not over one another."""
    taken: dict[tuple[int, int], object] = {}
    for panel in panels(board):
        at = panel.get("gridPos") or {}
        x, y, w, h = (int(at.get(side, 0)) for side in "xywh")
        if w < 1 or h < 1 or x < 0 or x + w > _GRID:
            yield Fault("grid", board.uid, name_of(panel), f"it does not fit into {_GRID} columns")
        spots = [(column, line) for column in range(x, x + w) for line in range(y, y + h)]
        if hit := next((taken[spot] for spot in spots if spot in taken), None):
            yield Fault("grid", board.uid, name_of(panel), f"it lies over panel {hit}")
        taken.update(dict.fromkeys(spots, panel.get("id")))


def _outside(board: Board) -> Faults:
    """Nothing is loaded from elsewhere: maps have no tiles, texts no addresses."""
    for panel in panels(board):
        if panel.get("type") == "geomap":
            base = (panel.get("options") or {}).get("basemap") or {}
            url = str((base.get("config") or {}).get("url") or "")
            if base.get("type") != "xyz" or not url.startswith("data:"):
                yield Fault("outside", board.uid, name_of(panel), "its ground would be loaded from elsewhere")
        for text in _texts(panel):
            if not text.startswith("data:") and _OUTSIDE.search(text):
                yield Fault("outside", board.uid, name_of(panel), f"it names an address: {text[:80]}")


def _marks(board: Board) -> Faults:
    """Alerts and holidays are marked on every board."""
    asked = " ".join(str(one.get("rawQuery", "")) for one in marks(board))
    for name in ("alert_marks", "day_marks"):
        if f"ioc_board.{name}(" not in asked:
            yield Fault("marks", board.uid, "annotations", f"{name} is missing")


BUNDLE_RULES: Final[Mapping[str, Callable[[Bundle], Faults]]] = {
    "uids": _uids,
    "twins": _twins,
    "links": _links,
}
BOARD_RULES: Final[Mapping[str, Callable[[Board], Faults]]] = {
    "ids": _ids,
    "titles": _titles,
    "unknown": _unknown,
    "units": _units,
    "sources": _sources,
    "sql": _sql,
    "times": _times,
    "variables": _declared,
    "grid": _grid,
    "outside": _outside,
    "marks": _marks,
}
