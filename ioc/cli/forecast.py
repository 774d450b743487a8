"""``ioc forecast``: looking ahead, and looking back at how well it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ioc.cli._asking import Form, database, noted, print_json, print_table

if TYPE_CHECKING:
    from ioc.forecast.query import Clearings, Misses, Surges
    from ioc.kpi.query import Steps

app = typer.Typer(
    no_args_is_help=True,
    help="""Looking ahead (dự báo): surges, clearing times, dossiers that will be late.

    Example: ioc forecast misses --unit go-dau
    """,
)
_T = TypeVar("_T")


_FormatOption = Annotated[Form, typer.Option("--format", help="How to print.")]
_Unit = Annotated[
    str | None, typer.Option(help="Code of a unit, with all below it; without it, the district.")
]
_AsOf = Annotated[str | None, typer.Option(help="As known at this earlier moment.")]


@app.command("surge")
def surge(
    unit: Annotated[
        list[str] | None,
        typer.Option(help="Code of a unit; may be repeated. Without it, the district as one."),
    ] = None,
    as_of: _AsOf = None,
    output: _FormatOption = Form.TABLE,
) -> None:
    """Say whether more dossiers or queue tickets come than was to be expected (tăng đột biến).

    Example: ioc forecast surge --unit go-dau
    """
    from ioc.forecast.document import surges_document
    from ioc.forecast.query import ask_surges
    from ioc.kpi.query import SYSTEM_READER

    found = _ask(ask_surges(SYSTEM_READER, unit or None, as_of))
    if output is Form.JSON:
        print_json(surges_document(found))
    else:
        _print_surges(found)


@app.command("clearing")
def clearing(unit: _Unit = None, as_of: _AsOf = None, output: _FormatOption = Form.TABLE) -> None:
    """Say when the dossiers that are open now are worked off at today's pace (dự kiến giải quyết xong).

    Example: ioc forecast clearing --unit go-dau --format json
    """
    from ioc.forecast.document import clearing_document
    from ioc.forecast.query import ask_clearing
    from ioc.kpi.query import SYSTEM_READER

    found = _ask(ask_clearing(SYSTEM_READER, unit, as_of))
    if output is Form.JSON:
        print_json(clearing_document(found))
    else:
        _print_clearing(found)


@app.command("misses")
def misses(
    unit: _Unit = None,
    as_of: _AsOf = None,
    at_least: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="List dossiers from this chance on.")
    ] = 0.5,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Most dossiers listed, the most pressing first.")
    ] = 50,
    output: _FormatOption = Form.TABLE,
) -> None:
    """List open dossiers that will miss their date at today's pace, and why (dự kiến trễ hạn).

    Example: ioc forecast misses --unit go-dau --at-least 0.3
    """
    from ioc.forecast.document import misses_document
    from ioc.forecast.query import ask_misses
    from ioc.kpi.query import SYSTEM_READER

    found = _ask(ask_misses(SYSTEM_READER, unit, as_of, most=limit, at_least=at_least))
    with database() as connection:
        noted(connection, "dossiers.misses", {"unit": unit, "as_of": as_of}, rows=len(found.listed))
    if output is Form.JSON:
        print_json(misses_document(found))
    else:
        _print_misses(found)


@app.command("backtest")
def backtest(
    unit: _Unit = None,
    every: Annotated[int, typer.Option(min=1, max=250, help="Worked days between two origins.")] = 5,
    output: _FormatOption = Form.TABLE,
) -> None:
    """Make the forecasts again at moments of the past, with what was known by then, and print how far off they were.

    Example: ioc forecast backtest --unit go-dau
    """
    import sys

    from ioc.forecast import backtest as looking_back
    from ioc.forecast import report
    from ioc.forecast.document import report_document
    from ioc.kpi.query import SYSTEM_READER

    shown = sys.stderr.isatty()

    def tell(text: str) -> None:
        if shown:
            typer.echo(f"\r\033[K{text}", nl=False, err=True)

    found = _ask(looking_back.backtest(SYSTEM_READER, unit, every_days=every, tell=tell), timeout_s=120.0)
    if shown:
        typer.echo("\r\033[K", nl=False, err=True)
    if output is Form.JSON:
        print_json(report_document(found))
    else:
        typer.echo(report.text(found))


def _ask(steps: Steps[_T], *, timeout_s: float = 10.0) -> _T:
    from ioc.kpi.query import answer

    with database() as connection:
        return answer(connection, steps, timeout_s=timeout_s)


def _print_surges(found: Surges) -> None:
    zone = found.place.zone
    typer.echo(f"{found.place.moment.astimezone(zone):%Y-%m-%d %H:%M} {zone}")
    header = ("unit", "of", "state", "since", "observed", "expected", "held back", "chance", "memory")
    rows = [
        (
            one.unit or "all",
            one.subject,
            one.state,
            "—" if one.since is None else f"{one.since.astimezone(zone):%Y-%m-%d %H:%M}",
            _figure(one.observed, 0),
            _figure(one.expected, 1),
            _figure(one.held_back, 1),
            "—" if one.chance is None else f"{one.chance:.2g}",
            f"{one.memory} days",
        )
        for one in found.surges
    ]
    print_table(header, rows)


def _print_clearing(found: Clearings) -> None:
    zone = found.place.zone
    typer.echo(
        f"{found.place.moment.astimezone(zone):%Y-%m-%d %H:%M} {zone}; intervals hold four of five outcomes"
    )

    def day(moment: Any) -> str:
        return "—" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d}"

    header = ("unit", "open", "a day", "working days", "from", "to", "on", "from", "to")
    rows = [
        (
            one.unit or "all",
            str(one.open),
            _figure(None if one.pace is None else one.pace.per_day, 1),
            _figure(None if one.clearing is None else one.clearing.days, 1),
            _figure(None if one.clearing is None else one.clearing.low, 1),
            _figure(None if one.clearing is None else one.clearing.high, 1),
            day(one.at),
            day(one.low),
            day(one.high),
        )
        for one in found.units
    ]
    print_table(header, rows)


def _print_misses(found: Misses) -> None:
    zone = found.place.zone
    typer.echo(f"{found.place.moment.astimezone(zone):%Y-%m-%d %H:%M} {zone}")
    header = ("unit", "open", "overdue", "will be late", "expected late", "undated", "unknown")
    print_table(
        header,
        [
            (
                one.unit or "all",
                str(one.open),
                str(one.overdue),
                str(one.likely),
                _figure(one.sum_of_chances, 1),
                str(one.undated),
                str(one.unknown),
            )
            for one in found.units
        ],
    )
    typer.echo("")
    print_table(
        ("code", "unit", "due", "chance", "reason", "expected", "turn"),
        [
            (
                one.code,
                one.unit,
                one.due.isoformat(),
                f"{one.chance:.0%}",
                one.reason.value,
                "—" if one.expected is None else f"{one.expected.astimezone(zone):%Y-%m-%d}",
                str(one.turn),
            )
            for one in found.listed
        ],
    )
    if found.found > len(found.listed):
        typer.echo(f"… and {found.found - len(found.listed):,} more; --limit lists more")


def _figure(value: float | None, digits: int) -> str:
    return "—" if value is None else f"{value:.{digits}f}"
