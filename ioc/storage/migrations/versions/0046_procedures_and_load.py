"""Procedures of the pack; role and pseudonym of whoever has a dossier."""

from ioc.storage.plain_sql import run

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    run("0046_procedures_and_load.sql")
