"""``rules/*.toml``: when alerts are raised, and what each rule should do in its tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from ioc.alerts.model import (
    AbsenceCondition,
    Condition,
    DeviceCondition,
    DossierCondition,
    Grouping,
    Hours,
    Kind,
    KpiCondition,
    ReadingCondition,
    Rule,
    Schedule,
    SiteCondition,
    SyntheticCondition,
)
from ioc.alerts.readings import READINGS
from ioc.alerts.trial import Trial
from ioc.district.alert_trials import read_trials
from ioc.district.problems import Problems
from ioc.district.toml_blocks import Lost, read_blocks
from ioc.district.toml_values import Values
from ioc.duty.model import CALENDAR_DAYS, WEEKDAYS

FOLDER: Final = "rules"
#: More rules than a person can know; each costs its part of every batch and every round.
MOST: Final = 500
_MOST_FILES: Final = 50
RULE_KEYS: Final = (
    "code",
    "name_vi",
    "name_en",
    "severity",
    "kind",
    "when",
    "for",
    "clear_for",
    "hours",
    "during",
    "units",
    "group_by",
    "inhibited_by",
    "remind",
    "policy",
    "runbook_vi",
    "runbook_en",
    "test",
)
DEVICES: Final = ("camera", "wifi", "kiosk")
#: What can last beside a device's state.
FLAGS: Final = {"camera": ("frozen", "stalled"), "wifi": ("saturated",), "kiosk": ()}
SITUATIONS: Final = ("due_soon", "overdue", "late_without_apology")
ABSENT: Final = ("device", "connector", "topic", "process", "tickets")
_LONGEST_LINE: Final = 500


def rule_files(folder: Path) -> list[Path]:
    """The files of a pack that hold rules, in the order in which they are read."""
    return sorted((folder / FOLDER).glob("*.toml"))


def read_rules(folder: Path, problems: Problems, lost: Lost) -> tuple[list[Rule], list[Trial]]:
    """Read all files; a rule with a mistake is left out, with the reason in ``problems`` and its code in ``lost``."""
    rules: list[Rule] = []
    trials: list[Trial] = []
    seen: dict[str, str] = {}
    for path in _readable(folder, problems, lost):
        name = f"{FOLDER}/{path.name}"
        for block in read_blocks(path, name, "rule", problems, lost):
            if len(seen) >= MOST:
                problems.error(
                    name, block.line, f"The pack has more than {MOST} rules; those from here on are not read."
                )
                lost.all = True
                return rules, trials
            rule = _rule(block)
            if rule.code in seen:
                block.error("code", f"the code stands in {seen[rule.code]} too.", "Give one another code.")
            seen.setdefault(rule.code or f" {len(seen)}", f"{name}:{block.line}")
            found = read_trials(block, rule)
            if block.bad:
                lost.add(rule.code)
            else:
                rules.append(rule)
                trials += found
    return rules, trials


def _readable(folder: Path, problems: Problems, lost: Lost) -> list[Path]:
    files = rule_files(folder)
    if len(files) > _MOST_FILES:
        problems.error(FOLDER, 0, f"The folder has {len(files)} files; the first {_MOST_FILES} are read.")
        lost.all = True
    for path in sorted((folder / FOLDER).glob("*"))[: len(files) + _MOST_FILES]:
        if path.suffix != ".toml":
            problems.note(
                f"{FOLDER}/{path.name}", 0, "It is not read.", "Rules are in files that end in .toml."
            )
    return files[:_MOST_FILES]


def _rule(block: Values) -> Rule:
    code = block.code("code")
    block.whose = code or ""
    block.known(RULE_KEYS)
    kind = block.member("kind", Kind)
    return Rule(
        code=code or "",
        name_vi=block.text("name_vi", longest=100),
        name_en=block.text("name_en", longest=100),
        severity=block.severity("severity"),
        kind=kind,
        condition=_condition(block, kind),
        runbook_vi=_runbook(block),
        runbook_en=block.text("runbook_en", longest=_LONGEST_LINE, required=False),
        holds_for=block.duration("for", high=timedelta(days=30)) or timedelta(0),
        clear_for=block.duration("clear_for", high=timedelta(days=30)) or timedelta(0),
        hours=block.member("hours", Hours, Hours.ALWAYS),
        during=_during(block),
        units=block.codes("units"),
        group_by=block.member("group_by", Grouping, Grouping.SUBJECT),
        inhibited_by=block.codes("inhibited_by"),
        remind=block.duration("remind", low=timedelta(minutes=1), high=timedelta(days=30)),
        policy=block.code("policy", required=False),
        file=block.file,
        line=block.line,
    )


def _during(block: Values) -> Schedule | None:
    part = block.part_of("during")
    if part is None:
        return None
    part.known(("from", "to", "days"))
    start, end = part.clock("from"), part.clock("to")
    if start == end and not part.bad:
        part.error("to", "The hours end when they begin.", "Leave during out for all hours.")
    if block.has("hours"):
        part.error("from", "hours and during are both given.", "Keep the one that is meant.")
    days = part.words("days", "days", (*WEEKDAYS, *CALENDAR_DAYS)) if part.has("days") else ("daily",)
    if not days and not part.bad:
        part.error("days", "days names no day.", "Leave days out for every day.")
    return Schedule(start, end, days)


def _runbook(block: Values) -> str:
    if not block.has("runbook_vi"):
        block.error(
            "runbook_vi",
            "runbook_vi is missing.",
            "Write one line in Vietnamese: what whoever is called should do first.",
        )
        return ""
    return block.text("runbook_vi", longest=_LONGEST_LINE)


# -- conditions ------------------------------------------------------------------------------------------


def _condition(block: Values, kind: Kind) -> Condition:
    if kind is Kind.SYNTHETIC:
        if block.has("when"):
            block.error(
                "when", "A synthetic rule has no condition.", "It is raised on purpose: leave out when."
            )
        return SyntheticCondition()
    when = block.part_of("when")
    if when is None:
        if kind is Kind.SITE:
            return SiteCondition()
        if not block.has("when"):
            block.error("when", "when is missing.", f"Such as when = {{ {_EXAMPLES[kind]} }}.")
        return SyntheticCondition()
    keys, read = _READERS[kind]
    when.known(keys, {key: f"It belongs to rules of kind {of}." for key, of in _OTHERS.items()})
    return read(when)


def _device(when: Values) -> DeviceCondition:
    device = when.word("device", DEVICES)
    states = when.words("states", "states", ("down", "degraded", "ok"))
    flag = when.word("flag", ("frozen", "stalled", "saturated")) if when.has("flag") else None
    if flag is not None and flag not in FLAGS[device] and not when.bad:
        has = f"A {device} has {' and '.join(FLAGS[device])}." if FLAGS[device] else ""
        when.error("flag", f"A {device} is never {flag}.", has)
    clients = when.whole("clients_at_most", 0, 100_000)
    if clients is not None and device != "wifi":
        when.error("clients_at_most", "Only access points have clients.", 'Write device = "wifi".')
    reason = when.text("reason", longest=50, required=False) or None
    if not (states or flag or reason or clients is not None) and not when.bad:
        when.error("device", "The condition says nothing about the device.", 'Such as states = ["down"].')
    if device == "kiosk":
        when.error(
            "device",
            "Kiosks tell no state.",
            'What can be seen is that tickets stay away: kind = "absence", when = { of = "tickets", longer = "1h" }.',
        )
    return DeviceCondition(device, states, flag, reason, clients)


def _dossier(when: Values) -> DossierCondition:
    after = when.duration("after") or timedelta(0)
    before = when.duration("before")
    if before is not None and before <= after:
        when.error("before", "before is not longer than after.", "Nothing lies between the two.")
    return DossierCondition(when.word("situation", SITUATIONS), after, before)


def _kpi(when: Values) -> KpiCondition:
    target = when.flag("target")
    above, below = when.figure("above"), when.figure("below")
    _one_limit(when, ("above", "below", "target"), [above is not None, below is not None, target])
    clear = when.figure("clear")
    _clear_fits(when, above, below, clear)
    return KpiCondition(
        kpi=when.text("kpi", longest=50),
        above=above,
        below=below,
        target=target,
        clear=clear,
        least=when.figure("least"),
        units=when.codes("units"),
        each=when.flag("each"),
    )


def _absence(when: Values) -> AbsenceCondition:
    of = when.word("of", ABSENT)
    name = when.text("name", longest=100, required=False)
    if of == "device" and name and name not in DEVICES:
        when.error("name", f"name {name!r} is not one of {', '.join(DEVICES)}.", "Empty is every kind.")
    longer = when.duration("longer", low=timedelta(seconds=1))
    if longer is None and of in ("topic", "tickets") and not when.has("longer"):
        when.error(
            "longer", f"longer is missing: {of} have no limit of their own.", 'Such as longer = "15m".'
        )
    return AbsenceCondition(of, name, longer)


def _site(when: Values) -> SiteCondition:
    return SiteCondition(when.whole("kinds", 1, len(DEVICES), 2) or 2)


def _reading(when: Values) -> ReadingCondition:
    reading = when.word("reading", tuple(READINGS))
    above, below = when.figure("above"), when.figure("below")
    _one_limit(when, ("above", "below"), [above is not None, below is not None])
    clear = when.figure("clear")
    _clear_fits(when, above, below, clear)
    if READINGS[reading].unit == "share":
        for name, figure in {"above": above, "below": below, "clear": clear}.items():
            wrong = share_problem(name, figure)
            if wrong is not None:
                when.error(name, *wrong)
    return ReadingCondition(reading, above, below, clear)


def _one_limit(when: Values, names: tuple[str, ...], given: list[bool]) -> None:
    if sum(given) != 1 and not when.bad:
        many = " and ".join(name for name, is_given in zip(names, given, strict=True) if is_given)
        what = f"{many} are both given." if many else "No limit is given."
        when.error(names[0], what, f"Give exactly one of {', '.join(names)}.")


def _clear_fits(when: Values, above: float | None, below: float | None, clear: float | None) -> None:
    if clear is None:
        return
    if above is not None and clear > above:
        when.error("clear", f"clear {clear:g} is above the limit {above:g}.", "It lies at or below it.")
    if below is not None and clear < below:
        when.error("clear", f"clear {clear:g} is below the limit {below:g}.", "It lies at or above it.")


def share_problem(name: str, figure: float | None) -> tuple[str, str] | None:
    """What is wrong with a limit of a share, and what to write instead; None where nothing is."""
    if figure is None or 0 <= figure <= 1:
        return None
    hint = f"Write {figure / 100:g} for {figure:g} %." if 2 <= figure <= 100 else ""
    return f"{name} {figure:g} is no share: a share is 0 to 1.", hint


_READERS: Final[Mapping[Kind, tuple[tuple[str, ...], Callable[[Values], Condition]]]] = {
    Kind.DEVICE: (("device", "states", "flag", "reason", "clients_at_most"), _device),
    Kind.DOSSIER: (("situation", "after", "before"), _dossier),
    Kind.KPI: (("kpi", "above", "below", "target", "clear", "least", "units", "each"), _kpi),
    Kind.ABSENCE: (("of", "name", "longer"), _absence),
    Kind.SITE: (("kinds",), _site),
    Kind.READING: (("reading", "above", "below", "clear"), _reading),
}
_EXAMPLES: Final = {
    Kind.DEVICE: 'device = "camera", states = ["down"]',
    Kind.DOSSIER: 'situation = "overdue"',
    Kind.KPI: 'kpi = "dossier.on_time_rate", below = 0.98',
    Kind.ABSENCE: 'of = "connector"',
    Kind.READING: 'reading = "disk.free_share", below = 0.1',
}


#: Which kind of rule a key belongs to; the first that has it.
_OTHERS: Final = {key: kind.value for kind, (keys, _) in [*_READERS.items()][::-1] for key in keys}
#: What ``when`` may hold, by kind of rule.
WHEN_KEYS: Final = {kind: keys for kind, (keys, _) in _READERS.items()}
