"""Figures of several processes in one text, and a process's own port."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client.parser import text_string_to_metric_families

from ioc.metrics import Meters, gather, platform, port, processes
from ioc.metrics.meters import MOST_SAMPLES
from ioc.metrics.port import Port
from ioc.settings import Settings


def read(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a text as Prometheus would read it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_processes_are_told_apart_and_the_platform_has_no_process() -> None:
    here, there = Meters(), Meters()
    here.counter(processes.HTTP_REQUESTS).labels("/x", "GET", "200").inc(2)
    here.watch(platform.DATABASE_UP, lambda: [((), 1.0)])
    there.counter(processes.HTTP_REQUESTS).labels("/x", "GET", "200").inc(5)
    there.histogram(processes.STREAM_SECONDS).labels("ioc.wifi", "commit").observe(0.3)
    text = gather.together(here, "serve@a", [("serve@b", json.loads(json.dumps(there.samples())))])
    found = read(text)
    labels = {"route": "/x", "method": "GET", "status": "200"}
    assert found["ioc_http_requests_total", frozenset({**labels, "process": "serve@a"}.items())] == 2
    assert found["ioc_http_requests_total", frozenset({**labels, "process": "serve@b"}.items())] == 5
    assert found["ioc_database_up", frozenset()] == 1
    count = {"topic": "ioc.wifi", "phase": "commit", "process": "serve@b"}
    assert found["ioc_stream_batch_seconds_count", frozenset(count.items())] == 1
    assert found["ioc_stream_batch_seconds_bucket", frozenset({**count, "le": "0.5"}.items())] == 1
    assert found["ioc_stream_batch_seconds_bucket", frozenset({**count, "le": "0.25"}.items())] == 0
    assert text.count(b"# HELP ioc_http_requests_total ") == 1


def test_a_figure_of_another_version_is_left_out() -> None:
    text = gather.together(
        Meters(), "serve", [("old@a", [("ioc_gone_total", {}, 1.0), ("x", {"y": "z"}, 2.0)])]
    )
    assert read(text) == {}


def test_what_a_process_tells_is_bounded() -> None:
    meters = Meters()
    counter = meters.counter(processes.INGEST_REFUSED)
    for number in range(MOST_SAMPLES + 10):
        counter.labels(f"kind-{number}").inc()
    assert len(meters.samples()) == MOST_SAMPLES


@contextmanager
def opened(meters: Meters, health: port.Level) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    shown = Port(Settings(metrics_port=free), meters, health)
    assert shown.address is not None
    try:
        yield f"http://127.0.0.1:{free}"
    finally:
        shown.close()


def get(address: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - http, ours
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_process_shows_its_figures_and_tells_degraded_from_down() -> None:
    meters = Meters()
    meters.counter(processes.INGEST_REFUSED).labels("quota").inc()
    down: list[str] = []
    degraded: list[str] = []
    with opened(meters, lambda: (down, degraded)) as address:
        status, text = get(f"{address}/metrics")
        assert (status, read(text)) == (
            200,
            {("ioc_ingest_refused_total", frozenset({("kind", "quota")})): 1.0},
        )
        assert json.loads(get(f"{address}/health/ready")[1])["status"] == "ok"
        degraded.append("Kafka is away")
        status, body = get(f"{address}/health/ready")
        assert (status, json.loads(body)["status"], json.loads(body)["degraded"]) == (
            200,
            "degraded",
            degraded,
        )
        down.append("a loop hangs")
        status, body = get(f"{address}/health/ready")
        assert (status, json.loads(body)["status"], json.loads(body)["reasons"]) == (503, "down", down)
        assert get(f"{address}/health/live")[0] == 200
        assert get(f"{address}/../../etc/passwd")[0] == 404


def test_a_port_that_is_taken_costs_a_line_and_nothing_else() -> None:
    with opened(Meters(), lambda: ((), ())) as address, structlog.testing.capture_logs() as lines:
        again = Port(Settings(metrics_port=int(address.rpartition(":")[2])), Meters(), lambda: ((), ()))
        assert again.address is None
        again.close()
    assert [line["event"] for line in lines] == ["metrics.no_port"]
