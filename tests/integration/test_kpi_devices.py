"""Device indicators: devices add up to their units; states at a moment; what is only promised is not read."""

# ruff: noqa: S608 - statements for tests, put together from names written here

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.kpi import find
from ioc.kpi.query import Point, answer, ask, current, sample_platform, series
from ioc.kpi.question import Asked, Question
from streams.devices.runs import runs_of
from streams.instants import micros, moment
from tests.integration.kpi_data import Connection, add_device, add_district, add_unit, empty

_MINUTE = timedelta(minutes=1)
_DAY = datetime(2026, 3, 2, tzinfo=UTC)
_STATES = {1: "up", 2: "up", 3: "down", 4: None, 0: None}


@dataclass(frozen=True)
class Sample:
    device: str
    unit: str
    at: datetime
    state: int
    valid_s: float
    clients: int | None


def spans(samples: list[Sample]) -> list[tuple[Sample, datetime, datetime]]:
    """Each sample with the time for which it speaks."""
    found = []
    by_device: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_device[sample.device].append(sample)
    for mine in by_device.values():
        mine.sort(key=lambda sample: sample.at)
        ends = [after.at for _, after in pairwise(mine)] + [datetime.max.replace(tzinfo=UTC)]
        found += [
            (sample, sample.at, min(end, sample.at + timedelta(seconds=sample.valid_s)))
            for sample, end in zip(mine, ends, strict=True)
        ]
    return found


def book(
    connection: Connection, kind: int, samples: list[Sample], ids: dict[str, int], units: dict[str, int]
) -> None:
    """Store samples, and minutes as the sink books them."""
    table = "camera_sample" if kind == 1 else "wifi_sample"
    for s in samples:
        columns = "device_id, time, recorded_at, unit_id, state, valid_ms" + (
            ", clients" if kind == 2 else ""
        )
        values = [ids[s.device], s.at, s.at, units[s.unit], s.state, int(s.valid_s * 1000)]
        values += [s.clients] if kind == 2 else []
        marks = ", ".join(["%s"] * len(values))
        connection.execute(f"INSERT INTO ioc.{table} ({columns}) VALUES ({marks})".encode(), values)
    store_runs(connection, kind, samples, ids, units)
    minutes: dict[tuple[int, datetime], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for sample, start, end in spans(samples):
        minute = start.replace(second=0, microsecond=0)
        while minute < end:
            ms = round((min(end, minute + _MINUTE) - max(start, minute)) / timedelta(milliseconds=1))
            cell = minutes[units[sample.unit], minute]
            cell["up_ms"] += ms if _STATES[sample.state] == "up" else 0
            cell["down_ms"] += ms if _STATES[sample.state] == "down" else 0
            cell["maintenance_ms"] += ms if sample.state == 4 else 0
            if kind == 2 and sample.clients is not None and sample.state not in (0, 3):
                cell["client_ms"] += ms * sample.clients
                cell["client_known_ms"] += ms
            minute += _MINUTE
    for (unit, minute), cell in minutes.items():
        # two partitions each hold a part of the truth
        first = {name: value // 3 for name, value in cell.items()}
        rest = {name: value - first[name] for name, value in cell.items()}
        names = list(cell)
        for part, shares in enumerate((first, rest)):
            connection.execute(
                f"INSERT INTO ioc.device_minute (kind, unit_id, bucket, part, {', '.join(names)})"
                f" VALUES (%s, %s, %s, %s, {', '.join(['%s'] * len(names))})".encode(),
                [kind, unit, minute, part, *shares.values()],
            )


def store_runs(
    connection: Connection, kind: int, samples: list[Sample], ids: dict[str, int], units: dict[str, int]
) -> None:
    """Store runs of equal state and the newest states, as the sink does."""
    by_device: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.at):
        by_device[sample.device].append(sample)
    for device, mine in by_device.items():
        runs = runs_of([(micros(s.at), round(s.valid_s * 1e6), units[s.unit], s.state, None) for s in mine])
        for run in runs[:-1]:
            connection.execute(
                "INSERT INTO ioc.device_run VALUES (%s, %s, %s, %s, %s, %s)",
                (ids[device], kind, run.unit, run.state, moment(run.started), moment(run.ended)),
            )
        last = mine[-1]
        connection.execute(
            "INSERT INTO ioc.device_state VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                *(ids[device], kind, units[last.unit], last.state, moment(runs[-1].started), last.at),
                last.at + timedelta(seconds=last.valid_s),
            ),
        )


def ask_series(connection: Connection, kpi: str, **more: object) -> tuple[Point, ...]:
    return answer(connection, series("system", Question(kpi=find(kpi), **more)))  # type: ignore[arg-type]


_sample = st.builds(
    lambda device, minute, second, state, valid, clients: Sample(
        device,
        "a" if device != "d3" else "b",
        _DAY + timedelta(minutes=minute, seconds=second),
        state,
        valid,
        clients,
    ),
    device=st.sampled_from(("d1", "d2", "d3")),
    minute=st.integers(-5, 40),
    second=st.sampled_from((0, 0, 7, 30, 59)),
    state=st.sampled_from((1, 1, 1, 2, 3, 4, 0)),
    valid=st.sampled_from((30, 60, 180, 600)),
    clients=st.sampled_from((None, 0, 3, 12)),
)


@given(
    samples=st.lists(_sample, max_size=25, unique_by=lambda s: (s.device, s.at)),
    kind=st.sampled_from((1, 2)),
    bucket=st.sampled_from(("1min", "15min", "1h")),
)
@settings(max_examples=30, deadline=None)
def test_devices_add_up_to_their_units(
    connection: Connection, samples: list[Sample], kind: int, bucket: str
) -> None:
    empty(connection)
    units = {code: add_unit(connection, code, parent="root") for code in ("a", "b")}
    add_unit(connection, "root")
    ids = {
        code: add_device(connection, code, kind, "a" if code != "d3" else "b") for code in ("d1", "d2", "d3")
    }
    book(connection, kind, samples, ids, units)
    kpis = ("camera.availability",) if kind == 1 else ("wifi.availability", "wifi.clients")
    asked = {"unit": "root", "start": _DAY, "end": _DAY + timedelta(minutes=45), "bucket": bucket}
    for kpi in kpis:
        whole = {point.time: point for point in ask_series(connection, kpi, **asked)}
        sums: dict[datetime, list[float]] = {time: [0.0, 0.0] for time in whole}
        for point in ask_series(connection, kpi, by="device", **asked):
            sums[point.time][0] += point.numerator or 0
            sums[point.time][1] += point.denominator or 0
        by_unit: dict[datetime, float] = dict.fromkeys(whole, 0.0)
        for point in ask_series(connection, kpi, by="unit", **asked):
            by_unit[point.time] += point.numerator or 0
        for time, point in whole.items():
            assert (point.numerator or 0) == pytest.approx(sums[time][0]), (kpi, time)
            assert (point.numerator or 0) == pytest.approx(by_unit[time]), (kpi, time)
            if kpi != "wifi.clients":
                assert (point.denominator or 0) == pytest.approx(sums[time][1]), (kpi, time)
            assert (point.value is None) == (not point.denominator)
        one = ask_series(connection, kpi, where={"device": ("d1",)}, **asked)
        naive = sum(
            (min(end, _DAY + timedelta(minutes=45)) - max(start, _DAY))
            / timedelta(seconds=1)
            * (
                (sample.clients or 0) * (sample.state not in (0, 3))
                if kpi == "wifi.clients"
                else _STATES[sample.state] == "up"
            )
            for sample, start, end in spans(samples)
            if sample.device == "d1" and end > _DAY and start < _DAY + timedelta(minutes=45)
        )
        assert sum(point.numerator or 0 for point in one) == pytest.approx(naive)


@pytest.fixture
def district(connection: Connection) -> Connection:
    empty(connection)
    add_unit(connection, "go")
    add_unit(connection, "go-1", parent="go")
    add_district(connection, "go")
    return connection


def _unit_id(connection: Connection, code: str) -> int:
    row = connection.execute("SELECT unit_id FROM ioc.unit WHERE code = %s", (code,)).fetchone()
    assert row is not None
    return int(row[0])


def test_clients_are_the_total_of_the_access_points_that_report(district: Connection) -> None:
    ids = {code: add_device(district, code, 2, "go-1") for code in ("w1", "w2")}
    units = {"go-1": _unit_id(district, "go-1")}
    book(
        district,
        2,
        [Sample("w1", "go-1", _DAY, 1, 600, 10), Sample("w2", "go-1", _DAY, 1, 300, 4)],
        ids,
        units,
    )
    (point,) = ask_series(
        district, "wifi.clients", start=_DAY, end=_DAY + timedelta(minutes=15), bucket="15min"
    )
    # five minutes of 14, five of 10, five for which nothing is known
    assert point.value == pytest.approx(12)
    assert point.denominator == pytest.approx(600)


def test_unknown_and_maintenance_are_outside_availability(district: Connection) -> None:
    ids = {code: add_device(district, code, 1, "go-1") for code in ("c1", "c2", "c3", "c4")}
    units = {"go-1": _unit_id(district, "go-1")}
    book(
        district,
        1,
        [
            Sample("c1", "go-1", _DAY, 2, 900, None),
            Sample("c2", "go-1", _DAY, 3, 300, None),
            Sample("c3", "go-1", _DAY, 4, 900, None),
        ],
        ids,
        units,
    )
    (point,) = ask_series(
        district, "camera.availability", start=_DAY, end=_DAY + timedelta(minutes=15), bucket="15min"
    )
    assert (point.value, point.numerator, point.denominator) == (0.75, 900, 1200)
    found = answer(
        district,
        ask(
            "system",
            "camera.availability",
            Asked(start=_DAY.isoformat(), end=(_DAY + 15 * _MINUTE).isoformat()),
        ),
    )
    assert found.provenance["coverage"] == pytest.approx((900 + 300 + 900) / 3600)


def test_minutes_that_samples_only_promise_are_not_read(district: Connection) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    unit = _unit_id(district, "go-1")
    for shift, up, down in ((-1, 60_000, 0), (2, 0, 60_000), (3, 0, 60_000)):
        district.execute(
            "INSERT INTO ioc.device_minute (kind, unit_id, bucket, part, up_ms, down_ms) VALUES (1, %s, %s, 0, %s, %s)",
            (unit, now + shift * _MINUTE, up, down),
        )
    points = ask_series(
        district, "camera.availability", start=now - 5 * _MINUTE, end=now + timedelta(hours=1), bucket="1h"
    )
    assert sum(point.numerator or 0 for point in points) == 60
    assert sum(point.denominator or 0 for point in points) == 60
    (newest,) = answer(district, current("system", ["camera.availability"]))
    assert newest.value == 1


def test_cameras_down_at_a_moment_and_unknown_when_none_is_known(district: Connection) -> None:
    unit = _unit_id(district, "go-1")
    ids = [add_device(district, f"c{i}", 1, "go-1") for i in range(3)]
    hour = timedelta(hours=1)
    for device, state, start, end in (
        (ids[0], 3, 1, 3),
        (ids[0], 1, 3, 4),
        (ids[1], 3, 2, 4),
        (ids[2], 0, 0, 9),
    ):
        district.execute(
            "INSERT INTO ioc.device_run VALUES (%s, 1, %s, %s, %s, %s)",
            (device, unit, state, _DAY + start * hour, _DAY + end * hour),
        )
    asked = {"start": _DAY - hour, "end": _DAY + 6 * hour, "bucket": "1h"}
    values = [point.value for point in ask_series(district, "camera.down", **asked)]
    # read just before 0, 1, 2, ... 6 o'clock; what begins exactly then belongs to the next hour
    assert values == [None, None, 1, 2, 1, None, None]
    by = {(p.time, p.dim): p.value for p in ask_series(district, "camera.down", by="device", **asked)}
    assert by[_DAY + 2 * hour, "c0"] == 1
    assert by[_DAY + 3 * hour, "c0"] == 0
    assert by[_DAY + 4 * hour, "c0"] is None


def test_a_camera_whose_state_has_run_out_is_not_down(district: Connection) -> None:
    unit = _unit_id(district, "go-1")
    now = datetime.now(UTC)
    for code, ends in (("c1", 60), ("c2", -60)):
        device = add_device(district, code, 1, "go-1")
        district.execute(
            "INSERT INTO ioc.device_state VALUES (%s, 1, %s, 3, %s, %s, %s)",
            (device, unit, now - timedelta(hours=1), now, now + timedelta(seconds=ends)),
        )
    (point,) = answer(district, current("system", ["camera.down"]))
    assert point.value == 1


def test_the_platforms_own_gauges(district: Connection) -> None:
    assert [figure.value for figure in answer(district, current("system", ["platform.lag"]))] == [None]
    district.execute(
        "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact,"
        " retired_at) VALUES ('k', 'ioc.wifi', 't1', 0, 5, 9, now() - interval '90 s', NULL),"
        " ('k', 'ioc.wifi', 't1', 1, 5, 8, now() - interval '30 s', NULL),"
        " ('k', 'ioc.cameras', 't2', 0, 0, 2, now() - interval '60 s', NULL),"
        " ('k', 'ioc.queues', 't3', 0, 0, 0, NULL, NULL),"
        " ('k', 'ioc.dossiers', 't0', 0, 0, 500, now() - interval '9 days', now())"
    )
    lag, freshness = answer(district, current("system", ["platform.lag", "platform.freshness"]))
    assert lag.value == 9
    assert freshness.value == pytest.approx(60, abs=2)

    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    for back, topic, value in ((10, "ioc.wifi", 3.0), (10, "ioc.cameras", 4.0), (8, "ioc.wifi", 6.0)):
        district.execute(
            "INSERT INTO ioc.platform_sample VALUES (%s, 'platform.lag', %s, %s)",
            (minute - back * _MINUTE, topic, value),
        )
    asked = {"start": minute - 10 * _MINUTE, "end": minute + _MINUTE, "bucket": "1min"}
    values = [point.value for point in ask_series(district, "platform.lag", **asked)]
    assert values == [7, None, 6, *[None] * 7, 9]
    topics = ask_series(district, "platform.lag", by="topic", where={"topic": ("ioc.wifi",)}, **asked)
    assert [point.value for point in topics] == [3, None, 6, *[None] * 7, 7]
    assert {point.dim for point in topics} == {"ioc.wifi"}


def test_the_platforms_gauges_are_kept_once_a_minute(district: Connection) -> None:
    district.execute(
        "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact)"
        " VALUES ('k', 'ioc.wifi', 't1', 0, 5, 9, now())"
    )
    with district.transaction():  # one moment for both
        assert sample_platform(district) == 2
        assert sample_platform(district) == 0
