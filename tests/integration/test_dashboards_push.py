"""Pushing boards: on a live Grafana where IOC_GRAFANA_URL names one, and on the double always."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pydantic import SecretStr

from dashboards.alerting import RULES, Alerting
from dashboards.push.finding import InTheWayError
from dashboards.push.marks import TAG
from dashboards.push.server import RefusedError
from ioc.settings import Settings
from tests.integration.pushing import BOARDS, LIVE, WEBHOOK, Bench, board, on_double, on_live


@pytest.fixture(params=["double", "live"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        if request.param == "double":
            yield stack.enter_context(on_double())
            return
        if not (LIVE["grafana_url"] and LIVE["grafana_token"]):
            pytest.skip("no live Grafana: name an empty one in IOC_GRAFANA_URL and IOC_GRAFANA_TOKEN")
        place: Settings = request.getfixturevalue("place")
        yield stack.enter_context(on_live(request.getfixturevalue("servers"), place))


def test_a_first_push_makes_everything_and_a_second_one_changes_nothing(bench: Bench) -> None:
    first = bench.push(alerting=Alerting((WEBHOOK,)))
    assert len(first.changes) == 3 + 1 + len(BOARDS) + 1 + len(RULES)
    seen = {one.uid: bench.version(one.uid) for one in BOARDS}
    assert all(TAG in bench.document(uid)["tags"] for uid in seen)
    second = bench.push(alerting=Alerting((WEBHOOK,)))
    assert second.changes == []
    assert second.unchanged == len(first.changes)
    assert {one.uid: bench.version(one.uid) for one in BOARDS} == seen


def test_only_what_is_built_otherwise_is_changed(bench: Bench) -> None:
    bench.push()
    before = bench.version("ioc-queues-vi")
    plan = bench.push([*BOARDS[:2], board("queues", text="better")])
    assert [one.text for one in plan.changes] == ["change board “queues (vi)” (ioc-queues-vi)"]
    assert bench.version("ioc-queues-vi") == before + 1
    assert bench.document("ioc-queues-vi")["panels"][0]["options"]["content"] == "better"


def test_a_board_edited_by_hand_is_told_and_kept_until_it_may_be_overwritten(bench: Bench) -> None:
    bench.push()
    panels = [
        {**bench.document("ioc-wall-vi")["panels"][0], "options": {"content": "mine", "mode": "markdown"}}
    ]
    bench.edit("ioc-wall-vi", panels=panels)
    with pytest.raises(InTheWayError) as caught:
        bench.push([board("wall", text="newer"), *BOARDS[1:]])
    assert "Board ioc-wall-vi “wall (vi)” was edited by hand" in caught.value.message
    assert "panel “About” changed: options" in caught.value.message
    assert "--overwrite" in caught.value.message
    assert bench.document("ioc-wall-vi")["panels"][0]["options"]["content"] == "mine"
    bench.push(overwrite=True)
    assert bench.document("ioc-wall-vi")["panels"][0]["options"]["content"] == "as built"
    assert bench.push().changes == []


def test_a_board_that_was_only_moved_or_saved_again_is_no_edit(bench: Bench) -> None:
    bench.push()
    bench.edit("ioc-wall-vi", folder_uid="ioc-en", title="wall (vi)")
    plan = bench.push()
    assert len(plan.changes) == 1
    assert "moved back from folder ioc-en" in plan.changes[0].text
    bench.edit("ioc-wall-vi")
    assert bench.push().changes == []


def test_a_uid_of_somebody_elses_board_is_never_overwritten(bench: Bench) -> None:
    bench.push(BOARDS[:2])
    other = {**BOARDS[2].document, "title": "Somebody else's", "tags": []}
    bench.grafana.make_folder("ioc-test-other", "Somebody else's folder")
    bench.grafana.save_board(
        {"dashboard": other, "folderUid": "ioc-test-other", "message": "", "overwrite": False}
    )
    for overwrite in (False, True):
        with pytest.raises(InTheWayError) as caught:
            bench.push(overwrite=overwrite)
        assert (
            "The uid ioc-queues-vi belongs to a board that is not ours: “Somebody else's”"
            in caught.value.message
        )
    assert bench.document("ioc-queues-vi")["title"] == "Somebody else's"


def test_boards_of_ours_that_are_not_built_any_more_go_and_no_others(bench: Bench) -> None:
    bench.push()
    copy = {**BOARDS[2].document, "uid": "ioc-copied", "title": "A copy", "tags": [TAG]}
    plain = {**BOARDS[2].document, "uid": "ioc-plain", "title": "Not tagged", "tags": []}
    for document in (copy, plain):
        bench.grafana.save_board(
            {"dashboard": document, "folderUid": "ioc-vi", "message": "", "overwrite": False}
        )
    plan = bench.push(BOARDS[:2])
    assert [one.text for one in plan.changes] == [
        "delete board “queues (vi)” (ioc-queues-vi), which is not built any more"
    ]
    assert plan.notes == ["Board ioc-copied has our tag, but no push made it: it is left as it is."]
    assert bench.grafana.board("ioc-queues-vi") is None
    assert bench.grafana.board("ioc-copied") is not None
    assert bench.grafana.board("ioc-plain") is not None
    bench.grafana.delete_board("ioc-plain")


def test_a_board_that_goes_makes_room_for_one_of_its_title(bench: Bench) -> None:
    bench.push()
    bench.push([*BOARDS[:2], board("lines", title="queues (vi)")])
    assert bench.grafana.board("ioc-queues-vi") is None
    assert bench.document("ioc-lines-vi")["title"] == "queues (vi)"


def test_a_board_that_goes_but_was_edited_by_hand_is_told(bench: Bench) -> None:
    bench.push()
    bench.edit("ioc-queues-vi", refresh="5s")
    with pytest.raises(InTheWayError, match="refresh changed"):
        bench.push(BOARDS[:2])
    assert bench.grafana.board("ioc-queues-vi") is not None
    bench.push(BOARDS[:2], overwrite=True)
    assert bench.grafana.board("ioc-queues-vi") is None


def test_a_folder_of_the_same_name_is_told(bench: Bench) -> None:
    bench.grafana.make_folder("ioc-test-other", "Trung tâm điều hành (IOC)")
    with pytest.raises(InTheWayError, match=r"There is a folder “Trung tâm điều hành \(IOC\)” already"):
        bench.push()
    assert bench.grafana.find("/folders/ioc-en") is None
    assert bench.grafana.board("ioc-wall-vi") is None


def test_a_folder_of_ours_that_was_renamed_has_its_name_again(bench: Bench) -> None:
    bench.push()
    version = bench.grafana.ask("GET", "/folders/ioc-vi")["version"]
    bench.grafana.name_folder("ioc-vi", "Bảng của tôi", version)
    plan = bench.push()
    assert [one.text for one in plan.changes] == [
        "name folder ioc-vi “Trung tâm điều hành (IOC)”, it was “Bảng của tôi”"
    ]
    assert bench.push().changes == []


def test_a_wrong_token_is_told_and_changes_nothing(bench: Bench) -> None:
    settings = bench.settings.model_copy(update={"grafana_token": SecretStr("glsa_wrong")})
    wrong = Bench(settings, bench.source)
    with pytest.raises(RefusedError) as caught:
        wrong.push()
    assert "does not know the token of IOC_GRAFANA_TOKEN" in caught.value.message
    assert "glsa_wrong" not in str(caught.value)
    assert bench.grafana.board("ioc-wall-vi") is None


def test_alert_rules_and_their_contact_come_change_and_go(bench: Bench) -> None:
    bench.push()
    rules = {one["uid"]: one for one in bench.grafana.ask("GET", "/v1/provisioning/alert-rules")}
    assert {rule.uid for rule in RULES} <= rules.keys()
    bench.push(alerting=Alerting((WEBHOOK,)))
    points = bench.grafana.ask("GET", "/v1/provisioning/contact-points")
    assert [one["settings"]["url"] for one in points if one["uid"] == WEBHOOK.uid] == [
        WEBHOOK.settings["url"]
    ]
    assert bench.push(alerting=Alerting((WEBHOOK,))).changes == []
    bench.push(alerting=Alerting(rules=RULES[:2]))
    rules = {one["uid"]: one for one in bench.grafana.ask("GET", "/v1/provisioning/alert-rules")}
    assert {uid for uid in rules if uid.startswith("ioc-health-")} == {rule.uid for rule in RULES[:2]}
    points = bench.grafana.ask("GET", "/v1/provisioning/contact-points")
    assert [one for one in points if one["uid"] == WEBHOOK.uid] == []
