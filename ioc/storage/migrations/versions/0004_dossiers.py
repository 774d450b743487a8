"""The tables of dossiers."""

from ioc.storage.plain_sql import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run("0004_dossiers.sql")
