"""What delivery asks of a channel, whatever carries the message.

:func:`ioc.delivery.channels.making.make_driver` makes a driver of a channel of the pack. Errors say what happened in a
sentence that may be stored and shown: no secret, no address and no name of a person is ever part of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from pydantic import SecretStr

from ioc.alerts.model import Severity
from ioc.errors import IocError

#: Looks a reference (``env:NAME``, ``file:PATH``) up; raises :class:`ioc.errors.InputError` when it leads to nothing.
Secrets: TypeAlias = Callable[[str], SecretStr]


@dataclass(frozen=True)
class Item:
    """One alert of a message, for channels that carry data and not only text."""

    alert_id: int
    rule: str
    severity: Severity
    subject: str
    unit: str | None = None
    point: str | None = None
    since: str = ""
    """RFC 3339."""
    value: float | None = None
    cleared: bool = False


@dataclass(frozen=True)
class Outgoing:
    """One message, ready to go.

    :param key: goes with the message to the channel: what is sent twice carries the same.
    :param message_id: the outbox's number; 0 for a message that is of no outbox (a test).
    :param kind: as in ``ioc.alert_message.kind``.
    :param subject: one line without control characters.
    :param body: plain text of any length, Vietnamese first; channels cut it to what they carry.
    :param short: the same in one text message (at most 134 characters).
    :param address: the person's own address at this channel; None where the channel has one for all. Personal data.
    :param ack_url: the page that acknowledges and snoozes; None without ``IOC_PUBLIC_URL``.
    :param view_url: the page that shows the alerts.
    :param items: the alerts that it is about, worst first; may be only the first of many.
    :param total: how many alerts it is about.
    """

    key: str
    kind: str
    severity: Severity
    subject: str
    body: str
    short: str
    address: str | None = field(default=None, repr=False)
    message_id: int = 0
    ack_url: str | None = field(default=None, repr=False)
    view_url: str | None = field(default=None, repr=False)
    items: tuple[Item, ...] = ()
    total: int = 0


@dataclass(frozen=True)
class Receipt:
    """What the channel answered.

    :param id: its own id of the message, where it gives one.
    :param detail: what else is worth keeping; no secret, no address.
    """

    id: str | None = None
    detail: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # it is kept as JSON, which a library's own kind of string is not
        if self.id is not None and type(self.id) is not str:
            object.__setattr__(self, "id", str(self.id))


class ChannelError(IocError):
    """A driver can't be made of this channel: its secret is unset, its address no address. Shown as delivery state."""


class TemporaryError(IocError):
    """The message did not go; it may go later.

    :param retry_after_s: the channel asked to wait this long; None when it did not say.
    """

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class PermanentError(IocError):
    """The message did not go and won't, however often it is tried."""


class Driver(Protocol):
    """Carries messages over one channel."""

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hand a message to the channel.

        May be called by several threads at a time. Returns or raises within the channel's timeout (and a second), by
        the wall clock, whatever the other side does.

        :raises TemporaryError: it may go later.
        :raises PermanentError: it won't go.
        """

    def close(self) -> None:
        """Give connections back; nothing may be sent after."""


@runtime_checkable
class Listener(Protocol):
    """A driver that also hears from people. Delivery runs ``listen`` in a thread of its own."""

    def listen(self, stop: threading.Event) -> None:
        """Handle what people answer until ``stop`` is set; ends within a few seconds after.

        Any number of processes may listen: one at a time does. It logs and outlives whatever goes wrong.
        """
