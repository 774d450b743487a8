"""Files made to hurt: a reason, nothing sent, and memory that does not follow them."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.onestop.importing import Importer
from ioc.errors import InputError
from tests.unit.connectors import formats
from tests.unit.connectors.onestop import COLUMNS, MAPPING, ROW, Kept, mapping, write

MIB = 1024 * 1024
XES = MAPPING.replace('\ncode = "code"', '\ncode = "case:code"')


def told(tmp_path: Path, file: Path, text: str = MAPPING) -> str:
    """Why a file was refused; nothing was sent and nothing is left behind."""
    kept = Kept()
    with pytest.raises(InputError) as caught:
        Importer(mapping(tmp_path, text), tmp_path / "state").run(file, lambda: kept)
    assert kept.events == []
    assert not list((tmp_path / "state").rglob("*.staging.sqlite"))
    return str(caught.value)


def book(tmp_path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A good workbook whose parts were changed."""
    good = formats.workbook(tmp_path / "good.xlsx", [COLUMNS, [ROW[name] for name in COLUMNS]])
    bad = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
    return bad


def in_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda part, content: content.replace(old, new, 1) if part.endswith("sheet1.xml") else content


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ENTITIES + b"<log>&b;</log>", "a document type or entities"),
        (b'<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', "a document type or entities"),
        (b"<log>&unknown;</log>", "not well-formed XML"),
        (b"<log><trace></log>", "not well-formed XML: mismatched tag in line 1"),
        (b"<log><trace>", "not well-formed XML"),
        (b'<?xml version="1.0" encoding="utf-9"?><log/>', "not well-formed XML|can't be decoded"),
        (b"<log>\xff\xfe</log>", "not well-formed XML"),
        (b"<log>" + b"<a>" * 200, "nested more than 100 deep"),
        (b"<log>" + b"a" * (2 * MIB) + b"</log>", "a text of more than"),
        (b'<log a="' + b"a" * (3 * MIB) + b'"/>', "a tag of more than"),
        (b"<log><!--" + b"a" * (3 * MIB) + b"--></log>", "a tag of more than"),
        (b"<other/>", "other XML, not an event log"),
        (b"<log><trace>" + b"<event/>" * 20_001 + b"</trace></log>", "a trace of more than"),
    ],
)
def test_event_logs_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    for name, body in (("a.xes", content), ("a.xes.gz", gzip.compress(content))):
        file = tmp_path / name
        file.write_bytes(body)
        with pytest.raises(InputError, match=said):
            Importer(mapping(tmp_path, XES), tmp_path / "state").run(file, None)


def test_packed_logs_that_are_cut_off_or_bombs(tmp_path: Path) -> None:
    whole = gzip.compress(b"<log>" + json.dumps(list(range(9999))).encode() + b"</log>")
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as stream:
        stream.write(b"<log>")
        for _ in range(64):
            stream.write(b"<a/>" * (MIB // 4))
    cases = {
        "cut": (whole[: len(whole) // 2], "damaged or cut off"),
        "flipped": (whole[:200] + b"\xff" * 9 + whole[209:], "damaged or cut off|not well-formed"),
        "bomb": (bomb.getvalue(), "a gzip bomb"),
    }
    for name, (content, said) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=said):
            Importer(mapping(tmp_path, XES), tmp_path / "state").run(tmp_path / name, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_sheet(b"<worksheet", ENTITIES + b"<worksheet"), "a document type or entities"),
        (in_sheet(b"</row>", b""), "not well-formed XML"),
        (lambda p, c: b"" if p == "xl/workbook.xml" else c, "not well-formed XML"),
        (lambda p, c: b"<x/>" if p == "xl/workbook.xml" else c, "it has no sheet"),
        (lambda p, c: b"<x/>" if p.endswith("workbook.xml.rels") else c, "it has no sheet"),
        (in_sheet(b"<sheetData>", b"<sheetData>" + b"<x>" * 120), "nested more than"),
        (in_sheet(b"<sheetData>", b"<sheetData>" + b" " * (20 * MIB)), "a zip bomb|a text of more"),
        (in_sheet(b"<t>", b"<t>" + b"1" * (2 * MIB)), "a text of more"),
        (
            lambda p, c: c if p != "xl/styles.xml" else b"<s>" + b"<xf/>" * (2 * MIB) + b"</s>",
            "8 MiB is the most",
        ),
    ],
)
def test_workbooks_that_are_none(tmp_path: Path, change: Callable[[str, bytes], bytes], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Importer(mapping(tmp_path), tmp_path / "state").run(book(tmp_path, change), None)


def test_archives_that_are_no_workbooks(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "another kind of archive" in told(tmp_path, other)
    good = formats.workbook(tmp_path / "good.xlsx", [COLUMNS, [ROW[name] for name in COLUMNS]]).read_bytes()
    for cut in (30, len(good) // 2, len(good) - 5):
        (tmp_path / "cut.xlsx").write_bytes(good[:cut])
        assert "damaged or locked" in told(tmp_path, tmp_path / "cut.xlsx")
    doubled = tmp_path / "doubled.xlsx"
    with zipfile.ZipFile(doubled, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/workbook.xmX", "<y/>")
    doubled.write_bytes(doubled.read_bytes().replace(b"workbook.xmX", b"workbook.xml"))
    assert "two of one name" in told(tmp_path, doubled)


def test_row_and_column_numbers_beyond_any_sheet_cost_nothing(tmp_path: Path) -> None:
    def wild(part: str, content: bytes) -> bytes:
        if not part.endswith("sheet1.xml"):
            return content
        far = b'<row r="999999999"><c r="ZZZ9999999" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
        return content.replace(b"</sheetData>", far)

    report = Importer(mapping(tmp_path), tmp_path / "state").run(book(tmp_path, wild), None)
    assert (report.rows, report.rejected) == (1, 0)


def test_lines_of_many_megabytes_cost_only_themselves(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", [ROW, {**ROW, "code": "second"}]).read_text("utf-8").splitlines()
    csv_file = tmp_path / "long.csv"
    csv_file.write_text(
        "\n".join([good[0], good[1], "x" * (5 * MIB), good[2], '"' + "y\n" * 3_000, good[2]]), "utf-8"
    )
    report = Importer(mapping(tmp_path), tmp_path / "state").run(csv_file, None)
    assert report.dossiers == 2
    reasons = [fault.reason for fault in report.rejections]
    assert any("a line of more than" in reason for reason in reasons)
    assert any("does not end within 1000 lines" in reason for reason in reasons)
    lines = (
        formats.json_lines(tmp_path / "a.jsonl", [ROW, {**ROW, "code": "second"}])
        .read_text("utf-8")
        .splitlines()
    )
    lines_file = tmp_path / "long.jsonl"
    hostile = [
        '{"code": "' + "x" * (3 * MIB) + '"}',
        "[" * 5_000,
        "{",
        "7",
        "null",
        '{"code": 1e999}',
        '{"code": "\\ud800"}',
    ]
    lines_file.write_text("\n".join([lines[0], *hostile, lines[1]]), "utf-8")
    report = Importer(mapping(tmp_path), tmp_path / "state").run(lines_file, None)
    assert (report.dossiers, report.rejected) == (2, len(hostile))


def test_json_lines_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(
        "\n".join(f'{{"code": "Ti\xe9p nh\xe2n {n}", "at": "x"}}' for n in range(9)).encode("latin-1")
    )
    assert "not utf-8" in told(tmp_path, file)
    file.write_bytes('{"code": "x"}'.encode("utf-16"))
    assert "UTF-16" in told(tmp_path, file)


def test_a_clock_ahead_by_a_year_and_updates_that_contradict_one_another(tmp_path: Path) -> None:
    text = MAPPING.replace("[progress]", 'changed_at = "at"\n[progress]')
    rows = [
        {
            **ROW,
            "at": "2026-01-02T08:00:00",
            "received": "2026-01-01T08:00:00",
            "due": f"2026-02-{day:02}T17:00:00",
        }
        for day in (1, 2, 2)
    ]
    ahead = {**ROW, "at": "2199-01-01T00:00:00"}
    torn = {**ROW, "at": "2025-09-01T08:00:00", "done": "2025-12-01T08:00:00"}
    kept = Kept()
    meaning = mapping(tmp_path, text)
    report = Importer(meaning, tmp_path / "state").run(
        write(tmp_path / "a.csv", [*rows, ahead, torn]), lambda: kept
    )
    assert [(fault.line, fault.reason) for fault in report.rejections] == [
        (5, "it lies in the future"),
        (6, "the row knows of later moments than its own change time"),
    ]
    assert len(kept.records) == 2, "both contents are facts of their time; the repeated one is none"


MEASURE = """
import sys
from pathlib import Path
from connectors.onestop.importing import Importer
from connectors.onestop.mapping import load
from ioc.errors import InputError
folder, names = Path(sys.argv[1]), sys.argv[2:]
def peak():  # not getrusage: its peak is inherited from the process that started this one
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
import openpyxl.styles.numbers, connectors.onestop.xes, connectors.onestop.workbook, connectors.onestop.jsonlines
before = peak()
for name in names:
    try:
        meaning = load(folder / ("xes.toml" if ".xes" in name else "town.toml"))
        Importer(meaning, folder / "state").run(folder / name, None)
    except InputError:
        pass
print(peak() - before)
"""


def test_memory_does_not_follow_hostile_files(tmp_path: Path) -> None:
    """The whole process's memory, parsers written in C included."""
    mapping(tmp_path, XES)
    (tmp_path / "town.toml").rename(tmp_path / "xes.toml")
    mapping(tmp_path)
    header = ",".join(COLUMNS)
    with (tmp_path / "line.csv").open("w") as file:
        file.write(header + "\n")
        for _ in range(100):
            file.write("x" * MIB)
        file.write('\n"')
        for _ in range(20):
            file.write("y" * MIB)
    with (tmp_path / "line.jsonl").open("w") as file:
        file.write(json.dumps(ROW) + '\n{"code": "')
        for _ in range(100):
            file.write("x" * MIB)
        file.write('"}\n')
    with gzip.open(tmp_path / "tag.xes.gz", "wb", 1) as packed:
        packed.write(b'<log a="')
        for _ in range(100):
            packed.write(b"a" * MIB)
    with gzip.open(tmp_path / "rows.xes.gz", "wb", 1) as packed:
        packed.write(b"<log>")
        event = (
            b'<event><string key="step" value="s"/><string key="other" value="' + b"x" * 400 + b'"/></event>'
        )
        for number in range(60):
            packed.write(b'<trace><string key="code" value="c%d"/>' % number + event * 1_000 + b"</trace>")
        packed.write(b"</log>")

    def cells(part: str, content: bytes) -> bytes:
        cell = b'<c r="A9" t="inlineStr"><is>' + b"<r><t>x</t></r>" * 2_000_000 + b"</is></c>"
        return (
            content.replace(b"</sheetData>", b"<row>" + cell + b"</row></sheetData>")
            if "sheet1" in part
            else content
        )

    book(tmp_path, cells)
    names = ["line.csv", "line.jsonl", "tag.xes.gz", "rows.xes.gz", "bad.xlsx"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), *names],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert int(done.stdout) < 80, "MiB beyond the imported modules"
