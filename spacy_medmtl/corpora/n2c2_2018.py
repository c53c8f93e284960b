"""n2c2 2018, track 2: drugs and adverse drug events in discharge summaries, as folders of brat standoff.

``x.txt`` is a text, ``x.ann`` its annotations:

    T1<TAB>Drug 10 15<TAB>salve
    T2<TAB>Strength 17 18;21 25<TAB>5 mg/g
    R1<TAB>Strength-Drug Arg1:T2 Arg2:T1

The first argument of a relation is what is said of the drug, the second the drug. Judged are such pairs in one sentence
or in neighbouring ones; see ``entity_relations``.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import split_sentences
from .entities import write_mentions
from .entity_relations import Entity, Relation, write_entity_relations
from .formats.annotated_folder import companion, read_text
from .formats.lines import read_lines
from .formats.stretches import are_parted, cover, read_stretch, same_words
from .texts import text_doc

DRUG = "Drug"
OF_A_DRUG = ("Strength", "Form", "Dosage", "Frequency", "Route", "Duration", "Reason", "ADE")
LABELS = {name: name for name in (DRUG, *OF_A_DRUG)}
RELATIONS = {f"{name}-{DRUG}": f"{name}-{DRUG}" for name in OF_A_DRUG}
KINDS = [(name, DRUG) for name in OF_A_DRUG]
REACH = 1
_MENTION = re.compile(r"(?P<id>T\d+)\t(?P<label>\S+) (?P<pieces>[\d ;]+)\t(?P<words>.*)", re.ASCII)
_RELATION = re.compile(r"R\d+\t(?P<label>\S+) Arg1:(?P<head>T\d+) Arg2:(?P<tail>T\d+)\s*", re.ASCII)


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each ``.txt``. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        annotations = companion(path, [".ann"], (), audit)
        text = read_text(path, audit) if annotations is not None else None
        doc = text_doc(nlp, text, path.stem, audit, Place(path, 1)) if text is not None else None
        if annotations is not None and doc is not None:
            _annotate(doc, annotations, audit)
            yield doc


def _annotate(doc: Doc, path: Path, audit: Audit) -> None:
    text = doc.text
    entities: list[Entity] = []
    relations: list[Relation] = []
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        mention, relation = _MENTION.fullmatch(line), _RELATION.fullmatch(line)
        if mention is not None:
            entity = _entity(mention, text, place, audit)
            entities += [entity] if entity is not None else []
        elif relation is not None:
            relations.append(Relation(relation["head"], relation["tail"], relation["label"], place))
        elif line[:1] in tuple("AEMN#*"):
            audit.note("annotations that are neither mentions nor relations, not used")
        elif line.strip():
            audit.dropped(place, "line", "", "not an annotation of brat's standoff format")
    write_mentions(doc, entities, LABELS, audit)
    split_sentences(doc, audit, whole=doc.spans[ENTITIES])
    known = [entity for entity in entities if entity.label in LABELS]
    write_entity_relations(doc, known, relations, audit, labels=RELATIONS, kinds=KINDS, reach=REACH)


def _entity(match: "re.Match[str]", text: str, place: Place, audit: Audit) -> Entity | None:
    """The entity of a row; None and a loss if its offsets do not give its words."""
    edges = [piece.split(" ") for piece in match["pieces"].split(";")]
    found = [read_stretch(*pair) if len(pair) == 2 else None for pair in edges]
    pieces = [piece for piece in found if piece is not None and piece[1] <= len(text)]
    is_possible = len(pieces) == len(edges) and sum(end - start for start, end in pieces) <= len(text)
    if not is_possible or not same_words(" ".join(text[slice(*piece)] for piece in pieces), match["words"]):
        audit.dropped(place, "line", "", "the offsets do not give the words of the mention")
        return None
    return Entity(*cover(pieces), match["label"], place, match["id"], is_covered=are_parted(pieces, text))
