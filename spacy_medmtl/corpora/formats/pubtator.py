"""PubTator: title and abstract lines, then one tab-separated row for each mention or relation, then a blank line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..audit import Audit, Place
from .lines import read_lines
from .mention import Mention

_TEXT = re.compile(r"(?P<id>[^|\t]+)\|(?P<part>[ta])\|(?P<text>.*)")
Lines = list[tuple[int, str]]


@dataclass(frozen=True)
class ArticleMention(Mention):
    """A mention in ``Article.text``. ``members``: how many single mentions a composite one names."""

    members: int


@dataclass
class Article:
    """One document: the title, a blank, the abstract, as the offsets count."""

    id: str
    title: str
    abstract: str
    place: Place
    mentions: list[ArticleMention] = field(default_factory=list)
    n_relations: int = 0

    @property
    def text(self) -> str:
        """What the offsets refer to."""
        return f"{self.title} {self.abstract}"


def read_articles(path: Path, audit: Audit) -> Iterator[Article]:
    """Yield the articles of a file. What is malformed is a loss with its line (MedmtlError E401 in stop mode)."""
    block: Lines = []
    for number, line in read_lines(path, audit):
        match = _TEXT.fullmatch(line)
        starts_article = match is not None and match["part"] == "t"
        if block and (not line.strip() or starts_article):
            yield from _articles(path, block, audit)
            block = []
        if line.strip():
            block.append((number, line))
    if block:
        yield from _articles(path, block, audit)


def _articles(path: Path, block: Lines, audit: Audit) -> Iterator[Article]:
    """The article of one block of lines, or none if it lacks its text."""
    texts: dict[str, str] = {}
    rows: Lines = []
    identifier: str | None = None
    for number, line in block:
        match = _TEXT.fullmatch(line)
        if match is None:
            rows.append((number, line))
        elif match["part"] in texts or identifier not in (None, match["id"]):
            audit.dropped(Place(path, number), "line", "", "a second title or abstract in one document")
        else:
            identifier = match["id"]
            texts[match["part"]] = match["text"]
    first = Place(path, block[0][0])
    if identifier is None or set(texts) != {"t", "a"}:
        audit.dropped(first, "document", "", "a document without both texts: expected an 'id|t|' and an 'id|a|' line")
        for number, _ in rows:
            audit.dropped(Place(path, number), "line", "", "a row of a document without its text")
        return
    article = Article(identifier, texts["t"], texts["a"], first)
    for number, line in rows:
        _add_row(article, line, Place(path, number), audit)
    yield article


def _add_row(article: Article, line: str, place: Place, audit: Audit) -> None:
    columns = line.split("\t")
    if columns[0] != article.id:
        audit.dropped(place, "line", "", "a row with the id of another document")
    elif len(columns) in (4, 5) and columns[1][:1].isalpha():  # BioRED has a fifth column
        article.n_relations += 1
    elif len(columns) not in (6, 7):
        audit.dropped(place, "line", "", f"{len(columns)} columns: expected 6 or 7 (a mention), 4 or 5 (a relation)")
    elif not (_is_offset(columns[1]) and _is_offset(columns[2])):
        audit.dropped(place, "line", "", "columns 2 and 3 are no character offsets")
    else:
        start, end, words, label = int(columns[1]), int(columns[2]), columns[3], columns[4]
        if not 0 <= start < end <= len(article.text) or article.text[start:end] != words:
            reason = "the offsets do not give the words of the mention"
            audit.dropped(place, "line", label, reason, (start, end))
        else:
            members = columns[6].count("|") + 1 if len(columns) == 7 else 1
            article.mentions.append(ArticleMention(start, end, label, place, members))


def _is_offset(column: str) -> bool:
    return column.isascii() and column.isdigit() and len(column) < 10
