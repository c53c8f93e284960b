"""CoNLL columns: which ones, layers, comments, documents, the header of CoNLL-U Plus."""

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS
from spacy_medmtl.errors import MedmtlError


def found(doc, key=ENTITIES):
    return [(span.text, span.label_) for span in doc.spans[key]]


def test_last_column_by_default(run, write):
    first = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nsaid VB O O\n\nIt PRP O O\n"
    text = f"{first}\n-DOCSTART- -X- O O\n\nRome NNP O I-LOC\n"
    docs, audit = run("conll", write("a.txt", text), on_error="stop")
    assert [doc.text for doc in docs] == ["EU said It ", "Rome "]
    assert [len(list(doc.sents)) for doc in docs] == [2, 1]
    assert [found(doc) for doc in docs] == [[("EU", "ORG")], [("Rome", "LOC")]]
    assert all(doc.spans[ENTITIES].attrs["annotated_labels"] == ["LOC", "ORG"] for doc in docs)
    assert docs[0].has_unknown_spaces
    assert audit.notes["mentions that begin with I- or E-"] == 1


@pytest.mark.parametrize(
    "tags",
    ["I-A I-A B-A O I-B", "B-A I-A B-A O B-B", "B-A E-A S-A O S-B", "B-A L-A U-A O U-B"],  # IOB1, IOB2, IOBES, BILOU
)
def test_every_scheme_is_told_apart_by_itself(run, write, tags):
    text = "".join(f"w{at}\t{tag}\n" for at, tag in enumerate(tags.split()))
    (doc,), _ = run("conll", write("a.txt", text), on_error="stop")
    assert found(doc) == [("w0 w1", "A"), ("w2", "A"), ("w4", "B")]


def test_layers_and_comments(run, write):
    text = "# text = left knee pain\nB-S\tleft\tB-P\tB-A\nx\tknee\tI-P\tI-A\n#\t#\tO\tO\n# other\nx\tpain\tB-P\tO\n"
    (doc,), audit = run("conll", write("a.txt", text), on_error="stop", word="2", tags="3,-1")
    assert found(doc) == [("left knee", "P"), ("left knee", "A"), ("pain", "P")]
    assert [token.text for token in doc] == ["left", "knee", "#", "pain"]
    assert audit.notes["comment lines, not used"] == 2


def test_findings(run, write):
    text = "no\tO\nfever\tB-Problem/negative+family\nor\tO\nx\tB-Problem/both\n"
    (doc,), _ = run("conll", write("a.txt", text), on_error="stop", group="findings")
    assert found(doc, FINDINGS) == [("fever", "Problem")]  # "both" is no status, so that is another label
    assert doc.spans[FINDINGS].attrs["assertion"] == ["negative"]
    assert doc.spans[FINDINGS].attrs["assertion_modifiers"] == [["family"]]


def test_header_of_conllu_plus(run, write):
    text = (
        "# global.columns = FORM MISC LEMMA MEDMTL:NER MEDMTL:FINDINGS\n# newdoc id = 1\nno\t_\tno\tO\tO\n"
        "fever\tSpaceAfter=No\tx\tB-Sign\tB-Finding/negative\n.\tSpaceAfter=No\t.\tO\tO\n"
        "_\tSpaceAfter=No|Form=\\u{a}\\u{d}\tx\tO\tO\n\n# newdoc\nIt\t_\tit\tO\tO\n"
    )
    docs, _ = run("conll", write("a.conll", text), on_error="stop", group="both")
    assert [doc.text for doc in docs] == ["no fever.\n\r", "It "]
    assert not docs[0].has_unknown_spaces
    assert found(docs[0]) == [("fever", "Sign")]
    assert docs[0].spans[FINDINGS].attrs["assertion"] == ["negative"]


@pytest.mark.parametrize(
    ("row", "settings", "reason"),
    [
        ("Secret\tx\tO\tO", {}, "4 columns: expected 3"),
        ("Secret\tx\tZ", {}, "the tag is neither"),
        ("Secret\tx\tO", {"tags": "4"}, "fewer than the settings name"),
        ("Secret\tx\tO", {"tags": "-4"}, "fewer than the settings name"),
        ("Secret\tx\tB-\u200b", {}, "characters that cannot be shown"),
    ],
)
def test_malformed_row(run, write, row, settings, reason):
    path = write("a.txt", f"a\tb\tO\n\n{row}\n\nc\td\tO\n")
    _, audit = run("conll", path, **settings)
    assert any(change.line <= 3 and reason in change.reason for change in audit.changes)
    assert "Secret" not in str(audit.as_dict()).replace(str(path), "")
    with pytest.raises(MedmtlError, match="E401"):
        run("conll", path, on_error="stop", **settings)


def test_file_that_is_one_document_does_not_fill_the_memory(run, write, nlp):
    text = "-DOCSTART- O\n\n" + ("word\tB-X\n" * 500 + "\n") * (nlp.max_length // 2500 + 2)
    docs, audit = run("conll", write("a.txt", text))
    assert not docs
    assert audit.changes[0].reason == "a document longer than spaCy reads"
