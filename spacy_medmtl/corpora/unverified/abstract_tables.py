"""Abstracts and their annotations in tables that the id of the document ties together, as BioCreative publishes them:
CHEMDNER (chemicals) and ChemProt (chemicals, genes, what one does to the other).

A table of abstracts has three columns: id, title, abstract. The other tables lie beside it under the same name but for
one word, and have the id in their first column. Offsets count characters of ``title abstract``, joined by one.

    CHEMDNER, annotations:      id, T or A (title or abstract, in which the offsets count), start, end, words, class
    ChemProt, entities:         id, T1, CHEMICAL or GENE-Y or GENE-N, start, end, words
              gold_standard:    id, CPR:4, Arg1:T1, Arg2:T2
              relations:        id, CPR:2, N, the relation's name, Arg1:T1, Arg2:T2

Relations of ChemProt are those of the gold standard; as in the challenge, a pair with one of another group counts as
judged to have none. Judged is each chemical with each gene of its sentence.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..audit import Audit, Place, need
from ..formats.files import read_rows
from ..formats.words import Mention, entities_at
from ..reader import Reader
from ..record import Entity, LinkRow, Record, is_offset, moved, resolve_links
from ..scheme import Scheme

TEXTS, ANNOTATIONS, ENTITY_ROWS, GOLD, ALL = "abstracts", "annotations", "entities", "gold_standard", "relations"
CLASSES = ("ABBREVIATION", "FAMILY", "FORMULA", "IDENTIFIER", "MULTIPLE", "SYSTEMATIC", "TRIVIAL", "NO CLASS")
CHEMPROT_TYPES = {"CHEMICAL": "Chemical", "GENE-Y": "Gene_or_protein", "GENE-N": "Gene_or_protein"}
RELATIONS = ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")
Rows = dict[str, list[tuple[Place, list[str]]]]  # by the id of the document: place, columns


def read_chemdner(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a table, with the annotations beside it."""
    for record, title, tables in _documents(path, {ANNOTATIONS: 6}, audit):
        record.entities = []
        for place, (_, part, start, end, words, label) in tables[ANNOTATIONS]:
            begin = {"T": 0, "A": len(title) + 1}.get(part)
            text = "" if begin is None else title if part == "T" else record.text[begin:]
            record.entities += _entity(text, begin or 0, place, start, end, words, label, audit)
        yield record


def read_chemprot(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a table, with the entities and relations beside it."""
    relation_file = _beside(path, ALL)
    rows = _rows(relation_file, 6, audit) if relation_file is not None else {}
    n_other = sum(columns[2] == "N" for document_rows in rows.values() for _, columns in document_rows)
    audit.note("relations of groups that are not evaluated, judged as none", n_other)
    for record, _, tables in _documents(path, {ENTITY_ROWS: 6, GOLD: 4}, audit):
        record.entities = []
        by_id: dict[str, Entity] = {}
        for place, (_, name, label, start, end, words) in tables[ENTITY_ROWS]:
            for entity in _entity(record.text, 0, place, start, end, words, label, audit):
                record.entities.append(entity)
                by_id.setdefault(name, entity)
        stated = (
            LinkRow(label, head.removeprefix("Arg1:"), tail.removeprefix("Arg2:"), place)
            for place, (_, label, head, tail) in tables[GOLD]
        )
        record.links = resolve_links(stated, by_id, audit)
        yield record


def _entity(
    text: str, begin: int, place: Place, start: str, end: str, words: str, label: str, audit: Audit
) -> Iterator[Entity]:
    """The mention in a text that begins at ``begin`` of the document's, or a loss."""
    stretch = (int(start), int(end)) if is_offset(start) and is_offset(end) else (-1, -1)
    (entity,) = entities_at(text, [Mention([stretch], words, label, place)], audit)
    if entity is not None:
        yield replace(entity, fragments=moved(entity.fragments, begin))


def _documents(path: Path, tables: dict[str, int], audit: Audit) -> Iterator[tuple[Record, str, Rows]]:
    """The documents of a table of abstracts: a record that is not annotated, the title, and its rows of the tables that
    must lie beside it (name -> number of columns). Rows that no document takes are a loss."""
    files = {word: _beside(path, word) for word in tables}
    if None in files.values():
        expected = f"expected '{TEXTS}' in the name, and the same with {' and '.join(map(repr, tables))} beside it"
        audit.dropped(Place(path, 1), "document", "", f"a companion table is missing: {expected}")
        return
    rows = {word: _rows(file, tables[word], audit) for word, file in files.items() if file is not None}
    seen: set[str] = set()
    for place, columns in read_rows(path, audit):
        with audit.losing(place, "document"):
            is_text = len(columns) == 3 and columns[0].strip() and "".join(columns[1:]).strip()
            need(is_text, "expected 'id TAB title TAB abstract', not both texts empty")
            name, title, abstract = columns[0].strip(), *columns[1:]
            need(name not in seen, "a second document with this id")
            seen.add(name)
            starts = [len(title) + 1] if title and abstract else []
            record = Record(f"{title} {abstract}", place, name=name, key=name, starts=starts)
            yield record, title, {word: table.pop(name, []) for word, table in rows.items()}
    for place, _ in (row for table in rows.values() for left in table.values() for row in left):
        audit.dropped(place, "line", "", "a row of a document that is not among the texts")


def _beside(path: Path, word: str) -> Path | None:
    """The table that has ``word`` in its name where that of the texts has its own; the test part of ChemProt adds
    ``_gs`` to some names only. None if there is none."""
    name = path.name.replace(TEXTS, word)
    candidates = [path.with_name(name), path.with_name(name.replace("_gs.", "."))]
    return next((file for file in candidates if TEXTS in path.name and file.is_file()), None)


def _rows(path: Path, n_columns: int, audit: Audit) -> Rows:
    """The rows of a table of annotations by document."""
    rows: Rows = {}
    for place, columns in read_rows(path, audit, n_columns=n_columns):
        rows.setdefault(columns[0], []).append((place, columns))
    return rows


CHEMDNER = Reader(read_chemdner, Scheme(types=dict.fromkeys(CLASSES, "Chemical")), reads_ahead=True)
CHEMPROT = Reader(
    read_chemprot,
    Scheme(types=CHEMPROT_TYPES, relations=RELATIONS, kinds=[("CHEMICAL", "GENE-Y"), ("CHEMICAL", "GENE-N")]),
    reads_ahead=True,
)
