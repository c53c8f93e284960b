"""Drugs and what is said of them, as folders of brat standoff. All texts are invented."""

import pytest
from entity_docs import entities, losses, pairs
from finding_docs import sentences

from spacy_medmtl.annotations.groups import ENTITIES, RELATIONS
from spacy_medmtl.corpora.judged import EXCHANGED
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

TEXT = "Foo salve 5 mg for red\nears daily. Bar caused rash and cold\nfeet. Rest. He likes Foo. No baz here.\n"


def mention(number, label, *pieces, text=TEXT):
    """A row for the first places of the pieces."""
    places = [(text.index(piece), text.index(piece) + len(piece)) for piece in pieces]
    return f"T{number}\t{label} {';'.join(f'{start} {end}' for start, end in places)}\t{' '.join(pieces)}\n"


ROWS = [
    mention(1, "Drug", "Foo salve"),
    mention(2, "Strength", "5 mg"),
    mention(3, "Reason", "red", "ears"),  # brat parts a mention at the end of a line
    mention(4, "Frequency", "daily"),
    mention(5, "Drug", "Bar"),
    mention(6, "ADE", "rash"),
    mention(7, "ADE", "cold", "feet"),
    mention(8, "Drug", "baz"),
    "R1\tStrength-Drug Arg1:T2 Arg2:T1\t\n",
    "R2\tReason-Drug Arg1:T3 Arg2:T1\n",
    "R3\tADE-Drug Arg1:T6 Arg2:T5\n",
    "R4\tADE-Drug Arg1:T6 Arg2:T1\n",
    "R5\tADE-Drug Arg1:T7 Arg2:T8\n",
]


@pytest.fixture
def files(write):
    def write_files(name="100", text=TEXT, rows=ROWS):
        write(f"{name}.ann", "".join(rows))
        return write(f"{name}.txt", text)

    return write_files


def test_n2c2_2018(run, files):
    (doc,), audit = run("n2c2_2018", files(), on_error="stop")
    assert doc.text == TEXT
    assert entities(doc) == [
        ("Foo salve", "Drug"),
        ("5 mg", "Strength"),
        ("red\nears", "Reason"),
        ("daily", "Frequency"),
        ("Bar", "Drug"),
        ("rash", "ADE"),
        ("cold\nfeet", "ADE"),
        ("baz", "Drug"),
    ]
    assert len(doc.spans[ENTITIES].attrs["annotated_labels"]) == 9
    assert len(sentences(doc)) - sentences(doc).count("") == 5
    assert split_key(doc) == "100"
    assert not audit.changes  # only line breaks lie between pieces


def test_judged_pairs_are_those_of_neighbouring_sentences(run, files):
    (doc,), audit = run("n2c2_2018", files(), on_error="stop")
    assert pairs(doc) == [
        ("5 mg", "Foo salve", ["Strength-Drug"]),
        ("5 mg", "Bar", []),
        ("red\nears", "Foo salve", ["Reason-Drug"]),
        ("red\nears", "Bar", []),
        ("daily", "Foo salve", []),
        ("daily", "Bar", []),
        ("rash", "Foo salve", ["ADE-Drug"]),
        ("rash", "Bar", ["ADE-Drug"]),
        ("cold\nfeet", "Foo salve", []),
        ("cold\nfeet", "Bar", []),
        ("cold\nfeet", "baz", ["ADE-Drug"]),  # three sentences apart: kept, for it is related
    ]
    assert audit.notes["related pairs outside of the judged ones, kept"] == 1
    assert len(doc.spans[RELATIONS].attrs["annotated_labels"]) == 8


def test_a_relation_the_wrong_way_round_is_turned(run, files):
    """Or it would stand beside the pair that counts as judged to hold nothing."""
    (right,), plain = run("n2c2_2018", files())
    rows = [row.replace("Arg1:T2 Arg2:T1", "Arg1:T1 Arg2:T2") for row in ROWS]
    (doc,), audit = run("n2c2_2018", files(rows=rows), on_error="stop")
    assert pairs(doc) == pairs(right)
    assert [change.reason for change in audit.changes if change not in plain.changes] == [EXCHANGED]


def test_discontinuous_mention_is_covered_and_listed(run, files):
    rows = [mention(1, "ADE", "rash", "feet"), mention(2, "ADE", "feet", "red")]
    (doc,), audit = run("n2c2_2018", files(rows=rows), on_error="stop")
    assert entities(doc)[0] == ("rash and cold\nfeet", "ADE")
    assert entities(doc)[1][0].startswith("red\nears daily. Bar")
    assert [(change.outcome, change.kind, change.line) for change in audit.changes] == [
        ("reshaped", ENTITIES, 1),
        ("reshaped", ENTITIES, 2),
    ]


def test_relation_of_a_mention_that_equals_another_one(run, files):
    rows = [*ROWS[:2], mention(3, "Strength", "5 mg"), "R1\tStrength-Drug Arg1:T3 Arg2:T1\n"]
    (doc,), audit = run("n2c2_2018", files(rows=rows), on_error="stop")
    assert pairs(doc) == [("5 mg", "Foo salve", ["Strength-Drug"])]
    assert [(change.outcome, change.line) for change in audit.changes] == [("merged", 3)]


def test_offsets_count_both_characters_of_a_line_end_of_windows(run, files):
    text = TEXT.replace("\n", "\r\n")
    rows = [mention(1, "Drug", "baz", text=text), mention(2, "ADE", "cold", "feet", text=text)]
    (doc,), audit = run(
        "n2c2_2018", files(text=text, rows=[row.replace("\n", "\r\n") for row in rows]), on_error="stop"
    )
    assert doc.text == text
    assert entities(doc) == [("baz", "Drug"), ("cold\r\nfeet", "ADE")]
    assert not audit.changes


def test_document_without_annotations(run, files):
    (doc,), _ = run("n2c2_2018", files(rows=[]), on_error="stop")
    assert list(doc.spans[ENTITIES]) == list(doc.spans[RELATIONS]) == []


def test_missing_companion_file(run, files):
    path = files()
    path.with_suffix(".ann").unlink()
    with pytest.raises(MedmtlError, match=r"E401.*100.txt, line 1: .*suffix .ann is missing"):
        run("n2c2_2018", path, on_error="stop")
    docs, audit = run("n2c2_2018", path, files("200"))
    assert [split_key(doc) for doc in docs] == ["200"]
    assert losses(audit) == [("100.txt", 1, "document")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("T9\tDrug 1 4\tSecret", "do not give the words"),
        ("T9\tDrug 0 3\tFo", "do not give the words"),
        ("T9\tDrug 3 3\t", "no character"),
        ("T9\tDrug 0 9999\tSecret", "outside the text"),
        ("T9\tDrug 0 3;\tFoo", "expected 'id TAB"),
        ("T9\tDrug 0 3 5\tFoo", "do not give the words"),
        ("T9\tDrug 0 9999999999\tSecret", "expected 'id TAB"),
        ("T9\tDrug 0 x\tSecret", "expected 'id TAB"),
        ("T9\tDrug 0 3", "expected 'id TAB"),
        ("T9\tSecret 0 3\tFoo", "unknown label"),
        ("R9\tSecret Arg1:T2 Arg2:T1", "unknown relation"),
        ("R9\tADE-Drug Arg1:T6 Arg2:T77", "no mention of the document"),
        ("R9\tADE-Drug Arg1:T6", "not an annotation"),
        ("Secret", "not an annotation"),
    ],
)
def test_malformed_row(run, files, row, reason):
    path = files(rows=["#1\tAnnotatorNotes T1\tSeen\n", row + "\n", *ROWS])
    with pytest.raises(MedmtlError, match=f"E401.*100.ann, line 2: .*{reason}") as error:
        run("n2c2_2018", path, on_error="stop")
    assert "Secret" not in str(error.value).replace(str(path.parent), "")
    (doc,), audit = run("n2c2_2018", path)
    assert len(doc.spans[ENTITIES]) == 8
    assert sum(len(labels) for *_, labels in pairs(doc)) == 5
    assert [line for _, line, _ in losses(audit)] == [2]


def test_annotations_without_a_text_are_a_loss_in_a_folder_of_others(run, files, write, tmp_path):
    files()
    write("200.ann", ROWS[0])
    docs, audit = run("n2c2_2018", tmp_path)
    assert len(docs) == 1
    assert [name for name, _, kind in losses(audit) if kind == "document"] == ["200.ann"]


def test_files_named_in_capital_letters(run, files, tmp_path):
    path = files()
    path.with_suffix(".ann").rename(tmp_path / "300.ANN")
    path.rename(tmp_path / "300.TXT")
    (doc,), _ = run("n2c2_2018", tmp_path, on_error="stop")
    assert len(doc.spans[ENTITIES]) == 8
