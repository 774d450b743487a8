"""The state folder: who may pass, what is secret, and what keeps the database's user out."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from deploy.stack import accounts, install_kafka, install_postgres, ports
from deploy.stack.layout import Layout, write_atomically
from ioc.errors import InputError, SettingsError
from ioc.settings import Settings


def _layout(folder: Path) -> Layout:
    return Layout.of(Settings(state_dir=folder / "state"))


def test_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    layout = _layout(tmp_path)
    layout.prepare()
    write_atomically(layout.secrets / "database", "x", mode=0o600)
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE((layout.secrets / "database").stat().st_mode) == 0o600


def test_written_file_is_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_atomically(path, "first")
    write_atomically(path, "second")
    assert path.read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]


def test_closed_folder_on_the_way_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inside = closed / "state"
    inside.mkdir(parents=True)
    tmp_path.chmod(0o755)
    closed.chmod(0o700)
    stranger = accounts.Account("stranger", 64_999, 64_999)
    blocked = accounts.blocked_at(inside, stranger)
    assert blocked is not None
    assert closed.is_relative_to(blocked)  # pytest's own folders above may be closed too
    with pytest.raises(SettingsError, match=r"IOC_STATE_DIR") as caught:
        accounts.require_reachable(inside, stranger, "IOC_STATE_DIR")
    assert str(blocked) in caught.value.remedy


def test_owner_of_the_folders_passes(tmp_path: Path) -> None:
    me = accounts.Account("me", os.geteuid(), os.getegid())
    assert accounts.blocked_at(tmp_path, me) is None


@pytest.mark.parametrize(
    ("package", "wanted"),
    [
        ("postgresql-17", True),
        ("postgresql-client-17", True),
        ("postgresql-17-timescaledb", True),
        ("libc6", True),
        ("libssl3t64", True),
        ("libicu76", True),
        ("libstdc++6", True),
        ("zlib1g", True),
        ("libllvm19", False),
        ("libz3-4", False),
        ("libperl5.40", False),
        ("libjson-perl", False),
        ("perl-base", False),
        ("postgresql-common", False),
        ("adduser", False),
        ("debconf", False),
    ],
)
def test_only_the_server_and_its_libraries_are_laid_out(package: str, wanted: bool) -> None:
    assert install_postgres.is_wanted(package) is wanted


def test_a_moved_server_is_noticed_and_set_right(tmp_path: Path) -> None:
    """Its programs hold the way to their libraries: after a move they would not even start."""
    first = install_postgres.folder(tmp_path / "first")
    programs = install_postgres.bin_folder(tmp_path / "first")
    programs.mkdir(parents=True)
    shutil.copy2(os.path.realpath("/bin/true"), programs / "true")
    (first / "installed").write_text("x\n")
    assert install_postgres.is_installed(tmp_path / "first")  # an older one recorded nothing
    install_postgres._set_paths(first, first)
    assert install_postgres.is_installed(tmp_path / "first")

    (tmp_path / "first").rename(tmp_path / "second")
    assert install_postgres.was_moved(tmp_path / "second")
    assert not install_postgres.is_installed(tmp_path / "second")
    assert not install_postgres.was_moved(tmp_path / "first")
    install_postgres.install(tmp_path / "second")
    assert install_postgres.is_installed(tmp_path / "second")
    moved = (install_postgres.bin_folder(tmp_path / "second") / "true").read_bytes()
    assert str(tmp_path / "second").encode() in moved


def test_changed_jar_is_refused(tmp_path: Path) -> None:
    names = sorted(install_kafka.expected_checksums())
    assert f"kafka_2.13-{install_kafka.VERSION}.jar" in names
    (tmp_path / names[0]).write_bytes(b"not the jar")
    with pytest.raises(InputError, match="not the recorded ones"):
        install_kafka.check(tmp_path)


@pytest.mark.parametrize(
    ("named", "found"), [({}, "system.crt"), ({"REQUESTS_CA_BUNDLE": "own.crt"}, "own.crt")]
)
def test_the_download_trusts_what_the_machine_trusts(
    named: dict[str, str], found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_kafka, "_SYSTEM_CERTIFICATES", tmp_path / "system.crt")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    with install_kafka.trust_of_the_system():
        assert os.environ.get("REQUESTS_CA_BUNDLE") == (str(tmp_path / found) if named else None)
    (tmp_path / "system.crt").write_text("roots")
    with install_kafka.trust_of_the_system():
        assert os.environ["REQUESTS_CA_BUNDLE"] == str(tmp_path / found)
    assert ("REQUESTS_CA_BUNDLE" in os.environ) == bool(named)


def test_port_in_use_names_its_holder() -> None:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        with pytest.raises(SettingsError, match=rf"Port {port} .* taken by .*pid {os.getpid()}") as caught:
            ports.require_free(port, "the API", "IOC_API_PORT")
        assert "IOC_API_PORT" in caught.value.remedy


def test_a_state_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(state_dir=tmp_path / "file" / "state")
    with pytest.raises(SettingsError, match="can't be made: Not a directory"):
        Layout.of(settings).prepare()
