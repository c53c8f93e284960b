"""The rows of a brat ``.ann`` file: mentions, attributes, relations; and what is counted but not kept."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..audit import Audit, Place
from .record import Entity, LinkRow, Record, are_fragments, is_label, resolve_links, same_words
from .standoff import Pair, read_archive, read_files

_MENTION = re.compile(r"(?P<label>\S+) (?P<offsets>\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)", re.ASCII)
_RELATION = re.compile(r"(?P<label>\S+) [^\s:]+:(?P<head>\S+) [^\s:]+:(?P<tail>\S+)\s*")
_ATTRIBUTE = re.compile(r"(?P<name>\S+) (?P<of>\S+)(?: (?P<value>\S.*))?")
_NOT_KEPT = {"E": "events", "*": "equivalences", "N": "normalisations", "#": "annotators' notes"}
Attributes = dict[str, list[tuple[str, str]]]


def read_brat(path: Path, audit: Audit) -> Iterator[Record]:
    """Yield the documents of a ``.zip`` archive, or the one of a ``.txt`` and an ``.ann`` file beside each other.

    Every row is used, counted in the notes or a loss (MedmtlError E401 in stop mode). A mention must give the words of
    the text at its offsets; only white space may differ, since brat writes a blank for a line break.
    """
    pairs = read_archive(path, audit) if path.suffix.lower() == ".zip" else read_files(path, audit)
    for pair in pairs:
        yield _record(pair, audit)


def orphans(paths: Sequence[Path]) -> list[Path]:
    """The ``.ann`` files beside these text files that have no text, sorted."""
    texts = [path for path in paths if path.suffix == ".txt"]
    beside: set[Path] = {ann for folder in {path.parent for path in texts} for ann in folder.glob("*.ann")}
    return sorted(path for path in beside if not path.with_suffix(".txt").exists())


def declared_labels(path: Path) -> dict[str, list[str]]:
    """The sections of the ``annotation.conf`` beside a file, each with the names in it; empty if there is none."""
    try:
        content = (path.parent / "annotation.conf").read_bytes()[:1_000_000].decode("utf-8-sig", errors="replace")
    except OSError:
        return {}
    sections: dict[str, list[str]] = {}
    section: list[str] = []
    for line in content.split("\n"):
        name = line.strip()
        if name.startswith("[") and name.endswith("]"):
            section = sections.setdefault(name[1:-1], [])
        elif name and name[0] not in "#!<-":  # comments, labels that cannot be given, macros, separators
            section.append(re.split(r"[\s,]", name)[0])
    return sections


def _record(pair: Pair, audit: Audit) -> Record:
    mentions: dict[str, Entity] = {}
    attributes: Attributes = {}
    targets: list[tuple[str, Place]] = []
    relations: list[LinkRow] = []
    for number, line in enumerate(pair.annotations.split("\n"), 1):
        row, place = line.rstrip("\r"), Place(pair.rows.file, number)
        if not row.strip():
            continue
        identifier, _, rest = row.partition("\t")
        kind = row[0]
        problem = ""
        if kind == "T":
            entity, problem = _mention(rest, pair.text, place)
            if entity is not None and mentions.setdefault(identifier, entity) is not entity:
                problem = "a second mention with this id"
        elif kind in "AM" and (found := _ATTRIBUTE.fullmatch(rest)):
            attributes.setdefault(found["of"], []).append((found["name"], found["value"] or ""))
            targets.append((found["of"], place))
        elif kind == "R" and (found := _RELATION.fullmatch(rest)) and is_label(found["label"]):
            relations.append(LinkRow(found["label"], found["head"], found["tail"], place))
        elif kind in _NOT_KEPT and rest:
            audit.note(f"{_NOT_KEPT[kind]}, not kept")
        else:
            problem = "not an annotation of brat's standoff format"
        if problem:
            audit.dropped(place, "line", "", problem)
    for target, place in targets:
        if target[0] in "ER":
            audit.note("attributes of events and relations, not kept")
        elif target not in mentions:
            audit.dropped(place, "line", "", "an attribute of no mention of the document")
    return _assembled(pair, mentions, attributes, relations, audit)


def _assembled(
    pair: Pair, mentions: dict[str, Entity], attributes: Attributes, relations: list[LinkRow], audit: Audit
) -> Record:
    found = {
        identifier: Entity(one.label, one.fragments, one.place, tuple(attributes.get(identifier, ())))
        for identifier, one in mentions.items()
    }
    links = resolve_links(relations, found, audit)
    return Record(pair.text, pair.place, entities=list(found.values()), links=links)


def _mention(rest: str, text: str, place: Place) -> tuple[Entity | None, str]:
    """The mention of a row, or none and what is wrong with it."""
    head, tab, words = rest.partition("\t")
    match = _MENTION.fullmatch(head) if tab else None
    if match is None or not is_label(match["label"]):
        return None, "expected 'id TAB label start end TAB words', more stretches as 'start end;start end'"
    numbers = [int(number) for number in re.split("[ ;]", match["offsets"])]
    fragments = tuple(zip(numbers[::2], numbers[1::2]))
    if not are_fragments(fragments, len(text)):
        return None, "the offsets are outside the text or out of order"
    if not same_words(" ".join(text[start:end] for start, end in fragments), words):
        return None, "the offsets do not give the words of the mention"
    return Entity(match["label"], fragments, place), ""
