"""What the report says follows from the measurements; sections can be measured anew one by one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from deploy.bench import report, rounds
from deploy.bench.http_ingest import Ingested
from deploy.bench.latency import Latency, Spread, spread
from deploy.bench.machine import processor
from deploy.bench.profiling import Profiled, Sampled, name_of
from deploy.bench.rounds import Contender, Run, Standing
from deploy.bench.stages import Profile
from deploy.bench.workload import Workload
from ioc.errors import UnavailableError


def _standing(contender: Contender, *rates: float, peak_mib: float = 100.0) -> Standing:
    return Standing(contender, tuple(Run(rate, peak_mib, rate * 1.2) for rate in rates), 1000)


def _standings(compute: float, bare: float, bytewax: float, end: float) -> dict[str, Standing]:
    all_of_them = [
        _standing(rounds.COMPUTE, compute * 0.5, compute, compute * 3),
        _standing(rounds.BARE, bare),
        _standing(rounds.BYTEWAX, bytewax),
        _standing(rounds.ENDTOEND, end, peak_mib=350.0),
    ]
    return {one.contender.name: one for one in all_of_them}


def _latency(p99: float) -> Latency:
    return Latency(Spread(10, 20, p99, p99, 99), Spread(10, 20, p99, p99, 9), 10_000.0, 130.0, 0.3)


def test_median_not_mean() -> None:
    assert _standing(rounds.COMPUTE, 100, 400, 120).median == 120


@pytest.mark.parametrize(
    ("compute", "p99", "held"), [(200.0, 999.0, True), (170.0, 999.0, False), (200.0, 1001.0, False)]
)
def test_goals_hold_or_not(compute: float, p99: float, held: bool) -> None:
    found = report.goals(_standings(compute, 200.0, 80.0, 120_000.0), _latency(p99))
    assert all(ok for _, _, _, ok in found) is held
    assert len(found) == 7


def test_aim_and_least_are_told_apart() -> None:
    found = {goal: ok for _, goal, _, ok in report.goals(_standings(1, 1, 1, 70_000.0), None)}
    assert found["≥ 60,000/s"]
    assert not found["≥ 100,000/s (aim)"]


def test_table_is_fastest_first_with_ratios() -> None:
    text = report.comparison(_standings(200.0, 400.0, 50.0, 100.0), Workload(1000), 361, 3, None)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "/s" not in line]
    assert rows[0].startswith("| bare")
    assert "| 2.00 | 4.00 |" in rows[0]
    assert (
        text.index("| bare")
        < text.index("compute only (steady")
        < text.index("end to end into")
        < text.index("| Bytewax")
    )


def test_sections_are_replaced_one_by_one(tmp_path: Path) -> None:
    target = tmp_path / "docs" / "benchmarks.md"
    report.write(target, {"scaling": "## Scaling\n\nearlier figures\n", "profile": "## P\n\nkept\n"})
    report.write(target, {"scaling": "## Scaling\n\nlater figures\n"})
    text = target.read_text()
    assert "earlier" not in text
    assert text.index("later") < text.index("kept") < text.index("## How it is measured")
    assert report.sections(target) == {
        "scaling": "## Scaling\n\nlater figures\n",
        "profile": "## P\n\nkept\n",
    }


def test_profile_gives_shares_and_microseconds() -> None:
    worker = Profile(cpu_s={"a": 3.0, "b": 1.0}, calls={"a": 2}, wall_s=1.0, batches=10, process_cpu_s=4.1)
    seen = Profiled(1_000_000, 90_000.0, worker, Sampled(Counter({("COPY t", "IO: x"): 1}), 4))
    text = report.profile(seen)
    assert "| a | 3.00 | 75% |" in text
    assert "| COPY t | IO: x | 25.0% |" in text
    assert "100 ms each" in text


def test_every_contender_begins_some_round() -> None:
    begun = {rounds.order(rounds.ALL, number)[0].name for number in range(len(rounds.ALL))}
    assert begun == {contender.name for contender in rounds.ALL}
    assert sorted(c.name for c in rounds.order(rounds.ALL, 3)) == sorted(c.name for c in rounds.ALL)


def test_percentiles_are_nearest_rank() -> None:
    seen = spread([n / 1000 for n in range(1, 101)])
    assert (seen.p50, seen.p95, seen.p99, seen.longest) == pytest.approx((50, 95, 99, 100))
    assert spread([0.5]).p99 == 500
    with pytest.raises(UnavailableError):
        spread([])


@pytest.mark.parametrize(
    ("state", "query", "name"),
    [
        ("active", "COPY ioc.wifi_sample (a, b) FROM STDIN", "COPY ioc.wifi_sample"),
        ("active", "INSERT INTO ioc.device_minute AS m (x)", "INSERT INTO ioc.device_minute"),
        ("active", "UPDATE ioc.partition_offset\nSET", "UPDATE ioc.partition_offset"),
        ("active", "COMMIT", "COMMIT"),
        ("idle", "COMMIT", "idle between transactions"),
        ("idle in transaction", "BEGIN", "idle in a transaction: waits for the worker"),
    ],
)
def test_sessions_are_named_by_what_they_do(state: str, query: str, name: str) -> None:
    assert name_of(state, query) == name


def test_processor_is_read_from_the_kernels_text() -> None:
    assert processor("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nflags\t: fpu\n") == "AMD EPYC 7B13"
    assert processor("nothing here") != ""


def test_the_ingest_section_says_what_held() -> None:
    slow, quick, late = spread([0.01, 0.2]), spread([0.01, 0.02]), spread([0.001, 0.03])
    seen = Ingested(
        200, (4_000.0, 6_000.0, 9_000.0), 1_000, (slow, quick, slow), late, 0.4, 0.5, 100.0, True, 0.1
    )
    text = report.ingest(seen)
    assert "6,000 (4,000 to 9,000) | yes" in text
    assert "| **no** |" in text, "200 ms is more than was asked"
    assert "200 (rounds 200, 20, 200" in text, "the median round, beside the others"
    assert "p99 30 ms" in text
    assert "40%" in text
