"""The role with which Grafana logs in to the database: it may read the schema ``ioc_board`` and nothing else.

A role is the whole server's, not one database's, so that it is made here and not by a migration. Its password is
generated and kept in the state folder. Where the platform may not make roles, the error gives the exact SQL.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import errors, sql
from pydantic import SecretStr

from dashboards.model import DATABASE_ROLE
from ioc.errors import UnavailableError
from ioc.settings import Settings

#: Longest time that one query of a board may take. A guard against accidents: a session may change it.
STATEMENT_TIMEOUT: Final = "10s"
#: Most connections of Grafana at a time.
CONNECTIONS: Final = 20
#: One process at a time makes the role: a server has one, however many databases.
_LOCK: Final = 0x696F6318
_NO_LARGE_OBJECTS: Final = (
    "REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),"
    " pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC"
)
_LIMITS: Final = {
    "default_transaction_read_only": "on",
    "statement_timeout": STATEMENT_TIMEOUT,
    "idle_in_transaction_session_timeout": "30s",
    "lock_timeout": "2s",
    "search_path": "ioc_board",
}


def password_file(settings: Settings) -> Path:
    """Where the role's password is kept, for its owner only."""
    return settings.state_dir / "secrets" / "grafana-database"


def password(settings: Settings) -> SecretStr:
    """Return the role's password: the one of the settings, else one that is generated when it is first asked for.

    :raises UnavailableError: the state folder can't be read or written.
    """
    if settings.grafana_database_password is not None:
        return settings.grafana_database_password
    path = password_file(settings)
    try:
        if not path.exists():
            _keep(path, secrets.token_urlsafe(24))
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise UnavailableError(
            f"The password of the boards' database role can't be kept in {path}: {error.strerror}.",
            remedy="Run the command as the user that runs the platform, or set IOC_STATE_DIR.",
        ) from error


def ensure(settings: Settings, *, admin_dsn: str | None = None) -> SecretStr:
    """Make the role, or bring it to what this program expects; return its password. Harmless to repeat.

    :param admin_dsn: URL of the platform's database for a role that may make roles; without it the embedded server's
        administrator does it, and on an external server the platform's own role tries.
    :raises UnavailableError: the database does not answer, is not prepared, or the platform's role may not make
        roles there; the remedy then is the SQL that somebody who may has to run.
    """
    secret = password(settings)
    address = admin_dsn or settings.database_admin_dsn or settings.database_dsn
    try:
        with psycopg.connect(address, connect_timeout=5) as connection:
            # a lock of the transaction's; the role is made, limited and granted at once or not at all
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            _make(connection, secret)
    except errors.InvalidSchemaName as error:
        raise UnavailableError(
            "The database is not prepared for boards.", remedy="Run: ioc prepare"
        ) from error
    except errors.InsufficientPrivilege as error:
        if _is_made(settings, secret):
            return secret
        raise UnavailableError(
            f"The platform's own role may not make the role {DATABASE_ROLE} on this database server.",
            remedy="Let an administrator of the server run the following in the platform's database, with the password"
            f" that is in {password_file(settings)}:\n{statements(_database(settings))}",
        ) from error
    except psycopg.OperationalError as error:
        raise UnavailableError(
            "The database does not answer.", remedy="Run ioc status, and ioc doctor when it is not up."
        ) from error
    return secret


def _is_made(settings: Settings, secret: SecretStr) -> bool:
    """Whether an administrator made the role already, with this password and the right to read the boards' schema."""
    try:
        with psycopg.connect(dsn(settings, secret), connect_timeout=5) as connection:
            row = connection.execute("SELECT has_schema_privilege('ioc_board', 'USAGE')").fetchone()
    except psycopg.Error:
        return False
    return row is not None and bool(row[0])


def statements(database: str) -> str:
    """Return what an administrator runs where the platform may not; the password is left out.

    :param database: name of the platform's database.
    """
    limits = "\n".join(
        f"ALTER ROLE {DATABASE_ROLE} SET {name} = '{value}';" for name, value in _LIMITS.items()
    )
    return (
        f"CREATE ROLE {DATABASE_ROLE} LOGIN NOINHERIT CONNECTION LIMIT {CONNECTIONS} PASSWORD '…';\n{limits}\n"
        f"GRANT USAGE ON SCHEMA ioc_board TO {DATABASE_ROLE};\n"
        f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;\n{_NO_LARGE_OBJECTS};"
    )


def _database(settings: Settings) -> str:
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(settings.database_dsn).get("dbname") or "ioc")


def dsn(settings: Settings, secret: SecretStr) -> str:
    """Return the URL with which the role reaches the platform's database. Holds the password."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    facts = conninfo_to_dict(settings.database_dsn)
    facts.update(user=DATABASE_ROLE, password=secret.get_secret_value())
    return make_conninfo("", **{key: value for key, value in facts.items() if value is not None})


def _make(connection: psycopg.Connection[Any], secret: SecretStr) -> None:
    role = sql.Identifier(DATABASE_ROLE)
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (DATABASE_ROLE,)).fetchone()
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {} PASSWORD {}").format(
            sql.SQL("CREATE" if row is None else "ALTER"),
            role,
            sql.Literal(CONNECTIONS),
            sql.Literal(_verifier(connection, secret)),
        )
    )
    for name, value in _LIMITS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(name), sql.Literal(value))
        )
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA ioc_board TO {}").format(role))
    # everybody may make temporary tables in a new database, and fill its disk with them
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    # and large objects; these functions are the server administrator's: for anybody else this says so and does nothing
    connection.execute(_NO_LARGE_OBJECTS.encode())


def _verifier(connection: psycopg.Connection[Any], secret: SecretStr) -> str:
    """What the server keeps to know the password by: a statement that fails is in its log, and it with it."""
    text = secret.get_secret_value().encode()
    return connection.pgconn.encrypt_password(text, DATABASE_ROLE.encode(), b"scram-sha-256").decode()


def _keep(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
