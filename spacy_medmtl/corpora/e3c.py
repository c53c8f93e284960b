"""E3C, published clinical cases in WebAnno's XMI: given disorders, with the status of the event that names each.

Two layers are read together, because neither is enough. EVENT carries polarity and modality, but marks single words of
any kind ("showed", "admitted", "surgery") and does not tell which are findings. CLINENTITY marks disorders in full
("sore left ankle") and carries neither. So a finding is a CLINENTITY, judged by the EVENTs inside it; all of them must
say the same. A CLINENTITY without an EVENT, a fifth of them, was never judged and is a loss: some are negated, so that
no default would do. Nor can disorders be told that only an EVENT marks. Hence the text between the spans counts as not
judged (``given_spans_only``).

| contextualModality                  | status               | modifiers    |
| ----------------------------------- | -------------------- | ------------ |
| ACTUAL                              | that of the polarity |              |
| HEDGED                              | unknown              | uncertain    |
| HYPOTHETICAL-IF, HYPOTHETICAL-OTHER | unknown              | hypothetical |
| GENERIC (the class, not this case)  | unknown              |              |

contextualAspect (NOVEL, INTERMITTENT) tells the course of what is there, which is no modifier here. ``historical`` and
``family`` are not annotated: docTimeRel is BEFORE for most of a text that is told in the past, and EVENT has no
experiencer.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import FINDINGS, GIVEN_SPANS_ONLY
from .audit import Audit, Place
from .docs import split_sentences, tokens_at
from .findings import LABEL, FindingMention, write_findings
from .formats.xmi import AnnotatedText, Annotation, read_xmi

ENTITY, EVENT, SENTENCE = "CLINENTITY", "EVENT", "Sentence"
POLARITY = {"POS": "positive", "NEG": "negative"}
ACTUAL = "ACTUAL"
MODALITY: dict[str, tuple[str, ...]] = {
    ACTUAL: (),
    "HEDGED": ("uncertain",),
    "HYPOTHETICAL-IF": ("hypothetical",),
    "HYPOTHETICAL-OTHER": ("hypothetical",),
    "GENERIC": (),
}
JUDGED = ["uncertain", "hypothetical"]
Judgement = tuple[str, tuple[str, ...]]  # status, modifiers


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each file, with the sentences of the file. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        content = read_xmi(path, (ENTITY, EVENT, SENTENCE), audit)
        if content is None:
            continue
        if len(content.text) > nlp.max_length:
            audit.dropped(Place(path, 1), "document", "", "a document longer than spaCy reads")
            continue
        doc = nlp.make_doc(content.text)
        group = write_findings(doc, _findings(content, audit), audit, labels=[LABEL], modifiers=JUDGED)
        group.attrs[GIVEN_SPANS_ONLY] = True
        starts = tokens_at(doc, [sentence.start for sentence in content.layers[SENTENCE]])
        split_sentences(doc, audit, given=starts, whole=group, by_rule=not starts)
        yield doc


def _findings(content: AnnotatedText, audit: Audit) -> Iterator[FindingMention]:
    events = sorted(content.layers[EVENT], key=lambda event: event.start)
    starts = [event.start for event in events]
    for entity in content.layers[ENTITY]:
        begun = events[bisect_left(starts, entity.start) : bisect_left(starts, entity.end)]
        inside = [event for event in begun if event.end <= entity.end]
        judgement, problem = _agreed([_judgement(event) for event in inside])
        if judgement is None:
            audit.dropped(entity.place, FINDINGS, LABEL, problem, (entity.start, entity.end))
        else:
            is_covered = "discontinuous" in entity.features
            yield FindingMention(entity.start, entity.end, LABEL, entity.place, *judgement, is_covered=is_covered)


def _agreed(judgements: list[Judgement | None]) -> tuple[Judgement | None, str]:
    """What all events of an entity say, or nothing and why."""
    if not judgements:
        return None, "no event inside the entity: its polarity is not annotated"
    if None in judgements:
        expected = f"polarity {', '.join(POLARITY)} and contextualModality {', '.join(MODALITY)}"
        return None, f"an unknown value in an event of the entity: expected {expected}"
    if len(set(judgements)) > 1:
        return None, "the events inside the entity differ in polarity or modality"
    return judgements[0], ""


def _judgement(event: Annotation) -> Judgement | None:
    """Status and modifiers by the rule above, or None for values that it does not know."""
    polarity, modality = (event.features.get(name, "") for name in ("polarity", "contextualModality"))
    if polarity not in POLARITY or modality not in MODALITY:
        return None
    return POLARITY[polarity] if modality == ACTUAL else "unknown", MODALITY[modality]
