"""Rosters of a pack: each mistake is told with its file and line, and no address is repeated."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.district import examine, read_pack
from ioc.duty import Plan, compute, watch
from ioc.duty.model import Advance, Cover

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
PEOPLE = "code,name,title,unit,contacts,valid_from,valid_to"
ROSTERS = "code,name_vi,name_en,cover,unit,time_zone"
SHIFTS = "roster,layer,shift,days,starts,ends,turn,people,advance,needs,valid_from,valid_to"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The shipped pack without the policies of alerts, which call its roster."""
    without = shutil.ignore_patterns("rules", "policies.toml")
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack", ignore=without))


def _write(pack: Path, people: list[str], rosters: list[str], shifts: list[str]) -> None:
    for name, rows in (
        ("people", [PEOPLE, *people]),
        ("rosters", [ROSTERS, *rosters]),
        ("duty", [SHIFTS, *shifts]),
    ):
        (pack / f"{name}.csv").write_text("\n".join(rows) + "\n", "utf-8")


def test_the_shipped_roster_names_roles_only_and_has_no_gap_in_two_years() -> None:
    found = read_pack(SHIPPED)
    assert all(not person.contacts for person in found.people)
    plan = Plan(found.rosters, {person.code: person for person in found.people}, (), found.calendar)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for roster in found.rosters:
        assert roster.cover is Cover.ALWAYS
        assert watch(plan, roster, start, start + timedelta(days=730)) == []
        crews = {len(span.people) for span in compute(plan, roster, start, start + timedelta(days=730)).spans}
        assert crews == {2}, "an officer and a leader"


def test_rows_become_rotations(pack: Path) -> None:
    _write(
        pack,
        [
            "an,An,Chánh văn phòng,25663,email=an@example.org; sms=+84 900 000 000,2026-01-01,",
            "binh,Bình,,,,,",
        ],
        ["r,Trực,Duty,working,25663,Asia/Ho_Chi_Minh"],
        ["r,main,dem,working+sat,18:00,06:00,7,an+binh; binh + an,shifts,2,2026-01-05,2027-01-01"],
    )
    found = read_pack(pack)
    (roster,) = found.rosters
    (row,) = roster.rotations
    assert (roster.cover, roster.unit, row.days, row.turn) == (Cover.WORKING, "25663", ("working", "sat"), 7)
    assert (row.people, row.advance, row.needs) == ((("an", "binh"), ("binh", "an")), Advance.SHIFTS, 2)
    assert found.people[0].contacts == {"email": "an@example.org", "sms": "+84 900 000 000"}
    assert "example" not in repr(found.people[0])


def test_a_pack_without_rosters_is_in_order(pack: Path) -> None:
    for name in ("people", "rosters", "duty"):
        (pack / f"{name}.csv").unlink()
    assert read_pack(pack).rosters == ()


_AN = "an,An,,,,,"
_R = "r,T,D,always,,"
_ROW = "r,m,s,daily,07:00,07:00,1,an,,,2026-01-01,"


@pytest.mark.parametrize(
    ("people", "rosters", "shifts", "words"),
    [
        (_AN, _R, _ROW.replace(",an,", ",an; ghost,"), "duty.csv:2: Person 'ghost'"),
        (_AN, _R, f"{_ROW}\nx{_ROW[1:]}", "duty.csv:3: Roster 'x' is not in rosters.csv"),
        (_AN, _R.replace("always", "sometimes"), _ROW, "rosters.csv:2: cover"),
        (_AN, _R, _ROW.replace("daily", "funday"), "days 'funday' is not known"),
        (_AN, _R, _ROW.replace("07:00,07:00", "25:00,07:00"), "starts '25:00' is no time"),
        (_AN, _R, _ROW.replace(",1,", ",0,"), "turn '0' is no whole number"),
        (_AN, _R, _ROW.replace(",an,,,", ",an,,2,"), "has 1 people, the shift needs 2"),
        (_AN, _R, _ROW.replace(",an,", ",an+an,"), "names somebody twice"),
        (_AN, _R, _ROW.replace(",an,", ",an;;an,"), "empty place"),
        (_AN, _R, _ROW.replace("2026-01-01", ""), "valid_from is empty"),
        (
            _AN,
            _R,
            _ROW.replace("daily", "sun").replace("2026-01-01,", "2026-01-05,2026-01-10"),
            "is held on no day",
        ),
        (_AN, _R + "Mars/Base", _ROW, "no IANA time zone"),
        ("an,An,,nowhere,,,", _R, _ROW, "people.csv:2: Unit 'nowhere'"),
        (_AN + "\n" + _AN, _R, _ROW, "people.csv:3: Code 'an' stands on line 2 too"),
        (_AN, _R + "\nq,T,D,none,,", _ROW, "Roster 'q' has no shift"),
        (_AN, _R, f"{_ROW}\n{_ROW}", "duty.csv:3: Shift 's' of r/m stands on line 2 too"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    pack: Path, people: str, rosters: str, shifts: str, words: str
) -> None:
    _write(pack, people.split("\n"), rosters.split("\n"), shifts.split("\n"))
    assert any(words in str(problem) for problem in examine(pack).errors), examine(pack).errors


def test_an_address_is_never_repeated(pack: Path) -> None:
    _write(
        pack,
        ["an,An,,,fax=0900111222,,", "binh,Bình,,,email=a@example.org;email=secret@example.org,,"],
        ["r,Trực,Duty,none,,"],
        ["r,m,s,daily,07:00,07:00,1,an,,,2026-01-01,"],
    )
    errors = [str(problem) for problem in examine(pack).errors]
    assert len(errors) == 2
    assert not any("0900" in text or "secret@" in text for text in errors)


def test_a_mistake_in_a_roster_does_not_stop_connectors(pack: Path) -> None:
    _write(pack, [], ["r,Trực,Duty,none,,"], ["r,m,s,daily,07:00,07:00,1,ghost,,,2026-01-01,"])
    reading = examine(pack)
    assert reading.pack is None
    assert reading.usable is not None


def test_turns_of_somebody_who_leaves_are_noted(pack: Path) -> None:
    _write(
        pack, ["an,An,,,,,2026-06-01"], ["r,Trực,Duty,none,,"], ["r,m,s,daily,07:00,07:00,1,an,,,2026-01-01,"]
    )
    notes = [note.message for note in examine(pack).notes if note.file == "duty.csv"]
    assert notes == ["an is among the people from … to 2026-06-01 only."]
