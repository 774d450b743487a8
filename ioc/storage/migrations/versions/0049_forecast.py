"""Days that a district works though its weekday is free, or the other way round."""

from ioc.storage.plain_sql import run

revision = "0049"
down_revision = "0055"


def upgrade() -> None:
    run("0049_forecast.sql")
