"""Files that can't be read say so clearly and send nothing; rows that can't be read cost only themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.onestop.importing import Importer, Report
from connectors.onestop.mapping import load, resolve
from ioc.errors import InputError, UsageError
from tests.unit.connectors.onestop import MAPPING, ROW, Kept, mapping, run, write


def refused(tmp_path: Path, file: Path, text: str = MAPPING) -> str:
    """Import a file that must be refused as a whole; returns the whole message."""
    kept = Kept()
    with pytest.raises(InputError) as caught:
        Importer(mapping(tmp_path, text), tmp_path / "state").run(file, lambda: kept)
    assert kept.events == []
    assert not list((tmp_path / "state").rglob("*.staging.sqlite")), "the staging file is gone"
    return str(caught.value)


def raw(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "raw.csv"
    path.write_bytes(content)
    return path


def test_a_missing_file(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path, tmp_path / "nowhere.csv")


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    assert "it is empty" in refused(tmp_path, raw(tmp_path, content))


def test_a_header_without_rows(tmp_path: Path) -> None:
    assert "a header and no rows" in refused(tmp_path, write(tmp_path / "a.csv", []))


def test_a_wrong_column_is_named_beside_those_found(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW])
    file.write_text(file.read_text("utf-8").replace("received", "arrived", 1), "utf-8")
    message = refused(tmp_path, file)
    assert "lacks received" in message
    assert "arrived" in message


def test_a_wrong_separator_is_recognised(tmp_path: Path) -> None:
    message = refused(tmp_path, write(tmp_path / "a.csv", [ROW], separator=";"))
    assert "a semicolon" in message
    assert "file.separator = ';'" in message


def test_a_wrong_encoding_names_the_first_line(tmp_path: Path) -> None:
    header = ",".join(ROW)
    lines = [f"case-{n},web,2025-09-01T08:00:00,,,Ti\xe9p nh\xe2n,2025-09-01T08:05:00,x,y" for n in range(50)]
    message = refused(tmp_path, raw(tmp_path, "\n".join([header, *lines]).encode("latin-1")))
    assert "50 of 50 rows hold bytes that are not utf-8" in message
    assert "line 2" in message


def test_one_bad_byte_costs_one_row(tmp_path: Path) -> None:
    lines = [f"case-{n},web,2025-09-01T08:00:00,,,step,2025-09-01T08:05:00,x,y".encode() for n in range(200)]
    lines[7] = lines[7].replace(b"step", b"st\xff\xfe")
    kept = Kept()
    file = raw(tmp_path, b"\n".join([",".join(ROW).encode(), *lines]))
    report = Importer(mapping(tmp_path), tmp_path / "state").run(file, lambda: kept)
    assert (report.rejected, report.dossiers) == (1, 199)
    assert (report.rejections[0].line, report.rejections[0].column) == (9, "step")
    assert "not utf-8" in report.rejections[0].reason


def test_utf_16_is_told_by_its_mark_and_read_when_the_mapping_says_so(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW], encoding="utf-16")
    assert "the mark of UTF-16" in refused(tmp_path, file)
    kept = Kept()
    meaning = mapping(tmp_path, MAPPING + '\n[file]\nencoding = "utf-16"\n')
    assert Importer(meaning, tmp_path / "state").run(file, lambda: kept).published == 2


def test_a_byte_order_mark_of_utf_8_does_no_harm(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW], encoding="utf-8-sig")
    assert Importer(mapping(tmp_path), tmp_path / "state").run(file, None).would_publish == 2


def test_a_binary_file(tmp_path: Path) -> None:
    assert "a binary file" in refused(tmp_path, raw(tmp_path, b"\x7fELF\0\0\0\x08" * 50))


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"received": "31/09/2025"}, "received", "not an ISO 8601 time"),
        ({"received": "1200-01-01T00:00:00"}, "received", "between the years"),
        ({"received": "2099-01-01T00:00:00"}, "received", "in the future"),
        ({"at": "2099-01-01T00:00:00"}, "at", "in the future"),
        ({"code": ""}, "code", "needs a code"),
        ({"code": "x" * 51}, "code", "50 characters at most"),
        ({"step": "x" * 201}, "step", "200 characters at most"),
        ({"received": "", "at": ""}, "received", "no moment"),
    ],
)
def test_a_bad_row_is_listed_and_the_others_go_on(
    tmp_path: Path, change: dict[str, str], column: str, reason: str
) -> None:
    report, kept = run(tmp_path, [ROW, {**ROW, "code": "H53-bad", **change}, {**ROW, "code": "H53-last"}])
    assert (report.rejected, report.dossiers) == (1, 2)
    fault = report.rejections[0]
    assert (fault.line, fault.column) == (3, column)
    assert reason in fault.reason
    assert {record.subject for record in kept.records} == {ROW["code"], "H53-last"}
    assert report.rejected_file is not None
    assert report.rejected_file.read_text("utf-8").splitlines()[1].startswith(f"3,{column},")


def test_a_row_of_the_wrong_width(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW])
    file.write_text(file.read_text("utf-8") + "only,three,fields\n", "utf-8")
    kept = Kept()
    report = Importer(mapping(tmp_path), tmp_path / "state").run(file, lambda: kept)
    assert report.rejections[0].reason == "3 fields where the header has 9"
    assert len(kept.events) == 2


def test_a_quote_that_never_ends_is_reported_with_its_lines(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW])
    file.write_text(file.read_text("utf-8") + '"open,web\nnext,line\n', "utf-8")
    report = Importer(mapping(tmp_path), tmp_path / "state").run(file, None)
    assert (report.rejected, report.dossiers) == (1, 1)
    assert "lines 3 to 4" in report.rejections[0].reason


def test_only_twenty_rejections_are_listed_and_all_are_written(tmp_path: Path) -> None:
    report, _ = run(tmp_path, [ROW, *({**ROW, "code": ""} for _ in range(30))])
    assert (report.rejected, len(report.rejections)) == (30, 20)
    assert report.rejected_file is not None
    assert len(report.rejected_file.read_text("utf-8").splitlines()) == 31


def test_a_value_that_is_not_in_the_list_is_unknown_and_counted(tmp_path: Path) -> None:
    report, kept = run(tmp_path, [{**ROW, "channel": "pigeon"}])
    assert kept.records[0].data.channel is None
    assert report.unmapped["channel"] == 1


def test_large_files_are_read_with_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    def measure(rows: int) -> tuple[Report, int]:
        file = write(
            tmp_path / f"{rows}.csv",
            ({**ROW, "code": f"case-{n}", "applicant": "x" * 500} for n in range(rows)),
        )
        importer = Importer(mapping(tmp_path), tmp_path / "state")
        tracemalloc.start()
        report = importer.run(file, None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return report, peak

    _, small = measure(500)
    report, large = measure(12_000)
    assert report.dossiers == 12_000
    assert large < small + 8 * 1024 * 1024, "memory does not follow the file's size"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("source", "sauce"), "unknown field"),
        (('"online"', '"onlin"'), "channels are"),
        (("Asia/Ho_Chi_Minh", "Asia/Nowhere"), "Asia/Nowhere"),
        (('[dossier]\ncode = "code"', '[dossier]\nunit = "u"\ncode = "code"'), "exactly one"),
        (("[unit]", "[unit"), "TOML"),
    ],
)
def test_a_mapping_that_can_not_be_used_says_why(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(InputError) as caught:
        mapping(tmp_path, MAPPING.replace(*change, 1))
    if told != "TOML":
        assert told in str(caught.value)


def test_shipped_mappings_are_found_by_name_and_can_be_used() -> None:
    shipped = Path(__file__).parents[3] / "deploy" / "mappings"
    assert {path.stem for path in shipped.glob("*.toml")} >= {"coselog", "motcua"}
    for path in shipped.glob("*.toml"):
        assert load(resolve(path.stem, shipped)).name == path.stem
    with pytest.raises(UsageError, match="coselog"):
        resolve("nothing", shipped)
