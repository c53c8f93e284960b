"""Dialogues as reference Docs: utterances joined by line breaks, and their turns."""

from itertools import accumulate, pairwise
from typing import List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import TURNS, write_group
from .docs import set_sentence_starts, tokens_at


def is_too_long(texts: Sequence[str], nlp: Language) -> bool:
    """Whether utterances make a dialogue longer than spaCy reads."""
    return sum(len(text) + 1 for text in texts) > nlp.max_length


def dialogue_doc(
    nlp: Language, texts: Sequence[str], speakers: Sequence[str]
) -> Tuple[Doc, List[int], List[Tuple[int, int]]]:
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


def write_turns(doc: Doc, bounds: Sequence[Tuple[int, int]], speakers: Sequence[Optional[str]]) -> None:
    """Annotate ``doc`` with turns: neighbouring sentences of one speaker.

    bounds: (start, end) token offsets of all its sentences. speakers: who says each; None: nobody, it is written.
    Where nobody speaks at all, there are no turns to annotate.
    """
    turns: List[Tuple[int, int]] = []
    names: List[str] = []
    before: Optional[str] = None
    for (start, end), speaker in zip(bounds, speakers, strict=True):
        if speaker is not None and speaker == before:
            turns[-1] = (turns[-1][0], end)
        elif speaker is not None:
            turns.append((start, end))
            names.append(speaker)
        before = speaker
    if turns:
        write_group(doc, TURNS, [doc[start:end] for start, end in turns], speakers=names)
