"""PubTator: title and abstract lines, then one tab-separated row for each mention or relation, then a blank line.

Of BC5CDR and NCBI-disease, published so, the classes are known (``public/shared_formats``); here they are any.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit, Place, need
from ..options import SPANS
from ..reader import Reader
from ..record import Entity, Record, is_offset
from ..scheme import Scheme
from .files import MARK, read_lines
from .words import Mention, entities_at

_TEXT = re.compile(r"(?P<id>[^|\t]*[^|\t ])(?: *\| *(?P<part>[taTA]) *)\|(?P<text>.*)")
_ROW = re.compile(r".*\t|[^|\t]+\|\w\||\S+ +\d+ +\d+ ")  # what continues no text
COMPOSITE = "CompositeMention"  # how NCBI-disease marks what BC5CDR marks by a column with the single mentions
Lines = list[tuple[int, str]]


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """Yield the articles of a file: the title, a blank, the abstract, as the offsets count. Relations are between
    concepts, not mentions; they are counted."""
    block: Lines = []
    is_parted = False  # whether a blank line stands before this one
    for number, line in read_lines(path, audit):
        line = line.removeprefix(MARK)  # of a file that was appended to another
        match = _TEXT.fullmatch(line)
        starts_article = match is not None and match["part"].lower() == "t"
        if not block and line.startswith("#") and match is None:
            audit.note("comment lines, not used")
            continue
        if block and line.strip() and (starts_article or (is_parted and _id(line) != _id(block[0][1]))):
            yield from _articles(path, block, audit)
            block = []
        is_parted = not line.strip()
        if line.strip():
            block.append((number, line))
    if block:
        yield from _articles(path, block, audit)


READER = Reader(
    read,
    Scheme(is_open=True),
    suffixes=(".txt", ".pubtator"),
    options={key: SPANS[key] for key in ("group", "labels")},
)


def _id(line: str) -> str:
    """The id at the beginning of a line of text or of a row."""
    match = _TEXT.fullmatch(line)
    return match["id"] if match else line.split("\t")[0]


def _articles(path: Path, block: Lines, audit: Audit) -> Iterator[Record]:
    """The article of one block of lines, or none if it lacks its text."""
    texts: dict[str, str] = {}
    rows: Lines = []
    identifier: str | None = None
    for number, line in block:
        match = _TEXT.fullmatch(line)
        if match is None and texts and not rows and not _ROW.match(line):
            texts[list(texts)[-1]] += f"\n{line}"  # an abstract of several paragraphs
            audit.note("lines that continue a title or an abstract")
        elif match is None:
            rows.append((number, line))
        elif match["part"].lower() in texts or identifier not in (None, match["id"]):
            audit.dropped(Place(path, number), "line", "", "a second title or abstract in one document")
        else:
            identifier = match["id"]
            is_tight = line.startswith(f"{identifier}|{match['part']}|")
            texts[match["part"].lower()] = match["text"] if is_tight else match["text"].lstrip(" ")
    first = Place(path, block[0][0])
    if identifier is None:
        audit.dropped(first, "document", "", "a document without a text: expected an 'id|t|' and an 'id|a|' line")
        for number, _ in rows:
            audit.dropped(Place(path, number), "line", "", "a row of a document without its text")
        return
    if len(texts) < 2:
        audit.note("documents with a title or an abstract only")
    title, abstract = texts.get("t", ""), texts.get("a", "")
    text = title if "a" not in texts else abstract if "t" not in texts else f"{title} {abstract}"
    record = Record(text, first, name=identifier, key=identifier, starts=[len(title) + 1] if title and abstract else [])
    record.entities = _entities(record, rows, path, audit, seam=len(title) if "t" in texts and abstract else None)
    yield record


def _entities(record: Record, rows: Lines, path: Path, audit: Audit, *, seam: int | None) -> list[Entity]:
    """The mentions of the rows. ``seam``: the blank between title and abstract."""
    mentions: list[Mention] = []
    n_members: list[int] = []
    for number, line in rows:
        place = Place(path, number)
        with audit.losing(place):
            columns = line.split("\t")
            need(len(columns) > 1, "a row whose columns are not separated by tabs")
            need(columns[0] == record.name, "a row with the id of another document")
            if len(columns) in (4, 5) and columns[1][:1].isalpha():  # BioRED has a fifth column
                audit.note("relation lines not used")
                continue
            need(len(columns) > 4, f"{len(columns)} columns: expected 5 to 7 (a mention), 4 or 5 (a relation)")
            are_offsets = all(map(is_offset, columns[1:3]))
            need(are_offsets, "columns 2 and 3 are no character offsets")
            mentions.append(Mention([(int(columns[1]), int(columns[2]))], columns[3], columns[4], place))
            n_members.append(columns[6].count("|") + 1 if len(columns) > 6 else 1)
    entities: list[Entity] = []
    for n, entity in zip(n_members, entities_at(record.text, mentions, audit, seam=seam)):
        if entity is not None:
            audit.note("composite mentions kept as one span", int(n > 1 or entity.label == COMPOSITE))
            entities.append(entity)
    return entities
