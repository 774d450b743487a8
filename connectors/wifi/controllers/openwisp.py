"""OpenWISP: the list of monitored devices, and of each its chart of clients.

The charts hold counts. The device's raw data (``status=true``) and the list of sessions hold clients' addresses;
neither is asked for.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from connectors.shared.snmp.cells import count, text
from connectors.wifi.controllers.api import Answer, Api, ControllerError
from connectors.wifi.controllers.found import Found, mac_key
from ioc.events import Status

_PAGE: Final = 100
_MOST_PAGES: Final = 50
_MOST_CLIENTS: Final = 100_000
_TRACE: Final = "wifi_clients"
_STATES: Final = {
    "ok": (Status.OK, None),
    "problem": (Status.DEGRADED, "its controller reports a problem"),
    "critical": (Status.DOWN, "its controller reports it critical"),
    "deactivated": (Status.MAINTENANCE, "its controller has it deactivated"),
}
_UNKNOWN: Final = (Status.UNKNOWN, "its controller knows nothing of it")


class _Monitoring(msgspec.Struct, frozen=True):
    status: str = "unknown"


class _Device(msgspec.Struct, frozen=True):
    id: str
    mac_address: str = ""
    model: str | None = None
    os: str | None = None
    monitoring: _Monitoring | None = None


class _Page(msgspec.Struct, frozen=True):
    results: tuple[_Device, ...] = ()
    next: str | None = None


class _Chart(msgspec.Struct, frozen=True):
    traces: tuple[tuple[str, tuple[int | float | None, ...]], ...] = ()


class _Charts(msgspec.Struct, frozen=True):
    charts: tuple[msgspec.Raw, ...] = ()


class OpenWisp:
    """The devices of a controller that a token may see.

    :param organization: slug; only its devices.
    """

    def __init__(self, api: Api, token: str, organization: str | None = None) -> None:
        self._api = api
        self._headers = {"Authorization": f"Bearer {token}"}
        self._only = f"&organization_slug={quote(organization, safe='')}" if organization else ""

    async def read(self) -> list[Found]:
        """Ask for the access points, page by page, then for the clients of each that is there.

        Once the controller refuses more calls, the clients of the rest are unknown.

        :raises ControllerError: when the list can't be had.
        """
        devices: list[_Device] = []
        for page in range(1, _MOST_PAGES + 1):
            path = f"/api/v1/monitoring/device/?page={page}&page_size={_PAGE}{self._only}"
            found = (await self._call(path)).read(_Page)
            devices += found.results
            if found.next is None:
                break
        results, refused = [], False
        for device in devices:
            status, reason = _STATES.get(device.monitoring.status if device.monitoring else "", _UNKNOWN)
            clients = None
            if status in (Status.OK, Status.DEGRADED) and not refused:
                try:
                    clients = await self._clients(device.id)
                except ControllerError as error:
                    refused = error.status in (401, 403, 429, 503) or not error.answered
            results.append(
                Found(
                    key=mac_key(device.mac_address or device.id),
                    status=status,
                    reason=reason,
                    model=text(device.model),
                    firmware=text(device.os),
                    clients=clients,
                )
            )
        return results

    async def _call(self, path: str) -> Answer:
        try:
            return await self._api.call("GET", path, headers=self._headers)
        except ControllerError as error:
            if error.status in (401, 403):
                self._api.keep_away()
            raise

    async def _clients(self, device: str) -> int | None:
        """Clients of all its radios in the last period that the charts have a count for."""
        answer = await self._call(f"/api/v1/monitoring/device/{quote(device, safe='')}/?time=1d")
        latest = []
        for raw in answer.read(_Charts).charts:
            try:
                chart = msgspec.json.decode(raw, type=_Chart)
            except msgspec.DecodeError:
                continue  # a chart of another shape
            for name, values in chart.traces:
                known = [value for value in values if value is not None]
                if name == _TRACE and values:
                    latest.append(count(known[-1], _MOST_CLIENTS) if known else None)
        counted = [value for value in latest if value is not None]
        return sum(counted) if counted and len(counted) == len(latest) else None
