"""CHEMDNER (BC4CHEMD): chemicals in abstracts, in two tables (``document_rows``); its IOB form is read by ``iob``.

``training.abstracts.txt`` is the input, ``training.annotations.txt`` lies beside it: id, T (title) or A (abstract),
start and end in that text, words, class. All classes become one label.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import split_sentences, tokens_at
from .entities import write_mentions
from .formats.document_rows import Abstract, Row, drop_left_over, read_abstracts, read_rows
from .formats.mention import Mention
from .formats.stretches import stretch_of
from .texts import text_doc

TEXTS, ANNOTATIONS = "abstracts", "annotations"
CLASSES = ("ABBREVIATION", "FAMILY", "FORMULA", "IDENTIFIER", "MULTIPLE", "SYSTEMATIC", "TRIVIAL", "NO CLASS")
LABELS = dict.fromkeys(CLASSES, "Chemical")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each abstract. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        table = path.with_name(path.name.replace(TEXTS, ANNOTATIONS))
        if TEXTS not in path.name or not table.is_file():
            reason = f"the companion table is missing: expected '{TEXTS}' in the name, and the same with"
            audit.dropped(Place(path, 1), "document", "", f"{reason} '{ANNOTATIONS}' beside it")
            continue
        rows = read_rows(table, 6, audit)
        for abstract in read_abstracts(path, audit):
            own = rows.pop(abstract.id, [])
            doc = text_doc(nlp, abstract.text, abstract.id, audit, abstract.place)
            if doc is not None:
                write_mentions(doc, _mentions(abstract, own, audit), LABELS, audit)
                title_end = tokens_at(doc, [abstract.abstract_start]) if abstract.title and abstract.abstract else []
                split_sentences(doc, audit, given=title_end, whole=doc.spans[ENTITIES])
                yield doc
        drop_left_over(rows, audit)


def _mentions(abstract: Abstract, rows: Sequence[Row], audit: Audit) -> list[Mention]:
    mentions: list[Mention] = []
    texts = {"T": (0, abstract.title), "A": (abstract.abstract_start, abstract.abstract)}
    for row in rows:
        _, part, start, end, words, label = row.columns
        first, text = texts.get(part, (0, ""))
        stretch = stretch_of(words, text, start, end)
        if stretch is None:
            audit.dropped(row.place, "line", "", "the offsets do not give the words of the mention in its text")
        else:
            mentions.append(Mention(first + stretch[0], first + stretch[1], label, row.place))
    return mentions
