"""Agency names that no row of the pack gives a unit: for pages, and for whoever adds the rows."""

from __future__ import annotations

import csv
import io

from ioc.district.agencies import UNMAPPED, Unmapped
from ioc.kpi.steps import Steps


def unmapped() -> Steps[list[Unmapped]]:
    """Steps to the names without a unit that connectors have met, the most frequent first."""
    return [Unmapped(*row) for row in (yield UNMAPPED, ())]


def row_for(name: str, unit: str = "") -> str:
    """The line of ``agencies.csv`` that gives a name a unit, which is left to be filled in."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow((name, unit, "", "", "", "C"))
    return text.getvalue()
