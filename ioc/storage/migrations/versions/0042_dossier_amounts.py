"""Working days of completed dossiers per unit and local day, ready to be ranked."""

from ioc.storage.plain_sql import run

revision = "0042"
down_revision = "0048"


def upgrade() -> None:
    run("0042_dossier_amounts.sql")
