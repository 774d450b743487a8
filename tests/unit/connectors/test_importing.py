"""What importing a one-stop export means: ids, versions, order, persons."""

from __future__ import annotations

import itertools
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connectors.onestop.importing import Importer
from connectors.shared.privacy import destroy_key, key_path
from ioc.errors import UnavailableError
from ioc.events import Channel, encode, order_key
from tests.unit.connectors.onestop import MAPPING, ROW, Kept, mapping, run, write


def test_each_row_is_a_step_and_each_dossier_one_whole_view(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "step": "check", "at": "2025-09-02T09:00:00"}, {**ROW, "code": "H53-250901-0002"}]
    report, kept = run(tmp_path, rows)
    assert (report.rows, report.dossiers, report.published, report.rejected) == (3, 2, 5, 0)
    assert [step.data.step for step in kept.steps] == ["accept", "accept", "check"]
    record = kept.records[0]
    assert record.data.channel is Channel.ONLINE
    assert record.data.received_at is not None
    assert record.data.received_at.isoformat() == "2025-09-01T01:00:00+00:00", "no offset: the unit's zone"
    assert record.time == record.data.received_at
    assert record.data.completed_at is None


def test_importing_again_gives_only_duplicates(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "code": "other"}]
    _, first = run(tmp_path, rows)
    report, second = run(tmp_path, rows)
    assert sorted(map(encode, second.events)) == sorted(map(encode, first.events))
    assert report.unchanged == 2


def test_a_row_that_stands_twice_is_sent_once(tmp_path: Path) -> None:
    report, kept = run(tmp_path, [ROW, ROW])
    assert (report.repeated, len(kept.steps), len(kept.records)) == (1, 1, 1)


def test_four_five_four_is_three_facts_and_a_resent_four_none(tmp_path: Path) -> None:
    four, five = ROW, {**ROW, "due": "2025-09-15T17:00:00"}
    facts = [run(tmp_path, [row])[1].records[0] for row in (four, five, four, four)]
    assert len({fact.id for fact in facts}) == 3
    assert facts[2].id == facts[3].id
    assert facts[2].id != facts[0].id
    in_order = sorted(facts[:3], key=order_key)
    assert [fact.data.due_at for fact in in_order] == [fact.data.due_at for fact in facts[:3]]


def test_a_correction_that_takes_the_latest_date_away_still_comes_last(tmp_path: Path) -> None:
    done = run(tmp_path, [{**ROW, "done": "2025-09-08T10:00:00"}])[1].records[0]
    reopened = run(tmp_path, [ROW])[1].records[0]
    assert reopened.data.completed_at is None
    assert order_key(reopened) > order_key(done)


def test_a_version_is_remembered_as_known_only_after_the_acknowledgement(tmp_path: Path) -> None:
    lost = Kept(away_after=10)
    with pytest.raises(UnavailableError):
        run(tmp_path, [ROW], lost)
    report, retried = run(tmp_path, [ROW])
    assert report.unchanged == 0
    assert retried.ids == lost.ids, "what may have arrived keeps its ids"


def test_contents_never_share_a_version_even_when_sending_one_failed(tmp_path: Path) -> None:
    lost = Kept(away_after=10)
    with pytest.raises(UnavailableError):
        run(tmp_path, [ROW], lost)
    _, changed = run(tmp_path, [{**ROW, "due": "2025-09-15T17:00:00"}])
    assert changed.records[0].sequence > lost.records[0].sequence


def test_rows_that_disagree_about_their_dossier(tmp_path: Path) -> None:
    early = {**ROW, "due": "2025-09-10T17:00:00", "at": "2025-09-01T08:05:00"}
    late = {**ROW, "due": "2025-09-20T17:00:00", "at": "2025-09-05T08:05:00", "step": "prolong"}
    for rows in ([early, late], [late, early]):
        with tempfile.TemporaryDirectory() as folder:
            report, kept = run(Path(folder), rows)
            assert report.disagreeing == 1
            assert kept.records[0].data.due_at is not None
            assert kept.records[0].data.due_at.day == 20, "the row with the latest moment counts"


_TIMES = [f"2025-09-0{day}T{hour:02}:00:00" for day, hour in itertools.product((1, 2, 3), (8, 14))]
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["a", "b", "c"]),
            "channel": st.sampled_from(["web", "desk", "pigeon", ""]),
            "received": st.sampled_from([*_TIMES, "", "yesterday"]),
            "due": st.sampled_from([*_TIMES, ""]),
            "done": st.sampled_from([*_TIMES, ""]),
            "step": st.sampled_from(["x", "y"]),
            "at": st.sampled_from([*_TIMES, ""]),
            "officer": st.sampled_from(["p", ""]),
            "applicant": st.just("q"),
        }
    ),
    min_size=1,
    max_size=12,
)


def _same(kept: Kept) -> Kept:
    return kept


@hypothesis_settings(max_examples=60, deadline=None)
@given(rows=_ROWS, data=st.data())
def test_the_order_of_rows_changes_nothing(rows: list[dict[str, str]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    sent = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, order in enumerate((rows, shuffled)):
            state = folder / f"state{number}"
            (state / "secrets").mkdir(parents=True)
            key_path(state, "urn:test:town").write_text("ab" * 32)
            file = write(folder / "export.csv", order)
            kept = Kept()
            Importer(mapping(folder), state).run(file, partial(_same, kept))
            sent.append(sorted(map(encode, kept.events)))
    assert sent[0] == sent[1]


def test_a_source_with_a_change_time_gives_one_fact_for_each_change(tmp_path: Path) -> None:
    text = """
name = "dated"
source = "urn:test:dated"
[dossier]
code = "code"
unit = "channel"
due_at = "due"
received_at = "received"
changed_at = "at"
"""
    meaning = mapping(tmp_path, text)
    rows = [
        {**ROW, "at": f"2025-09-0{day}T08:00:00", "due": f"2025-09-{due}T17:00:00"}
        for day, due in ((1, 10), (2, 15), (3, 10))
    ]
    kept, again = Kept(), Kept()
    Importer(meaning, tmp_path / "state").run(write(tmp_path / "a.csv", rows), lambda: kept)
    Importer(meaning, tmp_path / "state").run(write(tmp_path / "b.csv", reversed(rows)), lambda: again)
    assert [record.time.day for record in kept.records] == [1, 2, 3]
    assert len(kept.ids) == 3
    assert again.ids == kept.ids
    assert {record.data.unit for record in kept.records} == {"web"}


def test_persons_do_not_travel(tmp_path: Path) -> None:
    report, kept = run(tmp_path, [ROW, {**ROW, "received": "not a date", "at": ""}])
    sent = b"".join(map(encode, kept.events)).decode()
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "state" / "imports").glob("*.csv"))
    assert report.rejected == 1
    for secret in ("Thử", "Mẫu", "Nguyễn"):
        assert secret not in sent
        assert secret not in written
        assert secret not in repr(report)


def test_a_hashed_person_is_linkable_until_the_key_is_destroyed(tmp_path: Path) -> None:
    first = run(tmp_path, [ROW])[1].steps[0].data.handler
    same = run(tmp_path, [{**ROW, "officer": " lê thị thử ", "step": "b"}])[1].steps[0].data.handler
    assert first == same
    assert first is not None
    assert len(first) == 32
    key = key_path(tmp_path / "state", "urn:test:town")
    assert key.stat().st_mode & 0o077 == 0
    assert destroy_key(key)
    assert not key.exists()
    assert run(tmp_path, [ROW])[1].steps[0].data.handler != first


def test_a_dropped_person_leaves_no_handler_and_no_key(tmp_path: Path) -> None:
    meaning = mapping(tmp_path, MAPPING.replace('"hash"', '"drop"'))
    kept = Kept()
    Importer(meaning, tmp_path / "state").run(write(tmp_path / "a.csv", [ROW]), lambda: kept)
    assert kept.steps[0].data.handler is None
    assert not key_path(tmp_path / "state", "urn:test:town").exists()


def test_a_dry_run_reports_the_same_and_changes_nothing(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "code": ""}]
    file = write(tmp_path / "export.csv", rows)
    dry = Importer(mapping(tmp_path), tmp_path / "state").run(file, None)
    real, kept = run(tmp_path, rows)
    assert (dry.rows, dry.dossiers, dry.rejected, dry.unchanged) == (
        real.rows,
        real.dossiers,
        real.rejected,
        0,
    )
    assert dry.would_publish == real.published == len(kept.events)
    assert dry.published == 0
    assert kept.records[0].sequence == f"{1:012d}", "the dry run gave no version away"


def test_two_imports_of_one_source_do_not_run_at_a_time(tmp_path: Path) -> None:
    class Nested(Kept):
        def flush(self) -> None:
            with pytest.raises(UnavailableError, match="Another import"):
                run(tmp_path, [ROW])

    _, kept = run(tmp_path, [ROW], Nested())
    assert kept.events
