"""A double of Telegram's Bot API over real HTTP, as strict as the real one about what it is given.

It holds ``getUpdates`` open, forgets what was confirmed by an offset, ends the older of two fetchers with 409, and can
be told to fail: 429, 500, slow, dropped connections, a webhook that is set.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.peers.serving import QuietHandler, serving

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
_FIELDS = {
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "sendMessage": {"chat_id", "text", "link_preview_options", "reply_markup"},
    "editMessageText": {"chat_id", "message_id", "text", "link_preview_options", "reply_markup"},
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
}


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class RefusedError(Exception):
    """An error as the API tells it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


@dataclass
class Fault:
    """What goes wrong with a method, how often.

    :param before: the call is refused without having been looked at; else it was done and its answer is lost.
    """

    status: int = 500
    times: int = 1
    retry_after: int | None = None
    drop: bool = False
    html: bool = False
    before: bool = True


@dataclass
class TelegramDouble:
    """The state of a bot."""

    url: str = ""
    chats: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    sent: list[dict[str, Any]] = field(default_factory=list)
    edited: list[dict[str, Any]] = field(default_factory=list)
    answered: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    webhook: bool = False
    most_held_s: float = 60.0
    next_update: int = 870_000_001

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self.messages: dict[tuple[int, int], dict[str, Any]] = {}
        self.pending: list[dict[str, Any]] = []
        self.given: list[dict[str, Any]] = []
        self.queries: set[str] = set()
        self._fetcher = 0
        self._closed = False

    # -- what people do --------------------------------------------------------------------------------

    def write(self, user: int, text: str, chat: int | None = None) -> int:
        """Somebody writes to the bot, in private or in a group."""
        place = user if chat is None else chat
        self.chats.add(place)
        message = {
            "message_id": 1,
            "date": int(time.time()),
            "from": {"id": user, "is_bot": False, "first_name": "X"},
            "chat": {"id": place, "type": "private" if chat is None else "supergroup", "title": "X"},
            "text": text,
        }
        return self._update(message=message)

    def press(self, user: int, sent: dict[str, Any], button: str) -> int:
        """Somebody presses a button of a message that was sent, told by the beginning of its data."""
        (data,) = {
            found["callback_data"]
            for row in sent["reply_markup"]["inline_keyboard"]
            for found in row
            if found.get("callback_data", "").startswith(button)
        }
        return self.press_raw(user, sent, data)

    def press_raw(self, user: int, sent: dict[str, Any], data: str) -> int:
        """The same with any data."""
        query = f"{time.monotonic_ns()}"
        self.queries.add(query)
        return self._update(
            callback_query={
                "id": query,
                "from": {"id": user, "is_bot": False, "first_name": "X"},
                "chat_instance": "1",
                "message": {
                    "message_id": sent["message_id"],
                    "date": 1,
                    "chat": {"id": sent["chat_id"], "type": "private"},
                    "text": sent["text"],
                },
                "data": data,
            }
        )

    def push(self, update: dict[str, Any]) -> None:
        """An update of any form."""
        with self.changed:
            self.pending.append(update)
            self.changed.notify_all()

    def _update(self, **what: Any) -> int:
        with self.changed:
            number = self.next_update
            self.next_update += 1
            self.pending.append({"update_id": number, **what})
            self.given.append(self.pending[-1])
            self.changed.notify_all()
        return number

    # -- the API ---------------------------------------------------------------------------------------

    def call(self, method: str, given: dict[str, Any]) -> Any:
        if method not in _FIELDS:
            raise RefusedError(404, "Not Found")
        unknown = set(given) - _FIELDS[method]
        if unknown:
            raise RefusedError(400, f"Bad Request: unknown fields {sorted(unknown)}")
        return getattr(self, f"_{method}")(**given)

    def _getUpdates(  # noqa: N802 - the API's name
        self,
        offset: int | None = None,
        timeout: int = 0,
        limit: int = 100,
        allowed_updates: list[str] | None = None,
    ) -> list[dict[str, Any]]:
        assert allowed_updates is not None
        if self.webhook:
            raise RefusedError(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook"
            )
        with self.changed:
            self._fetcher += 1
            mine = self._fetcher
            self.changed.notify_all()
            if offset is not None:
                self.pending = [one for one in self.pending if one["update_id"] >= offset]

            def over() -> bool:
                return bool(self.pending) or self._fetcher != mine or self._closed

            self.changed.wait_for(over, min(timeout, self.most_held_s))
            if self._fetcher != mine:
                raise RefusedError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
            return self.pending[:limit]

    def _checked(self, chat_id: Any, text: Any, reply_markup: Any) -> None:
        if not isinstance(chat_id, int | str) or isinstance(chat_id, bool):
            raise RefusedError(400, "Bad Request: chat_id is empty")
        if not isinstance(text, str) or not text.strip():
            raise RefusedError(400, "Bad Request: message text is empty")
        if units(text) > 4096:
            raise RefusedError(400, "Bad Request: message is too long")
        if chat_id in self.blocked:
            raise RefusedError(403, "Forbidden: bot was blocked by the user")
        if chat_id not in self.chats:
            raise RefusedError(400, "Bad Request: chat not found")
        for row in (reply_markup or {"inline_keyboard": []})["inline_keyboard"]:
            for button in row:
                kinds = set(button) - {"text"}
                if kinds not in ({"url"}, {"callback_data"}) or not button["text"]:
                    raise RefusedError(400, "Bad Request: can't parse inline keyboard button")
                if not 1 <= len(button.get("callback_data", "x").encode()) <= 64:
                    raise RefusedError(400, "Bad Request: BUTTON_DATA_INVALID")
                if "url" in button and "." not in button["url"].split("/")[2]:
                    raise RefusedError(
                        400, "Bad Request: inline keyboard button URL is invalid: Wrong HTTP URL"
                    )

    def _sendMessage(  # noqa: N802
        self, chat_id: Any = None, text: Any = None, reply_markup: Any = None, **_options: Any
    ) -> dict[str, Any]:
        self._checked(chat_id, text, reply_markup)
        with self.changed:
            number = len(self.messages) + 100
            message = {
                "message_id": number,
                "chat_id": chat_id,
                "text": text.strip(),
                "reply_markup": reply_markup,
            }
            self.messages[chat_id, number] = message
            self.sent.append(message)
            self.changed.notify_all()
        return {"message_id": number, "date": 1, "chat": {"id": chat_id, "type": "private"}, "text": text}

    def _editMessageText(  # noqa: N802
        self,
        chat_id: Any = None,
        message_id: Any = None,
        text: Any = None,
        reply_markup: Any = None,
        **_options: Any,
    ) -> dict[str, Any]:
        self._checked(chat_id, text, reply_markup)
        known = self.messages.get((chat_id, message_id))
        if known is None:
            raise RefusedError(400, "Bad Request: message to edit not found")
        if known["text"] == text.strip() and known["reply_markup"] == reply_markup:
            raise RefusedError(400, "Bad Request: message is not modified")
        with self.changed:
            known.update(text=text.strip(), reply_markup=reply_markup)
            self.edited.append(dict(known))
            self.changed.notify_all()
        return {"message_id": message_id}

    def _answerCallbackQuery(  # noqa: N802
        self, callback_query_id: Any = None, text: str = "", **_options: Any
    ) -> bool:
        if units(text) > 200:
            raise RefusedError(400, "Bad Request: MESSAGE_TOO_LONG")
        with self.changed:
            if callback_query_id not in self.queries:
                raise RefusedError(400, "Bad Request: query is too old and response timeout expired")
            self.queries.remove(callback_query_id)
            self.answered.append({"text": text})
            self.changed.notify_all()
        return True

    def close(self) -> None:
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def wait(self, condition: Any, seconds: float = 60.0) -> None:
        """Wait until a condition holds; changes of the double are looked at as they come."""
        with self.changed:
            assert self.changed.wait_for(condition, seconds), (self.calls[-10:], self.refused)


@contextmanager
def telegram_double() -> Iterator[TelegramDouble]:
    """A running double on a free port of 127.0.0.1."""
    double = TelegramDouble()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - as http.server calls it
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            _, token, method = [*self.path.split("/"), "", ""][:3]
            with double.changed:
                double.calls.append(method)
                double.changed.notify_all()
            fault = double.faults.get(method)
            if fault is not None and fault.times > 0:
                fault.times -= 1
                if not fault.before:
                    double.call(method, json.loads(body))
                self._fail(fault)
                return
            try:
                if token != f"bot{TOKEN}":
                    raise RefusedError(401, "Unauthorized")
                if self.headers.get("Content-Type") != "application/json":
                    raise RefusedError(400, "Bad Request: no JSON")
                self._answer(200, {"ok": True, "result": double.call(method, json.loads(body))})
            except RefusedError as error:
                double.refused.append(f"{method}: {error.description}")
                answer = {"ok": False, "error_code": error.code, "description": error.description}
                if error.parameters:
                    answer["parameters"] = error.parameters
                self._answer(error.code, answer)

        def _fail(self, fault: Fault) -> None:
            if fault.drop:
                self.close_connection = True
            elif fault.html:
                self._answer(fault.status, "<html>Bad Gateway</html>")
            else:
                answer: dict[str, Any] = {
                    "ok": False,
                    "error_code": fault.status,
                    "description": f"fault of {TOKEN}",
                }
                if fault.retry_after is not None:
                    answer["parameters"] = {"retry_after": fault.retry_after}
                self._answer(fault.status, answer)

        def _answer(self, status: int, answer: Any) -> None:
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as host:
        double.url = f"http://{host}"
        try:
            yield double
        finally:
            double.close()
