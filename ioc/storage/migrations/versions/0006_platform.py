"""The tables of platform."""

from ioc.storage.plain_sql import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_platform.sql")
