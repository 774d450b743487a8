"""``ioc channel``: the ways to tell people, and whether each works."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="Ways to tell people: which there are, and whether each works.\n\nExample: ioc channel test email --to boss",
)
_WRONG = 1


@app.command("list")
def list_channels() -> None:
    """Show the channels in force and whether each can be used; nothing is sent.

    Exits with 1 when one can't.

    Example: ioc channel list
    """
    from ioc.alerts.store import channels_of
    from ioc.cli._asking import database, print_table
    from ioc.cli.district import shipped_pack
    from ioc.delivery.channels.interface import ChannelError
    from ioc.delivery.channels.making import make_driver, secrets_of
    from ioc.delivery.links import Links
    from ioc.kpi.query import answer
    from ioc.settings import load

    settings = load()
    with database() as connection:
        found = answer(connection, channels_of())
    secrets = secrets_of(settings.pack or shipped_pack())
    rows: list[tuple[str, ...]] = []
    wrong = 0
    for channel in found.values():
        try:
            make_driver(channel, secrets, settings).close()
            state = "can be used"
        except ChannelError as error:
            state = str(error)
            wrong += 1
        rows.append((channel.code, channel.driver, channel.least.word, state))
    print_table(("channel", "driver", "least", "state"), rows)
    if problem := Links.of(settings).problem:
        typer.echo(problem)
    if wrong:
        raise typer.Exit(_WRONG)


@app.command("test")
def try_channel(
    code: Annotated[str, typer.Argument(help="Code of the channel.", show_default=False)],
    to: Annotated[
        str | None,
        typer.Option(
            help="Code of a person, or an address; - reads it from standard input. None where the channel is of nobody."
        ),
    ] = None,
) -> None:
    """Send a test message over a channel, once, and say what came back.

    Exits with 3 when it won't ever go so, with 4 when it may go later.

    Example: ioc channel test sms --to lanh-dao-1
    """
    import sys
    import time

    from ioc.cli._asking import database
    from ioc.cli.district import shipped_pack
    from ioc.delivery.channels.interface import PermanentError, TemporaryError
    from ioc.delivery.channels.making import make_driver, secrets_of
    from ioc.delivery.channels.trying import trial
    from ioc.errors import InputError, UnavailableError
    from ioc.kpi.query import answer
    from ioc.settings import load

    settings = load()
    wanted = sys.stdin.readline().strip() if to == "-" else to
    with database() as connection:
        found = answer(connection, trial(code, wanted))
    driver = make_driver(found.channel, secrets_of(settings.pack or shipped_pack()), settings)
    began = time.monotonic()
    try:
        receipt = driver.send(found.outgoing)
    except TemporaryError as error:
        wait = "" if error.retry_after_s is None else f" It asks to wait {error.retry_after_s:g} s."
        raise UnavailableError(error.message + wait, remedy=error.remedy) from None
    except PermanentError as error:
        raise InputError(error.message, remedy=error.remedy) from None
    finally:
        driver.close()
    more = "".join(f", {name} {value}" for name, value in receipt.detail.items())
    typer.echo(f"Sent in {time.monotonic() - began:.1f} s: id {receipt.id or 'none given'}{more}.")


@app.command("new-link-key")
def new_link_key() -> None:
    """Sign the links of messages with a new key. Links that are out still work; run it twice to end them all.

    Example: ioc channel new-link-key
    """
    from ioc.delivery.links import Links
    from ioc.settings import load

    Links.of(load()).rotate()
    typer.echo("Links are signed with a new key from now on.")
