"""Gauges of devices over many days: from counts at the ends of days they say what the runs themselves say."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ioc.kpi import find
from ioc.kpi.query import Point, answer, series
from ioc.kpi.question import Question
from ioc.platform import day_ends
from tests.integration.kpi_data import Connection, add_device, add_unit, empty


def _insert(
    connection: Connection, device: int, unit: str, rng: random.Random, start: datetime, end: datetime
) -> None:
    connection.execute(
        "INSERT INTO ioc.device_run (device_id, kind, unit_id, state, flags, started, ended)"
        " SELECT %s, 1, unit_id, %s, %s, %s, %s FROM ioc.unit WHERE code = %s",
        (device, rng.choice([0, 1, 1, 2, 3, 3, 4]), rng.choice([0, 0, 1, 2, 3]), start, end, unit),
    )


@pytest.mark.parametrize("seed", range(6))
def test_days_say_what_the_runs_say(connection: Connection, seed: int) -> None:
    rng = random.Random(seed)
    zone = ZoneInfo(rng.choice(["Europe/Amsterdam", "Asia/Ho_Chi_Minh", "Asia/Kathmandu"]))
    empty(connection)
    add_unit(connection, "root", zone.key)
    # days of 23 and 25 hours are among these
    base = rng.choice([datetime(2026, 3, 20, tzinfo=UTC), datetime(2025, 10, 15, tzinfo=UTC)])
    midnight = base.astimezone(zone).replace(hour=0) + timedelta(days=1)
    for unit in ("a", "b"):
        add_unit(connection, unit, zone.key, "root")
    devices = {f"d{n}": (add_device(connection, f"d{n}", 1, unit), unit) for n, unit in enumerate("aaab")}
    for device, unit in devices.values():
        at = base + timedelta(hours=rng.uniform(-40, 200))
        while at < base + timedelta(days=24):
            begins = at
            # sometimes exactly to a midnight
            at += timedelta(hours=rng.choice([0.5, 3, 20, 60]))
            if rng.random() < 0.2:
                at = max(
                    (midnight + timedelta(days=rng.randrange(20))).astimezone(UTC),
                    begins + timedelta(minutes=1),
                )
            _insert(connection, device, unit, rng, begins, at)
            if rng.random() < 0.05:
                day_ends.fold(connection, turns=1)
        if rng.random() < 0.7:
            # the newest run is open still, and may have run out
            connection.execute(
                "INSERT INTO ioc.device_state (device_id, kind, unit_id, state, flags, since, last_time, valid_until)"
                " SELECT %s, 1, unit_id, %s, %s, %s, %s, %s FROM ioc.unit WHERE code = %s",
                (
                    device,
                    rng.choice([1, 3]),
                    rng.choice([0, 1, 2]),
                    at,
                    at,
                    at + timedelta(days=rng.choice([0.2, 9])),
                    unit,
                ),
            )
    # history is written anew: pieces go, change, and come
    day_ends.fold(connection, turns=rng.randrange(2))
    connection.execute("DELETE FROM ioc.device_run WHERE abs(hashtext(started::text)) %% 7 = %s", (seed,))
    connection.execute(
        "UPDATE ioc.device_run SET ended = ended - interval '1 minute', state = 3 WHERE state = 1"
        " AND ended - started > interval '2 minutes' AND abs(hashtext(ended::text)) %% 5 = %s",
        (seed % 5,),
    )
    day_ends.fold(connection, turns=rng.randrange(2))

    def ask(kpi: str, by: str | None = None, unit: str = "root") -> tuple[Point, ...]:
        return answer(
            connection,
            series(
                "system",
                Question(
                    kpi=find(kpi),
                    unit=unit,
                    start=midnight,
                    end=midnight + timedelta(days=20, hours=seed % 2 * 7),
                    bucket="1d",
                    by=by,
                ),
            ),
        )

    for kpi in ("camera.down", "camera.frozen", "camera.stalled"):
        told: dict[tuple[str, datetime], list[float]] = {}
        single = ask(kpi, by="device")
        for point in single:
            if point.value is not None:
                for scope in ("root", devices[str(point.dim)][1]):
                    told.setdefault((scope, point.time), []).append(point.value)
        for scope in ("root", "a", "b"):
            for point in ask(kpi, unit=scope):
                right = told.get((scope, point.time))
                assert point.value == (None if right is None else sum(right)), (kpi, scope, point.time)
        for point in ask(kpi, by="unit"):
            right = told.get((str(point.dim), point.time))
            assert point.value == (None if right is None else sum(right)), (kpi, point.dim, point.time)
        assert any(sum(values) for values in told.values()), "something to count"
