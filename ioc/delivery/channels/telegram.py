"""Telegram: messages with buttons that acknowledge and snooze. Outbound only: works behind a firewall.

Texts are sent without any markup language, so that nothing in a name can be taken for one. The Bot API has no field
for a message's key: what is sent twice can be told by the message's number, in its last line and in its buttons.
"""

from __future__ import annotations

import re
import threading
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ioc.alerts.model import Channel
from ioc.delivery import fitting
from ioc.delivery.channels.bounded import Bounded
from ioc.delivery.channels.interface import Outgoing, PermanentError, Receipt
from ioc.delivery.channels.telegram_api import LONGEST_TEXT, BotApi
from ioc.settings import Settings

#: Kinds of messages that can be acknowledged.
_ANSWERED: Final = frozenset({"alert", "reminder"})
_CHAT: Final = re.compile(r"-?[0-9]{1,19}|@[A-Za-z][A-Za-z0-9_]{3,31}")
#: Data of buttons: what, and the message's number.
ACK: Final = "a"
SNOOZE: Final = "s"


class _Sent(msgspec.Struct):
    message_id: int


class Telegram:
    """Sends messages by one bot, and hears what people press and write.

    :param secret: the bot's token.
    """

    def __init__(self, channel: Channel, secret: str, settings: Settings) -> None:
        self._channel, self._settings, self._token = channel, settings, secret
        self._bounded = Bounded(channel.timeout.total_seconds(), name=channel.code)
        self._api = BotApi(settings.telegram_url, secret, self._bounded.timeout_s)

    def send(self, outgoing: Outgoing) -> Receipt:
        """See :class:`ioc.delivery.channels.interface.Driver`."""
        address = (outgoing.address or "").strip()
        if not _CHAT.fullmatch(address):
            raise PermanentError(
                "The person's address is no chat of Telegram.",
                remedy="Let the person press Start and write the number that the bot tells into people.csv.",
            )
        chat: int | str = address if address.startswith("@") else int(address)
        sent = self._bounded.run(lambda: self._send(chat, outgoing))
        return Receipt(sent)

    def listen(self, stop: threading.Event) -> None:
        """See :class:`ioc.delivery.channels.interface.Listener`."""
        from ioc.delivery.channels.telegram_listening import SILENCE_S, listen

        api = BotApi(self._settings.telegram_url, self._token, SILENCE_S)
        try:
            listen(self._channel.code, api, self._settings, stop)
        finally:
            api.close()

    def close(self) -> None:
        """Give connections back."""
        self._api.close()

    def _send(self, chat: int | str, outgoing: Outgoing) -> str | None:
        result = self._api.call(
            "sendMessage",
            chat_id=chat,
            text=text_of(outgoing),
            link_preview_options={"is_disabled": True},
            reply_markup=buttons_of(outgoing),
        )
        try:
            return str(msgspec.convert(result, type=_Sent).message_id)
        except msgspec.MsgspecError:
            return None  # it was taken all the same


def text_of(outgoing: Outgoing) -> str:
    """What is sent: the body, cut to what a message carries, and the message's number."""
    tail = f"\n\n(tin số {outgoing.message_id})" if outgoing.message_id else ""
    return fitting.cut(outgoing.body, LONGEST_TEXT - fitting.units(tail)) + tail


def buttons_of(outgoing: Outgoing) -> dict[str, Any] | None:
    """Buttons below a message; none where there is nothing to do."""
    rows: list[list[dict[str, str]]] = []
    if outgoing.kind in _ANSWERED and outgoing.message_id:
        rows.append(answers(outgoing.message_id))
    url = outgoing.view_url or outgoing.ack_url
    if url is not None and _opens(url):
        rows.append([{"text": "🔎 Mở / Open", "url": url}])
    return {"inline_keyboard": rows} if rows else None


def answers(message_id: int) -> list[dict[str, str]]:
    """The buttons that do something."""
    return [
        {"text": "✅ Xác nhận / Ack", "callback_data": f"{ACK}:{message_id}"},
        {"text": "⏰ Hoãn 1 giờ / Snooze 1h", "callback_data": f"{SNOOZE}:{message_id}"},
    ]


def _opens(url: str) -> bool:
    """Whether Telegram takes a URL for a button; it refuses the whole message for one that it does not."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and "." in (parts.hostname or "")
