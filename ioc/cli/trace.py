"""``ioc trace``: the way of an alert back to its fact and on to its messages; of an event on to its alerts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ioc.cli._asking import Form, database, print_json
from ioc.cli._progress import progress

if TYPE_CHECKING:
    from ioc.alerts.tracing import AlertPath, RecordPath
    from ioc.platform.records import Record
    from ioc.settings import Settings

_NOT_FOUND: Final = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace")(trace)


def trace(
    what: Annotated[str, typer.Argument(metavar="ALERT|EVENT", help="Number of an alert, or an event's id.")],
    hours: Annotated[
        float, typer.Option(help="How far back an event is looked for in Kafka.", min=0.01, max=24 * 30)
    ] = 24.0,
    topic: Annotated[
        list[str] | None, typer.Option(help="Look for an event in this topic only, e.g. ioc.cameras.")
    ] = None,
    output: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TABLE,
) -> None:
    """Show the way: request, record in Kafka, transaction, alert, messages.

    Of an alert: which records raised it and which request brought them, while Kafka keeps them; its trail; whom it was
    told to, and how that went. Of an event: where it stands, whether it was counted, which alerts its batch wrote to.
    The trace is the X-Request-ID of the request, and `trace` in log lines. Exits with 3 when nothing is found.

    Example: ioc trace 1204
    """
    from ioc.settings import load

    settings = load()
    found = _alert(settings, int(what)) if what.isdecimal() and len(what) < 19 else None
    if found is None:
        found = _event(settings, what, hours, topic)
    if found is None:
        typer.echo(
            f"Neither an alert nor an event of the last {hours:g} h is called {what}."
            " Look further back with --hours.",
            err=True,
        )
        raise typer.Exit(_NOT_FOUND)
    document, lines = found
    if output is Form.JSON:
        print_json(document)
    else:
        typer.echo("\n".join(lines))


_Shown = tuple[dict[str, Any], list[str]]


def _alert(settings: Settings, alert_id: int) -> _Shown | None:
    from ioc.alerts import tracing
    from ioc.errors import UnavailableError
    from ioc.kpi.query import answer
    from ioc.platform.records import reading

    with database() as connection:
        path = answer(connection, tracing.alert(alert_id))
    if path is None:
        return None
    records: list[Record] = []
    missing = ""
    if path.raised_by is not None:
        origin = path.raised_by
        _, _, subject = path.subject.partition(":")
        try:
            with reading(settings) as kafka:
                records = kafka.between(
                    origin.topic, origin.partition, origin.start, origin.end, subject=subject
                )
        except UnavailableError as error:
            missing = str(error)
        if not records and not missing:
            missing = "Kafka does not keep these records any more."
    document = {**asdict_plain(path), "records": [asdict(one) for one in records], "missing": missing or None}
    return document, list(_alert_lines(path, records, missing))


def asdict_plain(path: AlertPath) -> dict[str, Any]:
    """An alert's way as JSON has it."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(path)
    return found


def _alert_lines(path: AlertPath, records: list[Record], missing: str) -> list[str]:
    lines = [f"alert {path.id}  {path.rule}  {path.subject}  unit {path.unit or '-'}"]
    lines.append(f"  since {_at(path.since)}, opened {_at(path.opened_at)}, cleared {_at(path.cleared_at)}")
    lines.append("record")
    if path.raised_by is None:
        lines.append("  none: it was raised by figures, by silence or by the clock, not by one record")
    else:
        lines.append(f"  in the transaction of {path.raised_by}" + _traced(path.raised_by.trace))
        lines += [_record_line(one) for one in records]
        if missing:
            lines.append(f"  {missing}")
    lines.append("trail")
    for entry in path.trail:
        by = f"  with {entry.origin}" if entry.origin else ""
        lines.append(f"  {_at(entry.at)}  {entry.kind}  {entry.actor}{by}")
    lines.append("messages")
    for sent in path.messages:
        whom = sent.person or "-"
        how = f"{sent.state} {_at(sent.ended_at)}, {sent.attempts} attempts" + (
            f": {sent.error}" if sent.error else ""
        )
        lines.append(f"  {sent.id}  {sent.kind}  {sent.channel} to {whom}  {how}")
    if not path.messages:
        lines.append("  none")
    return lines


def _event(settings: Settings, event_id: str, hours: float, only: list[str] | None) -> _Shown | None:
    from ioc import topics
    from ioc.alerts import tracing
    from ioc.kpi.query import answer
    from ioc.platform.records import reading

    names = [settings.topic_prefix + name for name in only or topics.STREAM_TOPICS]
    with reading(settings) as kafka, progress() as tick:
        records = list(kafka.of_event(event_id, names, datetime.now(UTC) - timedelta(hours=hours), tick))
    if not records:
        return None
    lines: list[str] = []
    document: dict[str, Any] = {"event": event_id, "records": []}
    with database() as connection:
        for record in records:
            became = answer(connection, tracing.record(record.topic, record.partition, record.offset))
            document["records"].append({**asdict(record), **asdict(became)})
            lines += [_record_line(record).strip(), *_became(became)]
    return document, lines


def _became(became: RecordPath) -> list[str]:
    if became.set_aside is not None:
        stood = f"  set aside: {became.set_aside}"
    elif became.stored is None:
        stood = "  no worker has its partition"
    else:
        stood = "  its transaction is committed" if became.stored else "  waits for its worker"
    alerts = ", ".join(map(str, became.alerts)) or "none"
    return [stood, f"  alerts written to in its transaction: {alerts}"]


def _record_line(one: Record) -> str:
    place = f"{one.topic}/{one.partition} offset {one.offset}"
    return f"  {place}  {one.type}  of {one.source}  id {one.id}  time {one.time}{_traced(one.trace)}"


def _traced(trace: str | None) -> str:
    return f"  trace {trace}" if trace else ""


def _at(moment: datetime | None) -> str:
    from zoneinfo import ZoneInfo

    if moment is None:
        return "-"
    return moment.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%d/%m/%Y %H:%M:%S")
