"""What must hold between policies and channels and the people, rosters and secrets that they name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

from ioc.alerts.model import Policy, Target
from ioc.district.alert_calls import CHANNELS, OF_NOBODY, POLICIES
from ioc.district.alert_checks import LostAlerts
from ioc.district.duty import CHANNELS as WAYS
from ioc.district.duty import PEOPLE
from ioc.district.model import Pack
from ioc.district.problems import Problems
from ioc.district.secrets import read_secret
from ioc.duty.model import Roster
from ioc.errors import InputError

_SHOWN: Final = 5


def check_calls(pack: Pack, lost: LostAlerts, folder: Path, problems: Problems, today: date) -> None:
    """Find policies that name nobody or call nobody, and channels that can't serve; findings go to ``problems``."""
    for policy in pack.alerts.policies:
        _check_policy(policy, pack, lost, problems, today)
    for channel in pack.alerts.channels:
        if channel.driver not in OF_NOBODY and channel.code not in WAYS:
            problems.note(
                CHANNELS,
                channel.line,
                f"{channel.code}: no contact of people.csv can name it.",
                f"Contacts are told by {', '.join(WAYS)}; it can serve as a channel of a policy's step.",
            )
        if channel.secret:
            try:
                read_secret(channel.secret, folder)
            except InputError as error:
                problems.note(CHANNELS, channel.line, f"{channel.code}: {error.message}", error.remedy or "")
    _check_severities(pack, problems)
    _check_contacts(pack, lost, problems)


def _check_severities(pack: Pack, problems: Problems) -> None:
    """Note rules that are milder than what a channel of their policy sends."""
    least = {channel.code: channel.least for channel in pack.alerts.channels}
    named = {
        policy.code: {target.channel for target in _called(policy) if target.channel is not None}
        for policy in pack.alerts.policies
    }
    for rule in pack.alerts.rules:
        for channel in sorted(named.get(rule.policy or "", ())):
            if rule.severity < least.get(channel, rule.severity):
                problems.note(
                    rule.file,
                    rule.line,
                    f"{rule.code}: channel {channel} of its policy {rule.policy} sends nothing below"
                    f" {least[channel].word}, and the rule is {rule.severity.word}.",
                    "Lower the channel's least, or name another policy.",
                )


def _called(policy: Policy) -> list[Target]:
    """Everybody whom a policy names, each once."""
    return list(
        dict.fromkeys([*(target for step in policy.steps for target in step.targets), *policy.fallback])
    )


def _check_contacts(pack: Pack, lost: LostAlerts, problems: Problems) -> None:
    if not (pack.alerts.channels or pack.alerts.policies):
        return
    defined = {channel.code for channel in pack.alerts.channels}
    for person in pack.people:
        for way in person.contacts:
            if way not in defined and way not in lost.channels:
                problems.note(
                    PEOPLE,
                    person.line,
                    f"{person.code} can be told by {way}, but {CHANNELS} has no channel {way}.",
                    "Define it there; until then nothing goes that way.",
                )


def _check_policy(policy: Policy, pack: Pack, lost: LostAlerts, problems: Problems, today: date) -> None:
    called = _called(policy)
    wrong = False
    for target in called:
        for message, remedy in _target_problems(target, pack, lost, today):
            problems.error(POLICIES, policy.line, f"{policy.code}: {message}", remedy)
            wrong = True
    if wrong or any(target.channel is not None for target in called):
        return
    defined = {channel.code for channel in pack.alerts.channels}
    people = {code for target in called for code in _people(target, pack)}
    if not any(defined & set(person.contacts) for person in pack.people if person.code in people):
        problems.note(
            POLICIES,
            policy.line,
            f"{policy.code}: none of the people whom it calls has a contact on a channel that is defined"
            f" ({_few(sorted(people))}).",
            f"Give people contacts in {PEOPLE}, or name a channel of nobody, such as a siren, as fallback.",
        )


def _target_problems(target: Target, pack: Pack, lost: LostAlerts, today: date) -> Iterator[tuple[str, str]]:
    rosters = {roster.code: roster for roster in pack.rosters}
    if target.roster is not None:
        roster = rosters.get(target.roster)
        if roster is None:
            yield _unknown("Roster", target.roster, rosters, "rosters.csv")
        elif target.layer is not None and target.layer not in roster.layers:
            yield _unknown("Layer", target.layer, roster.layers, f"roster {roster.code}")
        elif not _ever_held(roster, target.layer, today):
            what = f"{roster.code}/{target.layer}" if target.layer else roster.code
            yield f"Roster {what} has no shift any more.", "Give it one in duty.csv, or call somebody else."
    if target.person is not None:
        people = {person.code: person for person in pack.people}
        person = people.get(target.person)
        if person is None:
            yield _unknown("Person", target.person, people, PEOPLE)
        elif person.valid_to is not None and person.valid_to <= today:
            yield f"{person.code} is not among the people since {person.valid_to}.", "Name somebody else."
    if target.channel is not None:
        channels = {channel.code for channel in pack.alerts.channels}
        if target.channel not in channels and target.channel not in lost.channels:
            yield _unknown("Channel", target.channel, channels, CHANNELS)


def _unknown(what: str, code: str, among: Iterable[str], place: str) -> tuple[str, str]:
    near = difflib.get_close_matches(code, list(among), n=1)
    return f"{what} {code!r} is not in {place}.", f"Did you mean {near[0]}?" if near else ""


def _ever_held(roster: Roster, layer: str | None, today: date) -> bool:
    return any(
        (layer is None or rotation.layer == layer)
        and (rotation.valid_to is None or rotation.valid_to > today)
        for rotation in roster.rotations
    )


def _people(target: Target, pack: Pack) -> set[str]:
    found = {target.person} if target.person is not None else set()
    for roster in pack.rosters:
        if roster.code == target.roster:
            for rotation in roster.rotations:
                if target.layer in (None, rotation.layer):
                    found |= {code for group in rotation.people for code in group}
    return found


def _few(items: list[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "") if items else "nobody"
