"""Calls as a one-stop system makes them, with every field that the protocol knows."""

from __future__ import annotations

from typing import Any

import httpx

#: Personal in both services: none of these texts may be found anywhere afterwards.
PERSONAL = {
    "ChuHoSo": "Trần Thị Kín",
    "SoGiayToChuHoSo": "072199000111",
    "MaDoiTuong": "MDT-777-secret",
    "Email": "kin.tran@vidu.example",
    "SoDienThoai": "0909000111",
    "Fax": "02763000999",
    "TrichYeuHoSo": "Xin xác nhận cho bà Kín",
    "GhiChu": "Ghi chú về bà Kín",
    "ThongTinKhac": "Thông tin khác của bà Kín",
}
IDENTITY = "079088000222"
OFFICER = "Lê Văn Mật"
FREE_TEXT = "Đã gọi điện cho bà Kín"
SECRETS = ("mat-khau-rat-dai", "he-thong-mot-cua")
ALL_PERSONAL = (*PERSONAL.values(), IDENTITY, OFFICER, FREE_TEXT, SECRETS[0])


def dossier(code: str = "H53.19-251102-0001", **more: Any) -> dict[str, Any]:
    """One dossier of ``DongBoHoSoMC``."""
    return {
        "MaHoSo": code,
        "MaTTHC": "1.004873",
        "TenTTHC": "Cấp giấy xác nhận tình trạng hôn nhân",
        "MaLinhVuc": "HT",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": "2",
        "LoaiDoiTuong": "1",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": IDENTITY}],
        "NgayNopHoSo": "20251101230000",
        "NgayTiepNhan": "20251102080000",
        "NgayHenTra": "20251105170000",
        "TrangThaiHoSo": "4",
        "NgayTra": "",
        "ThongTinTra": "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "UBND xã Phước Thạnh",
        "DuocThanhToanTrucTuyen": "1",
        "HoSoCoThanhPhanSoHoa": "1",
        "TaiLieuNop": [{"TenTepDinhKem": "don.pdf", "DuocSoHoa": "1", "DuocTaiSuDung": "0"}],
        "DanhSachLePhi": [
            {"TenPhiLePhi": "Lệ phí", "Gia": "15000"},
            {"TenPhiLePhi": "Bản sao", "Gia": "8000"},
        ],
        "DanhSachHoSoBoSung": [],
        "DanhSachGiayToKetQua": [],
        **PERSONAL,
        **more,
    }


def step(code: str = "H53.19-251102-0001", **more: Any) -> dict[str, Any]:
    """One step of ``CapNhatTienDoHoSoMC``."""
    return {
        "MaHoSo": code,
        "NguoiXuLy": OFFICER,
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": "20251103090000",
        "PhongBanXuLy": "Bộ phận Tư pháp",
        "NoiDungXuLy": FREE_TEXT,
        "TrangThai": "4",
        "NgayBatDau": "20251103080000",
        "NgayKetThucTheoQuyDinh": "20251104170000",
        **more,
    }


def login() -> dict[str, str]:
    return {"username": SECRETS[1], "password": SECRETS[0]}


def upsert(*dossiers: Any, **more: Any) -> dict[str, Any]:
    return {
        "service": "DongBoHoSoMC",
        "session": "",
        "madonvi": "000.19.H53",
        "isUpdating": "True",
        "data": list(dossiers),
        **more,
    }


def progress(*steps: Any, **more: Any) -> dict[str, Any]:
    return {
        "service": "CapNhatTienDoHoSoMC",
        "session": "",
        "madonvi": "000.19.H53",
        "data": list(steps),
        **more,
    }


class OneStop:
    """A one-stop system that knows one address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = ""

    def call(self, body: Any, **headers: str) -> httpx.Response:
        if isinstance(body, bytes):
            return httpx.post(
                self.url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=30
            )
        if "session" in body and not body["session"]:
            body = {**body, "session": self.session}
        return httpx.post(self.url, json=body, headers=headers, timeout=30)

    def log_in(self) -> str:
        answer = self.call(login())
        assert answer.json()["error_code"] == "00", answer.text
        self.session = answer.json()["session"]
        return self.session
