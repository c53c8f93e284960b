"""DDI 2013: drugs and their interactions, in texts of DrugBank and abstracts.

A ``<document id>`` holds ``<sentence text>``, that ``<entity id charOffset type text>`` and ``<pair e1 e2 ddi type>``.
``charOffset`` counts characters of the sentence, the last one included; ``;`` parts the pieces of a discontinuous name,
which becomes one span from its first to its last character. Every two entities of a sentence are a ``pair``; those
that do not interact (``ddi="false"``) are kept as judged pairs without a label.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES, RELATIONS
from .audit import Audit, Place
from .docs import keep_together, set_sentence_starts, tokens_at
from .entities import drop_unknown, write_mentions
from .entity_relations import EntityPair, write_entity_pairs
from .formats.archive import list_members, member_place, open_archive, read_member
from .formats.mention import Mention
from .formats.stretches import Stretch, are_parted, cover
from .formats.xml_trees import Element, read_tree

LABELS = {name: name for name in ("brand", "drug", "drug_n", "group")}
RELATION_LABELS = ("advise", "effect", "int", "mechanism")
_OFFSETS = re.compile(r"[0-9]{1,9}-[0-9]{1,9}(;[0-9]{1,9}-[0-9]{1,9})*")


@dataclass
class _Text:
    """What is read of a document. Offsets are characters of its sentences, joined with blanks."""

    sentences: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    pairs: list[EntityPair] = field(default_factory=list)


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each document, with its sentences. Raises MedmtlError E401 at the first loss in stop mode."""
    seen: set[str] = set()
    for path in paths:
        for place, content in _documents(path, audit):
            root = read_tree(content, place, audit)
            if root is None:
                continue
            identifier = root.attributes.get("id", "")
            audit.note("document ids that occur again", int(identifier in seen))
            seen.add(identifier)
            text = _read(root, audit)
            length = sum(len(sentence) + 1 for sentence in text.sentences)
            if text.sentences and length <= nlp.max_length:
                doc = _doc(text, nlp, audit)
                keep_together(doc, identifier)
                yield doc
            else:
                audit.dropped(place, "document", "", "a document without sentences, or longer than spaCy reads")


def _documents(path: Path, audit: Audit) -> Iterator[tuple[Place, bytes]]:
    """The XML files in a ``.zip`` archive, or one such file."""
    if path.suffix.lower() != ".zip":
        yield Place(path, 1), path.read_bytes()
        return
    archive = open_archive(path, audit)
    if archive is None:
        return
    with archive:
        for name, info in list_members(archive, path, audit).items():
            place = member_place(path, name)
            if not name.endswith(".xml"):
                audit.dropped(place, "document", "", "not an .xml member")
                continue
            content = read_member(archive, info, place, audit)
            if content is not None:
                yield place, content


def _doc(text: _Text, nlp: Language, audit: Audit) -> Doc:
    doc = nlp.make_doc(" ".join(text.sentences))
    write_mentions(doc, text.mentions, LABELS, audit)
    write_entity_pairs(doc, text.pairs, RELATION_LABELS, audit)
    set_sentence_starts(doc, tokens_at(doc, text.offsets))
    return doc


def _read(root: Element, audit: Audit) -> _Text:
    text = _Text()
    first = 0
    for sentence in root.children:
        words = sentence.attributes.get("text", "")
        if sentence.name != "sentence" or (sentence.children and not words.strip()):
            audit.dropped(sentence.place, "line", "", "expected a sentence, and no annotations where its text is empty")
        elif not words.strip():
            audit.note("empty sentences left out")
        else:
            text.sentences.append(words)
            text.offsets.append(first)
            _add_annotations(text, sentence, first, audit)
            first += len(words) + 1
    return text


def _add_annotations(text: _Text, sentence: Element, first: int, audit: Audit) -> None:
    mentions: dict[str, Mention] = {}
    for element in sentence.children:
        here, values = element.place, element.attributes
        if element.name == "entity":
            if values.get("type") not in LABELS:
                drop_unknown(here, LABELS, audit)
                continue
            words = sentence.attributes.get("text", "")
            pieces = _pieces(values, words)
            if pieces is None:
                audit.dropped(here, ENTITIES, values["type"], "the offsets do not give the words of the entity")
                continue
            start, end = cover(pieces)
            is_covered = are_parted(pieces, words)
            mention = Mention(first + start, first + end, values["type"], here, is_covered=is_covered)
            mentions[values.get("id", "")] = mention
            text.mentions.append(mention)
        elif element.name == "pair":
            problem = _problem(values, mentions)
            if problem:
                audit.dropped(here, RELATIONS, "", problem)
                continue
            label = values["type"] if values["ddi"] == "true" else None
            text.pairs.append(EntityPair(mentions[values["e1"]], mentions[values["e2"]], label, here))
        else:
            audit.dropped(here, "line", "", "neither an entity nor a pair")


def _pieces(entity: Mapping[str, str], text: str) -> list[Stretch] | None:
    """The characters of the pieces of an entity, ends exclusive; None if they are not its words."""
    offsets = entity.get("charOffset", "")
    if not _OFFSETS.fullmatch(offsets):
        return None
    numbers = [int(number) for number in re.split("[-;]", offsets)]
    pieces = [(start, end + 1) for start, end in zip(numbers[::2], numbers[1::2])]
    found, words = ("".join(text[slice(*piece)] for piece in pieces), entity.get("text", ""))
    if max(numbers) >= len(text) or "".join(found.split()) != "".join(words.split()) or not words.strip():
        return None  # the words of pieces come with or without a blank between them
    return pieces


def _problem(pair: Mapping[str, str], mentions: Mapping[str, Mention]) -> str:
    """What is wrong with a pair, or nothing."""
    if pair.get("e1") not in mentions or pair.get("e2") not in mentions:
        return "an entity of the pair is lost or missing"
    if pair.get("ddi") not in ("true", "false"):
        return "a pair whose ddi is not 'true' or 'false'"
    if pair.get("ddi") == "true" and pair.get("type") not in RELATION_LABELS:
        return f"an interaction without a known type: expected one of {', '.join(RELATION_LABELS)}"
    return ""
