"""Sources of a pack: a line is read, each mistake is told with what to do, and costs its line alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ioc.cli.district import app as district
from ioc.district import examine
from ioc.district.source_kinds import KINDS, Need
from ioc.district.sources import Source

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
HEADER = "code,kind,address,secret,mapping,unit,valid_from,valid_to,interval_s,options\n"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    (folder / "own.toml").write_text("")
    return folder


def write(pack: Path, *rows: str) -> Path:
    (pack / "sources.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
    return pack


def lines(kind: str) -> str:
    """A line of a kind with no more than it needs."""
    found = KINDS[kind]
    address = (found.example or "/srv/x") if found.address is Need.MUST else ""
    secret = "env:SOME_SECRET" if found.secret is Need.MUST else ""
    return f"s-{kind},{kind},{address},{secret},{'own.toml' if found.mapping is Need.MUST else ''},,,,,"


def test_a_line_of_each_kind_is_read(pack: Path) -> None:
    reading = examine(write(pack, *map(lines, KINDS)))
    assert reading.errors == []
    assert reading.pack is not None
    assert [source.kind.name for source in reading.pack.sources] == list(KINDS)
    assert len({source.uri for source in reading.pack.sources}) == len(KINDS)


def test_a_line_says_all_that_its_source_needs(pack: Path) -> None:
    row = "q1,mqtt-queues,mqtts://broker,file:own.toml,own.toml,go-dau.phuong,,,,topic=k/{kiosk}/t;client=c1"
    (pack / "own.toml").write_text("x")
    reading = examine(write(pack, row))
    assert reading.pack is not None, reading.errors
    (source,) = reading.pack.sources
    assert (source.code, source.address, source.unit) == ("q1", "mqtts://broker", "go-dau.phuong")
    assert (source.secret, source.mapping) == ("file:own.toml", "own.toml")
    assert source.options == {"topic": "k/{kiosk}/t", "client": "c1"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("q1,mqtt-queue,mqtt://b,,,,,,,", "Did you mean mqtt-queues?"),
        ("q1,kafka,b,,,,,,,", "kind 'kafka' is unknown. Known are portal"),
        ("q1,mqtt-queues,,,,,,,,", "address is empty; mqtt-queues needs one. Such as mqtts://broker:8883."),
        ("q1,mqtt-queues,http://b,,,,,,,", "address is none for mqtt-queues"),
        ("q1,mqtt-queues,mqtt://u:hunter2@b,,,,,,,", "address holds a password or a login"),
        ("q1,mqtt-queues,mqtt://b:0,,,,,,,", "address is none for mqtt-queues"),
        ("q1,mqtt-queues,mqtt://b,hunter2,,,,,,", "secret is no reference"),
        ("q1,unifi,https://c,,,,,,,", "secret is empty; unifi needs one"),
        ("q1,http,https://c,,,,,,,", "http has no address"),
        ("q1,rest,https://c,,,,,,,", "mapping is empty; rest needs one"),
        ("q1,rest,https://c,,no.toml,,,,,", "The file no.toml is not there"),
        ("q1,folder,ftp://h/x,,,,,,,", "address is none for folder"),
        ("q1,portal,,,,,,,5,", "portal has no interval_s"),
        ("q1,unifi,https://c,env:X,,,,,0,", "interval_s '0' is no number above 0"),
        (
            "q1,mqtt-queues,mqtt://b,,,,,,,topik=a",
            "Option 'topik' is unknown for mqtt-queues. Did you mean topic?",
        ),
        ("q1,mqtt-queues,mqtt://b,,,,,,,topic", "options can't be read"),
        ("q1,mqtt-queues,mqtt://b,,,,,,,ca=x.pem", "The file x.pem is not there"),
        ("q1,portal,,,,go-dau.phuonc,,,,", "Did you mean go-dau.phuong?"),
        ("q1,portal,,,,go-dau.huyen,,,,", "but that unit holds […, 2025-07-01)"),
        ("q1,portal,,,,go-dau.phuong,2025-01-01,,,", "but that unit holds [2025-07-01, …)"),
        ("q 1,portal,,,,,,,,", "code 'q 1' is no code"),
        ("q1,portal,,,,,2025-07-01,2025-01-01,,", "valid_to 2025-01-01 is not after"),
    ],
)
def test_each_mistake_is_told_with_its_line_and_what_to_do(pack: Path, row: str, message: str) -> None:
    reading = examine(write(pack, row, "good,http,,,,,,,,"))
    assert {(error.file, error.line) for error in reading.errors} == {("sources.csv", 2)}
    assert message in " ".join(map(str, reading.errors))
    assert "hunter2" not in " ".join(map(str, [*reading.errors, *reading.notes]))
    assert reading.pack is None
    assert reading.usable is not None
    assert [source.code for source in reading.usable.sources] == ["good"]


def test_two_lines_for_one_thing_are_told(pack: Path) -> None:
    same = "q1,mqtt-queues,mqtt://b,,,,,{until},,"
    assert "stands on line 2 too" in str(
        examine(write(pack, "q1,http,,,,,,,,", "q1,portal,,,,,,,,")).errors[0]
    )
    twice = write(pack, same.format(until=""), "q2,mqtt-queues,mqtt://B/,,,,2026-01-01,,,")
    (error,) = examine(twice).errors
    assert (error.line, "q2 reads what q1 on line 2 reads" in error.message) == (3, True)
    after = write(pack, same.format(until="2026-01-01"), "q2,mqtt-queues,mqtt://b,,,,2026-01-01,,,")
    assert examine(after).errors == []
    other = write(pack, same.format(until=""), "q2,mqtt-queues,mqtt://b,,,,,,,topic=other/#")
    assert examine(other).errors == []


def test_what_is_only_missing_here_is_a_note(pack: Path) -> None:
    reading = examine(write(pack, "q1,mqtt-queues,mqtt://b,env:NOT_SET_HERE,,,,,,"))
    notes = [str(note) for note in reading.notes if note.file == "sources.csv"]
    assert reading.pack is not None
    assert any("no NOT_SET_HERE" in note for note in notes)
    assert any("goes over the network as it is" in note for note in notes)


def test_a_mistake_elsewhere_makes_nothing_usable(pack: Path) -> None:
    units = pack / "units.csv"
    units.write_text(units.read_text("utf-8").replace("Xã Bàu Đồn,", "", 1), "utf-8")
    assert examine(pack).usable is None


_PARTS = st.sampled_from([*KINDS, "", "a=b", "mqtt://[", "https://h", "env:X", "2025-07-01", "\x00", "1e9"])
_ROWS = st.lists(st.lists(_PARTS | st.text(max_size=9), min_size=10, max_size=10), max_size=3)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_any_line_is_a_source_or_a_problem(pack: Path, rows: list[list[str]]) -> None:
    (pack / "sources.csv").write_text(HEADER + "\n".join(map(",".join, rows)), "utf-8", newline="")
    reading = examine(pack)
    assert (reading.pack is None) == bool(reading.errors)
    for source in reading.usable.sources if reading.usable else ():
        assert isinstance(source, Source)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,unifi,https://h:8443,env:NOWHERE,,,,,,calls_a_minute=0",
            "Option calls_a_minute of a is no number",
        ),
        ("a,openwisp,https://h,env:NOWHERE,,,,,,devices=200", "203 times a minute, 60 are allowed"),
        ("a,radius,udp://10.0.0.1,env:NOWHERE,,,,,,listen=99999", "Option listen of a is no number"),
        ("a,radius,udp://office,env:NOWHERE,,,,,,", "The address of a is none"),
        ("a,mqtt-wifi,mqtts://h:8883,env:NOWHERE,,,,,,topic=wifi/status", "The topic has no {device}"),
        ("a,folder,/srv/x,,nosuch,,,,,holds=dossiers", "There is no mapping 'nosuch'"),
    ],
)
def test_what_only_the_connector_knows_is_told_without_the_secret(pack: Path, row: str, message: str) -> None:
    reading = examine(write(pack, row))
    assert reading.errors == []
    answer = CliRunner().invoke(district, ["check", str(pack)])
    assert answer.exit_code == 1, answer.output
    assert "sources.csv:2: a: " in str(answer.exception)
    assert message in str(answer.exception)
