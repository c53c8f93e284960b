"""brat standoff: ``x.txt`` is a text, ``x.ann`` its annotations; in a folder, or in a zip archive that is not unpacked.

Every row is used, counted or a loss. A mention must give the words of the text at its offsets, as ``words`` says.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath

from ..audit import Audit, LossError, Place, need
from ..options import DISCONTINUOUS, KINDS, SPANS
from ..reader import Reader
from ..record import Bounds, LinkRow, Record, is_label, resolve_links
from ..scheme import Scheme
from .archive import MAX_BYTES, Archive, opened
from .files import decoded, read_text, suffix_forms
from .words import Mention, entities_at

# between label and offsets other programs write tabs or several blanks, and labels with blanks in them
_MENTION = re.compile(
    r"(?P<label>[^\s\d][^\t\n]*?)[ \t]+(?P<offsets>[0-9]{1,9}[ \t]+[0-9]{1,9}(?:;[0-9]{1,9}[ \t]+[0-9]{1,9})*)"
    r"[ \t](?P<words>.*)",
    re.DOTALL,
)
_RELATION = re.compile(r"(?P<label>\S+)[ \t]+(?:[^\s:]+:)?(?P<head>\S+)[ \t]+(?:[^\s:]+:)?(?P<tail>\S+)\s*")
_ATTRIBUTE = re.compile(r"(?P<name>\S+)[ \t]+(?P<of>\S+)(?:[ \t]+(?P<value>\S.*))?\s*")
_PARTED = re.compile(r"(\S+)[ \t]+(.*)", re.DOTALL)
_EVENT = re.compile(r"\S+:(?P<trigger>T\S+)")
_ROW = re.compile(r"([TREAMN#]\S*|\*)\t")
_NOT_KEPT = {"E": "events", "*": "equivalences", "N": "normalisations", "#": "annotators' notes"}
_ORDER = "expected 'id TAB label start end TAB words', more stretches as 'start end;start end'"
CONFIGURATION = "annotation.conf"


@dataclass(frozen=True)
class Pair:
    """A text and its annotations. ``more``: those of a second file, with its path. ``has_mark``: a byte order mark
    stood before the text."""

    text: str
    annotations: str
    place: Place
    rows: Path
    has_mark: bool = False
    configuration: str = ""
    more: Sequence[tuple[str, Path]] = ()


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """Yield the documents of a ``.zip`` archive, or the one of a ``.txt`` and an ``.ann`` file beside each other.

    A text that nobody annotated is counted, and so is an empty one.
    """
    for pair in read_pairs(path, audit):
        declared = declared_names(pair.configuration)
        record = _record(pair, audit)
        labels, relations = declared.get("entities", ()), declared.get("relations", ())
        yield replace(record, declared_labels=labels, declared_relations=relations, is_explicit=False)


def read_lines_apart(path: Path, audit: Audit) -> Iterator[Record]:
    """``read`` for published corpora of texts whose lines are sentences: without the line feeds at their end, and with
    nothing but mentions of known labels to count."""
    for pair in read_pairs(path, audit, is_complete=True):
        record = _record(replace(pair, text=pair.text.rstrip("\r\n")), audit)
        starts = [match.end() for match in re.finditer("\n", record.text)]
        if record.text.strip() or record.entities:
            yield replace(record, starts=starts, links=None)
        else:
            audit.dropped(record.place, "document", "", "an empty text")


SUFFIXES = (".txt", ".ann", ".a1", ".a2")
READER = Reader(read, Scheme(is_open=True), suffixes=SUFFIXES, options={**SPANS, **KINDS, **DISCONTINUOUS})


def read_pairs(path: Path, audit: Audit, *, is_complete: bool = False) -> Iterator[Pair]:
    """The pairs of an archive, or the one that a text or an ``.ann`` file belongs to; each once. ``is_complete``: a
    text without annotations is a loss; else it is one that nobody has annotated yet."""
    if path.suffix.lower() == ".zip":
        with audit.losing(Place(path, 1)), opened(path, audit) as archive:
            yield from _from_archive(archive, audit, is_complete)
        return
    if path.suffix.lower() not in SUFFIXES:
        expected = f"expected a folder, a .zip, or files that end in {', '.join(SUFFIXES)}"
        audit.dropped(Place(path, 1), "document", "", f"neither a text nor annotations of brat: {expected}")
        return
    text, rows = _beside(path, ".txt"), _beside(path, ".ann")
    if text in audit.read:
        return
    audit.read.add(text)
    is_shared_task = not rows.exists() and _beside(path, ".a1").exists()
    if is_shared_task:  # of BioNLP: what is given in .a1, what is to be found in .a2
        rows = _beside(path, ".a1")
    if not rows.exists():
        audit.note("texts without an .ann file, left out")
    elif not text.exists():
        with audit.losing(Place(rows, 1)):
            _drop_orphan(read_text(rows, audit, max_bytes=MAX_BYTES), Place(rows, 1), audit)
    else:
        with text.open("rb") as stream:
            has_mark = stream.read(3) == codecs.BOM_UTF8
        contents = [partial(read_text, file, audit, max_bytes=MAX_BYTES) for file in (text, rows)]
        more: list[tuple[str, Path]] = []
        second = _beside(path, ".a2")
        if is_shared_task and second.exists():
            with audit.losing(Place(second, 1)):
                more.append((read_text(second, audit, max_bytes=MAX_BYTES), second))
        for pair in _pair(contents, (Place(text, 1), Place(rows, 1)), _configuration(path.parent), audit):
            yield replace(pair, has_mark=has_mark, more=more)


def _beside(path: Path, suffix: str) -> Path:
    """The file of a pair with this suffix, be it in capital letters or begin with one; ``path`` itself if it has it."""
    if path.suffix.lower() == suffix:
        return path
    forms = map(path.with_suffix, reversed(suffix_forms(suffix)))
    return next((form for form in forms if form.exists()), path.with_suffix(suffix))


def _from_archive(archive: Archive, audit: Audit, is_complete: bool) -> Iterator[Pair]:
    marked: set[str] = set()

    def text_of(name: str) -> str:
        content = archive.read(name)
        if content.startswith(codecs.BOM_UTF8):
            marked.add(name)
        return decoded(content, archive.place(name), audit)

    configurations: dict[PurePosixPath, str] = {}
    for name in archive.members:
        if PurePosixPath(name).name == CONFIGURATION:
            with audit.losing(archive.place(name)):
                content = archive.read(name).decode("utf-8-sig", errors="replace")
                configurations[PurePosixPath(name).parent] = content
    members = {name[:-4] + name[-4:].lower(): name for name in archive.members}  # suffixes in small letters
    for key, name in members.items():
        stem, end = key[:-4], key[-4:]
        text_name, rows_name = members.get(f"{stem}.txt"), members.get(f"{stem}.ann")
        if end == ".txt" and rows_name is None and is_complete:
            audit.dropped(archive.place(f"{stem}.ann"), "document", "", "the member is missing: expected .txt and .ann")
        elif end == ".txt" and rows_name is None:
            audit.note("texts without an .ann file, left out")
        elif end == ".ann" and text_name is None:
            with audit.losing(archive.place(name)):
                _drop_orphan(text_of(name), archive.place(name), audit)
        elif end == ".txt" and rows_name is not None:
            folders = PurePosixPath(name).parents
            configuration = next((configurations[folder] for folder in folders if folder in configurations), "")
            contents = [partial(text_of, name), partial(text_of, rows_name)]
            places = archive.place(name), archive.place(rows_name)
            for pair in _pair(contents, places, configuration, audit):
                yield replace(pair, has_mark=name in marked)
        elif end not in (".ann", "conf"):
            audit.note("other files in an archive, left out")


def _drop_orphan(annotations: str, place: Place, audit: Audit) -> None:
    """Annotations without their text are a loss, unless there are none."""
    if annotations.strip():
        audit.dropped(place, "document", "", "annotations without a .txt file beside them")
        _drop_mentions(annotations, place.file, audit)


def _drop_mentions(annotations: str, rows: Path, audit: Audit) -> None:
    for number, row in enumerate(annotations.split("\n"), 1):
        if row.startswith("T"):
            audit.dropped(Place(rows, number), "line", "", "a mention of a document without its text")


def _pair(
    contents: Sequence[Callable[[], str]], places: tuple[Place, Place], conf: str, audit: Audit
) -> Iterator[Pair]:
    """The pair, or none if one of the two cannot be read: then each of its mentions is lost."""
    read: dict[Place, str] = {}
    for content, place in zip(contents, places):
        with audit.losing(place):
            read[place] = content()
    if len(read) < 2:
        _drop_mentions(read.get(places[1], ""), places[1].file, audit)
    elif "".join(read.values()).strip():
        yield Pair(read[places[0]], read[places[1]], places[0], places[1].file, configuration=conf)
    else:
        audit.note("empty texts, left out")


def _configuration(folder: Path) -> str:
    """The ``annotation.conf`` of a folder, or of the nearest one around it that has texts beside it."""
    for candidate in (folder, folder.parent):
        try:
            return (candidate / CONFIGURATION).read_bytes()[:1_000_000].decode("utf-8-sig", errors="replace")
        except OSError:
            continue
    return ""


def declared_names(configuration: str) -> dict[str, list[str]]:
    """The sections of an ``annotation.conf``, each with the names in it."""
    sections: dict[str, list[str]] = {}
    section: list[str] = []
    for line in configuration.split("\n"):
        name = line.strip()
        if name.startswith("[") and name.endswith("]"):
            section = sections.setdefault(name[1:-1], [])
        elif name and name[0] not in "#!<-":  # comments, labels that cannot be given, macros, separators
            section.append(re.split(r"[\s,]", name)[0])
    return sections


def _record(pair: Pair, audit: Audit) -> Record:
    mentions: dict[str, Mention] = {}
    triggers: dict[str, str] = {}  # event -> the mention that names it, which has what is said of the event
    said: list[tuple[str, tuple[str, str], Place]] = []  # id of what an attribute is of, name and value
    relations: list[LinkRow] = []
    for row, place in _rows(pair):
        identifier, rest = match.groups() if (match := _PARTED.fullmatch(row)) else (row, "")
        kind = row[0]
        with audit.losing(place):
            if kind == "T":
                mention = _mention(rest, place)
                need(mentions.setdefault(identifier, mention) is mention, "a second mention with this id")
            elif kind in "AM" and (match := _ATTRIBUTE.fullmatch(rest)):
                said.append((match["of"], (match["name"], (match["value"] or "").strip()), place))
            elif kind == "R" and (match := _RELATION.fullmatch(rest)) and is_label(match["label"]):
                relations.append(LinkRow(match["label"], match["head"], match["tail"], place))
            elif kind in _NOT_KEPT and (rest or kind == "#"):
                if (event := _EVENT.match(rest)) and kind == "E":
                    triggers[identifier] = event["trigger"]
                audit.note(f"{_NOT_KEPT[kind]}, not kept")
            else:
                raise LossError("not an annotation of brat's standoff format")
    attributes: dict[str, list[tuple[str, str]]] = {}
    for of, attribute, place in said:
        target = triggers.get(of, of)
        if target in mentions:
            attributes.setdefault(target, []).append(attribute)
        elif of.startswith("R"):
            audit.note("attributes of relations, not kept")
        else:
            audit.dropped(place, "line", "", "an attribute of no mention of the document")
    given = [replace(one, attributes=tuple(attributes.get(name, ()))) for name, one in mentions.items()]
    found = zip(mentions, entities_at(pair.text, given, audit, has_mark=pair.has_mark))
    entities = {name: entity for name, entity in found if entity is not None}
    named = {event: entities[mention] for event, mention in triggers.items() if mention in entities}
    links = resolve_links(relations, {**named, **entities}, audit)
    return Record(pair.text, pair.place, entities=list(entities.values()), links=links)


def _rows(pair: Pair) -> Iterable[tuple[str, Place]]:
    """The rows that are not blank. Where the words of a mention hold the line feed of the text, its row takes two
    lines."""
    for annotations, path in ((pair.annotations, pair.rows), *pair.more):
        yield from _rows_of(annotations, path)


def _rows_of(annotations: str, path: Path) -> Iterable[tuple[str, Place]]:
    row, place = "", Place(path, 1)
    end = "\r" if "\r" in annotations and "\n" not in annotations else "\n"
    lines = ((line.rstrip("\r"), Place(path, number)) for number, line in enumerate(annotations.split(end), 1))
    for line, here in chain(lines, [("T0\t", place)]):
        if row.startswith("T") and not _ROW.match(line) and _lacks_words(row):
            row += f"\n{line}"
            continue
        if row.strip():
            yield row, place
        row, place = line, here


def _lacks_words(row: str) -> bool:
    """Whether the words of a mention are fewer than its offsets say, so that they may go on."""
    parts = _PARTED.fullmatch(row)
    match = _MENTION.fullmatch(parts[2]) if parts else None
    words = match["words"] if match else None
    fragments = _fragments(match["offsets"]) if match and words else ()
    length = sum(end - start for start, end in fragments) + len(fragments) - 1
    is_short = bool(fragments) and fragments[-1][1] - fragments[0][0] < MAX_BYTES
    return is_short and len(words or "") < length


def _fragments(offsets: str) -> tuple[Bounds, ...]:
    numbers = [int(number) for number in re.split("[ \t;]+", offsets)]
    return tuple(zip(numbers[::2], numbers[1::2]))


def _mention(rest: str, place: Place) -> Mention:
    """The mention of a row. Raises LossError."""
    match = _MENTION.fullmatch(rest.lstrip(" \t"))
    match = need(match if match and is_label(match["label"]) else None, _ORDER)
    return Mention(_fragments(match["offsets"]), match["words"] or None, match["label"], place)
