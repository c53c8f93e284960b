"""CoNLL-U Plus: a word a line, IOB2 tags in as many columns as the nesting needs, blanks and odd words in ``MISC``."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from ..formats.conll import ENTITY_COLUMN, FINDING_COLUMN, HEADER, misc_of
from ..record import Entity, Record, is_label
from ..scheme import FINDINGS_ONLY, NER, only_group
from .recorded import Told, tell_unheld

Layer = list[tuple[int, int, str]]  # spans that do not overlap: tokens and tag
Layers = dict[str, list[Layer]]  # by group
_COLUMNS = {NER: ENTITY_COLUMN, FINDINGS_ONLY: FINDING_COLUMN}


def lines(records: Callable[[], Iterator[Record]], told: "Told[str]") -> Iterator[str]:
    """The lines of a file. The records are read twice: first for the number of columns."""
    n_layers = {NER: 0, FINDINGS_ONLY: 0}
    has_blanks = False
    for record in records():
        for key, layers in _layers(record, Told()).items():
            n_layers[key] = max(n_layers[key], len(layers))
        n_layers[NER] = max(n_layers[NER], int(record.entities is not None and not record.has_findings_only))
        has_blanks |= record.spaces is not None or not all(map(_is_plain, record.words or ()))
    n_layers[NER] = max(n_layers[NER], int(not any(n_layers.values())))
    names = [f"{_COLUMNS[key]}{n or ''}" for key, count in n_layers.items() for n in (0, *range(2, count + 1))[:count]]
    yield HEADER + " ".join(["FORM", *(["MISC"] if has_blanks else []), *names])
    for record in records():
        told["documents in which it is not known where blanks stood"] += int(has_blanks and record.spaces is None)
        told["relations and judged pairs"] += len({(link.head.bounds, link.tail.bounds) for link in record.links or ()})
        tell_unheld(record, told)
        yield "# newdoc"
        yield from _rows(record, _layers(record, told), n_layers, has_blanks)


def _rows(record: Record, layers: Layers, n_layers: dict[str, int], has_blanks: bool) -> Iterator[str]:
    words = record.words or []
    columns: list[list[str]] = []
    for key, count in n_layers.items():
        for number in range(count):
            column = ["O"] * len(words)
            for start, end, tag in layers[key][number] if number < len(layers[key]) else ():
                column[start:end] = [f"B-{tag}"] + [f"I-{tag}"] * (end - start - 1)
            columns.append(column)
    begins, starts = record.word_starts(), set(record.starts)
    for at, word in enumerate(words):
        if at and begins[at] in starts:
            yield ""
        is_plain = _is_plain(word)
        has_space = record.spaces is None or record.spaces[at]
        misc = [misc_of(word, has_space, is_plain=is_plain)] if has_blanks else []
        yield "\t".join([word if is_plain else "_", *misc, *(column[at] for column in columns)])
    yield ""


def _is_plain(word: str) -> bool:
    """Whether a column can hold a word as it is."""
    return is_label(word) and not word.startswith(("-DOCSTART-", "###MEDLINE:"))


def _layers(record: Record, told: "Told[str]") -> Layers:
    """The spans of each group, outer before inner, each in the first layer where it is free."""
    begins = record.word_starts()
    layers: Layers = {NER: [], FINDINGS_ONLY: []}
    edges = [(entity.bounds, entity) for entity in record.entities or ()]
    spans = [(bisect_right(begins, start) - 1, bisect_left(begins, end), entity) for (start, end), entity in edges]
    for start, end, entity in sorted(spans, key=lambda span: (span[0], -span[1], span[2].label)):
        if not is_label(entity.label):
            told["spans whose label a column cannot hold"] += 1
        elif any(begins[start] < first <= begins[end - 1] for first in record.starts):
            told["spans over several sentences"] += 1
        else:
            for group, tag in _tags(entity):
                free = [layer for layer in layers[group] if layer[-1][1] <= start]
                if not free:
                    layers[group].append([])
                (free or layers[group][-1:])[0].append((start, end, tag))
    return layers


def _tags(entity: Entity) -> Iterator[tuple[str, str]]:
    """The groups of an entity, each with the tag there."""
    said = dict(entity.attributes)
    only = only_group(entity)
    if only != FINDINGS_ONLY:
        yield NER, entity.label
    if "assertion" in said and only != NER:
        held = (name for name, value in entity.attributes if not value)
        yield FINDINGS_ONLY, f"{entity.label}/{'+'.join((said['assertion'], *held))}"
