"""What rules hear of batches of samples, held against hearing of each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts import conditions, machine
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import DeviceRow
from ioc.alerts.model import DeviceCondition, Kind, Observation, Rule, Severity, Signal
from streams.devices import watching
from streams.devices.booking import FLAG_SHIFT
from streams.devices.following import Arrivals, follow
from streams.devices.memory import DeviceMemory
from streams.devices.watching import Watch
from streams.instants import micros

BEGIN = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
VALID = timedelta(seconds=180)
CONDITIONS = {
    "down": DeviceCondition("wifi", ("down",)),
    "bad": DeviceCondition("wifi", ("down", "degraded")),
    "full": DeviceCondition("wifi", flag="saturated"),
    "nobody": DeviceCondition("wifi", ("ok", "degraded"), clients_at_most=0),
    "lossy": DeviceCondition("wifi", ("degraded",), reason="loss"),
}
# so long that nothing fires: what a signal is then is told by what was heard alone
RULES = {
    code: Rule(code, "", "", Severity.MINOR, Kind.DEVICE, condition, "", holds_for=timedelta(days=999))
    for code, condition in CONDITIONS.items()
}
BOOK = RuleBook(RULES, {code: number for number, code in enumerate(RULES)})

samples = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(1, 400).map(lambda seconds: timedelta(seconds=seconds)),
        st.sampled_from((0, 1, 1, 2, 3, 4)),
        st.sampled_from((0, 0, 1)),
        st.sampled_from((-1, 0, 0, 1, 7)),
        st.sampled_from((None, None, "loss 30 %", "loss 40 %", "rtt")),
    ),
    min_size=1,
    max_size=25,
)
Sample = tuple[datetime, int, int, int, str | None]


def arrange(drawn: Sequence[tuple[int, timedelta, int, int, int, str | None]]) -> list[tuple[int, Sample]]:
    """Samples of two devices in order of time."""
    found, now = [], BEGIN
    for device, passed, state, flags, clients, reason in drawn:
        now += passed
        found.append((device, (now, state, flags if state else 0, clients, reason)))
    return found


def row_of(sample: Sample) -> DeviceRow:
    time, state, flags, clients, reason = sample
    return DeviceRow(
        code="",
        kind="wifi",
        state=conditions.DEVICE_STATES[state],
        since=time,
        valid_until=time + VALID,
        flags=conditions.flags_of("wifi", flags),
        clients=None if clients < 0 else clients,
        reason=reason,
    )


def hear(signal: Signal | None, seen: Observation, now: datetime) -> Signal | None:
    found, turn = machine.observe(signal, seen, RULES[seen.rule], now)
    assert turn is machine.Turn.NONE
    return found


def one_by_one(rule: str, heard: Sequence[Sample]) -> Signal | None:
    """The signal after each sample was told by itself, with the time at which the condition began to hold."""
    signal: Signal | None = None
    since: datetime | None = None
    for before, sample in pairwise([None, *heard]):
        assert sample is not None
        if before is not None and sample[0] > before[0] + VALID:
            signal = hear(signal, conditions.UNKNOWN.observed(rule, ""), sample[0])
            since = None
        found = conditions.device(CONDITIONS[rule], row_of(sample), sample[0])
        since = (since or sample[0]) if found.holds else None
        seen = found if found.holds is None else replace(found, since=since or sample[0])
        signal = hear(signal, seen.observed(rule, ""), sample[0])
    return signal


def by_batches(
    drawn: Sequence[tuple[int, Sample]], cuts: Sequence[int]
) -> dict[tuple[str, str], Signal | None]:
    memory = DeviceMemory()
    memory._grow(2)
    memory.codes = ["0", "1"]
    watch = Watch.of(BOOK, 2)
    signals: dict[tuple[str, str], Signal | None] = {}
    edges = sorted({0, len(drawn), *(cut for cut in cuts if cut < len(drawn))})
    for low, high in pairwise(edges):
        batch = sorted(drawn[low:high], key=lambda one: (one[0], one[1][0]))
        now = max(sample[0] for _, sample in batch)
        arrivals = Arrivals(
            device=np.array([device for device, _ in batch]),
            time=np.array([micros(s[0]) for _, s in batch]),
            valid=np.full(len(batch), micros(BEGIN + VALID) - micros(BEGIN)),
            unit=np.ones(len(batch), np.int64),
            state=np.array([s[1] | (s[2] << FLAG_SHIFT) for _, s in batch]),
            clients=np.array([s[3] for _, s in batch]),
            recorded=np.full(len(batch), -1),
        )
        reasons = {place: s[4] for place, (_, s) in enumerate(batch) if s[4] is not None}
        followed = follow(memory, arrivals, reasons, watch)
        # each device hears at the time of its own newest sample, as if read at once
        for turned in followed.turned:
            at = BEGIN + timedelta(microseconds=turned.samples[-1].time - micros(BEGIN))
            for round_ in watching.told(watch, BOOK, 2, [turned], lambda d: (str(d), None), at):
                for seen in round_:
                    key = (seen.rule, seen.subject)
                    signals[key] = hear(signals.get(key), seen, min(at, now))
    return signals


@given(drawn=samples, cuts=st.lists(st.integers(1, 24), max_size=6))
def test_batches_tell_what_samples_tell_one_by_one(
    drawn: list[tuple[int, timedelta, int, int, int, str | None]], cuts: list[int]
) -> None:
    arranged = arrange(drawn)
    signals = by_batches(arranged, cuts)
    for device in (0, 1):
        heard = [sample for number, sample in arranged if number == device]
        for rule in CONDITIONS:
            wanted, found = one_by_one(rule, heard), signals.get((rule, f"device:{device}"))
            assert _known(found) == _known(wanted), (rule, device)


def _known(signal: Signal | None) -> datetime | None:
    """Since when it counts; one that waits for knowledge counts anew from then, as if there were none."""
    return None if signal is None or signal.due_at is None else signal.since


@given(drawn=samples)
def test_what_says_the_same_again_is_not_told(
    drawn: list[tuple[int, timedelta, int, int, int, str | None]],
) -> None:
    arranged = [(device, sample) for device, sample in arrange(drawn) if sample[1]]
    twice = [
        (device, (time + timedelta(seconds=offset), *rest))
        for device, (time, *rest) in arranged
        for offset in (0, 0.5)
    ]
    once = sum(seen.holds is not None for seen in _all(arranged))
    assert sum(seen.holds is not None for seen in _all(twice)) == once  # type: ignore[arg-type]


def _all(drawn: Sequence[tuple[int, Sample]]) -> list[Observation]:
    memory = DeviceMemory()
    memory._grow(2)
    memory.codes = ["0", "1"]
    watch = Watch.of(BOOK, 2)
    found: list[Observation] = []
    for device, sample in drawn:
        arrivals = Arrivals(
            *(
                np.array([value])
                for value in (
                    device,
                    micros(sample[0]),
                    micros(BEGIN + VALID) - micros(BEGIN),
                    1,
                    sample[1] | (sample[2] << FLAG_SHIFT),
                    sample[3],
                    -1,
                )
            )
        )
        reasons = {} if sample[4] is None else {0: sample[4]}
        for turned in follow(memory, arrivals, reasons, watch).turned:
            for round_ in watching.told(watch, BOOK, 2, [turned], lambda d: (str(d), None), sample[0]):
                found.extend(round_)
    return found


def test_a_kind_that_no_rule_is_about_is_not_looked_at() -> None:
    assert Watch.of(BOOK, 1) == watching.NOTHING
