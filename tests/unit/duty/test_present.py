"""Who is there now, until when, and who comes then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ioc.duty import compute
from ioc.duty.present import Ending, Present, endings, present
from tests.unit.duty.plans import DAY, change, local, plan

MON, TUE, WED = (local(f"2026-03-0{n}T07:00") for n in (2, 3, 4))
HOUR = timedelta(hours=1)


def test_a_layer_has_its_people_until_the_next_hand_over() -> None:
    line = compute(plan(), plan().rosters[0], MON, MON + 3 * DAY)
    assert present(line, ["main"], MON + HOUR) == [Present("main", ("an",), TUE, ("binh",))]
    assert present(line, ["main"], MON + 2 * DAY) == [Present("main", ("chi",), None, ())]
    with pytest.raises(ValueError, match="outside"):
        present(line, ["main"], MON + 3 * DAY)


def test_somebody_s_own_end_is_not_that_of_those_beside_him() -> None:
    found = plan(changes=(change("add", "dung", MON + HOUR, MON + 2 * HOUR),))
    line = compute(found, found.rosters[0], MON, MON + 3 * DAY)
    at = MON + HOUR
    assert endings(line, "an", at) == [Ending("main", TUE, ("binh",))]
    assert endings(line, "dung", at) == [Ending("main", MON + 2 * HOUR, ("an",))]
    assert endings(line, "chi", at) == []
    assert endings(line, "chi", WED + HOUR) == [Ending("main", None, ())]
