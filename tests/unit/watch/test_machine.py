"""Disks and clocks of the machine, as the system itself tells them."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from ioc.settings import Settings
from ioc.watch.machine import against_time_servers, disks, read_timex


def test_the_free_share_is_what_the_system_gives_to_ordinary_users(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (found,) = disks(Settings(state_dir=tmp_path))
    usage = shutil.disk_usage(tmp_path)
    assert found.instance == f"{socket.gethostname()}/state"
    # others write meanwhile
    assert found.value == pytest.approx(usage.free / (usage.used + usage.free), abs=0.02)
    assert found.detail["folder"] == str(tmp_path)


def test_another_disk_below_the_state_folder_is_told_beside_it(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    (tmp_path / "spool").symlink_to(elsewhere)
    assert [found.instance.split("/")[1] for found in disks(Settings(state_dir=tmp_path))] == [
        "state",
        "spool",
    ]


def test_a_folder_that_is_not_there_is_unknown_and_not_full(tmp_path: Path) -> None:
    (found,) = disks(Settings(state_dir=tmp_path / "gone"))
    assert found.value is None
    assert found.detail["state"] == "No such file or directory"


def test_a_clock_that_nobody_synchronises_is_unknown_and_not_right() -> None:
    assert read_timex(0x0040, 0, 16_000_000) == (None, {"state": "not synchronised"})


@pytest.mark.parametrize(("status", "offset"), [(0x0001, -2_500_000), (0x2001, -2_500_000_000)])
def test_a_synchronised_clock_is_off_by_what_is_still_to_be_corrected(status: int, offset: int) -> None:
    value, detail = read_timex(status, offset, 3_000_000)
    assert value == pytest.approx(2.5)
    assert detail["ahead_s"] == pytest.approx(2.5)
    assert detail["at_most_s"] == pytest.approx(3.0)


def test_this_machines_kernel_is_asked_and_answers_or_says_why_not() -> None:
    found = against_time_servers()
    assert (found.value is None) == ("state" in found.detail)
    assert found.value is None or found.value >= 0
