"""Alerts of devices and dossiers rise and clear in the transaction that stores what they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ioc import topics
from ioc.alerts.model import DeviceCondition, DossierCondition, Grouping, Hours, Kind, Rule, Severity
from ioc.events import (
    CameraProbed,
    CameraSample,
    DossierProgress,
    DossierProgressed,
    DossierRecord,
    DossierRecorded,
    Status,
    encode,
)
from ioc.settings import Settings
from streams.replay.finding import Finding
from streams.replay.replay import Subject, replay
from tests.integration import samples
from tests.integration.alerting import Desk, a_rule, bring_in
from tests.integration.feeding import Feeder, feeders

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: A working day in Tây Ninh, 09:00.
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DOWN = a_rule("camera.down", holds_for=2 * MINUTE)
FROZEN = a_rule("camera.frozen", condition=DeviceCondition("camera", flag="frozen"))
NOBODY = a_rule(
    "wifi.nobody", condition=DeviceCondition("wifi", ("ok", "degraded"), clients_at_most=0), holds_for=HOUR
)
CLOCK = a_rule("camera.clock", condition=DeviceCondition("camera", ("degraded",), reason="clock"))
LEVELS = tuple(
    a_rule(code, kind=Kind.DOSSIER, severity=severity, condition=condition)
    for code, severity, condition in (
        ("dossier.soon", Severity.WARNING, DossierCondition("due_soon")),
        ("dossier.late", Severity.MAJOR, DossierCondition("overdue", before=48 * HOUR)),
        ("dossier.very-late", Severity.CRITICAL, DossierCondition("overdue", after=48 * HOUR)),
        ("dossier.unsaid", Severity.MAJOR, DossierCondition("late_without_apology")),
    )
)


@contextmanager
def desk(settings: Settings, *rules: Rule) -> Iterator[Desk]:
    """A second session that looks at signals and alerts and moves their clock."""
    with psycopg.connect(settings.database_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        yield Desk(connection, bring_in(connection, rules), NOW)


def signals(at: Desk) -> dict[str, tuple[int, datetime]]:
    """Phase and begin of each signal, by rule and subject."""
    rows = at.connection.execute(
        "SELECT r.code || ' ' || s.subject, s.phase, s.since"
        " FROM ioc.alert_signal s JOIN ioc.alert_rule r USING (rule_id)"
    ).fetchall()
    return {name: (phase, since) for name, phase, since in rows}


def opened(at: Desk) -> list[str]:
    """Keys of all alerts there ever were, in order."""
    rows = at.connection.execute(
        "SELECT r.code || ' ' || a.key || CASE WHEN a.cleared_at IS NULL THEN '' ELSE ' over' END"
        " FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id) ORDER BY alert_id"
    ).fetchall()
    return [name for (name,) in rows]


def camera(
    device: str,
    at: datetime,
    status: Status,
    *,
    reason: str | None = None,
    frozen: bool = False,
    interval_s: float = 60,
) -> bytes:
    return encode(
        CameraProbed(
            specversion="1.0",
            id=f"{device}-{at.isoformat()}",
            source="//test",
            subject=device,
            time=at,
            data=CameraSample(
                unit="unit-1", verdict=status, interval_s=interval_s, reason=reason, frozen=frozen
            ),
        )
    )


def with_feeders(
    settings: Settings, topic: str, story: Callable[..., Awaitable[None]], partitions: int = 1
) -> None:
    async def main() -> None:
        async with feeders(settings, topic, partitions=partitions) as found:
            await story(*found)

    asyncio.run(main())


# -- devices ---------------------------------------------------------------------------------------------


def test_a_camera_that_goes_down_is_pending_with_the_time_of_its_sample_and_fires_when_it_held(
    settings: Settings,
) -> None:
    with desk(settings, DOWN) as at:

        async def story(feeder: Feeder) -> None:
            await feeder.feed([camera("C-1", NOW - MINUTE, Status.OK)], now=NOW)
            await feeder.feed([camera("C-1", NOW, Status.DOWN, reason="no answer")], now=NOW + MINUTE)
            assert signals(at) == {"camera.down device:C-1": (1, NOW)}
            # the same again is no news
            await feeder.feed([camera("C-1", NOW + MINUTE, Status.DOWN)], now=NOW + MINUTE)
            at.now = NOW + 2 * MINUTE
            (alert,) = at.ripen().opened
            told = at.alert(alert)
            assert (told["since"], told["opened_at"]) == (NOW, NOW + 2 * MINUTE)
            assert told["detail"] == {"state": "down", "reason": "no answer"}
            await feeder.feed([camera("C-1", NOW + 3 * MINUTE, Status.OK)], now=NOW + 3 * MINUTE)
            assert opened(at) == ["camera.down device:C-1 over"]

        with_feeders(settings, topics.CAMERAS, story)


def test_what_held_long_enough_when_it_is_read_fires_in_the_transaction_that_stores_it(
    settings: Settings,
) -> None:
    with desk(settings, DOWN, FROZEN, CLOCK) as at:

        async def story(feeder: Feeder) -> None:
            await feeder.feed(
                [
                    camera("C-1", NOW - 4 * MINUTE, Status.OK),
                    camera("C-1", NOW - 3 * MINUTE, Status.DOWN),
                    camera("C-1", NOW - 2 * MINUTE, Status.DOWN),
                    camera("C-2", NOW - MINUTE, Status.DEGRADED, frozen=True, reason="frozen"),
                    camera("C-3", NOW - 2 * MINUTE, Status.DEGRADED, reason="black"),
                ],
                now=NOW,
            )
            assert opened(at) == ["camera.down device:C-1", "camera.frozen device:C-2"]
            # the state is the same, its reason is another
            await feeder.feed([camera("C-3", NOW - MINUTE, Status.DEGRADED, reason="clock 25 s")], now=NOW)
            assert opened(at)[2:] == ["camera.clock device:C-3"]
            await feeder.feed([camera("C-3", NOW, Status.DEGRADED, reason="black")], now=NOW)
            assert opened(at)[2:] == ["camera.clock device:C-3 over"]

        with_feeders(settings, topics.CAMERAS, story)


def test_what_was_away_for_a_moment_within_a_batch_holds_anew(settings: Settings) -> None:
    with desk(settings, DOWN) as at:

        async def story(feeder: Feeder) -> None:
            await feeder.feed([camera("C-1", NOW - MINUTE, Status.DOWN)], now=NOW)
            await feeder.feed(
                [
                    camera("C-1", NOW, Status.DOWN),
                    camera("C-1", NOW + 20 * timedelta(seconds=1), Status.OK),
                    camera("C-1", NOW + 40 * timedelta(seconds=1), Status.DOWN),
                ],
                now=NOW + MINUTE,
            )
            assert signals(at) == {"camera.down device:C-1": (1, NOW + timedelta(seconds=40))}

        with_feeders(settings, topics.CAMERAS, story)


def test_what_is_read_long_after_it_was_measured_is_not_raised_nor_are_late_samples(
    settings: Settings,
) -> None:
    with desk(settings, a_rule("camera.down")) as at:

        async def story(feeder: Feeder) -> None:
            # catching up: down and up again hours ago
            await feeder.feed([camera("C-1", NOW - 3 * HOUR, Status.DOWN)], now=NOW)
            await feeder.feed([camera("C-1", NOW - 2 * HOUR, Status.OK)], now=NOW)
            assert signals(at) == {}
            await feeder.feed([camera("C-1", NOW, Status.OK)], now=NOW)
            # a sample that rewrites the past
            await feeder.feed([camera("C-1", NOW - MINUTE, Status.DOWN)], now=NOW)
            assert signals(at) == {}
            assert opened(at) == []

        with_feeders(settings, topics.CAMERAS, story)


def test_a_rule_of_working_hours_waits_for_the_opening_of_the_next_working_day(settings: Settings) -> None:
    with desk(settings, a_rule("camera.down", hours=Hours.WORKING, holds_for=10 * MINUTE)) as at:
        friday_evening = datetime(2026, 3, 13, 13, 0, tzinfo=UTC)
        monday = datetime(2026, 3, 16, 0, 0, tzinfo=UTC)  # 07:00 in Tây Ninh

        async def story(feeder: Feeder) -> None:
            await feeder.feed([camera("C-1", friday_evening, Status.DOWN)], now=friday_evening)
            rows = at.connection.execute("SELECT since, due_at FROM ioc.alert_signal").fetchall()
            assert rows == [(friday_evening, monday + 10 * MINUTE)]

        with_feeders(settings, topics.CAMERAS, story)


def test_silence_neither_fires_nor_clears(settings: Settings) -> None:
    with desk(settings, a_rule("camera.down", holds_for=10 * MINUTE, clear_for=10 * MINUTE)) as at:
        now = datetime.now(UTC)

        async def story(feeder: Feeder) -> None:
            begins = now - 66 * MINUTE
            await feeder.feed([camera("C-1", begins, Status.DOWN)], now=begins)
            await feeder.feed([camera("C-2", begins - HOUR, Status.DOWN, interval_s=3600)], now=begins)
            assert opened(at) == ["camera.down device:C-2"]
            await feeder.feed([camera("C-2", begins, Status.OK)], now=begins)
            # after 3 minutes nothing is known of either
            await feeder.idle()
            at.now = now
            at.ripen()
            assert opened(at) == ["camera.down device:C-2"]
            assert {name: phase for name, (phase, _) in signals(at).items()} == {
                "camera.down device:C-1": 1,
                "camera.down device:C-2": 3,
            }
            # and time counts on from when they are heard again
            again = now
            await feeder.feed([camera("C-1", again, Status.DOWN), camera("C-2", again, Status.OK)], now=again)
            assert signals(at)["camera.down device:C-1"] == (1, again)
            at.ripen(9 * MINUTE)
            assert opened(at) == ["camera.down device:C-2"]
            at.ripen(MINUTE)
            assert opened(at) == ["camera.down device:C-2 over", "camera.down device:C-1"]

        with_feeders(settings, topics.CAMERAS, story)


def test_a_device_under_maintenance_is_known_to_be_looked_after(settings: Settings) -> None:
    with desk(settings, a_rule("camera.down")) as at:

        async def story(feeder: Feeder) -> None:
            await feeder.feed([camera("C-1", NOW - MINUTE, Status.DOWN)], now=NOW)
            await feeder.feed([camera("C-1", NOW, Status.MAINTENANCE)], now=NOW)
            assert opened(at) == ["camera.down device:C-1 over"]

        with_feeders(settings, topics.CAMERAS, story)


def test_no_clients_counts_from_the_sample_that_had_none_and_state_rows_say_the_same(
    settings: Settings,
) -> None:
    with desk(settings, NOBODY) as at:

        async def story(feeder: Feeder) -> None:
            await feeder.feed([samples.wifi("A-1", NOW - DAY, interval_s=DAY.total_seconds())], now=NOW)
            await feeder.feed([samples.wifi("A-1", NOW, clients=0)], now=NOW)
            assert signals(at) == {"wifi.nobody device:A-1": (1, NOW)}
            assert await feeder.rows("SELECT clients FROM ioc.device_state") == [(0,)]
            await feeder.feed([samples.wifi("A-1", NOW + MINUTE, clients=None)], now=NOW + MINUTE)
            at.now = NOW + 2 * HOUR
            assert at.ripen().opened == ()  # nobody knows how many there are
            await feeder.feed([samples.wifi("A-1", NOW + 2 * MINUTE, clients=1)], now=NOW + 2 * MINUTE)
            assert signals(at) == {}

        with_feeders(settings, topics.WIFI, story)


def test_two_partitions_that_open_one_alert_at_the_same_moment_open_one(settings: Settings) -> None:
    rule = a_rule("wifi.down", condition=DeviceCondition("wifi", ("down",)), group_by=Grouping.UNIT)
    with desk(settings, rule) as at:

        async def story(one: Feeder, other: Feeder) -> None:
            for turn in range(50):
                now = NOW + turn * MINUTE

                def of(feeder: Feeder, status: Status, at_s: int) -> list[bytes]:
                    number = feeder.partition.partition
                    return [
                        samples.wifi(f"A-{number}-{k}", now + timedelta(seconds=at_s), status=status)  # noqa: B023
                        for k in range(3)
                    ]

                both = (one, other)
                await asyncio.gather(*(f.feed(of(f, Status.DOWN, 0), now=now) for f in both))
                await asyncio.gather(*(f.feed(of(f, Status.OK, 30), now=now + MINUTE) for f in both))
                rows = await one.rows(
                    "SELECT members, joined, cleared_at IS NOT NULL FROM ioc.alert WHERE opened_at = %s", now
                )
                assert sum(joined for _, joined, _ in rows) == 6
                assert rows == [(0, 6, True)]

        with_feeders(settings, topics.WIFI, story, partitions=2)
        assert len(opened(at)) == 50


def test_a_mistake_in_raising_loses_no_fact(settings: Settings) -> None:
    with desk(settings, a_rule("camera.down")) as at:
        at.connection.execute("ALTER TABLE ioc.alert ADD CONSTRAINT broken CHECK (severity < 2) NOT VALID")

        async def story(feeder: Feeder) -> None:
            await feeder.feed([camera("C-1", NOW, Status.DOWN)], now=NOW)
            assert feeder.facts == 1
            assert await feeder.rows("SELECT state FROM ioc.device_state") == [(3,)]
            assert signals(at) == {}

        with_feeders(settings, topics.CAMERAS, story)


# -- dossiers --------------------------------------------------------------------------------------------

#: 17:00 local on 9 March; late from local midnight on.
DUE = datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
LATE_FROM = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)
RECEIVED = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def record(code: str, at: datetime, **given: Any) -> bytes:
    told: dict[str, Any] = {"unit": "unit-1", "status": 2, "received_at": RECEIVED, "due_at": DUE} | given
    return encode(
        DossierRecorded(
            specversion="1.0",
            id=f"{code}-{at.isoformat()}",
            source="//test",
            subject=code,
            time=at,
            data=DossierRecord(**told),
        )
    )


def progress(code: str, at: datetime, status: int) -> bytes:
    return encode(
        DossierProgressed(
            specversion="1.0",
            id=f"{code}-{at.isoformat()}",
            source="//test",
            subject=code,
            time=at,
            data=DossierProgress(unit="unit-1", status=status),
        )
    )


def test_a_dossier_goes_through_its_levels_by_the_clock_alone(settings: Settings) -> None:
    with desk(settings, *LEVELS) as at:

        async def story(feeder: Feeder) -> None:
            # long before, nothing is noted; the sweep finds it in time
            await feeder.feed([record("D-1", RECEIVED)], now=RECEIVED)
            assert signals(at) == {}
            shortly = DUE - DAY - timedelta(minutes=30)
            await feeder.feed([progress("D-1", shortly, 4)], now=shortly)
            assert signals(at) == {"dossier.soon dossier:D-1": (1, DUE - DAY)}
            at.now = DUE - DAY
            at.ripen()
            assert opened(at) == ["dossier.soon dossier:D-1"]
            shortly = LATE_FROM - timedelta(minutes=30)
            await feeder.feed([progress("D-1", shortly, 2)], now=shortly)
            at.now = LATE_FROM
            at.ripen()
            assert opened(at) == [
                "dossier.soon dossier:D-1 over",
                "dossier.late dossier:D-1",
                "dossier.unsaid dossier:D-1",
            ]
            shortly = LATE_FROM + 48 * HOUR - timedelta(minutes=30)
            await feeder.feed([progress("D-1", shortly, 4)], now=shortly)
            at.now = LATE_FROM + 48 * HOUR
            at.ripen()
            assert opened(at)[1:] == [
                "dossier.late dossier:D-1 over",
                "dossier.unsaid dossier:D-1",
                "dossier.very-late dossier:D-1",
            ]
            done = at.now + HOUR
            await feeder.feed([progress("D-1", done, 9)], now=done)
            assert all(name.endswith("over") for name in opened(at))
            assert signals(at) == {}

        with_feeders(settings, topics.DOSSIERS, story)


def test_a_supplement_asked_for_or_another_due_date_ends_lateness(settings: Settings) -> None:
    with desk(settings, *LEVELS) as at:

        async def story(feeder: Feeder) -> None:
            now = LATE_FROM + HOUR
            await feeder.feed([record("D-1", now), record("D-2", now)], now=now)
            assert sum("dossier.late" in name for name in opened(at)) == 2
            later = now + HOUR
            await feeder.feed(
                [progress("D-1", later, 5), record("D-2", later, due_at=DUE + 30 * DAY)], now=later
            )
            assert all(name.endswith("over") for name in opened(at))

        with_feeders(settings, topics.DOSSIERS, story)


def test_an_import_of_what_ended_long_ago_and_a_replay_raise_nothing(settings: Settings) -> None:
    with desk(settings, *LEVELS) as at:

        async def story(feeder: Feeder) -> None:
            done = LATE_FROM + 5 * DAY
            old = [record("D-1", RECEIVED), progress("D-1", done, 9)]
            await feeder.feed(old, now=done + 300 * DAY)
            await feeder.feed([record("D-2", RECEIVED)], now=LATE_FROM + HOUR)
            at.now = LATE_FROM + HOUR
            before = (opened(at), signals(at))
            assert before[0] == ["dossier.late dossier:D-2", "dossier.unsaid dossier:D-2"]
            at.connection.execute("DELETE FROM ioc.dossier_ledger")
            found: list[Finding] = await replay(
                settings, [Subject.DOSSIERS], since=None, repair=True, progress=lambda _: None
            )
            assert any(finding.different for finding in found)
            assert (opened(at), signals(at)) == before

        with_feeders(settings, topics.DOSSIERS, story)


@pytest.mark.parametrize("codes", [(), ("camera.down",)])
def test_rules_that_come_and_go_are_followed_while_a_worker_runs(
    settings: Settings, codes: tuple[str, ...]
) -> None:
    with desk(settings, *(a_rule(code) for code in codes)) as at:

        async def story(feeder: Feeder) -> None:
            await feeder.feed([camera("C-1", NOW, Status.OK)], now=NOW)
            bring_in(at.connection, () if codes else (a_rule("camera.down"),))
            feeder.registry._rules_seen = 0.0  # as after some seconds
            await feeder.feed([camera("C-1", NOW + MINUTE, Status.DOWN)], now=NOW + MINUTE)
            assert opened(at) == ([] if codes else ["camera.down device:C-1"])

        with_feeders(settings, topics.CAMERAS, story)
