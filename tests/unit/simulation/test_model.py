"""The simulated district is the same for the same seed, and looks like a district."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import correlation, median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.simulation.district import Dossier, SimulatedDistrict
from deploy.simulation.history import SOURCE, device_history
from deploy.simulation.incidents import Kind
from deploy.simulation.office import OfficeClock, wave
from deploy.simulation.playback import Playback, history_start
from ioc.district import Pack, read_pack
from ioc.district.worktime import WorkCalendar
from ioc.events import CameraProbed, Status, WifiProbed

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = date(2026, 3, 2)
FRIDAY = date(2026, 3, 6)
SATURDAY = date(2026, 3, 7)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return read_pack(Path(__file__).parents[3] / "deploy" / "packs" / "go-dau")


@pytest.fixture(scope="module")
def district(pack: Pack) -> SimulatedDistrict:
    return SimulatedDistrict(pack, seed=5)


@pytest.fixture(scope="module")
def month(district: SimulatedDistrict) -> list[Dossier]:
    """Dossiers of the 20 working days from MONDAY on."""
    found: list[Dossier] = []
    day, left = MONDAY, 20
    while left:
        if district.pack.calendar.is_working_day(day):
            left -= 1
            for place in district.places:
                found += district.dossiers(place, day)
        day += timedelta(days=1)
    return found


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def test_the_same_seed_is_the_same_day_and_another_seed_another(pack: Pack) -> None:
    def told(seed: int) -> tuple[object, object]:
        district = SimulatedDistrict(pack, seed=seed)
        dossiers = [district.dossiers(place, MONDAY) for place in district.places]
        return dossiers, [district.tickets(place, MONDAY) for place in district.places]

    assert told(5) == told(5)
    assert told(5) != told(6)


def test_a_later_first_night_leaves_what_comes_after_alike(pack: Pack) -> None:
    early = SimulatedDistrict(pack, seed=5, night_from=at(SATURDAY, 1))
    late = SimulatedDistrict(pack, seed=5, night_from=at(SATURDAY, 12))
    place = early.places[0]
    after = [dossier for dossier in early.dossiers(place, SATURDAY) if dossier.received >= at(SATURDAY, 12)]
    assert [(dossier.code, dossier.received) for dossier in after] == [
        (dossier.code, dossier.received) for dossier in late.dossiers(place, SATURDAY)
    ]
    assert after


def test_people_come_in_waves_and_most_on_monday(month: list[Dossier]) -> None:
    hours = Counter(dossier.received.hour for dossier in month)
    assert hours[8] > 2 * hours[11]
    assert hours[14] > 2 * hours[12]
    assert hours[14] > hours[16]
    assert not set(hours) - set(range(7, 17))
    weekdays = Counter(dossier.received.weekday() for dossier in month)
    assert weekdays[0] == max(weekdays.values())
    assert 0.03 < sum(dossier.channel == "2" for dossier in month) / len(month) < 0.15


def test_some_dossiers_are_late_but_few(month: list[Dossier]) -> None:
    done = [dossier.steps[-1] for dossier in month if dossier.steps[-1].completed]
    late = [step for step in done if step.completed and step.due and step.completed.date() > step.due.date()]
    assert 0.005 < len(late) / len(done) < 0.05


def test_a_life_is_in_order_and_ends(month: list[Dossier]) -> None:
    for dossier in month:
        assert all(one.time < other.time for one, other in pairwise(dossier.steps))
        last = dossier.steps[-1]
        assert last.status in (3, 7, 10)
        assert last.status != 10 or last.completed is not None
        assert last.status != 7 or last.withdrawn == last.time
        assert dossier.received + timedelta(days=45) > last.time
    assert len({dossier.code for dossier in month}) == len(month)
    assert max(len(dossier.code) for dossier in month) <= 50


def test_without_virtual_days_work_is_done_in_working_hours(
    district: SimulatedDistrict, month: list[Dossier]
) -> None:
    calendar = district.pack.calendar
    # refusals and the seconds between two steps are the only ones that may run over an opening's end
    steps = [step.time for dossier in month for step in dossier.steps[1:] if step.status != 3]
    outside = [time for time in steps if not calendar.is_open(time - timedelta(minutes=5))]
    assert len(outside) < len(steps) * 0.05
    assert all(calendar.is_working_day(time.date()) for time in steps)


def test_units_are_those_of_the_day(pack: Pack) -> None:
    district = SimulatedDistrict(pack, seed=5)
    place = next(place for place in district.places if place.code == "point.phuoc-trach")
    before = district.dossiers(place, date(2025, 6, 25))
    after = district.dossiers(place, date(2025, 7, 2))
    assert {dossier.unit for dossier in before} == {"go-dau.phuoc-trach"}
    assert {dossier.unit for dossier in after} == {"25663"}


def test_the_rate_scales_the_number_of_people(pack: Pack) -> None:
    def count(rate: float) -> int:
        district = SimulatedDistrict(pack, seed=5, rate=rate)
        return sum(len(district.dossiers(place, MONDAY)) for place in district.places)

    assert 3.0 < count(4.0) / count(1.0) < 5.0


def test_an_outage_takes_all_devices_of_one_point_and_no_other(district: SimulatedDistrict) -> None:
    seen = 0
    for minute in range(0, 7 * 24 * 60, 7):
        moment = at(MONDAY, 0) + timedelta(minutes=minute)
        out = [episode.target for episode in district.incidents.at(moment) if episode.kind is Kind.OUTAGE]
        for place in district.places:
            faults = [district.camera_fault(camera, moment) for camera in place.cameras]
            faults += [district.wifi_fault(device, moment) for device in place.access_points]
            gone = [fault is Kind.OUTAGE for fault in faults]
            assert all(gone) if place.code in out else not any(gone)
        assert len(out) <= 1 or len(set(out)) <= 2
        seen += bool(out)
    assert seen > 20


def test_a_week_has_every_kind_of_fault(district: SimulatedDistrict) -> None:
    moments = [at(MONDAY, 0) + timedelta(minutes=minute) for minute in range(0, 7 * 24 * 60, 10)]
    cameras = [camera for place in district.places for camera in place.cameras]
    faults = Counter(district.camera_fault(camera, moment) for moment in moments for camera in cameras)
    assert {Kind.OUTAGE, Kind.GONE, Kind.FROZEN, Kind.BLACK, Kind.STALLED} <= set(faults)
    assert 0.8 < faults[None] / faults.total() < 0.97


def test_phones_follow_people(district: SimulatedDistrict) -> None:
    place = district.places[0]
    moments = [at(MONDAY, 7) + timedelta(minutes=5 * step) for step in range(120)]
    received = [dossier.received for dossier in district.dossiers(place, MONDAY)]
    people = [sum(moment - timedelta(minutes=35) < time <= moment for time in received) for moment in moments]
    phones = [district.clients(place, moment) for moment in moments]
    assert correlation(people, phones) > 0.9
    assert district.clients(place, at(MONDAY, 3)) <= 1


def test_the_kiosk_serves_in_turn_and_people_wait_some_minutes(district: SimulatedDistrict) -> None:
    (place,) = [place for place in district.places if place.kiosks]
    steps = [step for day in range(5) for step in district.tickets(place, MONDAY + timedelta(days=day))]
    moments: dict[tuple[str, str], dict[str, datetime]] = {}
    for step in steps:
        moments.setdefault((step.date, step.number), {}).setdefault(step.happened, step.time)
    waits = [times["started"] - times["issued"] for times in moments.values() if "started" in times]
    assert timedelta(seconds=30) < median(waits) < timedelta(minutes=15)
    ends = {"completed", "no-show", "cancelled"}
    assert all(len(ends & set(times)) == 1 for times in moments.values())
    assert all(times["issued"] == min(times.values()) for times in moments.values())


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 20), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_office_clock_always_shows_an_office_minute(moment: datetime) -> None:
    calendar = WorkCalendar()
    clock = OfficeClock(calendar, night_from=datetime(2026, 1, 1, tzinfo=UTC))
    hands = clock.hands(moment)
    assert hands is not None
    assert 420 <= hands.minute <= 1020
    local = moment.astimezone(ZONE)
    if not hands.virtual:
        assert hands.minute == pytest.approx(local.hour * 60 + local.minute + local.second / 60)
        assert calendar.is_working_day(local.date())
    assert OfficeClock(calendar).hands(moment) is None or not hands.virtual


def test_a_virtual_day_begins_when_the_real_one_ends_and_is_followed_by_another() -> None:
    clock = OfficeClock(WorkCalendar(), night_from=at(FRIDAY, 12))
    shown = [clock.hands(at(FRIDAY, 17) + timedelta(minutes=minute)) for minute in range(62 * 60)]
    assert all(hands is not None and hands.virtual for hands in shown)
    minutes = [hands.minute for hands in shown if hands is not None]
    assert minutes[0] == 420
    assert sum(minute < before for before, minute in pairwise(minutes)) == 62 * 60 // 495


def test_the_waves_make_one_day() -> None:
    assert sum(wave(minute) for minute in range(420, 1020)) == pytest.approx(1.0, abs=0.01)
    assert wave(100) == wave(1100) == 0.0


@pytest.mark.parametrize("moment", [at(FRIDAY, 10), at(SATURDAY, 3), at(SATURDAY, 22), at(MONDAY, 6)])
def test_whenever_it_starts_there_is_a_backlog_and_life_in_the_next_hour(
    pack: Pack, moment: datetime
) -> None:
    district = SimulatedDistrict(pack, seed=1, night_from=moment - timedelta(hours=3))
    begins = history_start(pack.calendar, moment)
    playback = Playback(district, begins, begins)
    rows, tickets = playback.advance(moment)
    assert all(row.step.time < moment for row in rows)
    assert all(step.time < moment for step in tickets)
    newest = {row.dossier.code: row.step for row in rows}
    running = [step for step in newest.values() if step.status in (2, 4, 5)]
    assert len(running) > 150
    assert sum(step.due is not None and step.due.date() < moment.date() for step in running) >= 3
    assert len(newest) < 6000
    live, _ = playback.advance(moment + timedelta(hours=1))
    assert any(row.step.status == 2 for row in live)
    assert all(moment <= row.step.time < moment + timedelta(hours=1) for row in live)


def test_each_fact_is_told_once_however_the_clock_is_cut(pack: Pack) -> None:
    moment = at(FRIDAY, 16, 30)

    def playback() -> Playback:
        district = SimulatedDistrict(pack, seed=3, points=3, night_from=moment)
        return Playback(district, at(MONDAY, 0), at(MONDAY, 0))

    rows, tickets = playback().advance(at(SATURDAY, 4))
    cut = playback()
    pieces = [cut.advance(moment + timedelta(minutes=step)) for step in range(0, 691, 17)]
    pieces.append(cut.advance(at(SATURDAY, 4)))
    assert [row for piece, _ in pieces for row in piece] == rows
    assert [step for _, piece in pieces for step in piece] == tickets


def test_a_restart_goes_on_where_the_last_run_ended(pack: Pack) -> None:
    end, cut = at(FRIDAY, 16), at(FRIDAY, 9, 30)

    def district() -> SimulatedDistrict:
        return SimulatedDistrict(pack, seed=3, points=2)

    rows, tickets = Playback(district(), at(MONDAY, 0), at(MONDAY, 0)).advance(end)
    first = Playback(district(), at(MONDAY, 0), at(MONDAY, 0)).advance(cut)
    second = Playback(district(), at(MONDAY, 0), cut).advance(end)
    assert first[0] + second[0] == rows
    assert first[1] + second[1] == tickets


def test_devices_have_two_hours_of_history_and_silence_is_unknown(district: SimulatedDistrict) -> None:
    now = at(MONDAY, 10)
    told = list(device_history(district, now))
    assert len(told) == 28 * 120
    assert [event.time for event in told] == sorted(event.time for event in told)
    assert all(now - timedelta(hours=2) <= event.time <= now and event.source == SOURCE for event in told)
    assert len({event.id for event in told}) == len(told)
    verdicts = Counter(event.data.verdict for event in told if isinstance(event, CameraProbed))
    assert verdicts[Status.OK] > verdicts[Status.DOWN] > 0
    for event in told:
        if isinstance(event, WifiProbed):
            assert (event.data.clients is None) == (event.data.status is not Status.OK)
