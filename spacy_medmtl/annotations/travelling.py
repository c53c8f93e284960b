"""Values that stay with their spans when a group is filtered, joined or copied.

The values of a group are lists in ``SpanGroup.attrs``, one entry a span, for all who read them. spaCy drops or
misplaces such lists when somebody keeps some spans (``doc.spans[key] = [...]``), appends one, or joins Docs
(``Doc.from_docs``). So what the components write is noted twice more, by place: ``attrs["places"]`` says which span
each entry belongs to, and ``Doc.user_data`` holds values under the keys of ``span._.x`` data, which spaCy moves along
with the text. A place is (first character, end character, label). What neither knows is not known: None, and never the
value of another span.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from spacy.tokens import Doc, Span

from .steady import PLACES, aligned_group


def place_of(span: Span) -> list[Any]:
    """Where a span stands, and its label."""
    return [span.start_char, span.end_char, span.label_]


def keep_values(doc: Doc, key: str, names: Sequence[str]) -> None:
    """Note which span each value belongs to, of the values under these names in ``doc.spans[key].attrs``."""
    group = doc.spans[key]
    group.attrs[PLACES] = [place_of(span) for span in group]
    forget_values(doc, key)
    for i, span in enumerate(group):
        values = {name: group.attrs[name][i] for name in names}
        doc.user_data.setdefault(_data_key(key, span), {})[span.label_] = values


def keep_pairs(doc: Doc, key: str, labels: Iterable[Sequence[str]], scores: Iterable[float]) -> None:
    """Note what holds of each pair (head, tail, head, tail, ...) of ``doc.spans[key]``."""
    group = doc.spans[key]
    group.attrs[PLACES] = [place_of(span) for span in group]
    forget_values(doc, key)
    spans = list(group)
    for head, tail, names, score in zip(spans[::2], spans[1::2], labels, scores):
        entries = doc.user_data.setdefault(_data_key(key, head), [])
        entries.append([*_relative(head, tail), list(names), float(score)])


def forget_values(doc: Doc, key: str) -> None:
    """Take off the Doc what was noted of an earlier group under the key."""
    for entry in [entry for entry in doc.user_data if isinstance(entry, tuple) and entry[:2] == ("._.", key)]:
        del doc.user_data[entry]


def value_of(doc: Doc, key: str, number: int, name: str) -> Any:
    """A value of the span with a number in ``doc.spans[key]``; None where it is not known."""
    group = doc.spans[key]
    span = group[number]
    entry = _entry(group.attrs.get(name), group.attrs.get(PLACES), number, span, len(group))
    if entry is not None:
        return entry
    noted = doc.user_data.get(_data_key(key, span))
    return noted.get(span.label_, {}).get(name) if isinstance(noted, dict) else None


def pairs_of(doc: Doc, key: str) -> list[tuple[list[str], float] | None]:
    """Labels and score of each pair (head, tail, head, tail, ...) in ``doc.spans[key]``; None where not known."""
    spans = list(aligned_group(doc, key) or ())
    pairs = list(zip(spans[::2], spans[1::2]))
    attrs = doc.spans[key].attrs if key in doc.spans else {}
    labels, places = _listed(attrs.get("labels")), _listed(attrs.get(PLACES))
    scores = _listed(attrs.get("scores", [1.0] * len(labels)))
    if attrs.get(PLACES) is None and 2 * len(labels) == len(spans):
        places = [place_of(span) for span in spans]
    noted: dict[tuple[Any, ...], list[tuple[list[str], float]]] = {}  # one pair may hold several times, each label once
    if len(places) == 2 * len(labels) == 2 * len(scores):
        for head, tail, names, score in zip(places[::2], places[1::2], labels, scores):
            noted.setdefault((*_listed(head), *_listed(tail)), []).append((list(names), float(score)))
    labels_and_scores: list[tuple[list[str], float] | None] = []
    for head, tail in pairs:
        place = (*place_of(head), *place_of(tail))
        if place not in noted:
            entries = doc.user_data.get(_data_key(key, head), ())
            own = [entry[-2:] for entry in entries if list(entry[:-2]) == _relative(head, tail)]
            noted[place] = [(list(names), float(score)) for names, score in own]
        labels_and_scores.append(noted[place].pop(0) if noted[place] else None)
    return labels_and_scores


def _entry(entries: Any, places: Any, number: int, span: Span, n_spans: int) -> Any:
    """The entry of a span in a list of the group's attrs: by its place where places are noted, else by its number, as
    long as there are as many entries as spans."""
    entries = _listed(entries)
    if places is None:
        return entries[number] if len(entries) == n_spans else None
    places, place = _listed(places), place_of(span)
    if len(places) != len(entries):
        return None
    if number < len(places) and list(_listed(places[number])) == place:  # as a rule: nothing was moved
        return entries[number]
    return next((entry for entry, noted in zip(entries, places) if list(_listed(noted)) == place), None)


def _listed(entries: Any) -> Sequence[Any]:
    """What stands in a group's attrs, where anybody may write anything: what is no list has no entries."""
    return entries if isinstance(entries, (list, tuple)) else ()


def _data_key(key: str, span: Span) -> Any:
    """Where spaCy would keep ``span._.<key>``."""
    return "._.", key, span.start_char, span.end_char


def _relative(head: Span, tail: Span) -> list[Any]:
    """Where the tail stands, counted from the head, and their labels: it holds wherever the text is moved to."""
    return [tail.start_char - head.start_char, tail.end_char - head.start_char, head.label_, tail.label_]
