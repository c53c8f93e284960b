"""CoNLL-U Plus: a word a line, IOB2 tags in as many columns as the nesting needs, blanks and odd words in ``MISC``."""

from collections.abc import Callable, Iterator

from spacy.tokens import Doc, Span, Token

from ...annotations.groups import ENTITIES, FINDINGS, INTENTS
from ...annotations.relations import read_pairs
from ..formats.conll import ENTITY_COLUMN, FINDING_COLUMN, HEADER, misc_of
from ..formats.record import is_label
from .annotated import Told, marked_spans, tell_what_no_format_holds

Layers = dict[str, list[list[tuple[Span, str]]]]  # of a group -> its layers, each with spans that do not overlap
_COLUMNS = {ENTITIES: ENTITY_COLUMN, FINDINGS: FINDING_COLUMN}


def lines(docs: Callable[[], Iterator[Doc]], told: "Told[str]") -> Iterator[str]:
    """The lines of a file. The Docs are read twice: first for the number of columns."""
    n_layers = {ENTITIES: 0, FINDINGS: 0}
    has_blanks = False
    for doc in docs():
        for key, layers in _layers(doc, Told()).items():
            n_layers[key] = max(n_layers[key], len(layers), int(key in doc.spans))
        has_blanks |= not doc.has_unknown_spaces or not all(map(_is_plain, doc))
    if not any(n_layers.values()):
        n_layers[ENTITIES] = 1
    names = [f"{_COLUMNS[key]}{n or ''}" for key, count in n_layers.items() for n in (0, *range(2, count + 1))[:count]]
    yield HEADER + " ".join(["FORM", *(["MISC"] if has_blanks else []), *names])
    for doc in docs():
        if not doc.text.strip():
            told["documents without text"] += 1
            continue
        _tell(doc, told, has_blanks=has_blanks)
        yield "# newdoc"
        yield from _rows(doc, _layers(doc, told), n_layers, has_blanks)


def _rows(doc: Doc, layers: Layers, n_layers: dict[str, int], has_blanks: bool) -> Iterator[str]:
    tags: list[list[str]] = []
    for key, count in n_layers.items():
        for number in range(count):
            column = ["O"] * len(doc)
            for span, tag in layers[key][number] if number < len(layers[key]) else ():
                column[span.start : span.end] = [f"B-{tag}"] + [f"I-{tag}"] * (len(span) - 1)
            tags.append(column)
    for token in doc:
        if token.is_sent_start and token.i:
            yield ""
        is_plain = _is_plain(token)
        misc = [misc_of(token.text, bool(token.whitespace_), is_plain=is_plain)] if has_blanks else []
        yield "\t".join([token.text if is_plain else "_", *misc, *(column[token.i] for column in tags)])
    yield ""


def _is_plain(token: Token) -> bool:
    """Whether a column can hold a word as it is."""
    return is_label(token.text) and not token.text.startswith(("-DOCSTART-", "###MEDLINE:"))


def _layers(doc: Doc, told: "Told[str]") -> Layers:
    """The spans of each group, outer before inner, each in the first layer where it is free."""
    sentence = {token: number for number, bound in enumerate(_sentences(doc)) for token in range(*bound)}
    layers: Layers = {ENTITIES: [], FINDINGS: []}
    for marked in sorted(marked_spans(doc), key=lambda one: (one.span.start, -one.span.end, one.span.label_)):
        span = marked.span
        if not is_label(span.label_):
            told["spans whose label a column cannot hold"] += 1
        elif sentence[span.start] != sentence[span.end - 1]:
            told["spans over several sentences"] += 1
        else:
            said = "+".join((marked.status, *marked.modifiers))
            tag = f"{span.label_}/{said}" if marked.status else span.label_
            free = (layer for layer in layers[marked.key] if layer[-1][0].end <= span.start)
            layer = next(free, None)
            if layer is None:
                layers[marked.key].append([(span, tag)])
            else:
                layer.append((span, tag))
    return layers


def _sentences(doc: Doc) -> list[tuple[int, int]]:
    """Token bounds of the sentences, white space included."""
    return [(sent.start, sent.end) for sent in doc.sents] if doc.has_annotation("SENT_START") else [(0, len(doc))]


def _tell(doc: Doc, told: "Told[str]", *, has_blanks: bool) -> None:
    told["documents in which it is not known where blanks stood"] += int(has_blanks and doc.has_unknown_spaces)
    told["relations and judged pairs"] += len(read_pairs(doc))
    told["intents"] += len(doc.spans.get(INTENTS, ()))
    told["classes of documents"] += len(doc.cats)
    tell_what_no_format_holds(doc, told)
