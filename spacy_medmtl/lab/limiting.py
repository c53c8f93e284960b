"""A part of the training documents of one task. Parts of one seed are nested: 10 % holds the 5 %."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.training.corpus import walk_corpus
from spacy.vocab import Vocab
from thinc.api import Config

from ..corpora.outputs import STORED, write_atomically
from ..training.gold_docs import decoded_docs
from .cells import Cell, Changes


def limited_cells(base: Config, cells: Sequence[Cell], folder: Path) -> list[Cell]:
    """The cells; those that learn from a share of a task's documents on that share, which is written into the folder.

    Raises MedmtlError E301 where a corpus cannot be read.
    """
    return [replace(cell, changes={**cell.changes, **_cut(base, cell, folder)}) for cell in cells]


def _cut(base: Config, cell: Cell, folder: Path) -> Changes:
    """Other paths for the training corpora of the cell's limited task."""
    changes: Changes = {}
    for name, settings in base.interpolate()["corpora"]["train"]["corpora"].items():
        if cell.share < 1.0 and cell.limited in settings["tasks"]:
            files = sorted(walk_corpus(Path(settings["path"]), ".spacy"))
            vocab = Vocab()
            docs = [doc for path in files for doc in decoded_docs(path, name, vocab)]
            path = folder / "shares" / f"{name}-{cell.share:g}-{cell.seed}.spacy"
            write_atomically(path, DocBin(attrs=STORED, docs=share_of(docs, cell.share, cell.seed)).to_bytes())
            changes[f"corpora.train.corpora.{name}.path"] = str(path)
    return changes


def share_of(docs: Iterable[Doc], share: float, seed: int) -> list[Doc]:
    """The share of the documents, at least one, drawn by the seed."""
    order = list(docs)
    random.Random(seed).shuffle(order)
    return order[: max(1, round(share * len(order)))]
