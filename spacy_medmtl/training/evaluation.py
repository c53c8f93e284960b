"""Evaluation of a pipeline, corpus by corpus, with the floors that a score has to be read against."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.scorer import PRFScore, Scorer
from spacy.training import Example

from ..errors import MedmtlError
from ..heads.head import Head
from .corpus import CorpusEntry, read_entry

Progress = Callable[[list[Example], str], Iterator[Example]]
Inspect = Callable[[Sequence[Example]], Any]


def corpus_files(paths: Sequence[Path]) -> list[Path]:
    """The ``.spacy`` files that the paths name, folders opened. Raises MedmtlError E301 where there are none."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.spacy")) if path.is_dir() else [path]
        if not inside or not all(file.is_file() and file.suffix == ".spacy" for file in inside):
            raise MedmtlError("E301", name=path.stem, path=path, problem=_no_corpus(path))
        files += inside
    return files


def read_files(nlp: Language, files: Iterable[Path], *, gold_sents: bool) -> Iterator[Example]:
    """All documents of corpus files as examples, whatever component they are gold for."""
    for path in files:
        yield from read_entry(CorpusEntry(path.stem, path, None, 0), nlp, gold_sents=gold_sents)


def _no_corpus(path: Path) -> str:
    if not path.exists():
        return "does not exist. Expected a .spacy file, or a folder of them"
    what = "is a folder without .spacy files" if path.is_dir() else "is no .spacy file"
    return f"{what}. Convert the corpus first ('medmtl convert')"


def evaluate_corpora(
    nlp: Language, paths: Sequence[Path], *, gold_sents: bool, limit: int = 0, inspect: Inspect | None = None
) -> dict[str, Any]:
    """Scores per corpus file: name (the path where names repeat) -> {"scores", "floors", "n_docs", "n_words",
    "seconds"}, and "details" where there is an ``inspect`` that makes them of the examples, whose predicted Docs the
    pipeline has read.

    limit: Docs read of each corpus; 0 for all.
    """
    results: dict[str, Any] = {}
    files = corpus_files(paths)
    stems = Counter(path.stem for path in files)
    for path in files:
        name = path.stem if stems[path.stem] == 1 else str(path)  # dev/x.spacy and test/x.spacy are two corpora
        results[name] = evaluate_entry(
            nlp, CorpusEntry(name, path, None, limit), gold_sents=gold_sents, inspect=inspect
        )
    return results


def evaluate_entry(
    nlp: Language, entry: CorpusEntry, *, gold_sents: bool, inspect: Inspect | None = None
) -> dict[str, Any]:
    """Scores of one corpus. Heads that it has no gold for are not run on it."""
    examples = list(read_entry(entry, nlp, gold_sents=gold_sents))
    scorer = _KeepingScorer(nlp=nlp)
    start = time.perf_counter()
    # a head without gold would be slow and give no score; the encoder stays, as others read it
    with nlp.select_pipes(disable=without_gold(nlp, examples)):
        scores = nlp.evaluate(examples, scorer=scorer)
    seconds = time.perf_counter() - start
    # spaCy's own scores of tokens and speed depend on the machine and are no score of a head
    kept = {name: value for name, value in scores.items() if value is not None and is_ours(nlp, name)}
    return {
        "scores": kept,
        "floors": floors(nlp, examples),
        "n_docs": len(examples),
        "n_words": sum(len(example.predicted) for example in examples),
        "seconds": round(seconds, 2),
        **({"details": inspect(scorer.examples)} if inspect else {}),
    }


class _KeepingScorer(Scorer):
    """Keeps what it scored: ``nlp.evaluate`` copies the examples before it reads them."""

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        self.examples = list(examples)
        return super().score(self.examples, **kwargs)


def without_gold(nlp: Language, examples: list[Example]) -> list[str]:
    """The heads of this package that none of the examples is annotated for."""
    heads = [(name, pipe) for name, pipe in nlp.pipeline if isinstance(pipe, Head)]
    return [name for name, head in heads if all(head.items(example.reference) is None for example in examples)]


def is_ours(nlp: Language, score: str) -> bool:
    """Whether a score is of a trained component (its keys begin with its name)."""
    return any(score.startswith(f"{name}_") for name, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False))


def floors(nlp: Language, examples: list[Example]) -> dict[str, float]:
    """What needs no model, of heads whose units are known beforehand: micro-F1 of the most frequent label for every
    unit."""
    of_heads: dict[str, float] = {}
    for name, pipe in nlp.pipeline:
        if isinstance(pipe, Head) and pipe.has_given_units:
            units: dict[tuple[int, Any], set[str]] = {}
            for number, example in enumerate(examples):
                for item in pipe.items(example.reference) or ():
                    units.setdefault((number, item.bounds), set()).update(item.labels)
            score = most_frequent_label_score(list(units.values()))
            if score is not None:
                of_heads[f"{name}_f"] = score
    return of_heads


def most_frequent_label_score(units: Sequence[set[str]]) -> float | None:
    """Micro-F1 of saying the label that most units have of all of them. None where none has any."""
    counts = Counter(label for labels in units for label in labels)
    if not counts:
        return None
    best, score = max(counts, key=lambda label: counts[label]), PRFScore()
    score.score_set({(i, best) for i in range(len(units))}, {(i, x) for i, labels in enumerate(units) for x in labels})
    return float(score.fscore)
