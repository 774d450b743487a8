"""What people did about alerts, quickly found; maintenance windows as a trail."""

from ioc.storage.plain_sql import run

revision = "0069"
down_revision = "0066"


def upgrade() -> None:
    run("0069_alert_trail.sql")
