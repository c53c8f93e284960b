"""Anyone's CoNLL file: a word a line with tags in columns; several columns of tags are layers of one span group.

A Doc is a document where the file parts them (``-DOCSTART-``, ``# newdoc``), else a sentence. Words are kept as given;
where blanks stood between them is known only from a ``MISC`` column, as ``medmtl export conll`` writes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.conll import layout_of, read_header, read_misc
from .formats.iob import Layout, Mention, Sentence, read_sentences
from .formats.record import Entity, Record, is_label
from .options import MODIFIERS, STATUSES
from .records import Rules, convert_records


def convert(
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    *,
    seed: int = 0,
    word: tuple[int, ...],
    tags: tuple[int, ...],
    **rules: Any,
) -> Iterator[Doc]:
    """One Doc for each document or sentence. ``word`` and ``tags``: the columns, where no header of ours names them.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    chosen = Rules(**rules)
    given = Layout(word[0], tags, n_columns=None, comments=True)

    def read(path: Path, audit: Audit) -> Iterator[Record]:
        layout, are_findings = layout_of(read_header(path) or []) or (given, [chosen.group == "findings"] * len(tags))
        for _, sentences in groupby(read_sentences(path, audit, layout), key=_unit):
            yield _record(_bounded(sentences, nlp.max_length), are_findings, audit)

    return convert_records(read, paths, nlp, audit, chosen)


def _unit(sentence: Sentence) -> tuple[int, int]:
    """What a Doc is made of: a numbered document, or else a sentence by its line."""
    return (0, sentence.place.line) if sentence.document is None else (1, sentence.document)


def _bounded(sentences: Iterable[Sentence], n_characters: int) -> list[Sentence]:
    """The sentences of a document; of one that is longer than ``n_characters``, enough of them to be so."""
    kept: list[Sentence] = []
    length = 0
    for sentence in sentences:
        if length <= n_characters:
            kept.append(sentence)
            length += sum(map(len, sentence.words)) + len(sentence.words)
    return kept


def _record(sentences: list[Sentence], are_findings: Sequence[bool], audit: Audit) -> Record:
    words: list[str] = []
    spaces: list[bool] = []
    record = Record("", sentences[0].place, links=None, words=words, by_rule=False)
    entities: list[Entity] = []
    at = 0  # character of the text
    for sentence in sentences:
        record.starts.append(at)
        edges: list[tuple[int, int]] = []
        for number, given in enumerate(sentence.words):
            word, has_space = read_misc(sentence.notes[number], given) if sentence.notes else (given, True)
            words.append(word)
            spaces.append(has_space)
            edges.append((at, at + len(word)))
            at += len(word) + has_space
        for mention in sentence.mentions:
            bounds = edges[mention.start][0], edges[mention.end - 1][1]
            entities += _entity(mention, bounds, are_findings[mention.layer], audit)
    record.text = "".join(word + " " * space for word, space in zip(words, spaces))
    record.spaces = spaces if any(sentence.notes for sentence in sentences) else None
    record.entities = entities
    return record


def _entity(mention: Mention, bounds: tuple[int, int], is_finding: bool, audit: Audit) -> Iterator[Entity]:
    """The entity; of a finding, ``label/status+modifier`` gives what is said about it."""
    label, slash, said = mention.label.rpartition("/")
    parts = said.split("+")
    attributes: tuple[tuple[str, str], ...] = ()
    if is_finding and slash and parts[0] in STATUSES and set(parts[1:]) <= set(MODIFIERS):
        attributes = (("assertion", parts[0]), *((name, "") for name in parts[1:]))
    else:
        label = mention.label
    if is_label(label):
        yield Entity(label, (bounds,), mention.place, attributes)
    else:
        audit.dropped(mention.place, "line", "", "a label with blanks at an edge or characters that cannot be shown")
