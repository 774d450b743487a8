"""Roll-ups of device-time and of samples; conditions beside a device's state; how far facts are kept."""

from ioc.storage.plain_sql import run

revision = "0030"
down_revision = "0023"


def upgrade() -> None:
    run("0030_rollups.sql")
