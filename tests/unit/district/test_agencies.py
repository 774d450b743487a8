"""Agency names become units by the pack's rows alone; what no row explains is remembered, within a limit."""

from __future__ import annotations

import threading
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.district import examine, read_pack
from ioc.district.agencies import LONGEST_NAME, MOST_UNMAPPED, OVERFLOW_KEY, AgencyResolver, agency_key
from ioc.district.model import Agency, Period

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
REFORM = date(2025, 7, 1)
BEFORE, AFTER = datetime(2025, 6, 30, 3, tzinfo=UTC), datetime(2025, 7, 2, 3, tzinfo=UTC)


def _resolver(*rows: Agency) -> AgencyResolver:
    return AgencyResolver(rows, time_zone="Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    "written",
    [
        "UBND xã Thạnh Đức",
        "  ubnd XÃ   Thạnh\u00a0Đức ",
        unicodedata.normalize("NFD", "UBND xã Thạnh Đức"),
        "UBND xã\tThạnh\u200b Đức\n",
    ],
)
def test_composition_case_and_blanks_make_no_difference(written: str) -> None:
    assert _resolver(Agency("UBND xã Thạnh Đức", "u1")).resolve(written, AFTER) == "u1"


def test_nothing_is_guessed() -> None:
    resolver = _resolver(Agency("UBND xã Thạnh Đức", "u1"))
    others = ["UBND xã Thanh Đức", "xã Thạnh Đức", "UBND xã Thạnh Đức (cũ)", "Ủy ban nhân dân xã Thạnh Đức"]
    assert [resolver.resolve(name, AFTER) for name in others] == [None] * 4
    assert [row.name for row in resolver.take_unmapped()] == others


def test_the_day_is_the_districts_own() -> None:
    resolver = _resolver(
        Agency("UBND xã A", "old", period=Period(None, REFORM)),
        Agency("UBND xã A", "new", period=Period(REFORM, None)),
    )
    assert resolver.resolve("UBND xã A", datetime(2025, 6, 30, 16, 59, tzinfo=UTC)) == "old"
    assert resolver.resolve("UBND xã A", datetime(2025, 6, 30, 17, 0, tzinfo=UTC)) == "new"


def test_a_systems_own_row_goes_before_the_row_for_all() -> None:
    resolver = _resolver(Agency("Một cửa", "all"), Agency("Một cửa", "own", scheme="motcua"))
    assert resolver.resolve("Một cửa", AFTER, scheme="motcua") == "own"
    assert resolver.resolve("Một cửa", AFTER, scheme="another") == "all"
    assert resolver.resolve("Một cửa", AFTER) == "all"


def test_a_name_outside_its_period_is_remembered() -> None:
    resolver = _resolver(Agency("UBND xã A", "old", period=Period(None, REFORM)))
    assert resolver.resolve("UBND xã A", AFTER) is None
    assert resolver.resolve("ubnd XÃ a", AFTER) is None
    (row,) = resolver.take_unmapped()
    assert (row.name, row.seen) == ("UBND xã A", 2)
    assert row.first_seen <= row.last_seen
    assert resolver.take_unmapped() == []


def test_what_is_remembered_is_bounded_and_nothing_goes_uncounted() -> None:
    resolver = _resolver()
    for number in range(MOST_UNMAPPED + 500):
        assert resolver.resolve(f"agency {number}", AFTER) is None
    resolver.resolve("x" * 10_000_000, AFTER)
    names = resolver.take_unmapped()
    assert len(names) == MOST_UNMAPPED + 1
    assert {row.key: row.seen for row in names}[OVERFLOW_KEY] == 501
    resolver.give_back(names)
    resolver.give_back(names)
    assert sum(row.seen for row in resolver.take_unmapped()) == 2 * (MOST_UNMAPPED + 501)


def test_threads_share_one_resolver() -> None:
    resolver = _resolver()
    threads = [
        threading.Thread(target=lambda: [resolver.resolve("A", AFTER) for _ in range(500)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.seen for row in resolver.take_unmapped()] == [2000]


def test_a_naive_time_is_refused_and_the_ends_of_time_are_not() -> None:
    resolver = _resolver(Agency("A", "u"))
    with pytest.raises(ValueError, match="naive"):
        resolver.resolve("A", datetime(2025, 1, 1))  # noqa: DTZ001  # what is tested
    for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
        assert resolver.resolve("A", moment) == "u"


@given(st.text(st.characters(), max_size=600))
def test_any_text_has_a_key_that_is_its_own_key_and_fits_the_database(name: str) -> None:
    key = agency_key(name)
    assert len(key) <= LONGEST_NAME
    assert "\x00" not in key
    key.encode()
    resolver = _resolver()
    resolver.resolve(name, AFTER)
    for row in resolver.take_unmapped():
        assert 1 <= len(row.name) <= 2 * LONGEST_NAME
        row.name.encode()


def test_the_shipped_names_serve_both_eras_and_are_marked_as_inferred() -> None:
    pack = read_pack(SHIPPED)
    resolver = AgencyResolver.from_pack(pack)
    assert resolver.resolve("UBND xã Phước Thạnh", BEFORE) == "go-dau.phuoc-thanh"
    assert resolver.resolve("UBND xã Phước Thạnh", AFTER) == "25663"
    assert resolver.resolve("UBND THỊ TRẤN GÒ DẦU", BEFORE) == "go-dau.thi-tran"
    assert resolver.resolve("UBND thị trấn Gò Dầu", AFTER) is None
    assert {row.certainty for row in pack.agencies} == {"I"}


_HEADER = "name,unit,scheme,valid_from,valid_to,certainty\n"


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ("UBND A,nowhere,,,,I\n", 2, "Unit 'nowhere' of 'UBND A' is not in units.csv. Add the unit there"),
        ("UBND A,go-dau.huyen,,,,I\n", 2, "but that unit holds"),
        ("UBND A,go-dau,,,,I\nubnd  a,go-dau,,2025-01-01,,I\n", 3, "has two rows at a time"),
        (",go-dau,,,,I\n", 2, "name is empty"),
        ("\u200b,go-dau,,,,I\n", 2, "nothing that can be seen"),
        (f"{'x' * 201},go-dau,,,,I\n", 2, "201 characters"),
        ("UBND A,go-dau,a b,,,I\n", 2, "scheme 'a b' is no code"),
        ("UBND A,go-dau,,2025-07-01,2025-07-01,I\n", 2, "is not after valid_from"),
        ("UBND A,go-dau,,,,X\n", 2, "certainty 'X' is not one of V, C, I"),
    ],
)
def test_each_mistake_is_told_with_its_line(tmp_path: Path, rows: str, line: int, message: str) -> None:
    for name in ("pack.toml", "units.csv", "points.csv", "devices.csv"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    (tmp_path / "agencies.csv").write_text(_HEADER + rows, "utf-8")
    errors = examine(tmp_path).errors
    assert [(error.file, error.line) for error in errors] == [("agencies.csv", line)]
    assert message in str(errors[0])


def test_one_name_may_change_hands_and_differ_between_systems(tmp_path: Path) -> None:
    for name in ("pack.toml", "units.csv", "points.csv", "devices.csv"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    rows = "A,go-dau,,,2025-07-01,I\na,25663,,2025-07-01,,I\nA,go-dau,motcua,,,I\n"
    (tmp_path / "agencies.csv").write_text(_HEADER + rows, "utf-8")
    reading = examine(tmp_path)
    assert (reading.errors, len(reading.pack.agencies if reading.pack else ())) == ([], 3)
