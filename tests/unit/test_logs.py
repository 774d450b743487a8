"""Log lines survive that standard error is redirected and closed in between."""

from __future__ import annotations

import contextlib
import io

import pytest
import structlog

from ioc.cli import _logs


def test_a_logger_outlives_the_stream_it_was_configured_with(capsys: pytest.CaptureFixture[str]) -> None:
    gone = io.StringIO()
    with contextlib.redirect_stderr(gone):
        _logs.configure()
        log = structlog.get_logger("test")
        log.warning("first")
    gone.close()
    log.warning("second")
    assert "second" in capsys.readouterr().err
