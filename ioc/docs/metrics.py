"""``metrics.md``: every metric with its meaning and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

from ioc.docs.markdown import code, document, table
from ioc.metrics import Metric
from ioc.metrics.platform import PLATFORM
from ioc.metrics.processes import PROCESSES


def page() -> str:
    """Return the page."""
    intro = (
        "`GET /metrics` of the API shows all of them: what the database says of the platform, and what every process "
        "that lives wrote of itself in the last 15 seconds or so, with the label `process`. With `IOC_METRICS_PORT` "
        "each process shows its own too; connectors, which need no database, show theirs only there. How to watch: "
        "[howto](../howto/watch-the-platform.md)."
    )
    return document(
        "Metrics · Số đo",
        intro,
        "## The platform · Nền tảng",
        _rows(PLATFORM),
        "## Processes · Tiến trình",
        _rows(PROCESSES),
    )


def _rows(metrics: Iterable[Metric]) -> str:
    return table(
        ("metric", "kind", "labels", "of", "meaning · ý nghĩa", "what to do · cần làm gì"),
        (
            (
                code(one.name),
                one.kind.value,
                ", ".join(map(code, one.labels)),
                ", ".join(one.of) or "the platform",
                f"{one.en} · {one.vi}",
                f"{one.remedy_en} · {one.remedy_vi}",
            )
            for one in metrics
        ),
    )
