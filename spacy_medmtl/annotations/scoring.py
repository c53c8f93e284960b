"""Micro precision, recall and F1 over labelled items, with what is not annotated left out."""

from collections.abc import Callable, Hashable, Iterable
from itertools import accumulate
from typing import Any

from spacy.scorer import PRFScore
from spacy.tokens import Doc
from spacy.training import Example

ScoredItem = tuple[str, Hashable]  # (label, where it is)
CORPUS = "medmtl_corpus"  # Doc.user_data entry of a reference Doc: the corpus it comes from


def corpus_of(doc: Doc) -> str | None:
    """The corpus that a reference Doc comes from, if a reader noted it."""
    return doc.user_data.get(CORPUS)


def places(doc: Doc) -> Callable[[int, int], tuple[int, int]]:
    """Where tokens [start, end) of a Doc stand, counted in characters that are not white space.

    Docs of one text agree on it however they are tokenised, and whichever blanks part the words of a reference that was
    made of words alone; spaCy's own alignment compares Docs in the same way.
    """
    borders = [0, *accumulate(len("".join(token.text.split())) for token in doc)]
    return lambda start, end: (borders[start], borders[end])


def score_items(
    name: str,
    examples: Iterable[Example],
    items: Callable[[Example], tuple[set[ScoredItem], set[ScoredItem]] | None],
) -> dict[str, Any]:
    """Scores of a component, keys prefixed by its ``name``.

    items: (gold, predicted) of an example, or None if it is not annotated.
    Returns ``<name>_p``, ``_r``, ``_f`` (micro), ``_macro_f`` (mean over labels), ``_f_per_type`` and
    ``_f_per_corpus``; None for all if no example is annotated.
    """
    total = PRFScore()
    per_type: dict[str, PRFScore] = {}
    per_corpus: dict[str, PRFScore] = {}
    annotated = False
    for example in examples:
        pair = items(example)
        if pair is None:
            continue
        annotated = True
        gold, predicted = pair
        total.score_set(predicted, gold)
        corpus = corpus_of(example.reference)
        if corpus is not None:
            per_corpus.setdefault(corpus, PRFScore()).score_set(predicted, gold)
        for label in {item[0] for item in gold | predicted}:
            gold_of_label = {item for item in gold if item[0] == label}
            predicted_of_label = {item for item in predicted if item[0] == label}
            per_type.setdefault(label, PRFScore()).score_set(predicted_of_label, gold_of_label)
    if not annotated:
        return {f"{name}_{part}": None for part in ("p", "r", "f", "macro_f", "f_per_type")}
    scores: dict[str, Any] = {
        f"{name}_p": total.precision,
        f"{name}_r": total.recall,
        f"{name}_f": total.fscore,
        f"{name}_macro_f": sum(scored.fscore for scored in per_type.values()) / len(per_type) if per_type else 0.0,
        f"{name}_f_per_type": {label: scored.to_dict() for label, scored in sorted(per_type.items())},
    }
    if per_corpus:
        scores[f"{name}_f_per_corpus"] = {corpus: scored.to_dict() for corpus, scored in sorted(per_corpus.items())}
    return scores
