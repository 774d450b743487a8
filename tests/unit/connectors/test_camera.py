"""The camera's ladder without a camera: addresses, logins, pictures, verdicts."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.camera import address, pictures
from connectors.camera.describe import Described, authorization
from connectors.camera.verdict import before_pictures, of_pictures, stall_limit_s
from connectors.camera.watch import Seen
from ioc.errors import UsageError
from ioc.events import Status

GOOD = Seen(
    frames=40,
    packets=40,
    bytes=100_000,
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
    header = authorization([("www-authenticate", 'Digest realm="r", nonce="n", opaque="o"')], found)
    assert header is not None
    secret = md5("Mufasa:r:Circle")
    asked = md5("DESCRIBE:rtsp://host:554/x")
    assert f'response="{md5(f"{secret}:n:{asked}")}"' in header
    assert 'opaque="o"' in header


def test_the_strongest_login_on_offer_is_taken() -> None:
    found = address.parse("rtsp://u:p@host/x")
    basic, md5 = ("www-authenticate", 'Basic realm="r"'), ("www-authenticate", 'Digest realm="r", nonce="n"')
    sha = ("www-authenticate", 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"')
    assert "SHA-256" in (authorization([basic, md5, sha], found) or "")
    assert (authorization([basic, md5], found) or "").startswith("Digest ")
    assert authorization([basic], found) == "Basic dTpw"
    assert authorization([("www-authenticate", "Negotiate")], found) is None


def test_pictures_black_plain_and_sharp() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320), dtype=np.uint8)
    dark, plain = np.full_like(noise, 17), np.full_like(noise, 120)
    assert [pictures.black(p) for p in (dark, plain, noise)] == [True, False, False]
    assert pictures.detail(plain) < pictures.BLURRED_DETAIL < pictures.detail(noise)
    assert pictures.change(noise, noise) == 0
    assert pictures.change(noise, plain) > pictures.FROZEN_CHANGE
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
        ({"first_frame_s": None, "last_frame_s": None}, Status.DOWN, "no decoded picture"),
    ],
)
def test_verdicts(changes: dict[str, object], status: Status, word: str | None) -> None:
    found = of_pictures(seen(**changes), 10.0)
    assert found.status is status
    assert (found.reason is None) if word is None else (word in (found.reason or ""))


def test_what_can_not_be_told_is_unknown() -> None:
    assert of_pictures(seen(smallest_key_change=None, keyframes=1), 10.0).frozen is None
    assert of_pictures(seen(black=20), 10.0).frozen is None
    killed = of_pictures(None, 10.0)
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
