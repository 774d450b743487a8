"""Ledger entries with an amount, and the district's working time."""

from ioc.storage.plain_sql import run

revision = "0040"
down_revision = "0021"


def upgrade() -> None:
    run("0040_dossier_measures.sql")
