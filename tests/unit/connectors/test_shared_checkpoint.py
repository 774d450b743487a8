"""Checkpoints: whole or not at all, one source's only, and clear about what is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shared.checkpoint import Checkpoint
from ioc.errors import InputError, UnavailableError, UsageError


def test_what_is_saved_is_read_back_and_replaced(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "new", "wifi-portal")
    assert checkpoint.load() is None
    checkpoint.save({"since": "2026-01-01T00:00:00Z", "page": 3})
    checkpoint.save({"since": "2026-01-02T00:00:00Z"})
    assert Checkpoint(tmp_path / "new", "wifi-portal").load() == {"since": "2026-01-02T00:00:00Z"}
    assert stat.S_IMODE(checkpoint.path.stat().st_mode) == 0o600
    assert [entry.name for entry in checkpoint.path.parent.iterdir()] == ["wifi-portal.json"]


@given(cut=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_torn_or_changed_file_is_told(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int
) -> None:
    checkpoint = Checkpoint(tmp_path_factory.mktemp("c"), "s")
    checkpoint.save({"page": 12345, "token": "abc"})
    whole = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(whole[: cut % len(whole)])
    with pytest.raises(InputError, match="can't be used"):
        checkpoint.load()
    changed = bytearray(whole)
    changed[whole.index(b"12345") + cut % 5] ^= flip
    checkpoint.path.write_bytes(bytes(changed))
    with pytest.raises(InputError, match="can't be used"):
        checkpoint.load()


def test_another_sources_file_and_other_json_are_told(tmp_path: Path) -> None:
    one, other = Checkpoint(tmp_path, "one"), Checkpoint(tmp_path, "other")
    one.save({"a": 1})
    one.path.rename(other.path)
    with pytest.raises(InputError, match="another source"):
        other.load()
    for content in (b"", b"[]", b"{}", b"\xff\xfe", b"null"):
        one.path.write_bytes(content)
        with pytest.raises(InputError, match="Move it away"):
            one.load()


def test_what_cannot_be_kept_leaves_the_former_one(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "s")
    checkpoint.save({"a": 1})
    with pytest.raises(UsageError):
        checkpoint.save({"a": object()})
    with pytest.raises(UsageError, match="larger"):
        checkpoint.save({"a": "x" * 2_000_000})
    assert checkpoint.load() == {"a": 1}


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="can't be written"):
        Checkpoint(tmp_path / "file", "s").save({})


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 101, "a b"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Checkpoint(tmp_path, name)
