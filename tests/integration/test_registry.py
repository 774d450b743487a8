"""What facts name and no pack describes is entered as undeclared, up to a limit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest

from ioc import topics
from ioc.events import Status, WifiProbed, WifiSample, encode
from ioc.settings import Settings
from streams import registry
from streams.registry import Registry
from tests.integration.feeding import feeders


def sample(device: str, unit: str = "u") -> bytes:
    return encode(
        WifiProbed(
            specversion="1.0",
            id=device,
            source="//test",
            subject=device,
            time=datetime(2026, 1, 1, tzinfo=UTC),
            data=WifiSample(unit=unit, status=Status.OK, interval_s=30),
        )
    )


def platform(database: str) -> Settings:
    return Settings.model_validate({"database_url": database})


def test_unknown_units_and_devices_are_entered_as_undeclared(database: str) -> None:
    async def run() -> None:
        async with feeders(platform(database), topics.WIFI) as (feeder,):
            await feeder.feed([sample("ap-1", "xã mới"), sample("ap-2", "xã mới")])
            assert feeder.facts == 2
            assert await feeder.rows(
                "SELECT d.code, u.code, d.kind, d.interval_s, d.declared, u.declared, u.time_zone"
                " FROM ioc.device d JOIN ioc.unit u USING (unit_id) ORDER BY 1"
            ) == [(f"ap-{n}", "xã mới", 2, 30.0, False, False, "Asia/Ho_Chi_Minh") for n in (1, 2)]

    asyncio.run(run())


def test_undeclared_units_have_a_limit_within_one_batch_too(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "UNDECLARED_UNITS", 3)

    async def run() -> None:
        async with feeders(platform(database), topics.WIFI) as (feeder,):
            await feeder.feed([sample(f"ap-{n}", f"u{n}") for n in range(5)])
            assert feeder.facts == 3
            assert [reason for _, reason in feeder.bad] == ["unknown-unit"] * 2
            # those that were let in stay, others still find no room
            await feeder.feed([sample("again", "u0"), sample("more", "u9")])
            assert feeder.facts == 4
            assert await feeder.rows("SELECT count(*) FROM ioc.unit WHERE NOT declared") == [(3,)]

    asyncio.run(run())


def test_undeclared_devices_have_a_limit(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "UNDECLARED_DEVICES", 3)

    async def run() -> None:
        async with feeders(platform(database), topics.WIFI) as (feeder,):
            await feeder.feed([sample(f"ap-{n}") for n in range(5)])
            assert feeder.facts == 3
            assert [reason for _, reason in feeder.bad] == ["unknown-device"] * 2
            assert await feeder.rows("SELECT count(*) FROM ioc.wifi_sample") == [(3,)]

    asyncio.run(run())


def test_a_code_that_is_another_kind_of_device_is_unreadable(database: str) -> None:
    async def run() -> None:
        async with feeders(platform(database), topics.WIFI) as (feeder,):
            await feeder.registry.units(["u"])
            await feeder.connection.execute(
                "INSERT INTO ioc.device (code, kind, unit_id) SELECT 'cam', 1, unit_id FROM ioc.unit"
            )
            await feeder.feed([sample("cam"), sample("ap")])
            assert (feeder.facts, feeder.bad) == (1, [(0, "unknown-device")])

    asyncio.run(run())


def test_a_full_memory_forgets_without_losing_what_is_asked_for(database: str) -> None:
    async def run() -> None:
        async with feeders(platform(database), topics.WIFI) as (feeder,):
            small = Registry(feeder.registry.pool, limit=2)
            assert set(await small.units(["a", "b", "c"])) == {"a", "b", "c"}
            assert set(await small.units(["a", "d"])) == {"a", "d"}
            assert set(await small.sources(["a", "b", "c"])) == {"a", "b", "c"}
            assert set(await small.sources(["a", "d"])) == {"a", "d"}

    asyncio.run(run())


def test_a_memory_that_is_cleared_meanwhile_loses_nothing_that_is_asked_for(database: str) -> None:
    """One partition waits for a new source's number; others fill the memory and clear it."""

    async def run() -> None:
        async with (
            feeders(platform(database), topics.WIFI) as (feeder,),
            await psycopg.AsyncConnection.connect(database, autocommit=True) as other,
        ):
            small = Registry(feeder.registry.pool, limit=1)
            await small.sources(["a"])
            async with other.transaction(force_rollback=True):
                await other.execute("INSERT INTO ioc.source (name) VALUES ('x')")
                waits = asyncio.create_task(small.sources(["a", "x"]))
                async with asyncio.timeout(60):
                    while not await feeder.rows("SELECT FROM pg_locks WHERE NOT granted"):
                        await asyncio.sleep(0.02)
                await small.sources(["b"])
                await small.sources(["c"])
            assert set(await waits) == {"a", "x"}

    asyncio.run(run())
