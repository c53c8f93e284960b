"""Abstracts and their annotations in tables that the id of the document ties together, as BioCreative publishes them:
CHEMDNER (chemicals) and ChemProt (chemicals, genes, what one does to the other).

A table of abstracts has three columns: id, title, abstract. The other tables lie beside it under the same name but for
one word, and have the id in their first column. Offsets count characters of ``title abstract``, joined by one.

    CHEMDNER, annotations:      id, T or A (title or abstract, in which the offsets count), start, end, words, class
    ChemProt, entities:         id, T1, CHEMICAL or GENE-Y or GENE-N, start, end, words
              gold_standard:    id, CPR:4, Arg1:T1, Arg2:T2
              relations:        id, CPR:2, N, the relation's name, Arg1:T1, Arg2:T2

Relations of ChemProt are those of the gold standard: the five groups that the challenge evaluated. The table of all
relations holds further groups; as in the challenge, a pair with one of those counts as judged to have none, and the
audit counts them where the table is there. Judged is each chemical with each gene of its sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..audit import Audit, Place
from ..formats.files import read_lines
from ..formats.words import located
from ..reader import Reader
from ..record import Entity, LinkRow, Record, moved, resolve_links
from ..scheme import Scheme

TEXTS, ANNOTATIONS, ENTITY_ROWS, GOLD, ALL = "abstracts", "annotations", "entities", "gold_standard", "relations"
CLASSES = ("ABBREVIATION", "FAMILY", "FORMULA", "IDENTIFIER", "MULTIPLE", "SYSTEMATIC", "TRIVIAL", "NO CLASS")
CHEMPROT_TYPES = {"CHEMICAL": "Chemical", "GENE-Y": "Gene_or_protein", "GENE-N": "Gene_or_protein"}
RELATIONS = ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")
WRONG = "the offsets do not give the words of the mention in its text"


@dataclass(frozen=True)
class Abstract:
    """A document. ``place`` is its line."""

    id: str
    title: str
    abstract: str
    place: Place

    def record(self) -> Record:
        """The record, not annotated."""
        starts = [len(self.title) + 1] if self.title and self.abstract else []
        return Record(f"{self.title} {self.abstract}", self.place, name=self.id, key=self.id, starts=starts)


@dataclass(frozen=True)
class AnnotationRow:
    """The columns of a line, blanks at their edges removed."""

    columns: list[str]
    place: Place


Rows = dict[str, list[AnnotationRow]]


def read_chemdner(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a table, with the annotations beside it. Raises MedmtlError E401 at the first loss in stop
    mode."""
    table = _beside(path, ANNOTATIONS)
    if table is None:
        _drop_alone(path, [ANNOTATIONS], audit)
        return
    rows = _rows(table, 6, audit)
    for abstract in _abstracts(path, audit):
        record = abstract.record()
        texts = {"T": (0, abstract.title), "A": (len(abstract.title) + 1, abstract.abstract)}
        record.entities = []
        for row in rows.pop(abstract.id, []):
            _, part, start, end, words, label = row.columns
            at, text = texts.get(part, (0, ""))
            found = _entity(row, text, start, end, words, label, audit)
            record.entities += [Entity(label, moved(found.fragments, at), row.place)] if found is not None else []
        yield record
    _drop_left_over(rows, audit)


def read_chemprot(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a table, with the entities and relations beside it. Losses as for ``read_chemdner``."""
    entity_file, gold_file, all_file = (_beside(path, word) for word in (ENTITY_ROWS, GOLD, ALL))
    if entity_file is None or gold_file is None:
        _drop_alone(path, [ENTITY_ROWS, GOLD], audit)
        return
    entities, gold = _rows(entity_file, 6, audit), _rows(gold_file, 4, audit)
    others = _rows(all_file, 6, audit) if all_file is not None else {}
    is_other = [row.columns[2] == "N" for rows in others.values() for row in rows]
    audit.note("relations of groups that are not evaluated, judged as none", sum(is_other))
    for abstract in _abstracts(path, audit):
        record = abstract.record()
        record.entities = []
        by_id: dict[str, Entity] = {}
        for row in entities.pop(abstract.id, []):
            _, name, label, start, end, words = row.columns
            found = _entity(row, record.text, start, end, words, label, audit)
            if found is not None:
                record.entities.append(found)
                by_id.setdefault(name, found)
        stated = (
            LinkRow(label, head.removeprefix("Arg1:"), tail.removeprefix("Arg2:"), row.place)
            for row in gold.pop(abstract.id, [])
            for _, label, head, tail in [row.columns]
        )
        record.links = resolve_links(stated, by_id, audit)
        yield record
    _drop_left_over(entities, audit)
    _drop_left_over(gold, audit)


def _entity(row: AnnotationRow, text: str, start: str, end: str, words: str, label: str, audit: Audit) -> Entity | None:
    are_offsets = all(one.isascii() and one.isdigit() and len(one) < 10 for one in (start, end))
    (fragments,) = located(text, [([(int(start), int(end))], words)], audit) if are_offsets else [None]
    if fragments is None:
        audit.dropped(row.place, "line", "", WRONG)
        return None
    return Entity(label, fragments, row.place)


def _beside(path: Path, word: str) -> Path | None:
    """The table that has ``word`` in its name where that of the texts has its own; the test part of ChemProt adds
    ``_gs`` to some names only. None if there is none."""
    name = path.name.replace(TEXTS, word)
    candidates = [path.with_name(name), path.with_name(name.replace("_gs.", "."))]
    return next((found for found in candidates if TEXTS in path.name and found.is_file()), None)


def _drop_alone(path: Path, words: list[str], audit: Audit) -> None:
    expected = f"expected '{TEXTS}' in the name, and the same with {' and '.join(map(repr, words))} beside it"
    audit.dropped(Place(path, 1), "document", "", f"a companion table is missing: {expected}")


def _abstracts(path: Path, audit: Audit) -> Iterator[Abstract]:
    """The abstracts of a table. A malformed line or a second document with an id is a loss."""
    seen: set[str] = set()
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        columns = line.split("\t")
        if not line.strip():
            continue
        if len(columns) != 3 or not columns[0].strip() or not (columns[1] + columns[2]).strip():
            audit.dropped(place, "document", "", "expected 'id TAB title TAB abstract', not both texts empty")
        elif columns[0].strip() in seen:
            audit.dropped(place, "document", "", "a second document with this id")
        else:
            seen.add(columns[0].strip())
            yield Abstract(columns[0].strip(), columns[1], columns[2], place)


def _rows(path: Path, n_columns: int, audit: Audit) -> Rows:
    """The rows of a table of annotations by document. A line with another number of columns is a loss."""
    rows: Rows = {}
    for number, line in read_lines(path, audit):
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) == n_columns:
            rows.setdefault(columns[0], []).append(AnnotationRow(columns, Place(path, number)))
        elif line.strip():
            reason = f"{len(columns)} columns: expected {n_columns}, separated by tabs"
            audit.dropped(Place(path, number), "line", "", reason)
    return rows


def _drop_left_over(rows: Rows, audit: Audit) -> None:
    """Rows that no document took are a loss."""
    for left in rows.values():
        for row in left:
            audit.dropped(row.place, "line", "", "a row of a document that is not among the texts")


CHEMDNER = Reader(read_chemdner, Scheme(types=dict.fromkeys(CLASSES, "Chemical")), reads_ahead=True)
CHEMPROT = Reader(
    read_chemprot,
    Scheme(types=CHEMPROT_TYPES, relations=RELATIONS, kinds=[("CHEMICAL", "GENE-Y"), ("CHEMICAL", "GENE-N")]),
    reads_ahead=True,
)
