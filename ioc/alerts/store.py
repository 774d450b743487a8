"""Channels in force, from the database: steps, driven by whoever asks. Rules and policies: ``ioc.alerts.loading``."""

from __future__ import annotations

from typing import Final

from ioc.alerts.encoding import channel_from_json
from ioc.alerts.model import Channel
from ioc.kpi.query import Steps

_CHANNELS: Final = "SELECT code, definition::text FROM ioc.alert_channel ORDER BY code"


def channels_of() -> Steps[dict[str, Channel]]:
    """Steps to the channels in force, by their codes.

    :raises EncodingError: a definition is of a newer platform; see :mod:`ioc.alerts.encoding`.
    """
    rows = yield _CHANNELS, ()
    return {code: channel_from_json(text) for code, text in rows}
