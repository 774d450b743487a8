"""What a camera's sample says beyond its verdict."""

from ioc.storage.plain_sql import run

revision = "0023"
down_revision = "0025"


def upgrade() -> None:
    run("0023_camera_detail.sql")
