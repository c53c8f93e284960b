"""Corpora of related entities: DDI 2013, ChemProt, ADE. All texts are invented."""

import json

import pytest
import spacy
from archives import zipped
from finding_docs import sentences

from spacy_medmtl.annotations.groups import ENTITIES, RELATIONS
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError


def entities(doc):
    return [(span.text, span.label_) for span in doc.spans[ENTITIES]]


def pairs(doc):
    return [(doc[slice(*p.head)].text, doc[slice(*p.tail)].text, *p.labels) for p in read_pairs(doc)]


def drug(number, offsets, words, label="drug"):
    return f'<entity id="e{number}" charOffset="{offsets}" type="{label}" text="{words}"/>\n'


def judged(first, second, kind=None):
    rest = f'ddi="true" type="{kind}"' if kind else 'ddi="false"'
    return f'<pair id="p" e1="e{first}" e2="e{second}" {rest}/>\n'


def ddi(*sentences, name="D1", head='<?xml version="1.0" encoding="UTF-8"?>\n'):
    inner = "".join(f'<sentence id="s" text="{text}">\n{"".join(rows)}</sentence>\n' for text, *rows in sentences)
    return f'{head}<document id="{name}">\n{inner}</document>\n'


TEXT = "Foo &amp; mu- or nu-blockers hurt."
DRUGS = [drug(0, "0-2", "Foo", "brand"), drug(1, "6-8;16-23", "mu-blockers", "group"), drug(2, "13-23", "nu-blockers")]
ALL = [*DRUGS, judged(0, 1, "effect"), judged(0, 2), judged(1, 2, "int")]


def test_ddi(run, write):
    content = ddi((TEXT, *ALL), ("",), (" It is\n new. ",))
    (doc,), audit = run("ddi2013", write("a.xml", content), on_error="stop")
    assert doc.text == "Foo & mu- or nu-blockers hurt.  It is  new. "  # XML makes a blank of a line end in an attribute
    assert entities(doc)[:2] == [("Foo", "brand"), ("mu- or nu-blockers", "group")]  # covers its pieces
    assert pairs(doc)[0] == ("Foo", "mu- or nu-blockers", "effect")
    assert [len(pair) for pair in pairs(doc)] == [3, 2, 3]
    assert [pair.score for pair in read_pairs(doc)] == [1.0, 0.0, 1.0]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["brand", "drug", "drug_n", "group"]
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["advise", "effect", "int", "mechanism"]
    assert sentences(doc) == ["Foo & mu- or nu-blockers hurt.", "It is  new."]
    assert split_key(doc) == "D1"
    assert audit.notes["empty sentences left out"] == 1
    assert [(change.outcome, change.label) for change in audit.changes] == [("reshaped", "group")]


def test_ddi_archive(run, write):
    members = {"a/1.xml": ddi((TEXT, *ALL)), "a/2.xml": ddi(("No.",)), "a/3.xml": "<document>", "read.me": "x"}
    path = write("x.zip", zipped(members))
    docs, audit = run("ddi2013", path)
    assert len(docs) == 2
    assert [
        (change.file[len(str(path)) :], change.line) for change in audit.changes if change.outcome == "dropped"
    ] == [
        ("/a/3.xml", 1),
        ("/read.me", 1),
    ]
    assert audit.notes["document ids that occur again"] == 1
    docs, audit = run("ddi2013", write("y.zip", b"PK no"))
    assert (docs, len(audit.changes)) == ([], 1)


@pytest.mark.parametrize(
    ("rows", "reasons"),
    [
        ([drug(3, "0-9", "Secret")], ["do not give"]),
        ([drug(3, "0-99", "Secret")], ["do not give"]),
        ([drug(3, "5-3", "Secret")], ["do not give"]),
        ([drug(3, "0-2;", "Secret")], ["do not give"]),
        ([drug(3, "4-4", "Secret", "Secret"), judged(0, 3)], ["unknown label", "lost or missing"]),
        ([judged(0, 3)], ["lost or missing"]),
        ([judged(0, 0)], ["not two spans"]),
        ([judged(0, 2, "Secret")], ["unknown type of interaction"]),
        (['<pair id="p" e1="e0" e2="e1" ddi="true"/>\n'], ["unknown type of interaction"]),
        (['<pair id="p" e1="e0" e2="e1" ddi="Secret"/>\n'], ["unknown ddi of a pair"]),
        (["<Secret/>\n"], ["neither an entity nor a pair"]),
    ],
)
def test_ddi_malformed_annotation(run, write, rows, reasons):
    path = write("a.xml", ddi((TEXT, *DRUGS, *rows)))
    with pytest.raises(MedmtlError, match="E401.*a.xml, line 7: ") as error:
        run("ddi2013", path, on_error="stop")
    assert "Secret" not in str(error.value)
    (doc,), audit = run("ddi2013", path)
    assert len(doc.spans[ENTITIES]) == 3
    lost = [change for change in audit.changes if change.outcome == "dropped"]
    assert [change.line for change in lost] == [7, 8][: len(reasons)]
    assert [reason in change.reason for change, reason in zip(lost, reasons, strict=True)] == [True] * len(reasons)


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (ddi(("Foo",)).replace("</sentence>", ""), "broken XML", 5),
        (ddi(("Foo",))[:-15], "broken XML", 4),
        (ddi(("Foo",), head='<!DOCTYPE R [<!ENTITY a "aaaa">]>\n'), "document type", 1),
        (ddi(("Foo",), head='\n<!DOCTYPE R SYSTEM "file:///etc/passwd" [<!ENTITY y "z">]>\n'), "document type", 2),
        (ddi(("Foo",), head='<?xml version="1.0" encoding="rot13"?>'), "", 1),
        (ddi(), "without sentences", 1),
        (ddi(("",)), "without sentences", 1),
        (ddi(("x" * 1_000_001,)), "longer than spaCy reads", 1),
        (ddi(("Foo",)).encode("utf-16"), "", 1),
        ("Secret", "no XML", 1),
    ],
)
def test_ddi_broken_document(run, write, content, reason, line):
    docs, audit = run("ddi2013", write("a.xml", content))
    if docs:  # an encoding that expat knows
        assert reason == ""
        return
    assert [(change.line, change.kind) for change in audit.changes] == [(line, "document")]
    assert reason in audit.changes[0].reason


def test_ddi_annotation_of_an_empty_sentence_is_a_loss(run, write):
    docs, audit = run("ddi2013", write("a.xml", ddi((" ", judged(0, 1)), ("Foo.",))))
    assert [doc.text for doc in docs] == ["Foo."]
    assert [change.line for change in audit.changes] == [3]


def test_pairs_of_the_same_tokens_become_one(run, write):
    """With a tokenizer that does not part them: the relation that holds stays, and both changes are listed."""
    rows = [
        drug(0, "0-2", "Foo"),
        drug(1, "4-5", "ba"),
        drug(2, "6-7", "xy"),
        judged(0, 1),
        judged(0, 2, "int"),
        judged(1, 2),
    ]
    (doc,), audit = run("ddi2013", write("a.xml", ddi(("Foo baxy.", *rows))))
    assert pairs(doc) == [("Foo", "baxy", "int")]
    outcomes = sorted((change.outcome, change.kind) for change in audit.changes)
    assert outcomes == [
        ("dropped", RELATIONS),
        ("expanded", ENTITIES),
        ("expanded", ENTITIES),
        ("merged", ENTITIES),
        ("merged", RELATIONS),
    ]


def row(text, label="INHIBITOR"):
    return json.dumps({"text": text, "label": label, "metadata": []}) + "\n"


def test_chemprot(run, write):
    marked = [
        row("<< Foo >> blocks [[ bar-1 ]] and 2 >> 1, é. It is [[x] so."),
        row("<< Foo >> blocks [[ bar-1 ]] and 2 >> 1, é. It is [[x] so.", "DOWNREGULATOR"),
        row("<< Foo >> blocks bar-1 and 2 >> 1, [[ é ]]. It is [[x] so.", "SUBSTRATE"),
        row("Of << [[a]-b >>, [[ c ]]"),
    ]
    docs, audit = run("chemprot", write("a.jsonl", "".join(marked)), on_error="stop")
    assert [doc.text for doc in docs] == ["Foo blocks bar-1 and 2 >> 1, é. It is [[x] so.", "Of [[a]-b, c"]
    assert pairs(docs[0]) == [("Foo", "bar-1", "DOWNREGULATOR", "INHIBITOR"), ("Foo", "é", "SUBSTRATE")]
    assert len(docs[0].spans[RELATIONS].attrs["annotated_labels"]) == 13
    assert ENTITIES not in docs[0].spans  # only entities of related pairs are marked
    assert pairs(docs[1])[0][1:] == ("c", "INHIBITOR")
    assert sentences(docs[0])[1] == "It is [[x] so."
    assert not audit.changes  # two labels of one pair are no duplicate


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Secret", "JSON object"),
        ("[]", "JSON object"),
        ('{"label": "INHIBITOR"}', "JSON object"),
        (row("<< Secret >> [[ b ]]", "Secret"), "unknown label"),
        (row("<< Secret >> [[ b ]]", ["Secret"]), "unknown label"),
        (row("<< Secret >> b"), "around two entities"),
        (row("[[ Secret ]] << b >>"), "around two entities"),
        (row("<< << Secret >> [[ b ]]"), "around two entities"),
        (row("<< Secret >> [[ b ]] [[ c ]]"), "around two entities"),
        (row("<< Secret\ud800 >> [[ b ]]"), "JSON object"),
    ],
)
def test_chemprot_malformed_line(run, write, line, reason):
    path = write("a.jsonl", row("<< a >> [[ b ]]") + line.strip() + "\n")
    with pytest.raises(MedmtlError, match=f"E401.*line 2: .*{reason}") as error:
        run("chemprot", path, on_error="stop")
    assert "Secret" not in str(error.value)
    docs, audit = run("chemprot", path)
    assert (len(docs), len(audit.changes)) == (1, 1)


SENTENCE = "Foo, or a foo after bar, gave gout and gout of foot."
ADE = (
    f"7|{SENTENCE}|gout|139|143|bar|120|123\n"
    f"7|{SENTENCE}|gout of foot|139|151|bar|120|123\n"
    f"7|{SENTENCE}|gout|139|143|foo|110|113\n"
    f"7|{SENTENCE}|gout|139|143|foo|110|113\n"
    "7|Baz: tics.|tics|205|209|Baz|200|203\n"
    "8|No.|No|0|2|.|2|3\n"
)


def test_ade(run, write):
    docs, audit = run("ade", write("a.rel", ADE), on_error="stop")
    assert [doc.text for doc in docs] == [SENTENCE, "Baz: tics.", "No."]
    doc = docs[0]
    spans = [(span.start_char, span.text, span.label_) for span in doc.spans[ENTITIES]]
    assert sorted(spans) == [
        (10, "foo", "Drug"),
        (20, "bar", "Drug"),
        (39, "gout", "Adverse-Effect"),
        (39, "gout of foot", "Adverse-Effect"),
    ]
    assert sorted(pairs(doc)) == [
        ("bar", "gout", "causes"),
        ("bar", "gout of foot", "causes"),
        ("foo", "gout", "causes"),
        ("foo", "gout of foot"),
    ]
    assert [split_key(doc) for doc in docs] == ["7", "7", "8"]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["Adverse-Effect", "Drug"]
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["causes"]
    assert audit.notes["relations that occur again"] == 1
    assert not audit.changes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("9|Secret|a|0", "8 columns"),
        ("9|Secret a b|a|x|8|b|9|10", "8 columns"),
        ("9|Secret a b||7|8|b|9|10", "empty"),
        ("9|Secret a b|a|7|8|b|8|9", "no place, or several"),
        ("9|Secret a b|c|7|8|b|9|10", "no place, or several"),
        ("9|Secret a b|a|3|4|b|5|6", "no place, or several"),  # it would begin before the abstract
        ("9|Secret a a|a|9|10|a|9|10", "no place, or several"),
    ],
)
def test_ade_malformed_line(run, write, line, reason):
    path = write("a.rel", ADE + line + "\n")
    with pytest.raises(MedmtlError, match=f"E401.*line 7: .*{reason}") as error:
        run("ade", path, on_error="stop")
    assert "Secret" not in str(error.value)
    docs, audit = run("ade", path)
    assert len(docs) == 3
    assert [change.line for change in audit.changes] == [7]


QUAERO = {
    "t/EMEA/a.txt": "Il lésions rénales et hépatiques\n! De la lait fort .\n",
    "t/EMEA/annotation.conf": "x",
    "t/MEDLINE/b.ann": "",
    "t/MEDLINE/b.txt": "Rien .\n",
}


def test_quaero(run, write):
    text = QUAERO["t/EMEA/a.txt"]
    ann = ""
    for number, (label, *pieces) in enumerate(
        [
            ("DISO", "lésions rénales et hépatiques"),
            ("DISO", "lésions", "hépatiques"),
            ("ANAT", "rénales"),
            ("CHEM", "fort", "De"),
        ]
    ):
        offsets = ";".join(f"{text.index(piece)} {text.index(piece) + len(piece)}" for piece in pieces)
        ann += f"T{number}\t{label} {offsets}\t{' '.join(pieces)}\n#1\tAnnotatorNotes T1\tC1\n"
    path = write("x.zip", zipped({**QUAERO, "t/EMEA/a.ann": ann}))
    docs, audit = run("quaero", path, on_error="stop", lang="fr")
    assert [doc.text for doc in docs] == [text[:-1], "Rien ."]
    assert entities(docs[0]) == [
        ("lésions rénales et hépatiques", "DISO"),
        ("rénales", "ANAT"),
        ("De la lait fort", "CHEM"),
    ]
    assert [(change.outcome, change.line) for change in audit.changes] == [
        ("reshaped", 3),
        ("merged", 3),  # it covers the same words as another one
        ("reshaped", 7),
    ]
    assert sentences(docs[0])[0] == "Il lésions rénales et hépatiques"
    assert len(docs[1].spans[ENTITIES]) == 0
    assert len(docs[1].spans[ENTITIES].attrs["annotated_labels"]) == 10
    assert spacy.blank("fr").lang == docs[0].lang_
