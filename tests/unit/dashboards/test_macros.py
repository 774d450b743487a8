"""Queries written out as Grafana writes them: values as its PostgreSQL data source and its templating give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dashboards.macros import Asked, MacroError, expand

ASKED = Asked(
    start=datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC),
    end=datetime(2026, 11, 24, 9, 2, 3, 250000, tzinfo=timezone(timedelta(hours=7))),
    variables={"unit": "o'go", "many": ["a", "b'c"], "plain": "1d"},
    interval=timedelta(seconds=30),
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("$__timeFrom()", "'2026-11-24T01:02:03Z'"),
        ("$__timeTo()", "'2026-11-24T02:02:03.25Z'"),
        ("$__timeFilter(a.at)", "a.at BETWEEN '2026-11-24T01:02:03Z' AND '2026-11-24T02:02:03.25Z'"),
        ("$__time(at)", 'at AS "time"'),
        ("$__timeEpoch(at)", 'extract(epoch from at) as "time"'),
        ("$__unixEpochFrom() $__unixEpochTo()", "1795482123 1795485723"),
        ("$__unixEpochFilter(t)", "t >= 1795482123 AND t <= 1795485723"),
        ("$__timeGroup(at, '5m')", "time_bucket('300.000s',at)"),
        ("$__timeGroup(at,$__interval)", "time_bucket('30.000s',at)"),
        ("$__timeGroupAlias(at,1h,NULL)", "time_bucket('3600.000s',at) AS \"time\""),
        ("$__unixEpochGroup(t,1m)", "floor(t/60)*60"),
        ("$__interval $__interval_ms ${__interval_ms}", "30s 30000 30000"),
        ("${unit:sqlstring}", "'o''go'"),
        ("${many:sqlstring}", "'a','b''c'"),
        ("'${unit}'", "'o''go'"),
        ("${many}", "'a','b''c'"),
        ("$plain [[plain]] ${plain:raw}", "1d 1d 1d"),
        ("${many:csv} ${many:pipe}", "a,b'c a|b'c"),
        ("${many:json}", '["a", "b\'c"]'),
        ("${many:singlequote} ${many:doublequote}", "'a','b\\'c' \"a\",\"b'c\""),
        ("${unit:percentencode}", "o%27go"),
        ("nothing of ours", "nothing of ours"),
    ],
)
def test_written_out(written: str, expected: str) -> None:
    assert expand(written, ASKED) == expected


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("${gone}", "no variable gone"),
        ("${unit:luck}", "not written as luck"),
        ("$__nothing()", "is no macro"),
        ("$__timeFilter()", "0 arguments"),
        ("$__timeFrom", "is no macro"),
        ("$__timeGroup(at,soon)", "soon is no interval"),
        ("${__user.login}", "is no macro"),
    ],
)
def test_what_grafana_would_not_know_is_an_error(written: str, said: str) -> None:
    with pytest.raises(MacroError, match=said.replace("(", "\\(")):
        expand(written, ASKED)


def test_a_value_can_not_break_out_of_its_quotes() -> None:
    evil = Asked(start=ASKED.start, end=ASKED.end, variables={"unit": "x'; DROP TABLE y; --"})
    assert expand("f(${unit:sqlstring})", evil) == "f('x''; DROP TABLE y; --')"
