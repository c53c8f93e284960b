"""Four columns with names in IOB1. All texts are invented."""

import pytest
from entity_docs import entities, losses

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.corpora.formats.conll import MAX_WORDS
from spacy_medmtl.errors import MedmtlError

NEWS = """-DOCSTART- -X- -X- O

Ann NNP I-NP I-PER
Oak NNP I-NP I-PER
Bob NNP I-NP B-PER
of IN I-PP O
Foobury NNP I-NP I-LOC
Ltd NNP I-NP I-ORG
. . O O

Bars NNP I-NP I-MISC
open VBP I-VP O

-DOCSTART- -X- O O

Rest VB I-VP O

"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_conll2003(run, write, end):
    docs, audit = run("conll2003", write("eng.train", NEWS.replace("\n", end)), on_error="stop")
    assert [doc.text.strip() for doc in docs] == ["Ann Oak Bob of Foobury Ltd . Bars open", "Rest"]
    assert docs[0].has_unknown_spaces
    assert entities(docs[0]) == [
        ("Ann Oak", "PER"),
        ("Bob", "PER"),
        ("Foobury", "LOC"),
        ("Ltd", "ORG"),
        ("Bars", "MISC"),
    ]
    assert entities(docs[1]) == []
    assert docs[1].spans[ENTITIES].attrs["annotated_labels"] == ["LOC", "MISC", "ORG", "PER"]
    assert [len(list(doc.sents)) for doc in docs] == [2, 1]
    assert not audit.changes


def test_file_without_documents_gives_a_doc_for_each_sentence(run, write):
    docs, _ = run("conll2003", write("a.txt", "Ann NNP I-NP I-PER\n\nRest VB I-VP O"), on_error="stop")
    assert [entities(doc) for doc in docs] == [[("Ann", "PER")], []]


@pytest.mark.parametrize(
    "line",
    [
        b"Secret O",
        b"Secret NNP I-NP PER",
        b"\xff NN O O",
        b"a\tb c O O",
    ],
)
def test_malformed_line(run, write, line):
    path = write("a.txt", NEWS.encode().replace(b"of IN I-PP O", line))
    with pytest.raises(MedmtlError, match=r"E401.*a.txt, line 6: ") as error:
        run("conll2003", path, on_error="stop")
    assert "Secret" not in str(error.value).replace(str(path.parent), "")
    docs, audit = run("conll2003", path)
    assert [doc.text.strip() for doc in docs] == [
        "Bars open",
        "Rest",
    ]  # the rest of that sentence is another text without it
    assert [line for _, line, _ in losses(audit)] == [6, 3, 3, 5, 7, 8]


def test_missing_blank_lines(run, write):
    docs, audit = run("conll2003", write("a.txt", "Rest VB I-VP O\n" * (MAX_WORDS + 2) + "\nRest VB I-VP O\n"))
    assert [doc.text.strip() for doc in docs] == ["Rest"]
    assert [line for _, line, _ in losses(audit)] == [MAX_WORDS + 1, 1, MAX_WORDS + 1]
