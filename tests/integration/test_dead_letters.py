"""``ioc dead-letters``: what could not be read is counted, looked at with a trace, and sent once more when mended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg

from ioc import topics
from ioc.settings import Settings
from tests.integration.samples import wifi
from tests.integration.streaming import fetch, producer, run_ioc, scalar, wait_counted, worker

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)


def execute(settings: Settings, statement: str, *parameters: object) -> None:
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        connection.execute(statement.encode(), parameters)


def _bad(number: int) -> bytes:
    event = json.loads(wifi("ap-1", BEGIN + timedelta(seconds=number)))
    event["data"]["clients"] = -1
    return json.dumps(event).encode()


def test_what_could_not_be_read_is_looked_at_and_sent_once_more(settings: Settings) -> None:
    topic = settings.topic_prefix + topics.WIFI
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for number in range(3):
                send(topics.WIFI, "ap-1", _bad(number), 0)
            send(topics.WIFI, "ap-1", b'{"phone": "0900 000 000", \xff\x00', 1)
            send(topics.WIFI, "ap-1", wifi("ap-1", BEGIN + timedelta(minutes=1)), 0)
        wait_counted(settings, [topics.WIFI])
        counted = json.loads(run_ioc(settings, "dead-letters", "list", "--format", "json").stdout)["groups"]
        assert {(one["topic"], one["reason"], one["records"]) for one in counted} == {
            (topic, "invalid", 3),
            (topic, "not-json", 1),
        }
        assert "0900" not in run_ioc(settings, "dead-letters", "list", "--each").stdout
        number = next(one["newest_number"] for one in counted if one["reason"] == "not-json")
        shown = run_ioc(settings, "dead-letters", "show", str(number)).stdout
        assert '{"phone": "0900 000 000", \\xff\\x00' in shown
        assert fetch(settings, "SELECT what, filters->>'record', outcome FROM ioc.access_log") == [
            ("unreadable", str(number), "given")
        ]

        # nothing was mended: they come back, as other records
        again = run_ioc(settings, "dead-letters", "retry", "--reason", "invalid")
        assert (again.returncode, again.stdout) == (0, "3 records sent once more.\n"), again.stderr
        wait_counted(settings, [topics.WIFI])
        assert scalar(settings, "SELECT count(*) FROM ioc.unreadable WHERE reason = 'invalid'") == 3
        assert scalar(settings, "SELECT sum(records)::int FROM ioc.unreadable_count") == 3

        # what was good after all becomes a fact, and a fact that is known already is not counted again
        for minute in (1, 2):
            execute(
                settings,
                "UPDATE ioc.unreadable SET bytes = %s, size = length(%s) WHERE unreadable_id ="
                " (SELECT min(unreadable_id) + %s FROM ioc.unreadable WHERE reason = 'invalid')",
                *[wifi("ap-1", BEGIN + timedelta(minutes=minute))] * 2,
                minute,
            )
        run_ioc(settings, "dead-letters", "retry", "--topic", topic)
        wait_counted(settings, [topics.WIFI])
        assert scalar(settings, "SELECT count(*) FROM ioc.wifi_sample") == 2
    told = fetch(settings, "SELECT what, detail->>'sent' FROM ioc.access_change ORDER BY change_id")
    assert told == [("records.retried", "3"), ("records.retried", "4")]


def test_what_can_t_be_sent_again_is_said(settings: Settings) -> None:
    execute(
        settings,
        'INSERT INTO ioc.unreadable (topic, topic_id, partition, "offset", reason, bytes, size, source) VALUES'
        " ('t', 'x', 0, 1, 'too-large', 'abc', 70000, '?'), ('t', 'x', 0, 2, 'empty', NULL, 0, '?'),"
        " ('t', 'x', 0, 3, 'source-halted', 'abc', 3, '?')",
    )
    cut = run_ioc(settings, "dead-letters", "retry", "--all")
    assert cut.stdout == "0 records sent once more; 2 stay, since they are cut short or empty.\n"
    assert scalar(settings, "SELECT count(*) FROM ioc.unreadable") == 3
    for wrong, words in (
        (["retry"], "Which records?"),
        (["retry", "999999"], "no record 999999"),
        (["retry", "--topic", "ioc.nothing"], "no such records"),
        (["show", "999999"], "no record 999999"),
        (["retry", "--reason", "source-halted"], "no such records"),
    ):
        refused = run_ioc(settings, "dead-letters", *wrong)
        assert refused.returncode == 2, wrong
        assert words in refused.stderr
