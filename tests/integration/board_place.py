# ruff: noqa: E501 - statements, kept whole
"""A database in which every board has something to show, and some things that no board may show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ioc.district import read_pack
from ioc.district.apply import apply_pack
from ioc.events import Channel, DossierRecord
from tests.integration.index766_data import Case, add_cases
from tests.integration.kpi_data import Connection

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
UNITS = ("25663", "go-dau.phuong", "go-dau.kv-bau-don")
#: What must reach no board: a dossier's code, a person, a number to call, a device's address, a machine's name.
SECRETS = ("H53.16-261101-", "Nguyen Thi Secret", "0900111222", "10.9.8.7", "machine-xyz", "hunter2")


def seed(connection: Connection, now: datetime | None = None) -> datetime:
    """Apply the shipped pack, and fill in some weeks of facts up to now; returns that moment."""
    now = now or datetime.now(UTC)
    apply_pack(connection, read_pack(SHIPPED))
    _dossiers(connection, now)
    _devices(connection, now)
    _tickets(connection, now)
    _alerts(connection, now)
    _duty(connection, now)
    _platform(connection, now)
    return now


def _dossiers(connection: Connection, now: datetime) -> None:
    procedures = [
        row[0] for row in connection.execute("SELECT code FROM ioc.procedure ORDER BY code LIMIT 4")
    ]
    cases = []
    for number in range(60):
        received = now - timedelta(hours=13 * number + 1)
        due = received + timedelta(days=5)
        told = DossierRecord(
            unit=UNITS[number % 3],
            channel=(Channel.ONLINE, Channel.COUNTER)[number % 2],
            field="ho-tich",
            procedure=procedures[number % len(procedures)],
            status=2,
            received_at=received,
            due_at=due,
            digitised=number % 3 == 0,
            payable_online=True,
            paid_online=number % 4 == 0,
            fee_vnd=20_000,
        )
        said = [(received, told)]
        done = received + timedelta(days=3 + number % 4)
        if done < now and number % 5:
            said.append((done, DossierRecord(unit=told.unit, status=9, completed_at=done)))
        cases.append(Case(f"H53.16-261101-{number:04d}", said))
    add_cases(connection, cases)


def _devices(connection: Connection, now: datetime) -> None:
    """A day of every camera and access point: up, an hour down for the first of each kind, and one that fell silent."""
    connection.execute("UPDATE ioc.device SET address = 'rtsp://admin:hunter2@10.9.8.7/' || code")
    connection.execute(
        "UPDATE ioc.point SET latitude = 11.08, longitude = 106.26 WHERE code <> 'point.huyen'"
    )
    places = {"now": now, "begin": now - timedelta(days=1), "fell": now - timedelta(hours=6)}
    connection.execute(
        """
        INSERT INTO ioc.device_run (device_id, kind, unit_id, state, started, ended, reason)
        SELECT d.device_id, d.kind, d.unit_id, r.state, %(begin)s + r.low, %(begin)s + r.high, 'tcp 10.9.8.7'
        FROM (SELECT d.*, row_number() OVER (PARTITION BY d.kind ORDER BY d.code) AS place FROM ioc.device d) AS d
        CROSS JOIN (VALUES (1, interval '0', interval '3 hours'), (3, interval '3 hours', interval '4 hours'))
            AS r (state, low, high)
        WHERE d.place = 1 AND d.kind IN (1, 2)
        """,
        places,
    )
    connection.execute(
        """
        INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until, clients)
        SELECT d.device_id, d.kind, d.unit_id, CASE d.place WHEN 2 THEN 3 WHEN 3 THEN 2 ELSE 1 END,
               CASE d.place WHEN 1 THEN %(begin)s + interval '4 hours' ELSE %(begin)s END, %(now)s,
               CASE d.place WHEN 4 THEN %(fell)s ELSE %(now)s + interval '1 hour' END,
               CASE d.kind WHEN 2 THEN 7 END
        FROM (SELECT d.*, row_number() OVER (PARTITION BY d.kind ORDER BY d.code) AS place FROM ioc.device d) AS d
        WHERE d.kind IN (1, 2)
        """,
        places,
    )
    connection.execute(
        """
        INSERT INTO ioc.device_minute (kind, unit_id, bucket, part, up_ms, degraded_ms, down_ms, client_ms,
                                       client_known_ms, client_max, samples)
        SELECT d.kind, d.unit_id, m.at, -1, 55000 * count(*), 3000 * count(*), 5000 * count(*),
               CASE d.kind WHEN 2 THEN 60000 * 7 * count(*) ELSE 0 END, CASE d.kind WHEN 2 THEN 60000 * count(*) ELSE 0 END,
               CASE d.kind WHEN 2 THEN 9 END, count(*)
        FROM ioc.device d
        CROSS JOIN generate_series(date_trunc('minute', %(begin)s::timestamptz), %(now)s, interval '1 minute') AS m (at)
        WHERE d.kind IN (1, 2) GROUP BY d.kind, d.unit_id, m.at
        """,
        places,
    )
    connection.execute(
        """
        INSERT INTO ioc.wifi_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clients, rtt_ms, loss, internet_ok)
        SELECT d.device_id, m.at, m.at, d.unit_id, 1, 900000, 7, 12.5, 0.01, true
        FROM ioc.device d CROSS JOIN generate_series(%(begin)s, %(now)s, interval '10 minutes') AS m (at) WHERE d.kind = 2
        """,
        places,
    )
    connection.execute(
        """
        INSERT INTO ioc.camera_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clock_offset_s)
        SELECT d.device_id, m.at, m.at, d.unit_id, 1, 900000, 1.5
        FROM ioc.device d CROSS JOIN generate_series(%(begin)s, %(now)s, interval '10 minutes') AS m (at) WHERE d.kind = 1
        """,
        places,
    )


def _tickets(connection: Connection, now: datetime) -> None:
    for unit in UNITS:
        connection.execute(
            """
            INSERT INTO ioc.ticket (kiosk, date, number, unit_id, service, issued_at, called_at, started_at, completed_at, no_show_at)
            SELECT 'k-' || u.code, (i.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, n::text, u.unit_id,
                   CASE n %% 2 WHEN 0 THEN 'ho-tich' ELSE 'dat-dai' END, i.at,
                   CASE WHEN n > 4 THEN i.at + interval '4 minutes' END,
                   CASE WHEN n > 4 AND n %% 7 <> 0 THEN i.at + interval '5 minutes' END,
                   CASE WHEN n > 4 AND n %% 7 <> 0 THEN i.at + interval '12 minutes' END,
                   CASE WHEN n > 4 AND n %% 7 = 0 THEN i.at + interval '6 minutes' END
            FROM ioc.unit u
            CROSS JOIN generate_series(1, 60) AS n
            CROSS JOIN LATERAL (SELECT %(now)s - n * interval '9 minutes' AS at) AS i
            WHERE u.code = %(unit)s
            """,
            {"now": now, "unit": unit},
        )


def _alerts(connection: Connection, now: datetime) -> None:
    """Alerts of devices, of a dossier, and of the platform; some acknowledged, by somebody with a name."""
    connection.execute(
        """
        INSERT INTO ioc.alert (rule_id, key, severity, unit_id, point, subject, since, opened_at, cleared_at, members, joined,
                               acknowledged_at, acknowledged_by, assigned_to, changed_at)
        SELECT r.rule_id, 'k-' || n, 1 + n %% 5, CASE WHEN n %% 4 = 0 THEN NULL ELSE u.unit_id END, 'point.bau-don',
               CASE n %% 3 WHEN 0 THEN 'H53.16-261101-0001' WHEN 1 THEN 'cam-bau-don-01' ELSE 'unit:x' END,
               %(now)s - n * interval '1 hour', %(now)s - n * interval '1 hour',
               CASE WHEN n > 8 THEN %(now)s - n * interval '30 minutes' END, 1, 1,
               CASE WHEN n %% 2 = 0 THEN %(now)s END, CASE WHEN n %% 2 = 0 THEN 'Nguyen Thi Secret' END,
               'Nguyen Thi Secret', %(now)s
        FROM (SELECT min(r.rule_id) AS rule_id FROM ioc.alert_rule r WHERE NOT r.retired) AS r
        CROSS JOIN generate_series(1, 20) AS n
        CROSS JOIN (SELECT unit_id FROM ioc.unit WHERE code = 'go-dau.kv-bau-don') AS u
        """,
        {"now": now},
    )
    connection.execute(
        "INSERT INTO ioc.alert_message (key, kind, severity, person, channel, state, created_at, not_before, ended_at)"
        " SELECT 'm-' || n, 'alert', 4, 'secret', 'sms', CASE WHEN n = 1 THEN 'failed' ELSE 'sent' END, %(at)s, %(at)s,"
        " %(at)s::timestamptz + n * interval '2 seconds' FROM generate_series(1, 5) AS n",
        {"at": now - timedelta(hours=1)},
    )


def _duty(connection: Connection, now: datetime) -> None:
    connection.execute(
        "INSERT INTO ioc.duty_person (code, name, contacts) VALUES ('secret', 'Nguyen Thi Secret', %s)",
        ('{"sms": "0900111222"}',),
    )
    connection.execute(
        "INSERT INTO ioc.duty_notice (key, kind, roster, at, told_at, person)"
        " VALUES ('a', 'hand_over', 'truc-ioc', %(at)s, %(at)s, 'secret'), ('b', 'gap', 'truc-ioc', %(at)s, %(at)s, NULL)",
        {"at": now - timedelta(hours=2)},
    )
    connection.execute(
        "INSERT INTO ioc.exceptional_day (day, worked) VALUES (%s, false) ON CONFLICT DO NOTHING",
        ((now - timedelta(days=1)).date(),),
    )


def _platform(connection: Connection, now: datetime) -> None:
    connection.execute(
        "INSERT INTO ioc.heartbeat (name, kind, host, at, interval_s)"
        " VALUES ('stream@machine-xyz', 'process', 'machine-xyz', %(now)s, 5),"
        " ('deliver@machine-xyz#2', 'process', 'machine-xyz', %(now)s - interval '1 hour', 5)",
        {"now": now},
    )
    connection.execute(
        "INSERT INTO ioc.reading (name, instance, at, valid_until, value, unit)"
        " VALUES ('disk.free_share', 'machine-xyz/var', %(now)s, %(now)s + interval '1 hour', 0.4, 'share'),"
        " ('duty.gap_hours', 'truc-ioc', %(now)s, %(now)s + interval '1 hour', 336, 'h'),"
        " ('alerts.round_trip', 'synthetic', %(now)s, %(now)s + interval '1 hour', 2.5, 's')",
        {"now": now},
    )
    connection.execute(
        "UPDATE ioc.reading SET detail = '{\"state\": \"back\"}' WHERE name = 'alerts.round_trip'"
    )
    connection.execute(
        "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact)"
        " SELECT 'c', t, t, 0, 10, 12, %(now)s - interval '5 seconds'"
        " FROM unnest(ARRAY['ioc.dossiers', 'ioc.queues', 'ioc.cameras', 'ioc.wifi']) AS t",
        {"now": now},
    )
    connection.execute(
        "INSERT INTO ioc.platform_sample (time, kpi, topic, value)"
        " SELECT m, k.kpi, k.topic, 3 FROM generate_series(%(begin)s, %(now)s, interval '15 minutes') AS m"
        " CROSS JOIN (VALUES ('platform.lag', 'ioc.wifi'), ('platform.freshness', 'ioc.wifi'),"
        " ('alerts.round_trip', 'synthetic')) AS k (kpi, topic)",
        {"begin": now - timedelta(days=1), "now": now},
    )
    connection.execute(
        'INSERT INTO ioc.unreadable (topic, topic_id, partition, "offset", reason, bytes, size, recorded_at)'
        " VALUES ('ioc.wifi', 'w', 0, 1, 'json', 'hunter2', 7, %s)",
        (now - timedelta(hours=1),),
    )
    connection.execute("INSERT INTO ioc.source (name) VALUES ('//machine-xyz/camera') ON CONFLICT DO NOTHING")
    connection.execute(
        "INSERT INTO ioc.connector (name, source_id, time, report_id, recorded_at, state, since, reason, sources, failing,"
        " failing_sources, spooled_events, spooled_bytes, interval_s)"
        " SELECT 'cameras', s.source_id, %(now)s, 'r', %(now)s, 'failing', %(now)s, 'no answer of 10.9.8.7', 5, 1,"
        " '[]', 0, 0, 60 FROM ioc.source s WHERE s.name = '//machine-xyz/camera'",
        {"now": now},
    )
