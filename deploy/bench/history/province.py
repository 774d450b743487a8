"""A province of many communes as a district pack, and how much happens in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

from ioc.district import apply_pack, read_pack

ROOT = "province"
FIELDS = ("ho-tich", "chung-thuc", "dat-dai", "kinh-doanh", "xay-dung", "y-te")
#: No public holidays: then a week is like every other, and the history of one can stand for all.
_PACK = """format = 1
id = "bench-province"
version = "1"
name_vi = "Tỉnh đo tốc độ"
name_en = "Province for measuring"
root = "province"
time_zone = "Asia/Ho_Chi_Minh"

[working_time]
hours = [["07:00", "11:30"], ["13:30", "17:00"]]
weekdays = [1, 2, 3, 4, 5]
"""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much history is made.

    :param weeks: of dossiers, a multiple of four: four weeks are made as the worker makes them, the others are these
        again at their own time.
    :param dossiers: that a unit receives in a week; each has five facts on average.
    :param device_weeks: of roll-ups; the newest eight days keep their samples.
    :param minute_weeks: of device-time by minute.
    :param devices: of each unit, half cameras and half access points, a sample each minute.
    """

    units: int = 120
    weeks: int = 156
    dossiers: int = 54
    device_weeks: int = 52
    minute_weeks: int = 4
    devices: int = 4

    @property
    def samples(self) -> int:
        """Device samples that the roll-ups stand for."""
        return self.units * self.devices * self.device_weeks * 7 * 1440


def scaled(share: float) -> Size:
    """Return a size whose amounts over time are ``share`` of the whole one's; its units are as many."""
    whole = Size()
    return Size(
        weeks=max(20, round(whole.weeks * share / 4) * 4),
        device_weeks=max(2, round(whole.device_weeks * share)),
        minute_weeks=max(1, round(whole.minute_weeks * share)),
    )


def unit_code(number: int) -> str:
    """Return the code of a commune, numbered from 1."""
    return f"commune-{number:03d}"


def found(database: str, folder: Path, size: Size) -> None:
    """Write the province's pack into ``folder`` and apply it."""
    (folder / "pack.toml").write_text(_PACK)
    units = [f"{ROOT},local,Tỉnh,Province,province,,,,I"]
    points, devices = [], []
    for n in range(1, size.units + 1):
        code = unit_code(n)
        units.append(f"{code},local,Xã {n},Commune {n},commune,{ROOT},,,I")
        points.append(f"point-{n:03d},{code},Điểm {n},Point {n},,,I")
        for d in range(size.devices):
            kind = "camera" if d < size.devices // 2 else "wifi"
            devices.append(f"{kind}-{n:03d}-{d},{kind},point-{n:03d},Device {n}.{d},,60,,")
    for name, head, rows in (
        ("units", "code,scheme,name_vi,name_en,kind,parent,valid_from,valid_to,certainty", units),
        ("points", "code,unit,name_vi,name_en,valid_from,valid_to,certainty", points),
        ("devices", "code,kind,point,name,address,interval_s,valid_from,valid_to", devices),
    ):
        (folder / f"{name}.csv").write_text("\n".join((head, *rows)) + "\n")
    with psycopg.connect(database) as connection:
        apply_pack(connection, read_pack(folder))
