"""Log lines: one shape whoever writes them, and no secret in any."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from ioc import logs
from ioc.district.secrets import read_secret
from ioc.settings import Settings, load
from ioc.tracing.context import begin, within


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger without the handlers of the test's own runner."""
    logger = logging.getLogger()
    kept, level = list(logger.handlers), logger.level
    logger.handlers = []
    yield logger
    logger.handlers, logger.level = kept, level
    structlog.reset_defaults()
    load.cache_clear()


def configured(root: logging.Logger) -> None:
    """Configure as a process does that nobody tests."""
    root.handlers = []
    logs.configure()


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_logger_outlives_the_stream_it_was_configured_with(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = io.StringIO()
    with contextlib.redirect_stderr(gone):
        configured(root)
        log = structlog.get_logger("test")
        log.warning("first")
    gone.close()
    log.warning("second")
    assert "second" in capsys.readouterr().err


def test_lines_of_other_packages_have_the_same_shape_and_all_carry_the_trace(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_LOG_FORMAT", "json")
    load.cache_clear()
    configured(root)
    context = begin()
    with within(context):
        structlog.get_logger("ours").warning("of.ours", number=1)
        logging.getLogger("theirs").warning("of %s", "theirs")
    ours, theirs = written(capsys)
    assert (ours["event"], ours["number"], ours["level"], ours["trace"]) == (
        "of.ours",
        1,
        "warning",
        context.trace,
    )
    assert (theirs["event"], theirs["logger"], theirs["trace"]) == ("of theirs", "theirs", context.trace)
    assert ours["timestamp"].endswith("Z")
    assert theirs["timestamp"].endswith("Z")


def test_text_is_for_people(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_LOG_FORMAT", "text")
    load.cache_clear()
    configured(root)
    structlog.get_logger("ours").warning("of.ours", number=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert "of.ours" in line
    assert not line.startswith("{")


SECRETS = {
    "IOC_DATABASE_URL": "postgresql://ioc:canary%2Fpass%40word@127.0.0.1:1/ioc",
    "IOC_GRAFANA_TOKEN": "canary-grafana-token",
    "IOC_PORTAL_LOGIN": "user:canary-portal-password",
    "IOC_HEARTBEAT_URL": "https://watch.example/canary-path-of-the-watchdog?key=canary-query",
}
CANARIES = ("canary%2Fpass%40word", "canary/pass@word", "canary-grafana-token", "canary-portal-password")
CANARIES = (*CANARIES, "canary-path-of-the-watchdog", "canary-query")


def test_what_is_known_to_be_secret_is_in_no_line_whoever_writes_it(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CAMERA_SECRET", 'canary"of\\a camera')
    load.cache_clear()
    configured(root)
    camera = read_secret("env:CAMERA_SECRET", Path()).get_secret_value()
    log, other = structlog.get_logger("ours"), logging.getLogger("theirs")
    for secret in (*CANARIES, camera):
        log.warning("said", value=secret, nested={"deep": [secret]}, **{f"key {secret}": 1})
        other.warning("other %s", secret)
        try:
            raise RuntimeError(f"it failed with {secret}")
        except RuntimeError:
            log.exception("failed")
            other.exception("failed")
    text = capsys.readouterr().err
    assert text.count("[secret]") >= 4 * len(CANARIES)
    assert "canary" not in text.replace("test_logs.py", ""), text
    for line in text.splitlines():
        json.loads(line)


def test_settings_name_every_secret_and_short_ones_tear_no_holes() -> None:
    settings = Settings.model_validate({"portal_login": "a:b", "grafana_token": "tok"})
    assert {"a:b", "b", "tok"} <= set(settings.secrets())
    logs.keep_out(*settings.secrets())
    assert logs._SECRETS.hide("a bottle of tokens") == "a bottle of tokens"
