"""Boards as they are built: the same bytes each time, in both languages, without what changes by itself."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.boards import PLANS
from dashboards.build import build
from dashboards.lint import lint
from dashboards.model import DATA_SOURCE_UID, Language
from dashboards.query import listed, parts, series, tile, units
from dashboards.reading import panels, queries
from dashboards.words import decimals_of, name_of, unit_of
from dashboards.writing import differences, write
from ioc.errors import UsageError
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.errors import UnknownKpiError

_DIGEST = (
    "import hashlib; from dashboards.build import build;"
    "print(hashlib.sha256(b''.join(b.json() for b in build().boards)).hexdigest())"
)


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_every_process_builds_the_same_bytes(seed: str) -> None:
    here = hashlib.sha256(b"".join(board.json() for board in build().boards)).hexdigest()
    said = subprocess.run(
        [sys.executable, "-c", _DIGEST],
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == here


def test_documents_are_plain_json_without_what_grafana_gives_itself() -> None:
    for board in build().boards:
        text = board.json()
        assert json.loads(text) == board.document
        assert text.endswith(b"}\n")
        assert not {"id", "version", "iteration"} & set(board.document)
        assert board.document["uid"] == board.uid


def test_each_board_is_there_in_both_languages_with_nothing_of_the_other() -> None:
    bundle = build()
    assert len(bundle.boards) == 2 * len(PLANS) == 18
    vietnamese = {
        board.uid.removesuffix("-vi"): board for board in bundle.boards if board.uid.endswith("-vi")
    }
    for board in bundle.boards:
        if not board.uid.endswith("-en"):
            continue
        twin = vietnamese[board.uid.removesuffix("-en")]
        said = [
            (a["description"], b["description"]) for a, b in zip(panels(board), panels(twin), strict=True)
        ]
        assert all(one != other for one, other in said), board.uid
        words = " ".join(str(panel["title"]) for panel in panels(board))
        assert not set(words.lower()) & set("ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"), words


def test_they_keep_every_rule() -> None:
    assert [str(fault) for fault in lint(build())] == []


def test_every_indicator_is_on_a_board() -> None:
    text = " ".join(found.sql for board in build().boards for found in queries(board))
    assert [kpi for kpi in CATALOGUE if f"'{kpi}'" not in text] == []


def test_links_lead_to_the_address_that_people_use() -> None:
    for board in build(public_url="https://ioc.example.vn/").boards:
        (variable,) = (v for v in board.document["templating"]["list"] if v["name"] == "ioc_url")
        assert variable["query"] == "https://ioc.example.vn"
        assert "127.0.0.1" not in board.json().decode()


def test_the_data_source_has_its_fixed_uid_everywhere() -> None:
    bundle = build()
    assert bundle.data_source.uid == DATA_SOURCE_UID
    assert {found.source for board in bundle.boards for found in queries(board)} == {DATA_SOURCE_UID}


# -- queries --------------------------------------------------------------------------------------------


def test_an_indicator_that_is_not_in_the_catalogue_has_no_query() -> None:
    for make in (
        lambda: series("dossier.opne", Language.VI, label="x"),
        lambda: tile("dossier.opne", Language.VI),
        lambda: units(
            ["dossier.opne"], Language.VI, head="a", stands="b", lacks="c", names={"dossier.opne": "d"}
        ),
    ):
        with pytest.raises(UnknownKpiError):
            make()


def test_a_dimension_that_an_indicator_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no dimension service"):
        series("dossier.open", Language.VI, label="x", by="service")
    with pytest.raises(ValueError, match="no dimension device"):
        parts("queue.waiting", Language.VI, by="device", most=5, head="a", label="b")


def test_an_indicators_function_can_not_be_asked_as_a_list() -> None:
    with pytest.raises(ValueError, match="by an indicator's id"):
        listed("kpi_now", [])


def test_texts_of_people_are_quoted() -> None:
    assert "'O''Neil' AS metric" in series("dossier.open", Language.EN, label="O'Neil").raw_sql
    assert 'AS "a""b"' in listed("units", ["'vi'"], {'a"b': "name"}).raw_sql


def test_units_of_measure_are_the_catalogues() -> None:
    for kpi in CATALOGUE.values():
        for language in Language:
            assert unit_of(kpi, language)
            assert name_of(kpi, language)
        decimals = decimals_of(kpi)
        assert decimals is None or 0 <= decimals <= 2
    assert unit_of(CATALOGUE["dossier.on_time_rate"], Language.VI) == "percentunit"
    assert unit_of(CATALOGUE["dossier.processing_days_p50"], Language.VI) == "suffix:ngày làm việc"


# -- files ----------------------------------------------------------------------------------------------


def test_files_are_written_once_and_held_against_what_is_built(tmp_path: Path) -> None:
    bundle = build()
    assert len(differences(bundle, tmp_path)) == 18
    assert write(bundle, tmp_path) == 18
    assert write(bundle, tmp_path) == 0
    assert differences(bundle, tmp_path) == []
    first = tmp_path / "ioc-vi" / "ioc-wall-vi.json"
    first.write_text("{}")
    (tmp_path / "ioc-vi" / "ioc-gone-vi.json").write_text("{}")
    (tmp_path / "ioc-vi" / "mine.json").write_text("{}")
    assert differences(bundle, tmp_path) == [
        f"{first} is another board",
        f"{tmp_path / 'ioc-vi' / 'ioc-gone-vi.json'} is of no board",
    ]
    assert write(bundle, tmp_path) == 1
    assert differences(bundle, tmp_path) == []
    assert (tmp_path / "ioc-vi" / "mine.json").exists()


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "ioc-vi").write_text("a file")
    with pytest.raises(UsageError, match="can't be written"):
        write(build(), tmp_path)
