"""The ledger against the plain meaning of its words, whatever facts come and in whatever order."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import Measure, contributions, day_after, entries, on_time, working_milli_days
from ioc.dossiers.reducer import Dossier, Fact, Group, group_of, reduce
from ioc.events import (
    Channel,
    DossierApology,
    DossierMerge,
    DossierPayment,
    DossierProgress,
    DossierRating,
    DossierRecord,
    DossierSupplement,
)

ZONE = ZoneInfo("Europe/Amsterdam")
#: The night of the 31st is an hour shorter here.
BASE = datetime(2024, 3, 28, 6, tzinfo=UTC)

moments = st.integers(0, 24 * 10).map(lambda hours: BASE + timedelta(hours=hours))
channels = st.sampled_from([None, *Channel])
statuses = st.sampled_from([None, *range(12)])
records = st.builds(
    DossierRecord,
    unit=st.sampled_from(["u1", "u2"]),
    channel=channels,
    field=st.sampled_from([None, "land", "trade"]),
    status=statuses,
    received_at=st.none() | moments,
    due_at=st.none() | moments,
    completed_at=st.none() | moments,
    withdrawn_at=st.none() | moments,
    rejected_at=st.none() | moments,
    returned_at=st.none() | moments,
    digitised=st.none() | st.booleans(),
    paid_online=st.none() | st.booleans(),
    payable_online=st.none() | st.booleans(),
    reused=st.none() | st.booleans(),
    from_store=st.none() | st.booleans(),
    result_digital=st.none() | st.booleans(),
)
steps = st.builds(
    DossierProgress,
    unit=st.sampled_from(["u1", "u2"]),
    status=statuses,
    step=st.sampled_from([None, "seen", "signed"]),
    due_at=st.none() | moments,
)
supplements = st.builds(
    DossierSupplement,
    unit=st.sampled_from(["u1", "u2"]),
    received=st.booleans(),
    old_due_at=st.none() | moments,
    new_due_at=st.none() | moments,
)
apologies = st.builds(DossierApology, unit=st.just("u1"), new_due_at=st.none() | moments)
ratings = st.builds(DossierRating, unit=st.just("u1"), satisfied=st.booleans())
others = st.builds(
    DossierPayment,
    unit=st.just("u1"),
    amount_vnd=st.integers(0, 9),
    online=st.none() | st.booleans(),
    payment=st.sampled_from([None, "p"]),
) | st.builds(DossierMerge, unit=st.just("u1"), into=st.sampled_from([None, "other"]))
learned = st.integers(0, 5).map(lambda day: BASE + timedelta(days=20 + day))
facts = st.lists(
    st.builds(
        Fact,
        time=moments,
        sequence=st.sampled_from(["", "1", "2"]),
        id=st.integers(0, 10_000).map(str),
        recorded_at=learned,
        data=records | steps | supplements | apologies | ratings | others,
    ),
    max_size=8,
    unique_by=lambda fact: fact.id,
)


CALENDAR = WorkCalendar(time_zone=ZONE.key, holidays_of=None)


def calendar_of(_: str) -> WorkCalendar:
    return CALENDAR


@given(facts, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(known: list[Fact], rng: object) -> None:
    shuffled = list(known)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reduce(shuffled) == reduce(known)
    assert Counter(entries(shuffled, calendar_of)) == Counter(entries(known, calendar_of))


@given(facts, learned)
def test_the_ledger_as_of_a_moment_is_what_was_known_then(known: list[Fact], at: datetime) -> None:
    found: Counter[object] = Counter()
    for entry in entries(known, calendar_of):
        if entry.recorded_at <= at:
            found[entry.series, entry.measure, entry.effective_at, entry.amount] += entry.delta
    then = [fact for fact in known if fact.recorded_at <= at]
    assert {k: n for k, n in found.items() if n} == contributions(reduce(then), calendar_of)


def gauge(dossier: Dossier, measure: Measure, at: datetime) -> int:
    return sum(
        n for (_, m, when, _), n in contributions(dossier, calendar_of).items() if m is measure and when <= at
    )


@given(facts, st.integers(0, 24 * 14 * 4).map(lambda quarters: BASE + timedelta(minutes=15 * quarters)))
def test_open_and_overdue_equal_a_recount_at_any_moment(known: list[Fact], at: datetime) -> None:
    dossier = reduce(known)
    received, ended = dossier.accepted_at, dossier.ended_at
    counted = received is not None and dossier.merged_into is None
    is_open = (
        counted and received is not None and received <= at and (ended is None or at < max(ended, received))
    )
    assert gauge(dossier, Measure.OPEN, at) == is_open

    due = [day for since, day in dossier.due if since <= at]
    status = [code for since, code in dossier.statuses if since <= at]
    waits = bool(status) and group_of(status[-1]) in (Group.SUPPLEMENT, Group.PAUSED)
    late = bool(due) and at.astimezone(ZONE).date() > due[-1].astimezone(ZONE).date()
    assert gauge(dossier, Measure.OVERDUE, at) == (is_open and late and not waits)
    soon = bool(due) and at >= due[-1] - timedelta(hours=24)
    assert gauge(dossier, Measure.DUE_SOON, at) == (is_open and soon and not late and not waits)
    paused = bool(status) and group_of(status[-1]) is Group.PAUSED
    assert gauge(dossier, Measure.PAUSED, at) == (is_open and paused)
    covered = any(
        issued <= at and (promised is None or at < day_after(promised, ZONE))
        for issued, promised in dossier.apologies
    )
    sorry = is_open and late and not waits and not covered
    assert gauge(dossier, Measure.LATE_WITHOUT_APOLOGY, at) == sorry


@given(facts)
def test_flows_count_a_dossier_at_most_once(known: list[Fact]) -> None:
    dossier = reduce(known)
    totals: Counter[Measure] = Counter()
    for (_, measure, _, _), n in contributions(dossier, calendar_of).items():
        totals[measure] += n
    assert totals[Measure.RECEIVED] in (0, 1)
    assert totals[Measure.COMPLETED] + totals[Measure.WITHDRAWN] <= totals[Measure.RECEIVED]
    assert totals[Measure.ON_TIME] + totals[Measure.LATE] == totals[Measure.COMPLETED]
    assert totals[Measure.PROCESSING] == totals[Measure.COMPLETED]
    assert totals[Measure.SATISFIED] <= totals[Measure.RATED] <= totals[Measure.RECEIVED]
    for mark, said in (
        (Measure.PAID_ONLINE, dossier.paid_online),
        (Measure.PAYABLE_ONLINE, dossier.payable_online),
        (Measure.DIGITISED, dossier.digitised),
        (Measure.REUSED, dossier.reused),
        (Measure.FROM_STORE, dossier.from_store),
    ):
        assert totals[mark] == (totals[Measure.RECEIVED] and said is True)
    assert totals[Measure.DIGITISED_KNOWN] == (totals[Measure.RECEIVED] and dossier.digitised is not None)
    assert totals[Measure.REUSED_KNOWN] == (totals[Measure.RECEIVED] and dossier.reused is not None)
    assert totals[Measure.FEE_DUE] == (totals[Measure.RECEIVED] and dossier.fee_due is True)
    assert totals[Measure.PAID_ONLINE] <= totals[Measure.FEE_DUE], "who paid had something to pay"
    assert totals[Measure.RESULT_KNOWN] == (totals[Measure.COMPLETED] and dossier.result_digital is not None)
    assert totals[Measure.PAID_KNOWN] == (totals[Measure.RECEIVED] and dossier.paid_online is not None)
    assert totals[Measure.RESULT_DIGITAL] == (totals[Measure.COMPLETED] and dossier.result_digital is True)
    assert totals[Measure.ONLINE] == (totals[Measure.RECEIVED] and dossier.channel is Channel.ONLINE)
    assert totals[Measure.OPEN] == totals[Measure.RECEIVED] - (
        totals[Measure.COMPLETED] + totals[Measure.WITHDRAWN]
    )


@given(moments, st.none() | moments)
def test_on_time_compares_local_dates(done: datetime, due: datetime | None) -> None:
    expected = due is None or done.astimezone(ZONE).date() <= due.astimezone(ZONE).date()
    assert on_time(done, due, ZONE) == expected
    if due is not None:
        assert (done < day_after(due, ZONE)) == expected


def test_a_day_ends_at_local_midnight_also_where_the_clock_jumps() -> None:
    days = [datetime(2024, 3, 30, 12, tzinfo=ZONE) + timedelta(days=n) for n in range(3)]
    ends = [day_after(day, ZONE).astimezone(UTC) for day in days]
    assert [later - earlier for earlier, later in pairwise(ends)] == [
        timedelta(hours=23),
        timedelta(hours=24),
    ]


def fact(hours: float, data: DossierRecord | DossierProgress, *, learned_day: int = 0) -> Fact:
    at = BASE + timedelta(hours=hours)
    return Fact(at, "", f"{hours}-{type(data).__name__}", BASE + timedelta(days=20 + learned_day), data)


def received(hours: float = 0, **more: object) -> Fact:
    return fact(hours, DossierRecord(unit="u1", received_at=BASE + timedelta(hours=hours), **more))  # type: ignore[arg-type]


def total(known: list[Fact], measure: Measure) -> int:
    return sum(n for (_, m, _, _), n in contributions(reduce(known), calendar_of).items() if m is measure)


def test_completed_is_the_first_reach_of_9_or_10_and_steps_do_not_reopen() -> None:
    known = [received()] + [
        fact(h, DossierProgress(unit="u1", status=s)) for h, s in ((1, 4), (2, 9), (3, 4), (4, 10))
    ]
    assert reduce(known).completed_at == BASE + timedelta(hours=2)
    assert total(known, Measure.COMPLETED) == 1


def test_a_whole_view_that_says_in_hand_takes_an_end_back() -> None:
    known = [received(), fact(2, DossierProgress(unit="u1", status=9))]
    known.append(fact(5, DossierRecord(unit="u1", status=4), learned_day=1))
    assert total(known, Measure.COMPLETED) == 0
    assert [e.delta for e in entries(known, calendar_of) if e.measure is Measure.COMPLETED] == [1, -1]


def test_never_accepted_is_outside_every_total() -> None:
    for status in (1, 3):
        assert contributions(reduce([received(status=status)]), calendar_of) == Counter()


def test_a_dossier_without_date_of_acceptance_is_accepted_at_its_first_active_status() -> None:
    known = [fact(h, DossierProgress(unit="u1", status=s)) for h, s in ((0, 1), (3, 2))]
    assert reduce(known).accepted_at == BASE + timedelta(hours=3)


def test_a_supplement_that_moves_the_due_date_ends_being_overdue() -> None:
    due = BASE + timedelta(days=1)
    known = [
        received(due_at=due),
        fact(24 * 4, DossierProgress(unit="u1", status=5)),
        fact(24 * 5, DossierProgress(unit="u1", status=4, due_at=BASE + timedelta(days=9))),
    ]
    dossier = reduce(known)
    assert dossier.original_due_at == due
    assert dossier.due_at == BASE + timedelta(days=9)
    assert [gauge(dossier, Measure.OVERDUE, BASE + timedelta(days=d)) for d in (1, 3, 4.5, 6, 11)] == [
        0,
        1,
        0,
        0,
        1,
    ]


def test_unknown_status_codes_keep_the_dossier_in_hand() -> None:
    for status in (0, 11, 99):
        dossier = reduce([received(status=status)])
        assert dossier.status == status
        assert gauge(dossier, Measure.OPEN, BASE + timedelta(days=1)) == 1


def test_a_midnight_that_comes_twice_is_one_instant() -> None:
    havana = ZoneInfo("America/Havana")
    midnight = day_after(datetime(2024, 11, 2, 12, tzinfo=havana), havana)
    assert midnight == datetime(2024, 11, 3, 4, tzinfo=UTC)
    assert day_after(datetime(2024, 11, 3, 12, tzinfo=havana), havana) - midnight == timedelta(hours=25)


def test_withdrawn_and_then_handed_back_is_withdrawn_and_completed_stays_completed() -> None:
    due = BASE + timedelta(hours=2)
    handed_back = [
        received(due_at=due),
        fact(1, DossierProgress(unit="u1", status=7)),
        fact(24 * 5, DossierProgress(unit="u1", status=10)),
    ]
    assert [total(handed_back, m) for m in (Measure.WITHDRAWN, Measure.COMPLETED)] == [1, 0]
    late = [
        received(due_at=due),
        fact(24 * 5, DossierProgress(unit="u1", status=9)),
        fact(24 * 6, DossierProgress(unit="u1", status=7)),
    ]
    assert [total(late, m) for m in (Measure.WITHDRAWN, Measure.COMPLETED, Measure.ON_TIME)] == [0, 1, 0]


def test_letters_and_ratings_move_no_total() -> None:
    plain = [received(due_at=BASE + timedelta(days=1))]
    more = [
        Fact(BASE, "", "a", BASE, DossierApology(unit="u2", new_due_at=BASE + timedelta(days=9))),
        Fact(BASE, "", "b", BASE, DossierRating(unit="u2", satisfied=False)),
    ]
    own = {Measure.LATE_WITHOUT_APOLOGY, Measure.RATED, Measure.SATISFIED}
    before, after = (
        {key: n for key, n in contributions(reduce(known), calendar_of).items() if key[1] not in own}
        for known in (plain, plain + more)
    )
    assert before == after
    assert contributions(reduce(more), calendar_of) == Counter()


def test_a_supplement_tells_the_first_due_date_even_when_the_view_already_has_the_last() -> None:
    first, second, third = (BASE + timedelta(days=day) for day in (2, 5, 9))
    known = [
        received(due_at=third),
        fact(24, DossierSupplement(unit="u1", received=True, old_due_at=first, new_due_at=second)),
        fact(48, DossierSupplement(unit="u1", received=True, old_due_at=second, new_due_at=third)),
    ]
    dossier = reduce(known)
    assert (dossier.original_due_at, dossier.due_at) == (first, third)
    assert [due for _, due in dossier.due] == [first, second, third]


def test_while_a_supplement_is_asked_for_the_clock_stands() -> None:
    known = [
        received(due_at=BASE, status=4),
        fact(36, DossierSupplement(unit="u1", received=False)),
        fact(60, DossierSupplement(unit="u1", received=True)),
    ]
    dossier = reduce(known)
    assert [gauge(dossier, Measure.OVERDUE, BASE + timedelta(hours=h)) for h in (30, 40, 61)] == [1, 0, 1]


def test_a_payment_with_a_key_is_corrected_and_others_add_up() -> None:
    known = [
        fact(1, DossierPayment(unit="u1", amount_vnd=10, online=True, payment="a")),
        fact(2, DossierPayment(unit="u1", amount_vnd=7)),
        fact(3, DossierPayment(unit="u1", amount_vnd=4, payment="a")),
    ]
    assert reduce([received()]).paid_vnd is None
    dossier = reduce(known)
    assert (dossier.paid_vnd, dossier.paid_online) == (11, True)


def test_handed_over_is_done_and_refused_at_the_door_is_never_accepted() -> None:
    handed_over = [received(status=10, returned_at=BASE + timedelta(days=1))]
    assert reduce(handed_over).completed_at == BASE + timedelta(days=1)
    assert contributions(reduce([received(rejected_at=BASE)]), calendar_of) == Counter()
    assert reduce([received(), fact(1, DossierProgress(unit="u1", status=3))]).rejected_at is not None


def test_a_merge_takes_every_entry_back_and_can_be_taken_back() -> None:
    known = [received(), fact(5, DossierMerge(unit="u1", into="other"), learned_day=1)]
    assert contributions(reduce(known), calendar_of) == Counter()
    assert sum(e.delta for e in entries(known, calendar_of)) == 0
    undone = [*known, fact(6, DossierMerge(unit="u1"), learned_day=2)]
    assert contributions(reduce(undone), calendar_of) == contributions(reduce([received()]), calendar_of)


def test_processing_takes_working_days() -> None:
    # from Thursday 07:00 of the zone to Friday, closing time, less two hours of Friday's morning
    start = datetime(2024, 3, 28, 7, tzinfo=ZONE)
    known = [
        Fact(start, "", "a", start, DossierRecord(unit="u1", received_at=start)),
        Fact(
            start + timedelta(hours=26),
            "",
            "b",
            start,
            DossierRecord(unit="u1", completed_at=start + timedelta(hours=26)),
        ),
    ]
    amounts = [k[3] for k in contributions(reduce(known), calendar_of) if k[1] is Measure.PROCESSING]
    assert amounts == [1250]
    monday = datetime(2024, 4, 1, 9, tzinfo=ZONE)
    assert working_milli_days(start, monday, CALENDAR) == 2250, "a weekend takes no time"
    tet = WorkCalendar(overrides={monday.date(): False}, time_zone=ZONE.key, holidays_of=None)
    assert working_milli_days(start, monday, tet) == 2000, "a holiday neither"
