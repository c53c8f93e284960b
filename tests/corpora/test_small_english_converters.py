"""Small English corpora in CSV and Word documents: MQP, COVID-Q, MTS-Dialog, BIOSSES. All texts are invented."""

import pytest
from archives import docx, zipped
from finding_docs import sentences

from spacy_medmtl.annotations.groups import INTENTS, RELATIONS, TURNS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

MQP = '1,Is it flu?,"Flu, or ""what""?",1\r\n1,Is it flu?,"What\r\nis flu?",0\r\n2,Gout?,Ache? Now?,1\r\n'


def test_mqp(run, write):
    docs, audit = run("mqp", write("a.csv", MQP), on_error="stop")
    assert [texts_of(doc) for doc in docs] == [
        ("Is it flu?", 'Flu, or "what"?'),
        ("Is it flu?", "What\nis flu?"),
        ("Gout?", "Ache? Now?"),
    ]
    assert [pair.labels for doc in docs for pair in read_pairs(doc)] == [("same_question",), (), ("same_question",)]
    assert sentences(docs[2]) == ["Gout? ␞", "Ache?", "Now?"]
    keys = [split_key(doc) for doc in docs]
    assert keys[0] == keys[1] != keys[2]
    assert list(docs[0].spans[RELATIONS].attrs["annotated_labels"]) == ["same_question"]
    assert not audit.changes


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1,Secret,b,2", "a label"),
        (b"1,Secret,,1", "two questions"),
        (b"1,Secret,1", "3 columns"),
        (b'1,Secret,"b"x,1', "no CSV"),
        (b"1,Secret,\x00,1", "NUL"),
        (b"1,Secret,\xff,1", "not UTF-8"),
        (b"1,Secret,\rb,1", "no CSV"),
        (b"1,Secret,\xe2\x90\x9e,1", "U\\+241E"),
    ],
)
def test_mqp_malformed_row(run, write, row, reason):
    path = write("a.csv", MQP.encode() + row + b"\n" + MQP.encode())
    with pytest.raises(MedmtlError, match=f"E401.*a.csv, line 5: .*{reason}") as error:
        run("mqp", path, on_error="stop")
    assert "Secret" not in str(error.value)
    docs, audit = run("mqp", path)
    assert len(docs) == 6
    assert [change.line for change in audit.changes] == [5]


def test_quote_without_end(run, write):
    """It takes what follows with it, up to the next quote or the end of the file, as one loss."""
    for rest, n_docs in (("", 3), ("2,c,d,0\n", 3), (MQP, 3 + 2)):
        docs, audit = run("mqp", write("a.csv", MQP + '1,a,"b,1\n' + rest))
        assert len(docs) == n_docs
        assert [change.line for change in audit.changes] == [5]


def test_covid_q(run, write):
    content = 'is it flu,Symptoms\r\n"what, or. where",Having COVID\nis it flu,Symptoms\n'
    docs, _ = run("covid_q", write("a.csv", content), on_error="stop")
    assert [(doc.text, doc.spans[INTENTS][0].label_) for doc in docs][:2] == [
        ("is it flu", "Symptoms"),
        ("what, or. where", "Having COVID"),
    ]
    assert all(len(list(doc.sents)) == len(doc.spans[INTENTS]) == 1 for doc in docs)
    assert len(docs[0].spans[INTENTS].attrs["annotated_labels"]) == 15


@pytest.mark.parametrize(
    ("row", "reason"), [("secret,Secret", "unknown label"), (" ,Origin", "empty"), ("secret", "1 co")]
)
def test_covid_q_malformed_row(run, write, row, reason):
    path = write("a.csv", f"is it flu,Symptoms\n\n{row}\n")
    with pytest.raises(MedmtlError, match=f"E401.*line 3: .*{reason}") as error:
        run("covid_q", path, on_error="stop")
    assert "ecret" not in str(error.value)
    docs, audit = run("covid_q", path)
    assert (len(docs), len(audit.changes)) == (1, 1)


TALK = "Doctor: Any ache? Now?\r\nPatient: No. \r\n\r\nand no gout.\r\nDoctor_2: Fine."
MTS = f'ID,section_header,section_text,dialogue\r\n0,ROS,"Secret, summed.","{TALK}"\r\n1,FAM/SOCHX,x,Hm.\r\n'


def test_mts_dialog(run, write):
    docs, audit = run("mts_dialog", write("a.csv", MTS), on_error="stop")
    doc = docs[0]
    assert doc.text == TALK.replace("\r", "")
    assert {label: value for label, value in doc.cats.items() if value} == {"ROS": 1.0}
    assert len(doc.cats) == 20
    said = [sentence for sentence in sentences(doc) if sentence]
    assert said == ["Doctor: Any ache?", "Now?", "Patient: No.", "and no gout.", "Doctor_2: Fine."]
    assert [turn.text.strip() for turn in doc.spans[TURNS]] == [
        "Doctor: Any ache? Now?",
        "Patient: No. \n\nand no gout.",
        "Doctor_2: Fine.",
    ]
    assert doc.spans[TURNS].attrs["speakers"] == ["Doctor", "Patient", "Doctor_2"]
    assert docs[1].cats["FAM/SOCHX"] == 1.0
    assert TURNS not in docs[1].spans
    assert audit.notes["lines that name no speaker"] == 2
    assert audit.notes["documents of the class ROS"] == 1
    assert not audit.changes


@pytest.mark.parametrize(("row", "reason"), [("7,Secret,x,Hm.", "unknown section"), ("7,ROS,Secret, ", "empty")])
def test_mts_dialog_malformed_row(run, write, row, reason):
    path = write("a.csv", MTS + row + "\n")
    with pytest.raises(MedmtlError, match=f"E401.*line 8: .*{reason}") as error:
        run("mts_dialog", path, on_error="stop")
    assert "Secret" not in str(error.value)
    assert len(run("mts_dialog", path)[0]) == 2


PAIRS = [["", "Sentence 1", "Sentence 2"], ["1 ", "Foo is é.", "It is\nfoo. "], ["2", "Bar.", "Gout & ache."]]
SCORES = [["No", *"ABCDE"], ["2", *"00001"], ["1", "4", "4", "3 ", "4", "4"]]


def test_biosses(run, write):
    paths = write("p.docx", docx(PAIRS)), write("s.docx", docx(SCORES))
    for order in (paths, paths[::-1]):
        docs, audit = run("biosses", *order, on_error="stop")
        assert [texts_of(doc) for doc in docs] == [("Foo is é.", "It is\nfoo."), ("Bar.", "Gout & ache.")]
        assert [(p.labels, p.score) for doc in docs for p in read_pairs(doc)] == [
            (("similarity",), 3.8),
            (("similarity",), 0.2),
        ]
        assert list(docs[0].spans[RELATIONS].attrs["annotated_labels"]) == ["similarity"]
        assert not audit.changes
        assert not audit.notes


@pytest.mark.parametrize(
    ("pairs", "scores", "reasons"),
    [
        ([*PAIRS, ["3", "Secret", "b"]], SCORES, ["without its scores"]),
        (PAIRS, [*SCORES, ["3", *"00000"]], ["without its scores"]),
        (PAIRS, [*SCORES, ["2", *"00000"]], ["a second row"]),
        ([*PAIRS, ["x", "Secret", "b"]], SCORES, ["without a number"]),
        ([*PAIRS, ["3", "Secret", " "]], SCORES, ["is empty"]),
        ([*PAIRS, ["3", "Secret"]], SCORES, ["2 cells"]),
        ([*PAIRS, ["3", "Secret", "b"]], [*SCORES, ["3", *"00009"]], ["a score that", "without its scores"]),
    ],
)
def test_biosses_malformed_row(run, write, pairs, scores, reasons):
    paths = write("p.docx", docx(pairs)), write("s.docx", docx(scores))
    docs, audit = run("biosses", *paths)
    assert len(docs) == 2
    found = [change.reason for change in audit.changes]
    assert [reason in one for reason, one in zip(reasons, found, strict=True)] == [True] * len(reasons)
    assert "Secret" not in "".join(found)
    with pytest.raises(MedmtlError, match="E401.*word/document.xml, line"):
        run("biosses", *paths, on_error="stop")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK no", "no zip archive"),
        (zipped({"a.txt": "x"}), "the member is missing"),
        (zipped({"word/document.xml": "<a>"}), "broken XML"),
        (zipped({"word/document.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}), "document type"),
        (zipped({"word/document.xml": "<a/>"}), "without a table"),
    ],
)
def test_biosses_broken_document(run, write, content, reason):
    docs, audit = run("biosses", write("p.docx", content), write("s.docx", docx(SCORES)))
    assert docs == []
    assert reason in audit.changes[0].reason
