"""What one-stop systems look up before they send: procedures of the pack, and whether a dossier is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from connectors.onestop.portal import ZONE
from ioc.api.database import Database
from ioc.district.model import Field, Procedure

#: By its own code or a second one. No personal data is there to be given.
_DOSSIER: Final = """
SELECT code, procedure, field, status, received_at, due_at, completed_at, returned_at
FROM ioc.dossier
WHERE code = %(code)s OR code IN (SELECT a.code FROM ioc.dossier_alias a WHERE a.alias = %(code)s)
LIMIT 1
"""


class LookUps:
    """Answers ``LayThuTuc`` and ``TraCuuHoSo``.

    :param database: for dossiers; everything else works without it.
    """

    def __init__(self, procedures: Sequence[Procedure], fields: Sequence[Field], database: Database) -> None:
        names = {field.code: field.name_vi for field in fields}
        self._database = database
        self._procedures = {
            procedure.code: {
                "MATTHC": procedure.code,
                "TENTTHC": procedure.name_vi,
                "LINHVUCTHUCHIEN": [
                    {"MALINHVUC": procedure.field, "TENLINHVUC": names.get(procedure.field, procedure.field)}
                ],
            }
            for procedure in procedures
        }

    def procedures(self, code: str) -> list[dict[str, Any]]:
        """The procedure with this code, or all of them when it is empty."""
        if not code:
            return list(self._procedures.values())
        found = self._procedures.get(code)
        return [] if found is None else [found]

    async def dossier(self, code: str) -> list[dict[str, Any]]:
        """The dossier with this code as it is known here; empty when it is not.

        :raises UnavailableError: when the database does not answer.
        """
        if not code or "\x00" in code or any("\ud800" <= char <= "\udfff" for char in code):
            return []
        rows = await self._database.rows(_DOSSIER, {"code": code})
        return [
            {
                "MaHoSo": row[0],
                "MaTTHC": row[1] or "",
                "TenLinhVuc": row[2] or "",
                "TrangThaiHoSo": "" if row[3] is None else str(row[3]),
                "NgayTiepNhan": _local(row[4]),
                "NgayHenTra": _local(row[5]),
                "NgayKetThucXuLy": _local(row[6]),
                "NgayTra": _local(row[7]),
            }
            for row in rows
        ]


def _local(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S")
