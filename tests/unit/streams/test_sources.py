"""Which source a record is of, and when a source has sent too much that can't be read."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.batch import MAX_RECORD_BYTES, Batch, Partition
from streams.origin import UNKNOWN, source_of
from streams.sources import Gate, Limit, Verdict, Watch

LIMIT = Limit(share=0.5, window_s=60, minimum=10)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sent(watch: Watch, good: int, bad: int, source: str = "a") -> list[Verdict]:
    """Count a batch, and say who passed the limit by it."""
    read, wrong = Counter({source: good + bad}), Counter({source: bad} if bad else {})
    found = watch.passing(read, wrong)
    watch.note(read, wrong)
    return found


def test_one_bad_record_halts_nobody_however_small_its_share_of_good_ones(clock: Clock) -> None:
    assert sent(Watch(LIMIT, clock), good=0, bad=1) == []


def test_the_limit_must_be_passed_not_met(clock: Clock) -> None:
    assert sent(Watch(LIMIT, clock), good=10, bad=10) == []
    assert sent(Watch(LIMIT, clock), good=9, bad=10) == [Verdict("a", 19, 10)]


def test_the_minimum_counts_good_records_too(clock: Clock) -> None:
    assert sent(Watch(LIMIT, clock), good=3, bad=6) == []
    assert sent(Watch(LIMIT, clock), good=3, bad=7) == [Verdict("a", 10, 7)]


def test_good_records_of_the_window_speak_for_a_source_and_older_ones_do_not(clock: Clock) -> None:
    watch = Watch(LIMIT, clock)
    sent(watch, good=100, bad=0)
    clock.now += 30
    assert sent(watch, good=0, bad=50) == []
    clock.now += 30
    assert sent(watch, good=0, bad=1) == [Verdict("a", 51, 51)]


def test_bad_records_add_up_over_batches_and_are_forgotten_with_time(clock: Clock) -> None:
    watch = Watch(LIMIT, clock)
    for _ in range(9):
        assert sent(watch, good=0, bad=1) == []
        clock.now += 6
    # the first of them are more than a window ago by now
    assert sent(watch, good=0, bad=1) == [Verdict("a", 10, 10)]
    clock.now += 61
    assert sent(watch, good=0, bad=9) == []


def test_sources_are_judged_apart(clock: Clock) -> None:
    watch = Watch(LIMIT, clock)
    sent(watch, good=1000, bad=0, source="b")
    assert sent(watch, good=0, bad=10, source="a") == [Verdict("a", 10, 10)]
    assert sent(watch, good=0, bad=10, source="b") == []


def test_a_source_that_was_halted_begins_anew(clock: Clock) -> None:
    watch = Watch(LIMIT, clock)
    assert sent(watch, good=0, bad=10)
    watch.forget(["a"])
    assert sent(watch, good=0, bad=9) == []


def test_a_share_of_one_halts_nobody(clock: Clock) -> None:
    assert sent(Watch(Limit(share=1, window_s=60, minimum=1), clock), good=0, bad=1000) == []


def test_made_up_sources_take_no_memory(clock: Clock) -> None:
    watch = Watch(LIMIT, clock)
    for number in range(5000):
        sent(watch, good=0, bad=1, source=f"made-up-{number}")
    assert sum(len(records) for _, records, _ in watch._steps) <= 1001


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(0, 20)), max_size=40))
def test_the_window_never_holds_what_is_older_than_it(batches: list[tuple[int, int, float]]) -> None:
    clock = Clock()
    watch = Watch(LIMIT, clock)
    history: list[tuple[float, int]] = []
    for good, bad, pause in batches:
        clock.now += pause
        history.append((clock.now, good + bad))
        for verdict in sent(watch, good, bad):
            assert verdict.records <= sum(n for at, n in history if at > clock.now - LIMIT.window_s)
            # steps are a twelfth of the window: no more than that is forgotten early
            assert verdict.records >= sum(n for at, n in history if at > clock.now - LIMIT.window_s * 11 / 12)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (b'{"source":"urn:a","time":"nonsense","data":[]}', "urn:a"),
        (b'{"data":{"source":"inner"},"source":"urn:a"}', "urn:a"),
        (None, UNKNOWN),
        (b"", UNKNOWN),
        (b"\xff\xfe", UNKNOWN),
        (b"[]", UNKNOWN),
        (b"[" * 100_000, UNKNOWN),
        (b'{"source":"urn:a"', UNKNOWN),
        (b'{"source":7}', UNKNOWN),
        (b'{"source":""}', UNKNOWN),
        (b'{"source":"a\\u0000b"}', UNKNOWN),
        (b'{"source":"' + b"x" * 201 + b'"}', UNKNOWN),
        (b'{"source":"a","x":"' + b"x" * MAX_RECORD_BYTES + b'"}', UNKNOWN),
    ],
)
def test_a_bad_record_s_source(value: bytes | None, source: str) -> None:
    assert source_of(value) == source


def test_halted_sources_are_parted_from_a_batch_and_its_bounds_stay() -> None:
    values: list[bytes | None] = [b'{"source":"a"}', b'{"source":"b"}', b"nonsense", b'{"source":"a"}']
    batch = Batch(Partition("ioc.test", 0), 5, 20, 30, [5, 7, 9, 12], values)
    gate = Gate(batch.partition, LIMIT)
    assert gate.part(batch) is batch
    gate.know(frozenset({"a", UNKNOWN}))
    parted = gate.part(batch)
    assert (parted.start, parted.end, parted.offsets) == (5, 20, [7, 9])
    assert parted.values == values[1:3]
    assert parted.held is not None
    assert parted.held.by_offset() == {5: values[0], 12: values[3]}
