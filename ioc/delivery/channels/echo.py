"""Brings synthetic alerts back: each message goes, signed, to the platform's own API, over its public address."""

from __future__ import annotations

import threading

from ioc.alerts.model import Channel
from ioc.delivery.channels.interface import Outgoing, Receipt, TemporaryError
from ioc.delivery.channels.webhook import Webhook
from ioc.errors import UnavailableError
from ioc.settings import Settings
from ioc.watch import echo


class Echo:
    """A webhook to ourselves. Its key is the database's, read when it is first needed."""

    def __init__(self, channel: Channel, settings: Settings) -> None:
        self._channel = channel
        self._settings = settings
        self._lock = threading.Lock()
        self._way: Webhook | None = None

    def send(self, outgoing: Outgoing) -> Receipt:
        """See :class:`ioc.delivery.channels.interface.Driver`."""
        return self._made().send(outgoing)

    def _made(self) -> Webhook:
        with self._lock:
            if self._way is None:
                try:
                    key = echo.read_key(self._settings)
                except UnavailableError as error:
                    raise TemporaryError(error.message, remedy=error.remedy) from None
                self._way = Webhook(self._channel, f"{echo.address(self._settings)} {key.decode()}")
            return self._way

    def close(self) -> None:
        """Give connections back."""
        if self._way is not None:
            self._way.close()
