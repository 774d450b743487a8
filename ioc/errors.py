"""The exception family of the platform.

Every error that a person may meet is an :class:`IocError`: a sentence that says what was wrong and where,
and a second one that says what to do. The command line prints both without a traceback; the API turns them
into RFC 9457 problems.
"""

from __future__ import annotations


class IocError(Exception):
    """Base of the platform's errors.

    :param message: what was wrong, and where.
    :param remedy: what the reader can do about it; empty when the message already says so.
    """

    #: Process exit status when the command line ends with this error.
    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(IocError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = 2


class SettingsError(IocError):
    """A setting is missing or can't be used."""

    exit_code = 2


class InputError(IocError):
    """A file, record or answer from outside can't be read."""

    exit_code = 3


class UnavailableError(IocError):
    """A server that the platform leans on does not answer."""

    exit_code = 4
