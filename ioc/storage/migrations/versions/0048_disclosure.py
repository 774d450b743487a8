"""Editions of de-identified counts."""

from ioc.storage.plain_sql import run

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    run("0048_disclosure.sql")
