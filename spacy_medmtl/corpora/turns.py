"""Dialogues as reference Docs: utterances joined by line breaks, and their turns."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import TURNS, write_group
from .docs import set_sentence_starts, tokens_at


def is_too_long(texts: Sequence[str], nlp: Language) -> bool:
    """Whether utterances make a dialogue longer than spaCy reads."""
    return sum(len(text) + 1 for text in texts) > nlp.max_length


def dialogue_doc(
    nlp: Language, texts: Sequence[str], speakers: Sequence[str]
) -> tuple[Doc, list[int], list[tuple[int, int]]]:
    """A Doc of utterances, each a sentence; each line break between them is the last token of the sentence before it.

    Returns the Doc, with its turns, and for each utterance its first character and its token bounds.
    """
    doc = nlp.make_doc("\n".join(texts))
    offsets = list(accumulate((len(text) + 1 for text in texts[:-1]), initial=0))
    starts = tokens_at(doc, offsets)
    set_sentence_starts(doc, starts)
    bounds = list(pairwise([*starts, len(doc)]))
    write_turns(doc, bounds, speakers)
    return doc, offsets, bounds


def write_turns(doc: Doc, bounds: Sequence[tuple[int, int]], speakers: Sequence[str | None]) -> None:
    """Annotate ``doc`` with turns: neighbouring sentences of one speaker.

    bounds: (start, end) token offsets of all its sentences. speakers: who says each; None: nobody, it is written.
    Where nobody speaks at all, there are no turns to annotate.
    """
    turns: list[tuple[int, int]] = []
    names: list[str] = []
    before: str | None = None
    for (start, end), speaker in zip(bounds, speakers, strict=True):
        if speaker is not None and speaker == before:
            turns[-1] = (turns[-1][0], end)
        elif speaker is not None:
            turns.append((start, end))
            names.append(speaker)
        before = speaker
    if turns:
        write_group(doc, TURNS, [doc[start:end] for start, end in turns], speakers=names)
