"""Before going live all that the simulated district made goes, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from deploy.simulation import purging
from ioc import topics
from ioc.errors import UsageError
from ioc.events import (
    CameraProbed,
    CameraSample,
    DossierRecord,
    DossierRecorded,
    Status,
    encode,
)
from ioc.privacy.inventory import TABLES, Filled
from ioc.settings import Settings
from tests.integration.streaming import (
    fetch,
    log_ends,
    producer,
    run_ioc,
    scalar,
    wait_counted,
    wait_until,
    worker,
)

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def _dossier(code: str, source: str) -> bytes:
    return encode(
        DossierRecorded(
            specversion="1.0",
            id=f"{code}-1",
            source=source,
            subject=code,
            time=NOW,
            data=DossierRecord(unit="u1", received_at=NOW, status=2),
        )
    )


def _probe(n: int) -> bytes:
    return encode(
        CameraProbed(
            specversion="1.0",
            id=f"cam-{n}",
            source="urn:ioc:probe:camera",
            subject="cam-1",
            time=NOW + timedelta(minutes=n),
            data=CameraSample(unit="u1", verdict=Status.OK),
        )
    )


@pytest.fixture
def played(settings: Settings) -> Settings:
    """A platform on which a simulated district was played, by way of Kafka and a worker; all of it is down again."""
    folder = settings.state_dir / "simulation"
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    (settings.state_dir / "checkpoints").mkdir()
    (settings.state_dir / "checkpoints" / "simulation-onestop.sqlite").touch()
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO ioc.alert_rule (code, position, kind, severity, definition)"
                           " VALUES ('r', 1, 'dossier', 3, '{}')")  # fmt: skip
        connection.execute(
            "INSERT INTO ioc.alert (rule_id, key, severity, subject, since, opened_at, changed_at)"
            " SELECT rule_id, 'k', 3, 'dossier:d1', now(), now(), now() FROM ioc.alert_rule"
        )
        connection.execute(
            "INSERT INTO ioc.alert_event (alert_id, kind, actor) SELECT alert_id, 'x', 'me' FROM ioc.alert"
        )
    with worker(settings):
        with producer(settings) as send:
            for n in range(20):
                send(topics.DOSSIERS, f"d{n}", _dossier(f"d{n}", "//simulation/onestop"))
                send(topics.CAMERAS, "cam-1", _probe(n))
        wait_counted(settings)
        wait_until(
            lambda: scalar(settings, "SELECT count(*) FROM ioc.device_state"), within_s=30, what="a state"
        )
    return settings


def _rows(settings: Settings, filled: Filled) -> dict[str, int]:
    found = {
        table.name: int(scalar(settings, f"SELECT count(*) FROM ioc.{table.name}"))  # noqa: S608 - names of ours
        for table in TABLES
        if table.filled is filled
    }
    return {name: count for name, count in found.items() if count}


def test_it_goes_and_what_people_made_stays(played: Settings) -> None:
    kept = _rows(played, Filled.PEOPLE)
    before = _rows(played, Filled.FACTS)
    assert {"dossier", "dossier_fact", "dossier_ledger", "camera_sample", "alert", "alert_event"} <= set(
        before
    )
    dry = run_ioc(played, "purge-demo", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "  dossier: 20 rows" in dry.stdout
    assert "//simulation/onestop" in dry.stdout
    assert _rows(played, Filled.FACTS) == before
    assert run_ioc(played, "purge-demo").returncode == 2  # nobody said yes
    assert _rows(played, Filled.FACTS) == before
    done = run_ioc(played, "purge-demo", "--yes")
    assert done.returncode == 0, done.stderr
    assert _rows(played, Filled.FACTS) == {}
    after = _rows(played, Filled.PEOPLE)
    assert after.pop("source", 0) == 0
    kept.pop("source")
    assert after == kept
    assert not list((played.state_dir / "simulation").glob("*.json"))
    assert not (played.state_dir / "checkpoints").exists()
    assert set(log_ends(played, topics.DOSSIERS).values()) == {0}
    # and the platform goes on: a real fact is counted, no partition halts
    with worker(played):
        with producer(played) as send:
            send(topics.DOSSIERS, "real", _dossier("real", "//onestop"))
        wait_counted(played)
    assert fetch(played, "SELECT code FROM ioc.dossier") == [("real",)]


def test_where_others_have_written_nothing_is_done_until_each_is_named(played: Settings) -> None:
    with worker(played):
        with producer(played) as send:
            send(topics.DOSSIERS, "real", _dossier("real", "//onestop"))
        wait_counted(played)
        with pytest.raises(UsageError, match="at work"):
            purging.plan(played)
    before = _rows(played, Filled.FACTS)
    with purging.servers(played):
        with pytest.raises(UsageError, match="//onestop"):
            purging.purge(played, [], print)
        with pytest.raises(UsageError, match="//other"):
            purging.purge(played, ["//onestop", "//other"], print)
        with producer(played) as send:
            send(topics.DOSSIERS, "unread", _dossier("unread", "//who-knows"))
        with pytest.raises(UsageError, match="not counted yet"):
            purging.purge(played, ["//onestop"], print)
        assert _rows(played, Filled.FACTS) == before
    with worker(played):
        wait_counted(played)
    done = run_ioc(played, "purge-demo", "--yes", "--also", "//onestop", "--also", "//who-knows")
    assert done.returncode == 0, done.stderr
    assert _rows(played, Filled.FACTS) == {}
