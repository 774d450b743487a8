"""How figures read on the first page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ioc.api.page import _WORDS, _row, _shown
from ioc.kpi.catalogue import CATALOGUE, find
from ioc.kpi.query import Current


@pytest.mark.parametrize(
    ("kpi", "value", "above", "below", "vi", "en"),
    [
        ("dossier.open", 1234, 1234, None, "1.234 hồ sơ", "1,234 dossiers"),
        ("dossier.on_time_rate", 0.5, 617, 1234, "50,0 %\n617 trên 1.234", "50.0 %\n617 of 1,234"),
        ("camera.availability", 0.8962, 58_080, 64_800, "89,6 %", "89.6 %"),
        ("wifi.clients", 50.66, 15_200, 300, "50,7 máy", "50.7 clients"),
        ("platform.freshness", 48.2, 48.2, None, "48 giây", "48 s"),
        ("platform.freshness", 119.9, 119.9, None, "120 giây", "120 s"),
        ("platform.freshness", 260, 260, None, "4 phút", "4 min"),
        ("platform.freshness", 3 * 86_400, 3 * 86_400, None, "3 ngày", "3 days"),
    ],
)
def test_numbers_are_written_as_the_language_has_them(
    kpi: str, value: float, above: float, below: float | None, vi: str, en: str
) -> None:
    figure = Current(kpi, None, datetime(2026, 3, 2, tzinfo=UTC), value, above, below)
    assert _shown(figure, find(kpi), "vi") == vi
    assert _shown(figure, find(kpi), "en") == en


@pytest.mark.parametrize("lang", sorted(_WORDS))
def test_every_indicator_can_be_shown(lang: str) -> None:
    for kpi in CATALOGUE.values():
        figure = Current(kpi.id, None, datetime(2026, 3, 2, tzinfo=UTC), 1.5, 3, 2)
        assert kpi.id in _row(figure, kpi, lang)
