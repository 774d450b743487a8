"""A real Chromium, and the pages served by the command that serves them to people.

Tests are skipped where there is no Chromium: it is one of the packages of deploy/apt-test.txt.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

#: Waits of the browser, in ms: long, since the machine may be busy with other tests.
PATIENCE_MS = 30_000
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
#: axe's "serious" and "critical"; what is milder is advice.
_GRAVE = {"serious", "critical"}


@dataclass
class Visitor:
    """Somebody with a browser of his own. What goes wrong in it is collected, and fails the test at its end.

    :param expected: patterns of what a test means to go wrong.
    """

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the platform and wait until it answers to the keyboard and the mouse."""
        self.page.goto(f"{self.url}{path}")
        self.page.locator("#main").wait_for()

    def log_in(self, name: str, password: str, then: str = "/ops/wall") -> None:
        """As a person does it."""
        self.page.goto(f"{self.url}/login?next={then}")
        self.page.locator("#name").fill(name)
        self.page.locator("#password").fill(password)
        self.page.locator("#password").press("Enter")
        self.page.wait_for_url(f"**{then}")

    def judge(self) -> None:
        """No grave fault of accessibility on what is shown now."""
        found = Axe().run(self.page).response["violations"]
        grave = [
            f"{fault['id']}: {fault['help']}: {[node['html'][:160] for node in fault['nodes'][:4]]}"
            for fault in found
            if fault["impact"] in _GRAVE
        ]
        assert grave == []


def _listen(visitor: Visitor, page: Page) -> None:
    here = urlsplit(visitor.url).netloc

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != here:
            visitor.faults.append(f"a request left the machine: {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            visitor.faults.append(f"console: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: visitor.faults.append(f"script: {error}"))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for these tests; each visitor has a profile of his own in it.

    It ends with them: its loop goes on as long as it does, and tests elsewhere have loops of their own.
    """
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium: deploy/apt-test installs it")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def visiting(chromium: Browser, url: str, **options: Any) -> Iterator[Visitor]:
    """Somebody with a fresh profile; fails at the end when anything went wrong that was not expected."""
    context: BrowserContext = chromium.new_context(viewport=DESK, **options)
    context.set_default_timeout(PATIENCE_MS)
    try:
        visitor = Visitor(context.new_page(), url)
        _listen(visitor, visitor.page)
        yield visitor
        faults = [
            fault
            for fault in visitor.faults
            if not any(re.search(pattern, fault) for pattern in visitor.expected)
        ]
        assert faults == []
    finally:
        context.close()
