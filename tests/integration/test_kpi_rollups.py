"""Roll-ups: every answer equals the plain computation from the samples, whenever these came and were folded."""

# ruff: noqa: S608 - statements for tests, put together from names written here

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.kpi import find
from ioc.kpi.query import Point, answer, series
from ioc.kpi.question import Question
from ioc.platform import rollups, samples
from tests.integration.kpi_data import Connection, add_device, add_unit, buckets, empty
from tests.integration.test_kpi_devices import store_runs

_MINUTE = timedelta(minutes=1)
_TOPIC = "ioc.wifi"
#: A unit's zone, and a time around which something happens to its calendar: days of 23 and 25 hours, ends of months.
_PLACES = (
    ("Europe/Amsterdam", datetime(2026, 3, 28, 12, tzinfo=UTC)),
    ("Europe/Amsterdam", datetime(2025, 10, 25, 12, tzinfo=UTC)),
    ("Asia/Ho_Chi_Minh", datetime(2026, 2, 26, 12, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 2, 26, 12, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2025, 12, 30, 6, tzinfo=UTC)),
)


@dataclass(frozen=True)
class Sample:
    device: str
    unit: str
    at: datetime
    state: int
    valid_s: float
    clients: int | None
    loss: float | None
    rtt_ms: float | None
    octets: int | None


@dataclass(frozen=True)
class Drawn:
    """A sample whose time is counted from the place's own."""

    device: str
    minute: int
    second: int
    state: int
    valid_s: int
    clients: int | None
    loss: float | None
    rtt_ms: float | None
    octets: int | None

    def at(self, base: datetime) -> Sample:
        return Sample(
            self.device,
            "a" if self.device != "d3" else "b",
            base + timedelta(minutes=self.minute, seconds=self.second),
            self.state,
            self.valid_s,
            self.clients,
            self.loss,
            self.rtt_ms,
            self.octets,
        )


_drawn = st.builds(
    Drawn,
    device=st.sampled_from(("d1", "d2", "d3")),
    # four days, most of it in some hours
    minute=st.one_of(st.integers(0, 90), st.integers(0, 5760), st.integers(700, 860)),
    second=st.sampled_from((0, 0, 7, 30, 59)),
    state=st.sampled_from((1, 1, 1, 2, 3, 4, 0)),
    valid_s=st.sampled_from((30, 180, 3600, 20_000)),
    clients=st.sampled_from((None, 0, 3, 12)),
    loss=st.sampled_from((None, 0.0, 0.25)),
    rtt_ms=st.sampled_from((None, 1.5, 20.0, 21.0, 300.0)),
    octets=st.sampled_from((None, 0, 5_000_000)),
)


class Booked:
    """Units' minutes as the sink keeps them: what each further sample adds and takes back, in partials."""

    def __init__(self, connection: Connection, kind: int, units: dict[str, int], ids: dict[str, int]) -> None:
        self.connection = connection
        self.kind = kind
        self.units = units
        self.ids = ids
        self.samples: list[Sample] = []
        self.sums: dict[tuple[str, datetime], list[int]] = {}

    def add(self, more: Sequence[Sample], part: int) -> None:
        """Store samples and what they change."""
        self.samples += more
        for s in more:
            self._store(s)
        sums = minutes(self.samples)
        most = defaultdict(list)
        for s in more:
            most[s.unit, s.at.replace(second=0, microsecond=0)].append(s)
        for key in sorted({*sums, *self.sums, *most}):
            moved = [
                new - old
                for new, old in zip(sums.get(key, [0] * 6), self.sums.get(key, [0] * 6), strict=True)
            ]
            own = most.get(key, [])
            if not any(moved) and not own:
                continue
            seen = [s.clients for s in own if s.clients is not None and s.state not in (0, 3)]
            self.connection.execute(
                "INSERT INTO ioc.device_minute AS m (kind, unit_id, bucket, part, up_ms, degraded_ms, down_ms,"
                " maintenance_ms, client_ms, client_known_ms, client_max, samples)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                f" {rollups.ADD_UP}".encode(),
                (
                    self.kind,
                    self.units[key[0]],
                    key[1],
                    part,
                    *moved,
                    max(seen, default=None) if self.kind == 2 else None,
                    len(own),
                ),
            )
        self.sums = sums
        self.connection.execute("DELETE FROM ioc.device_run")
        self.connection.execute("DELETE FROM ioc.device_state")
        store_runs(self.connection, self.kind, self.samples, self.ids, self.units)  # type: ignore[arg-type]

    def _store(self, s: Sample) -> None:
        common = [self.ids[s.device], s.at, s.at, self.units[s.unit], s.state, int(s.valid_s * 1000)]
        if self.kind == 1:
            self.connection.execute(
                "INSERT INTO ioc.camera_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clock_offset_s)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (*common, s.rtt_ms),
            )
        else:
            self.connection.execute(
                "INSERT INTO ioc.wifi_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clients, loss,"
                " rtt_ms, internet_ok, rx_bytes) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *common,
                    s.clients,
                    s.loss,
                    s.rtt_ms,
                    None if s.loss is None else s.loss == 0,
                    s.octets,
                ),
            )

    def close(self, until: datetime) -> None:
        """What the evaluator does when windows have closed."""
        self.connection.execute(
            "INSERT INTO ioc.window_close AS w (topic, closed_until) VALUES (%s, %s) ON CONFLICT (topic) DO UPDATE"
            " SET closed_until = greatest(w.closed_until, excluded.closed_until)",
            (_TOPIC, until),
        )
        with self.connection.transaction():
            rollups.fold(self.connection, self.kind, until)
        while samples.roll_up(self.connection, self.kind, _TOPIC):
            pass


def spans(found: Sequence[Sample]) -> list[tuple[Sample, datetime, datetime]]:
    """Each sample with the time for which it speaks."""
    ordered = sorted(found, key=lambda s: (s.device, s.at))
    return [
        (
            s,
            s.at,
            min(
                [s.at + timedelta(seconds=s.valid_s)]
                + [n.at for n in ordered[place + 1 : place + 2] if n.device == s.device]
            ),
        )
        for place, s in enumerate(ordered)
    ]


def minutes(found: Sequence[Sample]) -> dict[tuple[str, datetime], list[int]]:
    """Milliseconds up, degraded, down, in maintenance, of clients, and with clients known; by unit and minute."""
    sums: dict[tuple[str, datetime], list[int]] = defaultdict(lambda: [0] * 6)
    for s, start, end in spans(found):
        at = start.replace(second=0, microsecond=0)
        while at < end:
            ms = round((min(end, at + _MINUTE) - max(start, at)) / timedelta(milliseconds=1))
            seen = s.clients is not None and s.state not in (0, 3)
            for place, weight in enumerate(
                (
                    s.state in (1, 2),
                    s.state == 2,
                    s.state == 3,
                    s.state == 4,
                    (s.clients or 0) * seen,
                    seen,
                )
            ):
                sums[s.unit, at][place] += ms * weight
            at += _MINUTE
    return {key: row for key, row in sums.items() if any(row)}


def ask(connection: Connection, kpi: str, **more: object) -> tuple[Point, ...]:
    return answer(connection, series("system", Question(kpi=find(kpi), **more)))  # type: ignore[arg-type]


def district(connection: Connection, kind: int, zone: str) -> tuple[dict[str, int], dict[str, int]]:
    """A unit in the zone, and one below it that keeps other time."""
    empty(connection)
    units = {
        "a": add_unit(connection, "a", zone),
        "b": add_unit(connection, "b", "America/New_York", parent="a"),
    }
    ids = {
        code: add_device(connection, code, kind, "a" if code != "d3" else "b") for code in ("d1", "d2", "d3")
    }
    return units, ids


_plans = {
    "place": st.sampled_from(_PLACES),
    "drawn": st.lists(_drawn, min_size=1, max_size=14, unique_by=lambda d: (d.device, d.minute, d.second)),
    "seed": st.integers(0, 2**32),
    "edges": st.tuples(st.integers(-200, 3000), st.integers(1, 8000)),
    "bucket": st.sampled_from(("15min", "1h", "1d", "1mo")),
}


def fed(
    connection: Connection, kind: int, place: tuple[str, datetime], drawn: list[Drawn], seed: int
) -> Booked:
    """Samples in any order, in some batches, with windows closed between: what comes for closed ones is late."""
    zone, base = place
    units, ids = district(connection, kind, zone)
    booked = Booked(connection, kind, units, ids)
    chance = random.Random(seed)
    waiting = [d.at(base) for d in drawn]
    chance.shuffle(waiting)
    until = base
    while waiting:
        count = chance.randint(1, 3)
        booked.add(waiting[:count], chance.randint(0, 1))
        waiting = waiting[count:]
        if chance.random() < 0.8:
            until = max(until, base + timedelta(minutes=chance.randint(0, 6000)))
            booked.close(until)
    return booked


@given(**_plans, kind=st.sampled_from((1, 2)))
@settings(max_examples=25, deadline=None)
def test_any_answer_equals_the_plain_computation(
    connection: Connection,
    place: tuple[str, datetime],
    drawn: list[Drawn],
    seed: int,
    edges: tuple[int, int],
    bucket: str,
    kind: int,
) -> None:
    booked = fed(connection, kind, place, drawn, seed)
    zone, base = place
    start = base + edges[0] * _MINUTE
    end = start + edges[1] * _MINUTE
    known = minutes(booked.samples)
    cells = buckets(start, end, bucket, ZoneInfo(zone))
    for where, inside in (({}, ("a", "b")), ({"unit": ("a",)}, ("a",)), ({"unit": ("b",)}, ("b",))):
        asked = {"unit": "a", "start": start, "end": end, "bucket": bucket, "where": where}
        sums = [
            [
                sum(row[place] for (unit, at), row in known.items() if unit in inside and low <= at < high)
                for place in range(6)
            ]
            for low, high in cells
        ]
        subject = "camera" if kind == 1 else "wifi"
        for kpi, above, below in (
            ("availability", (0,), (0, 2)),
            ("degraded", (1,), (0, 2)),
            ("maintenance", (3,), (0, 2, 3)),
        ):
            points = ask(connection, f"{subject}.{kpi}", **asked)
            assert [point.time for point in points] == [low for low, _ in cells]
            for point, row in zip(points, sums, strict=True):
                assert (point.numerator or 0) == sum(row[n] for n in above) / 1000, (kpi, point.time)
                assert (point.denominator or 0) == sum(row[n] for n in below) / 1000, (kpi, point.time)
        if kind == 2:
            for point, row, (low, high) in zip(
                ask(connection, "wifi.clients", **asked), sums, cells, strict=True
            ):
                assert (point.numerator or 0) == row[4] / 1000, point.time
                reported = {
                    at for (unit, at), r in known.items() if unit in inside and low <= at < high and r[5] > 0
                }
                assert (point.denominator or 0) == 60 * len(reported), point.time
            for point, (low, high) in zip(ask(connection, "wifi.clients_max", **asked), cells, strict=True):
                most = max(
                    (
                        s.clients
                        for s in booked.samples
                        if s.clients is not None
                        and s.state not in (0, 3)
                        and s.unit in inside
                        and low <= s.at.replace(second=0) < high
                    ),
                    default=None,
                )
                assert point.value == most, point.time


@given(**_plans, by=st.sampled_from((None, "device", "unit")))
@settings(max_examples=20, deadline=None)
def test_what_samples_say_is_the_same_rolled_up(
    connection: Connection,
    place: tuple[str, datetime],
    drawn: list[Drawn],
    seed: int,
    edges: tuple[int, int],
    bucket: str,
    by: str | None,
) -> None:
    booked = fed(connection, 2, place, drawn, seed)
    zone, base = place
    booked.close(base + timedelta(days=9))
    start = base + edges[0] * _MINUTE
    asked = {"unit": "a", "start": start, "end": start + edges[1] * _MINUTE, "bucket": bucket, "by": by}
    kpis = ["wifi.loss", "wifi.rtt_p50", "wifi.internet_ok_rate", "wifi.traffic"]
    if by == "device":
        kpis += ["wifi.clients", "wifi.clients_max"]
    rolled = {kpi: ask(connection, kpi, **asked) for kpi in kpis}
    assert connection.execute("SELECT count(*) FROM ioc.sample_dirty").fetchone() == (0,)
    connection.execute("DELETE FROM ioc.sample_progress")
    assert rolled == {kpi: ask(connection, kpi, **asked) for kpi in kpis}
    if by is None:
        for point, (low, high) in zip(
            rolled["wifi.loss"],
            buckets(start, start + edges[1] * _MINUTE, bucket, ZoneInfo(zone)),
            strict=True,
        ):
            mine = [s for s in booked.samples if low <= s.at < high]
            losses = [s.loss for s in mine if s.loss is not None]
            assert (point.numerator or 0, point.denominator or 0) == (sum(losses), len(losses))
