"""Prodigy's JSON lines, which ``medmtl export jsonl`` writes too.

Read from each line: ``text``, ``tokens``, ``spans``, ``relations``, ``answer``, the classes of the text (``accept``, or
``label`` where there are no spans). Beyond Prodigy, from our export: ``sentences``, ``intents``, ``turns``,
``judged_pairs``, and members of a span that say how it is asserted.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from ..options import SPANS, UNIT
from ..reader import Reader
from ..record import EXACT, Attributes, Entity, Link, Record, is_label
from ..scheme import Scheme
from .json_files import read_json
from .json_values import attributes_of, entity, labels_of, number, objects

# members of a span that Prodigy or our export writes, and that say nothing of the mention
NOT_ATTRIBUTES = (
    *("start", "end", "label", "token_start", "token_end", "text", "id", "source", "input_hash", "score"),
    *("pattern", "answer", "type", "color", "rank", "view_id", "hidden"),
)
ANSWERS = ("accept", "reject", "ignore")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The accepted examples of a file; rejected and ignored ones are counted. A line that is no example is a loss
    (MedmtlError E401 in stop mode)."""
    for place, value in read_json(path, audit):
        answer = value.get("answer", "accept") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(value.get("text"), str) or answer not in ANSWERS:
            audit.dropped(place, "line", "", "expected a JSON object with a text, and an answer that Prodigy gives")
        elif answer != "accept":
            audit.note(f"examples answered with '{answer}', left out")
        else:
            yield _record(value, value["text"], place, audit)


READER = Reader(read, Scheme(is_open=True), suffixes=(".jsonl", ".json"), options={**SPANS, **UNIT})


def _record(value: dict[str, Any], text: str, place: Place, audit: Audit) -> Record:
    record = Record(text, place)
    record.words, record.spaces = _tokens(value.get("tokens"), text, place, audit)
    if "spans" in value:
        spans = objects(value["spans"], "a span", place, audit)
        entities = [_entity(span, text, place, audit, attributes_of(span, NOT_ATTRIBUTES)) for span in spans]
        record.entities = [mention for mention in entities if mention is not None]
    if "relations" in value or "judged_pairs" in value:
        given = objects(value.get("relations"), "a relation", place, audit)
        given += [{**pair, "label": None} for pair in objects(value.get("judged_pairs"), "a pair", place, audit)]
        links = [_link(relation, text, record, place, audit) for relation in given]
        record.links = [link for link in links if link is not None]
    if "accept" in value or ("label" in value and "spans" not in value):
        record.classes = labels_of(value.get("accept", value.get("label")), place, audit)
    if "intents" in value:
        units = [_entity(intent, text, place, audit) for intent in objects(value["intents"], "an intent", place, audit)]
        record.units = [(unit.bounds, unit.label) for unit in units if unit is not None]
    if "turns" in value:
        turns = [_entity(turn, text, place, audit) for turn in objects(value["turns"], "a turn", place, audit)]
        record.turns = _lines_of([turn for turn in turns if turn is not None], text)
    if "sentences" in value:
        given = [
            {**sentence, "label": "sentence"} for sentence in objects(value["sentences"], "a sentence", place, audit)
        ]
        sentences = [_entity(sentence, text, place, audit) for sentence in given]
        record.starts, record.sentences = [sentence.bounds[0] for sentence in sentences if sentence is not None], EXACT
    return record


def _entity(value: dict[str, Any], text: str, place: Place, audit: Audit, attributes: Attributes = ()) -> Entity | None:
    return entity(text, value.get("start"), value.get("end"), value.get("label"), place, audit, attributes)


def _link(value: dict[str, Any], text: str, record: Record, place: Place, audit: Audit) -> Link | None:
    """The relation of two spans: those with these offsets and labels among the spans, or free ones."""
    ends: list[Entity] = []
    for name in ("head_span", "child_span"):
        span = value.get(name)
        given = dict(span) if isinstance(span, dict) else {}
        label = given.get("label")
        end = _entity({**given, "label": label if is_label(label) else "-"}, text, place, audit)
        if end is None:
            return None
        same = [mention for mention in record.entities or () if mention.fragments == end.fragments]
        ends.append(next((mention for mention in same if mention.label == label), same[0] if same else end))
    label, score = value.get("label"), value.get("score")
    if (score is not None and number(score) is None) or not (label is None or is_label(label)):
        audit.dropped(place, "line", "", "a relation whose label is no text or whose score is no number")
        return None
    return Link(label, ends[0], ends[1], place, None if score in (None, float(label is not None)) else number(score))


def _lines_of(turns: list[Entity], text: str) -> list[tuple[int, str | None]]:
    """Where each turn begins and who speaks; None where one ends and the next does not begin."""
    lines: list[tuple[int, str | None]] = []
    end = 0
    for turn in turns:
        if text[end : turn.bounds[0]].strip():
            lines.append((end, None))
        lines.append((turn.bounds[0], turn.label))
        end = turn.bounds[1]
    return [*lines, (end, None)] if text[end:].strip() else lines


def _tokens(value: Any, text: str, place: Place, audit: Audit) -> tuple[list[str] | None, list[bool] | None]:
    """Words and whether a blank is behind each, if the tokens of an example make up its text."""
    if value is None:
        return None, None
    tokens = objects(value, "a token", place, audit)
    given = [(str(token.get("text", "")), token.get("start")) for token in tokens]
    edges = [(word, start) for word, start in given if word and type(start) is int]
    if edges and len(edges) == len(given):
        following = [*(start for _, start in edges[1:]), len(text)]
        spaces = [start + len(word) < after for (word, start), after in zip(edges, following)]
        if "".join(word + " " * space for (word, _), space in zip(edges, spaces)) == text:
            return [word for word, _ in edges], spaces
    audit.note("examples whose tokens do not make up their text, tokenised anew")
    return None, None
