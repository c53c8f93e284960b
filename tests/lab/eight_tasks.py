"""Toy gold of the eight tasks of ``configs/lab/clinical8.cfg``, each in the span group that its component reads."""

from itertools import combinations

import spacy
from spacy.tokens import Doc, Span, SpanGroup
from toy import CASE, TEXTS, with_sentences

from spacy_medmtl.annotations.groups import ENTITIES, GIVEN_SPANS_ONLY, write_group
from spacy_medmtl.annotations.pairs import pair_doc, segment_bounds
from spacy_medmtl.annotations.relations import JudgedPair, write_relations

FACTORIES = {"piboso": "sentence_intent", "bc5cdr": "sru_nested_ner", "genia": "sru_nested_ner"}
FACTORIES["negex"] = "cpncf_assertion"
TEXT_PAIRS = ("biosses", "mqp", "rqe")
EIGHT = ("piboso", *TEXT_PAIRS, "bc5cdr", "genia", "negex", "ddi2013")


def eight_tasks_doc(task: str, text: str) -> Doc:
    """A text with the gold of one task, in its span group."""
    nlp = spacy.blank("en")
    if task in TEXT_PAIRS:
        doc = pair_doc(nlp, "a fever .", text)
        is_long = len(text) > len(TEXTS[1])
        pair = JudgedPair(*segment_bounds(doc), ("same",) if is_long else (), float(len(text)))
        write_relations(doc, [pair], key=task)
        return doc
    doc = with_sentences(nlp, text)
    if task == "ddi2013":
        drugs = [token.i for token in doc if token.text in ("left", "knee", "pain", "no", "fever", "cough")]
        write_group(doc, ENTITIES, [Span(doc, i, i + 1, label="drug") for i in drugs])
        pairs = [(i, j) for i, j in combinations(drugs, 2) if doc[i].sent == doc[j].sent]
        labels = {i: ("effect",) if i % 2 else () for i in drugs}
        judged = [JudgedPair((i, i + 1), (j, j + 1), labels[i], 1.0, ("drug", "drug")) for i, j in pairs]
        write_relations(doc, judged, key=task)
        return doc
    case = CASE[FACTORIES[task]]
    case.annotate(doc)
    given = doc.spans.pop(case.key)
    target = task if case.key == ENTITIES else case.key
    doc.spans[target] = SpanGroup(doc, name=target, attrs=dict(given.attrs), spans=list(given))
    if task == "negex":
        doc.spans[target].attrs[GIVEN_SPANS_ONLY] = True
    return doc
