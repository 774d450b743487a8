"""Rows written as binary COPY come back from the real database as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.copying import Column, encode, jsonb, optional, text, timestamps
from streams.instants import micros
from tests.servers import Servers

printable = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
rows = st.tuples(
    st.integers(-(2**31), 2**31 - 1),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda t: t.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.integers(-(2**15), 2**15 - 1),
    st.none() | st.integers(0, 2**31 - 1),
    st.none() | st.floats(-1e10, 1e10),
    st.none() | st.floats(width=32, allow_nan=False),
    st.none() | st.booleans(),
    st.none() | printable,
    st.none() | st.dictionaries(printable, st.integers() | printable | st.none(), max_size=3),
)


@pytest.fixture(scope="module")
def connection(servers: Servers) -> Any:
    url = servers.new_database()
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as found:
        found.execute(
            "CREATE TABLE copied (n int, a int, t timestamptz, s smallint, i int, d float8, f float4, b boolean,"
            " w text, j jsonb)"
        )
        yield found
    servers.drop_database(url)


def copy(connection: psycopg.Connection[Any], table: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    columns = list(zip(*table, strict=True)) if table else [()] * 9
    stream = encode(
        [
            Column(np.arange(len(table)), ">i4"),
            Column(np.array(columns[0], dtype=np.int64), ">i4"),
            timestamps(np.array([micros(t) for t in columns[1]], dtype=np.int64)),
            Column(np.array(columns[2], dtype=np.int64), ">i2"),
            optional(columns[3], ">i4"),
            optional(columns[4], ">f8"),
            optional(columns[5], ">f4"),
            optional(columns[6], "u1"),
        ],
        [
            {n: text(w) for n, w in enumerate(columns[7]) if w is not None},
            {n: jsonb(json.dumps(j).encode()) for n, j in enumerate(columns[8]) if j is not None},
        ],
    )
    connection.execute("TRUNCATE copied")
    with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN (FORMAT BINARY)") as pipe:
        pipe.write(stream)
    return connection.execute("SELECT a, t, s, i, d, f, b, w, j FROM copied ORDER BY n").fetchall()


@given(st.lists(rows, max_size=12))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_come_back_as_they_were(connection: Any, table: list[tuple[Any, ...]]) -> None:
    found = copy(connection, table)
    # float4 is shown in the fewest digits that tell it apart: compare as stored
    assert [(*r[:5], *r[6:]) for r in found] == [(*r[:5], *r[6:]) for r in table]
    assert [None if r[5] is None else np.float32(r[5]) for r in found] == [
        None if r[5] is None else np.float32(r[5]) for r in table
    ]


def test_ten_thousand_rows_with_and_without_texts(connection: Any) -> None:
    first = datetime(1969, 12, 31, 23, 59, tzinfo=UTC)
    table = [
        (
            n,
            first + timedelta(seconds=n, microseconds=n),
            n % 5,
            n if n % 3 else None,
            None,
            0.5,
            n % 7 == 0 or None,
            "lý do" if n % 100 == 0 else None,
            {"đ": n} if n % 250 == 0 else None,
        )
        for n in range(10_000)
    ]
    assert copy(connection, table) == table
