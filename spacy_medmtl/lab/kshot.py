"""Samples of k examples for each label (progressive paper, Table 3).

The paper samples "k training items for each label", and does not say what that is where a text has many. The rule here:
documents (a query, a pair, a passage, a dialogue) in random order; a document is taken if it has a label that what was
taken so far has less than k times; all of it is then gold. Where documents have one label, as queries and pairs do,
that is exactly k of each. A pair that holds nothing is a label of its own, and so is a finding type with each status.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from thinc.api import Config

from ..corpora.outputs import STORED, write_atomically
from ..errors import MedmtlError
from ..heads.head import Head
from ..training.corpus import CorpusEntry, read_entry
from .cells import Cell, Changes
from .checks import build

Progress = Callable[[Iterable[Any], str], Iterable[Any]]
NO_RELATION = "(none)"


def doc_labels(doc: Doc, head: Any) -> list[str]:
    """The label of each gold unit of a Doc, with its status if there is one."""
    items = head.items(doc) or () if isinstance(head, Head) else ()
    return [f"{label} {item.status}".strip() for item in items for label in item.labels or (NO_RELATION,)]


def sample(labels: Sequence[Sequence[str]], k: int, seed: int) -> list[int]:
    """Numbers of the documents that are taken, ascending; labels: those of each document."""
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    counts: Counter[str] = Counter()
    taken: list[int] = []
    for number in order:
        if any(counts[label] < k for label in labels[number]):
            counts.update(labels[number])
            taken.append(number)
    return sorted(taken)


def sampled_cells(base: Config, cells: Sequence[Cell], folder: Path, progress: Progress) -> list[Cell]:
    """The cells, each on the sample of its k and seed, which is written into the folder.

    Raises MedmtlError E301 where a corpus is missing, E346 where a label is rarer than k.
    """
    nlp = build(base, "the base config")
    wanted = sorted({(cell.shots, cell.seed) for cell in cells})
    changes: dict[Any, Changes] = {(k, seed): {} for k, seed in wanted}
    for name, settings in progress(list(base.interpolate()["corpora"]["train"]["corpora"].items()), "Sampling"):
        entry = CorpusEntry(name, Path(settings["path"]), list(settings["tasks"]), 0)
        docs = [example.reference for example in read_entry(entry, nlp, gold_sents=False)]
        heads = {task: nlp.get_pipe(task) for task in entry.tasks or ()}
        labels = [[f"{task} {label}" for task in heads for label in doc_labels(doc, heads[task])] for doc in docs]
        counts = Counter(label for labels_of_one in labels for label in labels_of_one)
        rarest, n_rarest = min(counts.items(), key=lambda item: item[1], default=("none at all", 0))
        for k, seed in wanted:
            if n_rarest < k:
                raise MedmtlError("E346", name=name, k=k, label=rarest, received=n_rarest)
            path = folder / "samples" / f"{name}-{k}-{seed}.spacy"
            taken = DocBin(attrs=STORED, docs=[docs[number] for number in sample(labels, k, seed)])
            write_atomically(path, taken.to_bytes())
            changes[k, seed][f"corpora.train.corpora.{name}.path"] = str(path)
            changes[k, seed][f"corpora.train.corpora.{name}.limit"] = 0  # a limit would cut the sample
    return [replace(cell, changes={**cell.changes, **changes[cell.shots, cell.seed]}) for cell in cells]
