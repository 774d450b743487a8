"""One-way services that apprise knows: text messages, Zalo, Teams and many more, each by one address.

apprise answers whether a message went and writes why not into its log alone. The log of each call is read for that and
thrown away: it names addresses, and in detail also tokens.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import apprise
from apprise.plugins.email.base import NotifyEmail

from ioc.alerts.model import Channel, Severity
from ioc.delivery import fitting
from ioc.delivery.channels import http
from ioc.delivery.channels.bounded import Bounded
from ioc.delivery.channels.interface import (
    ChannelError,
    Driver,
    Outgoing,
    PermanentError,
    Receipt,
    TemporaryError,
)
from ioc.delivery.channels.mail import Mail, Server

#: In an address: ``short`` sends one text message in place of the whole. Not passed on.
TEXT_OPTION: Final = "ioc-text"
#: Services that take no more than this are text messages or close to it.
_SHORT_BODY: Final = 500
#: What an address may look like, to see at check time whether a channel can be used at all.
_TRIALS: Final = ("84900000000", "+84900000000", "nobody@example.org", "123456789", "a1b2c3")
_STATUS: Final = re.compile(r"error=(\d{3})\b")
_SOCKET: Final = re.compile(r"Connection error|Socket Exception|timed out|Max retries", re.IGNORECASE)
#: What Markdown reads as more than a character.
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>~&#|]|^\s*[-+](?=\s))")
_PRESS: Final = "Mở / Open"
_TYPES: Final = {
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
    Severity.MAJOR: apprise.NotifyType.FAILURE,
    Severity.MINOR: apprise.NotifyType.WARNING,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.INFO: apprise.NotifyType.INFO,
}
_HOW: Final = "docs/howto/channels.md shows an address for each service."

# its lines name people's addresses: they stay out of our log, whatever the level
_quiet = logging.getLogger("apprise")
_quiet.propagate = False
_quiet.setLevel(logging.DEBUG)  # the reasons are told at this level only
_quiet.addHandler(logging.NullHandler())


def make(channel: Channel, secret: str) -> Driver:
    """A driver for one address of apprise; mail is sent by :mod:`ioc.delivery.channels.mail`.

    :param secret: the address; ``{address}`` in it stands for the person's own.
    :raises ChannelError: apprise can't use it.
    """
    address, short = _own_options(secret.strip())
    asset = apprise.AppriseAsset(
        app_id="IOC",
        app_desc="IOC",
        app_url="",
        secure_logging=True,
        # its icons lie on another machine, which would learn of each alert
        image_url_mask="",
        image_url_logo="",
        # a POST that is sent on comes out as a GET: it would count as sent, and nothing went
        http_redirects=False,
    )
    trials: Iterable[str] = _TRIALS if "{address}" in address else ("",)
    found = next((one for trial in trials if (one := _plugin(address, trial, asset)) is not None), None)
    if found is None:
        raise ChannelError("The channel's address is none that apprise can use.", remedy=_HOW)
    timeout_s = channel.timeout.total_seconds()
    if isinstance(found, NotifyEmail):
        return _mail(channel, found, address, timeout_s)
    return Service(channel, address, asset, short=short or found.body_maxlen <= _SHORT_BODY)


class Service:
    """Sends each message by one service."""

    def __init__(self, channel: Channel, address: str, asset: apprise.AppriseAsset, *, short: bool) -> None:
        self._address, self._asset, self._short = address, asset, short
        self._bounded = Bounded(channel.timeout.total_seconds(), name=channel.code)

    def send(self, outgoing: Outgoing) -> Receipt:
        """See :class:`ioc.delivery.channels.interface.Driver`. Services give no id through apprise."""
        plugin = _plugin(self._address, _own_address(self._address, outgoing), self._asset)
        if plugin is None or len(plugin) == 0 or getattr(plugin, "invalid_targets", None):
            raise PermanentError(
                "The person's address is none that this service takes.",
                remedy="Correct it in people.csv and apply the pack.",
            )
        carried = _carry_key(plugin, outgoing.key)
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self._bounded.timeout_s
        self._bounded.run(lambda: self._notify(plugin, outgoing))
        return Receipt(None, {"service": str(plugin.service_name), "key_carried": int(carried)})

    def close(self) -> None:
        """Nothing is kept open."""

    def _notify(self, plugin: Any, outgoing: Outgoing) -> None:
        caller = apprise.Apprise(asset=self._asset)
        caller.add(plugin)
        written = apprise.NotifyFormat.TEXT
        if self._short:
            title, body = "", fitting.short_text(outgoing)
        else:
            title = fitting.one_line(outgoing.subject, 200)
            room = plugin.body_maxlen - (len(title) + 2 if plugin.title_maxlen <= 0 else 0)
            body = fitting.long_text(outgoing, max(room, fitting.SHORT))
            if plugin.notify_format == apprise.NotifyFormat.MARKDOWN:
                written = apprise.NotifyFormat.MARKDOWN
                title, body = markdown(title), _marked(outgoing, max(room, fitting.SHORT))
        try:
            done = caller.notify(
                body=body,
                title=title,
                notify_type=_TYPES[outgoing.severity],
                body_format=written,
                log_level=logging.DEBUG,
            )
        except Exception as error:
            raise TemporaryError(
                f"apprise failed at this service: {type(error).__name__}.",
                remedy="See whether the channel's address is right; ioc channel test tries it.",
            ) from None
        if not done:
            raise reason([entry.message for entry in done.logs()])


def markdown(text: str, link: str | None = None) -> str:
    """Plain text for services that read Markdown: it is shown as it is, line by line, and the link can be pressed.

    apprise would escape the link too, which then leads nowhere.
    """
    return "  \n".join(
        f"[{_PRESS}]({link})" if link and line == link else _MARKUP.sub(r"\\\1", line)
        for line in text.split("\n")
    )


def _marked(outgoing: Outgoing, most: int) -> str:
    """The body with its link as Markdown; of what is cut, more than what escaping adds."""
    link = outgoing.ack_url or outgoing.view_url
    found = markdown(fitting.long_text(outgoing, most), link)
    over = fitting.units(found) - most
    if over > 0:
        found = markdown(fitting.long_text(outgoing, max(most - over, fitting.SHORT)), link)
    return found


def reason(log: Iterable[str]) -> TemporaryError | PermanentError:
    """Say why apprise did not send, by the lines it wrote; what they can't tell counts as temporary."""
    lines = list(log)
    for line in lines:
        if status := _STATUS.search(line):
            try:
                http.judge(int(status[1]))
            except (TemporaryError, PermanentError) as error:
                return error
    text = " ".join(line for line in lines if _SOCKET.search(line)).lower()
    if not text:
        return TemporaryError(
            "The service did not take the message and apprise does not say why.",
            remedy="See whether the channel's address is right; ioc channel test tries it.",
        )
    if "certificate" in text:
        return TemporaryError(
            "The server's certificate is not trusted.",
            remedy="Renew it there, or let REQUESTS_CA_BUNDLE name the authority that signed it.",
        )
    if "ssl" in text or "tls" in text:
        return TemporaryError("No TLS with the server.", remedy="See whether it speaks TLS there.")
    if "timed out" in text:
        return TemporaryError("The server did not answer in time.", remedy="See whether it is slow or away.")
    if "refused" in text:
        return TemporaryError(
            "The server refuses connections.", remedy="See whether it runs and its port is right."
        )
    return TemporaryError(
        "The server can't be reached.", remedy="See whether its name is right and the network is up."
    )


def _plugin(address: str, own: str, asset: apprise.AppriseAsset) -> Any:
    """apprise's object for an address; None where it is none."""
    try:
        return apprise.Apprise.instantiate(
            address.replace("{address}", quote(own, safe="")), asset=asset, suppress_exceptions=True
        )
    except Exception:
        return None


def _own_address(address: str, outgoing: Outgoing) -> str:
    if "{address}" in address and not outgoing.address:
        raise PermanentError("The person has no address at this channel.", remedy="Write it into people.csv.")
    return outgoing.address or ""


def _own_options(address: str) -> tuple[str, bool]:
    """The address without what is meant for us, and whether messages are to be short."""
    try:
        parts = urlsplit(address)
        asked = [value for name, value in parse_qsl(parts.query) if name == TEXT_OPTION]
    except ValueError:
        return address, False
    if not asked:
        return address, False
    if asked != ["short"]:
        raise ChannelError(f"{TEXT_OPTION} can only be short.", remedy=_HOW)
    kept = "&".join(part for part in parts.query.split("&") if part.partition("=")[0] != TEXT_OPTION)
    return urlunsplit(parts._replace(query=kept)), True


def _carry_key(plugin: Any, key: str) -> bool:
    """Put the message's key where the service has room for it."""
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers[http.KEY_HEADER] = http.key_value(key)
        return True
    return False


def _mail(channel: Channel, found: Any, address: str, timeout_s: float) -> Mail:
    sender_name, sender = found.from_addr
    server = Server(
        host=found.smtp_host,
        port=int(found.port),
        mode=found.secure_mode,
        sender=sender,
        sender_name=sender_name or "IOC",
        user=found.user or None,
        password=found.password or None,
        verify=bool(found.verify_certificate),
    )
    fixed = tuple(target for _, target in found.targets)

    def to(outgoing: Outgoing) -> tuple[str, ...]:
        return (_own_address(address, outgoing).strip(),) if "{address}" in address else fixed

    return Mail(server, to, timeout_s, channel.code)
