"""The catalogue holds the contract's indicators, whole, and nothing else asks their tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ioc.kpi import CATALOGUE, Kpi
from ioc.kpi.install import definition_sql, functions_sql

_ROOT = Path(__file__).parents[3]


def test_the_set_is_there_under_the_ids_of_the_contract() -> None:
    assert list(CATALOGUE) == [
        "dossier.received",
        "dossier.completed",
        "dossier.on_time_rate",
        "dossier.open",
        "dossier.overdue",
        "dossier.online_rate",
        "dossier.withdrawn",
        "dossier.paused",
        "dossier.late_rate_gialai",
        "dossier.due_24h",
        "dossier.late_without_apology",
        "dossier.paid_online_rate",
        "dossier.digitised_rate",
        "dossier.processing_days_p50",
        "dossier.processing_days_p90",
        "dossier.satisfaction",
        "queue.issued",
        "queue.waiting",
        "queue.wait_p50",
        "queue.wait_p90",
        "queue.served_within_15m",
        "queue.no_show_rate",
        "queue.abandonment_rate",
        "camera.availability",
        "camera.degraded",
        "camera.unknown",
        "camera.maintenance",
        "camera.down",
        "camera.frozen",
        "camera.stalled",
        "camera.clock_offset",
        "camera.mttr",
        "wifi.availability",
        "wifi.degraded",
        "wifi.unknown",
        "wifi.maintenance",
        "wifi.down",
        "wifi.clients",
        "wifi.clients_max",
        "wifi.saturated",
        "wifi.loss",
        "wifi.rtt_p50",
        "wifi.internet_ok_rate",
        "wifi.traffic",
        "platform.lag",
        "platform.freshness",
        "platform.dead_letters",
    ]


@pytest.mark.parametrize("kpi", CATALOGUE.values(), ids=lambda kpi: kpi.id)
def test_a_definition_is_whole(kpi: Kpi) -> None:
    words = (kpi.name_vi, kpi.name_en, kpi.formula_vi, kpi.formula_en, kpi.numerator, kpi.when_empty)
    assert all(text.strip() for text in words)
    assert kpi.version >= 1
    assert kpi.dimensions
    if kpi.keeps_corrections:
        assert kpi.numerator_measures
        assert bool(kpi.denominator_measures) == kpi.is_ratio
    if kpi.denominator_measures:
        assert kpi.is_ratio
        assert kpi.numerator_measures
    assert (kpi.device_kind > 0) == kpi.source.startswith("device")


def test_every_indicator_is_generated_into_sql_once() -> None:
    generated = re.findall(r"ROW\(\d+, '([a-z0-9_.]+)', (\d+),", definition_sql())
    assert generated == [(kpi.id, str(kpi.version)) for kpi in CATALOGUE.values()]
    assert "Measure." not in functions_sql()


#: Who may touch the measures' tables: those who write, fold and time them, the schema, the functions.
_ALLOWED = ("ioc/kpi/", "ioc/storage/migrations/", "streams/", "ioc/platform/", "deploy/bench/")
_TABLES = re.compile(
    r"\b(?:from|join)\s+ioc\.(dossier_ledger|dossier_series|device_minute|device_quarter|device_hour|device_day|device_month|device_run|sample_hour|sample_day|ticket|platform_sample)\b",
    re.IGNORECASE,
)


def test_nobody_else_has_sql_of_his_own_for_an_indicator() -> None:
    found = [
        f"{path.relative_to(_ROOT)}: {match.group(0)}"
        for folder in ("ioc", "connectors", "dashboards", "deploy")
        for path in (_ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".json", ".yaml", ".toml"}
        and not str(path.relative_to(_ROOT)).startswith(_ALLOWED)
        for match in _TABLES.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "ask ioc.kpi.query or the ioc.kpi_* functions instead"
