"""The catalogue holds the contract's indicators, whole."""

from __future__ import annotations

import re

import pytest

from ioc.kpi import CATALOGUE, Kpi
from ioc.kpi.install import definition_sql, functions_sql


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
        "dossier.surge",
        "index766.total",
        "index766.transparency",
        "index766.progress",
        "index766.online_services",
        "index766.online_payment",
        "index766.digitisation",
        "index766.satisfaction",
        "queue.issued",
        "queue.waiting",
        "queue.wait_p50",
        "queue.wait_p90",
        "queue.served_within_15m",
        "queue.no_show_rate",
        "queue.abandonment_rate",
        "queue.surge",
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
        "alerts.round_trip",
    ]


#: The contract's list, its shorthands spelled out. ``index766.*`` come with the part of the
#: platform that makes their figures.
_CONTRACT = {
    "dossier": "received completed withdrawn paused on_time_rate late_rate_gialai open overdue due_24h "
    "late_without_apology online_rate paid_online_rate digitised_rate "
    "processing_days_p50 processing_days_p90 satisfaction surge",
    "queue": "issued waiting wait_p50 wait_p90 served_within_15m no_show_rate abandonment_rate",
    "camera": "availability degraded down frozen stalled clock_offset mttr",
    "wifi": "availability clients loss rtt_p50 internet_ok_rate traffic saturated",
    "platform": "lag freshness dead_letters",
    "alerts": "round_trip",
}


def test_no_indicator_of_the_contract_is_missing() -> None:
    promised = {f"{subject}.{word}" for subject, words in _CONTRACT.items() for word in words.split()}
    assert promised - set(CATALOGUE) == set()


@pytest.mark.parametrize("kpi", CATALOGUE.values(), ids=lambda kpi: kpi.id)
def test_a_definition_is_whole(kpi: Kpi) -> None:
    words = (kpi.name_vi, kpi.name_en, kpi.formula_vi, kpi.formula_en, kpi.numerator, kpi.when_empty)
    assert all(text.strip() for text in words)
    assert kpi.version >= 1
    assert kpi.dimensions
    if kpi.subject == "dossier":
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
