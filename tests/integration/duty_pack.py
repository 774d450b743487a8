"""The shipped pack with people and rosters of its own, for tests of duty in a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

from ioc.district import Pack, read_pack
from ioc.duty import Person, Roster, Rotation
from ioc.duty.model import Advance, Cover

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
PHONE = "0900111222"
VIETNAM = "Asia/Ho_Chi_Minh"


def daily(layer: str, people: str, turn: int = 1) -> Rotation:
    """Whole days from 7:00, one person after the other; 2 March 2026 is a Monday."""
    groups = tuple((code,) for code in people.split())
    return Rotation(
        layer, "ca", ("daily",), time(7), time(7), turn, Advance.CALENDAR, groups, 1, date(2026, 3, 2)
    )


def duty_pack(turns: str = "an binh chi") -> Pack:
    """``truc``: these turns, for the district; ``xa``: an alone, for the commune 25663."""
    people = tuple(
        Person(code, code.title(), "Cán bộ", contacts={"sms": PHONE}) for code in ("an", "binh", "chi")
    )
    rosters = (
        Roster("truc", "Trực", "Duty", VIETNAM, Cover.ALWAYS, (daily("main", turns),)),
        Roster("xa", "Trực xã", "Commune", VIETNAM, Cover.NONE, (daily("main", "an"),), unit="25663"),
    )
    return replace(read_pack(SHIPPED), people=people, rosters=rosters)
