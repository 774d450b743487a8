"""Channels that people answer on: up to where they were read."""

from ioc.storage.plain_sql import run

revision = "0064"
down_revision = "0068"


def upgrade() -> None:
    run("0064_channel_positions.sql")
