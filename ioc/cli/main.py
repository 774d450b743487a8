"""Assembles the command line: every module of this package that has ``register(app)`` adds its commands.

Modules import what is heavy inside their commands, so that ``ioc --help`` stays quick.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Annotated

import typer

import ioc.cli
from ioc.errors import IocError

_INTERRUPTED = 130


def _version(asked: bool) -> None:
    if asked:
        from ioc.version import platform_version

        typer.echo(platform_version())
        raise typer.Exit


def _prepare(
    verbose: Annotated[bool, typer.Option("--verbose", help="Log in detail.")] = False,
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Trung tâm điều hành thông minh (IOC): live indicators, alerts that reach someone, an honest history.

    Example: ioc up
    """
    from ioc import logs

    logs.configure(verbose=verbose)


def build() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        name="ioc",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=True,
    )
    app.callback()(_prepare)
    for found in sorted(pkgutil.iter_modules(ioc.cli.__path__), key=lambda module: module.name):
        if found.name.startswith("_") or found.name == "main":
            continue
        module = importlib.import_module(f"ioc.cli.{found.name}")
        register = getattr(module, "register", None)
        if register is not None:
            register(app)
        elif isinstance(getattr(module, "app", None), typer.Typer):
            app.add_typer(module.app, name=found.name.replace("_", "-"))
    return app


def run() -> None:
    """Entry point of ``ioc``: errors of the platform are told in two sentences, without a traceback."""
    try:
        build()()
    except IocError as error:
        typer.echo(f"error: {error.message}", err=True)
        if error.remedy:
            typer.echo(f"  {error.remedy}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
