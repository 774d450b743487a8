"""Questions by name: those that are kept, and keeping the one on the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from nicegui.events import GenericEventArguments

from ioc.errors import IocError
from ioc.history import questions
from ioc.pages.folding import slug
from ioc.pages.history import words
from ioc.pages.history.asked import Wanted, address
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag, tick
from ioc.pages.rights import is_still
from ioc.pages.trouble import refused
from ioc.pages.visit import Visit

#: What a form holds, sent when it is confirmed in whatever way.
FORM: Final = "(e) => { e.preventDefault(); emit(Object.fromEntries(new FormData(e.target))) }"
_MOST_SHOWN: Final = 200
_LONGEST_TITLE: Final = 200


class Shelf:
    """The list of questions that are kept, drawn anew when one comes or goes."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        say = visit.say
        with Tag("section", css="ops-card"):
            Tag("h2", say(words.KEPT))
            self._list = Tag("ul", css="ops-plain")
            self._said = Tag("p", css="ops-dim", role="status")

    async def load(self) -> None:
        """Ask for the questions and show them.

        :raises IocError: the database does not answer.
        """
        kept = await self._visit.answer(questions.listed(self._visit.reader))
        self._list.clear()
        with self._list:
            if not kept:
                Tag("li", self._visit.say(words.NONE_KEPT), css="ops-dim")
            for one in kept[:_MOST_SHOWN]:
                self._entry(one)

    def _entry(self, one: questions.Saved) -> None:
        title = one.title or one.name
        mine = one.reader == self._visit.reader
        with Tag("li", css="ops-row"):
            Link(title, address(one.wording))
            if one.shared:
                Tag("small", self._visit.say(words.SHARED), css="ops-dim")
            if mine and self._visit.named:

                async def forget() -> None:
                    await self._forget(one.name, title)

                Tag(
                    "button",
                    self._visit.say(words.FORGET),
                    css="ops-link",
                    type="button",
                    aria_label=self._visit.say(words.FORGET_THIS, title=title),
                ).on("click", forget)

    async def _forget(self, name: str, title: str) -> None:
        async def work() -> None:
            await self._visit.platform.database.change(questions.delete(self._visit.reader, name))
            await self.load()

        await told(self._visit, self.say, work, self._visit.say(words.FORGOTTEN, title=title))

    def say(self, text: str) -> None:
        """Say what happened."""
        self._said.set_text(text)


async def told(
    visit: Visit, say: Callable[[str], object], work: Callable[[], Awaitable[None]], done: str
) -> bool:
    """Do something for the reader who looks, and say how it went; whether it went well."""
    try:
        if not await is_still(visit):
            say(visit.say(words.SESSION))
            return False
        await work()
    except IocError as error:
        say(refused(visit, error))
        return False
    say(done)
    return True


def keep(visit: Visit, wanted: Wanted, shelf: Shelf) -> None:
    """Draw the form that keeps the question on the screen."""
    say = visit.say
    with Tag("section", css="ops-card"):
        Tag("h2", say(words.KEEP))
        if not visit.named:
            Tag("p", say(words.KEEP_LOGIN), css="ops-dim")
            return
        form = Tag("form", css="ops-form")
        with form:
            with Tag("label", css="ops-field"):
                Tag("span", say(words.TITLE))
                Tag("input", name="title", maxlength=_LONGEST_TITLE, required=True)
                Tag("small", say(words.TITLE_HINT), css="ops-dim")
            if wanted.compare:
                Tag("p", say(words.NOT_KEPT), css="ops-dim")
            tick("shared", say(words.SHARE), "yes", ticked=False)
            with Tag("div", css="ops-row"):
                Tag("button", say(words.SAVE), css="ops-act ops-act-first", type="submit")
            result = Tag("p", role="status")

        async def save(event: GenericEventArguments) -> None:
            sent = event.args if isinstance(event.args, dict) else {}
            title = str(sent.get("title") or "").strip()[:_LONGEST_TITLE]
            name = slug(title)
            if not name:
                result.set_text(say(words.NEEDS_TITLE))
                return

            async def work() -> None:
                body = questions.Body(
                    question=wanted.wording, title=title, shared=sent.get("shared") == "yes"
                )
                await visit.platform.database.change(questions.save(visit.reader, name, body))
                await shelf.load()

            await told(visit, result.set_text, work, say(words.SAVED, title=title))

        form.on("submit", save, js_handler=FORM)
