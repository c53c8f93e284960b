"""brat projects: every kind of row, discontinuous mentions by rule, findings from attributes, folders and archives."""

import random
import zipfile

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, RELATIONS
from spacy_medmtl.annotations.relations import read_pairs, read_relations
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.errors import MedmtlError

TEXT = "No acute joint or 🦴 bone pain.\r\nThe pain\r\nmay  recur.\n"


def at(words, text=TEXT):
    """Offsets of words, as brat writes them."""
    start = text.index(words)
    return f"{start} {start + len(words)}"


def rows():
    acute = at("acute joint")
    pain = at("pain")
    lines = [
        f"T1\tProblem {pain}\tpain",
        "A1\tNegation T1",
        f"T2\tProblem {acute};{pain}\tacute joint pain",
        f"T3\tProblem {at('pain' + chr(13) + chr(10) + 'may')}\tpain may",
        "M1\tUncertain T3",
        "A2\tSeverity T3 high",
        f"T4\tAnatomy {at('bone')}\tbone",
        "R1\tsite Arg1:T1 Arg2:T4\t",
        "*\tEquiv T1 T2",
        "E1\tOnset:T3 Of:T1",
        "A3\tReal E1",
        "N1\tReference T4 X:1\tbone",
        "#1\tAnnotatorNotes T1\tsure?",
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def project(tmp_path):
    def write_project(*documents, conf=None):
        folder = tmp_path / "project"
        (folder / "deep").mkdir(parents=True, exist_ok=True)
        for number, (text, annotations) in enumerate(documents):
            (folder / "deep" / f"{number}.txt").write_bytes(text.encode())
            (folder / "deep" / f"{number}.ann").write_bytes(annotations.encode())
        if conf is not None:
            (folder / "deep" / "annotation.conf").write_text(conf)
        return sorted(folder.glob("**/*.txt"))

    return write_project


def test_everything_is_kept_or_counted(run, project):
    (doc,), audit = run("brat", *project((TEXT, rows())), on_error="stop")
    assert doc.text == TEXT
    found = [(span.text, span.label_) for span in doc.spans[ENTITIES]]
    assert found == [
        ("pain", "Problem"),
        ("acute joint or 🦴 bone pain", "Problem"),
        ("pain\r\nmay", "Problem"),
        ("bone", "Anatomy"),
    ]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["Anatomy", "Problem"]
    assert [(r.head.text, r.label, r.tail.text) for r in read_relations(doc)] == [("pain", "site", "bone")]
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["site"]
    assert {note: n for note, n in audit.notes.items() if n and "sentence" not in note} == {
        "equivalences, not kept": 1,
        "events, not kept": 1,
        "normalisations, not kept": 1,
        "annotators' notes, not kept": 1,
    }
    assert audit.left_out == {f"attribute {name}": 1 for name in ("Negation", "Uncertain", "Severity", "Real")}
    assert [(change.line, change.outcome) for change in audit.changes] == [(3, "reshaped")]


@pytest.mark.parametrize(
    ("rule", "text", "outcomes"),
    [
        ("cover", "acute joint or 🦴 bone pain", ["reshaped"]),
        ("first", "acute joint", ["reshaped"]),
        ("drop", None, ["dropped"]),
    ],
)
def test_discontinuous_mentions(run, project, rule, text, outcomes):
    (doc,), audit = run("brat", *project((TEXT, rows())), discontinuous=rule)
    assert (text in [span.text for span in doc.spans[ENTITIES]]) == (text is not None)
    assert len(doc.spans[ENTITIES]) == 4 - (text is None)
    assert [change.outcome for change in audit.changes] == outcomes


def test_findings(run, project):
    (doc,), audit = run(
        "brat", *project((TEXT, rows())), group="findings", statuses="negation=negative,uncertain=unknown+uncertain"
    )
    group = doc.spans[FINDINGS]
    assert group.attrs["assertion"] == ["negative", "positive", "unknown"]  # and not the bone, which is no Problem
    assert group.attrs["assertion_modifiers"] == [[], [], ["uncertain"]]
    assert group.attrs["annotated_modifiers"] == ["uncertain"]
    assert group.attrs["annotated_labels"] == ["Problem"]
    assert ENTITIES not in doc.spans
    assert audit.left_out == {
        "attribute Real": 1,
        "attribute Severity": 1,
        "mention of the label Anatomy, which is no finding here": 1,
        "relation site of a mention that is left out": 1,
    }


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ("negation=negative,uncertain=uncertain,severity:low=positive", "a value without a meaning"),
        ("uncertain=unknown,severity:high=negative", "two statuses"),
    ],
)
def test_findings_that_cannot_be_read(run, project, statuses, reason):
    (doc,), audit = run("brat", *project((TEXT, rows())), group="findings", statuses=statuses)
    assert len(doc.spans[FINDINGS]) == 2
    (lost,) = [change for change in audit.changes if change.outcome == "dropped"]
    assert (lost.line, lost.kind) == (4, FINDINGS)
    assert reason in lost.reason


def test_a_modifier_that_was_not_judged(run, project):
    (doc,), audit = run("brat", *project((TEXT, rows())), group="findings", modifiers="family")
    assert doc.spans[FINDINGS].attrs["annotated_modifiers"] == ["family"]
    assert [change.reason for change in audit.changes if change.outcome == "dropped"] == [
        "a modifier that is not among those of the setting 'modifiers'"
    ]


def test_every_mention_stays_an_entity(run, project):
    """And one of a label that is flagged elsewhere is a finding, flagged or not."""
    (doc,), audit = run("brat", *project((TEXT, rows())), group="both", on_error="stop")
    assert [span.label_ for span in doc.spans[ENTITIES]] == ["Problem", "Problem", "Problem", "Anatomy"]
    assert [span.text for span in doc.spans[FINDINGS]] == ["pain", "acute joint or 🦴 bone pain", "pain\r\nmay"]
    assert doc.spans[FINDINGS].attrs["assertion"] == ["negative", "positive", "positive"]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["Anatomy", "Problem"]
    assert doc.spans[FINDINGS].attrs["annotated_labels"] == ["Problem"]
    assert [pair.types for pair in read_pairs(doc)] == [("Problem", "Anatomy")]
    assert audit.left_out == {"attribute Real": 1, "attribute Severity": 1}


@pytest.mark.parametrize(
    ("settings", "labels", "statuses"),
    [
        ({"labels": "Anatomy"}, ["Anatomy"], ["positive"]),
        ({"labels": "Problem,Sign"}, ["Problem", "Sign"], ["negative", "positive", "positive"]),
        ({"default_status": "unknown"}, ["Problem"], ["negative", "unknown", "unknown"]),
        ({"statuses": "severity=ignore,negation=positive"}, ["Problem"], ["positive"] * 3),
    ],
)
def test_which_mentions_are_findings(run, project, settings, labels, statuses):
    (doc,), audit = run("brat", *project((TEXT, rows())), group="both", on_error="stop", **settings)
    assert doc.spans[FINDINGS].attrs["annotated_labels"] == labels
    assert doc.spans[FINDINGS].attrs["assertion"] == statuses
    assert len(doc.spans[ENTITIES]) == 4
    assert ("attribute Severity" in audit.left_out) == ("statuses" not in settings)


@pytest.mark.parametrize(
    "settings", [{"statuses": "resolved=resolved"}, {"statuses": "resolved=gone", "modifiers": "uncertain,gone"}]
)
def test_a_modifier_of_ones_own_is_a_setting(run, project, settings):
    text = "No fever; old rash."
    paths = project((text, "T1\tProblem 3 8\tfever\nA1\tNegation T1\nT2\tProblem 10 18\told rash\nA2\tResolved T2\n"))
    (doc,), audit = run("brat", *paths, group="findings", on_error="stop", **settings)
    name = settings["statuses"].rpartition("=")[2]
    assert doc.spans[FINDINGS].attrs["assertion_modifiers"] == [[], [name]]
    assert name in doc.spans[FINDINGS].attrs["annotated_modifiers"]
    assert not audit.left_out


def test_findings_of_data_that_say_nothing_of_status(run, project):
    paths = project(("One.", "T1\tA 0 3\tOne\nA1\tSize T1 big"))
    with pytest.raises(MedmtlError, match=r"E414.*attributes found: Size.*labels A are"):
        run("brat", *paths, group="findings")
    (doc,), _ = run("brat", *paths, group="both")
    assert set(doc.spans) == {ENTITIES}
    (doc,), _ = run("brat", *paths, group="findings", labels="A")
    assert doc.spans[FINDINGS].attrs["assertion"] == ["positive"]


def test_labels_of_all_files_count_as_annotated(run, project):
    docs, _ = run(
        "brat", *project(("One.", "T1\tA 0 3\tOne"), ("Two.", "T1\tB 0 3\tTwo\nR1\tof a:T1 b:T1"), ("No.", ""))
    )
    assert all(doc.spans[ENTITIES].attrs["annotated_labels"] == ["A", "B"] for doc in docs)
    assert all(RELATIONS in doc.spans for doc in docs)
    docs, audit = run("brat", *project(("One.", "T1\tA 0 3\tOne")), labels="B,C")
    assert docs[0].spans[ENTITIES].attrs["annotated_labels"] == ["B", "C"]
    assert audit.changes[0].reason == "an unknown label: expected B or C"


def test_labels_of_the_configuration_count_as_annotated(run, project):
    conf = (
        "[entities]\n# comment\nA\n\tB-b\n!Abstract\n<SEP>\n[relations]\nof Arg1:A, Arg2:A\n[attributes]\nNeg Arg:A\n"
    )
    (doc,), _ = run("brat", *project(("One.", "T1\tA 0 3\tOne"), conf=conf))
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["A", "B-b"]
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["of"]
    assert not len(doc.spans[RELATIONS])


def test_a_configuration_that_was_changed_is_read_again(run, project):
    for labels in (["A"], ["A", "B"]):
        conf = "\n".join(["[entities]", *labels])
        (doc,), _ = run("brat", *project(("One.", "T1\tA 0 3\tOne"), conf=conf))
        assert doc.spans[ENTITIES].attrs["annotated_labels"] == labels


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("T9\tX 0 2\tSecret", "do not give the words"),
        ("T9\tX 2 2\t", "a mention of no character"),
        ("T9\tX 0 99\tNo", "outside the text"),
        ("T9\tX 999999999 9999999999\tNo", "expected 'id"),
        ("T9\tX -1 2\tNo", "expected 'id"),
        ("T9\tX 3 5;0 2\tSo", "do not give the words"),
        ("T9\tX 0 3;2 5\tNo", "the offsets do not give"),
        ("T9\tX 0 NaN\tNo", "expected 'id"),
        ("T9\tX 0 2", "expected 'id"),
        ("T9\tX\x00 0 2\tNo", "expected 'id"),
        ("T1\tX 0 2\tNo", "a second mention"),
        ("R9\tsite Arg1:T1 Arg2:T9", "an argument that is no mention"),
        ("R9\tsite Arg1:T1", "not an annotation"),
        ("A9\tNegation T9", "an attribute of no mention"),
        ("A9\tNegation", "not an annotation"),
        ("Secret", "not an annotation"),
        ("*", "not an annotation"),
    ],
)
def test_malformed_row(run, project, row, reason):
    paths = project((TEXT, rows() + row))
    with pytest.raises(MedmtlError, match=f"E401.*0.ann, line 14: .*{reason}") as error:
        run("brat", *paths, on_error="stop")
    assert "Secret" not in str(error.value).replace(str(paths[0].parent), "")
    (doc,), audit = run("brat", *paths)
    assert [change.line for change in audit.changes if change.outcome == "dropped"] == [14]
    assert len(doc.spans[ENTITIES]) == 4


def test_halves_of_pairs(run, project, tmp_path):
    (path,) = project((TEXT, rows()))
    path.with_name("8.txt").write_text("Not annotated.")
    path.with_name("9.ann").write_text("T1\tX 0 1\tx\n")
    docs, audit = run("brat", path.parent)
    assert audit.notes["texts without an .ann file, left out"] == 1
    assert [doc.text for doc in docs] == [TEXT]
    lost = [(change.file.rpartition("/")[2], change.reason) for change in audit.changes if change.outcome == "dropped"]
    assert lost == [
        ("9.ann", "annotations without a .txt file beside them"),
        ("9.ann", "a mention of a document without its text"),
    ]


def test_folder_and_archive_give_the_same(project, tmp_path, run):
    paths = project((TEXT, rows()), ("Other.", ""))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted(paths[0].parent.iterdir()):
            archive.write(path, path.name)
        archive.writestr("annotation.conf", "[entities]\n")
    from_folder, _ = run("brat", *paths)
    from_archive, _ = run("brat", tmp_path / "a.zip")
    assert [doc.to_json() for doc in from_folder] == [doc.to_json() for doc in from_archive]
    job = Job("brat", [tmp_path / "project"], tmp_path / "x.spacy", settings={"group": "both"})
    assert convert_corpus(job).outputs[str(job.output)].documents == 2


def test_damaged_pairs_end_in_coded_errors_only(run, project):
    draw = random.Random(0)
    for _ in range(300):
        files = [bytearray(TEXT.encode()), bytearray(rows().encode())]
        (path,) = project((TEXT, rows()))
        for _ in range(draw.randint(1, 4)):
            content = draw.choice(files)
            at = draw.randrange(len(content))
            content[at : at + draw.randrange(3)] = draw.choice([b"", b"\xff", b"\x00", b";", b"\t", b"\n", b"9", b"\r"])
        path.write_bytes(files[0] or b"x")
        path.with_suffix(".ann").write_bytes(files[1])
        for settings in ({}, {"group": "both", "discontinuous": "first"}):
            docs, audit = run("brat", path, **settings)
            assert docs or audit.changes
            if any(change.outcome == "dropped" for change in audit.changes):
                with pytest.raises(MedmtlError, match="E401"):
                    run("brat", path, on_error="stop", **settings)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"grop": "ner"}, "E410"),
        ({"group": "entities"}, "E411"),
        ({"labels": "A,,B"}, "E411"),
        ({"statuses": "Negation=no"}, "E411"),
        ({"statuses": "Negation=negativ"}, "E411"),
        ({"statuses": "Resolved=gone", "modifiers": "resolved"}, "E411"),
        ({"statuses": "Negation=positive+negative"}, "E411"),
        ({"discontinuous": ""}, "E411"),
    ],
)
def test_settings_are_checked(given, code):
    with pytest.raises(MedmtlError) as error:
        get_reader("brat").configured(given)
    assert error.value.code == code
