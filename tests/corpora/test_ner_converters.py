"""The entity corpora in IOB, JSON lines and NCBI-disease's format, in miniature."""

import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.errors import MedmtlError

GENE = "Gene_or_protein"


def spans(doc):
    return [(span.text, span.label_) for span in doc.spans[ENTITIES]]


def sentences(doc):
    return [sentence.text for sentence in doc.sents]


@pytest.mark.parametrize(
    ("name", "tags", "labels"),
    [
        ("bc2gm", {"GENE": GENE}, [GENE]),
        ("linnaeus", {"Species": "Species"}, ["Species"]),
        ("bc5cdr_iob", {"Chemical": "Chemical", "Disease": "Disease"}, ["Chemical", "Disease"]),
        ("ncbi_disease_iob", {"Disease": "Disease"}, ["Disease"]),
        (
            "jnlpba",
            {"protein": GENE, "DNA": "DNA", "RNA": "RNA", "cell_line": "cell_line", "cell_type": "cell_type"},
            ["DNA", GENE, "RNA", "cell_line", "cell_type"],
        ),
    ],
)
def test_iob_corpora(run, write, name, tags, labels):
    text = "".join(f"Foo-{tag}\tB-{tag}\nbar\tI-{tag}\n(\tO\nx\tO\n\n" for tag in tags)
    docs, audit = run(name, write("a.tsv", text + "none\tO\n"), on_error="stop")
    assert [doc.text.strip() for doc in docs] == [*(f"Foo-{tag} bar ( x" for tag in tags), "none"]
    assert [spans(doc) for doc in docs] == [*([(f"Foo-{tag} bar", label)] for tag, label in tags.items()), []]
    assert all(doc.spans[ENTITIES].attrs["annotated_labels"] == labels for doc in docs)
    assert all(doc.has_unknown_spaces and len(list(doc.sents)) == 1 for doc in docs)
    assert not audit.changes


def test_iob_documents_are_kept_where_the_file_parts_them(run, write):
    text = "Early\tO\n\nbird\tO\n-DOCSTART-\tO\n\nOne\tB-DNA\n\nTwo\tO\nlost\nThree\tB-DNA\n\n.\tO\nFour\tB-RNA\n\n"
    docs, audit = run("jnlpba", write("a.tsv", text + "-DOCSTART-\tO\n\n-DOCSTART-\tO\n\nFive\tO\n"))
    assert [doc.text.strip() for doc in docs] == ["Early", "bird", "One . Four", "Five"]
    assert sentences(docs[2]) == ["One", ". Four"]
    assert spans(docs[2]) == [("One", "DNA"), ("Four", "RNA")]
    assert [change.line for change in audit.changes] == [9, 8, 10]


def test_iob_words_stay_as_given_on_the_disk(write, tmp_path):
    job = Job("bc2gm", [write("a.tsv", "don't-stop.\tB-GENE\n''\tI-GENE\n")], tmp_path / "x.spacy")
    convert_corpus(job)
    (doc,) = DocBin().from_disk(job.output).get_docs(spacy.blank("en").vocab)
    assert [token.text for token in doc] == ["don't-stop.", "''"]
    assert doc.has_unknown_spaces
    assert spans(doc) == [("don't-stop. ''", GENE)]


def test_iob_unknown_label(run, write):
    path = write("a.tsv", "Foo\tB-GENE\nbar\tB-Secret\n")
    with pytest.raises(MedmtlError, match="E401.*line 2: an unknown label: expected GENE") as error:
        run("bc2gm", path, on_error="stop")
    assert "Secret" not in str(error.value)
    (doc,), audit = run("bc2gm", path)
    assert spans(doc) == [("Foo", GENE)]
    assert [(change.kind, change.label, change.line) for change in audit.changes] == [(ENTITIES, "", 2)]


def genia(doc, sent, text, *entities):
    return json.dumps({"doc": doc, "sent": sent, "text": text, "entities": entities}) + "\n"


def test_genia(run, write):
    text = genia("M:1", 0, "Big foo gene. It is so.", [0, 12, "DNA"], [4, 7, "protein"], [4, 7, "RNA"])
    text += "\n" + genia("M:1", 1, "Antibar cells", [4, 7, "protein"], [0, 13, "cell_type"])
    text += genia("M:2", 0, "No.") + genia("M:2", 0, "Again.", [0, 5, "cell_line"]) + genia("M:1", 0, "Late.")
    docs, audit = run("genia", write("a.jsonl", text), on_error="stop")
    assert [sentences(doc) for doc in docs] == [
        ["Big foo gene. It is so.", "Antibar cells"],
        ["No."],
        ["Again."],
        ["Late."],
    ]
    assert docs[0].text == "Big foo gene. It is so. Antibar cells"
    expected = [("Big foo gene", "DNA"), ("foo", "protein"), ("foo", "RNA"), ("Antibar", "protein")]
    assert spans(docs[0]) == [*expected, ("Antibar cells", "cell_type")]
    assert docs[0].spans[ENTITIES].attrs["annotated_labels"] == ["DNA", "RNA", "cell_line", "cell_type", "protein"]
    assert [(change.outcome, change.line) for change in audit.changes] == [("expanded", 3)]
    assert audit.notes["document ids that occur again"] == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"doc": "M:1"', "JSON object"),
        ("[" * 100_000, "JSON object"),
        ("7", "JSON object"),
        ('{"doc": "M:1", "sent": 1, "text": "Secret"}', "JSON object"),
        (genia("M:1", True, "Secret"), "JSON object"),
        (genia("M:1", 1, " "), "JSON object"),
        (genia("M:1", 1, "Secret \ud800"), "JSON object"),
        (genia("M:1", 1, "Secret", [0, 7, "DNA"]), "outside the text"),
        (genia("M:1", 1, "Secret", [-1, 3, "DNA"]), "outside the text"),
        (genia("M:1", 1, "Secret", [3, 3, "DNA"]), "no character"),
        (genia("M:1", 1, "Secret", [0, 6]), "is not"),
        (genia("M:1", 1, "Secret", [0, 6.0, "DNA"]), "is not"),
        (genia("M:1", 1, "Secret", {"start": 0}), "is not"),
        (genia("M:1", 1, "Secret", [0, 6, "Secret"]), "an unknown label"),
    ],
)
def test_genia_malformed_row(run, write, row, reason):
    good = genia("M:1", 0, "Foo bar.", [0, 3, "DNA"])
    path = write("a.jsonl", good + row.strip() + "\n" + genia("M:1", 2, "Baz.", [0, 3, "RNA"]))
    with pytest.raises(MedmtlError, match=f"E401.*a.jsonl, line 2: .*{reason}") as error:
        run("genia", path, on_error="stop")
    assert "Secret" not in str(error.value)
    (doc,), audit = run("genia", path)
    assert spans(doc) == [("Foo", "DNA"), ("Baz", "RNA")]
    assert [change.line for change in audit.changes] == [2]


def test_genia_document_that_spacy_cannot_read(run, write):
    rows = "".join(genia("M:1", number, "word " * 110_000) for number in range(2))
    docs, audit = run("genia", write("a.jsonl", rows + genia("M:2", 0, "Fine.")))
    assert [doc.text for doc in docs] == ["Fine."]
    assert [change.line for change in audit.changes] == [1]


NCBI = """
9|t|Foo ague and red or blue pox.
9|a|Ague genes. Pox.
9\t0\t8\tFoo ague\tSpecificDisease\tD1
9\t13\t28\tred or blue pox\tCompositeMention\tD2|D3
9\t30\t34\tAgue\tModifier\tD1
9\t42\t45\tPox\tDiseaseClass\tD2
"""


def test_ncbi_disease(run, write):
    (doc,), audit = run("ncbi_disease", write("a.txt", NCBI), on_error="stop")
    names = ["Foo ague", "red or blue pox", "Ague", "Pox"]
    assert spans(doc) == [(name, "Disease") for name in names]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["Disease"]
    assert len(list(doc.sents)) == 3
    assert audit.notes["composite mentions kept as one span"] == 1


def test_ncbi_disease_wrong_offset_and_class(run, write):
    text = NCBI.replace("42\t45", "43\t46").replace("Modifier", "Chemical")
    (doc,), audit = run("ncbi_disease", write("a.txt", text))
    assert [text for text, _ in spans(doc)] == ["Foo ague", "red or blue pox"]
    assert [(change.line, change.outcome) for change in audit.changes] == [(7, "dropped"), (6, "dropped")]


def abstract(number):
    rows = f"{number}\t0\t3\tFoo\tChemical\tD\n{number}\t4\t8\tague\tDisease\tE\n"
    return f"{number}|t|Foo ague.\n{number}|a|Text {number}.\n{rows}\n"


@pytest.mark.parametrize("count", [4, 5])
def test_halves(run, write, count):
    path = write("a.txt", "".join(map(abstract, range(count))))
    first, audit = run("bc5cdr_disease_half", path, on_error="stop")
    second, _ = run("bc5cdr_chemical_half", path, on_error="stop")
    numbers = [[int(doc[-2].text) for doc in half] for half in (first, second)]
    assert numbers == [list(range(3 if count == 5 else 2)), list(range(3 if count == 5 else 2, count))]
    assert all(spans(doc) == [("ague", "Disease")] for doc in first)
    assert all(spans(doc) == [("Foo", "Chemical")] for doc in second)
    assert {tuple(doc.spans[ENTITIES].attrs["annotated_labels"]) for doc in first} == {("Disease",)}
    assert {tuple(doc.spans[ENTITIES].attrs["annotated_labels"]) for doc in second} == {("Chemical",)}
    assert audit.notes["mentions of another label left out"] == len(first)
    assert not audit.changes


def test_half_loses_an_unknown_label(run, write):
    _, audit = run("bc5cdr_disease_half", write("a.txt", abstract(1).replace("Chemical", "Other")))
    assert [(change.outcome, change.line) for change in audit.changes] == [("dropped", 3)]
