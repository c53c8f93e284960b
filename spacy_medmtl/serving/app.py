"""The HTTP service: notes in, rows out. Texts are in no log, no error and nowhere on the disk."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import spacy
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, Field, field_validator
from spacy.language import Language
from spacy.tokens import Doc

from .. import __version__
from ..annotations.columns import TABLES
from ..annotations.rows import doc_rows
from ..displacy import render
from ..errors import MedmtlError
from ..notes.annotating import annotate_notes, unreadable
from ..notes.row_inputs import Note, has_surrogates
from .fhir import fhir_bundle
from .form import FORM

logger = logging.getLogger("spacy_medmtl.serving")
BATCH_SIZE = 32
MOST_DIGITS = 18  # of a length: Python refuses to read thousands
# Pages stand beside notes of patients: a browser lets them load from, and send to, this service alone.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)


class NoteIn(BaseModel):
    """A note to be annotated."""

    text: str
    id: str | None = Field(None, description="Comes back with the result; by default the number of the note, from 0.")

    @field_validator("id")
    @classmethod
    def _is_unicode(cls, value: str | None) -> str | None:
        """It comes back, and half a surrogate pair cannot."""
        if value is not None and has_surrogates(value):
            raise ValueError
        return value


class Annotate(BaseModel):
    """Notes to be annotated: ``notes``, or one ``text``."""

    text: str | None = None
    notes: list[NoteIn] | None = None
    format: Literal["rows", "fhir"] = "rows"


class Limits(BaseModel):
    """What the service takes at once."""

    characters: int = Field(100_000, description="of one note")
    notes: int = Field(100, description="in one request")


def make_app(nlp: Language, limits: Limits) -> FastAPI:
    """The service of a pipeline. One note, or batch of them, is read at a time, in the order in which they come."""
    app = FastAPIOffline(  # FastAPI's own /docs runs scripts that it loads from elsewhere
        redoc_url=None,
        title="spacy-medmtl",
        version=__version__,
        description="Clinical findings, entities, intents, relations.",
        swagger_ui_parameters={"validatorUrl": None},
    )
    # One thread reads all notes. A pipeline keeps its current batch, so they are read in turn in any case; and each of
    # the 40 threads that FastAPI lends would keep memory of its own (malloc's arenas) for what it has read.
    reader = ThreadPoolExecutor(1, "reader")

    async def in_turn(call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(reader, call, *arguments)

    max_body = limits.notes * limits.characters * 4 + 10_000

    @app.middleware("http")
    async def limited(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not length.isdigit():
            return _refusal(411, MedmtlError("E530"))
        if length.isdigit() and (len(length) > MOST_DIGITS or int(length) > max_body):
            received = length[:MOST_DIGITS]
            return _refusal(413, MedmtlError("E531", what="bytes in the request", received=received, maximum=max_body))
        try:
            answer = await call_next(request)
        except Exception as error:
            # not by an exception handler, behind which it is raised on, and uvicorn logs its message and traceback:
            # they may quote the note
            logger.error("%s at %s", type(error).__name__, request.url.path)
            answer = _refusal(500, MedmtlError("E533", problem=type(error).__name__))
        answer.headers["Content-Security-Policy"] = CONTENT_POLICY
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        """FastAPI's own answer repeats what was sent, which is a note."""
        places = sorted({".".join(map(str, problem["loc"])) for problem in error.errors()})
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if places == ["body"] and not kind.endswith("json"):
            places = ["body: its Content-Type is not application/json"]
        return _refusal(422, MedmtlError("E532", places=", ".join(places)))

    @app.exception_handler(400)
    async def unparsed(request: Request, error: Exception) -> Response:
        """What FastAPI cannot parse at all: no UTF-8, compressed, too deep."""
        return _refusal(400, MedmtlError("E532", places="body: no JSON in UTF-8"))

    @app.exception_handler(MedmtlError)
    async def refused(request: Request, error: MedmtlError) -> Response:
        return _refusal(413 if error.code == "E531" else 422, error)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the service is up."""
        return {"status": "ok"}

    @app.get("/info")
    def info() -> dict[str, Any]:
        """The pipeline, its labels, versions, limits, and the columns of results."""
        meta = nlp.meta
        return {
            "pipeline": {name: meta[name] for name in ("lang", "name", "version", "license", "description")},
            "components": list(nlp.pipe_names),
            "labels": {name: list(nlp.pipe_labels[name]) for name in nlp.pipe_names if nlp.pipe_labels.get(name)},
            "versions": {"spacy-medmtl": __version__, "spacy": spacy.__version__},
            "limits": limits.model_dump(),
            "columns": {name: list(columns) for name, columns in TABLES.items()},
        }

    @app.post("/annotate")
    async def annotate(request: Annotate) -> Any:
        """Findings with their status, entities, sentences with their intent, and relations of one note or several. A
        note that cannot be read has an ``error`` in place of these, and the others their results."""
        if (request.text is None) == (request.notes is None):
            raise MedmtlError("E532", places="body: give either 'text' or 'notes'")
        notes = request.notes if request.notes is not None else [NoteIn(text=request.text or "", id=None)]
        _check("notes", len(notes), limits.notes)
        for note in notes:
            _check("characters in a note", len(note.text), limits.characters)
        results = await in_turn(_annotated, nlp, notes, request.format)
        return results[0] if request.notes is None else {"notes": results}

    @app.post("/view", response_class=HTMLResponse)
    async def view(note: NoteIn) -> Any:
        """A note with all that was found in it, as a fragment of HTML."""
        _check("characters in the note", len(note.text), limits.characters)
        problem = unreadable(nlp, Note("", note.text))
        if problem is not None:
            raise problem
        return await in_turn(_page, nlp, note.text)

    @app.get("/", response_class=HTMLResponse)
    def form() -> str:
        """A page to paste a note."""
        return FORM

    return app


def _page(nlp: Language, text: str) -> str:
    with nlp.memory_zone():
        return render(nlp(text), jupyter=False)


def _annotated(nlp: Language, notes: list[NoteIn], form: str) -> list[dict[str, Any]]:
    given = [Note(str(number) if note.id is None else note.id, note.text) for number, note in enumerate(notes)]
    # behind the zone no Doc may be read, and no word of the notes is kept
    with nlp.memory_zone():
        return [_result(note, doc, form) for note, doc in annotate_notes(nlp, given, batch_size=BATCH_SIZE)]


def _result(note: Note, doc: Doc | MedmtlError, form: str) -> dict[str, Any]:
    if isinstance(doc, MedmtlError):
        return {"id": note.id, "error": {"code": doc.code, "message": str(doc)}}
    if form == "fhir":
        return {"id": note.id, "bundle": fhir_bundle(doc, note.id)}
    return {"id": note.id, **_rows(doc, note.id)}


def _rows(doc: Doc, doc_id: str) -> dict[str, Any]:
    return {
        name: [{column: value for column, value in row.items() if column != "doc_id"} for row in rows]
        for name, rows in doc_rows(doc, doc_id).items()
    }


def _check(what: str, received: int, maximum: int) -> None:
    if received > maximum:
        raise MedmtlError("E531", what=what, received=received, maximum=maximum)


def _refusal(status: int, error: MedmtlError) -> JSONResponse:
    return JSONResponse({"detail": str(error), "code": error.code}, status_code=status)
