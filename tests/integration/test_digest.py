"""What those on duty are told that is of no alert: the morning's digest, and notices of duty."""

from __future__ import annotations

from datetime import timedelta

from ioc.delivery import digest, noticing
from ioc.duty.notices import Notices
from ioc.kpi.query import Steps
from ioc.kpi.steps import run
from tests.integration.alerting import up
from tests.integration.delivering import ZONE, Post, rotation

HOUR = timedelta(hours=1)


def _digest(post: Post, at: str = "07:00") -> int | None:
    moment = digest.due(at, post.now, ZONE)
    if moment is None:
        return 0
    roll = post.roll()
    with post.connection.transaction():
        return run(post.connection, digest.send(roll, post.channels, moment, post.now))


def test_the_digest_goes_once_a_morning_to_everybody_on_duty_and_says_what_is_open(post: Post) -> None:
    post.open("camera.down")
    gone = post.open("wifi.down", "device:w1")
    post.settle(up("wifi.down", "device:w1", post.now))
    assert gone
    # it is eight; Lan leads and An is on duty, each with one channel that carries information
    assert _digest(post) == 2
    assert _digest(post) == 0
    ((vi, en, key),) = post.connection.execute(
        "SELECT content->'lines_vi', content->'lines_en', key FROM ioc.alert_message WHERE person = 'lan'"
    ).fetchall()
    assert vi[0] == "24 giờ qua: 2 cảnh báo mới, 1 đã hết, 1 đang mở."
    assert en[0] == "Last 24 hours: 2 new alerts, 1 resolved, 1 open."
    assert "Theo mức: nghiêm trọng 1." in vi
    assert "On duty, Duty: an, lan." in en
    # nothing is known of dossiers here, and no trial was made: that is not zero
    assert "Time for an alert to arrive (newest trial): unknown s." in en
    (sent,) = [one for one in post.send("email") if one.person == "lan"]
    assert (sent.kind, sent.key) == ("digest", key)
    post.passed(timedelta(days=1))
    assert _digest(post) == 2


def test_the_digest_is_not_sent_before_its_time_nor_long_after_nor_where_it_is_switched_off(
    post: Post,
) -> None:
    assert digest.due("07:00", post.now - 2 * HOUR, ZONE) is None
    assert digest.due("07:00", post.now + 4 * HOUR, ZONE) is None
    assert digest.due("07:00", post.now + 2 * HOUR, ZONE) is not None
    assert digest.due("", post.now, ZONE) is None


def test_hand_overs_are_told_to_who_comes_and_who_goes_once(post: Post) -> None:
    post.rosters(rotation("truc-ban", "an", "binh"), rotation("lanh-dao", "chi", "lan"))
    post.now += timedelta(hours=22, minutes=50)
    notices = Notices()

    def steps() -> Steps[int]:
        found = yield from notices.due(post.now)
        return (yield from noticing.tell(found, post.channels, post.now))

    def tell() -> int:
        with post.connection.transaction():
            return run(post.connection, steps())

    tell()
    told = post.connection.execute(
        "SELECT person, channel, state FROM ioc.alert_message WHERE kind = 'hand_over' ORDER BY person, channel"
    ).fetchall()
    # of Chi nobody has an address: that is seen
    assert ("binh", "email", "waiting") in told
    assert ("an", "email", "waiting") in told
    assert ("chi", "-", "failed") in told
    before = len(told)
    assert tell() == 0
    assert before == len(told)
    assert {one.person for one in post.send("email")} == {"an", "binh", "lan"}
