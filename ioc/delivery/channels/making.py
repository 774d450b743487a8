"""Makes the driver that a channel of the pack asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from ioc.alerts.model import Channel
from ioc.delivery.channels.interface import ChannelError, Driver, Secrets
from ioc.district.secrets import read_secret
from ioc.errors import InputError
from ioc.settings import Settings

#: Drivers that need an address or a token.
NEED_SECRET: Final = frozenset({"apprise", "webhook", "telegram"})


def make_driver(channel: Channel, secrets: Secrets, settings: Settings) -> Driver:
    """Make a driver; nothing is sent or connected to yet.

    :param secrets: looks the channel's secret up, such as :func:`secrets_of` of the pack's folder.
    :raises ChannelError: the secret is unset or can't be used, or there is no such driver; says what to do.
    """
    make = _MAKERS.get(channel.driver)
    if make is None:
        raise ChannelError(
            f"Channel {channel.code}: there is no driver {channel.driver!r}.",
            remedy=f"Use one of {', '.join(sorted(_MAKERS))}.",
        )
    try:
        secret = _secret(channel, secrets)
        return make(channel, secret, settings)
    except (ChannelError, InputError) as error:
        raise ChannelError(f"Channel {channel.code}: {error.message}", remedy=error.remedy) from None


def secrets_of(folder: Path) -> Secrets:
    """Looks references up; relative files count from a pack's folder."""
    return lambda reference: read_secret(reference, folder)


def _secret(channel: Channel, secrets: Secrets) -> str:
    if not channel.secret:
        if channel.driver in NEED_SECRET:
            raise ChannelError(
                "it names no secret.", remedy='Write secret = "env:NAME" or "file:PATH" into channels.toml.'
            )
        return ""
    found: SecretStr = secrets(channel.secret)
    return found.get_secret_value()


def _apprise(channel: Channel, secret: str, _settings: Settings) -> Driver:
    from ioc.delivery.channels import service

    return service.make(channel, secret)


def _webhook(channel: Channel, secret: str, _settings: Settings) -> Driver:
    from ioc.delivery.channels.webhook import Webhook

    return Webhook(channel, secret)


def _telegram(channel: Channel, secret: str, settings: Settings) -> Driver:
    from ioc.delivery.channels.telegram import Telegram

    return Telegram(channel, secret, settings)


def _echo(channel: Channel, _secret: str, settings: Settings) -> Driver:
    from ioc.delivery.channels.echo import Echo

    return Echo(channel, settings)


def _siren(channel: Channel, _secret: str, settings: Settings) -> Driver:
    from ioc.delivery.channels.siren import Siren

    return Siren(channel, settings)


_MAKERS: Final[Mapping[str, Callable[[Channel, str, Settings], Driver]]] = {
    "apprise": _apprise,
    "echo": _echo,
    "webhook": _webhook,
    "telegram": _telegram,
    "siren": _siren,
}
