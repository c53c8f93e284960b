"""What stands on a Doc as rows of plain values: its findings, entities, sentences and relations.

Only documented span groups are read, so the rows are the same after a Doc has been through a DocBin.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from spacy.tokens import Doc, Span

from ..errors import MedmtlError
from .columns import KINDS, TABLES, joined_columns
from .extensions import MODIFIERS, holds, is_negative
from .groups import ENTITIES, FINDINGS, INTENTS, SECTIONS, TURNS, sentence_bounds, trimmed
from .relations import read_relations
from .steady import aligned_group
from .travelling import value_of

Row = dict[str, Any]
DOC_ID = "doc_id"  # in doc.user_data: which note it is


def rows(docs: Doc | Iterable[Doc], *, ids: Iterable[Any] | None = None) -> dict[str, list[Row]]:
    """The rows of ``findings``, ``entities``, ``sentences`` and ``relations`` of Docs, or of one, with the keys of
    ``TABLES``.

    ids: one for each Doc, written as text; by default ``doc.user_data["doc_id"]``, or else the Doc's number from 0.
    Raises MedmtlError E510 where there are more or fewer ids than Docs, E523 for what is no Doc. Warns (W205) where
    nothing is known of a relation any more.
    """
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    for doc, doc_id in with_ids(docs, ids):
        for name, table_rows in doc_rows(doc, doc_id).items():
            tables[name] += table_rows
    return tables


def only_docs(docs: Doc | Iterable[Doc]) -> Iterator[Doc]:
    """The Docs, or the one. Raises MedmtlError E523 for anything else."""
    is_one = isinstance(docs, (Doc, Span, str)) or not isinstance(docs, Iterable)
    for doc in [docs] if is_one else docs:
        if not isinstance(doc, Doc):
            kind = type(doc).__name__
            raise MedmtlError("E523", received=kind)
        yield doc


def with_ids(docs: Doc | Iterable[Doc], ids: Iterable[Any] | None) -> Iterator[tuple[Doc, str]]:
    """Each Doc with its id. Raises MedmtlError E510 where there are more or fewer ids than Docs, E523 for what is no
    Doc."""
    docs = only_docs(docs)
    if ids is None:
        for number, doc in enumerate(docs):
            yield doc, str(doc.user_data.get(DOC_ID, number))
        return
    given = iter(ids)
    missing = object()
    for doc in docs:
        doc_id = next(given, missing)
        if doc_id is missing:
            raise MedmtlError("E510", received="fewer")
        yield doc, str(doc_id)
    if next(given, missing) is not missing:
        raise MedmtlError("E510", received="more")


def doc_rows(doc: Doc, doc_id: str) -> dict[str, list[Row]]:
    """The rows of one Doc, by table, each in the order of the text."""
    places = _Places(doc)
    findings = _findings_with_status(doc)
    tables = {
        "findings": [{**_span_row(finding), **row} for finding, row in findings],
        "entities": _entity_rows(doc, findings),
        "sentences": _sentence_rows(doc, places),
        "relations": _relation_rows(doc, places),
    }
    for name, columns in TABLES.items():
        for row in tables[name]:
            if name != "relations":
                row.update(places.of(row.pop("token")))
            row["doc_id"] = doc_id
        tables[name] = [{column: row.get(column) for column in columns} for row in sorted(tables[name], key=_place)]
    return tables


def joined_rows(doc: Doc, doc_id: str) -> list[Row]:
    """The rows of one Doc as those of one table, ``kind`` saying which a row is of."""
    columns = joined_columns()
    return [
        {**dict.fromkeys(columns), **row, "kind": KINDS[name]}
        for name, table_rows in doc_rows(doc, doc_id).items()
        for row in table_rows
    ]


def _place(row: Row) -> tuple[int, int]:
    return row["start"], -row["end"]


class _Places:
    """In which sentence and section a token stands."""

    def __init__(self, doc: Doc) -> None:
        self.sentences = sentence_bounds(doc)
        self._starts = [start for start, _ in self.sentences]
        sections = sorted(
            (section.start, section.end, section.label_) for section in aligned_group(doc, SECTIONS) or ()
        )
        self._sections = sections
        self._section_starts = [start for start, _, _ in sections]

    def sentence(self, token: int) -> int | None:
        """The number of the sentence, from 0. White space between two belongs to the first."""
        number = bisect_right(self._starts, token) - 1
        return number if number >= 0 else None

    def of(self, token: int) -> Row:
        number = bisect_right(self._section_starts, token) - 1
        is_inside = number >= 0 and token < self._sections[number][1]
        return {"sentence": self.sentence(token), "section": self._sections[number][2] if is_inside else None}


def _values(doc: Doc, key: str, name: str) -> list[Any]:
    """A value for each span of a group, None where it is not known."""
    return [value_of(doc, key, number, name) for number in range(len(doc.spans.get(key, ())))]


def _span_row(span: Span) -> Row:
    return {
        "token": span.start,
        "start": span.start_char,
        "end": span.end_char,
        "text": span.text,
        "label": span.label_ or None,
    }


def _findings_with_status(doc: Doc) -> list[tuple[Span, Row]]:
    """Each finding with its status as columns; of a modifier that the pipeline does not know, None."""
    findings: list[Span] = list(aligned_group(doc, FINDINGS) or ())
    statuses = _values(doc, FINDINGS, "assertion")
    scores = _values(doc, FINDINGS, "scores")
    modifiers = _values(doc, FINDINGS, "assertion_modifiers")
    all_scores = _values(doc, FINDINGS, "assertion_scores")
    detections = _values(doc, FINDINGS, "detection_scores")
    with_status = []
    for finding, status, score, held, probabilities, detection in zip(
        findings, statuses, scores, modifiers, all_scores, detections
    ):
        row: Row = {"status": status, "score": score, "detection_score": detection}
        row["negated"] = is_negative(status)
        row["negated_score"] = (probabilities or {}).get("negative")
        for name in MODIFIERS:
            row[name] = holds(name, held, probabilities, doc)
            row[f"{name}_score"] = (probabilities or {}).get(name)
        with_status.append((finding, row))
    return with_status


def _entity_rows(doc: Doc, findings: list[tuple[Span, Row]]) -> list[Row]:
    """The entities of ``doc.spans["medmtl_ner"]``, and those of ``doc.ents`` that are not among them, with the status
    of the finding that has the same boundaries (the same label first)."""
    entities: list[Span] = list(aligned_group(doc, ENTITIES) or ())
    scores = _values(doc, ENTITIES, "scores")
    known = {(span.start, span.end, span.label_) for span in entities}
    other_entities = [span for span in doc.ents if (span.start, span.end, span.label_) not in known]
    statuses: dict[tuple[int, int], Row] = {}
    own: dict[tuple[int, int, str], Row] = {}
    for finding, row in findings:
        status = {name: value for name, value in row.items() if name not in ("score", "detection_score")}
        statuses.setdefault((finding.start, finding.end), status)
        own.setdefault((finding.start, finding.end, finding.label_), status)
    depths = _depths([(span.start, span.end) for span in (*entities, *other_entities)])
    return [
        {
            **_span_row(span),
            "score": score,
            "depth": depth,
            **own.get((span.start, span.end, span.label_), statuses.get((span.start, span.end), {})),
        }
        for span, score, depth in zip((*entities, *other_entities), (*scores, *[None] * len(other_entities)), depths)
    ]


def _depths(bounds: list[tuple[int, int]]) -> list[int]:
    """How many of the bounds contain each of them; equal ones do not contain each other."""
    distinct = sorted(set(bounds), key=lambda pair: (pair[0], -pair[1]))
    depths: dict[tuple[int, int], int] = {}
    around: list[tuple[int, int]] = []
    for start, end in distinct:
        around = [pair for pair in around if pair[1] > start]
        depths[start, end] = sum(pair[1] >= end for pair in around)
        around.append((start, end))
    return [depths[pair] for pair in bounds]


def _sentence_rows(doc: Doc, places: _Places) -> list[Row]:
    """A row for each sentence and each intent that it has, and for intents of other units, such as turns."""
    units: list[Span] = list(aligned_group(doc, INTENTS) or ())
    scores = _values(doc, INTENTS, "scores")
    intents: dict[tuple[int, int], list[tuple[str | None, float | None]]] = {}
    for unit, score in zip(units, scores):
        intents.setdefault(trimmed(doc, unit.start, unit.end), []).append((unit.label_, score))
    spoken = zip(aligned_group(doc, TURNS) or (), _values(doc, TURNS, "speakers"))
    turns = sorted(((turn.start, turn.end, speaker) for turn, speaker in spoken), key=lambda place: place[:2])
    starts = [start for start, _, _ in turns]
    sentence_rows = []
    for start, end in sorted({*places.sentences, *intents}):
        number = bisect_right(starts, start) - 1
        speaker = turns[number][2] if number >= 0 and start < turns[number][1] else None
        for label, score in intents.get((start, end), [(None, None)]):
            row = {**_span_row(doc[start:end]), "label": label, "score": score, "speaker": speaker}
            sentence_rows.append(row)
    return sentence_rows


def _relation_rows(doc: Doc, places: _Places) -> list[Row]:
    relation_rows = []
    for relation in read_relations(doc):
        row: Row = {"label": relation.label, "score": relation.score}
        for end, span in (("head", relation.head), ("tail", relation.tail)):
            row[f"{end}_start"], row[f"{end}_end"], row[f"{end}_text"] = span.start_char, span.end_char, span.text
            row[f"{end}_label"], row[f"{end}_sentence"] = span.label_ or None, places.sentence(span.start)
        row["start"] = min(row["head_start"], row["tail_start"])
        row["end"] = max(row["head_end"], row["tail_end"])
        relation_rows.append({**row, **places.of(min(relation.head.start, relation.tail.start))})
    return relation_rows
