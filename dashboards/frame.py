"""What every board has around its panels: variables, links, marks of alerts and holidays, time and refresh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import dashboard as model

from dashboards import query, words
from dashboards.model import Language
from dashboards.panels import Place
from ioc.pages.words import Phrase

#: Panels that a board consists of, and the headings between them.
Part = Phrase | cogbuilder.Builder[model.Panel]
_BUCKETS: Final = (
    ("auto", Phrase("tự động", "as fits")),
    ("15min", Phrase("15 phút", "15 minutes")),
    ("1h", Phrase("giờ", "hour")),
    ("1d", Phrase("ngày", "day")),
    ("1mo", Phrase("tháng", "month")),
)
_SHIFTS: Final = (
    ("1 week", Phrase("một tuần", "a week")),
    ("4 weeks", Phrase("bốn tuần", "four weeks")),
    ("1 month", Phrase("một tháng", "a month")),
    ("1 year", Phrase("một năm", "a year")),
)
#: How often a board asks anew while somebody looks at it.
_REFRESH: Final = "30s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A board in every language, before it is built."""

    key: str
    title: Phrase
    said: Phrase
    """What it is for."""
    parts: Callable[[Place], Sequence[Part]]
    page: str
    """Page of the operations room that it goes with."""
    since: str = "now-24h"
    refresh: str = _REFRESH
    has_bucket: bool = True
    """Whether people choose by what its charts are divided."""
    compares: bool = False
    """Whether it has variables for an earlier period, another unit, and what was known when."""


class _Annotation(model.AnnotationQuery):
    """Marks that a query gives. The SDK knows no PostgreSQL: old releases read ``rawQuery``, newer ones ``target``."""

    def __init__(self, asked: query.PostgresQuery, **fields: Any) -> None:
        super().__init__(datasource=query.SOURCE, enable=True, **fields)
        self._asked = asked

    def to_json(self) -> dict[str, object]:
        found = dict(super().to_json())
        found["rawQuery"] = self._asked.raw_sql
        found["target"] = self._asked.named("Anno").to_json()
        return found


class _Marks(cogbuilder.Builder[model.AnnotationQuery]):
    def __init__(self, name: str, colour: str, asked: query.PostgresQuery) -> None:
        self._built = _Annotation(asked, name=name, icon_color=colour)

    def build(self) -> model.AnnotationQuery:
        return self._built


def built(plan: Plan, language: Language, public_url: str) -> model.Dashboard:
    """Return the board in one language, as Grafana's model.

    :param public_url: where people reach the operations room, without a slash at its end.
    """
    place = Place(language)
    board = (
        dashboard.Dashboard(place.say(plan.title))
        .uid(uid_of(plan.key, language))
        .description(place.say(plan.said))
        .tags(["ioc", f"ioc-{language}"])
        .timezone("browser")
        .time(plan.since, "now")
        .refresh(plan.refresh)
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .variables(_variables(plan, place, public_url))
        .links(_links(plan, place))
        .annotations(_marks(place))
    )
    for number, part in enumerate(plan.parts(place), 1):
        if isinstance(part, Phrase):
            board.with_row(dashboard.Row(place.say(part)).id(number))
        else:
            panel = part.build()
            panel.id_val = number
            board.with_panel(_Built(panel))
    return board.build()


def uid_of(key: str, language: Language) -> str:
    """Fixed uid of a board."""
    return f"ioc-{key}-{language}"


class _Built(cogbuilder.Builder[model.Panel]):
    def __init__(self, panel: model.Panel) -> None:
        self._panel = panel

    def build(self) -> model.Panel:
        return self._panel


def _variables(plan: Plan, place: Place, public_url: str) -> list[cogbuilder.Builder[model.VariableModel]]:
    found: list[cogbuilder.Builder[model.VariableModel]] = [
        _units("unit", place.say(words.UNIT), place.language)
    ]
    if plan.compares:
        found.append(_units("other", place.say(words.OTHER), place.language))
        found.append(_choice("before", words.BEFORE, _SHIFTS, place))
        found.append(
            dashboard.TextBoxVariable("as_of")
            .label(place.say(words.AS_OF))
            .description(place.say(words.AS_OF_HELP))
            .default_value("")
        )
    if plan.has_bucket:
        found.append(_choice("bucket", words.BUCKET, _BUCKETS, place))
    found.append(dashboard.ConstantVariable("ioc_url").label(place.say(words.OPERATIONS)).value(public_url))
    return found


def _units(name: str, label: str, language: Language) -> cogbuilder.Builder[model.VariableModel]:
    """Units by name; Grafana chooses the first by itself, which is the district."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(query.SOURCE)
        .query(query.unit_choice(language).raw_sql)
        .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(model.VariableSort.DISABLED)
        .multi(False)
        .include_all(False)
    )


def _choice(
    name: str, label: Phrase, values: Sequence[tuple[str, Phrase]], place: Place
) -> cogbuilder.Builder[model.VariableModel]:
    options = [
        model.VariableOption(selected=number == 0, text=place.say(said), value=value)
        for number, (value, said) in enumerate(values)
    ]
    return (
        dashboard.CustomVariable(name)
        .label(place.say(label))
        .values(", ".join(f"{place.say(said)} : {value}" for value, said in values))
        .options(options)
        .current(options[0])
        .multi(False)
        .include_all(False)
    )


def _links(plan: Plan, place: Place) -> list[cogbuilder.Builder[model.DashboardLink]]:
    other = Language.EN if place.language is Language.VI else Language.VI
    return [
        dashboard.DashboardLink(place.say(words.BOARDS))
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([f"ioc-{place.language}"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True),
        dashboard.DashboardLink(place.say(words.OTHER_LANGUAGE))
        .type(model.DashboardLinkType.LINK)
        .icon("exchange-alt")
        .url(f"/d/{uid_of(plan.key, other)}")
        .include_vars(True)
        .keep_time(True),
        dashboard.DashboardLink(place.say(words.OPERATIONS))
        .type(model.DashboardLinkType.LINK)
        .icon("external link")
        .url(place.page(plan.page)),
    ]


def _marks(place: Place) -> list[cogbuilder.Builder[model.AnnotationQuery]]:
    language = query.text(place.language.value)
    return [
        _Marks(
            place.say(words.ALERT_MARKS),
            "red",
            query.listed("alert_marks", [query.UNIT, query.FROM, query.TO, language]),
        ),
        _Marks(
            place.say(words.DAY_MARKS), "blue", query.listed("day_marks", [query.FROM, query.TO, language])
        ),
    ]
