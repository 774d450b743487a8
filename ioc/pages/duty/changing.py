"""What changes duty from the page: seen before it is made, by the same steps as the API and the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nicegui import ui

from ioc.duty import store
from ioc.duty.asking import ask, suppose
from ioc.duty.errors import ConflictError
from ioc.duty.model import Change, ChangeKind
from ioc.duty.warning import DutyWarning
from ioc.duty.wording import LONGEST_REASON, ShiftWording, Wording
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.pages import rights
from ioc.pages.duty import words
from ioc.pages.duty.calendar import Difference, differences
from ioc.pages.duty.drawn import Drawn
from ioc.pages.parts.dialog import Dialog, Fields, choices, field, form
from ioc.pages.parts.text import Text
from ioc.pages.trouble import refused
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase

#: Shifts of a temporary schedule that can be written at once.
_MOST_SHIFTS: Final = 40
_SHOWN: Final = 12


def wording(fields: Fields) -> Wording:
    """The change that a form says; what does not belong to its kind is left out."""
    kind = fields.get("kind", "")
    if kind == ChangeKind.TEMPORARY:
        return Wording(
            kind,
            roster=fields.get("roster") or None,
            layer=fields.get("layer") or None,
            reason=fields.get("reason", ""),
            shifts=tuple(_shifts(fields)),
        )
    is_leave, has_other = kind == ChangeKind.LEAVE, kind in (ChangeKind.REPLACE, ChangeKind.SWAP)
    is_swap = kind == ChangeKind.SWAP
    return Wording(
        kind,
        person=fields.get("person") or None,
        start=fields.get("from") or None,
        end=None if is_swap else fields.get("to") or None,
        roster=None if is_leave else fields.get("roster") or None,
        layer=None if is_leave else fields.get("layer") or None,
        other=(fields.get("other") or None) if has_other else None,
        other_start=(fields.get("other_from") or None) if is_swap else None,
        reason=fields.get("reason", ""),
    )


def missing(wanted: Wording) -> list[Phrase]:
    """Labels of what has to be filled in and is not."""
    if wanted.kind == ChangeKind.TEMPORARY:
        shift = next((one for one in wanted.shifts if not (one.start and one.end)), None)
        if shift is not None:
            return [words.TO if shift.start else words.FROM]
        return [] if wanted.shifts else [words.PERSON]
    has_other = wanted.kind in (ChangeKind.REPLACE, ChangeKind.SWAP)
    is_swap = wanted.kind == ChangeKind.SWAP
    needed: list[tuple[bool, str | None, Phrase]] = [
        (True, wanted.person, words.PERSON),
        (has_other, wanted.other, words.OTHER),
        (True, wanted.start, words.FROM),
        (not is_swap, wanted.end, words.TO),
        (is_swap, wanted.other_start, words.OTHER_FROM),
    ]
    return [label for is_needed, value, label in needed if is_needed and not value]


def _shifts(fields: Fields) -> list[ShiftWording]:
    found = []
    for place in range(1, _MOST_SHIFTS + 1):
        people = tuple(dict.fromkeys(filter(None, (fields.get(f"p{place}"), fields.get(f"q{place}")))))
        if people:
            found.append(ShiftWording(people, fields.get(f"s{place}", ""), fields.get(f"e{place}", "")))
    return found


@dataclass(frozen=True)
class Supposed:
    """What a change would do: by roster, what differs; and what is worth knowing."""

    differences: list[tuple[Phrase, Difference]]
    lacks: list[DutyWarning]
    notes: tuple[str, ...]


def supposed(reader: str, wanted: Wording) -> Steps[Supposed]:
    """Steps to what a change would do; nothing is stored.

    :raises DutyError: it makes no sense, or contradicts another.
    """
    after, notes = yield from suppose(reader, (wanted,))
    lines = [one.line for one in after.rosters if one.line is not None]
    found: list[tuple[Phrase, Difference]] = []
    lacks: list[DutyWarning] = []
    for one, line in zip(after.rosters, lines, strict=True):
        before = yield from ask(
            reader, roster=one.roster.code, start=line.start.isoformat(), end=line.end.isoformat()
        )
        (old,) = before.rosters
        if old.line is None:
            continue
        name = Phrase(one.roster.name_vi, one.roster.name_en or one.roster.name_vi)
        found += [(name, difference) for difference in differences(old.line, line)]
        lacks += [warning for warning in one.warnings if warning not in old.warnings]
    return Supposed(found, lacks, notes)


class Changing:
    """The dialogs of one browser.

    :param told: is told what was done.
    """

    def __init__(self, visit: Visit, told: Callable[[str], None]) -> None:
        self._visit, self._told = visit, told
        self._dialog = Dialog("duty-dialog")
        self._rows = 0

    # -- taking back -----------------------------------------------------------------------------------

    def withdraw(self, change: Change) -> None:
        """Ask whether a change is to be taken back."""
        visit = self._visit

        async def send(fields: Fields) -> None:
            problem.text = ""
            from_start = "from_start" in fields
            try:
                await rights.change(
                    visit, store.withdraw(visit.reader, change.id or 0, visit.reader, from_start=from_start)
                )
            except IocError as error:
                problem.text = refused(visit, error)
            else:
                self._dialog.close()
                self._told(visit.say(words.WITHDRAWN, id=change.id))

        problem: Text

        def draw() -> None:
            nonlocal problem
            with form(send):
                Text("p", visit.say(words.WITHDRAW_WHY))
                with ui.element("label").classes("ops-check"):
                    ui.element("input").props('type="checkbox" name="from_start"')
                    Text("span", visit.say(words.NEVER_WAS))
                problem = Text("p").classes("ops-form-problem").props('role="alert"')
                self._end(words.WITHDRAW)

        self._dialog.open(f"{visit.say(words.WITHDRAW)} {change.id}", draw)

    # -- making ----------------------------------------------------------------------------------------

    def ask(self, found: Drawn, roster: str | None) -> None:
        """Ask what is to change."""
        visit = self._visit

        async def send(fields: Fields) -> None:
            problem.text = ""
            wanted = wording(fields)
            if lacking := missing(wanted):
                seen.clear()
                problem.text = visit.say(words.MISSING, what=", ".join(visit.say(label) for label in lacking))
                return
            try:
                if fields.get("do") == "make":
                    (made,) = await rights.change(
                        visit, store.make_worded(visit.reader, (wanted,), visit.reader)
                    )
                    self._dialog.close()
                    self._told(" ".join((visit.say(words.IS_MADE, id=made.change.id), *made.notes)))
                    return
                would = await visit.answer(supposed(visit.reader, wanted))
            except IocError as error:
                seen.clear()
                is_conflict = isinstance(error, ConflictError)
                problem.text = visit.say(words.CONFLICT, why=error) if is_conflict else refused(visit, error)
                return
            seen.clear()
            with seen:
                self._would(found, would)

        problem: Text
        seen: ui.element

        def draw() -> None:
            nonlocal problem, seen
            with form(send).classes("ops-change"):
                self._fields(found, roster)
                problem = Text("p").classes("ops-form-problem").props('role="alert"')
                seen = ui.element("div").props('role="status"')
                self._end(words.MAKE, preview=True)

        self._dialog.open(visit.say(words.CHANGE), draw)

    def _fields(self, found: Drawn, roster: str | None) -> None:
        visit = self._visit
        kinds = {kind.value: visit.say(phrase) for kind, phrase in words.KINDS.items()}
        choices(field(visit.say(words.KIND), "kind", "select"), kinds)
        people = {"": visit.say(words.NOT_CHOSEN)} | {
            code: name if name == code else f"{name} ({code})" for code, name in sorted(found.names.items())
        }
        rosters = {
            one.roster.code: visit.say(Phrase(one.roster.name_vi, one.roster.name_en))
            for one in found.rosters
        }
        layers = {"": visit.say(words.EVERY_LAYER)} | {
            layer: layer for one in found.rosters for layer in one.roster.layers
        }
        with _of("replace swap add remove temporary"):
            choices(field(visit.say(words.ROSTER), "roster", "select"), rosters, roster)
            choices(field(visit.say(words.LAYER), "layer", "select"), layers)
        with _of("replace swap add remove leave"):
            choices(field(visit.say(words.PERSON), "person", "select"), people)
        with _of("replace swap"):
            choices(field(visit.say(words.OTHER), "other", "select"), people)
        with _of("replace swap add remove leave"):
            field(visit.say(words.FROM), "from", type="datetime-local")
        with _of("replace add remove leave"):
            field(visit.say(words.TO), "to", type="datetime-local")
        with _of("swap"):
            field(
                visit.say(words.OTHER_FROM),
                "other_from",
                hint=visit.say(words.SWAP_HINT),
                type="datetime-local",
            )
        with _of("temporary"):
            rows = ui.element("div")
            self._rows = 0
            with rows:
                for _ in range(2):
                    self._row(people)
            more = Text("button", visit.say(words.MORE_SHIFTS)).props('type="button"').classes("ops-act")

            def add() -> None:
                if self._rows < _MOST_SHIFTS:
                    with rows:
                        self._row(people)

            more.on("click", add)
        field(
            visit.say(words.REASON),
            "reason",
            hint=visit.say(words.REASON_HINT),
            maxlength=str(LONGEST_REASON),
        )

    def _row(self, people: dict[str, str]) -> None:
        visit = self._visit
        self._rows += 1
        place = self._rows
        with ui.element("fieldset").classes("ops-shift"):
            Text("legend", visit.say(words.SHIFT, number=place))
            choices(field(visit.say(words.PERSON), f"p{place}", "select"), people)
            choices(field(visit.say(words.SECOND), f"q{place}", "select"), people)
            field(visit.say(words.FROM), f"s{place}", type="datetime-local")
            field(visit.say(words.TO), f"e{place}", type="datetime-local")

    def _would(self, found: Drawn, would: Supposed) -> None:
        visit = self._visit
        with ui.element("section").classes("ops-would"):
            Text("h3", visit.say(words.WOULD))
            if not would.differences:
                Text("p", visit.say(words.WOULD_NOT))
            with ui.element("ul").classes("ops-plain"):
                for name, one in would.differences[:_SHOWN]:
                    before = found.called(one.before) or visit.say(words.NOBODY)
                    after = found.called(one.after) or visit.say(words.NOBODY)
                    with ui.element("li"):
                        Text("strong", visit.say(words.BECOMES, before=before, after=after))
                        when = f"{visit.at(one.start)} – {visit.at(one.end)}"
                        Text("p", f"{visit.say(name)}/{one.layer} · {when}").classes("ops-dim")
                rest = len(would.differences) - _SHOWN
                if rest > 0:
                    Text("li", visit.say(words.AND_MORE, count=rest))
            lacks = [
                f"{visit.at(lack.start)} – {visit.at(lack.end)} · {lack.text(visit.language)}"
                for lack in would.lacks[:_SHOWN]
            ]
            for text in (*lacks, *would.notes[:_SHOWN]):
                Text("p", f"⚠ {text}").classes("ops-lack")

    def _end(self, phrase: Phrase, *, preview: bool = False) -> None:
        visit = self._visit
        with ui.element("div").classes("ops-form-end"):
            cancel = Text("button", visit.say(words.CANCEL)).props('type="button"').classes("ops-act")
            cancel.on("click", js_handler="(e) => e.target.closest('dialog').close()")
            if preview:
                seen = Text("button", visit.say(words.PREVIEW)).props(
                    'type="submit" name="do" value="preview"'
                )
                seen.classes("ops-act")
            made = Text("button", visit.say(phrase)).props('type="submit" name="do" value="make"')
            made.classes("ops-act ops-act-first")


def _of(kinds: str) -> ui.element:
    """A part of the form that is shown for these kinds alone."""
    return ui.element("div").classes("ops-of " + " ".join(f"ops-of-{kind}" for kind in kinds.split()))
