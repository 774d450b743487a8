# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""The index of Decision 766: points, what they are made of, and where they were lost."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import query
from dashboards.frame import Part, Plan
from dashboards.lists import Column, rows
from dashboards.model import Language
from dashboards.panels import Place, Size, by_units, tile, trend
from dashboards.words import Mark
from ioc.index766.formulas import formulas
from ioc.pages.words import Phrase

_GROUPS = (
    "index766.transparency",
    "index766.progress",
    "index766.online_services",
    "index766.online_payment",
    "index766.digitisation",
    "index766.satisfaction",
)
_ORIGINS = {
    "live": Mark("●", Phrase("số liệu tại chỗ", "own facts"), "green"),
    "imported": Mark("○", Phrase("Cổng công bố", "the portal's"), "blue"),
}


def _parts(place: Place) -> Sequence[Part]:
    points = "suffix:điểm" if place.language is Language.VI else "suffix:points"
    return [
        tile(place, "index766.total", size=Size(w=6, h=5)),
        *(tile(place, kpi, size=Size(w=3, h=5)) for kpi in _GROUPS),
        trend(place, ["index766.total"], bars=True, size=Size(w=10, h=9)),
        trend(
            place,
            _GROUPS,
            title=Phrase("Sáu nhóm chỉ tiêu", "The six groups"),
            size=Size(w=14, h=9),
        ),
        rows(
            place,
            "index766",
            [query.UNIT, query.TO],
            [
                Column(name=Phrase("Thành phần", "Component"), sql=_component(place)),
                Column(name=Phrase("Điểm", "Points"), sql="points", unit=points, width=110),
                Column(name=Phrase("Tối đa", "Most"), sql="max_points", unit=points, width=110),
                Column(name=Phrase("Mất", "Lost"), sql="lost", unit=points, width=110),
                Column(name=Phrase("Tử số", "Numerator"), sql="numerator", unit="locale", width=100),
                Column(name=Phrase("Mẫu số", "Denominator"), sql="denominator", unit="locale", width=100),
                Column(name=Phrase("Nguồn", "Source"), sql="origin", marks=_ORIGINS, width=160),
            ],
            title=Phrase("Thành phần trong tháng", "Components of the month"),
            said=Phrase(
                "Tháng mà khoảng thời gian đang xem kết thúc. Thành phần chưa biết thì để trống, không phải 0 điểm: tổng chỉ có khi mọi thành phần đều biết.",
                "Of the month in which the time shown ends. A component that is not known is empty, which is not zero points: there is a total once all of them are known.",
            ),
            size=Size(w=14, h=14),
        ),
        rows(
            place,
            "index766_losses",
            [query.UNIT, query.TO, query.text(place.language.value)],
            [
                Column(name=Phrase("Thành phần", "Component"), sql=_component(place)),
                Column(name=Phrase("Thủ tục", "Procedure"), sql="procedure"),
                Column(name=Phrase("Chưa đạt", "Missing"), sql="missing", unit="locale", width=90),
                Column(name=Phrase("Điểm mất", "Points lost"), sql="points", unit=points, width=110),
            ],
            title=Phrase("Điểm mất ở thủ tục nào", "Points lost, by procedure"),
            said=Phrase(
                "Điểm mà các thành phần tính tại chỗ bị mất trong tháng, theo thủ tục: mỗi thủ tục mất theo số hồ sơ chưa đạt của nó. Nhiều nhất 50 dòng.",
                "Points that components computed here lost in the month, by procedure: each loses in proportion to its dossiers that miss the mark. 50 lines at most.",
            ),
            size=Size(w=10, h=14),
        ),
        by_units(
            place,
            ["index766.total", *_GROUPS],
            title=Phrase("Các đơn vị tháng này", "Units this month"),
            to="index766",
        ),
    ]


def _component(place: Place) -> str:
    """SQL that names a component, as its formula does."""
    names = {
        one.id: one.name_vi if place.language is Language.VI else one.name_en
        for formula in formulas()
        for one in formula.component
    }
    cases = " ".join(
        f"WHEN {query.text(code)} THEN {query.text(name)}" for code, name in sorted(names.items())
    )
    return f"CASE component {cases} ELSE component END"


PLAN = Plan(
    key="index766",
    title=Phrase("Bộ chỉ số 766", "Decision 766"),
    said=Phrase(
        "Bộ chỉ số theo Quyết định 766/QĐ-TTg theo tháng: điểm, thành phần, điểm mất ở đâu.",
        "The index of Decision 766/QĐ-TTg by month: points, components, where points were lost.",
    ),
    parts=_parts,
    page="history",
    since="now-1y",
    refresh="5m",
    has_bucket=False,
)
