"""The data source of the boards: PostgreSQL with TimescaleDB, read by a role that may read the boards' schema alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from dashboards import role
from dashboards.model import DataSource
from ioc.errors import SettingsError
from ioc.settings import Settings

#: Names of Grafana's plug-in for PostgreSQL: the older one, which every release understands, and the newer one.
TYPES: Final = ("postgres", "grafana-postgresql-datasource")
#: Connections that Grafana keeps at most; the database role has more of them, for Grafana's restarts.
_CONNECTIONS: Final = 10
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How Grafana reaches the database."""

    uid: str
    name: str
    address: str
    """``host:port`` as Grafana reaches it."""
    database: str
    user: str
    tls: str
    """``sslmode`` of PostgreSQL."""
    password: SecretStr

    def document(self, kind: str = TYPES[0]) -> dict[str, Any]:
        """The data source as Grafana's HTTP API and its files have it, without the password.

        :param kind: of :data:`TYPES`.
        """
        return {
            "uid": self.uid,
            "name": self.name,
            "type": kind,
            "access": "proxy",
            "url": self.address,
            "user": self.user,
            "database": self.database,  # releases before 10 read it here
            "jsonData": {
                "database": self.database,
                "sslmode": self.tls,
                "timescaledb": True,
                "postgresVersion": 1500,
                "maxOpenConns": _CONNECTIONS,
                "maxIdleConns": _CONNECTIONS,
                "connMaxLifetime": 14400,
            },
        }


def of(settings: Settings, password: SecretStr) -> Source:
    """The data source for the platform's database.

    :param password: of the database role.
    :raises SettingsError: Grafana's way to the database can't be told from the settings.
    """
    facts = conninfo_to_dict(settings.database_dsn)
    host, port = str(facts.get("host") or ""), str(facts.get("port") or 5432)
    address = settings.grafana_database or (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    if settings.grafana_database is None and (not host or host.startswith("/") or "," in host):
        raise SettingsError(
            "How Grafana reaches the database can't be told from IOC_DATABASE_URL.",
            remedy="Set IOC_GRAFANA_DATABASE to host:port.",
        )
    tls: str | None = settings.grafana_database_tls
    if tls is None:
        here = urlsplit(f"//{address}").hostname in _LOCAL
        tls = _tls_of(settings) or ("disable" if here else "require")
    shape = DataSource()
    return Source(
        uid=shape.uid,
        name=shape.name,
        address=address,
        database=str(facts.get("dbname") or "ioc"),
        user=shape.role,
        tls=tls,
        password=password,
    )


def _tls_of(settings: Settings) -> str | None:
    """What the platform itself uses; Grafana knows four of PostgreSQL's six ways."""
    if settings.database_url is None:
        return "disable"
    found = parse_qs(urlsplit(settings.database_url.get_secret_value()).query).get("sslmode", [""])[0]
    return {"allow": "require", "prefer": "require"}.get(found, found) or None


def prepared(settings: Settings) -> Source:
    """Make the database role what the boards expect, and return the data source that logs in with it.

    :raises IocError: the database does not answer, or its role can't be made.
    """
    return of(settings, role.ensure(settings))


def looked_at(settings: Settings) -> Source:
    """The data source as it stands, without a change of the database: for a look at what a push would do.

    :raises IocError: the settings do not tell the way to the database.
    """
    kept = role.password_file(settings)
    known = settings.grafana_database_password is not None or kept.exists()
    return of(settings, role.password(settings) if known else SecretStr(""))
