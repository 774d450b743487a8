"""What is said of a device: where it is, why it is as it is, what was measured."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ioc.history.device_now import Device
from ioc.pages.devices import words
from ioc.pages.visit import Visit
from ioc.pages.words import VI, Phrase
from ioc.reports.words import length, number

DASH: Final = "–"
#: States in which a camera's rung says what is wrong.
_FAULTY: Final = ("down", "degraded")


def name(device: Device) -> str:
    """What people call it."""
    return device.name or device.code


def place(visit: Visit, device: Device) -> str:
    """Its reception point, else its unit."""
    if device.point is not None:
        return visit.say(
            Phrase(device.point_vi or device.point, device.point_en or device.point_vi or device.point)
        )
    return unit(visit, device)


def unit(visit: Visit, device: Device) -> str:
    """The unit that it belongs to."""
    return visit.say(Phrase(device.unit_vi, device.unit_en or device.unit_vi))


def why(visit: Visit, device: Device) -> str:
    """Why it is as it is, in the language of the visit where the platform knows the words."""
    if device.state == "unknown" and device.reason is None:
        return visit.say(words.NEVER if device.since is None else words.SILENT)
    rung = device.sample.rung if device.sample is not None and device.state in _FAULTY else None
    return reason(visit, device.reason, rung)


def reason(visit: Visit, said: str | None, rung: str | None = None) -> str:
    """A probe's reason in the language of the visit.

    :param rung: the one that a camera failed at.
    """
    fault = words.fault(rung)
    if said is None:
        return "" if fault is None else visit.say(fault)
    if visit.language is VI:
        known = words.reason_in_vietnamese(said)
        if known is not None:
            return known
        return f"{fault.vi} ({said})" if fault is not None else said
    return said


def measured(visit: Visit, device: Device, now: datetime) -> str:
    """Age of a camera's last picture, or how many use an access point."""
    sample = device.sample
    if device.kind == "wifi":
        return DASH if device.clients is None else visit.say(words.CLIENTS, count=device.clients)
    if device.kind != "camera" or sample is None:
        return DASH
    if device.state != "unknown":
        if sample.last_frame_age_s is None:
            return visit.say(words.NO_FRAME)
        return visit.say(words.FRAME_AGE, age=seconds(visit, sample.last_frame_age_s))
    if sample.last_frame_at is None:
        return DASH
    return visit.say(words.FRAME_AGO, age=length(now - sample.last_frame_at, visit.language))


def seconds(visit: Visit, value: float) -> str:
    """Seconds as people write them."""
    return visit.say(words.SECONDS, count=number(value, visit.language, 1 if value < 10 else 0))
