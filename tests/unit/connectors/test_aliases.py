"""Codes of one dossier: one key whatever a source calls it, merges told once, claims of two kept apart."""

from __future__ import annotations

import multiprocessing
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connectors.onestop.aliases import AliasStore, Conflict, Named, rekey, store_path
from connectors.onestop.importing import Importer
from ioc.errors import UnavailableError
from ioc.events import (
    DossierMerged,
    DossierProgress,
    DossierProgressed,
    DossierRecord,
    DossierRecorded,
)
from tests.unit.connectors.onestop import MAPPING, ROW, Kept, mapping, write

AT = datetime(2025, 9, 1, tzinfo=UTC)


def named(code: str, *aliases: str, source: str = "//a") -> Named:
    return Named(code, source, "u1", aliases)


def record(code: str, *aliases: str, source: str = "//a") -> DossierRecorded:
    return DossierRecorded(
        specversion="1.0",
        id=f"{source}{code}",
        source=source,
        subject=code,
        time=AT,
        data=DossierRecord(unit="u1", aliases=aliases),
    )


@pytest.fixture
def store(tmp_path: Path) -> AliasStore:
    return AliasStore(tmp_path / "aliases.sqlite")


def test_the_code_seen_first_counts_for_every_other_one(store: AliasStore) -> None:
    assert store.resolve([named("H1", "G1")]) == ["H1"]
    assert store.resolve([named("G1", source="//portal"), named("H2")]) == ["H1", "H2"]
    assert store.pending() == []


def test_within_one_call_later_declarations_count_for_earlier_facts(store: AliasStore) -> None:
    step = DossierProgressed(
        specversion="1.0",
        id="s",
        source="//p",
        subject="G1",
        time=AT,
        data=DossierProgress(unit="u1", step="x"),
    )
    found = rekey(store, [step, record("H1", "G1")])
    assert [event.subject for event in found] == ["H1", "H1"]
    assert [event.id for event in found] == ["s", "//aH1"], "ids keep to the code that the source uses"


def test_a_view_under_another_code_names_its_own_among_the_aliases(store: AliasStore) -> None:
    store.resolve([named("H1", "G1")])
    (found,) = rekey(store, [record("G1", "L7", source="//portal")])
    assert (found.subject, found.data.aliases) == ("H1", ("G1", "L7"))


def test_two_codes_in_use_that_turn_out_to_be_one_are_merged_and_told_until_confirmed(
    store: AliasStore,
) -> None:
    store.resolve([named("H1"), named("G1", source="//portal")])
    assert store.resolve([named("H1", "G1")]) == ["H1"]
    assert store.resolve([named("G1", source="//portal")]) == ["H1"]
    (merge,) = store.pending()
    assert isinstance(merge, DossierMerged)
    assert (merge.subject, merge.data.into, merge.data.unit) == ("G1", "H1", "u1")
    assert store.pending() == [merge], "the same fact until it is confirmed"
    store.confirm([merge])
    assert store.pending() == []


def test_a_third_code_that_two_dossiers_of_one_source_claim_ties_nothing_together(store: AliasStore) -> None:
    found = store.resolve([named("H1", "0000"), named("H2", "0000")])
    assert found == ["H1", "H2"]
    assert store.conflicts() == [Conflict("0000", "H2", "//a")]
    assert store.pending() == []
    # and neither through a third source that uses the claimed code itself
    assert store.resolve([named("0000", source="//portal")]) == ["H1"]
    assert store.resolve([named("H2", "0000")]) == ["H2"]


def test_a_source_may_say_of_two_codes_of_its_own_that_they_are_one(store: AliasStore) -> None:
    store.resolve([named("H1"), named("H2")])
    assert store.resolve([named("H2", "H1")]) == ["H1"]
    assert [(merge.subject, merge.data.into) for merge in store.pending()] == [("H2", "H1")]


def test_a_placeholder_gathers_no_crowd(store: AliasStore) -> None:
    for number in range(40):
        store.resolve([Named(f"X{number}", f"//s{number}", "u1", ("none",))])
    sizes = [len([n for n in range(40) if store.resolve([named(f"X{n}", source=f"//s{n}")]) == ["X0"]])]
    assert sizes[0] <= 16
    assert store.conflicts()


@hypothesis_settings(max_examples=80, deadline=None)
@given(
    said=st.lists(
        st.tuples(
            st.sampled_from("ABCDEF"),
            st.sampled_from(["//a", "//b"]),
            st.lists(st.sampled_from("ABCDEFXY"), max_size=3),
        ),
        max_size=12,
    )
)
def test_every_code_leads_to_one_that_leads_to_itself(said: list[tuple[str, str, list[str]]]) -> None:
    with AliasStore(Path(":memory:")) as store:
        for code, source, aliases in said:
            (canonical,) = store.resolve([Named(code, source, "u1", aliases)])
            assert store.resolve([Named(canonical, source, "u1")]) == [canonical]
        merges = store.pending()
        assert len({merge.subject for merge in merges}) == len(merges)
        for merge in merges:
            (kept,) = store.resolve([Named(merge.subject, "//a", "u1")])
            assert kept != merge.subject


def _claim(path: Path, source: str) -> None:
    with AliasStore(path) as store:
        for number in range(60):
            store.resolve([Named(f"H{number}", source, "u1", (f"G{number}",))])


def test_processes_share_one_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "aliases.sqlite"
    workers = [context.Process(target=_claim, args=(path, f"//{n}")) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with AliasStore(path) as store:
        assert store.resolve([named(f"G{n}", source="//x") for n in range(60)]) == [
            f"H{n}" for n in range(60)
        ]
        assert (store.pending(), store.conflicts()) == ([], [])


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "aliases.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(UnavailableError, match=r"aliases\.sqlite"):
        AliasStore(path)


WITH_ALIASES = MAPPING.replace(
    'code = "code"\nchannel', 'code = "code"\naliases = ["done"]\nchannel'
).replace('completed_at = "done"\n', "")


def test_a_file_is_keyed_by_the_code_that_counts_whatever_comes_first_in_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    meaning = mapping(tmp_path, WITH_ALIASES.replace('"hash"', '"drop"'))
    rows = [{**ROW, "code": "G1", "at": "2025-09-01T08:01:00"}, {**ROW, "code": "H1", "done": "G1"}]
    kept = Kept()
    report = Importer(meaning, state).run(write(tmp_path / "a.csv", rows), lambda: kept)
    assert len({event.subject for event in kept.events}) == 1
    assert report.merged == 0
    other = Kept()
    Importer(meaning, state).run(write(tmp_path / "b.csv", reversed(rows)), lambda: other)
    assert {event.id for event in other.events} == {event.id for event in kept.events}


def test_an_import_tells_merges_and_a_dry_run_learns_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    meaning = mapping(tmp_path, WITH_ALIASES)
    with AliasStore(store_path(state)) as store:
        store.resolve([named("H1", source="urn:test:town"), named("G1", source="//portal")])
    file = write(tmp_path / "a.csv", [{**ROW, "code": "H1", "done": "G1"}])
    Importer(meaning, state).run(file, None)
    with AliasStore(store_path(state)) as store:
        assert store.resolve([named("G1", source="//portal")]) == ["G1"]
    lost = Kept(away_after=100)
    with pytest.raises(UnavailableError):
        Importer(meaning, state).run(file, lambda: lost)
    kept = Kept()
    report = Importer(meaning, state).run(file, lambda: kept)
    assert report.merged == 1
    assert [(e.subject, e.data.into) for e in kept.events if isinstance(e, DossierMerged)] == [("G1", "H1")]
    assert sqlite3.connect(store_path(state)).execute("select sent from merge").fetchall() == [(1,)]
