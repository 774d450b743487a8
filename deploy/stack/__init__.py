"""The embedded stack: real Kafka and PostgreSQL with TimescaleDB without Docker, and the supervisor of all roles.

For tests and benches::

    from deploy.stack import EmbeddedKafka, EmbeddedPostgres, ensure_installed
    ensure_installed(settings)
    with EmbeddedKafka(settings) as kafka, EmbeddedPostgres(settings) as postgres:
        ...
"""

from deploy.stack.install import ensure_installed
from deploy.stack.kafka import EmbeddedKafka
from deploy.stack.postgres import EmbeddedPostgres

__all__ = ["EmbeddedKafka", "EmbeddedPostgres", "ensure_installed"]
