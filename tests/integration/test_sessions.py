"""Sessions of browsers: known by a secret that is kept nowhere, over when they should be."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ioc.access import readers, sessions
from ioc.kpi.query import change
from tests.integration.kpi_data import Connection
from tests.servers import Servers


@pytest.fixture
def connection(servers: Servers) -> Iterator[Connection]:
    url = servers.new_database()
    with psycopg.connect(url, autocommit=True) as found:
        readers.add(found, "chief")
        readers.add(found, "clerk")
        yield found
    servers.drop_database(url)


def _of(connection: Connection, token: str) -> str | None:
    return change(connection, sessions.reader_of(token))


def test_a_session_is_its_reader_s_until_it_is_ended(connection: Connection) -> None:
    token = change(connection, sessions.begin("chief", "a browser\x00"))
    other = change(connection, sessions.begin("clerk", "x" * 1000))
    assert (_of(connection, token), _of(connection, other)) == ("chief", "clerk")
    assert [
        _of(connection, wrong) for wrong in ("", token[:-1], token + "x", "x" * 5000, "\x00", "\ud800")
    ] == [None] * 6
    kept = connection.execute("SELECT digest, agent FROM ioc.session ORDER BY session_id").fetchall()
    assert all(token.encode() not in digest and other.encode() not in digest for digest, _ in kept)
    assert [len(agent) for _, agent in kept] == [9, 200]

    change(connection, sessions.end(token))
    assert (_of(connection, token), _of(connection, other)) == (None, "clerk")
    (session,) = change(connection, sessions.of("clerk"))
    assert change(connection, sessions.end_one(session.id))
    assert not change(connection, sessions.end_one(session.id))
    assert _of(connection, other) is None


def test_a_session_that_is_not_used_ends_and_one_that_is_used_goes_on_but_not_for_ever(
    connection: Connection,
) -> None:
    token = change(connection, sessions.begin("chief", ""))
    connection.execute(
        "UPDATE ioc.session SET seen_at = now() - interval '11 hours', expires_at = now() + interval '1 hour'"
    )
    assert _of(connection, token) == "chief"
    row = connection.execute("SELECT expires_at > now() + interval '11 hours' FROM ioc.session").fetchone()
    assert row == (True,)

    connection.execute(
        "UPDATE ioc.session SET made_at = now() - interval '29 days 23 hours', seen_at = now() - interval '1 hour'"
    )
    assert _of(connection, token) == "chief"
    row = connection.execute("SELECT expires_at < now() + interval '2 hours' FROM ioc.session").fetchone()
    assert row == (True,)

    connection.execute("UPDATE ioc.session SET expires_at = now() - interval '1 second'")
    assert _of(connection, token) is None


def test_a_reader_who_is_shut_out_has_no_session(connection: Connection) -> None:
    token = change(connection, sessions.begin("chief", ""))
    readers.set_active(connection, "chief", active=False)
    assert _of(connection, token) is None


def test_one_reader_has_so_many_sessions_and_no_more(connection: Connection) -> None:
    first = change(connection, sessions.begin("chief", ""))
    tokens = [change(connection, sessions.begin("chief", "")) for _ in range(sessions.MOST_OF_ONE)]
    other = change(connection, sessions.begin("clerk", ""))
    assert _of(connection, first) is None
    assert [_of(connection, token) for token in tokens] == ["chief"] * sessions.MOST_OF_ONE
    assert change(connection, sessions.end_all("chief")) == sessions.MOST_OF_ONE
    assert [session.reader for session in change(connection, sessions.of())] == ["clerk"]
    assert _of(connection, other) == "clerk"
