"""The schema that Grafana's role reaches, and the reader as whom it asks."""

from ioc.storage.plain_sql import run

revision = "0077"
down_revision = "0076"


def upgrade() -> None:
    run("0077_board.sql")
