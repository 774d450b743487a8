"""Every format gives the same facts; what is peculiar to each is read as people write it."""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from connectors.onestop.importing import Importer
from connectors.onestop.mapping import load
from ioc.errors import InputError
from ioc.events import encode
from tests.unit.connectors import formats
from tests.unit.connectors.onestop import COLUMNS, MAPPING, ROW, Kept, mapping, run, write

COSELOG = Path(__file__).parents[3] / "deploy" / "mappings" / "coselog.toml"


def sent_by(tmp_path: Path, file: Path, text: str = MAPPING) -> list[bytes]:
    """The facts of a file under the small mapping, in a state folder of their own; officers are dropped."""
    kept = Kept()
    meaning = mapping(tmp_path, text.replace('"hash"', '"drop"'))
    Importer(meaning, tmp_path / f"state-{file.name}").run(file, lambda: kept)
    return sorted(map(encode, kept.events))


@pytest.mark.shared
def test_the_permit_log_gives_the_same_facts_in_every_format(shared: Path, tmp_path: Path) -> None:
    log = shared / "data" / "permits-receipt.csv"
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    files = [
        log,
        formats.permit_workbook(tmp_path / "log.xlsx", rows),
        formats.json_lines(tmp_path / "log.jsonl", rows),
        formats.xes(tmp_path / "log.xes", rows),
        formats.xes(tmp_path / "log.xes.gz", rows),
    ]
    found = {}
    for file in files:
        kept = Kept()
        report = Importer(load(COSELOG), tmp_path / file.name.replace(".", "-")).run(
            file, lambda kept=kept: kept
        )
        assert (report.rows, report.dossiers, report.rejected) == (8_577, 1_434, 0), file.name
        found[report.format, file.suffix] = sorted(map(encode, kept.events))
    assert [kind for kind, _ in found] == ["CSV", "XLSX", "JSON Lines", "XES", "XES"]
    first, *others = found.values()
    assert len(first) == 8_577 + 1_434
    assert all(other == first for other in others)


def test_a_file_is_what_its_content_shows_and_not_what_its_name_says(tmp_path: Path) -> None:
    as_csv = write(tmp_path / "plain.csv", [ROW])
    book = formats.workbook(tmp_path / "book.csv", [COLUMNS, [ROW[name] for name in COLUMNS]])
    lines = formats.json_lines(tmp_path / "lines.xlsx", [ROW])
    facts = sent_by(tmp_path, as_csv)
    assert len(facts) == 2
    assert sent_by(tmp_path, book) == facts
    assert sent_by(tmp_path, lines) == facts


# -- workbooks ------------------------------------------------------------------------------------------


def sheet(path: Path, fill: Callable[[openpyxl.Workbook], None]) -> Path:
    book = openpyxl.Workbook()
    fill(book)
    book.save(path)
    return path


def test_dates_may_be_dates_serials_or_texts(tmp_path: Path) -> None:
    as_texts = [ROW[name] for name in COLUMNS]
    as_dates: list[object] = list(as_texts)
    as_serials: list[object] = list(as_texts)
    for name in ("received", "due", "at"):
        moment = datetime.fromisoformat(ROW[name])
        as_dates[COLUMNS.index(name)] = moment
        as_serials[COLUMNS.index(name)] = (moment - WINDOWS_EPOCH).total_seconds() / 86_400
    facts = sent_by(tmp_path, write(tmp_path / "plain.csv", [ROW]))
    for number, cells in enumerate((as_texts, as_dates, as_serials)):
        assert sent_by(tmp_path, formats.workbook(tmp_path / f"{number}.xlsx", [COLUMNS, cells])) == facts


def test_serials_of_a_workbook_that_counts_from_1904(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.epoch = MAC_EPOCH
        book.active.append(COLUMNS)
        cells: list[object] = [ROW[name] for name in COLUMNS]
        cells[COLUMNS.index("received")] = datetime.fromisoformat(ROW["received"])
        book.active.append(cells)

    facts = sent_by(tmp_path, write(tmp_path / "plain.csv", [ROW]))
    assert sent_by(tmp_path, sheet(tmp_path / "mac.xlsx", fill)) == facts


def test_the_header_may_stand_below_titles_and_under_merged_groups(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        page = book.active
        page.append(["UỶ BAN NHÂN DÂN"])
        page.append([])
        page.append(["code", "channel", "Thời hạn", None, None, "step", "at", "officer", "applicant"])
        page.append([None, None, "received", "due", "done"])
        page.merge_cells("C3:E3")
        page.merge_cells("A3:A4")
        page.append([ROW[name] for name in COLUMNS])
        page.append([])

    facts = sent_by(tmp_path, write(tmp_path / "plain.csv", [ROW]))
    assert sent_by(tmp_path, sheet(tmp_path / "merged.xlsx", fill)) == facts


def test_columns_of_one_name_are_told_apart_by_their_group(tmp_path: Path) -> None:
    text = MAPPING.replace('"received"', '"Nhận / ngày"').replace('due_at = "due"', 'due_at = "Trả / ngày"')

    def fill(book: openpyxl.Workbook) -> None:
        page = book.active
        page.append(["code", "channel", "Nhận", "Trả", None, "step", "at", "officer", "applicant"])
        page.append([None, None, "ngày", "ngày", "done"])
        page.append([ROW[name] for name in COLUMNS])

    facts = sent_by(tmp_path, write(tmp_path / "plain.csv", [ROW]))
    assert sent_by(tmp_path, sheet(tmp_path / "groups.xlsx", fill), text) == facts


def test_the_sheet_with_the_columns_is_found_or_named(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active.title = "Bìa"
        book.active.append(["Báo cáo"])
        for title, code in (("Quý 1", "first"), ("Quý 2", "second")):
            page = book.create_sheet(title)
            page.append(COLUMNS)
            page.append([{**ROW, "code": code}[name] for name in COLUMNS])

    file = sheet(tmp_path / "sheets.xlsx", fill)
    assert b'"subject":"first"' in sent_by(tmp_path, file)[0]
    named = MAPPING + '\n[file]\nsheet = "Quý 2"\n'
    assert b'"subject":"second"' in sent_by(tmp_path, file, named)[0]
    with pytest.raises(InputError, match=r"no sheet 'Quý 3'; its sheets are Bìa, Quý 1, Quý 2"):
        sent_by(tmp_path, file, named.replace("Quý 2", "Quý 3"))


def test_a_formula_gives_the_value_that_was_shown_and_an_error_costs_its_row(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        page = book.active
        page.append(COLUMNS)
        for code in ("kept", "broken"):
            page.append([{**ROW, "code": code}[name] for name in COLUMNS])

    file = sheet(tmp_path / "formula.xlsx", fill)
    changed = tmp_path / "changed.xlsx"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.namelist():
            content = old.read(part).decode()
            if part.endswith("sheet1.xml"):
                content = re.sub(
                    r'<c r="D2" t="inlineStr">.*?</c>',
                    '<c r="D2" t="str"><f>TEXT(NOW(),"")</f><v>2025-09-10T17:00:00</v></c>',
                    content,
                )
                content = re.sub(
                    r'<c r="A3" t="inlineStr">.*?</c>', '<c r="A3" t="e"><f>X</f><v>#N/A</v></c>', content
                )
            new.writestr(part, content)
    kept = Kept()
    report = Importer(mapping(tmp_path), tmp_path / "state").run(changed, lambda: kept)
    assert [record.subject for record in kept.records] == ["kept"]
    assert kept.records[0].data.due_at is not None
    assert (report.rejections[0].line, report.rejections[0].column) == (3, "code")
    assert "an error of the spreadsheet" in report.rejections[0].reason


# -- JSON Lines and XES ---------------------------------------------------------------------------------


def test_json_values_may_be_numbers_and_lie_deep(tmp_path: Path) -> None:
    text = """
name = "rest"
source = "urn:test:rest"
[time]
format = ["unix-ms", "%d/%m/%Y"]
[dossier]
code = "id"
unit = "place.code"
status = "status"
received_at = "dates.received"
due_at = "dates.due"
fee_vnd = "fees.0.amount"
digitised = "papers.digital"
"""
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"id": 17, "place": {"code": "u1"}, "status": 4, "dates": {"received": 1756692300000, "due": "10/09/2025"},'
        ' "fees": [{"amount": 150000.0}], "papers": {"digital": true}}\n'
        '{"id": 18, "place": {"code": ["u1"]}, "dates": {"received": 1756692300000}}\n',
        "utf-8",
    )
    kept = Kept()
    report = Importer(mapping(tmp_path, text), tmp_path / "state").run(file, lambda: kept)
    record = kept.records[0]
    assert (record.subject, record.data.unit, record.data.status, record.data.fee_vnd) == (
        "17",
        "u1",
        4,
        150_000,
    )
    assert record.data.received_at == datetime.fromisoformat("2025-09-01T09:05:00+07:00")
    assert record.data.due_at == datetime.fromisoformat("2025-09-10T00:00:00+07:00")
    assert record.data.digitised is True
    assert (report.rejections[0].line, report.rejections[0].column) == (2, "place.code")


def test_a_list_of_objects_is_told_from_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("[{}]", "utf-8")
    with pytest.raises(InputError, match="one JSON list"):
        sent_by(tmp_path, file)


def test_a_column_that_no_object_has_is_named(tmp_path: Path) -> None:
    file = formats.json_lines(tmp_path / "a.jsonl", [{**ROW, "id": "x"}])
    with pytest.raises(InputError, match=r"lacks number; found .*received"):
        sent_by(tmp_path, file, MAPPING.replace('code = "code"', 'code = "number"'))


def test_a_log_may_put_its_cases_attributes_last_and_nest_others(tmp_path: Path) -> None:
    text = """
name = "xes"
source = "urn:test:xes"
[unit]
code = "town"
name_vi = "x"
name_en = "x"
time_zone = "Asia/Ho_Chi_Minh"
[dossier]
code = "case:concept:name"
received_at = "case:start"
[progress]
time = "time:timestamp"
step = "concept:name"
"""
    file = tmp_path / "a.xes"
    file.write_text(
        '<log><extension name="Concept" prefix="concept" uri="u"/><string key="concept:name" value="the log"/>'
        '<trace><event><string key="concept:name" value="a"><string key="time:timestamp" value="nested"/></string>'
        '<date key="time:timestamp" value="2025-09-01T08:00:00.000+07:00"/></event>'
        '<event><string key="concept:name" value="b"/></event>'
        '<string key="concept:name" value="H53-1"/><date key="start" value="2025-09-01T07:00:00+07:00"/></trace>'
        '<trace><string key="concept:name" value="H53-2"/><date key="start" value="2025-09-02T07:00:00+07:00"/></trace>'
        "</log>",
        "utf-8",
    )
    kept = Kept()
    report = Importer(mapping(tmp_path, text), tmp_path / "state").run(file, lambda: kept)
    assert (report.rows, report.rejected) == (3, 0)
    assert [(step.subject, step.data.step) for step in kept.steps] == [("H53-1", "a")]
    assert {record.subject for record in kept.records} == {"H53-1", "H53-2"}


def test_empty_files_of_each_kind(tmp_path: Path) -> None:
    (tmp_path / "a.xes").write_text("<log/>", "utf-8")
    (tmp_path / "b.xes.gz").write_bytes(gzip.compress(b"<log/>"))
    (tmp_path / "c.jsonl").write_bytes(b"{}")
    formats.workbook(tmp_path / "d.xlsx", [COLUMNS])
    formats.workbook(tmp_path / "e.xlsx", [])
    (tmp_path / "f.html").write_text("<html><table/></html>", "utf-8")
    (tmp_path / "g.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
    said = {
        "a.xes": "no rows",
        "b.xes.gz": "no rows",
        "c.jsonl": "lacks",
        "d.xlsx": "no rows",
        "e.xlsx": "sheet is empty",
        "f.html": "a web page",
        "g.xls": "old .xls kind",
    }
    for name, words in said.items():
        with pytest.raises(InputError, match=words):
            sent_by(tmp_path, tmp_path / name)


# -- several kinds of rows ------------------------------------------------------------------------------


KINDS = """
name = "kinds"
source = "urn:test:kinds"
[time]
format = "%d/%m/%Y %H:%M"
[kind]
column = "Loai"
values = { HS = "dossier", XL = "apology", DG = "rating", TT = "payment", BS = "supplement" }
[dossier]
code = "MaHoSo"
unit = "DonVi"
aliases = ["MaQuocGia"]
applicant = { column = "DoiTuong", values = { 1 = "person", 2 = "business" } }
received_at = "Ngay"
due_at = "HenTra"
fee_vnd = "SoTien"
result_digital = "Co"
[apology]
time = "Ngay"
reason = { column = "LyDo", values = { "Thiếu người" = "staff" } }
old_due_at = "HenTraCu"
new_due_at = "HenTra"
[rating]
time = "Ngay"
satisfied = "Co"
score = "Diem"
[payment]
time = "Ngay"
amount_vnd = "SoTien"
online = "Co"
payment = "MaGiaoDich"
[supplement]
asked_at = "NgayYeuCau"
received_at = "Ngay"
old_due_at = "HenTraCu"
new_due_at = "HenTra"
"""
KIND_COLUMNS = (
    *("Loai", "MaHoSo", "DonVi", "MaQuocGia", "DoiTuong", "Ngay", "NgayYeuCau"),
    *("HenTraCu", "HenTra", "LyDo", "Co", "Diem", "SoTien", "MaGiaoDich"),
)


def kinds_file(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "kinds.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, KIND_COLUMNS)
        writer.writeheader()
        writer.writerows({"MaHoSo": "H1", "DonVi": "u1", "Ngay": "02/09/2025 08:00", **row} for row in rows)
    return path


def test_a_row_may_be_a_dossier_a_letter_a_rating_a_payment_or_a_supplement(tmp_path: Path) -> None:
    file = kinds_file(
        tmp_path,
        {"Loai": "HS", "MaQuocGia": "G22.1", "DoiTuong": "2", "SoTien": "150.000 đ", "Co": "có"},
        {"Loai": "XL", "LyDo": "Thiếu người", "HenTraCu": "05/09/2025 17:00", "HenTra": "09/09/2025 17:00"},
        {"Loai": "DG", "Co": "không", "Diem": "40"},
        {"Loai": "TT", "SoTien": "150,000", "Co": "1", "MaGiaoDich": "T1"},
        {
            "Loai": "BS",
            "NgayYeuCau": "01/09/2025 08:00",
            "HenTraCu": "03/09/2025 17:00",
            "HenTra": "05/09/2025 17:00",
        },
        {"Loai": "??"},
        {"Loai": "TT", "SoTien": "nhiều"},
    )
    kept = Kept()
    importer = Importer(mapping(tmp_path, KINDS), tmp_path / "state", list_rows=10)
    report = importer.run(file, lambda: kept)
    by_type = {str(event.__struct_config__.tag): event.data for event in kept.events}
    assert report.facts == {
        "ioc.dossier.recorded.v1": 1,
        "ioc.dossier.apologised.v1": 1,
        "ioc.dossier.rated.v1": 1,
        "ioc.dossier.paid.v1": 1,
        "ioc.dossier.supplemented.v1": 2,
    }
    record, letter, rating, paid = (
        by_type[f"ioc.dossier.{name}.v1"] for name in ("recorded", "apologised", "rated", "paid")
    )
    assert (record.aliases, str(record.applicant), record.fee_vnd) == (("G22.1",), "business", 150_000)
    assert record.result_digital is True
    assert (letter.reason, letter.old_due_at.day, letter.new_due_at.day) == ("staff", 5, 9)
    assert (rating.satisfied, rating.score) == (False, 40)
    assert (paid.amount_vnd, paid.online, paid.payment) == (150_000, True, "T1")
    asked, came = (e.data for e in kept.events if e.__struct_config__.tag == "ioc.dossier.supplemented.v1")
    assert (asked.received, asked.new_due_at) == (False, None)
    assert (came.received, came.old_due_at.day, came.new_due_at.day) == (True, 3, 5)
    assert [(row.line, row.column) for row in report.listed if row.reason] == [(7, "Loai"), (8, "SoTien")]
    assert report.listed[3].facts == {"ioc.dossier.paid.v1": ["unit", "amount_vnd", "online", "payment"]}
    again = Kept()
    Importer(mapping(tmp_path, KINDS), tmp_path / "state").run(file, lambda: again)
    assert again.ids == kept.ids


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("150000", 150_000),
        ("150.000", 150_000),
        ("1,500,000 VND", 1_500_000),
        ("1 500 000đ", 1_500_000),
        ("150000.00", 150_000),
        ("0", 0),
        ("1.5", None),
        ("-5", None),
        ("1.000.00", None),
        ("12.3456", None),
    ],
)
def test_amounts_as_people_write_them(tmp_path: Path, text: str, amount: int | None) -> None:
    kept = Kept()
    file = kinds_file(tmp_path, {"Loai": "TT", "SoTien": text, "Co": "1"})
    report = Importer(mapping(tmp_path, KINDS), tmp_path / "state").run(file, lambda: kept)
    found = [event.data.amount_vnd for event in kept.events]  # type: ignore[union-attr]
    assert found == ([] if amount is None else [amount])
    assert report.rejected == (amount is None)


def test_a_file_of_ratings_alone_tells_no_view(tmp_path: Path) -> None:
    text = """
name = "ratings"
source = "urn:test:ratings"
[dossier]
code = "code"
unit = "channel"
[rating]
time = "at"
satisfied = "done"
"""
    kept = Kept()
    rows = [{**ROW, "done": "1"}, {**ROW, "done": ""}, {**ROW, "at": ""}]
    report = Importer(mapping(tmp_path, text), tmp_path / "state").run(
        write(tmp_path / "a.csv", rows), lambda: kept
    )
    assert [str(event.__struct_config__.tag) for event in kept.events] == ["ioc.dossier.rated.v1"]
    assert [(fault.column, fault.found) for fault in report.rejections] == [
        ("done", "empty"),
        ("at", "empty"),
    ]


def test_a_dry_run_tells_row_by_row_and_no_value(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW, {**ROW, "received": "Nguyễn Văn Mẫu"}, {**ROW, "at": ""}])
    report = Importer(mapping(tmp_path), tmp_path / "state", list_rows=2).run(file, None)
    assert [row.line for row in report.listed] == [2, 3]
    assert report.listed[0].facts == {
        "ioc.dossier.recorded.v1": ["unit", "channel", "received_at", "due_at"],
        "ioc.dossier.progressed.v1": ["unit", "step", "handler"],
    }
    assert report.listed[1].reason == "not an ISO 8601 time"
    assert [(fault.column, fault.rows) for fault in report.faults] == [("received", 1)]
    said = report.as_json()
    for value in (ROW["code"], "Nguyễn", "Mẫu", "accept"):
        assert value not in said


def test_rows_give_the_same_however_they_are_listed(tmp_path: Path) -> None:
    assert run(tmp_path, [ROW])[0].listed == []
