"""CSV and TSV: columns by name, fields of several lines, and rows that are none."""

import pytest

from spacy_medmtl.annotations.groups import INTENTS, RELATIONS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.corpora.writer import convert_records
from spacy_medmtl.errors import MedmtlError


def test_sentences(run, write):
    path = write("a.csv", '\ufefftext,n, label \r\n"Is it, so?",1,ask\r\n"Two\r\nlines ""here"".",2,tell\r\n')
    docs, audit = run("csv_sentences", path, on_error="stop")
    assert [doc.text for doc in docs] == ["Is it, so?", 'Two\r\nlines "here".']
    assert [[span.label_ for span in doc.spans[INTENTS]] for doc in docs] == [["ask"], ["tell"]]
    assert all(len(list(doc.sents)) == 1 for doc in docs)
    assert docs[0].spans[INTENTS].attrs["annotated_labels"] == ["ask", "tell"]
    assert not audit.changes


def test_labels_and_group_of_the_users_choice(run, write):
    """A misspelt label is a loss, an unused one is annotated; a second task of sentences has a group of its own."""
    path = write("a.csv", "text,label\nChest pain.,urgent\nA form.,rutine\n")
    settings = {"labels": "urgent,routine", "spans_key": "medmtl_urgency"}
    docs, audit = run("csv_sentences", path, **settings)
    (doc,) = docs
    assert list(doc.spans) == ["medmtl_urgency"]
    assert [span.label_ for span in doc.spans["medmtl_urgency"]] == ["urgent"]
    assert doc.spans["medmtl_urgency"].attrs["annotated_labels"] == ["routine", "urgent"]
    assert [change.reason for change in audit.changes] == ["a label that the setting 'labels' does not name"]
    with pytest.raises(MedmtlError, match="E401.*line 3.*'labels'"):
        run("csv_sentences", path, on_error="stop", **settings)


def test_documents(run, write):
    path = write("a.tsv", 'body\tclass\nOne "here. Two.\tx\nThree, four.\ty\n'.replace('"', ""))
    docs, _ = run("csv_sentences", path, on_error="stop", text="body", label="class", unit="doc")
    assert [doc.cats for doc in docs] == [{"x": 1.0, "y": 0.0}, {"x": 0.0, "y": 1.0}]
    assert len(list(docs[0].sents)) == 2


def test_pairs(run, write):
    path = write("a.csv", "first;text2;label\nA b.;C d.;same\nA b.;E.;no\nF.;G. H.;other\n")
    docs, _ = run("csv_pairs", path, on_error="stop", first="first", none="no,none")
    assert [texts_of(doc) for doc in docs] == [("A b.", "C d."), ("A b.", "E."), ("F.", "G. H.")]
    pairs = [read_pairs(doc)[0] for doc in docs]
    assert [(pair.labels, pair.score) for pair in pairs] == [(("same",), 1.0), ((), 0.0), (("other",), 1.0)]
    assert docs[0].spans[RELATIONS].attrs["annotated_labels"] == ["other", "same"]
    assert split_key(docs[0]) == split_key(docs[1]) != split_key(docs[2])


def test_scores(run, write):
    path = write("a.tsv", "text1\ttext2\tscore\nA.\tB.\t3.5\nC.\tD.\t-1e1\n")
    docs, _ = run("csv_scores", path, on_error="stop")
    assert [(read_pairs(doc)[0].labels, read_pairs(doc)[0].score) for doc in docs] == [
        (("similarity",), 3.5),
        (("similarity",), -10.0),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Secret", "1 columns: expected 3"),
        ("Secret,b,1,2", "4 columns: expected 3"),
        ('Secret,b"c,1', None),
        ('"Secret"b,c,1', "no CSV"),
        ("Secret,b,NaN", "no number"),
        ("Secret,b,inf", "no number"),
        ("Secret,b,1e999", "no number"),
        ("Secret,b,", "no number"),
        ("Secret,,1", "one of the two texts is empty"),
        ("Secret \u241e,a,1", "separator"),
        ("Secret\x00,b,1", "NUL"),
        (b"Secret\xff,b,1", "not UTF-8"),
        (b'"Secret\n\xff",b,1', "is not UTF-8"),
        ('"Secret"x,b,1', "Quotes inside one are written twice"),
    ],
)
def test_malformed_row(run, write, row, reason):
    row = row if isinstance(row, bytes) else row.encode()
    path = write("a.csv", b'text1,text2,score\n"A\nb",c,1\n' + row + b"\nd,e,2\n")
    docs, audit = run("csv_scores", path)
    assert len(docs) == 2 + (reason is None)
    if reason is not None:
        assert 4 <= audit.changes[0].line <= 5
        assert any(reason in change.reason for change in audit.changes)
        assert "Secret" not in str(audit.as_dict()).replace(str(path), "")
        with pytest.raises(MedmtlError, match="E401.*line [45]: "):
            run("csv_scores", path, on_error="stop")


def test_what_spreadsheets_make_of_a_table(run, write):
    long = "No fever. " * 20_000
    rows = f'sep=;\r\nText;LABEL;;\r\n"{long}";tell ;;\r\n"He said ""no"".";\u00a0ask;;\r\n'
    for content in (rows.encode("utf-8-sig"), rows.encode("utf-16"), rows.encode()):
        docs, audit = run("csv_sentences", write("a.csv", content), on_error="stop")
        assert [doc.text for doc in docs] == [long, 'He said "no".']
        assert [[span.label_ for span in doc.spans[INTENTS]] for doc in docs] == [["tell"], ["ask"]]
        assert audit.notes["labels without the blanks at their edges"] == 2


def test_another_encoding_is_named_or_given(run, write, nlp):
    path = write("a.csv", "text,label\nThe patient’s pain?,ask\n".encode("cp1252"))
    with pytest.raises(MedmtlError, match=r"line 2: byte 12 of the line is not UTF-8: .*encoding.*--encoding.*cp1252"):
        run("csv_sentences", path, on_error="stop")
    read, scheme = get_reader("csv_sentences").configured()
    (doc,) = convert_records(read, scheme, [path], nlp, Audit(encoding="cp1252"))
    assert doc.text == "The patient’s pain?"
    with pytest.raises(MedmtlError, match="E404.*--encoding is 'cp-1252-x'"):
        Audit(encoding="cp-1252-x")


@pytest.mark.parametrize(
    ("label", "reason"),
    [("", "without a label"), (" ", "without a label"), ("a\x07b", "characters that cannot be shown")],
)
def test_why_a_label_is_none(run, write, label, reason):
    with pytest.raises(MedmtlError, match=f"line 2: a row with.*{reason}|line 2: a row {reason}"):
        run("csv_sentences", write("a.csv", f'text,label\nNo.,"{label}"\n'), on_error="stop")


def test_a_quote_that_never_ends(run, write):
    docs, audit = run("csv_sentences", write("a.csv", 'text,label\na,b\n"c,d\n' + "e,f\n" * 50))
    assert [doc.text for doc in docs] == ["a"]
    assert [change.line for change in audit.changes] == [3]


@pytest.mark.parametrize("header", ["text,other", "text,label,label", "", '"text,label'])
def test_header(run, write, header):
    with pytest.raises(MedmtlError, match="E401.*line 1: the header does not name the columns text, label"):
        run("csv_sentences", write("a.csv", header + "\na,b\n"), on_error="stop")
