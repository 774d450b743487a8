"""A real Chromium that opens a wall: how long until it answers, and how much it loads."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import Any, Final

_LIMIT_MS: Final = 60_000
#: The wall answers: its figures and map are there, its connection stands, its script runs.
_INTERACTIVE: Final = """() => window.did_handshake && document.querySelector('.plan-point')
  && document.querySelector('#wall-clock small') && !document.querySelector('.tile-value.tile-none:not(:has(b))')"""


@dataclass(frozen=True)
class Seen:
    """Of one browser with a fresh profile: the first time, and once more with what it has kept."""

    first_s: float
    again_s: float
    first_mb: float
    again_mb: float


def look(address: str, reader: str, password: str) -> Seen | None:
    """Open the wall twice; None where there is no Chromium or no playwright."""
    found = shutil.which("chromium")
    if found is None:
        return None
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        context.request.post(
            f"{address}/login",
            form={"name": reader, "password": password, "next": "/ops/wall"},
            max_redirects=0,
        )
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        received = [0.0]

        def got(event: dict[str, Any]) -> None:
            received[0] += event["encodedDataLength"]

        session.on("Network.loadingFinished", got)

        def once() -> tuple[float, float]:
            received[0] = 0.0
            began = time.monotonic()
            page.goto(f"{address}/ops/wall?mode=wall")
            page.wait_for_function(_INTERACTIVE, timeout=_LIMIT_MS, polling=20)
            took = time.monotonic() - began
            page.wait_for_load_state("networkidle")
            return took, received[0] / 1e6

        first, again = once(), once()
        browser.close()
    return Seen(first[0], again[0], first[1], again[1])
