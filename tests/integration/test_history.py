"""A long history in small: it is what the platform would have stored, and nothing misses what retention lets go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from deploy.bench.history.fill import Filled, fill
from deploy.bench.history.province import ROOT, Size, unit_code
from ioc.errors import SettingsError
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import SYSTEM_READER, Point, answer, ask
from ioc.kpi.question import Asked
from ioc.platform import retention
from ioc.settings import Settings, load
from streams.replay.replay import Subject, replay
from tests.integration.kpi_data import Connection
from tests.servers import Servers

_SMALL = Size(units=2, weeks=24, dossiers=3, device_weeks=4, minute_weeks=4, devices=2)


@pytest.fixture(scope="module")
def made(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Filled]]:
    """Name of a filled database to copy, and what it holds."""
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    filled = fill(settings, tmp_path_factory.mktemp("pack"), _SMALL, lambda _: None)
    yield url.rsplit("/", 1)[1], filled
    servers.drop_database(url)


@pytest.fixture
def stored(servers: Servers, made: tuple[str, Filled]) -> Iterator[tuple[Settings, Connection]]:
    """A copy of it."""
    url = servers.postgres.ensure_database(f"test_{uuid4().hex[:12]}", template=made[0])
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    with psycopg.connect(url, autocommit=True) as connection:
        yield settings, connection
    servers.drop_database(url)


def test_a_replay_of_the_made_history_finds_no_difference(
    stored: tuple[Settings, Connection], made: tuple[str, Filled]
) -> None:
    settings, connection = stored
    filled = made[1]
    assert 600 < filled.dossier_facts < 900
    # two half-hours of silence a device and week
    assert 0.9 < filled.samples / _SMALL.samples < 1.1

    subjects = [Subject.DOSSIERS, Subject.CAMERAS, Subject.WIFI]
    found = asyncio.run(replay(settings, subjects, since=None, repair=False, progress=lambda _: None))
    assert {finding.subject: finding.different for finding in found if finding.different} == {}
    checked = {finding.subject: finding.checked for finding in found}
    assert checked["ledger entries"] == filled.dossiers
    assert checked["dossier sums"] > 500
    assert checked["minutes of ioc.cameras"] > 8 * 1440

    # a week that was copied gives what the week that was summed gives
    monday = datetime.now(UTC) - timedelta(days=6)
    for kpi in ("camera.availability", "wifi.rtt_p50", "wifi.clients", "wifi.traffic"):
        weeks = [
            [
                (point.value, point.numerator, point.denominator)
                for point in answer(
                    connection,
                    ask(
                        SYSTEM_READER,
                        kpi,
                        Asked(
                            unit=ROOT,
                            start=f"{monday - timedelta(days=7 * back):%Y-%m-%d}",
                            end=f"{monday - timedelta(days=7 * back - 3):%Y-%m-%d}",
                            bucket="1d",
                        ),
                    ),
                ).points
            ]
            for back in (0, 1, 2)
        ]
        assert weeks[0][0][1], kpi
        assert weeks[0] == weeks[1] == weeks[2], kpi


def test_a_wall_in_one_pass_says_what_each_question_alone_says(stored: tuple[Settings, Connection]) -> None:
    _, connection = stored
    asked = "SELECT kpi, unit, since, value, numerator, denominator FROM ioc.kpi_current('system', %s, %s)"
    units = [unit_code(2), ROOT, unit_code(1), ROOT]
    kpis = [kpi for kpi in CATALOGUE if not kpi.startswith("platform.")]
    with connection.transaction():  # one moment for all of them
        wall = connection.execute(asked, (kpis, units)).fetchall()
        alone = [
            figure
            for unit in units
            for kpi in kpis
            for figure in connection.execute(asked, ([kpi], [unit])).fetchall()
        ]
    assert wall == alone
    told = {figure[0] for figure in wall if figure[3]}
    assert {"dossier.open", "camera.availability", "wifi.clients", "wifi.rtt_p50"} <= told
    # nobody draws a ticket at night
    assert None not in {figure[3] for figure in wall if figure[0] == "queue.issued"}


def days(connection: Connection, kpi: str, unit: str = ROOT, bucket: str = "1d", **more: str) -> list[Point]:
    start = datetime.now(UTC) - timedelta(days=20)
    asked = Asked(
        unit=unit,
        start=f"{start:%Y-%m-%d}",
        end=f"{start + timedelta(days=19):%Y-%m-%d}",
        bucket=bucket,
        **more,
    )
    return list(answer(connection, ask(SYSTEM_READER, kpi, asked)).points)


def _rows(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM ioc.{table}".encode()).fetchone()  # noqa: S608 - named here
    assert row is not None
    return int(row[0])


def test_what_is_rolled_up_answers_on_when_its_facts_are_gone(stored: tuple[Settings, Connection]) -> None:
    settings, connection = stored
    asked = (
        "camera.availability",
        "wifi.clients",
        "wifi.rtt_p50",
        "wifi.loss",
        "camera.clock_offset",
        "wifi.traffic",
    )
    before = {kpi: days(connection, kpi) for kpi in asked}
    quarters = days(connection, "camera.availability", bucket="1h")
    single = days(connection, "wifi.traffic", by="device")
    minutes, samples = _rows(connection, "device_minute"), _rows(connection, "wifi_sample")

    short = settings.model_copy(
        update={"keep_samples_days": 2, "keep_minutes_days": 2, "keep_quarters_days": 2}
    )
    found = {dropped.kind for dropped in retention.drop_old(connection, short)}
    assert {"camera_sample", "wifi_sample", "device_minute"} <= found
    assert 0 < _rows(connection, "wifi_sample") < samples
    assert 0 < _rows(connection, "device_minute") < minutes

    assert {kpi: days(connection, kpi) for kpi in asked} == before
    assert days(connection, "camera.availability", bucket="1h") == quarters
    assert days(connection, "wifi.traffic", by="device") == single
    with pytest.raises(BadQuestionError, match="kept since") as told:
        days(connection, "camera.availability", bucket="1min", unit=unit_code(1))
    assert "15min" in (told.value.remedy or "")
    left = _rows(connection, "wifi_sample")
    retention.drop_old(connection, short)
    assert _rows(connection, "wifi_sample") == left


def test_what_is_not_rolled_up_yet_does_not_go(stored: tuple[Settings, Connection]) -> None:
    settings, connection = stored
    samples = _rows(connection, "wifi_sample")
    oldest = connection.execute("SELECT date_trunc('hour', min(time)) FROM ioc.wifi_sample").fetchone()
    assert oldest is not None
    connection.execute(
        "INSERT INTO ioc.sample_dirty (kind, hour, unit_id) SELECT 2, %s, unit_id FROM ioc.unit WHERE code = %s",
        (oldest[0], unit_code(1)),
    )
    short = settings.model_copy(update={"keep_samples_days": 1})
    cameras = _rows(connection, "camera_sample")
    retention.drop_old(connection, short)
    assert _rows(connection, "wifi_sample") == samples
    assert _rows(connection, "camera_sample") < cameras


def test_a_platform_that_never_heard_of_a_device_lets_nothing_go(servers: Servers) -> None:
    url = servers.new_database()
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            assert retention.drop_old(connection, servers.settings) == []
    finally:
        servers.drop_database(url)


def test_tickets_and_unreadable_records_go_and_stay_counted(stored: tuple[Settings, Connection]) -> None:
    settings, connection = stored
    now = datetime.now(UTC)
    connection.execute(
        'INSERT INTO ioc.unreadable (topic, topic_id, partition, "offset", reason, size, recorded_at, mirrored_at)'
        " SELECT 'ioc.wifi', 't', 0, n, 'invalid', 10, now() - n * interval '1 day' - interval '1 hour',"
        " CASE WHEN n <> 15 THEN now() END"
        " FROM generate_series(1, 19) AS n"
    )
    bad = [point.numerator for point in days(connection, "platform.dead_letters")]
    tickets = _rows(connection, "ticket")

    retention.drop_old(
        connection, settings.model_copy(update={"keep_unreadable_days": 10, "keep_tickets_days": 30}), now=now
    )
    assert [point.numerator for point in days(connection, "platform.dead_letters")] == bad
    left = connection.execute('SELECT array_agg("offset" ORDER BY "offset") FROM ioc.unreadable').fetchone()
    assert left == ([*range(1, 10), 15],), "one that was not mirrored yet stays"
    assert 0 < _rows(connection, "ticket") < tickets
    assert days(connection, "queue.issued")[0].value
    long_ago = f"{now - timedelta(days=60):%Y-%m-%d}"
    with pytest.raises(BadQuestionError, match="kept since"):
        answer(connection, ask(SYSTEM_READER, "queue.issued", Asked(unit=ROOT, start=long_ago, bucket="1d")))


def test_settings_by_which_sums_would_go_before_their_facts_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("IOC_KEEP_MINUTES_DAYS", "20"),
        ("IOC_KEEP_SAMPLES_DAYS", "0"),
        ("IOC_KEEP_HOURS_DAYS", "399"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            load.cache_clear()
            with pytest.raises(SettingsError, match="must last as long"):
                load()
    load.cache_clear()
