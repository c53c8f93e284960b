"""Values that stay with their spans when a group is filtered, joined or copied.

The values of a group are lists in ``SpanGroup.attrs``, one entry a span, for all who read them. spaCy drops or
misplaces such lists when somebody keeps some spans (``doc.spans[key] = [...]``), appends one, or joins Docs
(``Doc.from_docs``). So what the components write is noted twice more, by place: ``attrs["places"]`` says which span
each entry belongs to, and ``Doc.user_data`` holds values under the keys of ``span._.x`` data, which spaCy moves along
with the text. A place is (first character, end character, label). What neither knows is not known: None, and never the
value of another span. Anybody may write anything into either: what is no value of its kind is not known as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacy.tokens import Doc, Span

from ..errors import MedmtlError
from ..kinds import Kind, is_name, is_number
from .steady import PLACES, aligned_group, data_key, is_place


def is_labels(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(is_name, value))


def _is_probability(value: Any) -> bool:
    return is_number(value) and 0.0 <= value <= 1.0 + ROUNDING


def _is_probabilities(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(is_name, value)) and all(map(_is_probability, value.values()))


ROUNDING = 1e-6  # of sums in float32
PROBABILITY = Kind(_is_probability, "a probability")
# what a value must be to be believed, by the name under which the components write it
VALUES = {
    "assertion": Kind(is_name, "a status"),
    "assertion_modifiers": Kind(is_labels, "a list of modifiers"),
    "assertion_scores": Kind(_is_probabilities, "a dict of probabilities"),
    "scores": PROBABILITY,
    "detection_scores": PROBABILITY,
    "speakers": Kind(lambda value: isinstance(value, str), "a name"),
}
OF_PLACES = ("assertion", "assertion_modifiers", "assertion_scores")  # judged of words, whatever their label
ANYTHING = Kind(lambda value: value is not None, "a value")


Judged = tuple[list[str], float] | None  # labels and score of a pair; None: not known


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
        doc.user_data.setdefault(data_key(key, span.start_char, span.end_char), {})[span.label_] = values


def keep_pairs(doc: Doc, key: str, labels: Iterable[Sequence[str]], scores: Iterable[float]) -> None:
    """Note what holds of each pair (head, tail, head, tail, ...) of ``doc.spans[key]``."""
    group = doc.spans[key]
    group.attrs[PLACES] = [place_of(span) for span in group]
    forget_values(doc, key)
    spans = list(group)
    for head, tail, names, score in zip(spans[::2], spans[1::2], labels, scores):
        entries = doc.user_data.setdefault(data_key(key, head.start_char, head.end_char), [])
        entries.append([*_relative(head, tail), list(names), float(score)])


def forget_values(doc: Doc, key: str) -> None:
    """Take off the Doc what was noted of an earlier group under the key."""
    for entry in [entry for entry in doc.user_data if isinstance(entry, tuple) and entry[:2] == ("._.", key)]:
        del doc.user_data[entry]


def value_of(doc: Doc, key: str, number: int, name: str) -> Any:
    """A value of the span with a number in ``doc.spans[key]``; None where it is not known."""
    group = doc.spans[key]
    span = group[number]
    is_value = VALUES.get(name, ANYTHING).is_valid
    # what does not hang on the label stays when a span is labelled anew
    for label in (span.label_, None) if name in OF_PLACES else (span.label_,):
        entry = _entry(group.attrs.get(name), group.attrs.get(PLACES), number, span, len(group), label)
        if is_value(entry):
            return entry
        entry = _noted(doc, key, span, name, label)
        if is_value(entry):
            return entry
    return None


def set_value(doc: Doc, key: str, number: int, name: str, value: Any) -> None:
    """Correct a value of the span with a number in ``doc.spans[key]``; None: it is not known. Raises MedmtlError E105
    for a value that is none of its kind."""
    kind = VALUES.get(name, ANYTHING)
    if value is not None and not kind.is_valid(value):
        raise MedmtlError("E105", name=name, key=key, received=type(value).__name__, expected=kind.expected)
    group = doc.spans[key]
    place = place_of(group[number])
    entries, places = group.attrs.get(name), group.attrs.get(PLACES, [place_of(span) for span in group])
    if isinstance(entries, list) and isinstance(places, list) and len(entries) == len(places) and place in places:
        entries[places.index(place)] = value
    noted = doc.user_data.setdefault(data_key(key, *place[:2]), {})
    if isinstance(noted, dict):
        noted.setdefault(place[2], {})[name] = value


def _noted(doc: Doc, key: str, span: Span, name: str, label: str | None) -> Any:
    """What is noted of a span, or of one that was widened to it where tokens were merged meanwhile. label: of the span;
    None: of whatever label."""
    place = data_key(key, span.start_char, span.end_char)
    noted = [doc.user_data[place] for place in ([place] if place in doc.user_data else _narrower(doc, key, span))]
    labelled = [entry for labels in noted if isinstance(labels, dict) for entry in labels.items()]
    return _agreed([_of(values, name) for own, values in labelled if label is None or own == label])


def _of(values: Any, name: str) -> Any:
    return values.get(name) if isinstance(values, dict) else None


def _agreed(entries: Sequence[Any]) -> Any:
    """What all entries are, or None."""
    return entries[0] if entries and all(entry == entries[0] for entry in entries) else None


def _narrower(doc: Doc, key: str, span: Span) -> list[Any]:
    """The noted places that begin in the first token of a span and end in its last."""
    if span.start == span.end:
        return []
    first, last = span[0].idx + len(span[0]), span[-1].idx
    return [
        entry
        for entry in doc.user_data
        if isinstance(entry, tuple)
        and entry[:2] == ("._.", key)
        and [type(part) for part in entry[2:]] == [int, int]
        and span.start_char <= entry[2] < first
        and last < entry[3] <= span.end_char
    ]


def pairs_of(doc: Doc, key: str) -> list[Judged]:
    """Labels and score of each pair (head, tail, head, tail, ...) in ``doc.spans[key]``; None where not known."""
    spans = list(aligned_group(doc, key) or ())
    pairs = list(zip(spans[::2], spans[1::2]))
    attrs = doc.spans[key].attrs if key in doc.spans else {}
    labels, places = _listed(attrs.get("labels")), _listed(attrs.get(PLACES))
    scores = _listed(attrs.get("scores", [1.0] * len(labels)))
    if attrs.get(PLACES) is None and 2 * len(labels) == len(spans):
        places = [place_of(span) for span in spans]
    noted: dict[tuple[Any, ...], list[Judged]] = {}  # one pair may hold several times, each label once
    if len(places) == 2 * len(labels) == 2 * len(scores):
        for head, tail, names, score in zip(places[::2], places[1::2], labels, scores):
            if is_place(head) and is_place(tail):
                noted.setdefault((*head, *tail), []).append(_judged(names, score))
    labels_and_scores: list[Judged] = []
    for head, tail in pairs:
        place = (*place_of(head), *place_of(tail))
        if place not in noted:
            entries = _listed(doc.user_data.get(data_key(key, head.start_char, head.end_char)))
            own = [entry for entry in map(_listed, entries) if list(entry[:-2]) == _relative(head, tail)]
            noted[place] = [_judged(*entry[-2:]) for entry in own]
        labels_and_scores.append(noted[place].pop(0) if noted[place] else None)
    return labels_and_scores


def _judged(names: Any, score: Any) -> Judged:
    """Labels and score of a pair as they were noted, or None."""
    return (list(names), float(score)) if is_labels(names) and is_number(score) else None


def _entry(entries: Any, places: Any, number: int, span: Span, n_spans: int, label: str | None) -> Any:
    """The entry of a span in a list of the group's attrs: by its place where places are noted, else by its number, as
    long as there are as many entries as spans. label: of the span; None: the entry of whatever label."""
    entries = _listed(entries)
    if places is None:
        return entries[number] if len(entries) == n_spans else None
    places, place = _listed(places), place_of(span)
    if len(places) != len(entries):
        return None
    if number < len(places) and list(_listed(places[number])) == place:  # as a rule: nothing was moved
        return entries[number]
    n_parts = 2 if label is None else None  # of a place: without its label, or all
    wanted = place[:n_parts]
    return _agreed([one for one, noted in zip(entries, map(_listed, places)) if list(noted[:n_parts]) == wanted])


def _listed(entries: Any) -> Sequence[Any]:
    """What stands in a group's attrs, where anybody may write anything: what is no list has no entries."""
    return entries if isinstance(entries, (list, tuple)) else ()


def _relative(head: Span, tail: Span) -> list[Any]:
    """Where the tail stands, counted from the head, and their labels: it holds wherever the text is moved to."""
    return [tail.start_char - head.start_char, tail.end_char - head.start_char, head.label_, tail.label_]
