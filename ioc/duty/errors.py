"""What can be wrong with a question about duty, or with a change to it."""

from __future__ import annotations

from ioc.kpi.errors import KpiError


class DutyError(KpiError):
    """A duty roster can't be asked or changed so."""

    slug = "duty"


class UnknownRosterError(DutyError):
    """There is no such roster, or this reader may not know of it."""

    slug = "unknown-roster"
    status = 404


class UnknownChangeError(DutyError):
    """There is no such change, or this reader may not know of it."""

    slug = "unknown-change"
    status = 404


class ConflictError(DutyError):
    """A change contradicts another one that is in force."""

    slug = "duty-conflict"
    status = 409


class NotYoursError(DutyError):
    """What is asked would change the duty of units beyond those of the reader."""

    slug = "duty-not-yours"
    status = 403
