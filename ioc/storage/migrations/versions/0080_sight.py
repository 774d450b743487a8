"""Figures of processes; the batch that an entry of an alert's trail was written in."""

from ioc.storage.plain_sql import run

revision = "0080"
down_revision = "0077"


def upgrade() -> None:
    run("0080_sight.sql")
