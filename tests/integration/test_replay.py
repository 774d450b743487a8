"""A replay proves what is stored from the facts, finds what was altered, and puts it right."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ioc import topics
from ioc.events import (
    CameraProbed,
    CameraSample,
    Channel,
    DossierProgress,
    DossierProgressed,
    DossierRecord,
    DossierRecorded,
    Status,
    Ticket,
    TicketCalled,
    TicketIssued,
    WifiProbed,
    WifiSample,
    encode,
)
from ioc.platform import day_ends, dossier_sums
from ioc.settings import Settings
from streams.replay.finding import Finding
from streams.replay.replay import Subject, replay
from tests.integration.feeding import feeders
from tests.integration.streaming import run_ioc

BASE = (datetime.now(UTC) - timedelta(days=3)).replace(hour=23, minute=0, second=0, microsecond=0)


def _envelope(subject: str, at: datetime, mark: str = "") -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"{subject}-{at.isoformat()}-{mark}",
        "source": "//test",
        "subject": subject,
        "time": at,
    }


def _wifi(rng: random.Random) -> list[bytes]:
    """Three hours of six access points over midnight, with silences, changes of unit and other intervals."""
    records = []
    for device in range(6):
        at = BASE + timedelta(seconds=rng.uniform(0, 60))
        while at < BASE + timedelta(hours=3):
            data = WifiSample(
                unit=rng.choice(["u1", "u1", "u2"]),
                status=rng.choice([Status.OK, Status.OK, Status.OK, Status.DEGRADED, Status.DOWN]),
                clients=rng.choice([None, 0, 5, 9]),
                reason=rng.choice([None, None, "a"]),
                interval_s=rng.choice([60, 60, 90.5]),
            )
            records.append(encode(WifiProbed(**_envelope(f"ap-{device}", at), data=data)))  # type: ignore[arg-type]
            at += timedelta(seconds=rng.choice([60, 60, 61.7, 0.0004, 1200]))
    rng.shuffle(records)
    return records


def _cameras() -> list[bytes]:
    return [
        encode(
            CameraProbed(
                **_envelope("cam", BASE + timedelta(minutes=n)),  # type: ignore[arg-type]
                data=CameraSample(unit="u1", verdict=Status.OK if n % 9 else Status.DOWN),
            )
        )
        for n in range(90)
    ]


def _dossiers() -> list[bytes]:
    records = []
    for n in range(40):
        code, at = f"d{n}", BASE + timedelta(minutes=n)
        view = DossierRecord(
            unit="u1", channel=Channel.ONLINE, received_at=at, due_at=at + timedelta(hours=5), digitised=True
        )
        records.append(encode(DossierRecorded(**_envelope(code, at), data=view)))  # type: ignore[arg-type]
        step = DossierProgress(unit="u1", status=9 if n % 2 else 5)
        done_at = at + timedelta(hours=n % 13)
        records.append(encode(DossierProgressed(**_envelope(code, done_at, "p"), data=step)))  # type: ignore[arg-type]
    return records


def _tickets() -> list[bytes]:
    records = []
    for n in range(20):
        at = BASE + timedelta(minutes=n)
        data = Ticket(unit="u1", kiosk="k", date=f"{at:%Y-%m-%d}", number=f"{n:03}", service="A")
        records.append(encode(TicketIssued(**_envelope("k", at, str(n)), data=data)))  # type: ignore[arg-type]
        called = at + timedelta(minutes=4)
        records.append(encode(TicketCalled(**_envelope("k", called, f"c{n}"), data=data)))  # type: ignore[arg-type]
    return records


@pytest.fixture
async def stored(settings: Settings) -> Settings:
    """A database with facts of every kind, whose windows are closed."""
    plain = settings.model_copy(update={"topic_prefix": ""})
    kinds = {
        topics.WIFI: _wifi(random.Random(7)),
        topics.CAMERAS: _cameras(),
        topics.DOSSIERS: _dossiers(),
        topics.QUEUES: _tickets(),
    }
    for topic, records in kinds.items():
        async with feeders(plain, topic) as (feeder,):
            for place in range(0, len(records), 25):
                await feeder.feed(records[place : place + 25])
            await feeder.idle()
            await feeder.connection.execute(
                "INSERT INTO ioc.window_close (topic, closed_until) VALUES (%s, %s)",
                (topic, BASE + timedelta(hours=8)),
            )
            assert feeder.facts == len(records)
    return plain


async def _replay(settings: Settings, *, repair: bool = False) -> dict[str, Finding]:
    found = await replay(settings, list(Subject), since=None, repair=repair, progress=lambda _: None)
    return {finding.subject: finding for finding in found}


def _differing(found: dict[str, Finding]) -> dict[str, int]:
    return {name: finding.different for name, finding in found.items() if finding.different}


async def test_what_is_stored_is_proved_and_what_was_altered_is_put_right(stored: Settings) -> None:
    proved = await _replay(stored)
    assert _differing(proved) == {}
    assert proved["minutes of ioc.wifi"].checked > 150
    assert proved["runs of ioc.wifi"].checked > 50
    assert proved["minutes of ioc.cameras"].checked > 60
    assert proved["runs of ioc.cameras"].checked > 10
    assert (proved["dossiers"].checked, proved["tickets"].checked) == (40, 20)

    assert proved["dossier sums"].checked > 10

    at = BASE + timedelta(hours=1)
    with psycopg.connect(stored.database_dsn, autocommit=True) as connection:

        def alter(statement: str, *values: object) -> int:
            return connection.execute(statement.encode(), values).rowcount

        altered = alter(
            "UPDATE ioc.device_minute SET down_ms = down_ms + 5 WHERE kind = 2 AND bucket = %s", at
        )
        assert altered
        alter("DELETE FROM ioc.device_minute WHERE kind = 1 AND bucket = %s", at)
        alter(
            "UPDATE ioc.device_run SET ended = ended - interval '1 s' WHERE (device_id, started) IN"
            " (SELECT device_id, started FROM ioc.device_run WHERE kind = 2 AND started > %s"
            " AND ended > started + interval '9 s' LIMIT 1)",
            at,
        )
        assert dossier_sums.fold(connection) > 100
        days = alter("UPDATE ioc.dossier_day SET delta = delta + 1 WHERE measure = 10")
        days += alter("UPDATE ioc.dossier_amount_day SET amounts = amounts || 1")
        days += alter("DELETE FROM ioc.dossier_series_month WHERE measure = 1")
        assert day_ends.fold(connection) > 50
        alter(
            "INSERT INTO ioc.device_day_end SELECT 2, unit_id, date_trunc('day', now(), time_zone), 1, 1, 0, 0"
            " FROM ioc.unit WHERE code = 'u1'"
        )
        alter("UPDATE ioc.dossier SET completed_at = NULL WHERE code = 'd3'")
        alter(
            "DELETE FROM ioc.dossier_ledger WHERE measure = 3 AND dossier_id IN"
            " (SELECT dossier_id FROM ioc.dossier WHERE code IN ('d5', 'd7'))"
        )
        alter("UPDATE ioc.ticket SET called_at = issued_at WHERE number = '004'")

    wrong = {
        "minutes of ioc.wifi": altered,
        "minutes of ioc.cameras": 1,
        "runs of ioc.wifi": 2,  # the one that is there, and the one that should be
        "dossiers": 1,
        "ledger entries": 2,
        "dossier sums": days,
        "day ends of ioc.wifi": 1,
        "tickets": 1,
    }
    assert _differing(await _replay(stored)) == wrong
    assert _differing(await _replay(stored)) == wrong, "looking changes nothing"
    told = run_ioc(stored, "replay", "queues")
    assert told.returncode == 5
    assert "tickets: 20 checked, 1 different" in told.stdout
    assert "--repair" in told.stderr
    assert _differing(await _replay(stored, repair=True)) == wrong
    assert _differing(await _replay(stored)) == {}
    assert run_ioc(stored, "replay").returncode == 0


async def test_samples_that_retention_took_away_prove_nothing_and_spoil_nothing(stored: Settings) -> None:
    with psycopg.connect(stored.database_dsn, autocommit=True) as connection:
        gone = connection.execute(
            "DELETE FROM ioc.wifi_sample WHERE time < %s", (BASE + timedelta(minutes=70),)
        ).rowcount
    assert gone > 20
    found = await _replay(stored)
    assert _differing(found) == {}
    assert found["runs of ioc.wifi"].checked > 20


def test_an_unknown_subject_is_told_with_those_that_are_known(settings: Settings) -> None:
    told = run_ioc(settings, "replay", "cats")
    assert told.returncode == 2
    assert "cats" in told.stderr
    assert "dossiers, queues, cameras, wifi" in told.stderr
