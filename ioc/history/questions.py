"""Questions by name: kept as they were asked, read again each time, so that "last month" moves on with the calendar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from psycopg.types.json import Jsonb

from ioc.history import series
from ioc.kpi.errors import BadQuestionError, KpiError
from ioc.kpi.query import Answer, Steps
from ioc.kpi.question import Asked

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: Most questions that one reader may keep.
MOST_KEPT: Final = 200

_Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class Wording(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is asked, as it was typed. Without units it is about the whole scope of whoever asks."""

    kpis: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1, max_length=100)]
    units: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=500)] = ()
    period: _Text | None = None
    start: _Text | None = msgspec.field(default=None, name="from")
    end: _Text | None = msgspec.field(default=None, name="to")
    bucket: _Text | None = None
    by: _Text | None = None
    where: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=50)] = ()
    as_of: _Text | None = None
    areas: _Text | None = None

    @property
    def asked(self) -> Asked:
        return Asked(
            period=self.period,
            start=self.start,
            end=self.end,
            bucket=self.bucket,
            by=self.by,
            where=self.where,
            as_of=self.as_of,
            areas=self.areas,
        )

    @property
    def places(self) -> Sequence[str | None]:
        return self.units or (None,)


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent to keep a question."""

    question: Wording
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """A question that is kept."""

    name: str
    reader: str
    title: str
    shared: bool
    updated_at: datetime
    wording: Wording


class UnknownQuestionError(KpiError):
    """There is no question of this name that the reader may ask."""

    slug = "unknown-question"
    status = 404


class QuestionTakenError(KpiError):
    """Another reader shares a question by this name, or the reader keeps too many."""

    slug = "question-taken"
    status = 409


def decode(body: bytes) -> Body:
    """Read what was sent.

    :raises BadQuestionError: naming what can't be read and where.
    """
    try:
        return msgspec.json.decode(body, type=Body)
    except msgspec.MsgspecError as error:
        raise BadQuestionError(
            f"The question can't be read: {error}.",
            remedy='Send {"question": {"kpis": ["dossier.received"], "period": "last-month"}, "shared": false}.',
        ) from None


def check_name(name: str) -> str:
    """Return the name where it can be one.

    :raises BadQuestionError: it can't.
    """
    if not _NAME.fullmatch(name):
        raise BadQuestionError(
            f"{name!r} can't be a question's name.",
            remedy="Use 1 to 63 small letters, digits and dashes, such as late-last-month; the title may be any text.",
        )
    return name


def save(reader: str, name: str, body: Body) -> Steps[bool]:
    """Steps that keep a question, in place of the reader's own of this name; True where it is new.

    It is read as it would be now: what can't be answered is not kept. To be driven in a transaction that may write.

    :raises KpiError: the question makes no sense, or the name is taken.
    """
    check_name(name)
    yield from series.questions(reader, body.question.kpis, body.question.places, body.question.asked)
    kept = yield (
        (
            "SELECT count(*) FILTER (WHERE reader = %(reader)s AND name <> %(name)s),"
            " count(*) FILTER (WHERE shared AND reader <> %(reader)s AND name = %(name)s)"
            " FROM ioc.question WHERE reader = %(reader)s OR name = %(name)s"
        ),
        {"reader": reader, "name": name},
    )
    ((own, taken),) = kept
    if own >= MOST_KEPT:
        raise QuestionTakenError(
            f"{MOST_KEPT} questions are kept for this reader already.", remedy="Delete one that nobody asks."
        )
    if taken and body.shared:
        raise QuestionTakenError(
            f"Somebody else shares a question named {name!r}.",
            remedy="Choose another name, or do not share it.",
        )
    rows = yield (
        (
            "INSERT INTO ioc.question AS q (reader, name, title, asked, shared) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (reader, name) DO UPDATE SET title = excluded.title, asked = excluded.asked,"
            " shared = excluded.shared, updated_at = now() RETURNING xmax = 0"
        ),
        (reader, name, body.title, Jsonb(msgspec.to_builtins(body.question)), body.shared),
    )
    return bool(rows[0][0])


_COLUMNS: Final = "name, reader, title, shared, updated_at, asked"


def find(reader: str, name: str) -> Steps[Saved]:
    """Steps to a question: the reader's own of this name, else one that is shared.

    :raises UnknownQuestionError: there is none.
    """
    rows = yield (
        (
            f"SELECT {_COLUMNS} FROM ioc.question WHERE name = %(name)s AND (reader = %(reader)s OR shared)"  # noqa: S608
            " ORDER BY reader = %(reader)s DESC LIMIT 1"
        ),
        {"reader": reader, "name": name},
    )
    if not rows:
        raise UnknownQuestionError(
            f"There is no question {name!r}.", remedy="GET /api/v1/questions or ioc kpi questions lists them."
        )
    return _saved(rows[0])


def listed(reader: str) -> Steps[list[Saved]]:
    """Steps to the questions that a reader may ask, by name."""
    rows = yield (
        (
            f"SELECT {_COLUMNS} FROM ioc.question WHERE reader = %(reader)s OR shared"  # noqa: S608 - constant columns
            " ORDER BY name, reader = %(reader)s DESC LIMIT 1000"
        ),
        {"reader": reader},
    )
    return [_saved(row) for row in rows]


def delete(reader: str, name: str) -> Steps[None]:
    """Steps that forget the reader's own question.

    :raises UnknownQuestionError: the reader has none of this name.
    """
    rows = yield "DELETE FROM ioc.question WHERE reader = %s AND name = %s RETURNING name", (reader, name)
    if not rows:
        raise UnknownQuestionError(
            f"You keep no question {name!r}.", remedy="Only who kept it may delete it."
        )


def answers(reader: str, wording: Wording) -> Steps[list[Answer]]:
    """Steps to the answers, within what this reader may see."""
    return series.answers(reader, wording.kpis, wording.places, wording.asked)


def _saved(row: tuple[Any, ...]) -> Saved:
    name, reader, title, shared, updated_at, asked = row
    return Saved(name, reader, title, shared, updated_at, msgspec.convert(asked, Wording))
