"""The tables of district."""

from ioc.storage.plain_sql import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_district.sql")
