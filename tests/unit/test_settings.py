"""Wrong settings: one line that says which and why, without repeating what may be secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.errors import SettingsError
from ioc.settings import load


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    load.cache_clear()
    yield
    load.cache_clear()


def refusal() -> SettingsError:
    with pytest.raises(SettingsError) as told:
        load()
    assert told.value.remedy
    assert told.value.exit_code == 2
    return told.value


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "host=db password=hush-hush",
        "mysql://me:hush-hush@db/ioc",
        "postgresql://me:hush-hush%zz@db/ioc",
        "postgresql://me:hush-hush@db/ioc?nope=1",
    ],
)
def test_a_database_url_that_is_none(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("IOC_DATABASE_URL", url)
    told = refusal()
    assert "database_url" in told.message
    assert "postgresql://user:password@host" in told.message
    assert "hush" not in told.message + told.remedy


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_database_url(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("IOC_DATABASE_URL", f"{scheme}://me:hush-hush@db:5433/ioc?sslmode=require")
    assert load().database_dsn.endswith("@db:5433/ioc?sslmode=require")
    assert "hush" not in repr(load())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'api_host = "x', "Unterminated"),
        (b"api_port 5", "line 1"),
        (b'api_host = "\xff"', "UTF-8"),
        (b"nope = 1", "nope"),
        (b"api_port = 0", "api_port"),
    ],
)
def test_a_settings_file_that_is_none(content: bytes, says: str) -> None:
    Path("ioc.toml").write_bytes(content)
    told = refusal()
    assert says in told.message
    assert "ioc.toml" in told.message + told.remedy


def test_a_folder_in_place_of_the_settings_file_is_no_settings_file() -> None:
    Path("ioc.toml").mkdir()
    assert load().api_port == 18080


def test_variables_stand_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ioc.toml").write_text("api_port = 1001\nkafka_port = 1002\n")
    monkeypatch.setenv("IOC_API_PORT", "1003")
    assert (load().api_port, load().kafka_port) == (1003, 1002)
