"""``make screenshots``: pictures of the running platform for the README, taken by Debian's Chromium.

Whatever is on them is what the platform shows at that moment: nothing is drawn or touched up.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from playwright.sync_api import Browser, Page, sync_playwright

from ioc.access import ADMIN, first_password_file
from ioc.delivery.links import Links
from ioc.errors import IocError, UnavailableError, UsageError
from ioc.settings import Settings, load

FOLDER: Final = Path(__file__).parent.parent / "docs" / "pictures"
_DESK: Final = (1440, 900)
_WALL: Final = (1920, 1080)
_PHONE: Final = (390, 844)
#: Figures have come by then; charts are drawn.
_SETTLED_MS: Final = 4_000
_PATIENCE_MS: Final = 30_000
#: A message that asked somebody to act, about an alert that is open; else any message about an open alert.
_MESSAGE: Final = """
SELECT m.message_id, m.person FROM ioc.alert_message m
JOIN ioc.alert_message_alert a USING (message_id) JOIN ioc.alert o USING (alert_id)
WHERE o.cleared_at IS NULL AND m.person IS NOT NULL
ORDER BY o.acknowledged_at IS NULL DESC, m.message_id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Picture:
    """One picture.

    :param size: width and height in CSS pixels.
    """

    name: str
    path: str
    size: tuple[int, int] = _DESK
    dark: bool = False


PICTURES: Final = (
    Picture("wall", "/ops/wall?mode=wall", _WALL, dark=True),
    Picture("alerts", "/ops/alerts"),
    Picture("dossiers", "/ops/dossiers"),
    Picture("devices", "/ops/devices"),
    Picture(
        "history", "/ops/history?ids=dossier.received&ids=dossier.completed&period=last-30-days&bucket=1d"
    ),
)


def _password(settings: Settings) -> str:
    try:
        return first_password_file(settings).read_text(encoding="utf-8").strip()
    except OSError:
        raise UsageError(
            "The first password is not there.", remedy="Run make up first; pictures are taken as admin."
        ) from None


def _my_duty(settings: Settings) -> str | None:
    """Path of a leader's page about something that is open now; None while nobody was called."""
    with psycopg.connect(settings.database_dsn, connect_timeout=5) as connection:
        row = connection.execute(_MESSAGE).fetchone()
    if row is None:
        return None
    # signed as messages' links are; the address is only of use on this machine
    links = Links(settings.api_url, settings.state_dir / "secrets" / "links")
    url = links.url(int(row[0]), str(row[1]), datetime.now(UTC))
    return None if url is None else url.removeprefix(settings.api_url)


@contextmanager
def _page(browser: Browser, picture: Picture) -> Iterator[Page]:
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.dark else "light",
        is_mobile=picture.size == _PHONE,
        device_scale_factor=2 if picture.size == _PHONE else 1,
    )
    context.set_default_timeout(_PATIENCE_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def _log_in(page: Page, url: str, password: str, then: str) -> None:
    page.goto(f"{url}/login?next={quote(then, safe='')}")
    page.locator("#name").fill(ADMIN)
    page.locator("#password").fill(password)
    page.locator("#password").press("Enter")
    page.wait_for_url(f"{url}{then}")


def take(settings: Settings, folder: Path) -> list[str]:
    """Take every picture; returns the names of their files.

    :raises IocError: the platform or the browser is not there.
    """
    found = shutil.which("chromium")
    if found is None:
        raise UsageError("There is no chromium.", remedy="Run: deploy/apt-test")
    password = _password(settings)
    try:
        duty = _my_duty(settings)
    except psycopg.OperationalError as error:
        raise UnavailableError("The database does not answer.", remedy="Run: make up") from error
    pictures = [*PICTURES, *([] if duty is None else [Picture("my-duty", duty, _PHONE)])]
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for picture in pictures:
            with _page(browser, picture) as page:
                if picture.size == _PHONE:
                    page.goto(f"{settings.api_url}{picture.path}")
                else:
                    _log_in(page, settings.api_url, password, picture.path)
                page.wait_for_timeout(_SETTLED_MS)
                page.screenshot(path=folder / f"{picture.name}.png")
        browser.close()
    return [f"{picture.name}.png" for picture in pictures]


def main() -> int:
    """Take the pictures of the platform that runs on this machine."""
    try:
        for name in take(load(), FOLDER):
            print(f"docs/pictures/{name}")  # noqa: T201 - what the command is for
    except IocError as error:
        print(f"{error.message} {error.remedy or ''}".strip(), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
