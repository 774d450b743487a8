"""No surface computes an indicator by itself: it asks :mod:`ioc.kpi.query` or the ``ioc.kpi_*`` functions.

Looks at the syntax of Python and at every SQL text in it, whatever it is called and however it is put together.
Tables are known from the migrations: one that is made tomorrow may not be summed over by a surface either.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_MIGRATIONS = _ROOT / "ioc" / "storage" / "migrations" / "sql"

#: What asks: everything but those who define, write, fold, time or prove the figures.
_SURFACES = ("ioc", "connectors", "dashboards", "deploy")
_ENGINE = ("ioc/kpi/", "ioc/index766/formulas.py", "ioc/storage/", "ioc/platform/", "deploy/bench/")

#: Tables of what is measured: no surface has any business there.
_MEASURES = re.compile(
    r"^(dossier_ledger|dossier_series|dossier_pending|dossier_day|dossier_month|dossier_series_month|device_(minute|quarter|hour|day|day_end|month|run|run_pending|sample)"
    r"|(camera|wifi)_sample|sample_\w+|queue_(minute|hour|day|month)\w*|platform_sample)$"
)
#: Tables that hold no facts; they may be counted.
_NOT_FACTS = {
    "access_log",
    "agency",
    "agency_unmapped",
    "alembic_version",
    "alert",
    "alert_book",
    "alert_channel",
    "alert_event",
    "alert_flap",
    "alert_message",
    "alert_message_alert",
    "alert_policy",
    "alert_rule",
    "alert_signal",
    "alert_step",
    "api_key",
    "channel_position",
    "connector",
    "connector_change",
    "device",
    "disclosure_edition",
    "disclosure_group",
    "disclosure_key",
    "district",
    "duty_change",
    "duty_edition",
    "duty_log",
    "duty_notice",
    "duty_person",
    "duty_roster",
    "duty_version",
    "heartbeat",
    "kpi_release",
    "kpi_target",
    "maintenance",
    "partition_offset",
    "partition_silence",
    "point",
    "procedure",
    "question",
    "reader",
    "reading",
    "restored",
    "session",
    "source",
    "source_halt",
    "unit",
    "unit_edge",
    "unit_member",
    "window_close",
}
#: Functions of the engine below the entry points: whoever calls them makes an indicator of his own.
_INNER = re.compile(
    r"\bioc\.(dossier_cells|dossier_first_facts|device_sums|device_runs|sample_sums|sample_cells|queue_ends|kpi_points"
    r"|kpi_(dossier|device|sample|queue)_\w+|area_parts|area_points)\s*\(",
    re.IGNORECASE,
)
_READ = re.compile(r"\b(?:from|join)\s+(?:only\s+)?ioc\.\"?([a-z_]+)", re.IGNORECASE)
_SUMMED = re.compile(
    r"\b(count|sum|avg|min|max|percentile_(?:cont|disc)|mode|stddev\w*|bool_(?:or|and)|array_agg)\s*\(|\bgroup\s+by\b|\bover\s*\(",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"\bioc\.kpi_(series|current)\w*\s*\(", re.IGNORECASE)
_AVERAGED = re.compile(
    r"\b(avg|percentile_(?:cont|disc)|stddev\w*)\s*\(|\bsum\s*\(\s*(\w+\.)?value\b", re.IGNORECASE
)

#: What reads facts row by row and counts something that is no indicator, with the reason.
_EXCEPTIONS = {
    ("ioc/alerts/looking/silence.py", "ticket"): "a kiosk's silence is measured from its newest ticket",
    (
        "ioc/alerts/looking/sweep.py",
        "dossier_ledger",
    ): "the periods of single dossiers, as the indicators define them",
    ("ioc/api/metrics.py", "unreadable"): "Prometheus is told what waits to be looked at, per topic",
    ("ioc/history/device_now.py", "camera_sample"): "the newest sample of single devices, as it is",
    ("ioc/history/device_now.py", "wifi_sample"): "the newest sample of single devices, as it is",
    (
        "ioc/privacy/accessing.py",
        "dossier_ledger",
    ): "what one dossier adds to the figures, for whom it is about",
    ("ioc/privacy/erasing.py", "dossier_ledger"): "entries of one dossier move to its tombstone",
    ("ioc/privacy/texts.py", "dossier_alias"): "rows that name one dossier",
    ("ioc/privacy/texts.py", "unreadable"): "records that name one dossier",
    ("ioc/watch/flow.py", "unreadable"): "ioc status counts what a halted source's repair will send",
    ("ioc/platform/dead_letters.py", "unreadable"): "what waits to be looked at, by reason",
}


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module, those that are put together of pieces as one; what is filled in reads as a blank."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        text = _joined(node)
        if text is not None:
            inside.update(id(part) for part in ast.walk(node))
            yield getattr(node, "lineno", 0), text


def _joined(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_joined(part) or " " for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _joined(node.left), _joined(node.right)
        return None if left is None and right is None else f"{left or ' '}{right or ' '}"
    return None


def _wrong_sql(text: str, place: str) -> Iterator[str]:
    read = set(_READ.findall(text))
    for table in sorted(read):
        if (place.rsplit(":", 1)[0], table) in _EXCEPTIONS:
            continue
        if _MEASURES.match(table):
            yield f"{place} reads ioc.{table}"
        elif table in _tables() - _NOT_FACTS and _SUMMED.search(text):
            yield f"{place} sums over ioc.{table}"
    if inner := _INNER.search(text):
        yield f"{place} calls ioc.{inner[1]}, which is no entry point"
    if _ANSWERS.search(text) and _AVERAGED.search(text):
        yield f"{place} averages answers"


def _wrong_arithmetic(tree: ast.AST, place: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv):
            words = {_word(side) for side in (node.left, node.right)}
            if words & {"numerator", "denominator"}:
                yield f"{place}:{node.lineno} divides a numerator or denominator"


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return ""


def _tables() -> set[str]:
    return {
        name
        for path in _MIGRATIONS.glob("*.sql")
        for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?ioc\.(\w+)", path.read_text("utf-8"))
    }


def _wrong(root: Path) -> list[str]:
    found: list[str] = []
    for folder in _SURFACES:
        for path in sorted((root / folder).rglob("*")):
            place = path.relative_to(root).as_posix()
            if place.startswith(_ENGINE) or not path.is_file():
                continue
            if path.suffix == ".py":
                tree = ast.parse(path.read_text("utf-8"))
                for line, text in _texts(tree):
                    found += _wrong_sql(text, f"{place}:{line}")
                found += _wrong_arithmetic(tree, place)
            elif path.suffix in {".sql", ".json", ".yaml", ".yml", ".toml", ".libsonnet"}:
                found += _wrong_sql(path.read_text("utf-8"), f"{place}:1")
    return found


def test_no_surface_computes_an_indicator_by_itself() -> None:
    assert _wrong(_ROOT) == [], (
        "Ask ioc.kpi.query or ioc.kpi_series/kpi_current. A new table without facts belongs into _NOT_FACTS; a count "
        "that is no indicator into _EXCEPTIONS, with its reason."
    )


def test_what_the_check_knows_by_name_is_there() -> None:
    tables = _tables()
    assert {"dossier_ledger", "device_minute", "device_hour", "wifi_sample", "ticket", "dossier"} <= tables
    assert tables >= _NOT_FACTS - {"alembic_version"}
    for path, table in _EXCEPTIONS:
        assert f"ioc.{table}" in (_ROOT / path).read_text("utf-8"), f"{path} no longer needs its exception"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('Q = "SELECT sum(delta) FROM ioc.dossier_ledger WHERE measure = 1"', "reads ioc.dossier_ledger"),
        ('Q = "select up_ms from ioc.device_hour"', "reads ioc.device_hour"),
        (
            'def f(t):\n    return "SELECT count(*) " + f"FROM ioc.ticket WHERE unit_id = {t}"',
            "sums over ioc.ticket",
        ),
        (
            'Q = (\n    "SELECT status, count(*)"\n    " FROM ioc.dossier"\n    " GROUP BY 1"\n)',
            "sums over ioc.dossier",
        ),
        (
            'Q = "SELECT max(t) FROM ioc.unit JOIN ioc.dossier_fact USING (unit_id)"',
            "sums over ioc.dossier_fact",
        ),
        ('Q = "SELECT * FROM ioc.kpi_dossier_flow(1)"', "which is no entry point"),
        ('Q = "SELECT avg(value) FROM ioc.kpi_series(%s)"', "averages answers"),
        ("def rate(p):\n    return p.numerator / p.denominator", "divides a numerator"),
        ("def rate(p):\n    return sum(p) / p['denominator']", "divides a numerator"),
    ],
)
@pytest.mark.parametrize("place", ["ioc/api/planted.py", "dashboards/planted.py", "ioc/cli/planted.py"])
def test_a_planted_violation_is_found(tmp_path: Path, source: str, words: str, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(source, "utf-8")
    found = _wrong(tmp_path)
    assert len(found) == 1, found
    assert found[0].startswith(place)
    assert words in found[0]


def test_a_planted_board_is_found_and_honest_questions_are_not(tmp_path: Path) -> None:
    board = tmp_path / "dashboards" / "board.json"
    board.parent.mkdir()
    board.write_text('{"rawSql": "SELECT avg(up_ms) FROM ioc.device_day"}', "utf-8")
    assert _wrong(tmp_path) == ["dashboards/board.json:1 reads ioc.device_day"]
    board.write_text('{"rawSql": "SELECT time, value FROM ioc.kpi_series($1, $2)"}', "utf-8")
    honest = tmp_path / "ioc" / "api" / "honest.py"
    honest.parent.mkdir(parents=True)
    honest.write_text(
        'A = "SELECT code, due_at FROM ioc.dossier ORDER BY code LIMIT 10"\n'
        'B = "SELECT count(*) FROM ioc.unit"\n'
        'C = "SELECT sum(numerator), sum(denominator) FROM ioc.kpi_series(%s)"\n',
        "utf-8",
    )
    assert _wrong(tmp_path) == []
