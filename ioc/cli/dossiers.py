"""``ioc dossiers``: reports on dossiers that are no indicators."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from ioc.cli._asking import Form, database, noted, print_json, print_table

app = typer.Typer(
    no_args_is_help=True,
    help="Reports on dossiers (hồ sơ): due dates, load.\n\nExample: ioc dossiers due-check --unit go-dau",
)


class By(StrEnum):
    """What the load is told by."""

    DEPARTMENT = "department"
    ROLE = "role"


_Unit = Annotated[
    str | None, typer.Option(help="Code of a unit, with all below it; without it, the district.")
]
_Format = Annotated[Form, typer.Option("--format", help="How to print.")]


@app.command("due-check")
def due_check(
    unit: _Unit = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Accepted from here on; without it, 30 days before the end.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Accepted before this; without it, now.")] = None,
    examples: Annotated[int, typer.Option(min=0, max=100, help="Dossiers to name for each procedure.")] = 5,
    output: _Format = Form.TABLE,
) -> None:
    """Compare given due dates with those that procedures' times give, by procedure. Changes no indicator.

    Example: ioc dossiers due-check --unit go-dau --from 2026-03-01 --to 2026-04-01
    """
    from ioc.district.worktime import stored_calendar
    from ioc.dossiers.due_check import ask_due_check, due_check_document
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        found = answer(
            connection,
            ask_due_check(SYSTEM_READER, unit, start, end, examples=examples, calendar_of=stored_calendar),
        )
        document = due_check_document(found, with_dossiers=True)
        asked = {"unit": unit, "from": start, "to": end}
        noted(
            connection, "dossiers.due-check", asked, rows=sum(len(one.examples) for one in found.procedures)
        )
    if output is Form.JSON:
        print_json(document)
        return
    rows: list[tuple[str, ...]] = []
    for part in document["procedures"]:
        counts = ("dossiers", "agrees", "earlier", "later", "no_due_date", "no_term")
        rows.append((part["procedure"] or "—", *(str(part[name]) for name in counts)))
        rows += [
            (
                f"  {one['code']}: given {one['given']}, expected {one['expected']} ({one['days']:+d} days)",
                *[""] * 6,
            )
            for one in part["examples"]
        ]
    typer.echo(
        f"{document['dossiers']} dossiers, {document['disagreeing']} due dates are not those of the procedure"
    )
    print_table(("procedure", "dossiers", "agrees", "earlier", "later", "no due date", "no term"), rows)


@app.command("load")
def load(
    unit: _Unit = None,
    by: Annotated[By, typer.Option(help="What to tell the load by.")] = By.DEPARTMENT,
    output: _Format = Form.TABLE,
) -> None:
    """Show who has how many open dossiers now, by department or role and spread over officers, without names.

    Example: ioc dossiers load --unit go-dau
    """
    from ioc.dossiers import load as loads
    from ioc.kpi.query import SYSTEM_READER, answer
    from ioc.settings import load as settings

    with database() as connection:
        asked = loads.ask_load(SYSTEM_READER, unit, loads.By(by), settings().load_departments_named)
        document = loads.load_document(answer(connection, asked))
    if output is Form.JSON:
        print_json(document)
        return
    rows: list[tuple[str, ...]] = []
    for part in document["units"]:
        rows.append((part["unit"], "", "", *_numbers(part), _spread(part["spread"])))
        rows += [
            ("", cell["name"] or "—", str(cell["officers"] or "—"), *_numbers(cell), "")
            for cell in part["cells"]
        ]
        if part["too_small"] is not None:
            small = part["too_small"]
            rows.append(("", f"{small['cells']} too small to show", "", *_numbers(small), ""))
    print_table(("unit", by.value, "officers", "open", "overdue", "due 24h", "paused", "spread"), rows)


def _numbers(part: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(part[name]) for name in ("open", "overdue", "due_24h", "paused"))


def _spread(spread: dict[str, Any]) -> str:
    if spread["median"] is None:
        return f"{spread['officers']} officers known" if spread["officers"] else ""
    return (
        f"{spread['officers']} officers: median {spread['median']:g}, most {spread['most']},"
        f" busiest {spread['busiest_share']:.0%}"
    )
