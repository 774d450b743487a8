"""The camera's ladder without a camera: addresses, logins, pictures, verdicts."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.camera import address, limits, pictures
from connectors.camera.describe import Described, read_head
from connectors.camera.login import authorization
from connectors.camera.seen import Seen, stall_limit_s
from connectors.camera.verdict import before_pictures, clock_fault, of_pictures, with_clock
from connectors.camera.watchers import Lost
from ioc.errors import UsageError
from ioc.events import Status

GOOD = Seen(
    frames=40,
    packets=40,
    octets=100_000,
    first_frame_s=0.5,
    last_frame_s=4.4,
    ended_s=4.5,
    longest_gap_s=0.12,
    fps=10.0,
    interval_s=0.1,
    analysed=20,
    largest_change=3.0,
    keyframes=4,
    smallest_key_change=1.2,
    detail=300.0,
)


def seen(**changes: object) -> Seen:
    return Seen(**{name: changes.get(name, getattr(GOOD, name)) for name in GOOD.__struct_fields__})  # type: ignore[arg-type]


def test_the_password_is_in_the_decoders_url_only() -> None:
    found = address.parse("rtsp://admin:p%40ss%20w@cam.example:8554/live/1?token=abc")
    assert found.full == "rtsp://admin:p%40ss%20w@cam.example:8554/live/1?token=abc"
    assert found.plain == "rtsp://cam.example:8554/live/1?token=abc"
    for shown in (found.shown, repr(found), found.device):
        assert not re.search("admin|p@ss|p%40|abc", shown)
    assert found.device == "cam.example-8554-live-1"


def test_a_login_in_the_path_is_not_shown() -> None:
    found = address.parse("rtsp://10.0.0.9/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp")
    assert "tlJwpbo6" not in found.shown + found.device + repr(found)
    assert "tlJwpbo6" in found.plain


@given(st.text(max_size=40), st.text(max_size=40), st.text(alphabet="abc/=", max_size=60))
def test_device_ids_always_fit(user: str, password: str, path: str) -> None:
    found = address.Address("host.example", 554, "/" + path, user, password)
    assert 1 <= len(found.device) <= 50
    assert address.parse(found.full).password == password


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cam",
        "http://cam/x",
        "rtsp://",
        "rtsp://:554/x",
        "rtsp://cam:99999/",
        "rtsp://cam:0/",
        "rtsp://a b/x",
    ],
)
def test_urls_that_make_no_sense(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        address.parse(url)
    assert caught.value.exit_code == 2


def test_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        address.parse("http://admin:s3cret@cam/x")
    assert "s3cret" not in str(caught.value)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_digest_login_as_rfc_2617_computes_it() -> None:
    found = address.parse("rtsp://Mufasa:Circle@host/x")
    header = authorization(
        ['Digest realm="r", nonce="n", opaque="o"'], "Mufasa", "Circle", "DESCRIBE", found.plain
    )
    assert header is not None
    secret = md5("Mufasa:r:Circle")
    asked = md5("DESCRIBE:rtsp://host:554/x")
    assert f'response="{md5(f"{secret}:n:{asked}")}"' in header
    assert 'opaque="o"' in header


def test_the_strongest_login_on_offer_is_taken() -> None:
    def answer(*offers: str) -> str:
        return authorization(list(offers), "u", "p", "DESCRIBE", "rtsp://host:554/x") or ""

    basic, md5 = 'Basic realm="r"', 'Digest realm="r", nonce="n"'
    sha = 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'
    assert "SHA-256" in answer(basic, md5, sha)
    assert answer(basic, md5).startswith("Digest ")
    assert answer(basic) == "Basic dTpw"
    assert answer("Negotiate") == ""


@given(st.lists(st.text(max_size=80), max_size=4), st.text(max_size=20), st.text(max_size=20))
def test_any_challenge_is_answered_on_one_line_or_not_at_all(
    offers: list[str], user: str, secret: str
) -> None:
    found = authorization([*offers, "Digest " + "".join(offers)], user, secret, "DESCRIBE", "rtsp://h/x")
    assert found is None or found.startswith(("Digest ", "Basic "))


def test_pictures_black_plain_and_sharp() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320), dtype=np.uint8)
    dark, plain = np.full_like(noise, 17), np.full_like(noise, 120)
    assert [pictures.black(p) for p in (dark, plain, noise)] == [True, False, False]
    assert pictures.detail(plain) < limits.BLURRED_DETAIL < pictures.detail(noise)
    assert pictures.change(noise, noise) == 0
    assert pictures.change(noise, plain) > limits.FROZEN_CHANGE
    assert pictures.change(noise, plain[:100]) == float("inf")
    assert max(pictures.thin(np.zeros((2160, 3840), np.uint8)).shape) <= 320


@pytest.mark.parametrize(
    ("ours", "status"), [(True, Status.UNKNOWN), (False, Status.DOWN)], ids=["our fault", "the camera's"]
)
def test_a_fault_of_ours_does_not_make_a_camera_down(ours: bool, status: Status) -> None:
    found = before_pictures(Described("describe", False, "why", ours=ours))
    assert found is not None
    assert (found.status, found.rung, found.reason) == (status, "describe", "why")
    assert before_pictures(Described("describe", True)) is None


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({}, Status.OK, None),
        ({"smallest_key_change": 0.0}, Status.DEGRADED, "frozen"),
        ({"smallest_key_change": 0.0, "largest_change": 20.0}, Status.OK, None),
        ({"longest_gap_s": 2.5}, Status.DEGRADED, "stalled"),
        ({"longest_gap_s": 2.5, "interval_s": 1.5}, Status.OK, None),
        ({"black": 20, "smallest_key_change": 0.0}, Status.DEGRADED, "black"),
        ({"detail": 0.5}, Status.DEGRADED, "blurred"),
        ({"ended_early": True}, Status.DEGRADED, "ended"),
        ({"error": "InvalidDataError", "broken": 3}, Status.OK, None),
        ({"first_frame_s": None, "last_frame_s": None}, Status.DOWN, "no decoded picture"),
    ],
)
def test_verdicts(changes: dict[str, object], status: Status, word: str | None) -> None:
    found = of_pictures(seen(**changes), 10.0)
    assert found.status is status
    assert (found.reason is None) if word is None else (word in (found.reason or ""))


def test_what_can_not_be_told_is_unknown() -> None:
    alone: dict[str, object] = {"smallest_key_change": None, "keyframes": 1}
    assert of_pictures(seen(**alone), 10.0).frozen is None
    assert of_pictures(seen(**alone, largest_change=30.0), 10.0).frozen is False
    assert of_pictures(seen(**alone, largest_change=0.0, unchanged_s=9.0), 10.0).frozen is None
    assert of_pictures(seen(**alone, largest_change=0.2, unchanged_s=10.0), 10.0).frozen is True
    assert of_pictures(seen(black=20), 10.0).frozen is None
    assert of_pictures(Lost.OURS, 10.0).status is Status.UNKNOWN
    killed = of_pictures(Lost.HUNG, 10.0)
    assert (killed.status, killed.rung, killed.fps, killed.last_frame_age_s) == (
        Status.DOWN,
        "frame",
        None,
        None,
    )


def test_a_stall_is_a_gap_over_two_frames_and_two_seconds() -> None:
    assert (stall_limit_s(None), stall_limit_s(0.04), stall_limit_s(3.0)) == (2.0, 2.0, 6.0)


def test_the_age_of_the_last_frame() -> None:
    assert of_pictures(seen(last_frame_s=2.0, longest_gap_s=2.5), 10.0).last_frame_age_s == 2.5


def test_a_moved_scene_is_told_after_what_hides_it() -> None:
    assert (of_pictures(GOOD, 10.0, moved=True).reason or "").startswith("moved")
    assert (of_pictures(seen(black=20), 10.0, moved=True).reason or "").startswith("black")


@pytest.mark.parametrize(
    ("offset_s", "status", "rung", "words"),
    [
        (0.4, Status.OK, "clock", None),
        (-19.0, Status.OK, "clock", None),
        (25.0, Status.DEGRADED, "clock", "25 s ahead"),
        (-25.0, Status.DEGRADED, "clock", "25 s behind"),
        (7 * 3600 + 12.0, Status.DEGRADED, "clock", "7 h ahead, a time-zone fault"),
        (-3600.5, Status.DEGRADED, "clock", "1 h behind, a time-zone fault"),
        (5400.0, Status.DEGRADED, "clock", "5,400 s ahead"),
        (40 * 3600.0, Status.DEGRADED, "clock", "logins that carry the time fail"),
        (None, Status.OK, "content", None),
    ],
)
def test_the_clock_is_the_last_rung(
    offset_s: float | None, status: Status, rung: str, words: str | None
) -> None:
    found = with_clock(of_pictures(GOOD, 10.0), offset_s, None, 20.0)
    assert (found.status, found.rung) == (status, rung)
    assert (found.reason is None) if words is None else (words in (found.reason or ""))


def test_a_worse_fault_hides_the_clock_and_silence_about_it_is_told() -> None:
    black = with_clock(of_pictures(seen(black=20), 10.0), 7200.0, None, 20.0)
    assert (black.rung, black.reason) == ("content", "black: every picture is dark")
    silent = with_clock(of_pictures(GOOD, 10.0), None, "nothing answers there", 20.0)
    assert (silent.status, silent.reason) == (Status.OK, "clock unknown: nothing answers there")
    assert "time-zone" not in clock_fault(30 * 3600.0), "no zone is 30 hours off"


HEAD = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 10\r\n"


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", HEAD, b"RTSP/1.0 ", b"RTSP/1.0 401 \r\nWWW-Authenticate: "]),
)
def test_any_head_is_an_answer_or_a_clear_refusal(tail: bytes, start: bytes) -> None:
    try:
        status, phrase, headers = read_head(start + tail)
    except ValueError:
        return
    assert 0 <= status <= 999
    assert len(phrase) <= 80
    assert all(name == name.lower() for name, _ in headers)


def test_rtsps_has_its_own_port_and_scheme() -> None:
    found = address.parse("rtsps://u:p@cam/x")
    assert (found.port, found.plain, found.full) == (322, "rtsps://cam:322/x", "rtsps://u:p@cam:322/x")
    assert found.shown == "rtsps://cam:322/x"
