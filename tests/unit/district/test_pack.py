"""A pack that is in order is read; each mistake is told with its file and line."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.district import PackError, examine, read_pack
from ioc.district.model import DeviceKind, Period
from ioc.district.reader import TABLES

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
REFORM = date(2025, 7, 1)


@pytest.mark.parametrize("name", ["points.csv", "pack.toml"])
def test_a_pipe_in_place_of_a_file_is_told_and_not_waited_for(pack: Path, name: str) -> None:
    (pack / name).unlink()
    os.mkfifo(pack / name)
    for _ in range(2):
        told = [one.message for one in examine(pack).errors if one.file == name]
        assert told == ["This is a pipe or a device."]
        (pack / name).unlink()
        (pack / name).symlink_to("/dev/zero")


def test_every_end_of_line_is_one(pack: Path) -> None:
    for name, end in (("units.csv", b"\r\n"), ("points.csv", b"\r"), ("pack.toml", b"\r\n")):
        data = (pack / name).read_bytes()
        (pack / name).write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", end))
    assert read_pack(pack).points == read_pack(SHIPPED).points


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


def test_the_shipped_pack_is_in_order_and_has_what_the_survey_counted() -> None:
    found = read_pack(SHIPPED)
    kinds = [device.kind for device in found.devices]
    assert len(found.point_codes()) == 10
    assert kinds.count(DeviceKind.WIFI) == 10
    assert kinds.count(DeviceKind.CAMERA) == 18
    assert kinds.count(DeviceKind.KIOSK) == 1
    assert {device.point for device in found.devices if device.kind is DeviceKind.KIOSK} == {"point.huyen"}


def test_the_shipped_pack_holds_both_eras() -> None:
    found = read_pack(SHIPPED)
    for point in found.point_codes():
        assert found.unit_of(point, date(2025, 6, 30)) != found.unit_of(point, REFORM)
    assert found.unit_of("point.phuoc-trach", date(2025, 6, 30)) == "go-dau.phuoc-trach"
    assert found.unit_of("point.phuoc-trach", REFORM) == "25663"
    merged = {row.predecessor for row in found.successions if row.successor == "25663"}
    assert merged == {"go-dau.phuoc-thanh", "go-dau.phuoc-trach", "go-dau.hiep-thanh"}
    districts = [unit for unit in found.units if unit.kind == "district"]
    assert [unit.period.end for unit in districts] == [REFORM]


def test_an_unknown_share_is_a_note_and_not_a_number() -> None:
    reading = examine(SHIPPED)
    lines = [(note.file, note.line) for note in reading.notes if note.line and note.file != "channels.toml"]
    assert lines == [("successions.csv", 7)]
    unknown = [row for row in read_pack(SHIPPED).successions if row.share is None]
    assert [row.predecessor for row in unknown] == ["trang-bang"]


def test_what_the_shipped_pack_does_not_know_is_noted() -> None:
    told = {(note.file, note.message.split(":")[0]) for note in examine(SHIPPED).notes if not note.line}
    assert {file for file, _ in told} == {
        "units.csv",
        "points.csv",
        "agencies.csv",
        "devices.csv",
        "sources.csv",
        "targets.csv",
    }
    assert ("sources.csv", "No source is named") in told
    assert any("have a code of the pack's own" in message for _, message in told)


def _line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if text in line)


#: file, text to replace, replacement, text whose line is named (after the change), part of the message
MISTAKES = [
    ("units.csv", "go-dau.bau-don,local", "go-dau bau don,local", "go-dau bau don", "is no code"),
    ("units.csv", "go-dau.bau-don,local", "go-dau.cam-giang,local", "Xã Cẩm Giang", "stands on line"),
    (
        "units.csv",
        "Bàu Đồn commune,commune,go-dau.huyen",
        "Bàu Đồn commune,commune,nowhere",
        "nowhere",
        "Parent 'nowhere'",
    ),
    ("units.csv", "Bàu Đồn commune,commune", "Bàu Đồn commune,village", "village", "is not one of"),
    (
        "units.csv",
        "commune,go-dau,2025-07-01,,V,",
        "commune,go-dau,2025-7-1,,V,",
        "25663",
        "Write it as 2025-07-01",
    ),
    (
        "units.csv",
        "commune,go-dau,2025-07-01,,V,",
        "commune,go-dau,2025-07-01,2024-01-01,V,",
        "25663",
        "not after",
    ),
    (
        "units.csv",
        "commune,go-dau,2025-07-01,,V,",
        "commune,go-dau.huyen,2025-07-01,,V,",
        "25663",
        "longer than its parent",
    ),
    (
        "units.csv",
        "group,,,,I,Rep",
        "group,go-dau.huyen,,2025-07-01,I,Rep",
        "go-dau,local",
        "among its own ancestors",
    ),
    ("units.csv", "Xã Cẩm Giang,", "Xã, Cẩm Giang,", "Xã, Cẩm", "fields, the header has"),
    ("units.csv", "code,scheme", "code,schema", "code,schema", "lacks scheme"),
    (
        "successions.csv",
        "25663,1,2025-07-01,V,",
        "25663,1.5,2025-07-01,V,",
        "1.5",
        "no number above 0, up to 1",
    ),
    ("successions.csv", "go-dau.phuoc-trach,25663", "go-dau.phuoc-xa,25663", "phuoc-xa", "is not a unit"),
    (
        "successions.csv",
        "go-dau.phuoc-trach,25663",
        "go-dau.bau-don,25663",
        "kv-bau-don",
        "come to 2, above 1",
    ),
    (
        "successions.csv",
        "phuoc-trach,25663,1,2025-07-01",
        "phuoc-trach,25663,1,2024-01-01",
        "2024-01-01",
        "does not hold on",
    ),
    ("points.csv", "phuoc-trach,25663", "phuoc-trach,no-unit", "no-unit", "is not in units.csv"),
    ("points.csv", "V,11.170,106.340", "V,91,106.340", "V,91,", "is no number from -90 to 90"),
    ("points.csv", "V,11.170,106.340", "V,11.170,181", "11.170,181", "is no number from -180 to 180"),
    ("points.csv", "V,11.170,106.340", "V,nan,106.340", "V,nan,", "is no number from"),
    ("points.csv", "V,11.170,106.340", "V,11°10'N,106.340", "11°10", "Degrees with a decimal point"),
    (
        "points.csv",
        "V,11.170,106.340",
        "V,,106.340",
        "V,,106.340",
        "longitude is given and latitude is empty",
    ),
    (
        "points.csv",
        "Phước Trạch one-stop shop,,2025-07-01",
        "Phước Trạch one-stop shop,,2025-06-01",
        "25663,Bộ phận Một cửa Phước Trạch",
        "has no unit from",
    ),
    (
        "points.csv",
        "Phước Trạch one-stop shop,,2025-07-01",
        "Phước Trạch one-stop shop,,",
        "25663,Bộ phận Một cửa Phước Trạch",
        "two units at a time",
    ),
    (
        "devices.csv",
        "ap-bau-don-01,wifi,point.bau-don",
        "ap-bau-don-01,wifi,point.moon",
        "point.moon",
        "is not in points.csv",
    ),
    (
        "devices.csv",
        "ap-bau-don-01,wifi",
        "ap-bau-don-01,radar",
        "radar",
        "is not one of camera, wifi, kiosk",
    ),
    ("devices.csv", "Wifi Bàu Đồn,,60", "Wifi Bàu Đồn,,0", "ap-bau-don-01", "interval_s '0'"),
    (
        "devices.csv",
        "Wifi Bàu Đồn,,",
        "Wifi Bàu Đồn,rtsp://u:secret@10.0.0.1/,",
        "ap-bau-don-01",
        "holds a password",
    ),
    ("devices.csv", "ap-cam-giang-01,wifi", 'ap-"cam,wifi', 'ap-"cam', ""),
    (
        "procedures.csv",
        "xay-dung.cap-phep,xay-dung",
        "xay-dung.cap-phep,bridges",
        "bridges",
        "is not in fields.csv",
    ),
    ("procedures.csv", "House building permit,15", "House building permit,soon", "soon", "no number above 0"),
    ("calendar.csv", "day,kind,name", "day,kind,name\n2026-13-01,holiday,x", "2026-13-01", "is no date"),
    ("calendar.csv", "day,kind,name", "day,kind,name\n2026-01-02,feast,x", "feast", "holiday, workday"),
    (
        "calendar.csv",
        "day,kind,name",
        "day,kind,name,hours\n2026-01-02,workday,x,7-11",
        "2026-01-02",
        "can't be read",
    ),
    (
        "calendar.csv",
        "day,kind,name",
        "day,kind,name,hours\n2026-01-02,workday,x,07:00-11:00 10:00-12:00",
        "2026-01-02",
        "can't be read",
    ),
    (
        "calendar.csv",
        "day,kind,name",
        "day,kind,name,hours\n2026-01-02,holiday,x,07:00-11:00",
        "2026-01-02",
        "has no hours",
    ),
    (
        "procedures.csv",
        "working_days\nchung-thuc.ban-sao,chung-thuc,Chứng thực bản sao,Certified copy,0.25",
        "calendar_days,working_days\nchung-thuc.ban-sao,chung-thuc,Chứng thực bản sao,Certified copy,3,0.25",
        "chung-thuc.ban-sao,",
        "both given",
    ),
    (
        "pack.toml",
        'holidays = "VN"',
        'holidays = "VN"\nshort_days = { 6 = [["11:00", "07:00"]] }',
        "hours",
        "not in order",
    ),
    ("pack.toml", 'holidays = "VN"', 'holidays = "VN"\nshort_days = { 8 = [] }', "short_days", "1-7"),
    (
        "pack.toml",
        'holidays = "VN"',
        (
            'holidays = "VN"\n[[working_time.changes]]\nvalid_from = 2026-05-01'
            "\n[[working_time.changes]]\nvalid_from = 2026-04-01"
        ),
        "valid_from = 2026-05-01",
        "order of their days",
    ),
    ("pack.toml", 'root = "go-dau"', 'rot = "go-dau"', "rot =", "is unknown"),
    ("pack.toml", "Asia/Ho_Chi_Minh", "Asia/Saigon2", "Saigon2", "no IANA time zone"),
    ("pack.toml", '["13:30", "17:00"]', '["11:00", "17:00"]', "11:00", "not in order"),
    ("pack.toml", '["13:30", "17:00"]', '["13:30", "25:00"]', "25:00", 'a time of day such as "07:30"'),
    (
        "devices.csv",
        "ap-cam-giang-01,wifi",
        "ap-cam-giang-01\x00,wifi",
        "ap-cam-giang-01",
        "control characters",
    ),
    ("pack.toml", 'holidays = "VN"', 'holidays = "XX"', '"XX"', "no country code"),
    ("pack.toml", "format = 1", "format = 9", "format = 9", "reads format 1"),
    ("pack.toml", 'id = "go-dau"', "id = go-dau", "id = go-dau", "no TOML"),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "message"), MISTAKES, ids=[f"{m[0]}: {m[4]}" for m in MISTAKES]
)
def test_each_mistake_is_told_with_file_and_line(
    pack: Path, file: str, old: str, new: str, place: str, message: str
) -> None:
    path = pack / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    reading = examine(pack)
    assert reading.pack is None
    line = _line_of(path, place) if place else 0
    found = [
        error for error in reading.errors if message in error.message + error.remedy and error.file == file
    ]
    assert line in [error.line for error in found], reading.errors
    assert "secret" not in "".join(map(str, reading.errors))


def test_hours_that_change_half_days_and_calendar_days_are_read(pack: Path) -> None:
    manifest = pack / "pack.toml"
    manifest.write_text(
        manifest.read_text("utf-8")
        + 'short_days = { 6 = [["07:00", "11:30"]] }\n[[working_time.changes]]\nvalid_from = 2026-05-01\n'
        'hours = [["06:30", "11:00"], ["13:00", "16:30"]]\nshort_days = {}\n',
        "utf-8",
    )
    (pack / "calendar.csv").write_text(
        "day,kind,name,hours\n2026-03-10,workday,Nửa ngày,07:00-11:00\n2026-03-11,holiday,Lễ,\n", "utf-8"
    )
    text = (pack / "procedures.csv").read_text("utf-8").replace("working_days", "working_days,calendar_days")
    lines = [
        line if line.startswith("#") or "code,field" in line else line + "," for line in text.splitlines()
    ]
    assert lines[-1].endswith(",10,")
    lines[-1] = lines[-1].removesuffix("10,") + ",20"
    (pack / "procedures.csv").write_text("\n".join(lines), "utf-8")
    found = read_pack(pack)
    hours = {
        day: sum((end.hour * 60 + end.minute - start.hour * 60 - start.minute) / 60 for start, end in periods)
        for day in ("2026-03-07", "2026-03-10", "2026-03-11", "2026-05-05", "2026-05-09")
        if (periods := found.calendar.hours_on(date.fromisoformat(day))) is not None
    }
    assert list(hours.values()) == [4.5, 4, 0, 8, 0]
    assert found.calendar.hours_on(date(2026, 5, 5))[0][0].hour == 6
    last, other = found.procedures[-1], found.procedures[0]
    assert (last.calendar_days, round(last.working_days, 2)) == (20, 14.29)
    assert (other.calendar_days, other.working_days) == (None, 0.25)


def test_text_that_is_not_utf8_is_told_with_its_line(pack: Path) -> None:
    path = pack / "units.csv"
    path.write_bytes(path.read_text("utf-8").encode("utf-8").replace("Xã Bàu".encode(), b"X\xe3 B\xe0u", 1))
    (error, *_) = examine(pack).errors
    assert (error.file, error.message) == ("units.csv", "The text is not UTF-8.")
    assert error.line == 9


def test_a_missing_folder_or_file_is_told(pack: Path, tmp_path: Path) -> None:
    assert "does not exist" in str(examine(tmp_path / "nowhere").errors[0])
    (pack / "points.csv").unlink()
    (pack / "devices.csv").write_text("")
    told = {(error.file, error.message) for error in examine(pack).errors}
    assert ("points.csv", "The file is missing.") in told
    assert ("devices.csv", "The file is empty.") in told


def test_all_mistakes_are_told_at_once(pack: Path) -> None:
    (pack / "devices.csv").write_text(
        "code,kind,point,name,address,interval_s,valid_from,valid_to\n"
        "a b,camera,point.huyen,x,,60,,\nok,laser,point.none,x,,-1,,\n"
    )
    with pytest.raises(PackError) as caught:
        read_pack(pack)
    lines = [problem.line for problem in caught.value.problems if problem.file == "devices.csv"]
    assert lines.count(2) == 1
    assert lines.count(3) == 3
    assert "devices.csv:3" in caught.value.message


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["pack.toml", *TABLES]), junk=st.binary(max_size=300), at=st.floats(0, 1))
def test_junk_in_a_file_is_a_problem_and_never_a_crash(pack: Path, name: str, junk: bytes, at: float) -> None:
    original = (SHIPPED / name).read_bytes()
    cut = int(len(original) * at)
    (pack / name).write_bytes(original[:cut] + junk + original[cut:])
    try:
        reading = examine(pack)
        assert (reading.pack is None) == bool(reading.errors)
        assert all(error.message and error.file for error in reading.errors)
    finally:
        (pack / name).write_bytes(original)


days = st.none() | st.dates(date(2000, 1, 1), date(2001, 1, 1))


@given(a=days, b=days, c=days, d=days, day=st.dates(date(2000, 1, 1), date(2001, 1, 1)))
def test_periods_that_share_a_day_overlap(
    a: date | None, b: date | None, c: date | None, d: date | None, day: date
) -> None:
    one, other = Period(a, b), Period(c, d)
    if one.holds_on(day) and other.holds_on(day):
        assert one.overlaps(other)
        assert other.overlaps(one)
    if one.covers(other) and other.holds_on(day):
        assert one.holds_on(day)
