"""An index of the outbox that another one took the place of."""

from ioc.storage.plain_sql import run

revision = "0071"
down_revision = "0067"


def upgrade() -> None:
    run("0071_outbox_index.sql")
