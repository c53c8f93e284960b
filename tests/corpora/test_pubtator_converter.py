"""BC5CDR's format, in miniature."""

import pytest

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.errors import MedmtlError

ARTICLE = """7|t|Foolin-induced ague.
7|a|We gave Foolin. Red and blue ague came.
7\t0\t6\tFoolin\tChemical\tD1
7\t15\t19\tague\tDisease\tD2
7\t29\t35\tFoolin\tChemical\tD1
7\t37\t54\tRed and blue ague\tDisease\tD3|D4\tRed ague|blue ague
7\tCID\tD1\tD2
"""


def test_article(run, write):
    (doc,), audit = run("pubtator", write("a.txt", ARTICLE), on_error="stop")
    assert doc.text == "Foolin-induced ague. We gave Foolin. Red and blue ague came."
    group = doc.spans[ENTITIES]
    assert [(span.text, span.label_) for span in group] == [
        ("Foolin", "Chemical"),
        ("ague", "Disease"),
        ("Foolin", "Chemical"),
        ("Red and blue ague", "Disease"),
    ]
    assert group.attrs["annotated_labels"] == ["Chemical", "Disease"]
    assert next(sent.text for sent in doc.sents) == "Foolin-induced ague."
    assert len(list(doc.sents)) == 3
    assert audit.notes["composite mentions kept as one span"] == 1
    assert audit.notes["relation lines not used"] == 1
    assert not audit.changes


def test_sentence_boundary_inside_a_mention_is_removed(run, write):
    text = "7|t|Two.\n7|a|It was St. Foo disease here.\n7\t12\t27\tSt. Foo disease\tDisease\tD\n"
    (doc,), _ = run("pubtator", write("a.txt", text))
    assert len(list(doc.sents)) == 2


def test_title_is_a_sentence_of_its_own(run, write):
    (doc,), _ = run("pubtator", write("a.txt", "7|t|A title without a stop\n7|a|The abstract.\n"))
    assert [sent.text for sent in doc.sents] == ["A title without a stop", "The abstract."]
    assert ENTITIES in doc.spans
    assert not len(doc.spans[ENTITIES])


def test_widened_mentions_with_equal_tokens_are_merged(run, write):
    text = "7|t|Somefoobar\n7|a|x\n7\t0\t4\tSome\tChemical\tD\n7\t4\t7\tfoo\tChemical\tD\n"
    (doc,), audit = run("pubtator", write("a.txt", text))
    assert [span.text for span in doc.spans[ENTITIES]] == ["Somefoobar"]
    assert [change.outcome for change in audit.changes] == ["expanded", "expanded", "merged"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("7\t1\t7\tFoolin\tChemical\tD1", "offsets do not give"),
        ("7\t0\t9999\tFoolin\tChemical\tD1", "offsets do not give"),
        ("7\tx\t7\tFoolin\tChemical\tD1", "no character offsets"),
        ("7\t-1\t7\tFoolin\tChemical\tD1", "no character offsets"),
        ("8\t0\t6\tFoolin\tChemical\tD1", "another document"),
        ("7\t0\t6\tFoolin\tSecret\tD1", "unknown label"),
        ("7\t0\t6\tFoolin", "columns"),
        ("Secret words", "not separated by tabs"),
        ("7|a|Secret", "second title or abstract"),
    ],
)
def test_malformed_row(run, write, row, reason):
    path = write("a.txt", f"{ARTICLE}{row}\n\n8|t|Next.\n8|a|One.\n")
    with pytest.raises(MedmtlError, match=f"E401.*a.txt, line 8: .*{reason}") as error:
        run("pubtator", path, on_error="stop")
    message = str(error.value).replace(str(path), "")
    assert "Secret" not in message
    assert "Foolin" not in message
    docs, audit = run("pubtator", path)
    assert [change.line for change in audit.changes] == [8]
    assert [len(doc.spans[ENTITIES]) for doc in docs] == [4, 0]


def test_document_with_one_text_only(run, write):
    text = "7|t|Title.\n7\t0\t5\tTitle\tChemical\n\n8|a|Foolin.\n8\t0\t6\tFoolin\tChemical\tD1\n\n" + ARTICLE
    docs, audit = run("pubtator", write("a.txt", text), on_error="stop")
    assert [doc.text for doc in docs[:2]] == ["Title.", "Foolin."]
    assert [[span.text for span in doc.spans[ENTITIES]] for doc in docs[:2]] == [["Title"], ["Foolin"]]
    assert audit.notes["documents with a title or an abstract only"] == 2


def test_rows_without_a_text(run, write):
    docs, audit = run("pubtator", write("a.txt", "7\t0\t5\tTitle\tChemical\tD1\n\n" + ARTICLE))
    assert len(docs) == 1
    assert [(change.line, change.kind) for change in audit.changes] == [(1, "document"), (1, "line")]
