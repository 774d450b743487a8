"""The planner's page: what is picked is asked, shown as the API has it, kept by name and taken away as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, Visitor, visiting
from tests.browser.explored import Place, explored
from tests.integration.history_place import PASSWORD, Case, add_cases, day
from tests.servers import Servers

_MARCH = "from=2026-03-01&to=2026-04-01"


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Place]:
    with explored(servers) as found:
        yield found


def _figures(page: Page) -> list[list[float | None]]:
    """The bare figures of the table, row for row."""
    rows: list[list[str]] = page.locator("#figures tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('[data-value]')].map(cell => cell.dataset.value))"
    )
    return [[None if text == "" else float(text) for text in row] for row in rows]


def _drawn(page: Page) -> list[dict[str, Any]]:
    """Series of the first chart, as the browser draws them."""
    found: list[dict[str, Any]] = page.evaluate(
        """async () => {
          const box = document.querySelector('[role=img]');
          while (!getElement(Number(box.id.slice(1)))?.chart?.getOption()?.series)
            await new Promise(resolve => setTimeout(resolve, 50));
          return getElement(Number(box.id.slice(1))).chart.getOption().series.map(
            one => ({name: one.name, symbol: one.symbol, dash: one.lineStyle.type, data: one.data}));
        }"""
    )
    return found


def _points(place: Place, path: str) -> list[dict[str, Any]]:
    found = place.api(path)["points"]
    assert isinstance(found, list)
    return found


def test_what_is_picked_is_shown_as_the_api_has_it(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, color_scheme="light") as visitor:
        page = visitor.page
        visitor.go("/ops/history")
        expect(page.get_by_role("heading", name="Bắt đầu từ một câu hỏi")).to_be_visible()
        visitor.judge()
        search = page.locator("[data-filter='#kpis']")
        search.fill("DUNG han")
        expect(page.get_by_label("Tỷ lệ giải quyết đúng hạn", exact=True)).to_be_visible()
        expect(page.get_by_label("Hồ sơ tiếp nhận", exact=True)).to_be_hidden()
        search.fill("dossier.received")
        page.get_by_label("Hồ sơ tiếp nhận", exact=True).check()
        search.fill("")
        page.locator("summary", has_text="Đơn vị").click()
        page.get_by_label("Xã Phước Thạnh").check()
        page.get_by_label("Phường Gò Dầu").check()
        page.get_by_label("Từ", exact=True).fill("2026-03-01T00:00")
        page.get_by_label("Đến (không gồm)").fill("2026-04-01T00:00")
        page.get_by_role("button", name="Xem").click()
        expect(page.locator("#figures tbody tr")).to_have_count(31)

        asked = f"kpis/dossier.received/series?{_MARCH.replace('-01&', '-01T00:00&')}T00:00"
        theirs = [
            [point["value"] for point in _points(place, f"{asked}&unit={unit}")] for unit in ("go-2", "go-1")
        ]
        by_name = {re.sub(".* · ", "", one["name"]): one for one in _drawn(page)}
        assert by_name["Phường Gò Dầu"]["data"] == theirs[0]
        assert by_name["Xã Phước Thạnh"]["data"] == theirs[1]
        # told apart without colours
        assert (
            len({one["symbol"] for one in by_name.values()})
            == len({str(one["dash"]) for one in by_name.values()})
            == 2
        )
        heads = page.locator("#figures thead th").all_inner_texts()
        columns = [theirs[0] if "Gò Dầu" in head else theirs[1] for head in heads[1:]]
        assert _figures(page) == [list(row) for row in zip(*columns, strict=True)]
        assert any(value is None for column in columns for value in column)  # unknown, and no zero
        expect(page.get_by_text("phiên bản 1").first).to_be_visible()
        visitor.judge()

        address = page.url
        page.go_back()
        expect(page.get_by_role("heading", name="Bắt đầu từ một câu hỏi")).to_be_visible()
        page.goto(address)
        expect(page.locator("#figures tbody tr")).to_have_count(31)
        expect(page.get_by_label("Hồ sơ tiếp nhận", exact=True)).to_be_checked()
        expect(page.get_by_label("Từ", exact=True)).to_have_value("2026-03-01T00:00")


def test_shares_have_their_parts_and_targets(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, color_scheme="dark") as visitor:
        page = visitor.page
        visitor.go(f"/ops/history?ids=dossier.on_time_rate&{_MARCH}&bucket=1d&lang=en")
        points = _points(place, f"kpis/dossier.on_time_rate/series?{_MARCH}&bucket=1d")
        assert [row[:3] for row in _figures(page)] == [
            [point["value"], point["numerator"], point["denominator"]] for point in points
        ]
        series = _drawn(page)
        shares = [None if point["value"] is None else round(point["value"] * 100, 4) for point in points]
        assert series[0]["data"] == shares
        assert series[1]["name"] == "Target"
        assert set(series[1]["data"]) == {98}
        expect(page.locator("#figures td.bad small").first).to_contain_text("Missed")
        visitor.judge()


def test_as_of_and_against_what_was_known(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        question = "ids=dossier.received&from=2026-03-09&to=2026-03-12"
        visitor.go(f"/ops/history?{question}")
        assert _figures(page)[1][0] == 2
        visitor.go(f"/ops/history?{question}&as_of=2026-03-11T02:00")
        assert _figures(page)[1][0] == 0
        visitor.go(f"/ops/history?{question}&compare=known&known=2026-03-11T02:00")
        rows = page.locator("#corrections tbody tr")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("10/03/2026")
        expect(rows.first).to_contain_text("+2")


def test_an_answer_that_takes_long_is_waited_for_on_the_page(place: Place, chromium: Browser) -> None:
    with (
        visiting(chromium, place.url) as visitor,
        psycopg.connect(place.database) as holding,
    ):
        page = visitor.page
        holding.execute("LOCK TABLE ioc.dossier_ledger IN ACCESS EXCLUSIVE MODE")
        visitor.go(f"/ops/history?ids=dossier.received&{_MARCH}")
        expect(page.get_by_text("Đang hỏi cơ sở dữ liệu…")).to_be_visible()
        expect(page.get_by_label("Hồ sơ tiếp nhận", exact=True)).to_be_checked()
        holding.rollback()
        expect(page.locator("#figures tbody tr")).to_have_count(31)
        expect(page.get_by_text("Đang hỏi cơ sở dữ liệu…")).to_have_count(0)


def test_names_from_outside_are_texts(place: Place, chromium: Browser) -> None:
    name = "<img src=/from-outside onerror=alert(1)>"
    with psycopg.connect(place.database, autocommit=True) as connection:
        add_cases(connection, [Case(code="X-1", received=day("2025-05-05"), field=name)])
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.go("/ops/history?ids=dossier.received&from=2025-05-01&to=2025-06-01&by=field")
        expect(page.locator("#figures thead th").filter(has_text=name)).to_be_visible()
        _ready(visitor)
        box = page.locator("[role=img]").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.locator("[role=img]").get_by_text(name).last).to_be_visible()
        assert page.locator("img[src='/from-outside']").count() == 0


def test_against_the_period_before(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        question = "ids=dossier.completed&from=2026-03-16&to=2026-03-23"
        visitor.go(f"/ops/history?{question}&compare=before")
        before = _points(place, "kpis/dossier.completed/series?from=2026-03-09&to=2026-03-16")
        assert [row[3] for row in _figures(visitor.page)] == [point["value"] for point in before]
        (month,) = _points(place, "kpis/dossier.completed/series?from=2026-03-16&to=2026-03-23&bucket=1mo")
        whole = visitor.page.locator("[data-whole]")
        assert whole.get_attribute("data-whole") == str(float(month["value"]))
        expect(visitor.page.locator(".ops-wholes")).to_contain_text(
            f"Kỳ liền trước: {sum(point['value'] for point in before)}"
        )
        visitor.go(f"/ops/history?{question}&compare=year&bucket=1mo&by=unit")
        visitor.judge()


def test_a_refusal_says_what_to_do_and_keeps_the_form(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.go("/ops/history?ids=dossier.open&from=2026-04-01&to=2026-03-01&by=channel")
        expect(page.get_by_role("alert")).to_contain_text("give a later end")
        expect(page.get_by_label("Hồ sơ đang giải quyết", exact=True)).to_be_checked()
        expect(page.get_by_label("Từ", exact=True)).to_have_value("2026-04-01T00:00")
        expect(page.get_by_label("Tách theo")).to_have_value("channel")
        visitor.judge()
        page.get_by_label("Đến (không gồm)").fill("2026-04-03T00:00")
        page.get_by_role("button", name="Xem").click()
        expect(page.locator("#figures")).to_be_visible()
        for query, told in (
            ("ids=dossier.received&from=2020-01-01&to=2026-01-01&bucket=1min", "wider bucket"),
            ("ids=dossier.received&from=some+day", "neither a date nor a time"),
            ("ids=dossier.nothing", "no indicator"),
            ("ids=dossier.received&units=nowhere", "nowhere"),
            ("ids=dossier.received&compare=known", "earlier date"),
            ("ids=dossier.received&compare=dreams", "no comparison"),
            ("ids=dossier.received&where=%3Cimg+src%3Dx%3E", "no dimension"),
        ):
            visitor.go(f"/ops/history?{query}")
            expect(page.get_by_role("alert")).to_contain_text(told)
        visitor.go("/ops/history?ids=dossier.received&from=some+day")
        expect(page.get_by_label("Từ", exact=True)).to_have_value("some day")


def _rows(page: Page, name: str, folder: Path) -> list[list[str]]:
    """Press a link to a file and read it."""
    with page.expect_download() as coming:
        page.get_by_role("link", name=name).click()
    file = folder / coming.value.suggested_filename
    coming.value.save_as(file)
    assert file.suffix == f".{name.lower()}"
    if name == "CSV":
        return list(csv.reader(io.StringIO(file.read_text("utf-8-sig"))))
    import openpyxl

    with ZipFile(file):
        sheet = openpyxl.load_workbook(file, read_only=True).worksheets[0]
        return [
            ["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)
        ]


def test_an_export_opens_and_has_the_figures_of_the_table(
    place: Place, chromium: Browser, tmp_path: Path
) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.go("/ops/history?ids=dossier.received")
        expect(page.get_by_role("link", name="Đăng nhập để tải tệp.")).to_be_visible()
        visitor.log_in("planner", PASSWORD)
        visitor.go(f"/ops/history?ids=dossier.on_time_rate&{_MARCH}")
        shown = [row[0] for row in _figures(page)]
        assert len(shown) == 31
        for name in ("CSV", "XLSX"):
            head, *rows = _rows(page, name, tmp_path)
            column = (
                head.index("value")
                if "value" in head
                else next(at for at, title in enumerate(head) if title.startswith("value"))
            )
            assert [float(row[column]) if row[column] else None for row in rows] == shown, name
            expect(page.locator("#figures")).to_be_visible()


def test_a_question_is_kept_found_again_and_forgotten(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.log_in("planner", PASSWORD)
        visitor.go("/ops/history?ids=dossier.overdue&period=last-month&by=field&units=go-1")
        form = page.locator("form").filter(has=page.get_by_role("button", name="Lưu", exact=True))
        form.get_by_label("Tên").fill("Trễ hạn <b>tháng</b> trước")
        form.get_by_label("Mọi người đều mở được").check()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Đã lưu")).to_be_visible()
        kept = place.api("questions/tre-han-b-thang-b-truoc")
        assert kept["question"] == {
            "kpis": ["dossier.overdue"],
            "units": ["go-1"],
            "period": "last-month",
            "by": "field",
        }
        visitor.go("/ops/history")
        page.get_by_role("link", name="Trễ hạn <b>tháng</b> trước").click()
        expect(page.get_by_label("Hồ sơ quá hạn đang giải quyết", exact=True)).to_be_checked()
        expect(page.locator("select[name=period]")).to_have_value("last-month")
        page.get_by_role("button", name=re.compile("^Xóa câu hỏi")).click()
        expect(page.get_by_text("Đã xóa")).to_be_visible()
        expect(page.get_by_role("link", name="Trễ hạn <b>tháng</b> trước")).to_have_count(0)


def test_by_keyboard_on_a_phone(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        visitor.go(f"/ops/history?ids=dossier.received&{_MARCH}")
        expect(page.get_by_role("button", name="Xem")).to_be_hidden()
        visitor.judge()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.locator("[data-fold] > summary").focus()
        page.keyboard.press("Enter")
        box = page.get_by_label("Hồ sơ đã giải quyết", exact=True)
        box.focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Xem").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#figures thead th")).to_have_count(3)
        _ready(visitor)
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", name="Figures", exact=True)).to_be_visible()
        visitor.judge()


def _ready(visitor: Visitor) -> None:
    """The chart is drawn: what leaves the page then interrupts nothing."""
    assert _drawn(visitor.page)
