"""What a dossier's facts say beyond its dates."""

from ioc.storage.plain_sql import run

revision = "0022"
down_revision = "0016"


def upgrade() -> None:
    run("0022_dossier_facts.sql")
