"""No person of a file or a REST answer reaches events, reports, logs, rejected files or state."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import structlog

from connectors.onestop.importing import Importer
from connectors.onestop.mapping import PERSONAL, load
from ioc.cli.imports import describe
from ioc.errors import InputError
from ioc.events import encode
from tests.unit.connectors import formats
from tests.unit.connectors.onestop import MAPPING, ROW, Kept, mapping, write

DVCQG = Path(__file__).parents[3] / "deploy" / "mappings" / "dvcqg.toml"
PERSONS = {
    "ChuHoSo": "Nguyễn Văn Mẫu",
    "SoGiayToChuHoSo": "072099000111",
    "DinhDanhCHS": "072099000222",
    "MaDoiTuong": "DT-900333",
    "Email": "mau.nguyen@example.test",
    "SoDienThoai": "0909000444",
    "Fax": "0276000555",
    "TrichYeuHoSo": "Đơn của ông Mẫu",
    "NguoiXuLy": "Trần Thị Thử",
    "NoiDungXuLy": "Gọi bà Thử hỏi lại",
}
DOSSIER = {
    "MaHoSo": "H53.09-250901-0001",
    "MaDonVi": "go-dau.phuong",
    "KenhThucHien": "2",
    "TenLinhVuc": "Đất đai",
    "MaTTHC": "1.000",
    "LoaiDoiTuong": "1",
    "TrangThaiHoSo": "2",
    "NgayNopHoSo": "20250901080000",
    "NgayTiepNhan": "20250901081500",
    "NgayTuChoi": "",
    "NgayHenTra": "20250910170000",
    "NgayKetThucXuLy": "",
    "NgayTra": "",
    "DuocThanhToanTrucTuyen": "0",
    "HoSoCoThanhPhanSoHoa": "1",
}


def rows() -> list[dict[str, str]]:
    """One good row, and one bad in each field with a person's data in its place."""
    good = {**DOSSIER, **PERSONS}
    person = "Nguyễn Văn Mẫu " * 20
    return [good, *({**good, "MaHoSo": f"bad-{n}", name: person} for n, name in enumerate(DOSSIER))]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_no_person_leaves_the_importer(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / f"export.{kind}"
    if kind == "csv":
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows()[0]))
            writer.writeheader()
            writer.writerows(rows())
    elif kind == "xlsx":
        formats.workbook(file, [list(rows()[0]), *(list(row.values()) for row in rows())])
    else:
        formats.json_lines(file, rows())
    state = tmp_path / "state"
    kept = Kept()
    with structlog.testing.capture_logs() as logs:
        report = Importer(load(DVCQG), state, list_rows=100).run(file, lambda: kept)
    assert report.rejected >= 8
    assert kept.records
    said = [
        b"".join(map(encode, kept.events)),
        report.as_json().encode(),
        describe(report).encode(),
        repr(logs).encode(),
        "".join(capfd.readouterr()).encode(),
        *(path.read_bytes() for path in state.rglob("*") if path.is_file()),
    ]
    assert len(list((state / "imports").iterdir())) == 1, "the rejected rows' file alone stays"
    for text in said:
        for value in PERSONS.values():
            assert value.encode() not in text
            assert json.dumps(value).encode()[1:-1] not in text


def test_a_file_without_a_header_does_not_show_its_first_row(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [ROW])
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[1:]), "utf-8")
    book = formats.workbook(tmp_path / "a.xlsx", [list(ROW.values())])
    for path in (file, book):
        with pytest.raises(InputError) as caught:
            Importer(mapping(tmp_path), tmp_path / "state").run(path, None)
        for value in ROW.values():
            assert not value or value not in str(caught.value)


@pytest.mark.parametrize("name", [*PERSONS, "data.ChuHoSo", "case:chuhoso"])
def test_a_field_that_names_a_person_can_not_be_mapped(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="names a person or holds free text"):
        mapping(tmp_path, MAPPING.replace('step = "step"', f'step = "{name}"'))
    assert mapping(tmp_path, MAPPING.replace('"officer"', f'"{name}"')).progress is not None


def test_the_list_holds_every_personal_field_of_the_portals_messages() -> None:
    assert {name.casefold() for name in PERSONS} <= PERSONAL


def test_the_reason_of_an_apology_travels_as_a_code_only(tmp_path: Path) -> None:
    text = MAPPING + '[apology]\ntime = "at"\nreason = { column = "applicant" }\n'
    with pytest.raises(InputError, match="reason needs values"):
        mapping(tmp_path, text)
