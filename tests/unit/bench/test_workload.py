"""The records of the benchmark are what the report says, and what is to be counted is reckoned rightly."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from deploy.bench.workload import Workload, digest, recent, samples, windows
from ioc.events import Status, encode

_SMALL = Workload(records=700, devices=250, units=7, base=datetime(2026, 3, 1, 5, tzinfo=UTC))


def test_windows_are_what_the_samples_make() -> None:
    counted: Counter[tuple[str, int]] = Counter()
    for event in samples(_SMALL):
        counted[event.data.unit, int(event.time.timestamp()) // 60] += 1
    assert counted == windows(_SMALL)
    assert counted.total() == _SMALL.total == 750


@pytest.mark.parametrize(("detailed", "low", "high"), [(False, 340, 390), (True, 600, 750)])
def test_records_are_as_large_as_told(detailed: bool, low: int, high: int) -> None:
    workload = Workload(records=1000, devices=1000, detailed=detailed)
    sizes = [len(encode(event)) for event in samples(workload)]
    assert low <= sum(sizes) / len(sizes) <= high


def test_same_workload_gives_same_samples() -> None:
    assert list(samples(_SMALL)) == list(samples(_SMALL))


def test_each_device_reports_once_a_minute_and_some_are_down() -> None:
    events = list(samples(_SMALL))
    per_device = Counter(event.subject for event in events)
    assert set(per_device.values()) == {_SMALL.minutes}
    assert len({event.id for event in events}) == len(events)
    assert 0 < sum(event.data.status == Status.DOWN for event in events) < len(events) // 10


def test_recent_samples_are_in_the_past() -> None:
    workload = recent(5_000, devices=100)
    newest = max(event.time for event in samples(workload))
    assert datetime.now(UTC) - timedelta(minutes=8) < newest < datetime.now(UTC)
    assert recent(10, devices=5, detailed=True).detailed


def test_digest_tells_counts_apart_whatever_their_order() -> None:
    counts = windows(_SMALL)
    backwards = dict(reversed(counts.items()))
    assert digest(counts) == digest(backwards) == digest(iter(backwards.items()))
    first = next(iter(counts))
    assert digest({**counts, first: counts[first] + 1}) != digest(counts)
    assert digest({**counts, ("empty", 0): 0}) == digest(counts)
