"""Unpacking a backup: what was packed comes out again, and nothing gets outside its folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from deploy.stack.backups.files import pack, unpack
from ioc.errors import InputError


def _archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    found.size = 3 if kind == tarfile.REGTYPE else 0
    return found


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    source, target = tmp_path / "state", tmp_path / "new"
    (source / "deep" / "empty").mkdir(parents=True)
    (source / "deep" / "key").write_bytes(b"secret")
    (source / "deep" / "key").chmod(0o644)
    pack(tmp_path / "a.tar.gz", [(source, "state")])
    sizes: list[int] = []
    unpack(tmp_path / "a.tar.gz", target, sizes.append)
    key = target / "state" / "deep" / "key"
    assert key.read_bytes() == b"secret"
    assert (key.stat().st_mode & 0o777, sum(sizes)) == (0o600, 6)
    assert (target / "state" / "deep" / "empty").is_dir()


@pytest.mark.parametrize(
    "member",
    [
        _member("/etc/x"),
        _member("a/../../x"),
        _member("link", tarfile.SYMTYPE, "/etc"),
        _member("hard", tarfile.LNKTYPE, "a"),
        _member("pipe", tarfile.FIFOTYPE),
        _member("disk", tarfile.BLKTYPE),
    ],
    ids=lambda member: member.name,
)
def test_what_leads_elsewhere_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    target = tmp_path / "deep" / "new"
    target.mkdir(parents=True)
    with pytest.raises(InputError, match="can't be unpacked"):
        unpack(_archive(tmp_path / "a.tar.gz", _member("a"), member), target)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "a.tar.gz", "deep", "new"]


def test_a_link_that_is_there_is_not_followed(tmp_path: Path) -> None:
    target, outside = tmp_path / "new", tmp_path / "outside"
    target.mkdir()
    outside.write_text("mine")
    (target / "a").symlink_to(outside)
    with pytest.raises(OSError, match="File exists"):
        unpack(_archive(tmp_path / "a.tar.gz", _member("a")), target)
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("left", [0, 10, 60])
def test_what_is_cut_off_is_refused(tmp_path: Path, left: int) -> None:
    path = _archive(tmp_path / "a.tar.gz", _member("a"))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match="can't be unpacked"):
        unpack(path, tmp_path / "new")
