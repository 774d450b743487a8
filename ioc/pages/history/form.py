"""The form of the question. The browser itself sends it, so that the address is the question."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from ioc.history.comparing import Against
from ioc.kpi.catalogue import BUCKETS, CATALOGUE, Bucket
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.question import Areas, read_moment
from ioc.pages.folding import folded
from ioc.pages.history import words
from ioc.pages.history.asked import Wanted
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag, choice, entry, tick
from ioc.pages.places import Unit, named, tree
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase

_PAGE: Final = "/ops/history"
#: Lines to filter by a value: those in use, and one more.
_SPARE: Final = 1


def draw(visit: Visit, wanted: Wanted, units: Sequence[Unit], values: Sequence[tuple[str, str]]) -> None:
    """Draw the form as the question has it.

    :param units: as the API lists them.
    :param values: filters to suggest, ``dimension=value``, each with its name.
    """
    say = visit.say
    with Tag("form", css="ops-form", method="get", action=_PAGE, data_tidy=True, id="question"):
        with Tag("fieldset", css="ops-picks"):
            Tag("legend", say(words.KPIS))
            _search(visit, "kpis")
            with Tag("div", css="ops-list", id="kpis", data_counted=True):
                _kpis(visit, wanted)
        with Tag("details", css="ops-picks", open=bool(wanted.units)):
            with Tag("summary", say(words.UNITS)):
                Tag("span", css="ops-dim", data_count="#units", data_text=f" {say(words.CHOSEN)}")
            _search(visit, "units")
            with Tag("div", css="ops-list", id="units", data_counted=True):
                for depth, unit in tree(units):
                    _unit(visit, wanted, unit, depth)
            Tag("small", say(words.WHOLE), css="ops-dim")
        with Tag("div", css="ops-pair"):
            choice("period", say(words.PERIOD), _periods(visit), wanted.period)
            choice("bucket", say(words.BUCKET), _buckets(visit), wanted.bucket)
        _moment(visit, "from", words.FROM, wanted.start)
        _moment(visit, "to", words.TO, wanted.end)
        with Tag("div", css="ops-pair"):
            choice("by", say(words.BY), _dimensions(visit), wanted.by)
            choice(
                "compare",
                say(words.COMPARE),
                [("", say(words.NO_COMPARISON)), *((one.value, say(words.AGAINST[one])) for one in Against)],
                wanted.compare,
            )
        beyond = bool(wanted.where or wanted.as_of or wanted.areas or wanted.known)
        with Tag("details", css="ops-picks", open=beyond):
            Tag("summary", say(words.MORE))
            for value in (*wanted.where, *[""] * _SPARE):
                entry("where", say(words.WHERE), value, hint=say(words.WHERE_HINT), suggestions="values")
            with Tag("datalist", id="values"):
                for value, name in values:
                    Tag("option", name, value=value)
            _moment(visit, "as_of", words.AS_OF, wanted.as_of, words.AS_OF_HINT)
            _moment(visit, "known", words.KNOWN, wanted.known, words.KNOWN_HINT)
            choice(
                "areas",
                say(words.AREAS),
                [("", say(words.AREA[Areas.AS_WAS])), (Areas.REMAPPED, say(words.AREA[Areas.REMAPPED]))],
                "" if wanted.areas == Areas.AS_WAS else wanted.areas,
            )
        with Tag("div", css="ops-row"):
            Tag("button", say(words.SHOW), css="ops-act ops-act-first", type="submit")
            Link(say(words.ANEW), _PAGE)
            Tag("span", css="ops-dim", role="status", data_asking=say(words.ASKING))


def _search(visit: Visit, what: str) -> None:
    Tag(
        "input",
        type="search",
        maxlength=100,
        placeholder=visit.say(words.FIND),
        aria_label=visit.say(words.FIND),
        data_filter=f"#{what}",
    )
    Tag("span", css="ops-dim", role="status", data_found=f"#{what}", data_text=visit.say(words.FOUND))


def _kpis(visit: Visit, wanted: Wanted) -> None:
    for subject, kpis in groupby(CATALOGUE.values(), key=lambda kpi: kpi.subject):
        name = visit.say(words.SUBJECTS.get(subject, Phrase(subject, subject)))
        with Tag("div", css="ops-group", role="group", aria_label=name, data_group=True):
            Tag("strong", name)
            for kpi in kpis:
                names = Phrase(kpi.name_vi, kpi.name_en)
                tick(
                    "ids",
                    visit.say(names),
                    kpi.id,
                    ticked=kpi.id in wanted.kpis,
                    data_words=folded(f"{names.vi} {names.en} {kpi.id} {name}"),
                    title=kpi.id,
                )
    for unknown in wanted.kpis:
        if unknown not in CATALOGUE:
            tick("ids", unknown, unknown, ticked=True, data_words=folded(unknown))


def _unit(visit: Visit, wanted: Wanted, unit: Unit, depth: int) -> None:
    name = named(visit, unit)
    tick(
        "units",
        name,
        unit["code"],
        ticked=unit["code"] in wanted.units,
        data_words=folded(f"{name} {unit['name']['en']} {unit['code']}"),
        style=f"margin-inline-start:{min(depth, 6)}rem",
    )


def _periods(visit: Visit) -> list[tuple[str, str]]:
    return [("", visit.say(words.RANGE)), *((name, visit.say(text)) for name, text in words.PERIODS.items())]


def _buckets(visit: Visit) -> list[tuple[str, str]]:
    return [
        ("", visit.say(words.USUAL)),
        *((name, visit.say(words.BUCKETS[Bucket(name)])) for name in BUCKETS),
    ]


def _dimensions(visit: Visit) -> list[tuple[str, str]]:
    known = dict.fromkeys(name for kpi in CATALOGUE.values() for name in kpi.dimensions)
    return [
        ("", visit.say(words.NOT_SPLIT)),
        *((name, visit.say(words.DIMENSIONS.get(name, Phrase(name, name)))) for name in known),
    ]


def _moment(visit: Visit, name: str, label: Phrase, typed: str, hint: Phrase | None = None) -> None:
    """A moment to choose; what can't be read as one stays as it was typed, to be put right."""
    shown = _local(typed, visit.zone)
    entry(
        name,
        visit.say(label),
        typed if shown is None else shown,
        kind="text" if shown is None else "datetime-local",
        hint=visit.say(hint) if hint else "",
    )


def _local(typed: str, zone: ZoneInfo) -> str | None:
    if not typed:
        return ""
    try:
        moment = read_moment(typed, zone, what="")
    except BadQuestionError:
        return None
    local = moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
    return local.isoformat(timespec="seconds" if local.second else "minutes")
