"""Periods, words and files of reports, without a database."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.targets import Status
from ioc.reports import files
from ioc.reports.content import FIGURES, Content, Late, Missed, Name, Outage, Unit
from ioc.reports.content import Figure as Told
from ioc.reports.pages import lay_out
from ioc.reports.period import Kind, Period
from ioc.reports.words import WORDS, Language, figure, length, number, title

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def test_weeks_begin_on_monday_and_months_end_on_their_last_day() -> None:
    assert Period.around(Kind.WEEK, date(2026, 11, 25)) == Period(
        Kind.WEEK, date(2026, 11, 23), date(2026, 11, 29)
    )
    assert Period.around(Kind.MONTH, date(2028, 2, 10)) == Period(
        Kind.MONTH, date(2028, 2, 1), date(2028, 2, 29)
    )
    assert Period.newest_whole(Kind.MONTH, date(2026, 1, 1)) == Period(
        Kind.MONTH, date(2025, 12, 1), date(2025, 12, 31)
    )
    start, end = Period.around(Kind.DAY, date(2026, 11, 24)).bounds(ZONE)
    assert (start.astimezone(UTC), end - start) == (datetime(2026, 11, 23, 17, tzinfo=UTC), timedelta(days=1))


def test_days_of_no_districts_history_are_refused() -> None:
    for kind in Kind:
        for day in (date.min, date.max, date(1899, 12, 31), date(2200, 1, 1)):
            with pytest.raises(BadQuestionError, match="1900"):
                Period.around(kind, day)


@given(kind=st.sampled_from(Kind), day=st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_periods_of_a_kind_lie_side_by_side(kind: Kind, day: date) -> None:
    period = Period.around(kind, day)
    assert period.first <= day <= period.last
    assert period.before.last + timedelta(days=1) == period.first
    assert Period.newest_whole(kind, day) == period.before
    assert all(Period.around(kind, edge) == period for edge in (period.first, period.last))


def test_figures_are_written_as_people_write_them() -> None:
    vi, en = Language
    assert (number(12345.6, vi, 1), number(12345.6, en, 1)) == ("12.345,6", "12,345.6")
    rate, wait = CATALOGUE["dossier.on_time_rate"], CATALOGUE["queue.wait_p90"]
    assert figure(rate, 0.9804, vi) == "98,0 %"
    assert figure(rate, -0.02, vi, signed=True) == "-2,0 điểm %"
    assert figure(rate, None, vi) == WORDS[vi]["none"]
    assert figure(CATALOGUE["dossier.open"], 0, vi) == "0"
    assert figure(wait, 90, en) == "1.5 min"
    assert [figure(wait, value, vi) for value in (0, 2.5, 6)] == ["0,0 giây", "2,5 giây", "0,1 phút"]
    assert length(timedelta(days=2, hours=3, minutes=4), vi) == "2 ngày 3 giờ"
    assert title(Period.around(Kind.WEEK, date(2026, 11, 25)), vi) == "Báo cáo tuần 23/11/2026 – 29/11/2026"


def test_a_change_is_the_difference_of_the_figures_beside_it() -> None:
    told = (
        Told("dossier.online_rate", 0.95349, 0.97851, None, None),
        Told("dossier.processing_days_p90", 84.25, 91.04, None, None),
        Told("queue.wait_p90", 93.0, 56.0, None, None),
    )
    grid = lay_out(_content(figures=told), Language.VI).sections[0].grid
    assert grid is not None
    assert [[getattr(cell, "text", cell) for cell in row[1:4]] for row in grid.rows] == [
        ["95,3 %", "97,9 %", "-2,6 điểm %"],
        ["84,2 ngày làm việc", "91,0 ngày làm việc", "-6,8 ngày làm việc"],
        ["1,6 phút", "0,9 phút", "+0,7 phút"],
    ]


def test_both_languages_say_the_same() -> None:
    assert WORDS[Language.VI].keys() == WORDS[Language.EN].keys()
    assert all(kpi in CATALOGUE for kpi in FIGURES)


def _content(**changes: object) -> Content:
    nothing: dict[str, object] = {
        "period": Period.around(Kind.DAY, date(2026, 11, 24)),
        "unit": Unit("go-dau", "Khu vực Gò Dầu", "Go Dau area"),
        "zone": ZONE,
        "made_at": datetime(2026, 11, 24, 23, 30, tzinfo=UTC),
        "figures": tuple(Told(kpi, None, None, None, None) for kpi in FIGURES),
        "units": (Unit("u1", "Xã Một", None),),
        "missed": (),
        "judged": 0,
        "late": (),
        "late_in_all": None,
        "outages": (),
        "outages_in_all": 0,
        "devices_heard": False,
        "clearing": (),
        "misses": (),
        "pressing": (),
        "surges": (),
        "procedures": {},
        "points": {},
    }
    return Content(**{**nothing, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("language", Language)
def test_a_report_about_nothing_says_so_and_invents_no_zero(language: Language) -> None:
    words = WORDS[language]
    pages = lay_out(_content(), language)
    lines = [line for section in pages.sections for line in section.lines]
    assert words["late.unknown"] in lines
    assert words["units.unknown"] in lines
    assert words["surge.unknown"] in lines
    assert words["outages.unknown"] in lines
    grid = pages.sections[0].grid
    assert grid is not None
    assert {getattr(row[1], "text", None) for row in grid.rows} == {words["none"]}
    assert files.pdf(pages).startswith(b"%PDF-")


def test_people_read_names_and_codes_only_where_nothing_has_a_name() -> None:
    moment = datetime(2026, 11, 20, 3, tzinfo=UTC)
    late = [Late(f"H-{code}", "u1", code, moment, moment, None) for code in ("marry", "unheard")]
    outages = [
        Outage(1, "cam-1", "Camera cổng chợ", "u1", "point.1", moment, None, None),
        Outage(2, "ap-1", None, "u1", "point.2", moment, moment + timedelta(hours=1), None),
    ]
    content = _content(
        late=tuple(late),
        late_in_all=2,
        outages=tuple(outages),
        outages_in_all=2,
        procedures={"marry": Name("Đăng ký kết hôn", "Marriage registration")},
        points={"point.1": Name("Bộ phận Một cửa", None)},
    )
    sections = {section.name: section for section in lay_out(content, Language.VI).sections}
    late_rows, outage_rows = (
        [row[:3] for row in grid.rows] for name in ("late", "outages") if (grid := sections[name].grid)
    )
    assert late_rows == [("H-marry", "Xã Một", "Đăng ký kết hôn"), ("H-unheard", "Xã Một", "unheard")]
    assert outage_rows == [
        ("Camera cổng chợ", "Bộ phận Một cửa", "Xã Một"),
        ("Wifi ap-1", "point.2", "Xã Một"),
    ]
    english = next(s for s in lay_out(content, Language.EN).sections if s.name == "late").grid
    assert english is not None
    assert english.rows[0][2] == "Marriage registration"


@pytest.mark.parametrize(("made_at", "told"), [(16, True), (17, False)])
def test_a_report_made_before_its_period_has_ended_says_so(made_at: int, told: bool) -> None:
    pages = lay_out(_content(made_at=datetime(2026, 11, 24, made_at, tzinfo=UTC)), Language.VI)
    assert (WORDS[Language.VI]["unfinished"] in pages.made) is told


def test_markup_and_formulas_in_what_sources_say_stay_text() -> None:
    hostile = '=HYPERLINK("http://example.invalid") #panic("x") *bold* [ $'
    late = Late(hostile, "u1", hostile, *[datetime(2026, 11, 20, 3, tzinfo=UTC)] * 2, None)
    pages = lay_out(
        _content(
            late=(late,),
            late_in_all=1,
            missed=(Missed("u1", "dossier.on_time_rate", 0.5, 0.98, Status.MISSED),),
        ),
        Language.VI,
    )
    assert files.pdf(pages).startswith(b"%PDF-")
    book = openpyxl.load_workbook(io.BytesIO(files.workbook(pages)))
    assert book.sheetnames[:3] == ["Tình hình chung", "Chưa đạt mục tiêu", "Quá hạn chưa xin lỗi"]
    rows = [row for sheet in book for row in sheet.iter_rows()]
    texts = [cell for row in rows for cell in row if cell.value == hostile]
    assert [cell.data_type for cell in texts] == ["s", "s"]
    (missed,) = (
        [cell.value for cell in row] for row in rows if row[0].value == "Xã Một" and row[2].value == 0.5
    )
    assert missed[3] == 0.98
