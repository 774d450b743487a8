"""Alerts: rules, signals, alerts, their trail, escalation, messages, maintenance, heartbeats."""

from ioc.storage.plain_sql import run

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    run("0062_alerts.sql")
