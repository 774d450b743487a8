"""Alerts over HTTP: what readers of different units see and do, and what hostile requests come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from ioc.alerts import windows
from ioc.alerts.encoding import channel_to_json
from ioc.alerts.model import Channel
from ioc.history import cursor
from ioc.settings import Settings
from tests.integration.alert_place import Place
from tests.integration.alerting import POLICY
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD
from tests.integration.messages import message

ALERTS = "/api/v1/alerts"


@pytest_asyncio.fixture
async def client(ready: Settings, desk: Place) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(ready, ("head", PASSWORD), raising=True) as found:
        yield found


CLERK = ("clerk", PASSWORD)


async def post(client: httpx.AsyncClient, path: str, body: Any = None, **more: Any) -> httpx.Response:
    return await client.post(f"{ALERTS}/{path}", json={} if body is None else body, **more)


async def test_a_list_in_pages_that_is_given_once_while_nothing_changes(
    client: httpx.AsyncClient, desk: Place
) -> None:
    numbers = [desk.open("camera.down", f"device:c{n}") for n in range(5)]
    first = (await client.get(ALERTS, params={"limit": 3})).json()
    rest = (await client.get(ALERTS, params={"limit": 3, "after": first["next"]})).json()
    assert [alert["id"] for page in (first, rest) for alert in page["alerts"]] == numbers[::-1]
    assert rest["next"] is None
    assert first["alerts"][0]["since"] == "2026-03-02T08:00:00+07:00"
    same = await client.get(ALERTS)
    again = await client.get(ALERTS, headers={"If-None-Match": same.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    await post(client, f"{numbers[0]}/ack")
    changed = await client.get(ALERTS, headers={"If-None-Match": same.headers["ETag"]})
    assert changed.status_code == 200
    other = await client.get(ALERTS, params={"limit": 3, "after": first["next"], "state": "all"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/bad-cursor")


async def test_one_alert_through_its_life(client: httpx.AsyncClient, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    acted = (await post(client, f"{number}/ack", {"comment": "đang xem"})).json()
    assert acted == {"id": number, "changed": True, "note": ""}
    again = (await post(client, f"{number}/ack")).json()
    assert (again["changed"], again["note"].startswith("head acknowledged it at ")) == (False, True)
    for path, body in (
        ("assign", {"to": "truc-1"}),
        ("comment", {"comment": "chờ điện"}),
        ("snooze", {"minutes": 30}),
        ("unsnooze", None),
        ("snooze", {"until": "2099-01-01"}),
        ("unack", None),
        ("close", {"reason": "đã thay nguồn"}),
    ):
        answer = await post(client, f"{number}/{path}", body)
        assert answer.status_code == (422 if "2099-01-01" in str(body) else 200), answer.text
    found = (await client.get(f"{ALERTS}/{number}")).json()
    assert (found["assigned_to"], found["cleared_at"] is None) == ("truc-1", False)
    assert [event["kind"] for event in found["events"]] == [
        "opened",
        "acknowledged",
        "assigned",
        "commented",
        "snoozed",
        "unsnoozed",
        "unacknowledged",
        "closed",
    ]
    assert {(event["actor"], event["detail"].get("via")) for event in found["events"][1:]} == {
        ("head", "api")
    }
    events = (await client.get(f"{ALERTS}/{number}/events", params={"limit": 5})).json()
    assert events["events"] == found["events"][:5]
    trail = (await client.get("/api/v1/audit", params={"actor": "head", "limit": 1})).json()
    assert trail["entries"][0]["what"] == "alert.closed"
    assert (await client.get(f"{ALERTS}/counts")).json()["open"] == 0


async def test_several_at_once_all_of_them_or_none(client: httpx.AsyncClient, desk: Place) -> None:
    numbers = [desk.open("camera.down", f"device:c{n}") for n in range(3)]
    done = await post(client, "actions", {"action": "ack", "alerts": numbers})
    assert [one["changed"] for one in done.json()["alerts"]] == [True] * 3
    none = await post(client, "actions", {"action": "unack", "alerts": [*numbers, 4711]})
    assert (none.status_code, none.json()["type"]) == (404, "/problems/unknown-alert")
    assert all(desk.alert(number)["acknowledged_by"] == "head" for number in numbers)


async def test_twenty_people_acknowledge_at_once_over_http(client: httpx.AsyncClient, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    # the password is checked once
    await client.get(f"{ALERTS}/{number}")
    answers = await asyncio.gather(*(post(client, f"{number}/ack") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["changed"] for answer in answers) == 1
    assert desk.events(number) == ["opened", "acknowledged"]


async def test_a_reader_of_one_unit_can_not_tell_another_s_alert_from_none(
    client: httpx.AsyncClient, desk: Place
) -> None:
    mine, theirs, own = (
        desk.open("camera.down", "device:c1"),
        desk.open("camera.down", "device:c2", "go-2"),
        desk.open("disk.full", "reading:disk@a", None),
    )
    listed = (await client.get(ALERTS, auth=CLERK)).json()
    assert [alert["id"] for alert in listed["alerts"]] == [mine]

    async def refusals(number: int) -> list[tuple[int, str]]:
        answers = [
            await client.get(f"{ALERTS}/{number}", auth=CLERK),
            await client.get(f"{ALERTS}/{number}/events", auth=CLERK),
            await post(client, f"{number}/ack", auth=CLERK),
            await post(client, "actions", {"action": "ack", "alerts": [number]}, auth=CLERK),
        ]
        return [(answer.status_code, answer.text.replace(str(number), "N")) for answer in answers]

    nothing = await refusals(999_999)
    assert {status for status, _ in nothing} == {404}
    for number in (theirs, own, 0, -5, 2**63):
        found = await refusals(number)
        if 0 < number < 2**63:
            assert found == nothing
        assert {status for status, _ in found} <= {404, 422}
    assert desk.alert(theirs)["acknowledged_at"] is None
    counts = (await client.get(f"{ALERTS}/counts", auth=CLERK)).json()
    assert (counts["open"], [unit["unit"] for unit in counts["units"]]) == (1, ["go-1"])


async def test_the_guest_gets_numbers_and_nothing_else(ready: Settings, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    async with asking(ready, raising=True) as guest:
        counts = (await guest.get(f"{ALERTS}/counts")).json()
        assert counts["severities"]["major"] == {"waiting": 1, "held": 0, "acknowledged": 0}
        for path in (ALERTS, f"{ALERTS}/{number}", "/api/v1/maintenance", "/api/v1/rules", "/api/v1/audit"):
            assert (await guest.get(path)).status_code == 401, path
        assert (await post(guest, f"{number}/ack")).status_code == 401


ORDERS: list[tuple[str, Any, int, str]] = [
    ("{}/comment", {"comment": "x" * 3000}, 422, "3000 characters"),
    ("{}/comment", {"comment": "a\x00b"}, 422, "U+0000"),
    ("{}/comment", {"comment": 5}, 422, "can't be read"),
    ("{}/comment", {"comment": "x" * 70_000}, 413, "at most"),
    ("{}/comment", {}, 422, "The comment is empty"),
    ("{}/ack", {"reason": "x"}, 422, "reason does not go with ack"),
    ("{}/ack", {"coment": "x"}, 422, "unknown field"),
    ("{}/ack", [], 422, "can't be read"),
    ("{}/dance", {}, 422, "can't be read"),
    ("{}/close", {}, 422, "The reason is empty"),
    ("{}/assign", {}, 422, "Nobody is named"),
    ("{}/assign", {"to": "nobody"}, 422, "no person 'nobody'"),
    ("{}/snooze", {}, 422, "no end, or two"),
    ("{}/snooze", {"minutes": -1}, 422, "can't be snoozed"),
    ("{}/snooze", {"until": "tomorrow"}, 422, "neither a date nor a time"),
    ("{}/snooze", {"until": "9999-12-31T23:59:59+14:00"}, 422, ""),
    ("x/ack", {}, 422, "can't be read"),
    ("actions", {"action": "ack", "alerts": []}, 422, "No alert is named"),
    ("actions", {"action": "ack", "alerts": [-1]}, 422, "can't be an alert's number"),
    ("actions", {"action": "ack", "alerts": [1.5]}, 422, "can't be read"),
    ("actions", {"action": "ack", "alerts": list(range(1, 2001))}, 422, "more than 1000"),
    ("actions", {"action": "ack", "alerts": list(range(1_000_000))}, 413, "at most"),
    ("actions", {"alerts": [1]}, 422, "action"),
]


async def test_hostile_orders_are_refused_with_what_to_do(client: httpx.AsyncClient, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    for path, body, status, said in ORDERS:
        answer = await post(client, path.format(number), body)
        case = f"{path} {str(body)[:100]}: {answer.text[:300]}"
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
            case
        )
        assert said in answer.text, case
        assert len(answer.text) < 1000, case
    assert desk.events(number) == ["opened"]


async def test_a_form_of_another_page_can_do_nothing(client: httpx.AsyncClient, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    for given in (
        {"data": {"comment": "x"}},
        {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        {},
    ):
        answer = await client.post(f"{ALERTS}/{number}/ack", **given)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert desk.events(number) == ["opened"]


FILTERS = [
    ("severity=bad", "Severities are info"),
    ("state=gone", "can't be read"),
    ("kind=x", "can't be read"),
    ("unit=nowhere", "no unit"),
    ("order=-severity&state=all", "Only open alerts"),
    ("from=x", "neither a date"),
    ("limit=0", "can't be read"),
    ("limit=1001", "can't be read"),
    ("after=xyz", "cursor can't be read"),
    ("text=", "text to look for"),
    ("text=%00", "character"),
    ("staet=open", "Did you mean state?"),
]


async def test_filters_that_make_no_sense_are_refused(client: httpx.AsyncClient) -> None:
    for query, said in FILTERS:
        answer = await client.get(f"{ALERTS}?{query}")
        assert answer.status_code in (404, 422), query
        assert said in answer.text, (query, answer.text)


async def test_sql_in_a_filter_is_a_text_that_nothing_has(client: httpx.AsyncClient, desk: Place) -> None:
    desk.open("camera.down", "device:c1")
    for name in ("text", "subject", "point", "assigned", "rule"):
        answer = await client.get(ALERTS, params={name: "' OR '1'='1'; DROP TABLE ioc.alert; --"})
        assert (answer.status_code, answer.json()["alerts"]) == (200, [])
    assert len((await client.get(ALERTS)).json()["alerts"]) == 1


async def test_a_window_is_made_listed_and_withdrawn(client: httpx.AsyncClient, desk: Place) -> None:
    path = "/api/v1/maintenance"
    wanted = {
        "name": "Bảo trì",
        "from": "2026-01-01T08:00",
        "hours": 4,
        "recurs": "FREQ=DAILY",
        "units": ["go-1"],
    }
    made = await client.post(path, json=wanted)
    assert made.status_code == 201, made.text
    window = made.json()
    assert (window["made_by"], window["recurs"], window["length_s"]) == ("head", "FREQ=DAILY", 14400.0)
    assert [one["id"] for one in (await client.get(path)).json()["windows"]] == [window["id"]]
    assert [one["id"] for one in (await client.get(path, auth=CLERK)).json()["windows"]] == [window["id"]]
    other = (await client.post(path, json=wanted | {"units": ["go-2"]})).json()
    hidden = await client.delete(f"{path}/{other['id']}", auth=CLERK)
    nothing = await client.delete(f"{path}/{4711}", auth=CLERK)
    assert hidden.text.replace(str(other["id"]), "N") == nothing.text.replace("4711", "N")
    for _ in range(2):
        gone = await client.delete(f"{path}/{window['id']}", auth=CLERK)
        assert (gone.status_code, gone.json()["withdrawn_by"]) == (200, "clerk")
    assert (await client.get(path, auth=CLERK)).json()["windows"] == []
    assert len((await client.get(path, params={"ended": True})).json()["windows"]) == 2
    for wrong, status in (
        ({"name": "x"}, 422),
        (wanted | {"colour": "red"}, 422),
        (wanted | {"recurs": "FREQ=SECONDLY"}, 422),
        (wanted | {"hours": 1e308}, 422),
        (wanted | {"from": "0001-01-01"}, 422),
        (wanted | {"from": "9999-12-31T23:59-12:00"}, 422),
        (wanted | {"subjects": ["x"] * 501}, 422),
        (wanted | {"reason": "x" * 300_000}, 413),
    ):
        refused = await client.post(path, json=wrong)
        assert (refused.status_code, len(refused.text) < 1000) == (status, True)


async def test_a_cursor_that_was_made_up_is_refused(client: httpx.AsyncClient) -> None:
    for number, status in ((-1, 422), (0, 200), (2**63 - 1, 200), (2**63, 422), (10**30, 422)):
        forged = cursor.write(windows.Place(number), {"ended": False})
        answer = await client.get("/api/v1/maintenance", params={"after": forged})
        assert answer.status_code == status, number


async def test_rules_in_force_with_their_open_alerts(client: httpx.AsyncClient, desk: Place) -> None:
    desk.open("camera.down", "device:c1")
    desk.connection.execute(
        "INSERT INTO ioc.alert_rule_fault (part, code, reason, since, at)"
        " VALUES ('kpi', 'disk.full', 'no such reading', %(now)s, %(now)s) ON CONFLICT DO NOTHING",
        {"now": desk.now},
    )
    rules = {rule["code"]: rule for rule in (await client.get("/api/v1/rules")).json()["rules"]}
    assert list(rules) == ["camera.down", "site.power", "wifi.down", "disk.full"]
    assert (rules["camera.down"]["open"], rules["camera.down"]["severity"]) == (1, "major")
    assert rules["camera.down"]["condition"]["states"] == ["down"]
    assert rules["disk.full"]["fault"]["reason"] == "no such reading"
    assert rules["camera.down"]["fault"] is None


async def test_the_delivery_log_shows_what_is_of_ones_own_units_and_the_whole_districts_all(
    client: httpx.AsyncClient, desk: Place
) -> None:
    mine, theirs = desk.open("camera.down", "device:c1"), desk.open("camera.down", "device:c2", "go-2")
    both = message(desk, [mine, theirs], "truc-1", "email", "failed")
    other = message(desk, [theirs], "truc-1", "sms")
    morning = message(desk, [], "truc-1", "email")
    path = "/api/v1/deliveries"
    first = (await client.get(path, params={"limit": 2})).json()
    rest = (await client.get(path, params={"limit": 2, "after": first["next"]})).json()
    assert [one["id"] for page in (first, rest) for one in page["deliveries"]] == [morning, other, both]
    assert rest["next"] is None
    (whole,) = rest["deliveries"]
    assert (whole["alert_ids"], whole["alerts"], whole["severity"]) == ([mine, theirs], 2, "major")
    (own,) = (await client.get(path, auth=CLERK)).json()["deliveries"]
    assert (own["id"], own["alert_ids"]) == (both, [mine])
    for query, found in (
        ({"state": "failed"}, [both]),
        ({"channel": "sms"}, [other]),
        ({"person": "nobody"}, []),
        ({"kind": "digest"}, []),
    ):
        answer = (await client.get(path, params=query)).json()
        assert [one["id"] for one in answer["deliveries"]] == found, query
    for query, status in ({"state": "lost"}, 422), ({"after": first["next"], "state": "sent"}, 422):
        assert (await client.get(path, params=query)).status_code == status
    assert (await client.get(path, auth=httpx.Auth())).status_code == 401


async def test_policies_and_channels_in_force_without_secrets(client: httpx.AsyncClient, desk: Place) -> None:
    for code in ("email", "sms"):
        desk.connection.execute(
            "INSERT INTO ioc.alert_channel (code, definition) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (code, channel_to_json(Channel(code, "apprise", f"env:SECRET_{code}"))),
        )
    message(desk, [desk.open("camera.down", "device:c1")], "truc-1", "email", "waiting")
    answer = await client.get("/api/v1/channels")
    assert "SECRET" not in answer.text
    found = {one["code"]: one for one in answer.json()["channels"]}
    assert (found["email"]["driver"], found["email"]["waiting"], found["sms"]["waiting"]) == ("apprise", 1, 0)
    assert found["email"]["oldest"] is not None
    policies = (await client.get("/api/v1/policies")).json()["policies"]
    assert [one["code"] for one in policies] == sorted([POLICY.code, "handed"])
    assert policies[0]["steps"]
    for path in ("channels", "policies"):
        assert (await client.get(f"/api/v1/{path}", auth=httpx.Auth())).status_code == 401
