"""JSON lines as Prodigy reads them; the converter ``prodigy`` reads back all that is written here."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from spacy.tokens import Doc

from ...annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS
from ...annotations.relations import JudgedPair, read_pairs
from .annotated import Told, marked_spans, tell_what_no_format_holds


def lines(docs: Iterable[Doc], told: "Told[str]") -> Iterator[str]:
    """One line for each Doc. Spans, relations and intents are there where the Doc is annotated with them, be it with
    none."""
    for doc in docs:
        if not doc.text.strip():
            told["documents without text"] += 1
            continue
        told["documents in which it is not known where blanks stood"] += int(doc.has_unknown_spaces)
        tell_what_no_format_holds(doc, told)
        yield json.dumps(_example(doc), ensure_ascii=False)


def _example(doc: Doc) -> dict[str, Any]:
    example: dict[str, Any] = {"text": doc.text, "tokens": [_token(doc, at) for at in range(len(doc))]}
    if ENTITIES in doc.spans or FINDINGS in doc.spans:
        example["spans"] = [
            {
                **_bounds(doc, marked.span.start, marked.span.end),
                "label": marked.span.label_,
                **({"assertion": marked.status} if marked.status else {}),
                **dict.fromkeys(marked.modifiers, True),
            }
            for marked in marked_spans(doc)
        ]
    if RELATIONS in doc.spans:
        pairs = read_pairs(doc)
        example["relations"] = [{**_pair(doc, pair), "label": label} for pair in pairs for label in pair.labels]
        example["judged_pairs"] = [_pair(doc, pair) for pair in pairs if not pair.labels]
    if INTENTS in doc.spans:
        spans = doc.spans[INTENTS]
        example["intents"] = [{**_bounds(doc, span.start, span.end), "label": span.label_} for span in spans]
    if doc.cats:
        example["accept"] = [label for label, value in doc.cats.items() if value >= 0.5]
    if doc.has_annotation("SENT_START"):
        example["sentences"] = [_bounds(doc, sent.start, sent.end) for sent in doc.sents]
    return {**example, "answer": "accept"}


def _token(doc: Doc, at: int) -> dict[str, Any]:
    token = doc[at]
    end = token.idx + len(token)
    return {"text": token.text, "start": token.idx, "end": end, "id": at, "ws": bool(token.whitespace_)}


def _bounds(doc: Doc, start: int, end: int) -> dict[str, int]:
    """Offsets of characters, end exclusive, and of tokens, end inclusive, as Prodigy has them."""
    span = doc[start:end]
    return {"start": span.start_char, "end": span.end_char, "token_start": start, "token_end": end - 1}


def _pair(doc: Doc, pair: JudgedPair) -> dict[str, Any]:
    head, child = _bounds(doc, *pair.head), _bounds(doc, *pair.tail)
    ends = {"head": head["token_end"], "child": child["token_end"]}
    labels = {(span.start, span.end): span.label_ for key in (FINDINGS, ENTITIES) for span in doc.spans.get(key, ())}
    spans = {
        "head_span": {**head, "label": labels.get(pair.head, "")},
        "child_span": {**child, "label": labels.get(pair.tail, "")},
    }
    return {**ends, **spans, "score": pair.score}
