"""From an alert back to the record, the request and the spans; from an event on to its alert."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from ioc import topics
from ioc.events import CameraProbed, CameraSample, Status, encode
from ioc.settings import Settings
from tests.integration.alerting import a_rule, bring_in
from tests.integration.collector import Collector, collecting
from tests.integration.ingesting import bearer, ingest, make_key
from tests.integration.streaming import (
    IocProcess,
    run_ioc,
    scalar,
    started,
    wait_counted,
    wait_until,
    worker,
)
from tests.servers import Servers

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{CALLER}-00f067aa0ba902b7-01"
SECRET_WORD = "tay-ninh-private"


@dataclass
class Way:
    """A camera's failure that went all the way while a collector listened."""

    settings: Settings
    collector: Collector
    alert: int
    event: str
    request: str
    unasked: str


def probed(device: str, verdict: Status, number: int) -> bytes:
    return encode(
        CameraProbed(
            specversion="1.0",
            id=f"{device}-{number}",
            source="//test/trace",
            subject=device,
            time=datetime.now(UTC),
            data=CameraSample(unit="go-dau", verdict=verdict, reason=SECRET_WORD),
        )
    )


def post(settings: Settings, key: str, body: bytes, **headers: str) -> httpx.Response:
    # over the API, which passes it on to ingest
    answer = httpx.post(
        f"{settings.api_url}/ingest/v1/events",
        content=body,
        headers={"Content-Type": "application/cloudevents+json", **bearer(key), **headers},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture(scope="module")
def way(servers: Servers) -> Iterator[Way]:
    with collecting() as collector:
        database = servers.new_database()
        settings = servers.new_settings(
            database=database, key_refresh_s=0.3, otlp_url=collector.url, log_format="json"
        )
        key = make_key(settings, "cameras")
        with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
            bring_in(connection, [a_rule("camera.down")])
        serve = IocProcess(settings, "serve", "serve", stop_s=60)
        evaluate = IocProcess(settings, "evaluate", "evaluate", stop_s=60)
        with ingest(settings) as taking, started(serve), started(evaluate), worker(settings) as work:
            live = f"{settings.api_url}/health/live"
            wait_until(lambda: answers(live), within_s=60, what="serve answers")
            first = post(settings, key, probed("cam-trace", Status.OK, 1))
            wait_counted(settings, [topics.CAMERAS])
            second = post(settings, key, probed("cam-trace", Status.DOWN, 2), traceparent=TRACEPARENT)
            wait_counted(settings, [topics.CAMERAS])
            alert = wait_until(
                lambda: scalar(settings, "SELECT max(alert_id) FROM ioc.alert"), within_s=30, what="an alert"
            )
            for process in (taking, serve, evaluate, work):
                process.stop()
            logs = "".join(one.log.read_text() for one in (taking, serve, evaluate, work))
        assert SECRET_WORD not in logs
        yield Way(
            settings,
            collector,
            alert,
            "cam-trace-2",
            second.headers["x-request-id"],
            first.headers["x-request-id"],
        )


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_an_alert_leads_back_to_its_record_and_the_request_that_brought_it(way: Way) -> None:
    told = json.loads(run_ioc(way.settings, "trace", str(way.alert), "--format", "json").stdout)
    assert (told["id"], told["rule"], told["subject"]) == (way.alert, "camera.down", "device:cam-trace")
    places = {(one["id"], one["trace"]) for one in told["records"]}
    assert (way.event, CALLER) in places
    opened = next(entry for entry in told["trail"] if entry["origin"])
    origin = opened["origin"]
    assert origin["topic"] == way.settings.topic_prefix + topics.CAMERAS
    record = next(one for one in told["records"] if one["id"] == way.event)
    assert origin["start"] <= record["offset"] < origin["end"]
    shown = run_ioc(way.settings, "trace", str(way.alert)).stdout
    assert f"trace {CALLER}" in shown
    assert SECRET_WORD not in shown


def test_an_event_leads_on_to_its_alert(way: Way) -> None:
    told = json.loads(run_ioc(way.settings, "trace", way.event, "--format", "json").stdout)
    (record,) = told["records"]
    assert record["stored"] is True
    assert way.alert in record["alerts"]
    shown = run_ioc(way.settings, "trace", way.event, "--topic", "ioc.cameras").stdout
    assert "its transaction is committed" in shown
    missing = run_ioc(way.settings, "trace", "no-such-event")
    assert missing.returncode == 3
    assert "--hours" in missing.stderr
    assert run_ioc(way.settings, "trace", str(10**15)).returncode == 3


def test_a_request_keeps_the_callers_id_and_has_one_else(way: Way) -> None:
    assert way.request == CALLER
    assert len(way.unasked) == 32
    assert way.unasked != CALLER


def test_spans_join_api_ingest_and_worker(way: Way) -> None:
    collector = way.collector
    route = "POST /ingest/v1/events"
    passing = [one for one in collector.of("ioc-serve", route) if one.trace == CALLER]
    taking = [one for one in collector.of("ioc-ingest", route) if one.trace == CALLER]
    assert len(passing) == len(taking) == 1
    assert taking[0].parent, "ingest's span is a part of the API's"
    commits = [one for one in collector.of("ioc-stream", "stream.commit") if CALLER in one.linked]
    (commit,) = commits
    assert commit.attributes["topic"].endswith(topics.CAMERAS)
    told = json.loads(run_ioc(way.settings, "trace", str(way.alert), "--format", "json").stdout)
    assert commit.trace in {entry["origin"]["trace"] for entry in told["trail"] if entry["origin"]}
    assert collector.of("ioc-evaluate", "evaluate.round")
    # nothing of a fact, no address, no words of an error
    assert not any(SECRET_WORD.encode() in body or b"cam-trace" in body for body in collector.raw)
    assert not any(one.events for one in collector.spans)


def test_without_a_collector_nothing_that_makes_or_sends_spans_is_imported() -> None:
    script = (
        "import sys\n"
        "from ioc import tracing\n"
        "from ioc.settings import Settings\n"
        "import ioc.api.app, streams.worker, connectors.ingest.app, ioc.delivery.process, ioc.platform.evaluator\n"
        "tracing.configure(Settings(), 'stream')\n"
        "with tracing.span('x') as made: made.note(a=1)\n"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) for name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
