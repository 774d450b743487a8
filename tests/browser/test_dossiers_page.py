"""Single dossiers: the tabs' counts are the indicators', the lists the API's, and who looked is noted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, visiting
from tests.browser.explored import Place, explored
from tests.integration.history_place import PASSWORD, Case, add_cases, ago
from tests.servers import Servers

_IDS = "dossier.overdue,dossier.due_24h,dossier.late_without_apology,dossier.paused,dossier.open"


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Place]:
    with explored(servers) as found:
        with psycopg.connect(found.database, autocommit=True) as connection:
            add_cases(connection, _ended())
            add_cases(
                connection, [Case(code=f"M-{n:03}", received=ago(days=1), unit="outside") for n in range(70)]
            )
        yield found


def _ended() -> list[Case]:
    """A unit whose dossiers always took two days longer than they should, and one that is due tomorrow."""
    found = [
        Case(
            code=f"E-{n:03}",
            unit="outside",
            received=ago(days=20 + n),
            due=ago(days=14 + n),
            completed=ago(days=10 + n),
            late=True,
            field="dat-dai",
            procedure="1.012778",
        )
        for n in range(90)
    ]
    soon = Case(
        code="F-1",
        unit="outside",
        received=ago(days=5),
        due=ago(days=-1),
        field="dat-dai",
        procedure="1.012778",
    )
    return [*found, soon]


def _codes(page: Page) -> list[str]:
    return page.locator("#list tbody th").all_inner_texts()


def _counts(page: Page) -> dict[str, str | None]:
    return {
        str(one.get_attribute("data-kpi")): one.get_attribute("data-value")
        for one in page.locator("[data-kpi]").all()
    }


def _figures(place: Place, query: str = "") -> dict[str, str]:
    found: Any = place.api(f"kpis/current?ids={_IDS}{query}")["figures"]
    return {figure["kpi"]: str(figure["value"]) for figure in found}


def _listed(place: Place, query: str) -> list[str]:
    found: Any = place.api(f"dossiers?order=due&{query}")["dossiers"]
    return [one["code"] for one in found]


def test_tabs_count_as_the_indicators_do_and_list_as_the_api_does(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, color_scheme="light") as visitor:
        page = visitor.page
        page.goto(f"{place.url}/ops/dossiers")
        expect(page).to_have_url(
            f"{place.url}/login?next=/ops/dossiers"
        )  # single dossiers are no guest's business
        visitor.log_in("planner", PASSWORD, then="/ops/dossiers")
        assert _counts(page) == _figures(place)
        tabs = {
            "Quá hạn": "late",
            "Đến hạn trong 24 giờ": "due",
            "Quá hạn chưa xin lỗi": "without_apology",
            "Tạm dừng": "paused",
            "Đang giải quyết": "open",
        }
        for name, state in tabs.items():
            page.get_by_role("navigation", name="Nhóm hồ sơ").get_by_role("link", name=name).first.click()
            expect(page.locator("#list h2")).to_have_text(name)
            assert _codes(page) == _listed(place, f"state={state}"), state
            count = page.locator("[aria-current=page] [data-kpi]").get_attribute("data-value")
            assert count == str(len(_codes(page))), state
            visitor.judge()
        page.get_by_role("link", name="Dự báo trễ hẹn").click()
        expect(page.locator("#list")).to_contain_text("quá ít lịch sử")
        visitor.judge()


def test_filters_are_in_the_address_and_count_too(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.log_in("planner", PASSWORD, then="/ops/dossiers")
        page.locator("select[name=unit]").select_option("go-2")
        page.locator("select[name=channel]").select_option("online")
        page.get_by_role("button", name="Lọc").click()
        expect(page).to_have_url(f"{place.url}/ops/dossiers?tab=late&unit=go-2&channel=online")
        assert _codes(page) == ["L-02"] == _listed(place, "state=late&unit=go-2&channel=online")
        assert _counts(page)["dossier.overdue"] == "1"
        assert _counts(page)["dossier.late_without_apology"] == "0"
        row = page.locator("#list tbody tr").first
        expect(row).to_contain_text("Đăng ký khai sinh (1.001193)")
        expect(row).to_contain_text("5 ngày")
        expect(row).to_contain_text("đã gửi")
        page.go_back()
        expect(page.locator("#list tbody tr")).to_have_count(2)
        visitor.go("/ops/dossiers?tab=late&unit=nowhere")
        expect(page.get_by_role("alert")).to_contain_text("nowhere")
        visitor.go("/ops/dossiers?tab=late&after=nonsense")
        expect(page.get_by_role("alert")).to_contain_text("cursor")


def test_pages_follow_each_other(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.log_in("chief", PASSWORD, then="/ops/dossiers")
        visitor.go("/ops/dossiers?tab=open&unit=outside")
        first = _codes(page)
        assert len(first) == 50
        page.get_by_role("link", name="Trang sau").click()
        expect(page.locator("#list tbody tr")).to_have_count(21)
        assert sorted(first + _codes(page)) == ["F-1", *(f"M-{n:03}" for n in range(70))]
        page.get_by_role("link", name="Về trang đầu").click()
        expect(page.locator("#list tbody tr")).to_have_count(50)
        assert _codes(page) == first


def test_what_will_be_late_is_listed_as_the_forecast_has_it(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.log_in("chief", PASSWORD, then="/ops/dossiers")
        visitor.go("/ops/dossiers?tab=misses&unit=outside")
        answer = httpx.get(
            f"{place.url}/api/v1/forecasts/misses?unit=outside", auth=("chief", PASSWORD), timeout=30
        ).json()
        coming = [miss for miss in answer["dossiers"] if miss["reason"]["code"] != "overdue"]
        assert [miss["code"] for miss in coming] == _codes(page) == ["F-1"]
        row = page.locator("#list tbody tr").first
        expect(row).to_contain_text(f"{coming[0]['chance'] * 100:.0f} %")
        expect(row).to_contain_text(coming[0]["reason"]["vi"])
        expect(page.locator("#list")).to_contain_text(f"{answer['units'][0]['likely']} hồ sơ")
        visitor.judge()


def test_the_story_of_one_is_told_and_noted(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, color_scheme="dark") as visitor:
        page = visitor.page
        visitor.log_in("planner", PASSWORD, then="/ops/dossiers")
        page.get_by_role("link", name="L-02").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#main h2").first).to_have_text("L-02")
        story = page.locator("#story")
        expect(story.locator("tbody tr")).to_have_count(3)
        expect(story).to_contain_text("Gửi thư xin lỗi")
        expect(story).to_contain_text("bước: Thẩm định")
        expect(page.locator("body")).not_to_contain_text("9f8e7d6c")  # whoever has it is nobody's question
        visitor.judge()
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        visitor.judge()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        with psycopg.connect(place.database) as connection:
            noted = connection.execute(
                "SELECT reader, filters, rows, outcome FROM ioc.access_log WHERE what = 'dossier'"
            ).fetchall()
        assert noted == [("planner", {"dossier": "L-02"}, 3, "given")]
        visitor.go("/ops/dossiers/story?code=NOBODY-1")
        expect(page.get_by_role("alert")).to_contain_text("no such dossier")


def test_the_list_is_taken_away_as_a_file(place: Place, chromium: Browser, tmp_path: Path) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.log_in("planner", PASSWORD, then="/ops/dossiers")
        visitor.go("/ops/dossiers?tab=open&lang=en")
        with page.expect_download() as coming:
            page.get_by_role("link", name="CSV").click()
        file = tmp_path / coming.value.suggested_filename
        coming.value.save_as(file)
        rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
        assert sorted(row["code"] for row in rows) == sorted(_codes(page))


def test_on_a_phone(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        visitor.log_in("planner", PASSWORD, then="/ops/dossiers")
        expect(page.get_by_role("link", name="L-01")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        visitor.judge()
