"""ChemProt as BioCreative VI published it: four tables (``document_rows``) on chemicals and genes in abstracts.

``*_abstracts*.tsv`` is the input; beside it lie, with the same name but for that word, the others:

    *_entities*.tsv:      id, T1, CHEMICAL or GENE-Y or GENE-N, start, end, words
    *_gold_standard.tsv:  id, CPR:4, Arg1:T1, Arg2:T2
    *_relations*.tsv:     id, CPR:2, N, the relation's name, Arg1:T1, Arg2:T2

Relations are those of the gold standard: the five groups of relations that the challenge evaluated. The table of all
relations holds further groups; as in the challenge, a pair with one of those counts as judged to have none, and the
audit counts them where the table is there. Judged is each chemical with each gene of its sentence.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import split_sentences, tokens_at
from .entities import write_mentions
from .entity_relations import Entity, Relation, write_entity_relations
from .formats.document_rows import Abstract, Row, drop_left_over, read_abstracts, read_rows
from .formats.stretches import stretch_of
from .texts import text_doc

TEXTS, ENTITY_ROWS, GOLD, ALL = "abstracts", "entities", "gold_standard", "relations"
LABELS = {"CHEMICAL": "Chemical", "GENE-Y": "Gene_or_protein", "GENE-N": "Gene_or_protein"}
RELATIONS = {name: name for name in ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")}
KINDS = [("CHEMICAL", "GENE-Y"), ("CHEMICAL", "GENE-N")]
Rows = dict[str, list[Row]]


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each abstract. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        entity_file, gold_file = _beside(path, ENTITY_ROWS), _beside(path, GOLD)
        if entity_file is None or gold_file is None:
            reason = f"a companion table is missing: expected '{TEXTS}' in the name, and the same with "
            audit.dropped(Place(path, 1), "document", "", f"{reason}'{ENTITY_ROWS}' and '{GOLD}' beside it")
            continue
        entities, gold = read_rows(entity_file, 6, audit), read_rows(gold_file, 4, audit)
        all_file = _beside(path, ALL)
        others = read_rows(all_file, 6, audit) if all_file is not None else {}
        is_other = [row.columns[2] == "N" for rows in others.values() for row in rows]
        audit.note("relations of groups that are not evaluated, judged as none", sum(is_other))
        for abstract in read_abstracts(path, audit):
            rows = entities.pop(abstract.id, []), gold.pop(abstract.id, [])
            doc = text_doc(nlp, abstract.text, abstract.id, audit, abstract.place)
            if doc is not None:
                _annotate(doc, abstract, *rows, audit)
                yield doc
        drop_left_over(entities, audit)
        drop_left_over(gold, audit)


def _beside(path: Path, word: str) -> Path | None:
    """The table that has ``word`` in its name where that of the texts has its own; the test part adds ``_gs`` to some
    names only. None if there is none."""
    name = path.name.replace(TEXTS, word)
    candidates = [path.with_name(name), path.with_name(name.replace("_gs.", "."))]
    return next((found for found in candidates if TEXTS in path.name and found.is_file()), None)


def _annotate(doc: Doc, abstract: Abstract, entity_rows: list[Row], gold: list[Row], audit: Audit) -> None:
    entities: list[Entity] = []
    for row in entity_rows:
        _, name, label, start, end, words = row.columns
        stretch = stretch_of(words, abstract.text, start, end)
        if stretch is None:
            audit.dropped(row.place, "line", "", "the offsets do not give the words of the mention")
        else:
            entities.append(Entity(*stretch, label, row.place, name))
    write_mentions(doc, entities, LABELS, audit)
    title_end = tokens_at(doc, [abstract.abstract_start]) if abstract.title and abstract.abstract else []
    split_sentences(doc, audit, given=title_end, whole=doc.spans[ENTITIES])
    known = [entity for entity in entities if entity.label in LABELS]
    relations = [
        Relation(row.columns[2].removeprefix("Arg1:"), row.columns[3].removeprefix("Arg2:"), row.columns[1], row.place)
        for row in gold
    ]
    write_entity_relations(doc, known, relations, audit, labels=RELATIONS, kinds=KINDS)
