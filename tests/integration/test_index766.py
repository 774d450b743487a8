"""The index of Decision 766 on a real database: null rules, versions, corrections, losses, API and CLI."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ioc.access import readers
from ioc.cli.main import build
from ioc.dossiers.reducer import reduce
from ioc.events import Channel, DossierRecord
from ioc.index766.facts import COLUMNS, Figure, store
from ioc.index766.formulas import GROUPS, formulas, read
from ioc.index766.scores import Month, ask_month
from ioc.index766.sql import formula_sql
from ioc.kpi import find
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import answer, current, series
from ioc.kpi.question import Question
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.index766_data import ZONE, Case, Connection, add_cases, empty, late_in, live_shares
from tests.integration.kpi_data import add_district, add_unit
from tests.unit.index766.test_formulas import two_versions

MARCH = datetime(2026, 3, 1, tzinfo=ZONE)
APRIL = datetime(2026, 4, 1, tzinfo=ZONE)
PUBLISHED = datetime(2026, 4, 5, tzinfo=ZONE)
_WHOLE = {component.id: component.max for component in formulas()[0].component}


@pytest.fixture(scope="module")
def database(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        yield found


@pytest.fixture
def connection(database: Connection) -> Connection:
    district(database)
    return database


def district(connection: Connection) -> None:
    empty(connection)
    add_unit(connection, "go")
    add_unit(connection, "go-1", parent="go")
    add_unit(connection, "go-2", parent="go")
    add_unit(connection, "elsewhere")
    add_district(connection, "go")


def dossier(
    code: str, received: datetime = MARCH + timedelta(days=2), unit: str = "go-1", **more: Any
) -> Case:
    return Case(code, [(received, DossierRecord(unit=unit, received_at=received, **more))])


def month(connection: Connection, **more: Any) -> Month:
    asked = {"unit": None, "month": "2026-03", **more}
    return answer(connection, ask_month("system", asked.pop("unit"), asked.pop("month"), **asked))


def points(found: Month) -> dict[str, float | None]:
    return {scored.component: scored.points for scored in found.scored}


def published(component: str, unit: str = "go", at: datetime = PUBLISHED, **said: float) -> Figure:
    return Figure(
        unit,
        date(2026, 3, 1),
        component,
        said.get("points"),
        said.get("numerator"),
        said.get("denominator"),
        at,
    )


def kpi(
    connection: Connection, group: str, **more: Any
) -> list[tuple[float | None, float | None, float | None]]:
    question = Question(
        kpi=find(f"index766.{group}"), **{"start": MARCH, "end": APRIL, "bucket": "1mo", **more}
    )
    return [(p.value, p.numerator, p.denominator) for p in answer(connection, series("system", question))]


def test_a_month_worked_by_hand(connection: Connection) -> None:
    due = MARCH + timedelta(days=10)
    add_cases(
        connection,
        [
            # received in March: four online of ten; two of four with a fee were paid online, of one procedure of two
            *(dossier(f"online-{n}", channel=Channel.ONLINE, digitised=True, reused=n == 0) for n in range(4)),
            *(dossier(f"fee-{n}", procedure=f"p{n % 2}", fee_vnd=9, paid_online=n % 2 == 0, digitised=n > 1, due_at=due,
                      completed_at=due if n else due + timedelta(days=3), result_digital=n == 1) for n in range(4)),
            dossier("free", fee_vnd=0),
            dossier("overdue", due_at=due),
            # carried over from February and open, in time
            dossier("carried", MARCH - timedelta(days=9), due_at=APRIL + timedelta(days=9)),
        ],
    )  # fmt: skip
    found = points(month(connection))
    assert found["progress.on_time"] == pytest.approx(20 * 9 / 11)  # 11 handled, two late
    assert found["online_services.dossiers"] == pytest.approx(6 * 0.4 / 0.5)
    assert found["online_payment.dossiers"] == pytest.approx(6 * 2 / 4)
    assert found["online_payment.procedures"] == pytest.approx(2 * 0.5 / 0.8)
    assert found["digitisation.e_result"] == pytest.approx(6 * 1 / 4)
    assert found["digitisation.digitised"] == pytest.approx(4 * 0.6 / 0.8)
    assert found["digitisation.reused"] == pytest.approx(2 * 0.1 / 0.8)
    assert {component for component, value in found.items() if value is None} == {
        component.id for component in formulas()[0].component if component.live is None
    }
    ((value, known, most),) = kpi(connection, "progress")
    assert value == known == pytest.approx(20 * 9 / 11)
    assert most == 20
    ((value, known, most),) = kpi(connection, "digitisation")
    assert (value, most) == (None, 12)
    assert known == pytest.approx(1.5 + 3 + 0.25)


def test_what_the_portal_published_makes_the_rest_and_only_whole_groups_have_a_value(
    connection: Connection,
) -> None:
    add_cases(connection, [dossier("one", channel=Channel.ONLINE)])
    store(
        connection,
        [
            published("transparency.published_on_time", points=5.5),
            published("transparency.updated_on_time", numerator=3, denominator=4),
            published("transparency.content", points=2),
        ],
        source="portal",
    )
    assert kpi(connection, "transparency") == [(None, 10.5, 12)]
    store(connection, [published("transparency.dossier_sync", numerator=0, denominator=9)], source="portal")
    assert kpi(connection, "transparency") == [(10.5, 10.5, 18)], "nothing of nine is 0 points, and known"
    # none of the unit's petitions: all points for them, and none for ratings, when the portal says that there were none
    store(connection, [published("satisfaction.petitions", numerator=0, denominator=0)], source="portal")
    assert kpi(connection, "satisfaction") == [(None, 6, 6)]
    store(
        connection,
        [
            published(f"satisfaction.{part}", numerator=0, denominator=0)
            for part in ("dossiers", "petitions_on_time")
        ],
        source="portal",
    )
    assert kpi(connection, "satisfaction") == [(12, 12, 18)]
    everything = [published(component, points=most) for component, most in _WHOLE.items()]
    later = [figure._replace(published_at=PUBLISHED + timedelta(days=1)) for figure in everything]
    store(connection, later, source="portal")
    assert kpi(connection, "total") == [(100, 100, 100)]
    assert month(connection).points() == (100, 100, 100, 100)


def test_before_the_first_fact_all_is_unknown_and_months_ahead_have_no_points(connection: Connection) -> None:
    assert kpi(connection, "total") == [(None, None, 0)]
    add_cases(connection, [dossier("one", APRIL + timedelta(days=1), channel=Channel.COUNTER)])
    found = kpi(connection, "online_services", end=datetime(2026, 5, 1, tzinfo=ZONE))
    assert found == [(None, None, 0), (None, 0, 6)], (
        "no dossier online of one is 0 points; of none it is unknown"
    )
    question = Question(
        kpi=find("index766.progress"), start=MARCH, end=datetime.now(UTC) + timedelta(days=400), bucket="1mo"
    )
    last = answer(connection, series("system", question))[-1]
    assert last.time <= datetime.now(UTC)


def test_our_own_figure_goes_first_and_the_published_one_stands_in_where_we_have_none(
    connection: Connection,
) -> None:
    store(
        connection,
        [published("online_services.dossiers", points=1.0), published("online_payment.dossiers", points=5.0)],
        source="portal",
    )
    add_cases(connection, [dossier("one", channel=Channel.ONLINE)])
    found = {scored.component: scored for scored in month(connection).scored}
    live, imported = found["online_services.dossiers"], found["online_payment.dossiers"]
    assert (live.points, live.origin, live.stated) == (6, "live", 1)
    assert (imported.points, imported.origin, imported.stated) == (5, "imported", 5)


def test_units_below_are_added_up_by_their_counts_when_all_have_them(connection: Connection) -> None:
    sync = "transparency.dossier_sync"
    store(connection, [published(sync, "go-1", numerator=9, denominator=10)], source="portal")
    assert points(month(connection))[sync] is None, "one of two communes is no district"
    store(connection, [published(sync, "go-2", numerator=0, denominator=20)], source="portal")
    assert points(month(connection))[sync] == pytest.approx(6 * 9 / 30), (
        "counts are added, points are not averaged"
    )
    assert points(month(connection, unit="go-1"))[sync] == pytest.approx(5.4)
    store(connection, [published(sync, "go", points=2.5)], source="portal")
    assert points(month(connection))[sync] == 2.5, "what was published for the unit itself goes first"
    by_unit = Question(kpi=find("index766.transparency"), start=MARCH, end=APRIL, bucket="1mo", by="unit")
    assert {p.dim: p.numerator for p in answer(connection, series("system", by_unit))} == {
        "go": 2.5, "go-1": 5.4, "go-2": 0
    }  # fmt: skip


def recorded(connection: Connection) -> datetime:
    row = connection.execute("SELECT max(recorded_at) FROM ioc.index766_fact").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def test_imports_are_facts_repeated_corrected_withdrawn_and_asked_as_of(connection: Connection) -> None:
    content = "transparency.content"
    first = published(content, points=1)
    done = store(connection, [first], source="portal")
    assert (done.new, done.corrected, done.unchanged) == (1, 0, 0)
    done = store(connection, [first], source="another sender")
    assert (done.new, done.corrected, done.unchanged) == (0, 0, 1)
    moments = [recorded(connection)]
    for correction in (1.5, 1.0, None):
        figure = first._replace(points=correction)
        done = store(connection, [figure], source="portal")
        assert (done.new, done.corrected, done.unchanged) == (0, 1, 0)
        moments.append(recorded(connection))
    assert (
        store(connection, [published(content, points=2, at=PUBLISHED + timedelta(days=1))], source="p").new
        == 1
    )
    moments.append(recorded(connection))
    as_of = [points(month(connection, as_of=moment.isoformat()))[content] for moment in moments]
    assert as_of == [1, 1.5, 1, None, 2]
    assert points(month(connection, as_of=(moments[0] - timedelta(seconds=1)).isoformat()))[content] is None
    # an old publication that arrives late is kept, and changes nothing
    assert (
        store(connection, [published(content, points=0.5, at=PUBLISHED - timedelta(days=1))], source="p").new
        == 1
    )
    assert points(month(connection))[content] == 2
    ((_, known, _),) = kpi(connection, "transparency", as_of=moments[1])
    assert known == 1.5


def test_an_old_month_keeps_its_formula(connection: Connection) -> None:
    versions = read(two_versions())
    june, july = datetime(2026, 6, 1, tzinfo=ZONE), datetime(2026, 7, 1, tzinfo=ZONE)
    cases = [
        dossier(f"{at:%m}-{n}", at + timedelta(days=1), channel=Channel.ONLINE if n == 0 else Channel.COUNTER)
        for at in (june, july)
        for n in range(4)
    ]
    add_cases(connection, cases)
    connection.execute(formula_sql(versions).encode())
    try:
        found = kpi(connection, "online_services", start=june, end=datetime(2026, 8, 1, tzinfo=ZONE))
        assert [known for _, known, _ in found] == [pytest.approx(3), pytest.approx(2.5)]
    finally:
        connection.execute(formula_sql(formulas()).encode())


moments = st.integers(-40 * 24, 70 * 24).map(lambda hours: MARCH + timedelta(hours=hours))
records = st.builds(
    lambda received, length, allowed, **more: (
        received,
        DossierRecord(
            unit=more.pop("unit"),
            received_at=received,
            completed_at=None if length is None else received + timedelta(hours=length),
            due_at=None if allowed is None else received + timedelta(hours=allowed),
            **more,
        ),
    ),
    moments,
    st.none() | st.integers(0, 60 * 24),
    st.none() | st.integers(0, 40 * 24),
    unit=st.sampled_from(["go-1", "go-2"]),
    channel=st.sampled_from([None, Channel.ONLINE, Channel.COUNTER]),
    procedure=st.sampled_from([None, "a", "b", "c"]),
    fee_vnd=st.sampled_from([None, 0, 5000]),
    paid_online=st.none() | st.booleans(),
    digitised=st.none() | st.booleans(),
    reused=st.none() | st.booleans(),
    result_digital=st.none() | st.booleans(),
)


@given(st.lists(records, max_size=14))
@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_live_points_equal_a_plain_count_and_losses_add_up(database: Connection, said: list[Any]) -> None:
    district(database)
    cases = [Case(f"d{n}", [pair]) for n, pair in enumerate(said)]
    add_cases(database, [*cases, dossier("stranger", unit="elsewhere")])
    dossiers = {case.code: reduce(case.facts) for case in cases}
    first = min((d.accepted_at for d in dossiers.values() if d.accepted_at is not None), default=None)
    known = first is not None and first < APRIL
    shares = live_shares(list(dossiers.values()), MARCH, APRIL)
    found = month(database, losses=True, late=100)
    formula = formulas()[0]
    lost_on: dict[str, float] = defaultdict(float)
    for loss in found.losses:
        assert loss.points > 0
        lost_on[loss.component] += loss.points
    for scored in found.scored:
        component = formula.find(scored.component)
        assert component is not None
        if component.live is None:
            assert scored.points is None
            continue
        expected = component.score(*shares[component.id]) if known else None
        assert scored.points == (None if expected is None else pytest.approx(expected, abs=1e-6)), (
            component.id
        )
        lost = 0 if scored.points is None else component.max - scored.points
        assert lost_on[component.id] == pytest.approx(lost, abs=1e-6), component.id
    late = late_in(dossiers, MARCH, APRIL) if known else {}
    assert {item.code for item in found.late} == set(late)
    progress = points(found)["progress.on_time"]
    if found.late:
        assert progress is not None
        assert sum(item.points for item in found.late) == pytest.approx(20 - progress, abs=1e-6)
        assert {item.total for item in found.late} == {len(late)}
        days = [item.days_late for item in found.late if item.days_late is not None]
        assert days == sorted(days, reverse=True)
        assert min(days) >= 1
    for group in GROUPS:
        ((value, numerator, denominator),) = kpi(database, group)
        of_group = found.points(group)
        assert (value, numerator, denominator) == (of_group[0], of_group[1], of_group[2]), group


def test_late_dossiers_have_code_procedure_days_and_what_each_cost(connection: Connection) -> None:
    due = MARCH + timedelta(days=10, hours=9)
    add_cases(
        connection,
        [
            dossier("early", due_at=due, completed_at=due, procedure="a"),
            dossier("late", due_at=due, completed_at=due + timedelta(days=2), procedure="a", field="land"),
            dossier("overdue", due_at=due, procedure="b"),
            dossier("next month", due_at=due, completed_at=APRIL + timedelta(days=1), procedure="b"),
        ],
    )
    found = month(connection, losses=True, late=10)
    assert [(x.code, x.procedure, x.field, x.how, x.days_late, x.points, x.total) for x in found.late] == [
        ("next month", "b", None, "overdue", 20, pytest.approx(5), 3),
        ("overdue", "b", None, "overdue", 20, pytest.approx(5), 3),
        ("late", "a", "land", "completed late", 2, pytest.approx(5), 3),
    ]
    progress = [loss[1:] for loss in found.losses if loss.component == "progress.on_time"]
    assert progress == [("b", 2, 2, pytest.approx(10)), ("a", 1, 2, pytest.approx(5))]
    assert [late.code for late in month(connection, losses=True, late=1).late] == ["next month"]


def test_other_buckets_are_refused_and_a_wall_shows_the_running_month(connection: Connection) -> None:
    for bucket in ("1min", "1h", "1d"):
        with pytest.raises(BadQuestionError, match="by calendar month") as caught:
            kpi(connection, "total", bucket=bucket)
        assert "1mo" in caught.value.remedy
    now = datetime.now(UTC)
    add_cases(connection, [dossier("now", now - timedelta(minutes=1), channel=Channel.ONLINE)])
    (figure,) = answer(connection, current("system", ["index766.progress"], ["go"]))
    local = figure.since.astimezone(ZONE)
    assert (local.day, local.hour, figure.value) == (1, 0, 20)
    # a month that the range only touches is scored whole
    assert kpi(connection, "progress", start=now - timedelta(seconds=30), end=now)[0][0] == 20


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"month": "March"}, "no month"),
        ({"month": "2026-13"}, "no month"),
        ({"month": "2999-01"}, "not begun"),
        ({"as_of": "2999-01-01"}, "future"),
        ({"as_of": "then"}, "neither a date"),
    ],
)
def test_questions_that_make_no_sense_are_told(
    connection: Connection, more: dict[str, str], words: str
) -> None:
    with pytest.raises(BadQuestionError, match=words):
        month(connection, **more)


@pytest_asyncio.fixture
async def client(place: Settings, connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    graded = place.model_copy(update={"index766_grades": "90=Xuất sắc;0=Yếu"})
    async with asking(graded, raising=True) as found:
        yield found


async def test_the_api_and_the_command_line_say_the_same(
    client: httpx.AsyncClient,
    place: Settings,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    due = MARCH + timedelta(days=10)
    add_cases(
        connection, [dossier("late", due_at=due, procedure="a", channel=Channel.ONLINE), dossier("fine")]
    )
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    monkeypatch.setenv("IOC_INDEX766_GRADES", "90=Xuất sắc;0=Yếu")
    load.cache_clear()

    def run(*words: str, code: int = 0) -> str:
        shown = CliRunner().invoke(build(), list(words))
        assert shown.exit_code == code, shown.output
        return shown.stdout

    lines = [",".join(COLUMNS)]
    lines += [f"2026-03,go,{component},{most},,,2026-04-05" for component, most in _WHOLE.items()]
    lines += ["2026-03,nowhere,transparency.content,1,,,2026-04-05", "2026-03,go,speed,1,,,2026-04-05"]
    file = tmp_path / "march.csv"
    file.write_text("\n".join(lines))
    report = json.loads(run("import", "index766", str(file), "--format", "json", code=3))
    assert (report["rows"], report["new"], report["rejected"]) == (len(_WHOLE) + 2, len(_WHOLE), 2)
    assert [(fault["line"], fault["column"]) for fault in report["rejections"]] == [
        (23, "unit"),
        (24, "component"),
    ]
    again = json.loads(run("import", "index766", str(file), "--format", "json", code=3))
    assert (again["new"], again["corrected"], again["unchanged"]) == (0, 0, len(_WHOLE))

    readers.add(connection, "leader", "a long password")
    leader = ("leader", "a long password")
    asked = {"unit": "go", "month": "2026-03"}
    shown = (await client.get("/api/v1/index766", params=asked, auth=leader)).json()
    assert shown == json.loads(
        run("index766", "show", "--unit", "go", "--month", "2026-03", "--format", "json")
    )
    assert (shown["grade"], shown["of"]) == ("Xuất sắc" if shown["value"] >= 90 else "Yếu", 100)
    losses = (await client.get("/api/v1/index766/losses", params=asked, auth=leader)).json()
    assert losses == json.loads(
        run("index766", "losses", "--unit", "go", "--month", "2026-03", "--format", "json")
    )
    progress = next(part for part in losses["components"] if part["component"] == "progress.on_time")
    assert [late["code"] for late in progress["dossiers"]] == ["late"]
    total = (
        await client.get(
            "/api/v1/kpis/index766.total/series",
            params={"from": "2026-03-01", "to": "2026-04-01"},
            auth=leader,
        )
    ).json()
    assert (total["bucket"], total["points"][0]["value"]) == ("1mo", shown["value"])

    guest = (await client.get("/api/v1/index766/losses", params={"month": "2026-03"})).json()
    part = next(part for part in guest["components"] if part["component"] == "progress.on_time")
    assert (part["dossiers"], part["late_dossiers"]) == (None, 1), "a guest is told how many, and no dossier"
    assert part["procedures"] == progress["procedures"]
    for address, status in (("?month=x", 422), ("?unit=elsewhere", 404), ("/losses?limit=0", 422)):
        refused = await client.get(f"/api/v1/index766{address}")
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")

    table = run("index766", "show", "--unit", "go", "--month", "2026-03")
    assert "Hồ sơ nộp trực tuyến" in table
    connection.execute(
        "INSERT INTO ioc.procedure (code, field, name_vi, name_en, working_days)"
        " VALUES ('a', 'land', 'Tách thửa', 'Plot split', 3)"
    )
    lost = run("index766", "losses", "--unit", "go", "--month", "2026-03")
    connection.execute("DELETE FROM ioc.procedure WHERE code = 'a'")
    assert "late (overdue, 20 days)" in lost
    assert "a Tách thửa" in lost
    template = run("index766", "template", "--unit", "go", "--month", "2026-03").splitlines()
    assert template[0] == ",".join(COLUMNS)
    assert len(template) == 1 + sum(component.live is None for component in formulas()[0].component)
    load.cache_clear()
