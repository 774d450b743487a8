"""Parsers under fire: whatever bytes come, facts, rejected rows or one clear refusal, and never anything else."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connectors.onestop.aliases import AliasStore
from connectors.onestop.importing import Importer
from connectors.onestop.jsonlines import row_of
from connectors.onestop.mapping import Mapping
from connectors.onestop.reading import mapped_columns
from connectors.onestop.rows import Facts, Rejection, RowReader
from ioc.errors import InputError
from ioc.events import decode, encode
from tests.unit.connectors import formats
from tests.unit.connectors.onestop import COLUMNS, MAPPING, ROW, Kept, mapping, write
from tests.unit.connectors.test_formats import KINDS

FUZZ = hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
XES = MAPPING.replace('\ncode = "code"', '\ncode = "case:code"')


@cache
def seed(kind: str) -> bytes:
    """A good file of each kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [{**ROW, "code": f"c{n}"} for n in range(3)]
        log = '<log><trace><string key="code" value="c1"/><event><string key="step" value="a"/></event></trace></log>'
        made: dict[str, Callable[[], bytes]] = {
            "csv": lambda: write(folder / "a", rows).read_bytes(),
            "jsonl": lambda: formats.json_lines(folder / "a", rows).read_bytes(),
            "xlsx": lambda: formats.workbook(
                folder / "a", [COLUMNS, *([row[c] for c in COLUMNS] for row in rows)]
            ).read_bytes(),
            "xes": log.encode,
            "xes.gz": lambda: gzip.compress(log.encode()),
        }
        return made[kind]()


def survives(content: bytes, text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "file").write_bytes(content)
        kept = Kept()
        refused = False
        try:
            Importer(mapping(folder, text.replace('"hash"', '"drop"')), folder / "state").run(
                folder / "file", lambda: kept
            )
        except InputError:
            refused = True
        assert not (refused and kept.events)
        for event in kept.events:
            assert decode(encode(event)) == event


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx", "xes", "xes.gz"])
@FUZZ
@given(data=st.data())
def test_a_file_whose_bytes_were_changed(kind: str, data: st.DataObject) -> None:
    content = bytearray(seed(kind))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"<", b">", b'"', b"\0", b"\xff", b"&a;", b"]]>"])
        )
        content[place : place + data.draw(st.integers(0, 8))] = piece
        if not content:
            content = bytearray(b" ")
    survives(bytes(content), XES if kind.startswith("xes") else MAPPING)


@FUZZ
@given(
    content=st.binary(max_size=400),
    begin=st.sampled_from([b"", b"{", b"<log", b"PK\3\4", b"\x1f\x8b", b"code,at\n"]),
)
def test_bytes_of_any_kind(content: bytes, begin: bytes) -> None:
    survives(begin + content, MAPPING)


@FUZZ
@given(data=st.data())
def test_a_sheet_whose_tags_were_changed(data: st.DataObject) -> None:
    """Within a sound archive: its checksums would hide the parser otherwise."""
    changed = io.BytesIO()
    tags = (b'<c r="A1" t="s"><v>9</v></c>', b'<row r="-1">', b's="99"', b't="d"', b"<v>1e400</v>", b"nan")
    with zipfile.ZipFile(io.BytesIO(seed("xlsx"))) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.namelist():
            content = bytearray(old.read(part))
            if part.endswith(("sheet1.xml", "styles.xml", "workbook.xml")) and data.draw(st.booleans()):
                place = data.draw(st.integers(0, len(content) - 1))
                piece = data.draw(st.sampled_from(tags) | st.binary(max_size=3))
                content[place : place + data.draw(st.integers(0, 12))] = piece
            new.writestr(part, bytes(content))
    survives(changed.getvalue(), MAPPING)


@cache
def kinds() -> Mapping:
    with tempfile.TemporaryDirectory() as name:
        return mapping(Path(name), KINDS)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
)
likely = st.sampled_from(
    [
        "HS",
        "XL",
        "DG",
        "TT",
        "BS",
        "1",
        "0",
        "có",
        "150.000 đ",
        "02/09/2025 08:00",
        "01/01/0001 00:00",
        "31/12/9999 23:59",
        "²",
    ]
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    item=st.dictionaries(st.sampled_from(sorted(set(mapped_columns(kinds())[0]))), likely | values)
    | st.lists(values, max_size=2)
    | scalars
)
def test_objects_of_any_shape_are_facts_or_a_reason(item: Any) -> None:
    """As a REST source may send them: what comes out can travel, what is refused is not repeated."""
    from datetime import UTC, datetime

    header, positions = mapped_columns(kinds())
    reader = RowReader(kinds(), header, positions, datetime(2026, 1, 1, tzinfo=UTC))
    found = reader.read(row_of(item, header, 1))
    assert isinstance(found, Facts | Rejection)
    if isinstance(found, Facts):
        for event in found.happenings:
            assert decode(encode(event)) == event
        assert len(found.code) <= 50
    else:
        assert found.column == "" or found.column in header
        texts = [v for v in item.values() if isinstance(v, str)] if isinstance(item, dict) else []
        assert not [
            text for text in texts if len(text) > 12 and text in json.dumps(vars(found), ensure_ascii=False)
        ]


@FUZZ
@given(
    codes=st.lists(
        st.text(min_size=1, max_size=50).filter(lambda t: not any("\ud800" <= c <= "\udfff" for c in t))
    )
)
def test_codes_of_any_kind_can_be_kept(codes: list[str]) -> None:
    from connectors.onestop.aliases import Named

    with AliasStore(Path(":memory:")) as store:
        found = store.resolve([Named(code, "//a", "u1", codes[:3]) for code in codes])
        assert len(found) == len(codes)
