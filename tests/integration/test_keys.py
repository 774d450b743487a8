"""API keys on a real database: made, listed, revoked, and used while the database is away."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ioc.access import keys
from ioc.access.keyring import Keyring, snapshot_file
from ioc.errors import UsageError
from ioc.settings import Settings
from tests.integration.streaming import run_ioc


@pytest.fixture
def own(database: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database, state_dir=tmp_path, key_refresh_s=0.1)  # type: ignore[arg-type]


def _make(settings: Settings, name: str, **limits: object) -> tuple[keys.Key, str]:
    with psycopg.connect(settings.database_dsn) as connection:
        return keys.create(connection, name, **limits)  # type: ignore[arg-type]


def test_a_key_lets_in_until_it_is_revoked(own: Settings) -> None:
    key, text = _make(own, "kiosk")
    ring = Keyring(own)
    assert ring.refresh()
    found = ring.verify(text)
    assert found is not None
    assert found.id == key.id
    for wrong in (
        text[:-1] + ("0" if text[-1] != "0" else "1"),
        "ioc_" + "0" * 12 + text[16:],
        "",
        "ioc_x",
        text + "0",
    ):
        assert ring.verify(wrong) is None
    with psycopg.connect(own.database_dsn) as connection:
        keys.revoke(connection, "kiosk")
    assert ring.refresh()
    assert ring.verify(text) is None


def test_the_database_and_the_snapshot_hold_no_secret(own: Settings) -> None:
    _, text = _make(own, "kiosk")
    secret = text.rsplit("_", 1)[1]
    Keyring(own).refresh()
    path = snapshot_file(own)
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with psycopg.connect(own.database_dsn) as connection:
        row = connection.execute("SELECT api_key::text FROM ioc.api_key").fetchone()
    assert row is not None
    assert secret not in row[0]


def test_keys_go_on_while_the_database_is_away_and_expire_all_the_same(own: Settings, tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    _, text = _make(own, "kiosk", expires_at=ends)
    assert Keyring(own).refresh()
    away = Settings(
        database_url="postgresql://ioc@127.0.0.1:1/nothing",  # type: ignore[arg-type]
        state_dir=tmp_path,
    )
    ring = Keyring(away)
    assert not ring.refresh()
    assert ring.verify(text) is not None
    assert ring.verify(text, ends) is None
    snapshot_file(own).write_text('{"torn')
    assert Keyring(away).verify(text) is None


def test_last_use_is_written_down(own: Settings) -> None:
    _, text = _make(own, "kiosk")
    ring = Keyring(own)
    ring.refresh()
    ring.verify(text)
    ring.refresh()
    with psycopg.connect(own.database_dsn) as connection:
        (found,) = keys.list_keys(connection)
    assert found.last_used_at is not None
    assert datetime.now(UTC) - found.last_used_at < timedelta(minutes=5)


def test_what_can_not_be_a_key_is_refused(own: Settings) -> None:
    _make(own, "kiosk")
    for name, limits in (
        ("kiosk", {}),
        (" ", {}),
        ("other", {"scopes": ["rule the world"]}),
        ("other", {"quota_per_minute": 0}),
        ("other", {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}),
    ):
        with pytest.raises(UsageError):
            _make(own, name, **limits)


def test_the_command_line_shows_a_secret_once(own: Settings) -> None:
    made = run_ioc(own, "key", "create", "kiosk", "--topic", "ioc.queues", "--quota", "600")
    assert made.returncode == 0, made.stderr
    text = made.stdout.strip()
    assert keys.split(text) is not None
    listed = run_ioc(own, "key", "list")
    assert "kiosk" in listed.stdout
    assert "ioc.queues" in listed.stdout
    assert text.rsplit("_", 1)[1] not in listed.stdout
    assert run_ioc(own, "key", "revoke", "kiosk").returncode == 0
    assert "kiosk" not in run_ioc(own, "key", "list").stdout
    assert "revoked" in run_ioc(own, "key", "list", "--all").stdout
    again = run_ioc(own, "key", "revoke", "nobody")
    assert again.returncode == 2
    assert "Traceback" not in again.stderr
    assert run_ioc(own, "key", "create", "x", "--topic", "ioc.nothing").returncode == 2
