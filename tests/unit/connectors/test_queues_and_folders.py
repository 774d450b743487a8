"""Kiosk tickets, watched folders, and target files."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.camera import targets as camera_targets
from connectors.queues.reading import TicketReader
from connectors.queues.tickets import import_file
from connectors.shared.folder import Folder
from connectors.shared.health import Health
from connectors.wifi import targets as wifi_targets
from ioc.errors import InputError, UnavailableError, UsageError
from ioc.events import TicketIssued, encode
from tests.unit.connectors.onestop import Kept

TICKET = {
    "happened": "issued",
    "unit": "godau",
    "kiosk": "kiosk-1",
    "number": "A012",
    "time": "2025-09-01T07:30:05+07:00",
    "service": "Đất đai",
    "visitor": "Nguyễn Văn Mẫu",
}


READER = TicketReader(zone=ZoneInfo("Asia/Ho_Chi_Minh"))


def lines(path: Path, *rows: object) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8"
    )
    return path


def test_a_ticket_travels_without_its_visitor(tmp_path: Path) -> None:
    kept = Kept()
    assert import_file(lines(tmp_path / "a.jsonl", TICKET), kept, READER) == (1, 0)
    event = kept.events[0]
    assert isinstance(event, TicketIssued)
    assert (event.subject, event.data.date, event.data.number) == ("kiosk-1", "2025-09-01", "A012")
    assert event.time.isoformat() == "2025-09-01T00:30:05+00:00"
    assert "Mẫu" not in encode(event).decode()


def test_sending_a_file_again_changes_no_id(tmp_path: Path) -> None:
    first, second = Kept(), Kept()
    file = lines(tmp_path / "a.jsonl", TICKET, {**TICKET, "happened": "called"}, {**TICKET, "number": "A013"})
    import_file(file, first, READER)
    import_file(file, second, READER)
    assert len(first.ids) == 3
    assert first.ids == second.ids


def test_the_source_named_is_who_says_so_and_part_of_the_id(tmp_path: Path) -> None:
    ours, theirs = Kept(), Kept()
    file = lines(tmp_path / "a.jsonl", TICKET)
    import_file(file, ours, READER)
    import_file(file, theirs, TicketReader(zone=ZoneInfo("Asia/Ho_Chi_Minh"), source="//other/kiosks"))
    assert (ours.events[0].source, theirs.events[0].source) == ("urn:ioc:queues:kiosk", "//other/kiosks")
    assert ours.ids.isdisjoint(theirs.ids)


async def test_a_target_file_may_name_the_source_of_its_samples(tmp_path: Path, unused_tcp_port: int) -> None:
    """Nobody listens at either address: that too is a sample, and it says who says so."""
    cameras, wifi = tmp_path / "cameras.toml", tmp_path / "wifi.toml"
    cameras.write_text(
        f"""
        [defaults]
        source = "//test/cameras"
        [[target]]
        device = "cam-1"
        unit = "u"
        url = "rtsp://127.0.0.1:{unused_tcp_port}/x"
        [[target]]
        device = "cam-2"
        unit = "u"
        url = "rtsp://127.0.0.1:{unused_tcp_port}/x"
        source = "//test/other"
        """,
        "utf-8",
    )
    wifi.write_text(
        f"""
        [[target]]
        device = "ap-1"
        unit = "u"
        host = "127.0.0.1"
        port = {unused_tcp_port}
        ping = "none"
        timeout_s = 0.1
        source = "//test/wifi"
        [target.access_points.S1]
        device = "ap-2"
        unit = "u"
        """,
        "utf-8",
    )
    jobs = [*camera_targets.jobs(cameras), *wifi_targets.jobs(wifi)]
    said = {event.subject: event.source for job in jobs for event in (await job.probe()).events}
    assert said == {
        "cam-1": "//test/cameras",
        "cam-2": "//test/other",
        "ap-1": "//test/wifi",
        "ap-2": "//test/wifi",
    }


def test_a_source_without_a_letter_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cameras.toml"
    file.write_text(
        '[[target]]\ndevice = "c"\nunit = "u"\nurl = "rtsp://127.0.0.1/x"\nsource = ""\n', "utf-8"
    )
    with pytest.raises(InputError, match="source"):
        camera_targets.jobs(file)


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        {**TICKET, "happened": "eaten"},
        {**TICKET, "time": "half past seven"},
        {**TICKET, "unit": None},
        {**TICKET, "time": 1756686605},
        {**TICKET, "time": "2199-09-01T07:30:05+07:00"},
        {**TICKET, "number": ""},
        {**TICKET, "date": "yesterday"},
        {**TICKET, "kiosk": "x" * 51},
        {**TICKET, "service": "x" * 100_000},
    ],
)
def test_a_line_that_can_not_be_read_costs_only_itself(tmp_path: Path, bad: object) -> None:
    kept = Kept()
    told: list[str] = []
    sent, faults = import_file(
        lines(tmp_path / "a.jsonl", TICKET, bad, {**TICKET, "number": "B1"}), kept, READER, tell=told.append
    )
    assert sent == 2
    assert faults >= 1
    assert told[0].startswith("line 2:")


def test_a_file_without_any_ticket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        import_file(lines(tmp_path / "a.jsonl", "nothing"), Kept(), READER)


def test_finished_files_are_taken_by_name_and_put_away(tmp_path: Path) -> None:
    taken: list[str] = []

    def take(path: Path) -> None:
        taken.append(path.name)
        if path.name.startswith("bad"):
            raise InputError("unreadable.", remedy="mend it.")

    folder = Folder(tmp_path, (".csv",), take)
    for name in ("b.csv", "a.csv", "bad.csv", "c.csv.part"):
        (tmp_path / name).write_text(name)
    assert folder.once() == 2
    assert taken == ["a.csv", "b.csv", "bad.csv"]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a.csv", "b.csv"]
    assert (tmp_path / "rejected" / "bad.csv.reason.txt").read_text() == "unreadable. mend it.\n"
    assert (tmp_path / "c.csv.part").exists()


def test_a_file_of_the_same_name_does_not_replace_the_former_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path, (".csv",), lambda _path: None)
    for text in ("one", "two"):
        (tmp_path / "a.csv").write_text(text)
        folder.once()
    assert {path.read_text() for path in (tmp_path / "done").iterdir()} == {"one", "two"}


def test_a_file_stays_while_it_can_not_be_delivered(tmp_path: Path) -> None:
    away = True

    def take(_path: Path) -> None:
        if away:
            raise UnavailableError("Kafka is away")

    (tmp_path / "a.csv").write_text("x")
    folder = Folder(tmp_path, (".csv",), take)
    with pytest.raises(UnavailableError):
        folder.once()
    assert (tmp_path / "a.csv").exists()
    away = False
    assert folder.once() == 1


def test_a_folder_that_goes_away_is_told_and_waited_for(tmp_path: Path) -> None:
    place, health, stop = tmp_path / "spool", Health("folder"), threading.Event()
    taken: list[str] = []
    folder = Folder(place, (".csv",), lambda path: taken.append(path.name), health=health)
    reading = threading.Thread(target=folder.run, args=(stop, 0.01))

    def until(true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, what
            time.sleep(0.01)

    place.rename(tmp_path / "away")
    reading.start()
    try:
        until(lambda: health.failing, "it is told")
        assert "No such file" in str(health.failing[str(place)].reason)
        (tmp_path / "away" / "a.csv").write_text("x")
        (tmp_path / "away").rename(place)
        until(lambda: taken and not health.failing, "it is read again")
    finally:
        stop.set()
        reading.join(60)
    assert taken == ["a.csv"]


def targets_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "targets.toml"
    path.write_text(text, "utf-8")
    return path


def test_targets_stand_on_the_defaults(tmp_path: Path) -> None:
    text = """
[defaults]
interval_s = 30
unit = "godau"
[[target]]
device = "a"
url = "rtsp://u:s3cret@cam/1"
[[target]]
device = "b"
url = "rtsp://cam/2"
interval_s = 10
"""
    jobs = camera_targets.jobs(targets_file(tmp_path, text))
    assert [(job.device, job.interval_s) for job in jobs] == [("a", 30), ("b", 10)]
    assert all(0 <= job.phase < 1 for job in jobs)
    assert "s3cret" not in repr(jobs)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[target]]\nunit='u'\nhost='h'", "Target 1 .*device"),
        ("[[target]]\ndevice='a'\nunit='u'\nhost='h'\nhots=1", "hots"),
        (
            "[[target]]\ndevice='a'\nunit='u'\nhost='h'\n[[target]]\ndevice='a'\nunit='u'\nhost='h'",
            "more than once",
        ),
        ("[[targets]]\ndevice='a'", "unknown tables: targets"),
        ("target", "not TOML"),
    ],
)
def test_target_files_that_can_not_be_used(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        wifi_targets.jobs(targets_file(tmp_path, text))


def test_a_bad_camera_url_in_a_target_file_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        camera_targets.jobs(
            targets_file(tmp_path, "[[target]]\ndevice='a'\nunit='u'\nurl='http://u:s3cret@cam'")
        )
    assert "s3cret" not in str(caught.value)
