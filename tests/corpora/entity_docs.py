"""What tests read off converted Docs with entities and relations."""

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.annotations.relations import read_pairs


def entities(doc):
    return [(span.text, span.label_) for span in doc.spans[ENTITIES]]


def found(docs, key=ENTITIES):
    """(text, label) of the spans of several Docs in a group that may not be there."""
    return [(span.text, span.label_) for doc in docs for span in doc.spans.get(key, ())]


def pairs(doc):
    """(head, tail, labels) of the judged pairs."""
    found = read_pairs(doc)
    assert [pair.score for pair in found] == [float(bool(pair.labels)) for pair in found]
    return [(doc[slice(*pair.head)].text, doc[slice(*pair.tail)].text, list(pair.labels)) for pair in found]


def losses(audit):
    """(file, line, kind) of what was dropped."""
    lost = [change for change in audit.changes if change.outcome == "dropped"]
    return [(change.file.rpartition("/")[2], change.line, change.kind) for change in lost]
