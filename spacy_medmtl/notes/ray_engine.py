"""Notes through actors of Ray Data, on one machine or a cluster. Ray does what is hard: placing, retrying, spilling."""

import logging
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ..errors import MedmtlError
from .annotating import Annotated, annotate_notes
from .row_inputs import Note

if TYPE_CHECKING:
    import pyarrow

_BATCHES_PER_BLOCK = 8  # enough that a worker is busy while its next block is on its way


def ray_annotate(
    load: Callable[[], Language], *, workers: int, batch_size: int, has_gpu: bool
) -> Callable[[Iterator[Note]], Iterator[Annotated]]:
    """What ``annotate_notes`` does, by ``workers`` actors that ``load`` the pipeline once each.

    Notes go to Ray's object store, which spills to disk, so that memory does not grow with their number; results come
    back in the order of the notes. Raises MedmtlError E511 without Ray, E520 where it cannot run.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise MedmtlError("E511", package="ray", extra="ray") from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    vocab = spacy.blank("xx").vocab

    def annotate(notes: Iterator[Note]) -> Iterator[Annotated]:
        try:
            if not ray.is_initialized():
                ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
            context = ray.data.DataContext.get_current()
            context.execution_options.preserve_order = True
            context.enable_progress_bars = context.print_on_execution_start = False
            blocks: list[Any] = [ray.put(block) for block in _blocks(notes, batch_size * _BATCHES_PER_BLOCK)]
            if not blocks:
                return
            results = ray.data.from_arrow_refs(blocks).map_batches(
                NoteAnnotator,
                fn_constructor_args=(load, batch_size),
                batch_size=batch_size * _BATCHES_PER_BLOCK,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(size=min(workers, len(blocks))),
                num_gpus=1 if has_gpu else None,
            )
            for row in results.iter_rows():
                yield _annotated(row, vocab)
        except ray.exceptions.RayError as error:  # its text holds the notes' columns, so that only its kind is told
            raise MedmtlError("E520", problem=type(error).__name__) from None

    return annotate


class NoteAnnotator:
    """An actor: a pipeline, loaded once, over blocks of notes."""

    def __init__(self, load: Callable[[], Language], batch_size: int) -> None:
        self.nlp = load()
        self.batch_size = batch_size

    def __call__(self, block: "pyarrow.Table") -> "pyarrow.Table":
        notes = [_note(row) for row in block.to_pylist()]
        results = [_result(*pair) for pair in annotate_notes(self.nlp, notes, batch_size=self.batch_size)]
        return _table(results, "binary")


def _note(row: dict[str, Any]) -> Note:
    problem = _TravellingError(row["code"], row["reason"]) if row["code"] else None
    return Note(row["doc_id"], row["text"], problem)


class _TravellingError(MedmtlError):
    """A MedmtlError that was made in another process: its code and message."""

    def __init__(self, code: str, reason: str) -> None:
        ValueError.__init__(self, reason)
        self.code = code


def _result(note: Note, result: Doc | MedmtlError) -> dict[str, Any]:
    if isinstance(result, MedmtlError):
        return {"doc_id": note.id, "text": None, "code": result.code, "reason": str(result)}
    return {"doc_id": note.id, "text": result.to_bytes(), "code": None, "reason": None}


def _annotated(row: dict[str, Any], vocab: Any) -> Annotated:
    note = Note(row["doc_id"], None)
    if row["code"]:
        return note, _TravellingError(row["code"], row["reason"])
    return note, Doc(vocab).from_bytes(row["text"])


def _blocks(notes: Iterator[Note], size: int) -> Iterator["pyarrow.Table"]:
    while some := list(islice(notes, size)):
        yield _table(
            [
                {
                    "doc_id": note.id,
                    "text": note.text,
                    "code": note.problem.code if note.problem else None,
                    "reason": str(note.problem) if note.problem else None,
                }
                for note in some
            ],
            "string",
        )


def _table(rows: list[dict[str, Any]], text: str) -> "pyarrow.Table":
    import pyarrow

    types = {"doc_id": "string", "text": f"large_{text}", "code": "string", "reason": "string"}
    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in types.items()])
    return pyarrow.Table.from_pylist(rows, schema=schema)
