"""Each metric is declared once, says what it means and what to do, and is made from its declaration only."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ioc.docs import metrics as page
from ioc.metrics import METRICS, Kind, Meters, Metric, platform, processes

_ROOT = Path(__file__).parents[3]
_CODE = [
    path
    for folder in ("ioc", "streams", "connectors", "dashboards", "deploy")
    for path in (_ROOT / folder).rglob("*.py")
]
_DECLARED = {
    value.name: f"{module.__name__.rpartition('.')[2]}.{name}"
    for module in (platform, processes)
    for name, value in vars(module).items()
    if isinstance(value, Metric)
}


def test_every_declaration_is_in_the_catalogue_once() -> None:
    assert set(_DECLARED) == set(METRICS)
    assert len(METRICS) == len(platform.PLATFORM) + len(processes.PROCESSES)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda one: one.name)
def test_a_metric_says_what_it_means_and_what_to_do_in_both_languages(metric: Metric) -> None:
    assert re.fullmatch(r"ioc_[a-z0-9_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    for text in (metric.en, metric.vi, metric.remedy_en, metric.remedy_vi):
        assert len(text) > 15
        assert text.endswith(".")
    assert re.search("[à-ỹđ]", metric.vi.lower()), "not Vietnamese"
    assert metric.vi != metric.en
    assert f"| `{metric.name}` |" in page.page()


@pytest.mark.parametrize("name", sorted(_DECLARED))
def test_a_metric_that_is_declared_is_kept_by_somebody(name: str) -> None:
    used = [path for path in _CODE if _DECLARED[name] in path.read_text("utf-8")]
    assert used, f"nobody uses {_DECLARED[name]}"


def test_nobody_makes_a_metric_besides_the_catalogue() -> None:
    found = []
    for path in _CODE:
        if path.is_relative_to(_ROOT / "ioc" / "metrics"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client"):
                found += [f"{path.name}: {a.name}" for a in node.names if a.name != "CONTENT_TYPE_LATEST"]
            elif isinstance(node, ast.Import):
                found += [f"{path.name}: {a.name}" for a in node.names if a.name.startswith("prometheus")]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Metric":
                found.append(f"{path.name}: Metric(...)")
    assert found == []


def test_meters_refuse_what_is_not_declared_or_of_another_kind() -> None:
    meters = Meters()
    stranger = Metric("ioc_x_total", Kind.COUNTER, "", "", "", "")
    with pytest.raises(ValueError, match="not in the catalogue"):
        meters.counter(stranger)
    with pytest.raises(ValueError, match="declared as a counter"):
        meters.gauge(processes.HTTP_REQUESTS)
    with pytest.raises(ValueError, match="not in the catalogue"):
        meters.watch(stranger, list)
