"""What may go wrong while boards are pushed, on the double: it is said plainly, and nothing is half-pushed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dashboards.alerting import FOLDER, RULES, Alerting
from dashboards.push.carrying import HalfDoneError
from dashboards.push.finding import InTheWayError
from dashboards.push.server import RefusedError
from ioc.errors import IocError, UnavailableError
from tests.grafana_double import TOKEN, Double, Dropped, No
from tests.integration.pushing import BOARDS, FOLDERS, WEBHOOK, Bench, board, on_double, some_source

ALERTING = Alerting((WEBHOOK,))
CHANGED = (board("wall", text="newer"), board("wall", "en", title="The wall"), board("lines"))


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_double() as found:
        yield found


# -- something is in the way -----------------------------------------------------------------------------


def test_everything_that_is_in_the_way_is_told_at_once(bench: Bench) -> None:
    own = bench.own
    own.folders["abc"] = {"uid": "abc", "title": FOLDERS[0].title, "version": 1}
    own.sources[some_source().uid] = {
        "uid": some_source().uid,
        "name": "Metrics",
        "type": "prometheus",
        "version": 1,
    }
    own.put_board({"uid": "ioc-wall-en", "title": "Not ours", "tags": []}, "abc")
    own.put_board({**BOARDS[0].document}, "ioc-vi", provisioned=True)
    before = own.state()
    with pytest.raises(InTheWayError, match="4 things are in the way; nothing was changed") as caught:
        bench.push()
    for said in (
        "a folder “Trung tâm",
        "of type prometheus",
        "“Not ours”",
        "comes from files on Grafana's disk",
    ):
        assert said in caught.value.message
    assert all(problem.remedy for problem in caught.value.problems)
    assert own.changes == 0
    assert own.state() == before


def test_a_data_source_of_the_same_name_is_told(bench: Bench) -> None:
    bench.own.sources["xyz"] = {"uid": "xyz", "name": "IOC TimescaleDB", "type": "postgres", "version": 1}
    with pytest.raises(InTheWayError, match="another uid"):
        bench.push()


def test_a_data_source_that_files_made_is_used_as_it_is(bench: Bench) -> None:
    facts = some_source().document("grafana-postgresql-datasource")
    bench.own.sources[some_source().uid] = {**facts, "readOnly": True, "version": 1, "url": "elsewhere:5432"}
    plan = bench.push()
    assert any("comes from files" in note for note in plan.notes)
    assert bench.own.sources[some_source().uid]["url"] == "elsewhere:5432"


def test_a_board_of_the_same_title_in_our_folder_is_told(bench: Bench) -> None:
    bench.push(BOARDS[:2])
    bench.own.put_board({"uid": "mine", "title": "queues (vi)", "tags": []}, "ioc-vi")
    with pytest.raises(InTheWayError, match=r"a board “queues \(vi\)” \(uid mine\) that is not ours"):
        bench.push()


def test_an_edited_board_whose_pushed_version_grafana_forgot_is_told_and_not_taken_for_ours_or_theirs(
    bench: Bench,
) -> None:
    bench.push()
    kept = bench.own.boards["ioc-wall-vi"]
    kept.versions = [(document, "") for document, _ in kept.versions]
    with pytest.raises(InTheWayError, match="Grafana no longer knows what was pushed last"):
        bench.push()
    assert len(bench.push(overwrite=True).changes) == 1
    assert bench.push().changes == []


def test_rules_and_contacts_of_others_are_told(bench: Bench) -> None:
    bench.own.folders["f"] = {"uid": "f", "title": "f", "version": 1}
    bench.own.rules[RULES[0].uid] = {
        "uid": RULES[0].uid,
        "title": "Theirs",
        "folderUID": "f",
        "annotations": {},
    }
    bench.own.contacts["theirs"] = {"uid": "theirs", "name": "IOC", "type": "email", "settings": {}}
    with pytest.raises(InTheWayError) as caught:
        bench.push(alerting=ALERTING)
    assert "an alert rule that is not ours: “Theirs”" in caught.value.message
    assert "a contact point “IOC” already that is not ours" in caught.value.message


def test_a_grafana_without_alerting_gets_boards_and_a_note() -> None:
    with on_double(Double(alerting=False)) as plain:
        plan = plain.push(alerting=ALERTING)
        assert any("no alerting of its own switched on" in note for note in plan.notes)
        assert FOLDER.uid not in plain.own.folders
        assert len(plain.own.boards) == len(BOARDS)


def test_an_older_grafana_whose_rules_can_not_name_a_contact_is_told_about() -> None:
    with on_double(Double(version="10.4.2")) as older:
        plan = older.push(alerting=ALERTING)
        assert any("10.4.2 lets notification policies alone decide" in note for note in plan.notes)
        assert all("notification_settings" not in rule for rule in older.own.rules.values())
        assert older.push(alerting=ALERTING).changes == []


@pytest.mark.parametrize("path", ["/grafana", "/sub/path/"])
def test_a_grafana_below_a_path_is_reached_there(path: str) -> None:
    with on_double(Double(prefix=path.rstrip("/"))) as behind:
        url = behind.own.url + ("/" if path.endswith("/") else "")
        behind.settings = behind.settings.model_copy(update={"grafana_url": url})
        assert behind.push().changes
        assert behind.push().changes == []


def test_newer_releases_wrap_the_list_of_versions() -> None:
    with on_double(Double(version="12.2.0")) as newer:
        newer.push()
        assert newer.push().changes == []


@pytest.mark.parametrize("answer", [{"message": "under maintenance"}, [{"id": 1}], ["?"], "?"])
def test_an_answer_that_no_grafana_gives_is_told_and_is_no_crash(bench: Bench, answer: object) -> None:
    plain = bench.own.answer
    bench.own.answer = (  # type: ignore[method-assign]
        lambda method, path, *rest: answer if path == "/api/search" else plain(method, path, *rest)
    )
    with pytest.raises(UnavailableError, match="otherwise than Grafana is documented to"):
        bench.push()
    assert bench.own.changes == 0


# -- it fails on the way ---------------------------------------------------------------------------------


def failing(number: int, what: Callable[[], Exception]) -> Callable[[int], None]:
    def look(now: int) -> None:
        if now == number:
            raise what()

    return look


@pytest.mark.parametrize("moment", ["before_change", "after_change"])
def test_whichever_change_fails_everything_stands_as_before(bench: Bench, moment: str) -> None:
    bench.push()
    whole = bench.plan(CHANGED, alerting=ALERTING)
    before = bench.own.state()
    assert len(whole.changes) >= 8
    for number in range(1, len(whole.changes) + 1):
        # an answer that is lost: the change may have been made or not
        fault = (lambda: No(500, "out of space")) if number % 2 else Dropped
        setattr(bench.own, moment, failing(bench.own.changes + number, fault))
        with pytest.raises(IocError) as caught:
            bench.push(CHANGED, alerting=ALERTING)
        assert "Everything stands as before the push." in caught.value.message, number
        assert bench.own.state() == before, number
    setattr(bench.own, moment, None)
    assert len(bench.push(CHANGED, alerting=ALERTING).changes) == len(whole.changes)
    assert bench.push(CHANGED, alerting=ALERTING).changes == []


def test_a_first_push_that_fails_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.own.state()
    for number in itertools.count(1):
        bench.own.after_change = failing(bench.own.changes + number, Dropped)
        try:
            bench.push(alerting=ALERTING)
        except IocError:
            assert bench.own.state() == before, number
        else:
            break
    assert number == 3 + 1 + len(BOARDS) + 1 + len(RULES) + 1


def test_a_network_that_stays_away_is_told_and_the_next_push_goes_on(bench: Bench) -> None:
    def leave(now: int) -> None:
        if now == 6:
            bench.own.away = True
            raise Dropped

    bench.own.before_change = leave
    with pytest.raises(HalfDoneError, match="Not taken back: ") as caught:
        bench.push(alerting=ALERTING)
    assert "push again: it goes on from there" in caught.value.remedy
    bench.own.away, bench.own.before_change = False, None
    rest = bench.push(alerting=ALERTING)
    assert rest.unchanged == 5
    assert bench.push(alerting=ALERTING).changes == []


def test_a_board_that_somebody_saves_while_we_push_is_kept(bench: Bench) -> None:
    bench.push()
    plan = bench.plan(CHANGED)
    bench.edit("ioc-wall-en", refresh="5s")
    before = bench.own.state()
    from dashboards.push.carrying import carry_out

    with pytest.raises(RefusedError, match="ioc-wall-en can't be saved as it was planned"):
        carry_out(bench.grafana, plan)
    assert bench.own.state() == before


def test_a_database_that_grafana_does_not_reach_is_told_and_taken_back(bench: Bench) -> None:
    bench.own.reaches = lambda *_: False
    with pytest.raises(UnavailableError) as caught:
        bench.push()
    assert (
        "does not reach the database at 127.0.0.1:5432 as ioc_grafana: pq: password authentication failed"
        in caught.value.message
    )
    assert "IOC_GRAFANA_DATABASE" in caught.value.remedy
    assert "only-for-tests" not in str(caught.value)
    assert bench.own.state() == Double().state()


def test_a_password_that_was_changed_is_set_anew_and_not_else(bench: Bench) -> None:
    def reaches(source: Mapping[str, Any], password: str) -> bool:
        return password == "changed"

    bench.push()
    bench.own.reaches = reaches
    changed = some_source(password=SecretStr("changed"))
    plan = bench.push(source=changed)
    assert len(plan.changes) == 1
    assert "its log-in is set anew" in plan.changes[0].text
    assert bench.push(source=changed).changes == []


def test_no_secret_is_in_what_is_said_or_shown(bench: Bench) -> None:
    said: list[str] = []
    for number in range(1, 14):
        bench.own.before_change = failing(
            bench.own.changes + number,
            lambda: No(400, f"bad {TOKEN} {WEBHOOK.settings['url']} only-for-tests"),
        )
        try:
            plan = bench.push(alerting=ALERTING)
        except IocError as error:
            said += [str(error), repr(error), error.message, str(error.args)]
    bench.own.before_change = None
    plan = bench.push(alerting=ALERTING)
    said += [repr(plan), *(one.text for one in plan.changes)]
    assert len(said) > 40
    for text in said:
        assert TOKEN not in text
        assert "hook-s3cret" not in text
        assert "only-for-tests" not in text


def test_a_push_killed_in_the_middle_is_gone_on_with_by_the_next(bench: Bench, tmp_path: Path) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def wait(now: int) -> None:
        if now == 6:
            reached.set()
            go_on.wait(60)
            raise Dropped

    bench.own.before_change = wait
    script = (
        "from tests.integration.pushing import Bench, some_source\n"
        "from ioc.settings import load\n"
        "Bench(load(), some_source()).push()\n"
    )
    environment = {**os.environ, "IOC_GRAFANA_URL": bench.own.url, "IOC_GRAFANA_TOKEN": TOKEN}
    pushing = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert reached.wait(60)
        pushing.send_signal(signal.SIGKILL)
        assert pushing.wait(60) == -signal.SIGKILL
    finally:
        pushing.kill()
        go_on.set()
    bench.own.before_change = None
    rest = bench.push()
    assert rest.unchanged == 5
    assert rest.changes
    assert bench.push().changes == []
