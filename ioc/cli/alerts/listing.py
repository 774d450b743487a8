"""Lists of alerts, one alert, and who did what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ioc.alerts.model import Kind
from ioc.alerts.states import Held, State
from ioc.cli._asking import Form, Format, database, print_json, print_rows, print_table

_Many = list[str]
_Output = Annotated[Format, typer.Option("--format", help="How to print.")]
_From = Annotated[str | None, typer.Option("--from", help="From this date or time on.")]
_To = Annotated[str | None, typer.Option("--to", help="Before this date or time.")]
_Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Most entries.")]
_COLUMNS = ("id", "severity", "rule", "subject", "unit", "point", "opened_at", "acknowledged_by", "held")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("list")(list_alerts)
    app.command()(show)
    app.command()(log)


def list_alerts(
    state: Annotated[State, typer.Option(help="Which ones; waiting: nobody acknowledged.")] = State.OPEN,
    severity: Annotated[_Many | None, typer.Option(help="info to critical; repeated: any of them.")] = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="What the rule looks at; likewise.")] = None,
    rule: Annotated[_Many | None, typer.Option(help="Code of a rule; likewise.")] = None,
    unit: Annotated[str | None, typer.Option(help="Code of a unit, with all below it.")] = None,
    point: Annotated[str | None, typer.Option(help="Code of a reception point.")] = None,
    subject: Annotated[str | None, typer.Option(help="Such as device:cam-04.")] = None,
    assigned: Annotated[str | None, typer.Option(help="Given to this person.")] = None,
    held: Annotated[
        list[Held] | None, typer.Option(help="Nobody is called for this reason; not: for none.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="A part of the subject, rule or point.")] = None,
    start: _From = None,
    end: _To = None,
    limit: _Limit = 200,
    output: _Output = Format.TABLE,
) -> None:
    """Show alerts: open ones the worst first, others the newest first.

    Example: ioc alerts list --severity critical --unit go-dau
    """
    from ioc.alerts.asking import Filter, Order, page, words
    from ioc.alerts.document import row_document
    from ioc.kpi.query import SYSTEM_READER, answer

    wanted = Filter(
        state=state,
        severity=words(severity or ()),
        kind=tuple(kind or ()),
        rule=tuple(rule or ()),
        unit=unit,
        point=point,
        subject=subject,
        assigned=assigned,
        held=tuple(held or ()),
        text=text,
        start=start,
        end=end,
    )
    order = Order.NEWEST if state in (State.CLEARED, State.ALL) else Order.WORST
    with database() as connection:
        found = answer(connection, page(SYSTEM_READER, wanted, order=order, after=None, limit=limit))
    documents = [_plain(row_document(row, found.zone)) for row in found.rows]
    if output is Format.JSON:
        print_json({"alerts": documents})
        return
    print_rows(output, _COLUMNS, [tuple(_cell(one[name]) for name in _COLUMNS) for one in documents])
    if output is Format.TABLE and found.next is not None:
        typer.echo(f"More follow: --limit {limit * 2} or a filter shows them.")


def show(
    alert: Annotated[int, typer.Argument(help="The alert's number.")],
    output: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TABLE,
) -> None:
    """Show one alert: how it stands, what happened, what comes next, and who was told.

    Example: ioc alerts show 4711
    """
    from ioc.alerts.detail import one
    from ioc.alerts.document import alert_document
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        document = _plain(alert_document(answer(connection, one(SYSTEM_READER, alert))))
    if output is Form.JSON:
        print_json(document)
        return
    typer.echo(
        f"{document['id']}  {document['severity']}  {document['name']['vi']} ({document['name']['en']})"
    )
    told = {
        "subject": document["subject"],
        "unit": document["unit"],
        "point": document["point"],
        "since": document["since"],
        "opened": document["opened_at"],
        "cleared": document["cleared_at"],
        "acknowledged": document["acknowledged_at"],
        "by": document["acknowledged_by"],
        "lapses": document["ack_expires_at"],
        "assigned to": document["assigned_to"],
        "held": document["held"],
        "members": f"{document['members']} of {document['joined']}",
        "told": document["told"],
    }  # fmt: skip
    for name, value in told.items():
        typer.echo(f"{name:13} {_cell(value)}")
    for title, columns in (
        ("subjects", ("subject", "phase", "since", "unit", "value")),
        ("events", ("at", "kind", "actor", "detail")),
        ("steps", ("kind", "round", "step", "due_at", "state", "why", "held")),
        ("messages", ("created_at", "kind", "person", "channel", "state", "attempts", "error")),
    ):
        if document[title]:
            typer.echo("")
            print_table(columns, [tuple(_cell(one[name]) for name in columns) for one in document[title]])


def log(
    alert: Annotated[
        int | None, typer.Argument(help="Only what happened to this alert, by people and platform.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="A reader's name or a person's code.")] = None,
    start: _From = None,
    end: _To = None,
    platform: Annotated[
        bool, typer.Option("--platform", help="With what the platform did to alerts by itself.")
    ] = False,
    limit: _Limit = 200,
    output: _Output = Format.TABLE,
) -> None:
    """Show who did what to alerts, duty and maintenance windows, the newest first; of one alert from its begin on.

    Example: ioc alerts log --actor truc-ban-1 --from 2026-11-01
    """
    from ioc.alerts import audit, detail
    from ioc.alerts.document import entry_document, event_document
    from ioc.errors import UsageError
    from ioc.kpi.query import SYSTEM_READER, answer

    if alert is not None and (actor or start or end):
        raise UsageError("An alert's log is given whole.", remedy="Leave out --actor, --from and --to.")
    columns: tuple[str, ...] = ("at", "what", "actor", "about", "detail")
    with database() as connection:
        if alert is None:
            found = answer(
                connection,
                audit.trail(SYSTEM_READER, actor=actor, start=start, end=end, platform=platform, limit=limit),
            )
            entries = [_plain(entry_document(entry, found.zone)) for entry in found.entries]
        else:
            events, _, zone = answer(connection, detail.events(SYSTEM_READER, alert, after=None, limit=limit))
            entries = [_plain(event_document(event, zone)) for event in events]
            columns = ("at", "kind", "actor", "detail")
    if output is Format.JSON:
        print_json({"entries": entries})
    else:
        print_rows(output, columns, [tuple(_cell(entry[name]) for name in columns) for entry in entries])


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(document)
    return found


def _cell(value: Any) -> str:
    """A value in a table: times without their offset, what has parts in one line."""
    if value is None or value == []:
        return "—"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={_cell(part)}" for name, part in value.items()).replace("\n", " ")
    text = str(value)
    is_time = len(text) > 18 and text[4:5] == "-" and text[10:11] == "T"
    return text[:19].replace("T", " ") if is_time else text
