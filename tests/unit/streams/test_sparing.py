"""A retrying library says the same thing once a minute, and how often it was held back."""

from __future__ import annotations

import logging

import pytest

from streams import sparing
from streams.sparing import Sparing


def record(name: str, message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, ("node 1",), None)


def test_the_same_line_passes_once_and_then_tells_how_often_it_was_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(sparing.time, "monotonic", lambda: now)
    quiet = Sparing(("aiokafka",))
    assert quiet.filter(record("aiokafka.conn", "no answer from %s"))
    assert not any(quiet.filter(record("aiokafka.conn", "no answer from %s")) for _ in range(40))
    assert quiet.filter(record("aiokafka.conn", "another matter with %s"))
    now += sparing.QUIET_S
    later = record("aiokafka.conn", "no answer from %s")
    assert quiet.filter(later)
    assert later.getMessage() == "no answer from node 1 (and 40 times more in between)"


def test_our_own_lines_and_others_pass_and_the_library_s_chatter_does_not() -> None:
    quiet = Sparing(("aiokafka",))
    assert all(quiet.filter(record("streams.sink", "claimed by %s")) for _ in range(3))
    assert not quiet.filter(record("aiokafka.group", "joined %s", logging.INFO))


def test_memory_is_bounded() -> None:
    quiet = Sparing(("aiokafka",))
    for number in range(1000):
        quiet.filter(record("aiokafka.conn", f"message {number} %s"))
    assert len(quiet._seen) <= 200
