"""Dialogue turns of a reference Doc."""

from typing import List, Optional, Sequence, Tuple

from spacy.tokens import Doc

from ..annotations.groups import TURNS, write_group


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
