"""The real permit log through the shipped mapping."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.onestop.importing import Importer
from connectors.onestop.mapping import load
from ioc.events import encode
from tests.unit.connectors.onestop import Kept

COSELOG = Path(__file__).parents[3] / "deploy" / "mappings" / "coselog.toml"


@pytest.fixture
def log(shared: Path) -> Path:
    return shared / "data" / "permits-receipt.csv"


def test_the_known_totals(log: Path, tmp_path: Path) -> None:
    kept = Kept()
    report = Importer(load(COSELOG), tmp_path).run(log, lambda: kept)
    assert (report.rows, report.dossiers, report.rejected, report.disagreeing) == (8_577, 1_434, 0, 0)
    assert (len(kept.steps), len(kept.records)) == (8_577, 1_434)
    zone = ZoneInfo("Europe/Amsterdam")
    done = [record.data for record in kept.records if record.data.completed_at]
    late = [
        data
        for data in done
        if data.completed_at
        and data.due_at
        and data.completed_at.astimezone(zone).date() > data.due_at.astimezone(zone).date()
    ]
    assert (len(done), len(late)) == (1_329, 309)


def test_shuffled_and_imported_twice_it_is_the_same(log: Path, tmp_path: Path) -> None:
    header, *rows = log.read_text("utf-8").splitlines()
    random.Random(3).shuffle(rows)
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *rows]), "utf-8")
    kept, mixed, again = Kept(), Kept(), Kept()
    Importer(load(COSELOG), tmp_path / "a").run(log, lambda: kept)
    Importer(load(COSELOG), tmp_path / "b").run(shuffled, lambda: mixed)
    Importer(load(COSELOG), tmp_path / "a").run(shuffled, lambda: again)
    assert sorted(map(encode, kept.events)) == sorted(map(encode, mixed.events))
    assert again.ids == kept.ids


def test_no_officer_is_named_in_what_is_sent(log: Path, tmp_path: Path) -> None:
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    people = {row[column] for row in rows for column in ("org:resource", "case:responsible")}
    kept = Kept()
    Importer(load(COSELOG), tmp_path).run(log, lambda: kept)
    sent = b"".join(map(encode, kept.events)).decode()
    assert len(people) > 40
    assert not [
        person
        for person in people
        if f'"{person}"' in sent or (person.startswith("Resource") and person in sent)
    ]
