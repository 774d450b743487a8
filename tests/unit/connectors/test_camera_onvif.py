"""ONVIF without a camera: addresses, clocks, and whatever else an answer may hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.camera import onvif
from connectors.camera.onvif import Login, UnusableAnswerError, read_clock, service_of
from ioc.errors import UsageError

TIME = (
    "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope' xmlns:t='http://www.onvif.org/ver10/schema'>"
    "<t:LocalDateTime><t:Time><t:Hour>1</t:Hour></t:Time></t:LocalDateTime><t:UTCDateTime><t:Time>"
    "<t:Hour>{hour}</t:Hour><t:Minute>5</t:Minute><t:Second>{second}</t:Second></t:Time><t:Date><t:Year>2026</t:Year>"
    "<t:Month>11</t:Month><t:Day>25</t:Day></t:Date></t:UTCDateTime></e:Envelope>"
)


def test_the_clock_is_the_one_in_utc() -> None:
    assert read_clock(TIME.format(hour=6, second=7).encode()) == datetime(2026, 11, 25, 6, 5, 7, tzinfo=UTC)
    leap = read_clock(TIME.format(hour=6, second=60).encode())
    assert leap.second == 59, "a leap second is no fault"


@pytest.mark.parametrize("hour", ["25", "-1", "", "six", "9" * 400])
def test_a_time_without_sense_is_refused(hour: str) -> None:
    with pytest.raises(UnusableAnswerError):
        read_clock(TIME.format(hour=hour, second=1).encode())


@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda text: TIME.format(hour=text, second=1).encode()),
    )
)
def test_any_answer_is_a_time_or_a_clear_refusal(body: bytes) -> None:
    try:
        found = read_clock(body)
    except UnusableAnswerError as error:
        assert error.reason  # noqa: PT017 - either way is right
    else:
        assert found.tzinfo is UTC


def test_where_the_service_is() -> None:
    assert service_of("cam") == "http://cam/onvif/device_service"
    assert service_of("fe80::1", "8899") == "http://[fe80::1]:8899/onvif/device_service"
    assert service_of("cam", "none") is None
    assert service_of("cam", "https://other:8443/") == "https://other:8443/onvif/device_service"
    assert service_of("cam", "http://other/own/path") == "http://other/own/path"


@pytest.mark.parametrize(
    "text", ["", "0", "70000", "ftp://x", "http://", "http://u:p@x/", "http://a b/", "http://x:0/"]
)
def test_addresses_without_sense(text: str) -> None:
    with pytest.raises(UsageError):
        service_of("cam", text)


def test_a_login_is_never_shown() -> None:
    assert "secret" not in repr(Login("admin", "secret"))
    header = onvif.security(Login("a<b", "secret"), datetime(2026, 11, 25, tzinfo=UTC))
    assert "secret" not in header
    assert "a&lt;b" in header
