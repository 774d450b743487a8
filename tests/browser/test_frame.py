"""The frame of the pages: logging in and out, language, appearance, and what is shown when something is away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.away import away
from tests.browser.conftest import PHONE, visiting
from tests.integration.history_place import PASSWORD, add_places, serving
from tests.servers import Servers


@dataclass(frozen=True)
class Place:
    url: str
    database: str


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Place]:
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    with psycopg.connect(url, autocommit=True) as connection:
        add_places(connection)
    with serving(url, settings.state_dir) as (address, _):
        yield Place(address, url)
    servers.drop_database(url)


def test_people_log_in_choose_how_it_looks_and_log_out(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, color_scheme="light") as visitor:
        page = visitor.page
        visitor.go("/")
        expect(page).to_have_url(f"{place.url}/ops/wall")
        expect(page.locator("html")).to_have_attribute("lang", "vi")
        expect(page.get_by_role("heading", level=1)).to_have_text("Toàn cảnh")
        visitor.judge()

        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Wall")
        expect(page.locator("html")).to_have_attribute("lang", "en-US")
        page.get_by_role("link", name="Light").click()
        page.get_by_role("link", name="Dark").click()
        expect(page.locator("body")).to_have_class(re.compile("body--dark"))
        visitor.judge()

        page.get_by_role("link", name="Log in").click()
        visitor.judge()
        page.locator("#name").fill("chief")
        page.locator("#password").fill("not the password")
        page.locator("#password").press("Enter")
        expect(page.get_by_role("alert")).to_have_text("Name and password do not fit.")
        visitor.expected.append("401")
        page.locator("#password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(f"{place.url}/ops/wall")
        expect(page.locator(".ops-reader")).to_have_text("chief")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("link", name="Log in")).to_be_visible()


def test_a_link_can_t_lead_away_and_another_site_can_t_act(place: Place) -> None:
    with httpx.Client(base_url=place.url) as client:
        form = {"name": "chief", "password": PASSWORD, "next": "https://elsewhere.example/"}
        for where in ("//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
            answer = client.post("/login", data={**form, "next": where})
            assert (answer.status_code, answer.headers["location"]) == (303, "/ops/wall")
        assert client.get("/api/v1/alerts").status_code == 200
        for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
            assert client.post("/login", data=form, headers=header).status_code == 403
            assert client.post("/logout", headers=header).status_code == 403
        assert client.get("/api/v1/alerts").status_code == 200
        assert client.post("/logout").status_code == 303
        assert client.get("/api/v1/alerts").status_code == 401


def test_a_reader_who_is_shut_out_is_out_at_once(place: Place) -> None:
    with (
        httpx.Client(base_url=place.url) as client,
        psycopg.connect(place.database, autocommit=True) as connection,
    ):
        client.post("/login", data={"name": "clerk", "password": PASSWORD, "next": "/ops/wall"})
        assert client.get("/api/v1/alerts").status_code == 200
        connection.execute("UPDATE ioc.reader SET active = false WHERE name = 'clerk'")
        assert client.get("/api/v1/alerts").status_code == 401
        connection.execute("UPDATE ioc.reader SET active = true WHERE name = 'clerk'")


def test_the_way_is_kept_when_somebody_who_is_led_to_the_form_changes_the_language(
    place: Place, chromium: Browser
) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        page.goto(f"{place.url}/ops/alerts?state=cleared&text=a%26b")
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        page.locator("#name").fill("chief")
        page.locator("#password").fill(PASSWORD)
        page.locator("#password").press("Enter")
        expect(page).to_have_url(f"{place.url}/ops/alerts?state=cleared&text=a%26b")
        expect(page.get_by_role("heading", level=1)).to_have_text("Alerts")
        # longer than what is kept: it leads to the first page, and is no error
        long = "/ops/history?" + "a" * 5000
        page.goto(f"{place.url}/appearance?lang=vi&next={long}")
        expect(page).to_have_url(f"{place.url}/ops/wall")


def test_where_there_is_no_page_that_is_said_with_a_way_back(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        visitor.expected.append("404")
        page = visitor.page
        answer = page.goto(f"{place.url}/ops/nothing/here")
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("Không có trang này")
        visitor.judge()
        page.get_by_role("link", name="Về trang Toàn cảnh").click()
        expect(page).to_have_url(f"{place.url}/ops/wall")
        visitor.go("/ops/")
        expect(page).to_have_url(f"{place.url}/ops/wall")


def test_a_page_that_can_t_be_made_says_so_and_nothing_of_what_failed(
    place: Place, chromium: Browser
) -> None:
    with (
        visiting(chromium, place.url) as visitor,
        psycopg.connect(place.database, autocommit=True) as connection,
    ):
        visitor.expected.append("500")
        visitor.log_in("chief", PASSWORD)
        connection.execute(
            "INSERT INTO ioc.alert_rule (code, position, kind, severity, definition)"
            " VALUES ('broken', 1, 'device', 3, '[\"0900111222\"]')"
        )
        try:
            answer = visitor.page.goto(f"{place.url}/ops/alerts")
            assert answer is not None
            assert answer.status == 500
            shown = visitor.page.get_by_role("alert")
            expect(shown).to_contain_text("Không hiển thị được trang này")
            assert "Error" not in visitor.page.content()
            assert "0900111222" not in visitor.page.content()
            visitor.judge()
        finally:
            connection.execute("DELETE FROM ioc.alert_rule WHERE code = 'broken'")
        visitor.page.get_by_role("link", name="Thử lại").click()
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Cảnh báo")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ops/wall",
        "/ops/nothing",
        "/ops/static/ops.css",
        "/ops/static/nothing",
        "/login",
        "/password",
        "/plain",
        "/docs",
        "/siren",
        "/a/nothing",
        "/appearance?lang=xx",
        "/api/v1/kpis",
        "/api/v1/nothing",
        "/health/live",
    ],
)
def test_every_answer_tells_a_browser_what_it_may_do_with_it(place: Place, path: str) -> None:
    headers = httpx.get(f"{place.url}{path}").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    if "html" in headers.get("content-type", ""):
        assert headers["cache-control"] == "no-store"


def test_a_session_s_cookie_is_out_of_the_reach_of_scripts_and_other_sites(place: Place) -> None:
    form = {"name": "chief", "password": PASSWORD, "next": "/ops/wall"}
    for proto, secure in (("http", False), ("https", True)):
        answer = httpx.post(f"{place.url}/login", data=form, headers={"X-Forwarded-Proto": proto})
        marks = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= marks
        assert ("secure" in marks) is secure


def test_a_database_that_is_away_is_told_in_the_page_s_language(place: Place, chromium: Browser) -> None:
    with (
        visiting(chromium, place.url) as visitor,
        psycopg.connect(place.database, autocommit=True) as connection,
    ):
        page = visitor.page
        visitor.log_in("chief", PASSWORD, "/ops/devices")
        expect(page.get_by_text("Không có thiết bị")).to_be_visible()
        with away(place.database, connection):
            expect(page.locator(".ops-stale").first).to_contain_text("Cơ sở dữ liệu không trả lời.")
            page.goto(f"{place.url}/ops/units")
            problem = page.get_by_role("alert")
            expect(problem).to_contain_text("Cơ sở dữ liệu không trả lời.")
            expect(problem).not_to_contain_text("The database")
            visitor.judge()
        problem.get_by_role("link", name="Thử lại").click()
        expect(page.locator("#main table")).to_be_visible()


def test_a_browser_without_scripts_is_led_to_the_plain_page(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, java_script_enabled=False) as visitor:
        page = visitor.page
        page.goto(f"{place.url}/ops/wall")
        expect(page.get_by_text("ES modules")).to_be_hidden()
        page.get_by_role("link", name="Bảng số liệu không cần JavaScript").click()
        expect(page).to_have_url(f"{place.url}/plain?lang=vi")


def test_the_menu_of_a_phone_shows_where_one_is(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        visitor.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        visitor.go("/ops/history")
        current = visitor.page.locator(".ops-menu [aria-current]")
        expect(current).to_have_text("Lịch sử")
        expect(current).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("path", ["/ops/wall", "/ops/history?ids=dossier.open&period=last-month"])
def test_a_first_load_is_light(place: Place, chromium: Browser, path: str) -> None:
    """Three megabytes at most, as they go over the wire to a browser that has nothing yet."""
    with visiting(chromium, place.url) as visitor:
        bytes_of: list[int] = []
        network = visitor.page.context.new_cdp_session(visitor.page)
        network.on("Network.loadingFinished", lambda told: bytes_of.append(int(told["encodedDataLength"])))
        network.send("Network.enable")
        visitor.go(path)
        visitor.page.wait_for_load_state("networkidle")
        assert len(bytes_of) > 5
        assert 100_000 < sum(bytes_of) < 3_000_000
