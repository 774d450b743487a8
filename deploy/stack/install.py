"""Bring the embedded servers' programs onto this machine, once."""

from __future__ import annotations

from collections.abc import Callable

from deploy.stack import install_kafka, install_postgres
from deploy.stack.installing import exclusive
from deploy.stack.layout import Layout
from ioc.settings import Settings


def _silent(_: str) -> None:
    return


def missing(settings: Settings) -> list[str]:
    """Names of the embedded servers that these settings need and that are not installed."""
    software = Layout.of(settings).software
    found = []
    if settings.kafka_is_embedded and not install_kafka.is_installed(software):
        found.append("kafka")
    if settings.database_is_embedded and not install_postgres.is_installed(software):
        found.append("postgresql")
    return found


def ensure_installed(settings: Settings, say: Callable[[str], None] = _silent) -> None:
    """Install what is missing of the embedded servers; quick when nothing is. Safe to call at the same time.

    :param say: told what is being fetched, one line each.
    :raises IocError: saying what could not be fetched or checked, and what to do.
    """
    if not missing(settings):
        return
    software = Layout.of(settings).software
    with exclusive(software):
        for name in missing(settings):
            if name == "kafka":
                say(f"Fetching Kafka {install_kafka.VERSION} (about 50 MB)")
                install_kafka.install(software)
            elif install_postgres.was_moved(software):
                say("PostgreSQL was moved: telling its programs where their libraries are")
                install_postgres.install(software)
            else:
                say(f"Fetching PostgreSQL {install_postgres.MAJOR} and TimescaleDB (about 70 MB)")
                install_postgres.install(software)
