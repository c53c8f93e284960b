"""Gold bounds of a reference Doc as bounds of the Doc that is to be annotated, without white space at either end."""

from collections.abc import Iterable

from spacy.training import Alignment, Example

from ..annotations.groups import Bounds, sentence_bounds, trimmed


def aligned_bounds(example: Example, bounds: Iterable[Bounds], *, mode: str = "strict") -> list[Bounds | None]:
    """Token bounds of the reference Doc as those of the predicted one; None where token borders differ, and where there
    is nothing but white space. What begins or ends with white space is taken without it.

    mode: ``strict``, or ``expand`` to take in the tokens that a border cuts.
    """
    same_text = example.reference.text == example.predicted.text
    # asked for once, as spaCy compares all tokens whenever it is asked for it
    alignment = None if same_text else example.alignment
    aligned: list[Bounds | None] = []
    for start, end in bounds:
        # trimmed twice: the tokens of the two Docs may put their blanks in different places
        start, end = trimmed(example.reference, start, end)
        if end <= start:
            twin = None
        elif alignment is None:
            twin = _twin_by_characters(example, start, end, mode)
        else:
            twin = _twin_by_tokens(example, alignment, start, end, mode)
        twin = None if twin is None else trimmed(example.predicted, *twin)
        aligned.append(twin if twin is not None and twin[0] < twin[1] else None)
    return aligned


def aligned_sentences(example: Example) -> list[Bounds]:
    """The sentences of the reference Doc in the tokens of the predicted one: what heads read in training."""
    aligned = aligned_bounds(example, sentence_bounds(example.reference), mode="expand")
    return [bounds for bounds in aligned if bounds is not None]


def _twin_by_characters(example: Example, start: int, end: int, mode: str) -> Bounds | None:
    span = example.reference[start:end]
    twin = example.predicted.char_span(span.start_char, span.end_char, alignment_mode=mode)
    return None if twin is None else (twin.start, twin.end)


def _twin_by_tokens(example: Example, alignment: Alignment, start: int, end: int, mode: str) -> Bounds | None:
    """Where the two Docs' blanks differ (references made of words alone), characters cannot be compared."""
    tokens = alignment.y2x[start:end]
    if not len(tokens):
        return None
    first, last = int(tokens.min()), int(tokens.max()) + 1
    gold, twin = example.reference[start:end], example.predicted[first:last]
    is_equal = "".join(gold.text.split()) == "".join(twin.text.split())
    return (first, last) if mode == "expand" or is_equal else None
