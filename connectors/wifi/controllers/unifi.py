"""UniFi Network: ``/api/login`` and ``/api/s/<site>/stat/device``, behind UniFi OS below ``/proxy/network``.

One call tells all devices of a site with their counts. The tables of clients (``stat/sta``) are never asked for.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from connectors.shared.snmp.cells import count, text
from connectors.shared.snmp.counters import Counter
from connectors.wifi.channels import centre_mhz
from connectors.wifi.controllers.api import Api, ControllerError
from connectors.wifi.controllers.found import Found, mac_key
from ioc.events import Radio, Status

CALLS: Final = 1
"""Calls of one round, without a login."""
_MOST_CLIENTS: Final = 100_000
_BANDS: Final = {"ng": 2.4, "na": 5.0, "6e": 6.0}
_STATES: Final = {
    0: (Status.DOWN, "its controller reports it disconnected"),
    1: (Status.OK, None),
    4: (Status.UNKNOWN, "its controller upgrades it"),
    5: (Status.UNKNOWN, "its controller provisions it"),
    6: (Status.UNKNOWN, "its controller misses its heartbeat"),
    11: (Status.DEGRADED, "its controller reports it isolated"),
}


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account, or an API key (UniFi OS)."""

    user: str = ""
    password: str = ""
    api_key: str = ""

    def __repr__(self) -> str:
        return "Login(…)"


class _Radio(msgspec.Struct, frozen=True):
    name: str = ""
    radio: str = ""
    channel: int | str | None = None
    num_sta: int | None = None
    cu_total: int | float | None = None


class _Device(msgspec.Struct, frozen=True):
    type: str = ""
    mac: str = ""
    serial: str = ""
    model: str = ""
    model_name: str | None = None
    version: str | None = None
    adopted: bool = True
    state: int | None = None
    num_sta: int | None = None
    uptime: int | float | None = None
    rx_bytes: int | float | None = None
    tx_bytes: int | float | None = None
    radio_table_stats: tuple[_Radio, ...] | None = None


class _Meta(msgspec.Struct, frozen=True):
    rc: str = ""


class _Devices(msgspec.Struct, frozen=True):
    meta: _Meta = _Meta()
    data: tuple[_Device, ...] = ()


class Unifi:
    """One site of a controller.

    :param site: its name in the addresses, ``default`` for the first.
    """

    def __init__(self, api: Api, login: Login, site: str = "default") -> None:
        self._api = api
        self._login = login
        self._site = quote(site, safe="")
        self._prefix: str | None = "/proxy/network" if login.api_key else None
        self._inside = bool(login.api_key)

    async def read(self) -> list[Found]:
        """Ask for the site's access points.

        :raises ControllerError: when they can't be had.
        """
        if not self._inside:
            await self._log_in()
        try:
            devices = await self._devices()
        except ControllerError as error:
            if error.status != 401 or self._login.api_key:
                if error.status in (401, 403):
                    self._api.keep_away()
                raise
            self._inside = False  # the session ended: once more
            await self._log_in()
            devices = await self._devices()
        return [_found(device) for device in devices if device.type == "uap" and device.adopted]

    async def _devices(self) -> tuple[_Device, ...]:
        headers = {"X-API-KEY": self._login.api_key} if self._login.api_key else None
        answer = await self._api.call(
            "GET", f"{self._prefix}/api/s/{self._site}/stat/device", headers=headers
        )
        found = answer.read(_Devices)
        if found.meta.rc not in ("", "ok"):
            raise ControllerError("the controller says that something is wrong with the call", answered=True)
        return found.data

    async def _log_in(self) -> None:
        self._api.forget_login()
        account = {"username": self._login.user, "password": self._login.password}
        ways = (("", "/api/login"), ("/proxy/network", "/api/auth/login"))
        for prefix, path in ways:
            if self._prefix not in (None, prefix):
                continue
            try:
                await self._api.call("POST", path, json=account)
            except ControllerError as error:
                if error.status == 404 and self._prefix is None and prefix == "":
                    continue  # UniFi OS knows no classic login
                if error.status in (400, 401, 403):
                    self._api.keep_away()
                    raise ControllerError(
                        "the controller refuses the login", answered=True, status=error.status
                    ) from None
                raise
            self._prefix, self._inside = prefix, True
            return


def _found(device: _Device) -> Found:
    radios = tuple(_radio(radio) for radio in (device.radio_table_stats or ())[:16])
    status, reason = _STATES.get(
        -1 if device.state is None else device.state,
        (Status.UNKNOWN, "its controller does not tell its state"),
    )
    here = status in (Status.OK, Status.DEGRADED)
    return Found(
        key=mac_key(device.serial or device.mac),
        status=status,
        reason=reason,
        model=text(device.model_name or device.model),
        firmware=text(device.version),
        clients=count(device.num_sta, _MOST_CLIENTS) if here else None,
        radios=radios if here else (),
        uptime_s=count(device.uptime) if here else None,
        rx=_counter(device.rx_bytes) if here else None,
        tx=_counter(device.tx_bytes) if here else None,
    )


def _radio(radio: _Radio) -> Radio:
    channel = count(radio.channel, 255) or None
    share = radio.cu_total
    return Radio(
        name=text(radio.name or radio.radio) or "radio",
        channel=channel,
        frequency_mhz=centre_mhz(channel, _BANDS.get(radio.radio)),
        clients=count(radio.num_sta, _MOST_CLIENTS),
        utilisation=round(share / 100, 4) if share is not None and 0 <= share <= 100 else None,
    )


def _counter(value: float | None) -> Counter | None:
    number = count(value)
    return None if number is None else Counter(number)
