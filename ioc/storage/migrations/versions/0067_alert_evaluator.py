"""Rules that can't be evaluated, and what the evaluator of alerts finds quickly."""

from ioc.storage.plain_sql import run

revision = "0067"
down_revision = "0070"


def upgrade() -> None:
    run("0067_alert_evaluator.sql")
