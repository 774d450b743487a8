"""Who is on duty: rosters with rotations, changes to them, and what follows from both.

Everything that computes is pure (:func:`compute`, :func:`watch`, :func:`hand_overs`); ``ioc.duty.store`` keeps changes
and the shift log in the database. Alerts, delivery and pages ask :func:`compute` and nothing else.
"""

from __future__ import annotations

from ioc.duty.handover import HandOver, hand_overs
from ioc.duty.model import Change, ChangeKind, Person, Plan, Roster, Rotation, Shift
from ioc.duty.timeline import Span, Stint, Timeline, compute
from ioc.duty.warning import DutyWarning, WarningKind, watch

__all__ = [
    "Change",
    "ChangeKind",
    "DutyWarning",
    "HandOver",
    "Person",
    "Plan",
    "Roster",
    "Rotation",
    "Shift",
    "Span",
    "Stint",
    "Timeline",
    "WarningKind",
    "compute",
    "hand_overs",
    "watch",
]
