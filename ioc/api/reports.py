"""``/api/v1/reports``: the reports that are kept, as files for leaders."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from ioc.api.asking import NOT_MODIFIED, Limit, conditional, only_known_parameters
from ioc.api.dossiers import note
from ioc.api.identity import CurrentDatabase, CurrentReader, NamedReader
from ioc.api.models.dossiers import ReportList
from ioc.api.problems import RESPONSES
from ioc.reports import store
from ioc.reports.period import Kind
from ioc.reports.words import Language

router = APIRouter(
    prefix="/api/v1/reports",
    tags=["reports"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_Unit = Annotated[
    str | None,
    Query(description="Code of the unit that is reported on; the reader's own.", examples=["go-dau"]),
]
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {
            form.media_type: {"schema": {"type": "string", "format": "binary"}} for form in store.Format
        },
    }
}


@router.get(
    "", response_model=ReportList, responses=NOT_MODIFIED, summary="Reports that are kept, newest first"
)
async def list_reports(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: _Unit = None,
    kind: Annotated[Kind | None, Query(description="Only these.")] = None,
    limit: Limit = 60,
) -> Response:
    """Reports are made once their period has ended (`IOC_REPORT_AT`), and by `ioc report`."""
    found = await database.answer(store.listed(reader, unit, kind, limit))
    return conditional(
        request,
        {
            "reports": [
                {
                    "kind": entry.kind,
                    "first": entry.first,
                    "last": entry.last,
                    "unit": entry.unit,
                    "language": entry.language,
                    "made_at": entry.made_at,
                }
                for entry in found
            ]
        },
    )


@router.get(
    "/{kind}/{day}",
    response_class=Response,
    responses=_FILES,
    summary="One report as PDF or XLSX",
)
async def get_report(
    reader: NamedReader,
    database: CurrentDatabase,
    kind: Kind,
    day: Annotated[date, Path(description="Any day of the period.", examples=["2026-11-24"])],
    unit: _Unit = None,
    form: Annotated[store.Format, Query(alias="format", description="pdf or xlsx.")] = store.Format.PDF,
    lang: Annotated[Language, Query(description="vi or en.")] = Language.VI,
) -> Response:
    """As it was made. It names single dossiers, by code: who asked is noted in the access log."""
    entry, file = await database.answer(store.read(reader, unit, kind, day, lang, form))
    asked = {"kind": kind, "unit": entry.unit, "from": entry.first.isoformat(), "format": form}
    await note(database, reader, "report", asked, rows=1)
    name = f"bao-cao-{kind}-{entry.first.isoformat()}.{form}"
    return Response(
        file,
        media_type=form.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-cache",
        },
    )
