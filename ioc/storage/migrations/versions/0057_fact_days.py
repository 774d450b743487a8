"""Facts of each unit and day: how many, how many of them late, when first learned."""

from ioc.storage.plain_sql import run

revision = "0057"
down_revision = "0046"


def upgrade() -> None:
    run("0057_fact_days.sql")
