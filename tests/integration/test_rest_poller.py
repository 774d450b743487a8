"""``ioc connect rest`` and a pack's line of that kind: killed in the middle, nothing is missing afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import msgspec
import pytest

from ioc import topics
from ioc.events import ConnectorReported, ConnectorState, decode
from ioc.settings import Settings
from tests.integration.streaming import ROOT, environment
from tests.integration.test_connect_all import everything, write
from tests.integration.test_connect_all import own as own
from tests.integration.test_connect_all import pack as pack
from tests.integration.test_connectors_kafka import records
from tests.peers.rest_source import Call, RestPeer, item, rest_peer
from tests.peers.test_rest_source import CURSOR, MAPPING, PAGES, SOURCE


def source_file(folder: Path, url: str) -> Path:
    (folder / "mapping.toml").write_text(MAPPING, "utf-8")
    text = SOURCE.format(name="town", url=url, style="offset", page=PAGES["offset"], cursor=CURSOR, poll="")
    file = folder / "town.toml"
    file.write_text(text, "utf-8")
    return file


def fill(peer: RestPeer, count: int) -> None:
    begin = datetime(2025, 9, 1, 8, tzinfo=UTC)
    peer.items = [item(number, (begin + timedelta(minutes=number)).isoformat()) for number in range(count)]


def until(true: Callable[[], bool], within_s: float = 90.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def subjects(settings: Settings) -> dict[str, str]:
    """Id → subject of what is in Kafka."""
    found = [decode(record.value) for record in records(settings, topics.DOSSIERS)]
    return {event.id: event.subject for event in found}


@pytest.mark.servers
def test_a_poller_that_is_killed_goes_on_without_loss(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"state_dir": tmp_path / "state"})
    command = [sys.executable, "-m", "ioc.cli", "connect", "rest", "--source"]

    def start(file: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, str(file)], cwd=ROOT, env=environment(own), stderr=subprocess.DEVNULL
        )

    with rest_peer() as peer:
        fill(peer, 300)

        def slowly(_: BaseHTTPRequestHandler, call: Call) -> bool:
            peer.stopped.wait(0.03)
            return False

        peer.before = slowly
        file = source_file(tmp_path, peer.url)
        cursor = own.state_dir / "checkpoints" / "rest-town.json"
        for pages in (5, 20):
            seen = len(peer.calls)
            running = start(file)
            try:
                until(lambda seen=seen, pages=pages: len(peer.calls) >= seen + pages)
                assert not cursor.exists(), "the cursor moves only when the round is safe"
            finally:
                running.kill()
                running.wait()
        running = start(file)
        try:
            until(cursor.exists)
        finally:
            running.terminate()
            assert running.wait(60) == 0
    found = subjects(own)
    assert set(found.values()) == {f"H53-{number:04}" for number in range(300)}
    assert len(found) == 300, "what was read again has its old ids"
    told = [msgspec.json.decode(r.value, type=ConnectorReported) for r in records(own, topics.CONNECTORS)]
    assert {report.subject for report in told} == {"rest"}
    assert (told[-1].data.state, told[-1].data.sources) == (ConnectorState.STOPPED, 1)


@pytest.mark.servers
def test_a_line_of_the_pack_is_enough(own: Settings, pack: Path) -> None:
    with rest_peer() as peer:
        fill(peer, 12)
        file = source_file(pack, "http://127.0.0.1:9/elsewhere")
        write(pack, f"town,rest,{peer.url},,{file.name},,")
        cursor = own.state_dir / "checkpoints" / "rest-town.json"
        with everything(own):
            until(lambda: len(set(subjects(own).values())) == 12)
            until(cursor.exists)  # it is kept after what it stands for
        assert all(call.path == "/dossiers" for call in peer.calls)
    report = json.loads(cursor.read_text())
    assert report["source"] == "rest-town"
