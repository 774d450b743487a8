"""Medians of days' round-trip times, told once and not with every question."""

from ioc.storage.plain_sql import run

revision = "0070"
down_revision = "0065"


def upgrade() -> None:
    run("0070_rtt_medians.sql")
