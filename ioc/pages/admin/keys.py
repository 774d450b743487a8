"""Keys of sending systems: made and shown once, limited, revoked."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Final

from nicegui import ui

from ioc.access import keys
from ioc.access.keys import Key
from ioc.pages import words as shared
from ioc.pages.admin import once, words
from ioc.pages.admin.frame import DASH, ROLES, Frame
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import Dialog, Fields, field, form
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import day, number
from ioc.topics import FACT_TOPICS

_EVERY_S: Final = 10.0
_KEY: Final = "admin keys"
_MOST_LINES: Final = 50


@page("/admin/keys", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """The keys."""
    _Keys(visit)


class _Keys:
    """The page in one browser."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.frame = Frame(visit, "/admin/keys")
        Text("p", visit.say(words.KEYS_WHY)).classes("ops-dim ops-why")
        self.list = Part(visit.say(words.KEYS), "keys")
        with self.list.beside:
            add = (
                Text("button", visit.say(words.ADD_KEY))
                .props('type="button"')
                .classes("ops-act ops-act-first")
            )
            add.on("click", self._ask_new)
        self.dialog = Dialog("key")
        self.once = Dialog("secret", forget=True)
        visit.follow(_KEY, self._ask, self.show, every_s=_EVERY_S)

    async def _ask(self) -> tuple[Key, ...]:
        return tuple(await self._visit.answer(keys.listed()))

    def show(self, moment: Moment[tuple[Key, ...]]) -> None:
        """What is known."""
        self.frame.old(moment)
        if (known := moment.value) is not None:
            self.list.show(known, lambda: self._list(known))

    def _list(self, known: tuple[Key, ...]) -> None:
        visit = self._visit
        if not known:
            Text("p", visit.say(words.NO_KEYS)).classes("ops-dim")
            return
        heads = (
            words.KEY_NAME,
            words.QUOTA,
            words.LIMITS,
            words.LAST_USED,
            words.MADE,
            words.EXPIRES,
            words.REVOKE,
        )
        now = datetime.now(UTC)
        with table(visit, words.KEYS, heads, css="ops-stacked"):
            # the newest first; those that are over after those in use
            for key in sorted(known, key=lambda one: (one.valid_at(now), one.created_at), reverse=True):
                with ui.element("tr").props(
                    f'data-state="{"open" if key.valid_at(now) else "closed"}"'
                ) as row:
                    row.props["data-key"] = key.id
                    with ui.element("th").props('scope="row"'):
                        Text("b", key.name)
                        Text("small", key.id)
                    self._cell(words.QUOTA, number(key.quota_per_minute, visit.language))
                    limits = ", ".join([*(key.topics or ()), *(key.sources or ()), *(key.units or ())])
                    self._cell(words.LIMITS, limits or visit.say(words.NO_LIMITS))
                    used = key.last_used_at
                    self._cell(words.LAST_USED, visit.say(words.NEVER) if used is None else visit.at(used))
                    self._cell(words.MADE, visit.at(key.created_at))
                    self._cell(words.EXPIRES, self._ends(key, now))
                    with ui.element("td"):
                        if key.revoked_at is None:
                            button = (
                                Text("button", visit.say(words.REVOKE))
                                .props('type="button"')
                                .classes("ops-act")
                            )
                            button.props["aria-label"] = visit.say(words.REVOKE_OF, name=key.name)
                            button.on("click", lambda key=key: self._ask_revoke(key))

    def _ends(self, key: Key, now: datetime) -> str:
        visit = self._visit
        if key.revoked_at is not None:
            return visit.say(words.REVOKED)
        if key.expires_at is None:
            return DASH
        ends = day(key.expires_at.astimezone(visit.zone).date(), visit.language)
        return f"{ends} ({visit.say(words.EXPIRED)})" if key.expires_at <= now else ends

    def _cell(self, head: Phrase, text: str) -> None:
        Text("td", text).props["data-head"] = self._visit.say(head)

    # -- making and revoking ---------------------------------------------------------------------------

    def _ask_new(self) -> None:
        visit = self._visit
        problem: list[Text] = []

        def fill() -> None:
            with form(lambda fields: self._make(fields, problem[0])):
                field(visit.say(words.KEY_NAME), "name", required="required", maxlength="100")
                field(
                    visit.say(words.QUOTA),
                    "quota",
                    inputmode="numeric",
                    required="required",
                    maxlength="10",
                    defaultValue=str(keys.DEFAULT_QUOTA),
                )
                field(visit.say(words.EXPIRES_DAY), "expires", type="date")
                with ui.element("fieldset").classes("ops-field ops-radios"):
                    Text("legend", visit.say(words.TOPICS))
                    for topic in FACT_TOPICS:
                        with ui.element("label"):
                            ui.element("input").props(f'type="checkbox" name="topic:{topic}" value="1"')
                            Text("span", topic)
                field(visit.say(words.KEY_SOURCES), "sources", "textarea", rows="2", maxlength="4000")
                field(visit.say(words.KEY_UNITS), "units", "textarea", rows="2", maxlength="4000")
                problem.append(Text("p").classes("ops-form-problem").props('role="alert"'))
                with ui.element("div").classes("ops-form-end"):
                    cancel = Text("button", visit.say(words.CANCEL)).props('type="button"').classes("ops-act")
                    cancel.on("click", self.dialog.close)
                    Text("button", visit.say(words.SAVE)).props('type="submit"').classes(
                        "ops-act ops-act-first"
                    )

        self.dialog.open(visit.say(words.ADD_KEY), fill)

    async def _make(self, fields: Fields, problem: Text) -> None:
        visit = self._visit
        problem.text = ""
        quota = fields.get("quota", "").strip().replace(".", "").replace(",", "")
        if not (quota.isascii() and quota.isdigit()):
            problem.text = visit.say(words.BAD_QUOTA)
            return
        expires = None
        if given := fields.get("expires", ""):
            try:
                expires = datetime.combine(date.fromisoformat(given), time(), tzinfo=visit.zone)
            except ValueError:
                problem.text = visit.say(words.BAD_DAY)
                return

        async def make() -> None:
            key, text = await self.frame.change(
                keys.creating(
                    self.frame.by,
                    fields.get("name", "").strip(),
                    topics=[topic for topic in FACT_TOPICS if fields.get(f"topic:{topic}")],
                    sources=_lines(fields.get("sources", "")),
                    units=_lines(fields.get("units", "")),
                    quota_per_minute=int(quota),
                    expires_at=expires,
                )
            )
            self.dialog.close()
            self.frame.tell(words.KEY_MADE, name=key.name)
            visit.hurry(_KEY)
            seconds = f"{visit.platform.settings.key_refresh_s:.0f}"
            once.show(
                visit,
                self.once,
                visit.say(words.KEY_TITLE, name=key.name),
                visit.say(words.KEY_ONCE, seconds=seconds),
                visit.say(words.KEY),
                text,
            )

        await self.frame.attempt(make, problem)

    def _ask_revoke(self, key: Key) -> None:
        visit = self._visit
        problem: list[Text] = []

        def fill() -> None:
            Text("p", visit.say(words.REVOKE_SURE, name=key.name))
            problem.append(Text("p").classes("ops-form-problem").props('role="alert"'))
            with ui.element("div").classes("ops-form-end"):
                cancel = (
                    Text("button", visit.say(words.CANCEL))
                    .props('type="button" autofocus')
                    .classes("ops-act")
                )
                cancel.on("click", self.dialog.close)
                sure = (
                    Text("button", visit.say(words.REVOKE))
                    .props('type="button"')
                    .classes("ops-act ops-act-first")
                )
                sure.on("click", lambda: self.frame.attempt(lambda: self._revoke(key), problem[0]))

        self.dialog.open(visit.say(words.REVOKE_OF, name=key.name), fill)

    async def _revoke(self, key: Key) -> None:
        await self.frame.change(keys.revoking(self.frame.by, key.id))
        self.dialog.close()
        self.frame.tell(words.REVOKED_NOW, name=key.name)
        self._visit.hurry(_KEY)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][:_MOST_LINES]
