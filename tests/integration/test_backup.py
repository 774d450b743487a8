"""A backup is restored to what was then, or at any moment since; what was erased stays so; nothing is counted twice.

One story, told in order: a server of its own that is backed up, changed, and restored again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from deploy.stack import EmbeddedKafka, EmbeddedPostgres, topics, wal
from deploy.stack.backups import manifest, restoring, taking, timelines
from deploy.stack.backups.schedule import Backups
from deploy.stack.doctor import examine
from ioc import topics as names
from ioc.errors import InputError, SettingsError, UnavailableError, UsageError
from ioc.events import (
    CameraProbed,
    CameraSample,
    Status,
    Ticket,
    TicketIssued,
    TicketStarted,
    WifiProbed,
    WifiSample,
    encode,
)
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.platform import dossier_sums
from ioc.privacy import erasing, ledger
from ioc.settings import Settings
from ioc.storage import migrate
from ioc.watch.backups import newest_backup
from tests.integration import privacy_data
from tests.integration.kpi_answers import RANGES, SAMPLED_FROM, Answers, answers, figures
from tests.integration.privacy_data import CODE, PORTAL, SECOND, dossier
from tests.integration.streaming import (
    environment,
    fetch,
    producer,
    run_ioc,
    scalar,
    wait_counted,
    wait_until,
    worker,
)
from tests.servers import stack_settings, state_folder


def _quietly(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""


def _figures(settings: Settings) -> Answers:
    """Every indicator of every subject, by every dimension; those of the platform itself are of now, and left out."""
    with psycopg.connect(settings.database_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        dossier_sums.fold(connection)
        found: Answers = {}
        for subject in RANGES:
            found |= answers(connection, subject)
        for kpi in CATALOGUE.values():
            if kpi.subject == "index766":
                asked = Asked(start="2024-03-01T00:00:00Z", end="2024-05-01T00:00:00Z", bucket="1mo")
                points = answer(connection, ask(SYSTEM_READER, kpi.id, asked)).points
                found[kpi.id, None, "1mo"] = figures(points)
        return found


def _devices() -> list[Any]:
    """Samples of two devices and a day's tickets, when the indicators' questions ask for them."""
    at = SAMPLED_FROM + timedelta(minutes=5)
    found: list[Any] = []
    for n in range(12):
        head = {"specversion": "1.0", "id": f"s{n}", "source": "//test", "time": at + timedelta(minutes=n)}
        camera = CameraSample(unit="u1", verdict=Status.OK if n % 4 else Status.DOWN)
        found.append(CameraProbed(**head, subject="c1", data=camera))  # type: ignore[arg-type]
        wifi = WifiSample(unit="u1", status=Status.OK, clients=n, rtt_ms=20.0)
        found.append(WifiProbed(**head, subject="a1", data=wifi))  # type: ignore[arg-type]
        ticket = Ticket(unit="u1", kiosk="k1", date="2026-03-03", number=str(n), service="A")
        head = {**head, "time": datetime(2026, 3, 3, 2, n, tzinfo=UTC), "subject": "k1"}
        found.append(TicketIssued(**head, data=ticket))  # type: ignore[arg-type]
        later = {**head, "id": f"c{n}", "time": datetime(2026, 3, 3, 2, n + 9, tzinfo=UTC)}
        found.append(TicketStarted(**later, data=ticket))  # type: ignore[arg-type]
    return found


_TOPIC: dict[type, str] = {
    CameraProbed: names.CAMERAS,
    WifiProbed: names.WIFI,
    TicketIssued: names.QUEUES,
    TicketStarted: names.QUEUES,
}


def _send(settings: Settings, events: list[Any]) -> None:
    with producer(settings) as send:
        for event in events:
            send(_TOPIC.get(type(event), names.DOSSIERS), event.subject, encode(event))
    wait_counted(settings)
    wait_until(
        lambda: scalar(settings, "SELECT count(*) FROM ioc.device_minute WHERE kind = 2") > 0,
        within_s=30,
        what="device-time",
    )


@dataclass
class Story:
    """What was so when."""

    settings: Settings
    backup: manifest.Backup
    then: Answers
    between_at: datetime
    between: Answers
    after: Answers
    facts: int


@pytest.fixture(scope="module")
def story(kafka: EmbeddedKafka) -> Iterator[Story]:
    """A database of its own that was backed up, and changed since: facts came by way of Kafka, and one dossier went."""
    with state_folder() as folder:
        settings = stack_settings(
            folder / "state",
            backup_keep=2,
            kafka=kafka.bootstrap_servers,
            topic_prefix="backup.",
            consumer_group="backup",
            spool_free_bytes=0,
        )
        topics.ensure(settings)
        try:
            with EmbeddedPostgres(settings):
                migrate.upgrade(settings.database_dsn)
                with worker(settings):
                    _send(settings, [*privacy_data.all_events(), *_devices()])
                    fetch(settings, _WAITING)
                    then = _figures(settings)
                    backup = taking.take(settings, _quietly)
                    _send(settings, dossier("H53.12-240405-0001", 80, days=2))
                    between = _figures(settings)
                    between_at = scalar(settings, "SELECT clock_timestamp()")
                    _send(settings, dossier("H53.12-240405-0002", 90, days=1))
                    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
                        erasing.erase(connection, settings, CODE, reason="asked for", by="me")
                    after, facts = (
                        _figures(settings),
                        scalar(settings, "SELECT count(*) FROM ioc.dossier_fact"),
                    )
            assert len({str(then), str(between), str(after)}) == 3
            assert {kpi.partition(".")[0] for (kpi, _, _), told in then.items() if told} == {
                *RANGES,
                "index766",
            }
            yield Story(settings, backup, then, between_at, between, after, facts)
        finally:
            topics.delete(settings)


_WAITING = """
INSERT INTO ioc.alert_message (key, kind, severity, channel, not_before) VALUES ('k', 'digest', 1, 'mail', now())
RETURNING 1
"""


def _named(settings: Settings) -> int:
    return int(
        scalar(
            settings,
            "SELECT (SELECT count(*) FROM ioc.dossier WHERE code = ANY (%s))"
            " + (SELECT count(*) FROM ioc.dossier_alias WHERE alias = ANY (%s))",
            *([[CODE, PORTAL, SECOND]] * 2),
        )
    )


def test_a_backup_gives_what_was_then_less_the_erased_and_facts_since_are_read_again_once(
    story: Story,
) -> None:
    settings = story.settings
    assert newest_backup(settings.backup_path) == (story.backup.manifest.finished_at, 0)
    with pytest.raises(UsageError, match="not overwritten"):
        restoring.restore(settings, _quietly, name=story.backup.name)
    done = restoring.restore(settings, _quietly, name=story.backup.name, aside=True)
    assert (done.erased, done.cancelled, done.moment) == (2, 1, story.backup.manifest.finished_at)
    assert done.aside is not None
    assert (done.aside / "PG_VERSION").exists()
    with EmbeddedPostgres(settings):
        assert _figures(settings) == story.then
        assert _named(settings) == 0
        assert fetch(settings, "SELECT state, error FROM ioc.alert_message") == [("cancelled", "restored")]
        assert scalar(settings, "SELECT count(*) FROM ioc.restored WHERE quiet_until > now()") == 1
        with worker(settings):
            wait_counted(settings)
            assert _figures(settings) == story.after
            assert scalar(settings, "SELECT count(*) FROM ioc.dossier_fact") == story.facts
            assert _named(settings) == 0


def test_any_moment_since_is_restored_of_the_history_that_was_lived_then(story: Story) -> None:
    """After the restore above there are two histories; a moment before it is of the former."""
    settings = story.settings
    restoring.restore(settings, _quietly, at=story.between_at, aside=True)
    with EmbeddedPostgres(settings):
        assert _figures(settings) == story.between
        assert _named(settings) == 0
    noted = timelines.noted(settings.backup_path)
    assert [(one.parent, one.timeline) for one in noted] == [(1, 2), (1, 3)]


def test_a_moment_that_the_log_does_not_reach_is_refused(story: Story) -> None:
    settings = story.settings
    data = settings.state_dir / "postgres" / "data"
    with pytest.raises(UnavailableError, match="does not reach"):
        restoring.restore(settings, _quietly, at=datetime(2100, 1, 1, tzinfo=UTC), aside=True)
    assert (data / "PG_VERSION").exists()
    assert not (data.parent / "data.restored").exists()
    aside = data.rename(data.with_name("data.kept"))
    (data.parent / "data.restored").mkdir()
    with pytest.raises(SettingsError, match="cut off"):  # no empty server is made in its place
        EmbeddedPostgres(settings).start()
    (data.parent / "data.restored").rmdir()
    aside.rename(data)
    with pytest.raises(UsageError, match="no backup"):
        restoring.restore(settings, _quietly, at=datetime(2020, 1, 1, tzinfo=UTC), aside=True)


def test_what_is_damaged_of_another_version_or_too_large_is_refused(
    story: Story,
) -> None:
    settings, backup = story.settings, story.backup
    base = backup.folder / "base.tar.gz"
    whole = base.read_bytes()
    path = backup.manifest_path
    text = path.read_text()

    def refused(match: str, kind: type[Exception] = InputError) -> None:
        with pytest.raises(kind, match=match):
            restoring.restore(settings, _quietly, name=backup.name, aside=True)

    try:
        base.write_bytes(whole[:-100])
        refused("bytes")
        base.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
        refused("checksum")
        told = run_ioc(settings, "backup", "verify", backup.name)
        assert (told.returncode, "checksum" in told.stderr) == (3, True)
        base.unlink()
        refused("can't be read")
        base.write_bytes(whole)
        for change, match in (
            ({"timescaledb": "2.99.0"}, "TimescaleDB"),
            ({"postgres": "16.4"}, "PostgreSQL 16"),
            ({"schema": "9999"}, "schema 9999"),
        ):
            other = msgspec.structs.replace(backup.manifest, **change)
            path.write_bytes(msgspec.json.encode(other))
            refused(match)
        huge = msgspec.structs.replace(backup.manifest, data_bytes=10**18)
        path.write_bytes(msgspec.json.encode(huge))
        refused("GB free", UnavailableError)
        path.write_text(text[: len(text) // 2])
        refused("no manifest", UsageError)
    finally:
        base.write_bytes(whole)
        path.write_text(text)
    assert run_ioc(settings, "backup", "verify").stdout == f"{backup.name}: whole\n"


def test_old_ones_go_and_a_part_is_none(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = story.settings
    folder = settings.backup_path
    system = story.backup.manifest.system
    part = folder / ".20200101T000000Z.part"
    part.mkdir()
    (folder / "20200101T000000Z").mkdir()  # renamed, and its manifest was never written
    with pytest.raises(UnavailableError, match="does not answer"):
        taking.take(settings, _quietly)
    with EmbeddedPostgres(settings):
        assert wal.gaps(settings, system)  # since the restore
        before = len(manifest.listed(folder)[0])
        for name, value in environment(settings).items():
            monkeypatch.setenv(name, value)
        supervised = Backups(settings, settled_s=0)

        def made() -> bool:
            supervised.tick(database_is_up=True)
            return len(manifest.listed(folder)[0]) > before

        wait_until(made, within_s=60, what="the supervisor's backup")
        supervised.stop()
        assert not wal.gaps(settings, system)
        last = taking.take(settings, _quietly)
        monkeypatch.setattr("deploy.stack.backups.files.free_bytes", lambda _path: 10**6)
        with pytest.raises(UnavailableError, match="GB free"):
            taking.take(settings, _quietly)
        scalar(settings, "SELECT 1")
        listed = run_ioc(settings, "backup", "list")
    found, wrong = manifest.listed(folder)
    assert (len(found), wrong) == (2, [])
    assert found[0].name == last.name
    assert not part.exists()
    assert not (folder / "20200101T000000Z").exists()
    oldest = min(one.manifest.wal_start for one in found)
    assert all(one.place >= oldest for one in wal.segments(settings, system))
    assert [line for line in listed.stdout.splitlines() if last.name in line]
    assert "Log: " in listed.stdout
    assert not [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]


def test_everything_lost_but_the_backups_comes_back_on_another_machine(story: Story) -> None:
    """Passwords, keys and the erasure ledger's key are of the backup; the state folder is new."""
    settings = story.settings
    with state_folder() as folder:
        new = stack_settings(folder / "state", backup_dir=settings.backup_path, backup_keep=2)
        told = run_ioc(new, "restore")
        assert told.returncode == 0, told.stderr
        assert ledger.read_key(new) == ledger.read_key(settings)
        with EmbeddedPostgres(new):
            assert _figures(new) == story.between
            assert _named(new) == 0
            # the log of before the restore can't be applied to what comes now
            told_of = [(one.ok, "gap" in one.message) for one in examine(new) if one.subject == "backups"]
            assert told_of == [(True, False), (False, True)]


def test_the_archive_gives_up_a_segment_rather_than_the_platform(story: Story) -> None:
    """Where its disk is full, the log says that it has a gap, and goes on."""
    settings = story.settings.model_copy(update={"spool_free_bytes": 10**15})
    system = story.backup.manifest.system
    with EmbeddedPostgres(settings) as server:
        with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_switch_wal()")
        wait_until(lambda: wal.gaps(settings, system), within_s=10, what="a gap")
