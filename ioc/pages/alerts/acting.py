"""What people do about alerts from the page: by the same steps as the API and the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nicegui import ui

from ioc.alerts.actions import Acted
from ioc.alerts.ordering import Action, Order, carry_out
from ioc.alerts.writing import LONGEST
from ioc.delivery.facts import Facts, facts_of
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.pages import rights
from ioc.pages.alerts import words
from ioc.pages.parts.dialog import Dialog, Fields, choices, field, form
from ioc.pages.parts.text import Text
from ioc.pages.trouble import refused
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

#: Where it was done, for the trail.
VIA: Final = "page"
#: Notes that are said of one action.
_MOST_SAID: Final = 3
_MINUTES: Final[dict[str, Phrase]] = {
    "15": words.QUARTER,
    "60": words.HOUR,
    "240": words.FOUR_HOURS,
    "1440": words.DAY,
}
_PEOPLE: Final = "SELECT code, title FROM ioc.duty_person ORDER BY code LIMIT 500"
#: Actions that need nothing said.
AT_ONCE: Final = frozenset({Action.ACK, Action.UNACK, Action.UNSNOOZE})


@dataclass(frozen=True)
class Done:
    """What came of an action, with how the alerts are now."""

    acted: Sequence[Acted]
    facts: dict[int, Facts]


def order_of(action: Action, fields: Fields) -> Order:
    """The order that a dialog's form gives."""
    said = fields.get("comment", "")
    if action is Action.SNOOZE:
        minutes = fields.get("other", "").strip() or fields.get("minutes", "")
        return Order(minutes=float(minutes) if minutes.isascii() and minutes.isdigit() else 0.0, comment=said)
    if action is Action.ASSIGN:
        return Order(to=fields.get("to") or None, comment=said)
    if action is Action.CLOSE:
        return Order(reason=fields.get("reason", ""))
    return Order(comment=said)


def do(reader: str, action: Action, alerts: Sequence[int], order: Order) -> Steps[Done]:
    """Steps of an action, for a transaction that may write.

    :raises AlertError: the order can't be carried out; nothing is done.
    """
    acted = yield from carry_out(reader, action, alerts, order, actor=reader, via=VIA)
    facts = yield from facts_of([one.alert_id for one in acted])
    return Done(acted, {fact.alert_id: fact for fact in facts})


def outcome(visit: Visit, action: Action, done: Done) -> str:
    """What was done, and plainly what was not, and why: who was there before."""
    changed = sum(one.changed for one in done.acted)
    said = [visit.say(words.DONE[action], count=number(changed, visit.language))] if changed else []
    not_done = [one for one in done.acted if not one.changed]
    said += [_why(visit, action, done.facts.get(one.alert_id), one) for one in not_done[:_MOST_SAID]]
    if len(not_done) > _MOST_SAID:
        rest = number(len(not_done) - _MOST_SAID, visit.language)
        said.append(visit.say(words.AND_MORE, count=rest))
    return " ".join(said)


def _why(visit: Visit, action: Action, facts: Facts | None, one: Acted) -> str:
    if facts is not None:
        if action is Action.ACK and facts.acknowledged_at is not None:
            who, at = facts.acknowledged_by, visit.at(facts.acknowledged_at)
            return visit.say(words.OTHER_TOOK, id=one.alert_id, who=who, at=at)
        if action in (Action.SNOOZE, Action.CLOSE) and facts.cleared_at is not None:
            return visit.say(words.IS_OVER, id=one.alert_id, at=visit.at(facts.cleared_at))
    return visit.say(words.WAS_SO, id=one.alert_id)


class Desk:
    """The dialogs of one browser, and what it says after an action.

    :param told: is told what came of an action.
    """

    def __init__(self, visit: Visit, told: Callable[[str], None]) -> None:
        self._visit, self._told = visit, told
        self._dialog = Dialog("alerts-dialog")

    async def begin(self, action: Action, alerts: Sequence[int]) -> None:
        """Do what needs no more said, or ask for it."""
        if not alerts:
            self._told(self._visit.say(words.NOTHING))
        elif action in AT_ONCE:
            try:
                await self._carry_out(action, alerts, Order())
            except IocError as error:
                self._told(refused(self._visit, error))
        else:
            people: dict[str, str] = {}
            if action is Action.ASSIGN:
                try:
                    people = await self._people()
                except IocError as error:
                    self._told(refused(self._visit, error))
                    return
            self._ask(action, alerts, people)

    async def _carry_out(self, action: Action, alerts: Sequence[int], order: Order) -> None:
        visit = self._visit
        done = await rights.change(visit, do(visit.reader, action, alerts, order))
        self._told(outcome(visit, action, done))

    async def _people(self) -> dict[str, str]:
        """Whom an alert can be given to: code → what people read; contacts and names stay where they are."""
        rows = await self._visit.platform.database.rows(_PEOPLE)
        return {code: f"{code} – {title}" if title else code for code, title in rows}

    def _ask(self, action: Action, alerts: Sequence[int], people: dict[str, str]) -> None:
        visit = self._visit

        async def send(fields: Fields) -> None:
            problem.text = ""
            try:
                await self._carry_out(action, alerts, order_of(action, fields))
            except IocError as error:
                # the form keeps what was written
                problem.text = refused(visit, error)
            else:
                self._dialog.close()

        problem: Text

        def draw() -> None:
            nonlocal problem
            with form(send):
                on = words.ON_OPEN if len(alerts) == 1 else words.ON_SELECTED
                Text("p", visit.say(on, id=alerts[0], count=number(len(alerts), visit.language))).classes(
                    "ops-dim"
                )
                self._fields(action, people)
                problem = Text("p").classes("ops-form-problem").props('role="alert"')
                with ui.element("div").classes("ops-form-end"):
                    cancel = Text("button", visit.say(words.CANCEL)).props('type="button"').classes("ops-act")
                    cancel.on("click", js_handler="(e) => e.target.closest('dialog').close()")
                    Text("button", visit.say(words.ACTIONS[action])).props('type="submit"').classes(
                        "ops-act ops-act-first"
                    )

        self._dialog.open(visit.say(words.ACTIONS[action]), draw)

    def _fields(self, action: Action, people: dict[str, str]) -> None:
        visit, limit = self._visit, str(LONGEST)
        if action is Action.CLOSE:
            Text("p", visit.say(words.CLOSE_WHY))
            field(
                visit.say(words.REASON),
                "reason",
                "textarea",
                visit.say(words.COMMENT_HINT),
                maxlength=limit,
                rows="3",
                required="required",
            )
            return
        if action is Action.SNOOZE:
            with ui.element("fieldset").classes("ops-field ops-radios"):
                Text("legend", visit.say(words.SNOOZE_FOR))
                for minutes, phrase in _MINUTES.items():
                    with ui.element("label"):
                        box = ui.element("input").props(f'type="radio" name="minutes" value="{minutes}"')
                        if minutes == "60":
                            box.props["checked"] = box.props["autofocus"] = True
                        Text("span", visit.say(phrase))
            field(
                visit.say(words.OTHER_MINUTES),
                "other",
                type="number",
                min="1",
                max="44640",
                inputmode="numeric",
            )
        if action is Action.ASSIGN:
            own = {"": visit.say(words.TO_NOBODY), visit.reader: visit.say(words.TO_ME, name=visit.reader)}
            choices(field(visit.say(words.TO_WHOM), "to", "select"), {**own, **people}, visit.reader)
        label = visit.say(words.COMMENT)
        is_needed = action is Action.COMMENT
        box = field(
            label if is_needed else visit.say(words.OPTIONAL, what=label),
            "comment",
            "textarea",
            visit.say(words.COMMENT_HINT),
            maxlength=limit,
            rows="3",
        )
        if is_needed:
            box.props["required"] = "required"
