"""A part of the training documents of one task. Parts of one seed are nested: 10 % holds the 5 %."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import walk_corpus
from spacy.vocab import Vocab
from thinc.api import Config

from ..corpora.outputs import STORED, write_atomically
from ..training.gold_docs import decoded_docs
from .cells import Budget, Cell, Changes, doc_limits


def limited_cells(base: Config, cells: Sequence[Cell], budget: Budget, folder: Path) -> list[Cell]:
    """The cells; those that learn from a share of a task's documents on that share, which is written into the folder.

    The share is of the documents that the budget reads, so that of 100 % is what the other shares are parts of. Raises
    MedmtlError E301 where a corpus cannot be read.
    """
    limits = doc_limits(base, budget)["train"]
    return [replace(cell, changes={**cell.changes, **_cut(base, cell, limits, folder)}) for cell in cells]


def _cut(base: Config, cell: Cell, limits: dict[str, int], folder: Path) -> Changes:
    """Other paths for the training corpora of the cell's limited task. limits: of corpora; 0 for none."""
    changes: Changes = {}
    for name, settings in base.interpolate()["corpora"]["train"]["corpora"].items():
        if cell.share < 1.0 and cell.limited in settings["tasks"]:
            files = sorted(walk_corpus(Path(settings["path"]), ".spacy"))
            vocab, limit = Vocab(), limits[name]
            read = (doc for path in files for doc in decoded_docs(path, name, vocab))
            docs = list(islice(read, limit or None))
            path = folder / "shares" / f"{name}-{limit}-{cell.share:g}-{cell.seed}.spacy"
            write_atomically(path, DocBin(attrs=STORED, docs=share_of(docs, cell.share, cell.seed)).to_bytes())
            changes[f"corpora.train.corpora.{name}.path"] = str(path)
    return changes


def share_of(docs: Iterable[Doc], share: float, seed: int) -> list[Doc]:
    """The share of the documents, at least one, drawn by the seed."""
    order = list(docs)
    random.Random(seed).shuffle(order)
    return order[: max(1, round(share * len(order)))]
