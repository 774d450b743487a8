"""Changes to duty, what if, warnings and the shift log over HTTP: what is stored, who did it, and who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from ioc.access import readers
from ioc.district import apply_pack
from ioc.duty import Person
from ioc.settings import Settings
from tests.integration.asking import asking
from tests.integration.duty_pack import PHONE, daily, duty_pack
from tests.servers import Servers

LEADER, COMMUNE = ("leader", "a long password"), ("commune", "a long password")
REPLACE = {
    "kind": "replace",
    "roster": "truc",
    "person": "an",
    "other": "binh",
    "from": "2026-03-02T07:00",
    "to": "2026-03-03T07:00",
}


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    """``xa`` is of the commune 25663 and has ``em``, who is on no other roster, and ``an``, who is."""
    pack = duty_pack()
    commune = replace(pack.rosters[1], rotations=(daily("main", "an em"),))
    people = (*pack.people, Person("em", "Em", unit="25663"))
    with servers.place() as found:
        with psycopg.connect(found.database_dsn, autocommit=True) as connection:
            apply_pack(connection, replace(pack, people=people, rosters=(pack.rosters[0], commune)))
            readers.add(connection, *LEADER, role="leader")
            readers.add(connection, *COMMUNE, role="operator", root_unit="25663")
        yield found


@pytest_asyncio.fixture
async def client(place: Settings) -> AsyncIterator[httpx.AsyncClient]:
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        for table in ("duty_change", "duty_log"):
            connection.execute(f"TRUNCATE ioc.{table}".encode())
    async with asking(place, LEADER, raising=True) as found:
        yield found


async def _post(client: httpx.AsyncClient, body: dict[str, Any], **more: Any) -> httpx.Response:
    return await client.post("/api/v1/duty/changes", json=body, **more)


async def _on_duty(client: httpx.AsyncClient, at: str, roster: str = "truc") -> list[str]:
    found = await client.get("/api/v1/duty", params={"roster": roster, "at": at})
    return [p["code"] for layer in found.json()["rosters"][0]["on_duty"] for p in layer["people"]]


@pytest.mark.parametrize(
    ("body", "people"),
    [
        ({"kind": "add", "person": "chi"}, ["an", "chi"]),
        ({"kind": "remove", "person": "an"}, []),
        ({"kind": "replace", "person": "an", "other": "chi"}, ["chi"]),
        ({"kind": "swap", "person": "an", "other": "chi", "to": None, "other_from": "2026-03-04T08:00"}, ["chi"]),
        ({"kind": "leave", "person": "an", "roster": None}, []),
        (
            {
                "kind": "temporary",
                "shifts": [{"people": ["binh", "chi"], "from": "2026-03-02T07:00", "to": "2026-03-03T07:00"}],
            },
            ["binh", "chi"],
        ),
    ],
)  # fmt: skip
async def test_each_kind_of_change_is_made_listed_and_taken_back(
    client: httpx.AsyncClient, body: dict[str, Any], people: list[str]
) -> None:
    whole = {"roster": "truc", "from": "2026-03-02T07:00", "to": "2026-03-03T07:00", "reason": "họp", **body}
    made = await _post(client, whole)
    assert made.status_code == 201, made.text
    change = made.json()["change"]
    assert (change["kind"], change["made_by"], change["reason"]) == (body["kind"], "leader", "họp")
    assert (change["from"], change["to"]) == ("2026-03-02T07:00:00+07:00", "2026-03-03T07:00:00+07:00")
    assert await _on_duty(client, "2026-03-02T12:00") == people
    listed = (await client.get("/api/v1/duty/changes")).json()
    assert listed == {"changes": [change], "next": None}

    over = await client.delete(f"/api/v1/duty/changes/{change['id']}")
    assert over.status_code == 409, "it is over: the past stays"
    assert over.json()["type"] == "/problems/duty-conflict"
    gone = await client.delete(f"/api/v1/duty/changes/{change['id']}", params={"from_start": True})
    assert gone.json()["withdrawn_by"] == "leader"
    assert await _on_duty(client, "2026-03-02T12:00") == ["an"]
    assert (await client.get("/api/v1/duty/changes")).json()["changes"] == []
    trail = (await client.get("/api/v1/duty/changes", params={"withdrawn": True})).json()["changes"]
    assert [(one["id"], one["withdrawn_by"]) for one in trail] == [(change["id"], "leader")]


async def test_a_change_that_contradicts_another_is_refused_with_its_name(client: httpx.AsyncClient) -> None:
    first = (await _post(client, REPLACE)).json()["change"]
    second = await _post(client, {**REPLACE, "other": "chi"})
    assert second.status_code == 409
    problem = second.json()
    assert problem["type"] == "/problems/duty-conflict"
    assert problem["detail"].startswith(
        f"an is in another change at that time ({first['id']}: binh in place of an"
    )
    assert "Withdraw that one first" in problem["remedy"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "dance"}, "kind"),
        ({"roster": "nowhere"}, "There is no roster 'nowhere' here."),
        ({"person": "ghost"}, "There is no person 'ghost'."),
        ({"person": None}, "person is empty."),
        ({"to": None}, "to is empty."),
        ({"from": "soon"}, "'soon' of from is neither a date nor a time."),
        ({"to": "2026-03-01"}, "is not after the start"),
        ({"from": "0001-01-01"}, "'0001-01-01' of from is too far away."),
        ({"to": "9999-12-31T23:59Z"}, "of to is too far away."),
        ({"other": None}, "needs a second person"),
        ({"layer": "x"}, "truc has no layer 'x'."),
        ({"surprise": 1}, "surprise"),
        ({"reason": "x" * 501}, "reason"),
        ({"kind": "temporary", "person": None, "other": None}, "needs shifts"),
        ({"kind": "leave"}, "Leave is of every roster."),
        ({"kind": "leave", "roster": None}, "A second person does not go with leave."),
        ({"person": "an\x00"}, "There is no person"),
    ],
)
async def test_what_makes_no_sense_is_explained_and_nothing_is_stored(
    client: httpx.AsyncClient, body: dict[str, Any], words: str
) -> None:
    refused = await _post(client, {**REPLACE, **body})
    assert refused.status_code in (404, 422), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert words in refused.text
    assert (await client.get("/api/v1/duty/changes")).json()["changes"] == []


async def test_the_guest_may_not_change_nor_read_who_did(client: httpx.AsyncClient, place: Settings) -> None:
    async with asking(place) as guest:
        for method, path in (
            ("POST", "changes"),
            ("GET", "changes"),
            ("DELETE", "changes/1"),
            ("POST", "preview"),
            ("GET", "log"),
            ("POST", "log"),
        ):
            bodies = {"changes": REPLACE, "preview": {"changes": [REPLACE]}, "log": {"text": "x"}}
            body = bodies.get(path) if method == "POST" else None
            refused = await guest.request(method, f"/api/v1/duty/{path}", json=body)
            assert refused.status_code == 401, (method, path)


async def test_a_reader_changes_only_rosters_in_the_scope(client: httpx.AsyncClient) -> None:
    made = (await _post(client, REPLACE)).json()["change"]
    foreign = await _post(client, REPLACE, auth=COMMUNE)
    assert foreign.status_code == 404
    assert foreign.json()["detail"] == "There is no roster 'truc' here."
    assert (await client.delete(f"/api/v1/duty/changes/{made['id']}", auth=COMMUNE)).status_code == 404
    assert (await client.get("/api/v1/duty/changes", auth=COMMUNE)).json()["changes"] == []
    assert (await client.get("/api/v1/duty/log", params={"roster": "truc"}, auth=COMMUNE)).status_code == 404

    own = {**REPLACE, "roster": "xa", "other": "em"}
    assert (await _post(client, own, auth=COMMUNE)).status_code == 201
    assert await _on_duty(client, "2026-03-02T12:00", "xa") == ["em"]


async def test_leave_is_given_only_by_who_sees_every_roster_that_it_empties(
    client: httpx.AsyncClient,
) -> None:
    leave = {"kind": "leave", "person": "em", "from": "2026-03-03", "to": "2026-03-05"}
    assert (await _post(client, leave, auth=COMMUNE)).status_code == 201
    for person, words in (
        ("an", "is on duty for units beyond yours"),
        ("chi", "belongs to units beyond yours"),
    ):
        refused = await _post(client, {**leave, "person": person}, auth=COMMUNE)
        assert refused.status_code == 403, refused.text
        assert refused.json()["type"] == "/problems/duty-not-yours"
        assert words in refused.json()["detail"]
    given = (await _post(client, {**leave, "person": "chi"})).json()["change"]
    assert (await client.delete(f"/api/v1/duty/changes/{given['id']}", auth=COMMUNE)).status_code == 403
    seen = (await client.get("/api/v1/duty/changes", auth=COMMUNE)).json()["changes"]
    assert [change["person"] for change in seen] == ["em"]


async def test_what_if_shows_duty_as_it_would_be_and_stores_nothing(client: httpx.AsyncClient) -> None:
    leave = {"kind": "leave", "person": "chi", "from": "2026-03-04", "to": "2026-03-06"}
    body = {"changes": [REPLACE, leave], "roster": "truc"}
    found = (await client.post("/api/v1/duty/preview", json=body)).json()
    (roster,) = found["rosters"]
    spans = [
        (span["from"][:16], [p["code"] for p in span["layers"][0]["people"]]) for span in roster["spans"]
    ]
    assert spans == [("2026-03-02T07:00", ["binh"]), ("2026-03-04T07:00", []), ("2026-03-05T07:00", ["an"])]
    assert [warning["kind"] for warning in roster["warnings"]] == ["gap", "thin"]
    assert await _on_duty(client, "2026-03-02T12:00") == ["an"]
    assert (await client.get("/api/v1/duty/changes")).json()["changes"] == []
    twice = await client.post(
        "/api/v1/duty/preview", json={"changes": [REPLACE, {**REPLACE, "other": "chi"}]}
    )
    assert twice.status_code == 409


async def test_warnings_are_given_by_time_and_the_guest_sees_no_names(
    client: httpx.AsyncClient, place: Settings
) -> None:
    await _post(
        client, {"kind": "remove", "roster": "truc", "person": "an", "from": "2026-03-02", "to": "2026-03-06"}
    )
    asked = {"from": "2026-03-02T07:00", "to": "2026-03-08"}
    answer = await client.get("/api/v1/duty/warnings", params=asked)
    found = answer.json()["warnings"]
    assert [(w["roster"], w["kind"], w["from"]) for w in found] == [
        ("truc", "gap", "2026-03-02T07:00:00+07:00"),
        ("truc", "thin", "2026-03-02T07:00:00+07:00"),
        ("truc", "gap", "2026-03-05T07:00:00+07:00"),
        ("truc", "thin", "2026-03-05T07:00:00+07:00"),
    ]
    again = await client.get(
        "/api/v1/duty/warnings", params=asked, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    async with asking(place) as guest:
        assert len((await guest.get("/api/v1/duty/warnings", params=asked)).json()["warnings"]) == 4
    assert PHONE not in answer.text


async def test_the_shift_log_is_written_and_read_page_by_page(client: httpx.AsyncClient) -> None:
    for number in range(3):
        written = await client.post("/api/v1/duty/log", json={"roster": "truc", "text": f"  dòng {number} "})
        assert written.status_code == 201
        assert (written.json()["author"], written.json()["text"]) == ("leader", f"dòng {number}")
    first = (await client.get("/api/v1/duty/log", params={"roster": "truc", "limit": 2})).json()
    assert [entry["text"] for entry in first["entries"]] == ["dòng 2", "dòng 1"]
    rest = (
        await client.get("/api/v1/duty/log", params={"roster": "truc", "limit": 2, "after": first["next"]})
    ).json()
    assert ([entry["text"] for entry in rest["entries"]], rest["next"]) == (["dòng 0"], None)
    empty = await client.post("/api/v1/duty/log", json={"roster": "truc", "text": "   "})
    assert empty.status_code == 422
    unnamed = await client.post("/api/v1/duty/log", json={"text": "x"})
    assert unnamed.json()["remedy"] == "Rosters here: truc, xa."
    assert (await client.get("/api/v1/duty/log", params={"roster": "truc", "after": "x"})).status_code == 422


async def test_changes_are_listed_page_by_page(client: httpx.AsyncClient) -> None:
    for day in range(2, 7):
        leave = {"kind": "leave", "person": "chi", "from": f"2026-03-0{day}", "to": f"2026-03-0{day + 1}"}
        await _post(client, leave)
    days: list[str] = []
    after: str | None = None
    while True:
        asked = {"limit": 2, **({} if after is None else {"after": after})}
        page = (await client.get("/api/v1/duty/changes", params=asked)).json()
        days += [change["from"][8:10] for change in page["changes"]]
        after = page["next"]
        if after is None:
            break
    assert days == ["06", "05", "04", "03", "02"]


@pytest.mark.parametrize("path", ["", ".ics", "/warnings"])
@pytest.mark.parametrize(
    "asked", [{"from": "0001-01-01"}, {"to": "9999-12-31"}, {"from": "2026-01-01", "to": "2030-01-01"}]
)
async def test_a_time_beyond_all_bounds_is_refused(
    client: httpx.AsyncClient, path: str, asked: dict[str, str]
) -> None:
    refused = await client.get(f"/api/v1/duty{path}", params=asked)
    assert refused.status_code == 422, refused.text
    assert refused.json()["type"] == "/problems/duty"
