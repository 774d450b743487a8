"""Duty as the API and the command line give it: JSON, and an iCalendar file. Contacts are never in it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from ioc.duty.asking import Duty, Looked
from ioc.duty.handover import HandOver
from ioc.duty.log import LogEntry
from ioc.duty.model import Change, Plan, Roster
from ioc.duty.timeline import Span
from ioc.duty.warning import DutyWarning


def duty_document(duty: Duty, *, named: bool) -> dict[str, Any]:
    """An answer as a document; times carry each roster's offset.

    :param named: whether people may be named; else there is only how many they are.
    """
    return {
        "at": _time(duty.at, duty.zone),
        "rosters": [_roster(duty, one, named=named) for one in duty.rosters],
    }


def calendar_file(duty: Duty, person: str | None = None, language: str = "vi") -> bytes:
    """Every stint of the preview as an event (RFC 5545), of one person or of all.

    An event keeps its UID while its roster, layer, person and start stay, so that calendars update it.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//IOC//duty//VI")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Lịch trực" if language == "vi" else "Duty")
    for one in duty.rosters:
        name = one.roster.name_vi if language == "vi" else one.roster.name_en
        for stint in (one.line or one.now).stints:
            if person is not None and stint.person != person:
                continue
            start, end = stint.start.astimezone(UTC), stint.end.astimezone(UTC)
            event = Event()
            key = "\x00".join((one.roster.code, stint.layer, stint.person, start.isoformat()))
            event.add("uid", hashlib.sha256(key.encode()).hexdigest()[:32] + "@ioc")
            event.add("dtstamp", duty.at.astimezone(UTC).replace(microsecond=0))
            event.add("dtstart", start)
            event.add("dtend", end)
            event.add("summary", f"{name}: {_name(duty.plan, stint.person)}")
            event.add("categories", [stint.layer])
            event.add("transp", "TRANSPARENT")
            calendar.add_component(event)
    found: bytes = calendar.to_ical()
    return found


def change_document(change: Change, zone: ZoneInfo) -> dict[str, Any]:
    """A change with its audit trail; people by their codes."""
    return {
        "id": change.id,
        "kind": change.kind.value,
        "roster": change.roster,
        "layer": change.layer,
        "person": change.person or None,
        "other": change.other,
        "from": _time(change.start, zone),
        "to": _time(change.end, zone),
        "other_from": _time(change.other_start, zone),
        "other_to": _time(change.other_end, zone),
        "shifts": [
            {
                "layer": shift.layer,
                "people": list(shift.people),
                "from": _time(shift.start, zone),
                "to": _time(shift.end, zone),
                "needs": shift.needs,
            }
            for shift in change.shifts
        ],
        "reason": change.reason,
        "made_at": _time(change.made_at, zone),
        "made_by": change.made_by,
        "withdrawn_at": _time(change.withdrawn_at, zone),
        "withdrawn_by": change.withdrawn_by,
        "held_until": _time(change.held_until, zone),
    }


def warnings_document(duty: Duty, *, named: bool) -> dict[str, Any]:
    """What is lacking in the time asked about, by time, with the roster of each."""
    found = [
        {"roster": one.roster.code, **_warning(warning, one.roster.zone, named=named)}
        for one in duty.rosters
        for warning in one.warnings
    ]
    return {
        "at": _time(duty.at, duty.zone),
        "warnings": sorted(found, key=lambda w: datetime.fromisoformat(w["from"])),
    }


def log_document(entry: LogEntry, zone: ZoneInfo) -> dict[str, Any]:
    """A line of the shift log."""
    return {
        "id": entry.id,
        "roster": entry.roster,
        "at": _time(entry.at, zone),
        "author": entry.author,
        "text": entry.text,
    }


def _roster(duty: Duty, one: Looked, *, named: bool) -> dict[str, Any]:
    roster, zone, plan = one.roster, one.roster.zone, duty.plan
    found: dict[str, Any] = {
        "code": roster.code,
        "name": {"vi": roster.name_vi, "en": roster.name_en},
        "unit": roster.unit,
        "time_zone": roster.time_zone,
        "cover": roster.cover.value,
        "on_duty": [_layer(plan, one, layer, duty.at, named=named) for layer in _layers(duty, one)],
        "warnings": [_warning(warning, zone, named=named) for warning in one.warnings],
        "hand_overs": [_hand_over(plan, over, zone, named=named) for over in one.hand_overs],
    }
    if one.line is not None:
        found["from"], found["to"] = _time(one.line.start, zone), _time(one.line.end, zone)
        found["spans"] = [_span(plan, roster, span, named=named) for span in one.line.spans]
    return found


def _layer(plan: Plan, one: Looked, layer: str, at: datetime, *, named: bool) -> dict[str, Any]:
    here = one.now.at(at).of(layer)
    same = [span for span in one.now.spans if span.of(layer) != here]
    since = max((span.end for span in same if span.end <= at), default=None)
    until = min((span.start for span in same if span.start > at), default=None)
    zone = one.roster.zone
    return {
        "layer": layer,
        "since": _time(since, zone),
        "until": _time(until, zone),
        **_people(plan, here, named=named),
    }


def _span(plan: Plan, roster: Roster, span: Span, *, named: bool) -> dict[str, Any]:
    return {
        "from": _time(span.start, roster.zone),
        "to": _time(span.end, roster.zone),
        "layers": [{"layer": layer, **_people(plan, people, named=named)} for layer, people in span.on],
    }


def _hand_over(plan: Plan, over: HandOver, zone: ZoneInfo, *, named: bool) -> dict[str, Any]:
    return {
        "layer": over.layer,
        "at": _time(over.at, zone),
        "until": _time(over.until, zone),
        "leaving": _people(plan, over.leaving, named=named),
        "arriving": _people(plan, over.arriving, named=named),
        "staying": _people(plan, over.staying, named=named),
    }


def _warning(warning: DutyWarning, zone: ZoneInfo, *, named: bool) -> dict[str, Any]:
    return {
        "kind": warning.kind.value,
        "layer": warning.layer,
        "shift": warning.shift,
        "from": _time(warning.start, zone),
        "to": _time(warning.end, zone),
        "here": warning.here,
        "needs": warning.needs,
        "person": warning.person if named else None,
        "text": {language: warning.text(language, named=named) for language in ("vi", "en")},
    }


def _people(plan: Plan, codes: tuple[str, ...], *, named: bool) -> dict[str, Any]:
    people = [
        {
            "code": code,
            "name": _name(plan, code),
            "title": person.title if (person := plan.person(code)) else "",
        }
        for code in codes
    ]
    return {"count": len(codes), "people": people if named else None}


def _name(plan: Plan, code: str) -> str:
    person = plan.person(code)
    return code if person is None else person.name


def _layers(duty: Duty, one: Looked) -> tuple[str, ...]:
    """Layers of the roster as it was at the moment asked about."""
    (piece,) = duty.plan.pieces(duty.at, duty.at + timedelta(microseconds=1))
    own = piece.plan.roster(one.roster.code)
    return () if own is None else own.layers


def _time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat()
