"""Concepts by line and token, assertions, relations in a line. All texts are invented."""

import pytest
from entity_docs import entities, losses, pairs
from finding_docs import findings, sentences

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, RELATIONS
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

LINES = [
    "Visit Date :",
    "1999-01-02",
    "The clerk denies red ears and  cold feet .",
    "Warm salve relieved the itch ; an ear swab shows mites from itch .",
    "If gout comes , rest ; his aunt had warts , perhaps flu .",
    "The itch goes on",
    "and on .",
]
CONCEPTS = {
    "red ears": ("3:3 3:4", "problem", "absent"),
    "cold feet": ("3:6 3:7", "problem", "absent"),
    "warm salve": ("4:0 4:1", "treatment", None),
    "the itch": ("4:3 4:4", "problem", "present"),
    "an ear swab": ("4:6 4:8", "test", None),
    "mites": ("4:10 4:10", "problem", "present"),
    "itch": ("4:12 4:12", "problem", "conditional"),
    "gout": ("5:1 5:1", "problem", "hypothetical"),
    "warts": ("5:9 5:9", "problem", "associated_with_someone_else"),
    "flu": ("5:12 5:12", "problem", "possible"),
    "goes on and on": ("6:2 7:1", "problem", "present"),
}


def concept(words):
    return f'c="{words}" {CONCEPTS[words][0]}'


def con(words):
    return f'{concept(words)}||t="{CONCEPTS[words][1]}"'


def ast(words, value=None):
    return f'{con(words)}||a="{value or CONCEPTS[words][2]}"'


def rel(head, label, tail):
    return f'{concept(head)}||r="{label}"||{concept(tail)}'


PROBLEMS = [words for words, (_, kind, _) in CONCEPTS.items() if kind == "problem"]
RELATIONS_OF_IT = [
    rel("warm salve", "TrIP", "the itch"),
    rel("an ear swab", "TeRP", "mites"),
    rel("itch", "PIP", "mites"),
    rel("mites", "PIP", "the itch"),
]


@pytest.fixture
def files(write):
    def write_files(name="a", lines=LINES, con=None, ast=None, rel=RELATIONS_OF_IT, end="\n"):
        contents = {".txt": lines, ".con": con or CON, ".ast": AST if ast is None else ast, ".rel": rel}
        paths = [write(f"{name}{suffix}", end.join([*rows, ""])) for suffix, rows in contents.items()]
        return paths[0]

    return write_files


CON = [con(words) for words in CONCEPTS]
AST = [ast(words) for words in PROBLEMS]


def test_i2b2_2010(run, files):
    (doc,), audit = run("i2b2_2010", files(), on_error="stop")
    assert doc.text == "\n".join([*LINES, ""])
    assert entities(doc) == [
        ("red ears", "Problem"),
        ("cold feet", "Problem"),
        ("Warm salve", "Treatment"),
        ("the itch", "Problem"),
        ("an ear swab", "Test"),
        ("mites", "Problem"),
        ("itch", "Problem"),
        ("gout", "Problem"),
        ("warts", "Problem"),
        ("flu", "Problem"),
        ("goes on\nand on", "Problem"),
    ]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["Problem", "Test", "Treatment"]
    assert findings(doc) == [
        ("red ears", "negative", []),
        ("cold feet", "negative", []),
        ("the itch", "positive", []),
        ("mites", "positive", []),
        ("itch", "unknown", ["hypothetical"]),
        ("gout", "unknown", ["hypothetical"]),
        ("warts", "unknown", ["family"]),
        ("flu", "unknown", ["uncertain"]),
        ("goes on\nand on", "positive", []),
    ]
    attrs = doc.spans[FINDINGS].attrs
    assert attrs["annotated_labels"] == ["Finding"]
    assert attrs["annotated_modifiers"] == ["uncertain", "hypothetical", "family"]
    assert "given_spans_only" not in attrs
    assert sentences(doc) == [*LINES[:5], "The itch goes on\nand on ."]
    assert audit.notes["sentence boundaries removed inside a span"] == 1
    assert not audit.changes
    assert split_key(doc) == "a"


def test_judged_pairs_are_those_of_a_sentence(run, files):
    (doc,), audit = run("i2b2_2010", files(), on_error="stop")
    assert pairs(doc) == [
        ("red ears", "cold feet", []),
        ("Warm salve", "the itch", ["TrIP"]),
        ("Warm salve", "mites", []),
        ("Warm salve", "itch", []),
        ("the itch", "mites", ["PIP"]),  # the file has them the other way round
        ("the itch", "itch", []),
        ("an ear swab", "the itch", []),
        ("an ear swab", "mites", ["TeRP"]),
        ("an ear swab", "itch", []),
        ("mites", "itch", ["PIP"]),
        ("gout", "warts", []),
        ("gout", "flu", []),
        ("warts", "flu", []),
    ]
    expected = ["PIP", "TeCP", "TeRP", "TrAP", "TrCP", "TrIP", "TrNAP", "TrWP"]
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == expected
    assert audit.notes["related pairs outside of the judged ones, kept"] == 0


def test_related_pair_of_two_sentences_is_kept_and_counted(run, files):
    rows = [rel("warm salve", "TrAP", "gout"), rel("warm salve", "TrCP", "gout"), rel("warm salve", "TrCP", "gout")]
    (doc,), audit = run("i2b2_2010", files(rel=rows), on_error="stop")
    assert ("Warm salve", "gout", ["TrAP", "TrCP"]) in pairs(doc)
    assert audit.notes["related pairs outside of the judged ones, kept"] == 1
    assert [(change.outcome, change.line) for change in audit.changes] == [("merged", 3)]


def test_folders_of_the_training_and_of_the_test_part(run, files, tmp_path):
    text = files()
    moved = tmp_path / "beth" / "txt" / "a.txt"
    for suffix, folder in ((".txt", "txt"), (".con", "concept"), (".ast", "ast"), (".rel", "rel")):
        (tmp_path / "beth" / folder).mkdir(parents=True)
        text.with_suffix(suffix).rename(tmp_path / "beth" / folder / f"a{suffix}")
    (doc,), _ = run("i2b2_2010", moved, on_error="stop")
    assert len(doc.spans[ENTITIES]) == 11
    for suffix, folder in ((".con", "concept"), (".ast", "ast"), (".rel", "rel")):
        target = tmp_path / "reference_standard_for_test_data" / folder.replace("concept", "concepts") / f"a{suffix}"
        target.parent.mkdir(parents=True)
        (tmp_path / "beth" / folder / f"a{suffix}").rename(target)
    (tmp_path / "test_data").mkdir()
    (doc,), _ = run("i2b2_2010", moved.rename(tmp_path / "test_data" / "a.txt"), on_error="stop")
    assert len(doc.spans[ENTITIES]) == 11


def test_line_ends_of_windows(run, files):
    (doc,), audit = run("i2b2_2010", files(end="\r\n"), on_error="stop")
    assert doc.text == "\r\n".join([*LINES, ""])
    assert ("goes on\r\nand on", "Problem") in entities(doc)
    assert len(findings(doc)) == len(PROBLEMS)
    assert not audit.changes


def test_empty_annotations(run, write):
    path = write("a.txt", "Rest .\n")
    for suffix in (".con", ".ast", ".rel"):
        write(f"a{suffix}", "")
    (doc,), audit = run("i2b2_2010", path, on_error="stop")
    assert [list(doc.spans[key]) for key in (ENTITIES, FINDINGS, RELATIONS)] == [[], [], []]
    assert not audit.changes


@pytest.mark.parametrize(("suffix", "key"), [(".ast", FINDINGS), (".rel", RELATIONS)])
def test_a_text_without_a_layer_is_not_annotated_with_it(run, files, suffix, key):
    path = files()
    path.with_suffix(suffix).unlink()
    (doc,), audit = run("i2b2_2010", path, on_error="stop")
    assert {ENTITIES, FINDINGS, RELATIONS} - set(doc.spans) == {key}
    assert not audit.changes


def test_missing_concepts(run, files):
    path = files()
    path.with_suffix(".con").unlink()
    with pytest.raises(MedmtlError, match=r"E401.*a.txt, line 1: .*suffix .con is missing"):
        run("i2b2_2010", path, on_error="stop")
    docs, audit = run("i2b2_2010", path, files("b"))
    assert [split_key(doc) for doc in docs] == ["b"]
    assert losses(audit) == [("a.txt", 1, "document")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("secret", "not a line of a .con file"),
        ('c="secret" 3:3 3:4', "not a line of a .con file"),
        ('c="secret" 3:3 3:4||t="problem"', "do not give the words"),
        ('c="red ears" 3:2 3:3||t="problem"', "do not give the words"),
        ('c="red ears" 3:4 3:3||t="problem"', "do not give the words"),
        ('c="red ears" 0:3 0:4||t="problem"', "do not give the words"),
        ('c="red ears" 99:3 99:4||t="problem"', "do not give the words"),
        ('c="red ears" 3:3 3:99||t="problem"', "do not give the words"),
        ('c="red ears" 3:3 3:9999999||t="problem"', "not a line of a .con file"),
        ('c="the clerk" 3:0 3:1||t="secret"', "an unknown label"),
    ],
)
def test_malformed_concept(run, files, row, reason):
    path = files(con=[*CON, row])
    with pytest.raises(MedmtlError, match=f"E401.*a.con, line 12: .*{reason}") as error:
        run("i2b2_2010", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "")
    (doc,), audit = run("i2b2_2010", path)
    assert len(doc.spans[ENTITIES]) == 11
    assert [line for _, line, _ in losses(audit)] == [12]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ast("red ears", "secret"), "unknown assertion"),
        (ast("warm salve", "present"), "not a line of a .ast file"),
        ('c="the clerk" 3:0 3:1||t="problem"||a="present"', "no problem of the document"),
        ('c="red hands" 3:3 3:4||t="problem"||a="present"', "do not give the words"),
        (ast("red ears", "present"), "another status"),
    ],
)
def test_malformed_assertion(run, files, row, reason):
    path = files(ast=[*AST, row])
    with pytest.raises(MedmtlError, match=f"E401.*a.ast, line 10: .*{reason}") as error:
        run("i2b2_2010", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "")
    (doc,), audit = run("i2b2_2010", path)
    assert len(findings(doc)) == 9
    assert [(file, line) for file, line, _ in losses(audit)] == [("a.ast", 10)]


def test_problem_without_an_assertion(run, files):
    (doc,), audit = run("i2b2_2010", files(ast=AST[1:]))
    assert len(findings(doc)) == 8
    assert losses(audit) == [("a.con", 1, FINDINGS)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (rel("warm salve", "secret", "the itch"), "unknown relation"),
        (f'{concept("warm salve")}||r="TrIP"||c="secret" 4:3 4:4', "words of the second concept"),
        (f'{concept("warm salve")}||r="TrIP"||c="an" 4:6 4:6', "no mention of the document"),
        ('c="secret"||r="TrIP"', "not a line of a .rel file"),
    ],
)
def test_malformed_relation(run, files, row, reason):
    path = files(rel=[row, *RELATIONS_OF_IT])
    with pytest.raises(MedmtlError, match=f"E401.*a.rel, line 1: .*{reason}") as error:
        run("i2b2_2010", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "")
    (doc,), audit = run("i2b2_2010", path)
    assert sum(len(labels) for *_, labels in pairs(doc)) == 4
    assert [(file, line) for file, line, _ in losses(audit)] == [("a.rel", 1)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xffsecret", "byte 1 of it"), (b" \n", "empty text"), (b"x " * 500_001, "longer")],
)
def test_text_that_cannot_be_read(run, files, content, reason):
    path = files()
    path.write_bytes(content)
    docs, audit = run("i2b2_2010", path)
    assert docs == []
    assert reason in audit.changes[0].reason
    assert losses(audit) == [("a.txt", 1, "document")]


def varied(rows, change):
    return [change(row) for row in rows]


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.upper().replace("TRIP", "trip"),
        lambda row: row.replace('" ', '"\t').replace("||", " || "),
        lambda row: row.replace("_", " "),
    ],
)
def test_case_and_white_space_of_rows_make_no_difference(run, files, change):
    (doc,), _audit = run("i2b2_2010", files(), on_error="stop")
    path = files("b", con=varied(CON, change), ast=varied(AST, change), rel=varied(RELATIONS_OF_IT, change))
    (other,), _ = run("i2b2_2010", path, on_error="stop")
    assert entities(other) == entities(doc)
    assert findings(other) == findings(doc)
    assert pairs(other) == pairs(doc)


def test_a_text_whose_lines_end_as_on_the_old_macintosh(run, files, write):
    (doc,), _ = run("i2b2_2010", files(), on_error="stop")
    path = files("b")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    (other,), _ = run("i2b2_2010", path, on_error="stop")
    assert findings(other) == [(words.replace("\n", "\r"), *said) for words, *said in findings(doc)]
    assert len(sentences(other)) == len(sentences(doc))


@pytest.mark.parametrize("end", ["1:1", "1:2"])
def test_a_no_break_space_parts_tokens_or_stands_in_one(run, files, end):
    row = f'c="hay\u00a0fever" 1:1 {end}||t="problem"'
    path = files(lines=["Mild hay\u00a0fever"], con=[row], ast=[f'{row}||a="present"'], rel=[])
    (doc,), _ = run("i2b2_2010", path, on_error="stop")
    assert entities(doc) == [("hay\u00a0fever", "Problem")]


def test_the_words_of_a_concept_may_be_a_changed_copy(run, files):
    row = 'c="bl&amp;w caf? rash" 1:0 1:2||t="test"'
    (doc,), _ = run("i2b2_2010", files(lines=["bl&w café rash"], con=[row], ast=[], rel=[]), on_error="stop")
    assert entities(doc) == [("bl&w café rash", "Test")]


def test_suffixes_in_capital_letters(run, files, tmp_path):
    path = files()
    for suffix in (".con", ".ast", ".rel"):
        path.with_suffix(suffix).rename(path.with_suffix(suffix.upper()))
    (doc,), _ = run("i2b2_2010", path, on_error="stop")
    assert len(findings(doc)) == len(PROBLEMS)


def test_annotations_lead_to_their_text_and_are_a_loss_without_it(run, files, write, tmp_path):
    files()
    write("b.con", f"{CON[0]}\n")
    docs, audit = run("i2b2_2010", tmp_path)
    assert len(docs) == 1
    (change,) = audit.changes
    assert change.file.endswith("b.con")
    assert "without their .txt file" in change.reason
    (doc,), _ = run("i2b2_2010", tmp_path / "a.con", on_error="stop")
    assert len(findings(doc)) == len(PROBLEMS)


def test_an_assertion_given_again_is_counted(run, files):
    _, audit = run("i2b2_2010", files(ast=[*AST, AST[0]]), on_error="stop")
    assert audit.notes["assertions given again"] == 1
