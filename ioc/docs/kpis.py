"""``kpis.md``: every indicator's definition."""

from __future__ import annotations

from ioc.docs.markdown import code, document, table
from ioc.kpi import CATALOGUE, Kpi


def page() -> str:
    """Return the page."""
    intro = (
        "Every surface asks for these by id: `ioc kpi show`, `/api/v1/kpis`, boards, rules. Why they are defined "
        "as they are: [concepts](../concepts/kpis.md)."
    )
    overview = table(
        ("id", "tên", "name", "unit of measure", "better"),
        (
            (
                f"[`{kpi.id}`](#{_anchor(kpi)})",
                kpi.name_vi,
                kpi.name_en,
                kpi.unit_of_measure,
                kpi.direction.value,
            )
            for kpi in CATALOGUE.values()
        ),
    )
    return document("Indicators · Chỉ số", intro, overview, *(_section(kpi) for kpi in CATALOGUE.values()))


def _anchor(kpi: Kpi) -> str:
    return kpi.id.replace(".", "")


def _as_of(kpi: Kpi) -> str:
    if kpi.device_kind:
        return "from the samples that were known then, while samples are kept"
    return "what was sampled by then" if kpi.subject == "platform" else "yes"


def _section(kpi: Kpi) -> str:
    facts = table(
        ("", ""),
        (
            ("version", str(kpi.version)),
            ("numerator", kpi.numerator),
            ("denominator", kpi.denominator or "none: the numerator is the value"),
            ("over units", kpi.over_units.value),
            ("over time", kpi.over_time.value),
            ("nothing to count", kpi.when_empty),
            ("current figure", kpi.current_window.value),
            ("dimensions", ", ".join(code(dimension) for dimension in kpi.dimensions)),
            ("as of an earlier moment", _as_of(kpi)),
        ),
    )
    return f"## {kpi.id}\n\n**{kpi.name_vi}.** {kpi.formula_vi}\n\n**{kpi.name_en}.** {kpi.formula_en}\n\n{facts}"
