"""Duty: a version that grows with every change of what decides who is on duty."""

from ioc.storage.plain_sql import run

revision = "0066"
down_revision = "0062"


def upgrade() -> None:
    run("0066_duty_history.sql")
