"""Sessions of RADIUS accounting: counted right although messages are doubled, late, lost or far too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.wifi.radius import Accounting, Kind, station
from connectors.wifi.sessions import Sessions


def message(kind: Kind, session: bytes = b"", *, delay_s: int = 0, station: str = "") -> Accounting:
    return Accounting(kind, session, station, "", delay_s)


def settled(most: int = 20_000) -> Sessions:
    return Sessions(0.0, expires_s=1_800, settles_s=0, most=most)


def test_starts_and_stops_are_counted_by_place() -> None:
    sessions = settled()
    for number, place in enumerate(("a", "a", "b"), 1):
        sessions.take(message(Kind.START, bytes([number])), place, 1.0)
    assert sessions.counts(["a", "b", "c"], 2.0) == {"a": 2, "b": 1, "c": 0}
    sessions.take(message(Kind.STOP, b"\x01"), "a", 3.0)
    assert sessions.counts(["a"], 4.0) == {"a": 1}


def test_doubled_and_late_messages_change_nothing() -> None:
    sessions = settled()
    sessions.take(message(Kind.START, b"1"), "a", 1.0)
    sessions.take(message(Kind.START, b"1"), "a", 1.1)
    sessions.take(message(Kind.STOP, b"1"), "a", 10.0)
    sessions.take(message(Kind.STOP, b"1"), "a", 10.1)
    sessions.take(message(Kind.INTERIM, b"1", delay_s=6), "a", 11.0)
    sessions.take(message(Kind.START, b"1", delay_s=11), "a", 12.0)
    assert sessions.counts(["a"], 13.0) == {"a": 0}
    sessions.take(message(Kind.STOP, b"2"), "a", 14.0)
    sessions.take(message(Kind.START, b"2", delay_s=2), "a", 14.5)
    assert sessions.counts(["a"], 15.0) == {"a": 0}, "the Stop overtook its Start"


def test_a_lost_stop_expires_and_an_interim_keeps_alive() -> None:
    sessions = settled()
    for session in (b"1", b"2"):
        sessions.take(message(Kind.START, session), "a", 0.0)
    sessions.take(message(Kind.INTERIM, b"2"), "a", 1_700.0)
    assert sessions.counts(["a"], 1_799.0) == {"a": 2}
    assert sessions.counts(["a"], 1_801.0) == {"a": 1}
    assert len(sessions) == 1


def test_an_interim_tells_of_a_session_that_began_before_us_and_moves_with_roaming() -> None:
    sessions = Sessions(0.0, expires_s=1_800, settles_s=600)
    sessions.take(message(Kind.INTERIM, b"1"), "a", 100.0)
    assert sessions.counts(["a"], 599.0) == {"a": None}, "others that began before may not have spoken yet"
    sessions.take(message(Kind.INTERIM, b"1"), "b", 600.0)
    assert sessions.counts(["a", "b"], 601.0) == {"a": 0, "b": 1}


def test_a_server_that_restarts_has_no_sessions_and_is_known_at_once() -> None:
    sessions = Sessions(0.0, expires_s=1_800, settles_s=600)
    sessions.take(message(Kind.INTERIM, b"1"), "a", 1.0)
    sessions.take(message(Kind.ON), "nas", 10.0)
    sessions.take(message(Kind.START, b"2"), "b", 11.0)
    assert sessions.counts(["a", "b"], 12.0) == {"a": 0, "b": 1}
    sessions.take(message(Kind.START, b"3"), "a", 13.0)
    sessions.take(message(Kind.OFF, station="0010a42319c0"), "b", 14.0)
    assert sessions.counts(["a", "b"], 15.0) == {"a": 1, "b": 0}, "one access point of it"


def test_a_flood_is_bounded_and_makes_counts_unknown_not_wrong() -> None:
    sessions = settled(most=100)
    for number in range(100_000):
        sessions.take(message(Kind.START, number.to_bytes(4, "big")), "a", number / 1_000)
    assert len(sessions) == 100
    assert sessions.counts(["a"], 101.0) == {"a": None}
    sessions.take(message(Kind.ON), "nas", 102.0)
    sessions.take(message(Kind.START, b"x"), "a", 103.0)
    assert sessions.counts(["a"], 104.0) == {"a": 1}


def test_called_station_ids() -> None:
    forms = ["00-10-A4-23-19-C0:wifi", "00:10:a4:23:19:c0", "0010.a423.19c0:x", "0010a42319c0"]
    assert {station(form) for form in forms} == {"0010a42319c0"}
    assert station("ap-1") == "ap-1"
    assert station("") == ""


steps = st.lists(
    st.tuples(st.sampled_from(list(Kind)), st.integers(0, 5), st.sampled_from("ab"), st.integers(0, 40)),
    max_size=60,
)


@given(steps)
def test_counts_are_never_negative_nor_more_than_what_was_started(
    steps: list[tuple[Kind, int, str, int]],
) -> None:
    sessions = settled()
    opened: set[int] = set()
    for number, (kind, session, place, delay_s) in enumerate(steps, 1):
        named = b"" if kind in (Kind.ON, Kind.OFF) else bytes([session])
        sessions.take(message(kind, named, delay_s=delay_s), place, 50.0 + number)
        if kind in (Kind.START, Kind.INTERIM):
            opened.add(session)
        counts = sessions.counts(["a", "b"], 50.0 + number)
        assert all(count is not None and count >= 0 for count in counts.values())
        assert sum(count or 0 for count in counts.values()) <= len(opened)
