"""The spool on disk: what was promised comes back, in order, whatever happened to the process or the file."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.shared.frames import FRAME_BYTES, MOST_MESSAGE_BYTES, Message
from connectors.shared.spool import Spool, SpoolFullError
from ioc.errors import InputError, UnavailableError, UsageError

MIB = 1024 * 1024


def message(number: int, size: int = 40) -> Message:
    return Message("ioc.wifi", f"ap-{number % 3}".encode(), f"{number} ".encode().ljust(size, b"x"))


def numbers(spool: Spool) -> list[int]:
    """What is in it, read in small pieces and not taken."""
    return [int(kept.message.value.split()[0]) for kept in spool.peek(MIB * 64, 1_000_000)]


def drained(spool: Spool, most: int = 7) -> list[int]:
    """What is in it, taken."""
    found: list[int] = []
    while kept := spool.peek(300, most):
        found += [int(one.message.value.split()[0]) for one in kept]
        spool.acknowledge(kept[-1])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "cameras"


def reopened(folder: Path, **facts: int) -> Spool:
    return Spool(
        folder, most_bytes=facts.get("most_bytes", 64 * MIB), segment_bytes=facts.get("segment", 400)
    )


def test_first_in_first_out_over_many_segments_and_a_restart(folder: Path) -> None:
    with reopened(folder) as spool:
        for number in range(0, 90, 3):
            spool.append([message(number + n) for n in range(3)])
        assert spool.pending == 90
        assert len(list(folder.glob("*.seg"))) > 5
        kept = spool.peek(100_000, 40)
        assert kept[0].message == message(0)
        spool.acknowledge(kept[24])
        assert spool.pending == 65
    with reopened(folder) as spool:
        assert spool.pending == 65
        assert spool.pending_bytes == sum(message(n).size for n in range(25, 90))
        assert drained(spool) == list(range(25, 90))
        assert (spool.pending, spool.pending_bytes, spool.disk_bytes) == (0, 0, 0)
        assert list(folder.glob("*.seg")) == [], "nothing stays of what was acknowledged"
        spool.append([message(100)])
        assert drained(spool) == [100]


def test_only_its_owner_may_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        with reopened(folder) as spool:
            spool.append([message(1)])
            for path in [folder, *folder.rglob("*")]:
                assert path.stat().st_mode & 0o077 == 0, path
    finally:
        os.umask(before)


def test_one_owner_at_a_time(folder: Path) -> None:
    with reopened(folder), pytest.raises(UnavailableError, match="Another process"):
        Spool(folder, most_bytes=MIB, owner_wait_s=0.1)
    reopened(folder).close()


def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("..", "A", "a b", "x" * 65):
        with pytest.raises(UsageError):
            Spool(tmp_path / name, most_bytes=MIB)


def test_full_is_said_before_anything_is_taken(folder: Path) -> None:
    room = 10 * message(0).size
    with Spool(folder, most_bytes=room, segment_bytes=1) as spool:
        spool.append([message(n) for n in range(8)])
        with pytest.raises(SpoolFullError, match="full"):
            spool.append([message(n) for n in range(8, 11)])
        assert numbers(spool) == list(range(8))
        spool.append([message(8), message(9)])
        assert spool.refusal(1) is not None
        assert drained(spool) == list(range(10))
        assert spool.refusal(room) is None


def test_the_disk_keeps_its_free_bytes(folder: Path) -> None:
    free = shutil.disk_usage(folder.parents[1]).free
    with (
        Spool(folder, most_bytes=MIB, least_free_bytes=free * 2) as spool,
        pytest.raises(SpoolFullError, match="left"),
    ):
        spool.append([message(1)])


def test_a_message_too_large_for_a_frame_is_refused(folder: Path) -> None:
    with reopened(folder) as spool:
        with pytest.raises(InputError):
            spool.append([message(1), message(2, MOST_MESSAGE_BYTES)])
        spool.append([message(3, MOST_MESSAGE_BYTES - 1000)])
        assert drained(spool) == [3]


DISK_FULL = """
import resource, sys
from pathlib import Path
from connectors.shared.frames import Message
from connectors.shared.spool import Spool, SpoolFullError

spool = Spool(Path(sys.argv[1]), most_bytes=1 << 30)
spool.append([Message("t", b"k", b"1 kept")])
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    spool.append([Message("t", b"k", b"2" + bytes(5000))])
except SpoolFullError as error:
    print("refused:", error.message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append([Message("t", b"k", b"3 kept")])
print([kept.message.value for kept in spool.peek(1 << 20, 100)])
"""


def test_a_disk_that_runs_full_in_the_middle_of_a_write_leaves_no_trace(folder: Path) -> None:
    """The kernel ends the write at a file size limit as it does on a full disk: after part of the bytes."""
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(folder)], capture_output=True, text=True, check=True
    )
    assert "refused: The disk has no room" in done.stdout
    assert "[b'1 kept', b'3 kept']" in done.stdout
    with reopened(folder) as spool:
        assert numbers(spool) == [1, 3]
        assert spool.set_aside == spool.cut_bytes == 0


def test_nothing_is_promised_that_the_disk_has_not_confirmed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[int] = []
    confirm = os.fdatasync

    def watched(descriptor: int) -> None:
        confirm(descriptor)
        confirmed.append(os.fstat(descriptor).st_size)

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with reopened(folder, segment=100_000) as spool:
        monkeypatch.setattr(os, "fdatasync", watched)
        for number in range(3):
            spool.append([message(number)])
            (segment,) = folder.glob("*.seg")
            assert confirmed[number:] == [segment.stat().st_size], "once, after the last byte"
        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(UnavailableError, match="can't be used"):
            spool.append([message(99)])
        monkeypatch.setattr(os, "fdatasync", watched)
        spool.append([message(3)])
        assert len(list(folder.glob("*.seg"))) == 2, "a file whose sync failed is not written any more"
    with reopened(folder) as spool:
        assert drained(spool) == [0, 1, 2, 3]


KILLED = """
import sys
from pathlib import Path
from connectors.shared.frames import Message
from connectors.shared.spool import Spool

spool = Spool(Path(sys.argv[1]), most_bytes=1 << 30, segment_bytes=20_000)
number = 0
while True:
    spool.append([Message("t", b"k", b"%d x" % (number + n)) for n in range(5)])
    number += 5
    print(number, flush=True)
"""


def test_a_killed_process_loses_nothing_it_was_promised(folder: Path) -> None:
    promised = 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(60):
            promised = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        promised = int(rest[-1]) if rest else promised
        process.wait()
        process.stdout.close()
        with reopened(folder) as spool:
            found = drained(spool, most=1000)
            assert found[:promised] == list(range(promised))
            assert spool.set_aside == 0


def test_a_frame_cut_short_at_any_byte_is_cut_off_and_the_rest_stays(folder: Path, tmp_path: Path) -> None:
    with Spool(folder, most_bytes=MIB) as spool:
        for number in range(2):
            spool.append([message(number)])
        size = message(0).size
    (segment,) = folder.glob("*.seg")
    for cut in range(size * 2 + 1):
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy)
        os.truncate(copy / segment.name, cut)
        with Spool(copy, most_bytes=MIB) as spool:
            whole = cut // size
            assert spool.cut_bytes == cut % size
            assert spool.set_aside == 0
            spool.append([message(9)])
            assert drained(spool) == [*range(whole), 9]
        shutil.rmtree(copy)


@pytest.mark.parametrize("where", ["mark", "length", "body", "two frames", "zeros"])
def test_a_damaged_frame_is_set_aside_and_counted(folder: Path, where: str) -> None:
    with Spool(folder, most_bytes=MIB) as spool:
        spool.append([message(n) for n in range(10)])
        size = message(0).size
    (segment,) = folder.glob("*.seg")
    data = bytearray(segment.read_bytes())
    at, lost = 4 * size, {4}
    if where == "mark":
        data[at] ^= 1
    elif where == "length":
        data[at + 5] ^= 0x40
    elif where == "body":
        data[at + FRAME_BYTES + 20] ^= 1
    elif where == "two frames":
        data[at + size - 3 : at + size + 3] = b"damage"
        lost = {4, 5}
    else:
        data[at : at + size] = bytes(size)
    segment.write_bytes(data)
    with reopened(folder) as spool:
        assert drained(spool, 3) == [n for n in range(10) if n not in lost]
        assert spool.set_aside == len(lost)
        assert (spool.pending, spool.disk_bytes) == (0, 0)
    aside = sorted((folder / "aside").iterdir())
    assert b"".join(path.read_bytes() for path in aside) == bytes(data[at : at + size * len(lost)])


def test_a_spool_whose_last_frames_are_damaged_ends_empty(folder: Path) -> None:
    with Spool(folder, most_bytes=MIB) as spool:
        spool.append([message(n) for n in range(3)])
    (segment,) = folder.glob("*.seg")
    segment.write_bytes(b"\xff" * segment.stat().st_size)
    with reopened(folder) as spool:
        assert drained(spool) == []
        assert spool.set_aside + (spool.cut_bytes > 0) >= 1
        assert spool.pending == 0
        spool.append([message(7)])
        assert drained(spool) == [7]


def test_a_file_cut_from_outside_while_it_is_in_use_ends_no_reader(folder: Path) -> None:
    with reopened(folder) as spool:
        for number in range(30):
            spool.append([message(number)])
        first = min(folder.glob("*.seg"))
        os.truncate(first, message(0).size + 20)
        found = drained(spool)
        assert found[0] == 0
        assert found[1:] == list(range(found[1], 30))
        assert spool.set_aside >= 1


def test_what_kafka_never_takes_is_put_aside(folder: Path) -> None:
    with reopened(folder) as spool:
        spool.append([message(n) for n in range(3)])
        spool.refuse(spool.peek(1, 1)[0], "too large")
        assert spool.set_aside == 1
        assert drained(spool) == [1, 2]
    assert [message(0).value in path.read_bytes() for path in (folder / "aside").iterdir()] == [True]


def test_a_lost_cursor_sends_again_and_loses_nothing(folder: Path) -> None:
    with reopened(folder) as spool:
        for number in range(20):
            spool.append([message(number)])
        spool.acknowledge(spool.peek(1, 1)[0])
        oldest = spool.oldest_at
    assert oldest is not None
    (folder / "cursor").write_bytes(b"\x07" * 200)
    with reopened(folder) as spool:
        assert drained(spool) == list(range(20))
        assert spool.oldest_at is None


def test_one_thread_puts_while_another_takes(folder: Path) -> None:
    import threading

    with reopened(folder, segment=2_000) as spool:
        found: list[int] = []

        def take() -> None:
            while len(found) < 3_000:
                found.extend(drained(spool, most=11))

        taker = threading.Thread(target=take, daemon=True)
        taker.start()
        for number in range(0, 3_000, 10):
            spool.append([message(number + n) for n in range(10)])
        taker.join(60)
        assert found == list(range(3_000))
        assert spool.disk_bytes == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 6)),
        st.tuples(st.just("acknowledge"), st.integers(1, 9)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("crash while writing"), st.integers(1, 3)),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def playground() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(steps, st.integers(60, 900), st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_course_of_events_gives_back_what_was_not_acknowledged(
    playground: Path, course: list[tuple[str, int]], segment_bytes: int, chance: object
) -> None:
    """Puts, acknowledgements, restarts, and deaths at a random byte of a write, in any order."""
    import random

    assert isinstance(chance, random.Random)
    folder = playground / "course"
    shutil.rmtree(folder, ignore_errors=True)
    expected: list[int] = []
    number = 0
    spool = reopened(folder, segment=segment_bytes)
    try:
        for what, count in course:
            if what == "append":
                spool.append([message(number + n) for n in range(count)])
                expected += range(number, number + count)
                number += count
            elif what == "acknowledge":
                kept = spool.peek(100_000, count)
                assert [int(one.message.value.split()[0]) for one in kept] == expected[:count]
                if kept:
                    spool.acknowledge(kept[-1])
                del expected[: len(kept)]
            else:
                spool.close()
                if what == "crash while writing":
                    # the write of these got no further than some byte, so nobody was promised anything
                    probe = reopened(folder, segment=segment_bytes)
                    before = {path: path.stat().st_size for path in folder.glob("*.seg")}
                    probe.append([message(number + n) for n in range(count)])
                    (written,) = [
                        path for path in folder.glob("*.seg") if path.stat().st_size != before.get(path)
                    ]
                    whole = message(number).size
                    kept_bytes = chance.randrange(sum(message(number + n).size for n in range(count)))
                    probe.close()
                    os.truncate(written, before.get(written, 0) + kept_bytes)
                    # whole frames of it are sent all the same
                    landed = 0
                    while kept_bytes >= (whole := message(number + landed).size):
                        kept_bytes -= whole
                        landed += 1
                    expected += range(number, number + landed)
                    number += count
                spool = reopened(folder, segment=segment_bytes)
            assert spool.pending == len(expected)
            assert spool.pending_bytes == sum(message(n).size for n in expected)
        assert numbers(spool) == expected
        assert drained(spool) == expected
        assert spool.set_aside == 0
    finally:
        spool.close()
