"""Prodigy's JSON lines, which ``medmtl export jsonl`` writes too.

Beyond Prodigy, from our export: ``sentences``, ``intents``, ``turns``, ``judged_pairs``, and members of a span that say
how it is asserted.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, need
from ..options import KINDS, SPANS, UNIT
from ..reader import Reader
from ..record import EXACT, Entity, Link, Record, is_label
from ..scheme import Scheme
from .json_examples import read_examples
from .json_values import JsonText, Value, number

# members of a span that Prodigy or our export writes, and that say nothing of the mention
NOT_ATTRIBUTES = (
    *("start", "end", "label", "token_start", "token_end", "text", "id", "source", "input_hash", "score"),
    *("pattern", "answer", "type", "color", "rank", "view_id", "hidden"),
)
ANSWERS = ("accept", "reject", "ignore")
_ANNOTATED = {"spans", "accept", "label", "relations", "intents", "judged_pairs", "options", "turns", "sentences"}


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The accepted examples of a file; rejected and ignored ones are counted. An accepted one without ``spans`` has
    none if others have some; so those before the first that has are held back."""
    has_spans = False
    waiting: list[tuple[Value, JsonText]] = []
    for value, given in _accepted(path, audit):
        waiting.append((value, given))
        has_spans = has_spans or "spans" in value
        if has_spans or not _is_bare(value) or len(waiting) > 10_000:
            yield from (_record(*example, has_spans) for example in waiting)
            waiting = []
    yield from (_record(*example, has_spans) for example in waiting)


def _is_bare(value: Value) -> bool:
    """Whether an example was accepted, and holds nothing that was annotated."""
    return value.get("answer") == "accept" and not _ANNOTATED & value.keys()


def _accepted(path: Path, audit: Audit) -> Iterator[tuple[Value, JsonText]]:
    for place, value in read_examples(path, audit):
        answer = value.get("answer", "accept") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(value.get("text"), str) or answer not in ANSWERS:
            audit.dropped(place, "line", "", "expected a JSON object with a text, and an answer that Prodigy gives")
        elif answer != "accept":
            audit.note(f"examples answered with '{answer}', left out")
        else:
            yield _of_spacy(value), JsonText(value["text"], place, audit)


READER = Reader(read, Scheme(is_open=True), suffixes=(".jsonl", ".json"), options={**SPANS, **KINDS, **UNIT})


def _of_spacy(value: Value) -> Value:
    """An example with mentions as triples and classes as ``cats``, as spaCy has them, in Prodigy's shape."""
    spans = value.get("spans", value.get("entities"))
    if isinstance(spans, dict):  # span groups
        spans = [span for group in spans.values() if isinstance(group, list) for span in group]
    if isinstance(spans, list):
        triples = [dict(zip(("start", "end", "label"), span)) if isinstance(span, list) else span for span in spans]
        value = {**value, "spans": triples}
    if isinstance(value.get("cats"), dict) and "accept" not in value:
        value = {**value, "accept": [label for label, holds in value["cats"].items() if holds]}
    return value


def _accepted_spans(spans: Any, audit: Audit) -> Any:
    """Without those that people rejected one by one, as binary answers that were merged into one example have them."""
    if not isinstance(spans, list):
        return spans
    accepted = []
    for span in spans:
        answer = span.get("answer") if isinstance(span, dict) else None
        if answer in ("reject", "ignore"):
            audit.note(f"spans answered with '{answer}', left out")
        else:
            accepted.append(span)
    return accepted


def _record(value: Value, given: JsonText, has_spans: bool) -> Record:
    record = Record(given.text, given.place)
    if has_spans and _is_bare(value):
        record.entities = []
    record.words, record.spaces = _tokens(value.get("tokens"), given)
    if "spans" in value:
        record.entities = given.mentions(_accepted_spans(value["spans"], given.audit), "a span", NOT_ATTRIBUTES)
    if "relations" in value or "judged_pairs" in value:
        rows = given.objects(value.get("relations"), "a relation")
        rows += [{**pair, "label": None} for pair in given.objects(value.get("judged_pairs"), "a pair")]
        tokens = value["tokens"] if isinstance(value.get("tokens"), list) else []
        record.links = [link for row in rows for link in _links(row, record, tokens, given)]
    if "accept" in value or ("label" in value and "spans" not in value):
        labels = value.get("accept", value.get("label"))
        chosen = labels if isinstance(labels, list) else [labels]  # ids of options, which may be numbers
        record.classes = given.labels([str(label) if type(label) is int else label for label in chosen])
    if "intents" in value:
        record.units = [(unit.bounds, unit.label) for unit in given.mentions(value["intents"], "an intent")]
    if "turns" in value:
        record.turns = _lines_of(given.mentions(value["turns"], "a turn"), given.text)
    if "sentences" in value:
        rows = [{**row, "label": "sentence"} for row in given.objects(value["sentences"], "a sentence")]
        record.starts, record.sentences = [mention.bounds[0] for mention in given.mentions(rows, "")], EXACT
    return record


def _at_token(number: Any, tokens: list[Any]) -> Value:
    """The token that an end of a relation names by its number."""
    token = tokens[number] if type(number) is int and 0 <= number < len(tokens) else None
    return token if isinstance(token, dict) else {}


def _links(value: Value, record: Record, tokens: list[Any], given: JsonText) -> Iterator[Link]:
    """The relation of two spans: those with these offsets and labels among the spans, or free ones; those of a token
    alone are the spans that end there."""
    ends: list[Entity] = []
    for name in ("head_span", "child_span"):
        span = value.get(name)
        members = span if isinstance(span, dict) else _at_token(value.get(name.removesuffix("_span")), tokens)
        label = members.get("label")
        free = given.mention(members.get("start"), members.get("end"), label if is_label(label) else "-")
        if not free:
            return
        same = [mention for mention in record.entities or () if mention.fragments == free[0].fragments]
        if not same and not isinstance(span, dict):
            same = [mention for mention in record.entities or () if mention.bounds[1] == free[0].bounds[1]]
        same = same or free
        ends.append(next((mention for mention in same if mention.label == label), same[0]))
    label, score = value.get("label"), value.get("score")
    with given.audit.losing(given.place):
        is_link = (score is None or number(score) is not None) and (label is None or is_label(label))
        need(is_link, "a relation whose label is no text or whose score is no number")
        is_usual = score in (None, float(label is not None))
        yield Link(label, ends[0], ends[1], given.place, None if is_usual else number(score))


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


def _tokens(value: Any, given: JsonText) -> tuple[list[str] | None, list[bool] | None]:
    """Words and whether a blank is behind each, if the tokens of an example make up its text."""
    if value is None:
        return None, None
    rows = [(str(token.get("text", "")), token.get("start")) for token in given.objects(value, "a token")]
    edges = [(word, start) for word, start in rows if word and type(start) is int]
    if edges and len(edges) == len(rows):
        following = [*(start for _, start in edges[1:]), len(given.text)]
        spaces = [start + len(word) < after for (word, start), after in zip(edges, following)]
        if "".join(word + " " * space for (word, _), space in zip(edges, spaces)) == given.text:
            return [word for word, _ in edges], spaces
    given.audit.note("examples whose tokens do not make up their text, tokenised anew")
    return None, None
