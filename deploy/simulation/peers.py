"""All simulated devices of a district, and the target files by which the connectors find them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from deploy.simulation.access_points import AccessPoints
from deploy.simulation.cameras import CameraSite
from deploy.simulation.district import SimulatedDistrict
from deploy.simulation.incidents import Kind
from deploy.simulation.media import make_clips

CAMERAS: Final = "cameras.toml"
WIFI: Final = "wifi.toml"


class Peers:
    """Cameras and access points that answer as the model says.

    :param folder: clips, streams and target files are kept here.
    """

    def __init__(self, district: SimulatedDistrict, folder: Path) -> None:
        self._district = district
        self._folder = folder
        clips = make_clips(folder / "clips")
        self._sites = {
            place.code: CameraSite(folder / "streams" / place.code, place.cameras, clips)
            for place in district.places
            if place.cameras
        }
        self._wifi = AccessPoints(
            [device.code for place in district.places for device in place.access_points]
        )

    async def start(self, moment: datetime) -> None:
        """Bring every device to its state, then write the target files."""
        for site in self._sites.values():
            site.folder.mkdir(parents=True, exist_ok=True)
        await self._wifi.start()
        await self.follow(moment)

    async def follow(self, moment: datetime) -> None:
        """Bring every device to its state at this moment, and the target files to the units that hold now."""
        for place in self._district.places:
            site = self._sites.get(place.code)
            if site is not None:
                out = Kind.OUTAGE in self._district.incidents.kinds(place.code, moment)
                await site.switch(on=not out)
                for camera in place.cameras:
                    if not out:
                        await site.show(camera, self._district.camera_fault(camera, moment))
            clients = self._district.clients(place, moment)
            for device in place.access_points:
                await self._wifi.update(device.code, clients, self._district.wifi_fault(device, moment))
        _write_changed(self._folder / CAMERAS, self._camera_targets(moment))
        _write_changed(self._folder / WIFI, self._wifi_targets(moment))

    async def close(self) -> None:
        """End every stream and agent."""
        await asyncio.gather(*(site.switch(on=False) for site in self._sites.values()))
        await self._wifi.close()

    def _camera_targets(self, moment: datetime) -> str:
        return _targets(
            "//simulation/cameras",
            (
                {
                    "device": camera.code,
                    "unit": self._district.unit_of(place.code, moment),
                    "point": place.code,
                    "url": self._sites[place.code].url(camera),
                    "interval_s": camera.interval_s,
                }
                for place in self._district.places
                for camera in place.cameras
            ),
        )

    def _wifi_targets(self, moment: datetime) -> str:
        return _targets(
            "//simulation/wifi",
            (
                {
                    "device": device.code,
                    "unit": self._district.unit_of(place.code, moment),
                    "point": place.code,
                    "host": "127.0.0.1",
                    "port": self._wifi.port,
                    "community": device.code,
                    "ping": f"tcp:{self._wifi.host_ports[device.code]}",
                    "interval_s": device.interval_s,
                }
                for place in self._district.places
                for device in place.access_points
            ),
        )


def _targets(source: str, targets: Iterable[Mapping[str, object]]) -> str:
    """A target file; strings and numbers of JSON are strings and numbers of TOML."""
    lines = ["# Written by the simulated district.", "[defaults]", f"source = {json.dumps(source)}"]
    for target in targets:
        lines += ["", "[[target]]", *(f"{key} = {json.dumps(value)}" for key, value in target.items())]
    return "\n".join(lines) + "\n"


def _write_changed(path: Path, text: str) -> None:
    if path.exists() and path.read_text("utf-8") == text:
        return
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    part.replace(path)
