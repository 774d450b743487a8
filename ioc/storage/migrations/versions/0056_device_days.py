"""Devices by state at the end of each local day, kept exact by the runs' own triggers."""

from ioc.storage.plain_sql import run

revision = "0056"
down_revision = "0059"


def upgrade() -> None:
    run("0056_device_days.sql")
