"""Agency names in a real database: applied, resolved, and those without a unit listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from ioc.cli.district import app
from ioc.district import apply_pack, read_pack
from ioc.district.agencies import MOST_UNMAPPED, OVERFLOW_KEY, AgencyResolver, list_unmapped
from ioc.district.model import Agency

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
AT = datetime(2026, 3, 2, 3, tzinfo=UTC)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as found:
        yield found


def test_the_database_resolves_as_the_pack_does(connection: psycopg.Connection[Any]) -> None:
    pack = read_pack(SHIPPED)
    assert apply_pack(connection, pack).agencies == len(pack.agencies)
    assert apply_pack(connection, pack).changed == 0
    stored, read = AgencyResolver.from_database(connection), AgencyResolver.from_pack(pack)
    for row in pack.agencies:
        for at in (AT, datetime(2024, 4, 3, tzinfo=UTC)):
            assert stored.resolve(row.name, at) == read.resolve(row.name, at)
    assert stored.resolve("ubnd xã phước thạnh", AT) == "25663"


def test_a_row_that_leaves_the_pack_leaves_the_database(connection: psycopg.Connection[Any]) -> None:
    pack = read_pack(SHIPPED)
    apply_pack(connection, pack)
    assert apply_pack(connection, dataclasses.replace(pack, agencies=pack.agencies[1:])).agencies == 1
    assert apply_pack(connection, dataclasses.replace(pack, agencies=())).agencies == len(pack.agencies) - 1
    assert AgencyResolver.from_database(connection).resolve("UBND xã Phước Thạnh", AT) is None


def test_names_without_a_unit_add_up_until_the_pack_explains_them(
    connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = read_pack(SHIPPED)
    apply_pack(connection, pack)
    for _ in range(2):
        resolver = AgencyResolver.from_database(connection)
        resolver.resolve("Phòng Một\x00 cửa số", AT)
        assert resolver.store_unmapped(connection) == 1
        assert resolver.store_unmapped(connection) == 0
    assert [(row.name, row.seen) for row in list_unmapped(connection)] == [("Phòng Một cửa số", 2)]
    monkeypatch.setenv("IOC_DATABASE_URL", database)
    shown = CliRunner().invoke(app, ["agencies"])
    assert (shown.exit_code, "2x" in shown.output, "'Phòng Một cửa số'" in shown.output) == (0, True, True)

    more = (*pack.agencies, Agency("Phòng Một cửa số", pack.root))
    apply_pack(connection, dataclasses.replace(pack, agencies=more))
    assert list_unmapped(connection) == []
    assert "has a unit" in CliRunner().invoke(app, ["agencies"]).output


def test_the_list_is_bounded_however_many_connectors_write(connection: psycopg.Connection[Any]) -> None:
    for writer in range(2):
        resolver = AgencyResolver((), time_zone="UTC")
        for number in range(MOST_UNMAPPED):
            resolver.resolve(f"agency {writer} {number}", AT)
        resolver.store_unmapped(connection)
    found = {row.key: row.seen for row in list_unmapped(connection)}
    assert (len(found), found[OVERFLOW_KEY], sum(found.values())) == (
        MOST_UNMAPPED + 1,
        MOST_UNMAPPED,
        2 * MOST_UNMAPPED,
    )


def test_what_a_broken_database_refuses_is_kept_for_the_next_time(database: str) -> None:
    resolver = AgencyResolver((), time_zone="UTC")
    resolver.resolve("A", AT)
    with psycopg.connect(database, autocommit=True) as gone:
        gone.close()
        with pytest.raises(psycopg.Error):
            resolver.store_unmapped(gone)
    with psycopg.connect(database, autocommit=True) as well:
        assert resolver.store_unmapped(well) == 1
        assert [(row.name, row.seen) for row in list_unmapped(well)] == [("A", 1)]
