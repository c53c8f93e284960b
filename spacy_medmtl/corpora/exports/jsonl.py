"""JSON lines as Prodigy reads them; the reader ``prodigy`` reads back all that is written here."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from ..record import EXACT, FALSE, Bounds, Entity, Link, Record
from .recorded import Told


def lines(records: Iterable[Record], told: "Told[str]") -> Iterator[str]:
    """One line for each record. Spans, relations and intents are there where it is annotated with them, be it with
    none."""
    for record in records:
        told["documents in which it is not known where blanks stood"] += int(record.spaces is None)
        yield json.dumps(example_of(record), ensure_ascii=False)


def example_of(record: Record) -> dict[str, Any]:
    tokens = _Tokens(record)
    example: dict[str, Any] = {"text": record.text, "tokens": tokens.rows()}
    if record.entities is not None:
        example["spans"] = [_span(entity, tokens) for entity in record.entities]
    if record.links is not None:
        pairs = [(link.label, _pair(link, tokens)) for link in record.links]
        example["relations"] = [{**pair, "label": label} for label, pair in pairs if label is not None]
        example["judged_pairs"] = [pair for label, pair in pairs if label is None]
    if record.units is not None:
        example["intents"] = [{**tokens.at(bounds), "label": label} for bounds, label in record.units]
    if record.turns is not None:
        turns = zip(_stretches([start for start, _ in record.turns], record.text), record.turns)
        example["turns"] = [{**tokens.at(at), "label": name} for at, (_, name) in turns if name is not None]
    if record.classes is not None:
        example["accept"] = record.classes
    if record.sentences == EXACT:
        example["sentences"] = [tokens.at(bounds) for bounds in _stretches(record.starts, record.text)]
    return {**example, "answer": "accept"}


class _Tokens:
    """The tokens of a record by their characters."""

    def __init__(self, record: Record) -> None:
        self.words, self.begins = record.words or [], record.word_starts()
        self.spaces = record.spaces or [True] * len(self.words)

    def rows(self) -> list[dict[str, Any]]:
        """As Prodigy has them."""
        return [
            {"text": word, "start": start, "end": start + len(word), "id": number, "ws": space}
            for number, (word, start, space) in enumerate(zip(self.words, self.begins, self.spaces))
        ]

    def at(self, bounds: Bounds) -> dict[str, int]:
        """Offsets of characters, end exclusive, and of tokens, end inclusive; no blank behind the last token."""
        first, last = bisect_right(self.begins, bounds[0]) - 1, bisect_left(self.begins, bounds[1]) - 1
        end = self.begins[last] + len(self.words[last])
        return {"start": bounds[0], "end": end, "token_start": first, "token_end": last}


def _stretches(starts: list[int], text: str) -> list[Bounds]:
    return list(zip(starts, [*starts[1:], len(text)]))


def _span(entity: Entity, tokens: _Tokens) -> dict[str, Any]:
    flags = {"": True, FALSE: False}
    said = {name: flags.get(value, value) for name, value in entity.attributes}
    return {**tokens.at(entity.bounds), "label": entity.label, **said}


def _pair(link: Link, tokens: _Tokens) -> dict[str, Any]:
    head, child = tokens.at(link.head.bounds), tokens.at(link.tail.bounds)
    ends = {"head": head["token_end"], "child": child["token_end"]}
    spans = {"head_span": {**head, "label": link.head.label}, "child_span": {**child, "label": link.tail.label}}
    return {**ends, **spans, "score": link.score}
