"""The REST poller against a real HTTP server: pages, cursors, refusals, and answers that are none."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import structlog

from connectors.onestop import polling
from connectors.onestop.fetching import SourceError
from connectors.onestop.polling import RestPoller, Round
from connectors.onestop.restsource import load
from connectors.shared.budget import CallBudget
from ioc.errors import InputError, UnavailableError
from ioc.events import encode
from tests.peers.rest_source import Call, RestPeer, item, rest_peer, send
from tests.unit.connectors.onestop import Kept

pytestmark = pytest.mark.peers

MAPPING = """
name = "rest"
source = "urn:test:rest"
[dossier]
code = "code"
unit = "unit.code"
status = "status"
received_at = "received"
changed_at = "changed"
"""
UNDATED = MAPPING.replace('changed_at = "changed"\n', "")
SOURCE = """
name = "{name}"
mapping = "mapping.toml"
[request]
url = "{url}"
[page]
style = "{style}"
items = "data.items"
{page}
size_param = "limit"
size = 10
{cursor}
[poll]
interval_s = 1
timeout_s = 2
calls = 1000
per_s = 1
{poll}
"""
CURSOR = '[cursor]\nparam = "since"\nfield = "changed"\noverlap_s = 60\n'
PAGES = {"none": "", "offset": 'param = "offset"', "page": 'param = "page"', "next": 'next = "next"'}


@pytest.fixture
def peer() -> Iterator[RestPeer]:
    with rest_peer() as found:
        yield found


def poller(
    folder: Path,
    peer: RestPeer,
    sink: Kept,
    *,
    style: str = "offset",
    mapping: str = MAPPING,
    cursor: str = "",
    poll: str = "",
    url: str = "",
    name: str = "rest",
    extra: str = "",
) -> RestPoller:
    (folder / "mapping.toml").write_text(mapping, "utf-8")
    text = SOURCE.format(
        name=name, url=url or peer.url, style=style, page=PAGES[style], cursor=cursor, poll=poll
    )
    (folder / f"{name}.toml").write_text(text + extra, "utf-8")
    return RestPoller(load(folder / f"{name}.toml", folder), sink, folder / "state")


def once(made: RestPoller) -> Round:
    async def go() -> Round:
        try:
            await made.open()
            return await made.once()
        finally:
            await made.close()

    return asyncio.run(go())


def minute(number: int) -> str:
    return (datetime(2025, 9, 1, 8, tzinfo=UTC) + timedelta(minutes=number)).isoformat()


def fill(peer: RestPeer, count: int) -> None:
    peer.items = [item(number, minute(number)) for number in range(count)]


@pytest.mark.parametrize(("style", "pages"), [("offset", 4), ("page", 4), ("next", 3)])
def test_every_page_of_a_list_is_read(tmp_path: Path, peer: RestPeer, style: str, pages: int) -> None:
    fill(peer, 25)
    kept = Kept()
    found = once(poller(tmp_path, peer, kept, style=style))
    assert (found.pages, found.items, found.published) == (pages, 25, 25)
    assert {event.subject for event in kept.events} == {f"H53-{n:04}" for n in range(25)}
    sent = b"".join(map(encode, kept.events)).decode()
    assert "Nguyễn" not in sent
    assert "0900" not in sent


def test_the_cursor_moves_on_and_reaches_back_for_late_rows(tmp_path: Path, peer: RestPeer) -> None:
    fill(peer, 3)
    kept = Kept()
    once(poller(tmp_path, peer, kept, cursor=CURSOR))
    assert "since" not in peer.calls[0].params
    # one row comes late, within the overlap; one is new
    peer.items.insert(2, item(90, (datetime.fromisoformat(minute(2)) - timedelta(seconds=30)).isoformat()))
    peer.items.append(item(91, minute(9)))
    again = Kept()
    found = once(poller(tmp_path, peer, again, cursor=CURSOR))
    assert datetime.fromisoformat(peer.calls[-2].params["since"]) == datetime.fromisoformat(minute(1))
    assert found.items == 4
    assert {event.subject for event in again.events} >= {"H53-0090", "H53-0091"}
    assert {event.id for event in again.events if event.subject in ("H53-0001", "H53-0002")} <= kept.ids


def test_what_was_sent_is_not_sent_again_each_round(tmp_path: Path, peer: RestPeer) -> None:
    fill(peer, 5)
    kept = Kept()
    made = poller(tmp_path, peer, kept, cursor=CURSOR.replace("60", "86400"))

    async def go() -> list[Round]:
        await made.open()
        try:
            return [await made.once(), await made.once()]
        finally:
            await made.close()

    first, second = asyncio.run(go())
    assert (first.published, second.published, second.repeated) == (5, 0, 5)


def test_views_without_a_change_time_are_sent_when_they_change(tmp_path: Path, peer: RestPeer) -> None:
    fill(peer, 3)
    sent = []
    for status in (4, 4, 9, 4):
        peer.items[0]["status"] = status
        kept = Kept()
        once(poller(tmp_path, peer, kept, mapping=UNDATED))
        sent.append([event.sequence for event in kept.records if event.subject == "H53-0000"])
    assert sent == [["000000000001"], [], ["000000000002"], ["000000000003"]]


def test_a_clock_ahead_by_a_year_does_not_move_the_cursor(tmp_path: Path, peer: RestPeer) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    peer.items = [item(1, minute(1)), item(2, ahead)]
    kept = Kept()
    found = once(poller(tmp_path, peer, kept, cursor=CURSOR))
    assert found.undated == 1
    assert found.rejected == {("changed", "it lies in the future"): 1}
    once(poller(tmp_path, peer, Kept(), cursor=CURSOR))
    assert datetime.fromisoformat(peer.calls[-1].params["since"]) == datetime.fromisoformat(minute(0))


def test_a_page_that_can_not_be_delivered_comes_again(tmp_path: Path, peer: RestPeer) -> None:
    fill(peer, 25)
    lost = Kept(away_after=12)
    with pytest.raises(UnavailableError):
        once(poller(tmp_path, peer, lost, cursor=CURSOR))
    kept = Kept()
    once(poller(tmp_path, peer, kept, cursor=CURSOR))
    assert "since" not in peer.calls[-4].params, "the cursor stayed"
    assert len(kept.events) == 25


def test_a_sorted_source_goes_on_where_a_round_was_cut_off(tmp_path: Path, peer: RestPeer) -> None:
    fill(peer, 35)
    in_order = CURSOR.replace("60", "0") + "sorted = true\n"
    kept = Kept()
    found = once(poller(tmp_path, peer, kept, cursor=in_order, poll="most_pages = 2"))
    assert (found.complete, len(kept.events)) == (False, 20)
    rest = Kept()
    once(poller(tmp_path, peer, rest, cursor=in_order, poll="most_pages = 5"))
    assert {event.subject for event in rest.events} == {f"H53-{n:04}" for n in range(19, 35)}
    with pytest.raises(SourceError, match="more than 2 pages"):
        once(poller(tmp_path / "..", peer, Kept(), name="unsorted", poll="most_pages = 2"))


@pytest.mark.parametrize("how", ["seconds", "date"])
def test_retry_after_is_honoured_to_the_second(tmp_path: Path, peer: RestPeer, how: str) -> None:
    fill(peer, 5)
    moments: list[float] = []

    def refuse_first(handler: BaseHTTPRequestHandler, _: Call) -> bool:
        moments.append(time.monotonic())
        if len(moments) > 1:
            return False
        wait = (
            "2"
            if how == "seconds"
            else format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
        )
        return send(handler, 429, Retry_After=wait)

    peer.before = refuse_first
    kept = Kept()
    found = once(poller(tmp_path, peer, kept, style="none"))
    assert found.published == 5
    assert moments[1] - moments[0] >= 1.9


def test_a_host_that_refuses_is_asked_five_times_and_then_left_alone(tmp_path: Path, peer: RestPeer) -> None:
    peer.before = lambda handler, _: send(handler, 503, Retry_After="0")
    with pytest.raises(SourceError, match="refused 5 times"):
        once(poller(tmp_path, peer, Kept()))
    assert len(peer.calls) == 5


def test_a_failing_host_is_asked_less_and_less(tmp_path: Path, peer: RestPeer) -> None:
    """Within one budget: each failure in a row closes it for longer."""
    peer.before = lambda handler, _: send(handler, 500)
    source = poller(tmp_path, peer, Kept()).source
    now = [1000.0]
    budget = CallBudget(1000, 1, clock=lambda: now[0])
    made = RestPoller(source, Kept(), tmp_path / "state", budget=budget)

    async def go() -> list[float]:
        await made.open()
        closed = []
        try:
            for _ in range(8):
                with pytest.raises(SourceError, match="answered 500"):
                    await made.once()
                closed.append(budget.closed_for_s)
                now[0] += budget.closed_for_s + 1
        finally:
            await made.close()
        return closed

    closed = asyncio.run(go())
    assert all(rest > 0 for rest in closed)
    assert max(closed[4:]) > 3.2


def hang(handler: BaseHTTPRequestHandler, peer: RestPeer) -> bool:
    peer.stopped.wait(30)
    handler.close_connection = True
    return True


def drip(handler: BaseHTTPRequestHandler, peer: RestPeer) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not peer.stopped.wait(0.1):
        handler.wfile.write(b"[")
        handler.wfile.flush()
    return True


def raw(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
    handler.wfile.write(content)
    handler.wfile.flush()
    handler.close_connection = True
    return True


def huge(handler: BaseHTTPRequestHandler) -> bool:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    for _ in range(16 * 64):
        handler.wfile.write(piece)
    return True


BOMB = gzip.compress(b"[" + b" " * (256 * 1024 * 1024), 6)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda h: send(h, 500), "answered 500"),
        (lambda h: send(h, 404), "answered 404"),
        (lambda h: send(h, 204), "answered 204"),
        (lambda h: send(h, 401), "refused the login"),
        (lambda h: send(h, 200, b"<html>maintenance</html>"), "not JSON"),
        (lambda h: send(h, 200, b'{"data": {"items": [1, 2'), "not JSON"),
        (lambda h: send(h, 200, b"\xff\xfe[\0]\0"), "not JSON"),
        (lambda h: send(h, 200, b"[" * 200_000), "not JSON"),
        (lambda h: send(h, 200, b""), "not JSON"),
        (lambda h: send(h, 200, b"[" + b"[]," * 700_000 + b"[]]"), "more than 500000 objects and lists"),
        (lambda h: send(h, 200, b'{"data": {"items": {}}}'), "no list where page.items"),
        (lambda h: send(h, 200, b'{"items": []}'), "no list where page.items"),
        (lambda h: send(h, 200, b"{}", Content_Encoding="gzip"), "damaged gzip"),
        (lambda h: send(h, 200, gzip.compress(b"{}" * 999)[:20], Content_Encoding="gzip"), "cut off"),
        (lambda h: send(h, 200, BOMB, Content_Encoding="gzip"), "longer than 8388608 bytes"),
        (lambda h: send(h, 200, b"{}", Content_Encoding="br"), "not asked for"),
        (lambda h: send(h, 302, Location="http://127.0.0.2:1/"), "another host"),
        (lambda h: send(h, 302, Location="//elsewhere.example/"), "another host"),
        (lambda h: send(h, 302, Location="http://["), "another host|an address that is none"),
        (lambda h: send(h, 307, Location="/dossiers"), "from address to address"),
        (lambda h: raw(h, b"SSH-2.0-nothing\r\n"), "can't be reached"),
        (lambda h: raw(h, b""), "can't be reached"),
        (lambda h: raw(h, b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"), "can't be reached"),
        (lambda h: raw(h, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000), "can't be reached"),
        (lambda h: huge(h), "longer than 8388608 bytes"),
        (hang, "no answer within 2 s"),
        (drip, "no answer within 2 s"),
    ],
)
def test_an_answer_that_is_none_ends_the_round_with_a_reason(
    tmp_path: Path, peer: RestPeer, answer: Any, said: str
) -> None:
    peer.before = lambda handler, _: answer(handler, peer) if answer in (hang, drip) else answer(handler)
    kept = Kept()
    with pytest.raises(SourceError, match=said):
        once(poller(tmp_path, peer, kept))
    assert kept.events == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("http://127.0.0.2:9/dossiers", "another host"),
        ("https://elsewhere.example/", "another host"),
        ("/dossiers?limit=10", "in a circle"),
        (7, "no address"),
        ("http://[", "another host|no address"),
    ],
)
def test_links_that_lead_astray(tmp_path: Path, peer: RestPeer, link: Any, said: str) -> None:
    fill(peer, 3)

    def lead(handler: BaseHTTPRequestHandler, call: Call) -> bool:
        return send(handler, 200, json.dumps({**peer.page(call), "next": link}).encode())

    peer.before = lead
    with pytest.raises(SourceError, match=said):
        once(poller(tmp_path, peer, Kept(), style="next"))


def test_bad_items_cost_only_themselves_and_are_told_without_their_values(
    tmp_path: Path, peer: RestPeer
) -> None:
    fill(peer, 5)
    peer.items += [
        item(6, minute(6), code="Trần Thị Mẫu " * 9),
        item(7, minute(7), status="Trần Thị Mẫu"),
        item(8, minute(8), code={"Trần": "Mẫu"}),
        item(9, "hôm qua"),
        ["Trần Thị Mẫu"],  # type: ignore[list-item]
    ]
    peer.before = lambda handler, _: send(handler, 200, json.dumps({"data": {"items": peer.items}}).encode())
    kept = Kept()
    with structlog.testing.capture_logs() as logs:
        made = poller(tmp_path, peer, kept, style="none", cursor=CURSOR)
        found = once(made)
        made._tell(found)
    assert (found.published, found.rejected.total(), found.undated) == (5, 5, 2)
    for said in (repr(found), repr(logs)):
        assert "Trần" not in said
        assert "Mẫu" not in said


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ('scheme = "bearer"', "authorization", "Bearer u:s3cret"),
        ('scheme = "basic"', "authorization", "Basic dTpzM2NyZXQ="),
        ('scheme = "header"\nheader = "X-Key"', "x-key", "u:s3cret"),
    ],
)
def test_the_secret_goes_to_its_host_and_nowhere_else(
    tmp_path: Path, peer: RestPeer, monkeypatch: pytest.MonkeyPatch, auth: str, header: str, value: str
) -> None:
    monkeypatch.setenv("ONESTOP_SECRET", "u:s3cret")
    fill(peer, 3)
    made = poller(tmp_path, peer, Kept(), extra=f'\n[auth]\n{auth}\nsecret = "env:ONESTOP_SECRET"\n')
    once(made)
    assert all(call.headers[header] == value for call in peer.calls)
    assert "s3cret" not in repr(made.source)
    with rest_peer() as other:
        peer.before = lambda handler, _: send(handler, 302, Location=other.url)
        with pytest.raises(SourceError, match="another host") as caught:
            once(poller(tmp_path, peer, Kept()))
        assert other.calls == []
    assert "s3cret" not in str(caught.value)
    monkeypatch.delenv("ONESTOP_SECRET")
    with pytest.raises(InputError, match="ONESTOP_SECRET"):
        once(poller(tmp_path, peer, Kept(), extra=f'\n[auth]\n{auth}\nsecret = "env:ONESTOP_SECRET"\n'))


def test_a_torn_checkpoint_is_told_and_not_read_over(tmp_path: Path, peer: RestPeer) -> None:
    fill(peer, 3)
    once(poller(tmp_path, peer, Kept(), cursor=CURSOR))
    (tmp_path / "state" / "checkpoints" / "rest-rest.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match="rest-rest"):
        once(poller(tmp_path, peer, Kept(), cursor=CURSOR))


def test_a_hanging_source_does_not_slow_another_and_fails_once(tmp_path: Path) -> None:
    stop = threading.Event()
    with rest_peer() as dead, rest_peer() as alive, structlog.testing.capture_logs() as logs:
        fill(alive, 3)
        dead.before = lambda handler, _: hang(handler, dead)
        kept = Kept()
        one = poller(tmp_path, dead, kept, name="dead")
        (tmp_path / "mapping.toml").write_text(MAPPING, "utf-8")
        other = poller(
            tmp_path, alive, kept, name="alive", mapping=MAPPING.replace("urn:test:rest", "urn:test:other")
        )

        async def go() -> None:
            running = asyncio.create_task(polling.run([one, other], stop))
            until = time.monotonic() + 60
            while time.monotonic() < until and (len(alive.calls) < 6 or not logs):
                await asyncio.sleep(0.1)
            alive.before = lambda handler, _: send(handler, 500)
            while time.monotonic() < until and not any(
                entry.get("source") == "alive" for entry in logs if entry["event"] == "source.failing"
            ):
                await asyncio.sleep(0.1)
            stop.set()
            await running

        asyncio.run(go())
    failing = [entry["source"] for entry in logs if entry["event"] == "source.failing"]
    assert sorted(failing) == ["alive", "dead"]
    assert len(dead.calls) < len(alive.calls)
    assert {event.subject for event in kept.events} == {"H53-0000", "H53-0001", "H53-0002"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('style = "offset"', 'style = "pages"'), "page.style|Invalid enum"),
        (('param = "offset"', ""), "page.param is needed"),
        (("http://", "ftp://"), "needs http"),
        (("http://127", "http://u:s3cret@127"), "holds a login"),
        (("[poll]", '[auth]\nscheme="bearer"\nsecret="s3cret"\n[poll]'), "auth.secret is no reference"),
        (("[poll]", '[cursor]\nparam="a"\nfield="b"\nformat="yesterday"\n[poll]'), "neither iso"),
        (("interval_s = 1", "interval_s = 0"), "interval_s"),
        (('mapping = "mapping.toml"', 'mapping = "nowhere"'), "mapping: There is no mapping"),
        (("[poll]", "[poll"), "line"),
        (("[page]", 'headers = { Authorization = "s3cret" }\n[page]'), "auth.secret"),
    ],
)
def test_a_source_file_that_can_not_be_used_says_why(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING, "utf-8")
    text = SOURCE.format(
        name="x", url="http://127.0.0.1:9/a", style="offset", page=PAGES["offset"], cursor="", poll=""
    )
    file = tmp_path / "x.toml"
    assert change[0] in text
    file.write_text(text.replace(*change, 1), "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load(file, tmp_path)
    assert str(file) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_shipped_example_can_be_used() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    for file in (deploy / "sources").glob("*.toml"):
        assert load(file, deploy / "mappings").config.auth is not None
