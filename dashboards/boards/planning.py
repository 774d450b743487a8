# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Planning: a period against an earlier one, a unit against another, and what was known at a moment."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import query
from dashboards.frame import Part, Plan
from dashboards.panels import THIRD, Line, Place, Size, by_units, chart
from ioc.kpi.catalogue import find
from ioc.kpi.definition import Direction
from ioc.pages.words import Phrase

_KPIS = (
    "dossier.received",
    "dossier.on_time_rate",
    "dossier.overdue",
    "dossier.processing_days_p90",
    "dossier.online_rate",
    "queue.wait_p90",
    "camera.availability",
    "wifi.availability",
)
_THIS = Phrase("Kỳ này", "This period")
_BEFORE = Phrase("Kỳ trước", "Earlier period")
_UNIT = Phrase("Đơn vị đã chọn", "The unit")
_OTHER = Phrase("Đơn vị so sánh", "The other unit")
_NOW = Phrase("Theo hiểu biết hiện nay", "As known now")
_THEN = Phrase("Theo hiểu biết lúc đó", "As known then")


def _parts(place: Place) -> Sequence[Part]:
    found: list[Part] = []
    for kpi_id in _KPIS:
        kpi = find(kpi_id)
        found.append(Phrase(kpi.name_vi, kpi.name_en))
        found += [_periods(place, kpi_id), _units(place, kpi_id), _known(place, kpi_id)]
    found.append(Phrase("Các đơn vị", "Units"))
    found.append(
        by_units(
            place,
            _KPIS,
            title=Phrase("Các đơn vị lúc này", "Units now"),
            to="planning",
            size=Size(w=24, h=10),
        )
    )
    return found


def _periods(place: Place, kpi_id: str) -> Part:
    language = place.language
    lines = [
        Line(query.series(kpi_id, language, label=place.say(_THIS), as_of=query.AS_OF)),
        Line(
            query.before(kpi_id, label=place.say(_BEFORE), as_of=query.AS_OF),
            dashed=True,
            colour="purple",
        ),
    ]
    if find(kpi_id).direction is not Direction.NONE:
        lines.append(Line(query.target(kpi_id, language), dashed=True, colour="text"))
    return chart(
        place,
        kpi_id,
        lines,
        title=place.say(Phrase("So với kỳ trước", "Against an earlier period")),
        size=THIRD,
        more=place.say(
            Phrase(
                "Đường nét đứt là kỳ trước, dời đến để nằm dưới kỳ này.",
                "The dashed line is the earlier period, moved on to lie under this one.",
            )
        ),
    )


def _units(place: Place, kpi_id: str) -> Part:
    language = place.language
    return chart(
        place,
        kpi_id,
        [
            Line(query.series(kpi_id, language, label=place.say(_UNIT), as_of=query.AS_OF)),
            Line(
                query.series(
                    kpi_id, language, label=place.say(_OTHER), unit=query.OTHER_UNIT, as_of=query.AS_OF
                ),
                colour="orange",
            ),
        ],
        title=place.say(Phrase("So với đơn vị khác", "Against another unit")),
        size=THIRD,
    )


def _known(place: Place, kpi_id: str) -> Part:
    language = place.language
    return chart(
        place,
        kpi_id,
        [
            Line(query.series(kpi_id, language, label=place.say(_NOW))),
            Line(
                query.series(kpi_id, language, label=place.say(_THEN), as_of=query.AS_OF),
                dashed=True,
                colour="semi-dark-orange",
            ),
        ],
        title=place.say(Phrase("Theo những gì đã biết lúc đó", "As it was known then")),
        size=THIRD,
        more=place.say(
            Phrase(
                "Sự kiện đến muộn và được sửa làm đổi số của kỳ mà chúng thuộc về. Nét đứt là số đã thấy vào lúc chọn ở trên.",
                "Late and corrected facts change the period that they belong to. The dashed line is what was seen at the moment chosen above.",
            )
        ),
    )


PLAN = Plan(
    key="planning",
    title=Phrase("Hoạch định", "Planning"),
    said=Phrase(
        "So một kỳ với kỳ trước, một đơn vị với đơn vị khác, và số đã biết vào một thời điểm.",
        "A period against an earlier one, a unit against another, and what was known at a moment.",
    ),
    parts=_parts,
    page="history",
    since="now-30d",
    refresh="5m",
    compares=True,
)
