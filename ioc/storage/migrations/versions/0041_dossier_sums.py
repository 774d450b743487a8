"""Sums of the dossier ledger by local day and month, kept exact by the ledger's own triggers."""

from ioc.storage.plain_sql import run

revision = "0041"
down_revision = "0044"


def upgrade() -> None:
    run("0041_dossier_sums.sql")
