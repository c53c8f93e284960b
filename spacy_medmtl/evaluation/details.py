"""All that a page shows of one corpus, from examples whose predicted Docs the pipeline has read."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import sentence_bounds
from ..annotations.scoring import places
from ..heads.head import Head
from .intervals import Counts, scores_with_intervals
from .matching import INNER, MISSED, OUTER, SPURIOUS, Matched, Place, match
from .reliability import reliabilities

MOST_ERRORS = 200  # of a task and corpus, listed


def corpus_details(
    nlp: Language, examples: Sequence[Example], *, with_reliability: bool, with_errors: bool
) -> dict[str, Any]:
    """``tasks``: for each head that the examples are annotated for, ``strict``, ``overlap`` and ``nesting`` scores with
    intervals, ``confusion``, ``documents`` ((right, spurious, missed) of each) and, if asked for, ``errors``, which
    hold text. ``reliability``: by output, if asked for. ``texts``: a digest, to tell whether other scores are of the
    same texts."""
    tasks: dict[str, Any] = {}
    for name, head in nlp.pipeline:
        if not isinstance(head, Head) or getattr(head, "mode", None) == "regression":
            continue
        matched = [(example, comparison) for example in examples if (comparison := match(example, head)) is not None]
        if matched and any(comparison.strict for _, comparison in matched):
            tasks[name] = _task(matched, with_errors)
    digest = blake2b(digest_size=16)
    for example in examples:
        digest.update(b"".join(example.reference.text.encode().split()) + b"\0")
    return {
        "tasks": tasks,
        "reliability": reliabilities(nlp, examples) if with_reliability else {},
        "texts": digest.hexdigest(),
    }


def _task(matched: Sequence[tuple[Example, Matched]], with_errors: bool) -> dict[str, Any]:
    confusion: Counter[tuple[str, str]] = Counter()
    for _, comparison in matched:
        confusion.update(comparison.confusion)
    details: dict[str, Any] = {
        "strict": scores_with_intervals([comparison.strict for _, comparison in matched]),
        "overlap": scores_with_intervals([comparison.overlap for _, comparison in matched])
        if any(comparison.overlap for _, comparison in matched)
        else {},
        "nesting": _nesting([comparison.nesting for _, comparison in matched]),
        "documents": [
            [sum(column) for column in zip((0, 0, 0), *comparison.strict.values())] for _, comparison in matched
        ],
        "confusion": [[gold, predicted, n] for (gold, predicted), n in sorted(confusion.items())],
    }
    if with_errors:
        errors = [_error(example, *error) for example, comparison in matched for error in comparison.errors]
        details["errors"] = errors[:MOST_ERRORS]
        details["n_errors"] = len(errors)
    return details


def _nesting(counts: Sequence[Counts]) -> dict[str, Any]:
    """Scores of entities inside another and of the others; nothing where none lies inside another."""
    scores = scores_with_intervals(counts)
    return {name: scores[name] for name in (INNER, OUTER) if name in scores} if INNER in scores else {}


def _error(example: Example, place: Place, gold: str, predicted: str) -> dict[str, str]:
    doc = example.predicted if gold == SPURIOUS else example.reference
    kind = "missed" if predicted == MISSED else "spurious" if gold == SPURIOUS else "other label"
    before, words, after = _context(doc, place)
    return {"kind": kind, "gold": gold, "predicted": predicted, "before": before, "words": words, "after": after}


def _context(doc: Doc, place: Place) -> tuple[str, str, str]:
    """The words at a place (of a pair: from one end to the other) and the rest of their sentences."""
    visible = places(doc)
    tokens = [
        i for i in range(len(doc)) if visible(i, i + 1)[1] > min(place[::2]) and visible(i, i + 1)[0] < max(place[1::2])
    ]
    if not tokens:
        return "", "", ""
    start, end = tokens[0], tokens[-1] + 1
    bounds = [(a, b) for a, b in sentence_bounds(doc) if a < end and start < b]
    left, right = (min(bounds)[0], max(b for _, b in bounds)) if bounds else (start, end)
    return doc[min(left, start) : start].text, doc[start:end].text, doc[end : max(right, end)].text
