"""Two line formats: sentences of abstracts, and given findings in sentences."""

import pytest

from spacy_medmtl.annotations.groups import FINDINGS, INTENTS
from spacy_medmtl.corpora.public.status import locate
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

ABSTRACTS = """###1
background\tFoo ( FO ) is rare .
study design\tA trial ; of foo . Twice .

###2
outcome\tBetter .
"""
HEADER = "line number\tCondition\tsentence\tnegation\ttemporality\texperiencer\n"


def test_piboso(run, write):
    docs, audit = run("piboso", write("a.txt", ABSTRACTS), on_error="stop")
    assert [doc.text for doc in docs] == ["Foo ( FO ) is rare . A trial ; of foo . Twice .", "Better ."]
    spans = docs[0].spans[INTENTS]
    assert [(s.text, s.label_) for s in spans] == [
        ("Foo ( FO ) is rare .", "background"),
        ("A trial ; of foo . Twice .", "study design"),
    ]
    assert [(s.start, s.end) for s in spans] == [(s.start, s.end) for s in docs[0].sents]
    assert not audit.changes


@pytest.mark.parametrize("line", ["secret", "outcome\t ", "Secret\tWords .", "outcome\ta\tb"])
def test_piboso_malformed(run, write, line):
    path = write("a.txt", f"{ABSTRACTS}{line}\n")
    with pytest.raises(MedmtlError, match=r"E401.*a.txt, line 7") as error:
        run("piboso", path, on_error="stop")
    assert "ecret" not in str(error.value).replace(str(path), "")
    docs, audit = run("piboso", path)
    assert len(docs) == 2
    assert [change.line for change in audit.changes] == [7]


def test_piboso_sentence_outside_an_abstract(run, write):
    docs, audit = run("piboso", write("a.txt", "outcome\tLost .\n" + ABSTRACTS))
    assert len(docs) == 2
    assert [change.line for change in audit.changes] == [1]


def row(condition, sentence, negation="Affirmed", temporality="Recent", experiencer="Patient"):
    return f"1\t{condition}\t{sentence}\t{negation}\t{temporality}\t{experiencer}\n"


def test_negex(run, write):
    rows = [
        row("sore  foot", "No SORE   FOOT. Walks well.", "Negated"),
        row("foot rot", "Father had FOOT ROT.", "Affirmed", "Historical", "Family member"),
        row("gout", "Perhaps GOUT.", "Possible", "Not particular"),
    ]
    docs, audit = run("negex", write("a.tsv", HEADER + "".join(rows)), on_error="stop")
    assert docs[0].text == "no sore   foot. walks well."
    assert [span.text for doc in docs for span in doc.spans[FINDINGS]] == ["sore   foot", "foot rot", "gout"]
    assert [doc.spans[FINDINGS].attrs["assertion"] for doc in docs] == [["negative"], ["positive"], ["unknown"]]
    modifiers = [doc.spans[FINDINGS].attrs["assertion_modifiers"] for doc in docs]
    assert modifiers == [[[]], [["historical", "family"]], [["uncertain"]]]
    assert all(doc.spans[FINDINGS].attrs["given_spans_only"] is True for doc in docs)
    assert len(list(docs[0].sents)) == 2
    assert not audit.changes


def test_negex_rows_of_one_sentence_share_a_split_key(run, write):
    rows = row("gout", "GOUT  and rash.") + row("rash", "gout and RASH.")
    first, second = run("negex", write("a.tsv", rows))[0]
    assert split_key(first) == split_key(second)


def test_condition_is_found_where_the_file_marks_it():
    assert locate("pe", "He had no pe then, now PE.")[0] == (23, 25)
    assert locate("mi", "Family: MI")[0] == (8, 10)
    assert locate("gout", "No such thing.") == []
    assert locate(" ", "No such thing.") == []
    assert locate("flu", "Flulike illness.") == [(0, 3)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row("secret", "Nothing."), "not in the sentence"),
        (row("gout", "Gout.", "Secret"), "unknown value"),
        (row("gout", "Gout.", "Negated", "Secret"), "unknown value"),
        ("secret\n", "1 columns"),
    ],
)
def test_negex_malformed(run, write, line, reason):
    path = write("a.tsv", HEADER + line + row("gout", "GOUT."))
    with pytest.raises(MedmtlError, match=f"E401.*a.tsv, line 2: .*{reason}") as error:
        run("negex", path, on_error="stop")
    assert "ecret" not in str(error.value).replace(str(path), "")
    docs, audit = run("negex", path)
    assert len(docs) == 1
    assert [change.line for change in audit.changes] == [2]
