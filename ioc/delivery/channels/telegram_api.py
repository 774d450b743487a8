"""Calls of Telegram's Bot API: what they answer, and what their errors mean.

The bot's token is part of every address, so no address is ever told, and Telegram's own words only without numbers.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from ioc.delivery import fitting
from ioc.delivery.channels import http
from ioc.delivery.channels.interface import ChannelError, PermanentError, TemporaryError

#: Longest text of a message, in UTF-16 units.
LONGEST_TEXT: Final = 4096
#: Longest answer to a pressed button.
LONGEST_ANSWER: Final = 200
_TOKEN: Final = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")
_NUMBERS: Final = re.compile(r"[0-9@:_-]{5,}")


class ConflictError(TemporaryError):
    """Somebody else fetches this bot's updates, or Telegram pushes them somewhere."""


class _Parameters(msgspec.Struct):
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None


class _Answer(msgspec.Struct):
    ok: bool
    result: Any = None
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class BotApi:
    """One bot.

    :param base: address of the Bot API, without the bot.
    :param timeout_s: how long a call may take where nothing else is said.
    :raises ChannelError: the token has not the form of one.
    """

    def __init__(self, base: str, token: str, timeout_s: float) -> None:
        if not _TOKEN.fullmatch(token):
            raise ChannelError(
                "The bot's token has not the form of one.",
                remedy="Copy it whole from @BotFather; it reads like 123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11.",
            )
        self._url = f"{http.checked_url(base, what='address of the Bot API').rstrip('/')}/bot{token}/"
        self._session = http.client(timeout_s)

    def __repr__(self) -> str:
        return "BotApi()"

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method and return its result as plain objects; parameters that are None are left out.

        :raises TemporaryError: it may work later; ``retry_after_s`` when Telegram says when.
        :raises PermanentError: it won't work.
        :raises ConflictError: see there.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        reply = http.post(
            self._session,
            self._url + method,
            content=msgspec.json.encode(given),
            headers={"Content-Type": "application/json"},
        )
        try:
            # the stricter reader would refuse a whole answer for half a character in one update
            answer = msgspec.convert(json.loads(reply.body), type=_Answer)
        except (ValueError, RecursionError, msgspec.MsgspecError):
            if reply.status >= 300:
                http.judge(
                    reply.status if reply.status >= 400 else 503, retry_after=reply.headers.get("retry-after")
                )
            raise TemporaryError(
                "What answers is not Telegram.", remedy="See whether a proxy or a firewall stands between."
            ) from None
        if not answer.ok:
            raise _refused(answer)
        return answer.result

    def close(self) -> None:
        """Give connections back."""
        self._session.close()


def _refused(answer: _Answer) -> TemporaryError | PermanentError:
    code, said = answer.error_code, answer.description.lower()
    if answer.parameters.retry_after is not None or code == 429:
        return TemporaryError(
            "Telegram asks to send more slowly (429).",
            remedy="It is tried again.",
            retry_after_s=float(min(max(answer.parameters.retry_after or 1, 1), 3600)),
        )
    if code >= 500:
        return TemporaryError(f"Telegram has a fault of its own ({code}).", remedy="It is tried again.")
    if code == 409:
        return ConflictError(
            "Telegram gives this bot's updates to somebody else (409).",
            remedy="Let no other program use this bot's token"
            + ("; end its webhook with deleteWebhook." if "webhook" in said else "."),
        )
    if code in (401, 404):
        return PermanentError(
            f"Telegram does not know the bot's token ({code}).", remedy="Copy it anew from @BotFather."
        )
    if code == 403:
        return PermanentError(
            "The person blocked the bot or never began to talk with it (403).",
            remedy="Let the person open the bot in Telegram and press Start.",
        )
    if answer.parameters.migrate_to_chat_id is not None:
        return PermanentError(
            "The group has a new number since it became a supergroup (400).",
            remedy="Send /start there and write the number that the bot tells into people.csv.",
        )
    if "chat not found" in said or "user not found" in said or "peer_id_invalid" in said:
        return PermanentError(
            "Telegram does not know the person's chat (400).",
            remedy="Let the person press Start and write the number that the bot tells into people.csv.",
        )
    words = fitting.one_line(_NUMBERS.sub("…", answer.description), 120)
    return PermanentError(f"Telegram refuses the call ({code}): {words}.")
