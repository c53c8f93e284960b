"""A pipeline over a stream of notes: each note comes back with its Doc or with why there is none, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.rows import DOC_ID
from ..errors import MedmtlError
from .row_inputs import Note, has_surrogates

Annotated = tuple[Note, Doc | MedmtlError]
NOTES_IN_ZONE = 10_000  # many, as worker processes are started anew for each zone


class _ErrorHandler:
    """What spaCy calls for an exception in a component: passes over the batch, or raises when notes are read singly."""

    def __init__(self) -> None:
        self.is_raising = False
        self.component = ""

    def __call__(self, name: str | None, component: Any, docs: Sequence[Doc] | None, error: Exception) -> None:
        self.component = name or ""
        if self.is_raising:
            raise error


def annotate_notes(nlp: Language, notes: Iterable[Note], *, batch_size: int, n_process: int = 1) -> Iterator[Annotated]:
    """Read notes with a pipeline, in batches, by ``n_process`` processes. ``doc.user_data["doc_id"]`` is the note's id.

    Where a component fails on a batch, its notes are read again one by one, so that only the note that it fails on is
    lost. Notes without text, too long for the pipeline, of no Unicode or with a problem of their own come back with
    MedmtlError E519, E518, E522 or that problem; where a component failed, with E515 or the component's own
    MedmtlError.
    """
    handler, callers = _ErrorHandler(), nlp.default_error_handler
    _handle_errors(nlp, handler)
    waiting: deque[Note] = deque()  # notes that nlp.pipe took and did not give back yet

    def texts() -> Iterator[tuple[str, int]]:
        for note in notes:
            waiting.append(note)
            if note.text is not None and unreadable(nlp, note) is None:
                yield note.text, id(note)

    try:
        for doc, number in nlp.pipe(texts(), as_tuples=True, batch_size=batch_size, n_process=n_process):
            while id(waiting[0]) != number:
                yield _alone(nlp, waiting.popleft(), handler)
            note = waiting.popleft()
            doc.user_data[DOC_ID] = note.id
            yield note, doc
        while waiting:
            yield _alone(nlp, waiting.popleft(), handler)
    finally:
        _handle_errors(nlp, callers)


def annotate_in_zones(
    nlp: Language, notes: Iterator[Note], *, batch_size: int, n_process: int = 1
) -> Iterator[Annotated]:
    """As ``annotate_notes``, in memory zones of spaCy's: words of the notes are not kept, so that memory does not grow
    with their number. A Doc must not be read once the next note is asked for."""
    for first in notes:
        with nlp.memory_zone():
            block = chain([first], islice(notes, NOTES_IN_ZONE - 1))
            yield from annotate_notes(nlp, block, batch_size=batch_size, n_process=n_process)


def _handle_errors(nlp: Language, handler: Callable[..., None]) -> None:
    """As ``nlp.set_error_handler``, which ends in an AttributeError where a component takes none, as spaCy's ner in
    3.8.18: what fails there is raised."""
    nlp.default_error_handler = handler
    for _, pipe in nlp.pipeline:
        if hasattr(pipe, "set_error_handler"):
            with suppress(AttributeError):
                pipe.set_error_handler(handler)


def unreadable(nlp: Language, note: Note) -> MedmtlError | None:
    """Why a pipeline cannot read a note, or None."""
    if note.problem is not None:
        return note.problem
    if note.text is None or not note.text.strip():
        return MedmtlError("E519")
    n_characters = len(note.text)
    if n_characters > nlp.max_length:
        return MedmtlError("E518", received=n_characters, maximum=nlp.max_length)
    # in spaCy's tokenizer it would end the stream, past the error handler
    return MedmtlError("E522") if has_surrogates(note.text) else None


def _alone(nlp: Language, note: Note, handler: _ErrorHandler) -> Annotated:
    problem = unreadable(nlp, note)
    if problem is not None or note.text is None:
        return note, problem or MedmtlError("E519")
    handler.is_raising, handler.component = True, "tokenizer"
    try:
        doc = nlp(note.text)
    except MedmtlError as error:
        return note, error
    except Exception as error:  # of whatever component; its message may quote the text
        return note, MedmtlError("E515", name=handler.component, problem=type(error).__name__)
    finally:
        handler.is_raising = False
    doc.user_data[DOC_ID] = note.id
    return note, doc
