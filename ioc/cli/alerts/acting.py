"""What somebody at this machine does about alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli._asking import Form, database, print_json, who

if TYPE_CHECKING:
    from ioc.alerts.ordering import Order

_Alerts = Annotated[list[int], typer.Argument(help="Numbers of alerts: all of them, or none.")]
_Comment = Annotated[str, typer.Option(help="What you know; kept with the alert. No personal data.")]
_By = Annotated[str | None, typer.Option("--by", help="Who does it; without it, the login name.")]
_Output = Annotated[Form, typer.Option("--format", help="How to print.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (ack, unack, assign, comment, snooze, unsnooze, close):
        app.command()(command)


def ack(alerts: _Alerts, comment: _Comment = "", by: _By = None, output: _Output = Form.TABLE) -> None:
    """Take alerts on: nobody is called for them any more, until their policy's time is over.

    Example: ioc alerts ack 4711 4712 --comment "đang đến điểm 4"
    """
    _do("ack", alerts, by, output, comment=comment)


def unack(alerts: _Alerts, comment: _Comment = "", by: _By = None, output: _Output = Form.TABLE) -> None:
    """Take an acknowledgement back; for what is still open calling begins anew.

    Example: ioc alerts unack 4711
    """
    _do("unack", alerts, by, output, comment=comment)


def assign(
    alerts: _Alerts,
    to: Annotated[str | None, typer.Option(help="Code of a person; without it, nobody's.")] = None,
    comment: _Comment = "",
    by: _By = None,
    output: _Output = Form.TABLE,
) -> None:
    """Give alerts to somebody.

    Example: ioc alerts assign 4711 --to truc-ban-1
    """
    _do("assign", alerts, by, output, to=to, comment=comment)


def comment(
    alerts: _Alerts,
    text: Annotated[str, typer.Option(help="What to put beside them. No personal data.")],
    by: _By = None,
    output: _Output = Form.TABLE,
) -> None:
    """Put a comment beside alerts, open or not.

    Example: ioc alerts comment 4711 --text "Điện lực báo có điện lúc 16:00"
    """
    _do("comment", alerts, by, output, comment=text)


def snooze(
    alerts: _Alerts,
    until: Annotated[str | None, typer.Option(help="A moment ahead, in the district's zone.")] = None,
    minutes: Annotated[float | None, typer.Option(help="In place of --until.")] = None,
    comment: _Comment = "",
    by: _By = None,
    output: _Output = Form.TABLE,
) -> None:
    """Have nobody called for alerts for a time; what is planned goes on then.

    Example: ioc alerts snooze 4711 --minutes 60
    """
    _do("snooze", alerts, by, output, until=until, minutes=minutes, comment=comment)


def unsnooze(alerts: _Alerts, comment: _Comment = "", by: _By = None, output: _Output = Form.TABLE) -> None:
    """End a snooze before its time.

    Example: ioc alerts unsnooze 4711
    """
    _do("unsnooze", alerts, by, output, comment=comment)


def close(
    alerts: _Alerts,
    reason: Annotated[str, typer.Option(help="Why; kept with the alert.")],
    by: _By = None,
    output: _Output = Form.TABLE,
) -> None:
    """Clear alerts by hand. Their conditions open others only when they were away and came back.

    Example: ioc alerts close 4711 --reason "camera đã tháo"
    """
    _do("close", alerts, by, output, reason=reason)


def _do(action: str, alerts: list[int], by: str | None, output: Form, **given: Any) -> None:
    from ioc.alerts.ordering import Action, Order, carry_out
    from ioc.kpi.query import SYSTEM_READER, change

    order: Order = Order(**given)
    with database() as connection:
        steps = carry_out(SYSTEM_READER, Action(action), alerts, order, actor=who(by), via="cli")
        done = change(connection, steps)
    if output is Form.JSON:
        print_json(
            {"alerts": [{"id": one.alert_id, "changed": one.changed, "note": one.note} for one in done]}
        )
        return
    for one in done:
        typer.echo(f"{one.alert_id}: {'done' if one.changed else 'nothing to do'}. {one.note}".rstrip())
