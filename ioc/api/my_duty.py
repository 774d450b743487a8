# ruff: noqa: E501 - markup and sentences for people, kept whole
"""What ``/a/{token}`` shows: for somebody woken at night, on a small screen and a poor connection. Pure: data in, HTML out.

The first screen has what is wrong, since when, and the button. Nothing is loaded from anywhere, no script is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from ioc.alerts.actions import Acted
from ioc.alerts.model import Severity
from ioc.delivery import texts
from ioc.delivery.answering import Doing
from ioc.delivery.facts import Facts
from ioc.delivery.woken import MOST, Woken
from ioc.reports.words import Language, at, length, number

VI, EN = Language.VI, Language.EN
#: Of what began longer ago, the age says no more than the time.
_LONG_AGO: Final = timedelta(days=1)
#: Alerts of one message that are listed.
MOST_LISTED: Final = 30
#: Characters of a comment that is written here; the form and the check go by it.
LONGEST_COMMENT: Final = 280
#: A sign beside the word of each severity.
SIGNS: Final = {
    Severity.CRITICAL: "◆",
    Severity.MAJOR: "▲",
    Severity.MINOR: "■",
    Severity.WARNING: "●",
    Severity.INFO: "○",
}
STYLE: Final = """
:root{color-scheme:light dark;--g:#fff;--c:#f1f4f8;--t:#16202c;--d:#4b5a6b;--l:#c6d0db;--a:#0b5394;--ok:#0a6b2d;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--g:#0e141b;--c:#18222d;--t:#e9eef4;--d:#aab8c7;--l:#34424f;--a:#8fc4ff;--ok:#6fdc93;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0;background:var(--g);color:var(--t);font:17px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
main,header{max-width:36rem;margin:auto;padding:.6rem .9rem}
header{display:flex;justify-content:space-between;padding-bottom:0;color:var(--d);font-size:.9rem}
a{color:var(--a)}.tel{font-size:1.2rem;font-weight:700}
h1{font-size:1.4rem;line-height:1.25;margin:.15rem 0 .3rem}
h2{font-size:1rem;margin:1.3rem 0 .3rem;border-top:1px solid var(--l);padding-top:.8rem}
p{margin:.3rem 0}small,.d{color:var(--d);font-size:.88rem}small{display:block}
ul{list-style:none;padding:0;margin:0}li{padding:.4rem 0;border-bottom:1px solid var(--l)}li:last-child{border:0}
.sev{font-weight:700;margin:0}.s5,.s4{color:var(--bad)}
button{font:inherit;width:100%;padding:.8rem;margin:.35rem 0;border-radius:.6rem;border:2px solid var(--a);background:var(--g);color:var(--a)}
button.ack{background:#0a6b2d;border-color:#0a6b2d;color:#fff;font-size:1.35rem;font-weight:700;padding:1rem}
button small{color:inherit}
:focus-visible{outline:3px solid var(--a);outline-offset:2px}
textarea{font:inherit;width:100%;padding:.6rem;border:1px solid var(--d);border-radius:.5rem;background:var(--g);color:var(--t)}
label{display:block;font-weight:700;margin:1.3rem 0 .3rem;border-top:1px solid var(--l);padding-top:.8rem}
.said{padding:.7rem .9rem;margin:.4rem 0;border-left:.4rem solid var(--ok);background:var(--c)}
.bad{border-color:var(--bad)}
.do{padding:.7rem .9rem;margin:.8rem 0 .4rem;border-left:.4rem solid var(--a);background:var(--c)}
.do b,.said strong{display:block}
dl{margin:.6rem 0;display:grid;grid-template-columns:max-content 1fr;gap:.2rem .9rem}dt{color:var(--d)}dd{margin:0}
"""
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Ca trực của tôi", "My duty"),
    "other": ("English", "Tiếng Việt"),
    "ack": ("Xác nhận", "Acknowledge"),
    "ack.all": ("Xác nhận cả {n} cảnh báo", "Acknowledge all {n}"),
    "snooze": ("Hoãn 1 giờ", "Snooze 1 hour"),
    "comment": ("Gửi ghi chú", "Send the comment"),
    "write": ("Ghi chú", "Comment"),
    "hint": ("Ngắn gọn, không ghi thông tin cá nhân.", "Short; no personal data."),
    "many": ("{n} cảnh báo", "{n} alerts"),
    "at": ("tại {place}", "at {place}"),
    "since": ("từ {at}", "since {at}"),
    "over": ("đã hết lúc {at}", "cleared at {at}"),
    "taken": ("đã xác nhận: {who}, {at}", "acknowledged by {who}, {at}"),
    "waiting": ("chưa ai nhận", "nobody is on it"),
    "quiet": ("hoãn đến {at}", "snoozed until {at}"),
    "more": ("… và {n} cảnh báo nữa", "… and {n} more"),
    "some": ("… và còn nữa", "… and more"),
    "do": ("Cần làm", "What to do"),
    "call": ("Số gọi", "To call"),
    "told": ("Ai đã biết", "Who knows"),
    "told.one": ("Đã báo {who}, {at}", "Told {who}, {at}"),
    "told.none": ("Ngoài bạn, chưa báo cho ai khác.", "Nobody but you was told yet."),
    "told.taken": ("{who} đã xác nhận, {at}", "{who} acknowledged, {at}"),
    "said": ("Ghi chú gần đây", "Newest comments"),
    "others": ("Cảnh báo khác của bạn đang mở", "Your other open alerts"),
    "others.none": ("Không có cảnh báo nào khác.", "There are no others."),
    "shift": ("Ca trực của bạn", "Your shift"),
    "shift.until": ("{roster} ({layer}): đến {at}", "{roster} ({layer}): until {at}"),
    "shift.on": ("{roster} ({layer}): còn hơn hai tuần", "{roster} ({layer}): for more than two weeks"),
    "shift.next": ("Tiếp theo: {who}", "Then: {who}"),
    "shift.nobody": ("Tiếp theo: chưa có ai", "Then: nobody"),
    "shift.none": ("Hiện bạn không trong ca trực nào.", "You are on no shift now."),
}


@dataclass(frozen=True)
class Reading:
    """How somebody reads the page.

    :param now: the moment; times of the same day are told without it.
    """

    zone: ZoneInfo
    language: Language
    now: datetime

    def say(self, word: str, **names: object) -> str:
        """A text of this page, not escaped."""
        return say(word, self.language, **names)

    def at(self, moment: datetime) -> str:
        """A moment, as short as it can be understood."""
        local = moment.astimezone(self.zone)
        if local.date() == self.now.astimezone(self.zone).date():
            return f"{local:%H:%M}"
        return at(moment, self.zone, self.language)


def say(word: str, language: Language, **names: object) -> str:
    """A text of this page, not escaped."""
    text = _WORDS[word][language is EN]
    return text.format(**names) if names else text


def page(language: Language, body: str, *, switch: bool = False) -> str:
    """The whole document.

    :param body: HTML.
    :param switch: whether there is a way to the other language.
    """
    other = EN if language is VI else VI
    change = (
        f'<a href="?lang={other}" lang="{other}" hreflang="{other}">{say("other", language)}</a>'
        if switch
        else ""
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>IOC: {say('title', language)}</title><style>{STYLE}</style></head><body>"
        f"<header><span>{say('title', language)}</span>{change}</header><main>{body}</main></body></html>"
    )


def said(vi: str, en: str, language: Language = VI, *, bad: bool = False) -> str:
    """Something that has to be understood whatever language somebody reads."""
    (first, _), (second, other) = ((vi, VI), (en, EN)) if language is VI else ((en, EN), (vi, VI))
    return (
        f'<p class="said{" bad" if bad else ""}" role="{"alert" if bad else "status"}">'
        f'<strong>{escape(first)}</strong><small lang="{other}">{escape(second)}</small></p>'
    )


def alerts(facts: Sequence[Facts], allowed: frozenset[Doing], reading: Reading) -> str:
    """What is wrong and the buttons; then, of one, what to do."""
    if len(facts) == 1:
        return _one(facts[0], reading) + _buttons(facts, allowed, reading) + _details(facts[0], reading)
    rows = "".join(_row(fact, reading) for fact in facts[:MOST_LISTED])
    rest = len(facts) - MOST_LISTED
    more = f"<p>{reading.say('more', n=number(rest, reading.language))}</p>" if rest > 0 else ""
    counted = reading.say("many", n=number(len(facts), reading.language))
    return f"{_severity(facts[0], reading)}<h1>{counted}</h1>{_buttons(facts, allowed, reading)}<ul>{rows}</ul>{more}"


def _severity(fact: Facts, reading: Reading) -> str:
    word = texts.SEVERITIES[reading.language][fact.severity]
    return f'<p class="sev s{int(fact.severity)}">{SIGNS[fact.severity]} {word}</p>'


def _one(fact: Facts, reading: Reading) -> str:
    where = texts.place(fact, reading.language)
    place = f" {reading.say('at', place=where)}" if where else ""
    since = reading.say("since", at=reading.at(fact.since))
    if fact.cleared_at is None and reading.now - fact.since < _LONG_AGO:
        since += f" ({length(reading.now - fact.since, reading.language)})"
    sentence = f"{texts.name(fact, reading.language)}{place}, {since}"
    about = " · ".join(
        filter(None, (texts.subject_of(fact, reading.language), texts.value_of(fact, reading.language)))
    )
    return (
        f"{_severity(fact, reading)}<h1>{escape(sentence)}</h1>"
        f'<p class="d">{escape(about)} · {escape(_state(fact, reading))}</p>'
    )


def _details(fact: Facts, reading: Reading) -> str:
    runbook = fact.runbook_vi if reading.language is VI else fact.runbook_en or fact.runbook_vi
    if not runbook or fact.cleared_at is not None:
        return ""
    return f'<div class="do"><b>{reading.say("do")}</b>{escape(runbook)}</div>'


def _state(fact: Facts, reading: Reading) -> str:
    if fact.cleared_at is not None:
        return reading.say("over", at=reading.at(fact.cleared_at))
    if fact.acknowledged_by is not None and fact.acknowledged_at is not None:
        return reading.say("taken", who=fact.acknowledged_by, at=reading.at(fact.acknowledged_at))
    if fact.snoozed_until is not None:
        return reading.say("quiet", at=reading.at(fact.snoozed_until))
    return reading.say("waiting")


def _row(fact: Facts, reading: Reading) -> str:
    about = (
        texts.place(fact, reading.language),
        texts.subject_of(fact, reading.language),
        reading.say("since", at=reading.at(fact.since)),
        _state(fact, reading),
    )
    word = texts.SEVERITIES[reading.language][fact.severity]
    head = f"{SIGNS[fact.severity]} {word}: {texts.name(fact, reading.language)}"
    return f"<li>{escape(head)}<small>{escape(' · '.join(filter(None, about)))}</small></li>"


def _buttons(facts: Sequence[Facts], allowed: frozenset[Doing], reading: Reading) -> str:
    """For what can still be done at one touch."""
    made = ""
    waiting = sum(fact.acknowledged_by is None for fact in facts)
    if Doing.ACKNOWLEDGE in allowed and waiting:
        made += _button(Doing.ACKNOWLEDGE, "ack" if len(facts) == 1 else "ack.all", reading, n=waiting)
    if Doing.SNOOZE in allowed and any(fact.cleared_at is None for fact in facts):
        made += _button(Doing.SNOOZE, "snooze", reading)
    return f'<form method="post" autocomplete="off">{made}</form>' if made else ""


def _button(doing: Doing, word: str, reading: Reading, **names: object) -> str:
    other = EN if reading.language is VI else VI
    first, second = (say(word, one, **names) for one in (reading.language, other))
    return f'<button class="{doing}" name="do" value="{doing}">{first}<small lang="{other}">{second}</small></button>'


def comment_form(reading: Reading, written: str = "") -> str:
    """A short text beside the alerts.

    :param written: what was written before and could not be kept.
    """
    return (
        '<form method="post" autocomplete="off">'
        f'<label for="text">{reading.say("write")}</label>'
        f'<textarea id="text" name="text" rows="2" maxlength="{LONGEST_COMMENT}" required aria-describedby="hint">'
        f'{escape(written)}</textarea><small id="hint">{reading.say("hint")}</small>'
        f'<button name="do" value="{Doing.COMMENT}">{reading.say("comment")}</button></form>'
    )


def beside(facts: Sequence[Facts], found: Woken, reading: Reading) -> tuple[str, str]:
    """Whom to call and who else knows, for above the comment; then what else is the reader's and until when."""
    return _numbers(found, reading) + _told(facts, found, reading), _others(found, reading) + _shift(
        found, reading
    )


def _numbers(found: Woken, reading: Reading) -> str:
    """Links that a phone dials."""
    made = ""
    for one in found.numbers:
        name = one.name_vi if reading.language is VI else one.name_en
        about = " · ".join(filter(None, (name, one.contact)))
        dialled = ("+" if one.phone.strip().startswith("+") else "") + "".join(filter(str.isdigit, one.phone))
        made += f'<li><a class="tel" href="tel:{dialled}">{escape(one.phone)}</a><small>{escape(about)}</small></li>'
    return f"<h2>{reading.say('call')}</h2><ul>{made}</ul>" if made else ""


def _told(facts: Sequence[Facts], found: Woken, reading: Reading) -> str:
    taken = dict.fromkeys(
        (fact.acknowledged_by, fact.acknowledged_at) for fact in facts if fact.acknowledged_by is not None
    )
    lines = [
        reading.say("told.taken", who=who, at="" if when is None else reading.at(when))
        for who, when in list(taken)[:MOST]
    ]
    lines += [reading.say("told.one", who=one.person, at=reading.at(one.at)) for one in found.told[:MOST]]
    if len(found.told) > MOST:
        lines.append(reading.say("some"))
    made = "".join(f"<li>{escape(line)}</li>" for line in lines or [reading.say("told.none")])
    comments = "".join(
        f"<li>{escape(one.text)}<small>{escape(f'{one.by} · {reading.at(one.at)}')}</small></li>"
        for one in found.said
    )
    kept = f"<h2>{reading.say('said')}</h2><ul>{comments}</ul>" if comments else ""
    return f"<h2>{reading.say('told')}</h2><ul>{made}</ul>{kept}"


def _others(found: Woken, reading: Reading) -> str:
    rows = "".join(_row(fact, reading) for fact in found.others[:MOST])
    if len(found.others) > MOST:
        rows += f"<li>{reading.say('some')}</li>"
    made = rows or f"<li>{reading.say('others.none')}</li>"
    return f"<h2>{reading.say('others')}</h2><ul>{made}</ul>"


def _shift(found: Woken, reading: Reading) -> str:
    lines = []
    for shift in found.shifts:
        ending = shift.ending
        names = {
            "roster": shift.roster_vi if reading.language is VI else shift.roster_en,
            "layer": ending.layer,
        }
        if ending.at is None:
            lines.append(f"<li>{escape(reading.say('shift.on', **names))}</li>")
            continue
        until = reading.say("shift.until", at=reading.at(ending.at), **names)
        following = (
            reading.say("shift.next", who=", ".join(ending.next))
            if ending.next
            else reading.say("shift.nobody")
        )
        lines.append(f"<li>{escape(until)}<small>{escape(following)}</small></li>")
    made = "".join(lines) or f"<li>{reading.say('shift.none')}</li>"
    return f"<h2>{reading.say('shift')}</h2><ul>{made}</ul>"


def outcome(
    facts: Sequence[Facts],
    acted: Sequence[Acted],
    doing: Doing | None,
    person: str,
    reading: Reading,
) -> str:
    """What was done just now, or by somebody before."""
    changed = any(one.changed for one in acted)
    if doing is Doing.SNOOZE:
        if changed:
            return said("Đã hoãn 1 giờ.", "Snoozed for 1 hour.", reading.language)
        return said("Không còn gì để hoãn.", "Nothing is left to snooze.", reading.language)
    if doing is Doing.COMMENT:
        return said("Đã ghi chú.", "The comment is kept.", reading.language)
    if doing is Doing.ACKNOWLEDGE and changed:
        return said(f"Đã xác nhận: {person}.", f"Acknowledged by {person}.", reading.language)
    taken = [fact for fact in facts if fact.acknowledged_by is not None]
    if not facts or len(taken) < len(facts):
        return ""
    people = ", ".join(sorted({str(fact.acknowledged_by) for fact in taken}))
    first = min(fact.acknowledged_at for fact in taken if fact.acknowledged_at is not None)
    return said(
        f"{people} đã xác nhận lúc {at(first, reading.zone, VI)}.",
        f"{people} acknowledged at {at(first, reading.zone, EN)}.",
        reading.language,
    )
