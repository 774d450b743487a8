"""Corners of the devices' way into the database that samples rarely reach, each by name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ioc import topics
from ioc.events import (
    CameraProbed,
    CameraSample,
    Disk,
    Interface,
    Radio,
    Status,
    WifiProbed,
    WifiSample,
    encode,
)
from ioc.settings import Settings
from streams.devices import projector
from streams.devices.runs import runs_of
from tests.integration.feeding import Feeder, feeders

BASE = (datetime.now(UTC) - timedelta(days=2)).replace(second=0, microsecond=0)
OK, DEGRADED, DOWN = 1, 2, 3


def ap(at_s: float, status: Status = Status.OK, *, device: str = "ap", **more: Any) -> bytes:
    envelope = {name: more.pop(name) for name in ("recordedat",) if name in more}
    return encode(
        WifiProbed(
            specversion="1.0",
            id=f"{device}-{at_s}",
            source="//test",
            subject=device,
            time=BASE + timedelta(seconds=at_s),
            data=WifiSample(**{"unit": "u", "status": status, "interval_s": 20, **more}),
            **envelope,
        )
    )


def camera(at_s: float, **more: Any) -> bytes:
    return encode(
        CameraProbed(
            specversion="1.0",
            id=f"{at_s}",
            source="//test",
            subject="cam",
            time=BASE + timedelta(seconds=at_s),
            data=CameraSample(unit="u", verdict=Status.OK, **more),
        )
    )


def platform(database: str) -> Settings:
    return Settings.model_validate({"database_url": database, "grace_s": 0.0})


def play(
    database: str,
    scene: Callable[..., Awaitable[None]],
    *,
    topic: str = topics.WIFI,
    partitions: int = 1,
) -> None:
    async def run() -> None:
        async with feeders(platform(database), topic, partitions=partitions) as found:
            await scene(*found)

    asyncio.run(run())


async def runs(feeder: Feeder, device: str = "ap") -> list[tuple[float, float, int, str | None]]:
    """Ended runs: begin and end in seconds after the base, state, reason."""
    found = await feeder.rows(
        "SELECT started, ended, state, r.reason FROM ioc.device_run r JOIN ioc.device USING (device_id)"
        " WHERE code = %s ORDER BY started",
        device,
    )
    return [((b - BASE).total_seconds(), (e - BASE).total_seconds(), s, r) for b, e, s, r in found]


async def state(feeder: Feeder) -> tuple[int, float, float, float, str | None]:
    """Newest state: state, since, newest sample, valid until, reason."""
    ((code, *times, reason),) = await feeder.rows(
        "SELECT state, since, last_time, valid_until, reason FROM ioc.device_state"
    )
    since, newest, until = ((t - BASE).total_seconds() for t in times)
    return code, since, newest, until, reason


@pytest.mark.parametrize("restart", [False, True])
def test_a_late_sample_moves_the_run_that_silence_ended_and_resuming_finds_it(
    database: str, restart: bool
) -> None:
    async def scene(feeder: Feeder) -> None:
        await feeder.feed([ap(0), ap(50), ap(100)])
        await feeder.idle()
        assert await runs(feeder) == [(0, 160, OK, None)]
        await feeder.feed([ap(80, Status.DOWN, reason="cable")])
        wanted = [(0, 80, OK, None), (80, 100, DOWN, "cable")]
        assert await runs(feeder) == [*wanted, (100, 160, OK, None)]
        if restart:
            feeder.fresh()
        await feeder.feed([ap(150)])
        assert await runs(feeder) == wanted
        await feeder.idle()
        assert await runs(feeder) == [*wanted, (100, 210, OK, None)]
        assert (await state(feeder))[:4] == (0, 210, 150, 210)

    play(database, scene)


def test_an_interval_of_next_to_nothing_stops_nobody(database: str) -> None:
    async def scene(feeder: Feeder) -> None:
        await feeder.feed([ap(0, interval_s=1e-9), ap(1, interval_s=1e-300), ap(2, Status.DOWN)])
        assert feeder.bad == []
        assert [(b, e, s) for b, e, s, _ in await runs(feeder)] == [
            (0, 0.001, OK),
            (0.001, 1, 0),
            (1, 1.001, OK),
            (1.001, 2, 0),
        ]

    play(database, scene)


def test_after_a_restart_the_state_that_was_not_written_yet_is_written(database: str) -> None:
    async def scene(feeder: Feeder) -> None:
        await feeder.feed([ap(0)])
        await feeder.feed([ap(20)])
        assert (await state(feeder))[2] == 0
        feeder.fresh()
        # something else brings the device into the new projector's memory
        await feeder.feed([ap(20)])
        assert feeder.duplicates == 1
        await feeder.idle()
        assert (await state(feeder))[2:4] == (20, 80)

    play(database, scene)


@pytest.mark.parametrize("restart", [False, True])
def test_a_run_has_the_reason_it_began_with_and_the_state_the_newest_one(
    database: str, restart: bool
) -> None:
    async def scene(feeder: Feeder) -> None:
        await feeder.feed([ap(0, Status.DOWN, reason="first"), ap(20, Status.DOWN, reason="second")])
        if restart:
            feeder.fresh()
        await feeder.feed([ap(40, Status.DOWN, reason="third"), ap(10, Status.DOWN, reason="late")])
        await feeder.idle()
        assert await runs(feeder) == [(0, 100, DOWN, "first")]
        assert (await state(feeder))[4] == "third"

    play(database, scene)


def test_nothing_is_learned_in_the_future_and_an_import_says_when_it_learned(database: str) -> None:
    async def scene(feeder: Feeder) -> None:
        now = datetime.now(UTC)
        learned = BASE + timedelta(hours=1)
        await feeder.feed(
            [ap(0, recordedat=now + timedelta(days=9)), ap(1, recordedat=learned), ap(2)], now=now
        )
        assert await feeder.rows("SELECT recorded_at FROM ioc.wifi_sample ORDER BY time") == [
            (now,),
            (learned,),
            (now,),
        ]

    play(database, scene)


def test_a_sample_that_is_sent_again_is_no_conflict_whatever_it_holds(database: str) -> None:
    full = ap(
        0,
        clients=3,
        rtt_ms=24.97,
        loss=1 / 3,
        internet_ok=True,
        reason="lý do \\u0000",
        model="UniFi \\",
        firmware="",
        radios=(Radio(name="5 GHz", channel=10**18, utilisation=0.1, noise_dbm=-95),),
        interfaces=(Interface(index=1, name="eth0", up=False, rx_bytes=2**64 - 1),),
    )
    padded = ap(10, model="M").replace(b'"M"', b'"M\\u0000"')

    async def scene(feeder: Feeder) -> None:
        for _ in range(2):
            await feeder.feed([full, full, padded])
            feeder.fresh()
        assert (feeder.facts, feeder.duplicates, feeder.bad) == (2, 4, [])
        await feeder.feed([ap(0, clients=4)])
        assert feeder.bad == [(6, "conflict")]
        ((detail,),) = await feeder.rows("SELECT detail FROM ioc.wifi_sample WHERE clients = 3")
        assert detail["interfaces"][0]["rx_bytes"] == 2**64 - 1
        assert detail["model"] == "UniFi \\"

    play(database, scene)


def test_a_camera_sample_that_is_sent_again_is_no_conflict(database: str) -> None:
    full = camera(
        0,
        fps=24.97,
        bitrate_kbps=1 / 3,
        last_frame_age_s=1e-45,
        clock_offset_s=-1e-300,
        frozen=False,
        stalled=True,
        moved=True,
        stalls_per_minute=1 / 7,
        observed_s=3.9999,
        rung="decode",
        reason="mờ",
        model='DS-2CD \\ "x"',
        uptime_s=0.1,
        disks=(Disk(name="ổ 1", state="normal", ok=True, size_bytes=2**63, free_bytes=0),),
    )

    async def scene(feeder: Feeder) -> None:
        await feeder.feed([full, full])
        await feeder.feed([full, camera(1)])
        assert (feeder.facts, feeder.duplicates, feeder.bad) == (2, 2, [])
        await feeder.feed([camera(0, fps=24.98)])
        assert feeder.bad == [(4, "conflict")]
        kept, empty = await feeder.rows(
            "SELECT moved, round(stalls_per_minute::numeric, 3)::float8, detail FROM ioc.camera_sample ORDER BY time"
        )
        disk = {"name": "ổ 1", "state": "normal", "ok": True, "size_bytes": 2**63, "free_bytes": 0}
        assert kept == (True, 0.143, {"model": 'DS-2CD \\ "x"', "uptime_s": 0.1, "disks": [disk]})
        assert empty == (None, None, None)

    play(database, scene, topic=topics.CAMERAS)


def test_clients_of_a_device_that_is_down_count_nowhere(database: str) -> None:
    async def scene(feeder: Feeder) -> None:
        await feeder.feed([ap(0, clients=4), ap(20, Status.DOWN, clients=90)])
        assert await feeder.rows("SELECT max(client_max), sum(client_ms)::bigint FROM ioc.device_minute") == [
            (4, 80_000)
        ]

    play(database, scene)


def test_nothing_at_all_and_only_unreadable_records_pass(database: str) -> None:
    async def scene(feeder: Feeder) -> None:
        await feeder.idle()
        await feeder.feed([b"", None, b"{"])
        await feeder.idle()
        assert [reason for _, reason in feeder.bad] == ["empty", "empty", "not-json"]
        assert feeder.facts == 0

    play(database, scene)


def test_two_partitions_with_one_device_are_noticed_and_go_on_carefully(database: str) -> None:
    """Noticed when a state is written: at once where it changes, within seconds where it does not."""

    async def scene(one: Feeder, two: Feeder) -> None:
        await one.feed([ap(0)])
        await two.feed([ap(10, Status.DOWN)])
        with pytest.raises(psycopg.errors.UniqueViolation):
            await one.feed([ap(20, Status.DEGRADED)])
        one.fresh(careful=True)
        await one.feed([ap(20, Status.DEGRADED)])
        with pytest.raises(psycopg.errors.UniqueViolation):
            await two.feed([ap(30)])
        two.fresh(careful=True)
        await two.feed([ap(30), ap(30)])
        await one.feed([ap(15)])
        await one.idle()
        assert [(b, e, s) for b, e, s, _ in await runs(one)] == [
            (0, 10, OK),
            (10, 15, DOWN),
            (15, 20, OK),
            (20, 30, DEGRADED),
            (30, 90, OK),
        ]
        assert await one.rows(
            "SELECT sum(up_ms)::int, sum(down_ms)::int, sum(samples)::int FROM ioc.device_minute"
        ) == [(85_000, 5_000, 5)]
        # what failed was rolled back: nothing is left of it
        assert await one.rows("SELECT count(*) FROM ioc.wifi_sample") == [(5,)]

    play(database, scene, partitions=2)


def test_careful_partitions_at_the_same_time_come_out_right(database: str) -> None:
    rng = random.Random(5)
    devices = ["a", "b", "c"]
    known = [
        (device, at, rng.choice([Status.OK, Status.DOWN]))
        for device in devices
        for at in rng.sample(range(0, 1500, 10), 60)
    ]
    rng.shuffle(known)

    async def scene(one: Feeder, two: Feeder) -> None:
        async def write(feeder: Feeder, mine: list[tuple[str, int, Status]]) -> None:
            feeder.fresh(careful=True)
            for first in range(0, len(mine), 6):
                await feeder.feed([ap(at, status, device=d) for d, at, status in mine[first : first + 6]])
                if first % 4 == 0:
                    await feeder.idle()

        await asyncio.gather(write(one, known[::2]), write(two, known[1::2]))
        await one.idle()
        await two.idle()
        assert one.facts + two.facts == len(known)
        for device in devices:
            mine = sorted((at, OK if s is Status.OK else DOWN) for d, at, s in known if d == device)
            plain = runs_of([(at, 60, 1, code, None) for at, code in mine])
            ended = mine[-1][0] + 60
            wanted = [(r.started, min(r.ended, ended), r.state) for r in plain]
            assert [(b, e, s) for b, e, s, _ in await runs(one, device)] == wanted

    play(database, scene, partitions=2)


def test_a_state_that_another_partition_wrote_is_not_overwritten(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "_FLUSH_S", 0.0)

    async def scene(one: Feeder, two: Feeder) -> None:
        await one.feed([ap(0)])
        await two.feed([ap(10)])
        with pytest.raises(psycopg.errors.UniqueViolation, match="two partitions"):
            await one.feed([ap(20)])
        assert await one.rows("SELECT count(*) FROM ioc.wifi_sample") == [(2,)]

    play(database, scene, partitions=2)


@pytest.mark.parametrize("together", [False, True])
def test_a_device_that_begins_to_report_more_often_promises_less(database: str, together: bool) -> None:
    async def scene(feeder: Feeder) -> None:
        pair = [ap(0, interval_s=100), ap(10, interval_s=10)]
        for batch in [pair] if together else [[sample] for sample in pair]:
            await feeder.feed(batch)
        await feeder.idle()
        assert await feeder.rows("SELECT sum(up_ms)::int FROM ioc.device_minute") == [(40_000,)]
        assert await runs(feeder) == [(0, 40, OK, None)]

    play(database, scene)
