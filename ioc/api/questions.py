"""``/api/v1/questions``: questions that are kept by name, and asked again with one word."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from ioc.api.asking import NOT_MODIFIED, conditional, only_known_parameters
from ioc.api.identity import CurrentDatabase, CurrentReader, NamedReader
from ioc.api.kpis import series_list
from ioc.api.models.figures import SeriesList
from ioc.api.models.questions import QuestionBody, QuestionList, SavedQuestion
from ioc.api.problems import RESPONSES, problem
from ioc.history import questions

router = APIRouter(
    prefix="/api/v1/questions",
    tags=["questions"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_LONGEST: Final = 64 * 1024
_Name = Annotated[
    str, Path(max_length=63, description="Small letters, digits and dashes.", examples=["late-last-month"])
]
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": QuestionBody.model_json_schema()}},
    }
}


def _document(saved: questions.Saved, reader: str) -> dict[str, Any]:
    return {
        "name": saved.name,
        "title": saved.title,
        "shared": saved.shared,
        # who shares a question is not everybody's business
        "mine": saved.reader == reader,
        "updated_at": saved.updated_at,
        "question": msgspec.to_builtins(saved.wording),
    }


@router.get(
    "",
    response_model=QuestionList,
    responses=NOT_MODIFIED,
    summary="Questions that the reader may ask by name",
)
async def list_questions(request: Request, reader: CurrentReader, database: CurrentDatabase) -> Response:
    """The reader's own and those that are shared."""
    found = await database.answer(questions.listed(reader))
    return conditional(request, {"questions": [_document(saved, reader) for saved in found]})


@router.put(
    "/{name}",
    response_model=SavedQuestion,
    responses={
        201: {"description": "It is kept now.", "model": SavedQuestion},
        409: {"description": "The name is taken, or too many are kept."},
        413: {"description": "The body is too large."},
    },
    openapi_extra=_BODY,
    summary="Keep a question by name",
)
async def put_question(
    request: Request, name: _Name, reader: NamedReader, database: CurrentDatabase
) -> Response:
    """It is read before it is kept: one that can't be answered is refused. Replaces the reader's own of this name."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST:
            return problem(
                413, kind="too-large", title="Too large", detail=f"A question has at most {_LONGEST} bytes."
            )
    is_new = await database.change(questions.save(reader, name, questions.decode(body)))
    saved = await database.answer(questions.find(reader, name))
    return Response(
        msgspec.json.encode(_document(saved, reader)),
        status_code=201 if is_new else 200,
        media_type="application/json",
    )


@router.get(
    "/{name}", response_model=SavedQuestion, responses=NOT_MODIFIED, summary="A question as it was kept"
)
async def get_question(
    request: Request, name: _Name, reader: CurrentReader, database: CurrentDatabase
) -> Response:
    """The reader's own of this name, else a shared one."""
    saved = await database.answer(questions.find(reader, name))
    return conditional(request, _document(saved, reader))


@router.delete("/{name}", status_code=204, response_class=Response, summary="Forget a question")
async def delete_question(name: _Name, reader: NamedReader, database: CurrentDatabase) -> Response:
    """Only the reader's own."""
    await database.change(questions.delete(reader, name))
    return Response(status_code=204)


@router.get(
    "/{name}/answer", response_model=SeriesList, responses=NOT_MODIFIED, summary="Ask a question by its name"
)
async def answer_question(
    request: Request, name: _Name, reader: CurrentReader, database: CurrentDatabase
) -> Response:
    """Answered within what the asking reader may see, for the period that its name stands for now."""
    saved = await database.answer(questions.find(reader, name))
    found = await database.answer(questions.answers(reader, saved.wording))
    return series_list(request, found, fixed_end=saved.wording.asked.has_fixed_end)
