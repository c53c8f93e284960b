"""Standoff files in a zip archive, as JNLPBA is published, and damaged archives."""

import random
import zipfile

import pytest

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats import brat
from spacy_medmtl.errors import MedmtlError

TEXT = "Foo-bar cells\nAnti-foo was seen. So é was it.\n"
ROWS = "T1\tprotein 0 3\tFoo\nT2\tcell_type 0 13\tFoo-bar cells\nT3\tprotein 19 22\tfoo\r\nT4\tRNA 36 37\té\n\n"


@pytest.fixture
def archive(tmp_path):
    def write_archive(members, **options):
        path = tmp_path / "train.zip"
        with zipfile.ZipFile(path, "w", **options) as stream:
            for name, content in members:
                stream.writestr(name, content)
        return path

    return write_archive


def test_jnlpba_archive(run, archive):
    members = [
        ("train/", ""),
        ("train/7.ann", ROWS),
        ("train/7.txt", TEXT),
        ("train/8.txt", "No."),
        ("train/8.ann", ""),
    ]
    path = archive(members, compression=zipfile.ZIP_DEFLATED)
    docs, audit = run("jnlpba", path, on_error="stop")
    assert [doc.text for doc in docs] == [TEXT[:-1], "No."]
    doc = docs[0]
    found = [(span.text, span.label_) for span in doc.spans[ENTITIES]]
    assert found[:2] == [("Foo", "Gene_or_protein"), ("Foo-bar cells", "cell_type")]
    assert found[3] == ("é", "RNA")
    assert [sentence.text.strip() for sentence in doc.sents] == ["Foo-bar cells", "Anti-foo was seen.", "So é was it."]
    assert list(doc.spans[ENTITIES].attrs["annotated_labels"]) == [
        "DNA",
        "Gene_or_protein",
        "RNA",
        "cell_line",
        "cell_type",
    ]
    assert not doc.has_unknown_spaces
    assert len(docs[1].spans[ENTITIES]) == 0
    assert all(change.outcome == "expanded" for change in audit.changes)
    assert list(path.parent.iterdir()) == [path]  # nothing was unpacked


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("T9\tprotein 1 4\tSecret", "the offsets do not give"),
        ("T9\tprotein 3 3\t", "a mention of no character"),
        ("T9\tprotein 0 9999\tSecret", "outside the text"),
        ("T9\tprotein 0 3;4 7\tSecret", "the offsets do not give"),
        ("T9\tprotein 0 3;7 4\tFoo ", "outside the text"),
        ("T9\tprotein 0 3;\tFoo", "expected 'id TAB"),
        ("T9\tprotein 0 9999999999\tSecret", "expected 'id TAB"),
        ("T9\tprotein 0 x\tSecret", "expected 'id TAB"),
        ("T9\tprotein 0 3", "expected 'id TAB"),
        ("T9\tSecret 0 3\tFoo", "an unknown label"),
        ("Secret", "not an annotation"),
    ],
)
def test_malformed_row(run, archive, row, reason):
    path = archive([("7.txt", TEXT), ("7.ann", f"R1\tOf Arg1:T1 Arg2:T2\n{ROWS.strip()}\n{row}\n")])
    with pytest.raises(MedmtlError, match=f"E401.*7.ann, line 6: .*{reason}") as error:
        run("jnlpba", path, on_error="stop")
    assert "Secret" not in str(error.value).replace(str(path), "")
    (doc,), audit = run("jnlpba", path)
    assert len(doc.spans[ENTITIES]) == 4
    assert [change.line for change in audit.changes if change.outcome == "dropped"] == [6]


@pytest.mark.parametrize(
    ("members", "file", "reason"),
    [
        ([("9.txt", "Alone.")], "9.ann", "the member is missing"),
        ([("9.ann", ROWS)], "9.ann", "annotations without a .txt file"),
        ([("9.txt", b"\xff"), ("9.ann", ROWS)], "9.txt", "not UTF-8"),
        ([("9.ann", b"T\xff"), ("9.txt", "Text.")], "9.ann", "not UTF-8"),
        ([("9.txt", "x" * 2_000_000), ("9.ann", ROWS)], "9.txt", "more than"),
    ],
)
def test_damaged_member(run, archive, members, file, reason):
    path = archive([*members, ("7.txt", TEXT), ("7.ann", ROWS)], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(MedmtlError, match=f"E401.*{file}, line 1: .*{reason}"):
        run("jnlpba", path, on_error="stop")
    docs, audit = run("jnlpba", path)
    assert [doc.text for doc in docs] == [TEXT[:-1]]
    lost = [(change.kind, change.line) for change in audit.changes if change.outcome == "dropped"]
    n_mentions = 4 if ("9.ann", ROWS) in members else 0
    assert lost == [("document", 1), *(("line", line) for line in range(1, n_mentions + 1))]


def test_an_empty_text_without_annotations_is_counted(run, archive):
    path = archive([("9.txt", " \n"), ("9.ann", ""), ("7.txt", TEXT), ("7.ann", ROWS)])
    (doc,), audit = run("jnlpba", path, on_error="stop")
    assert doc.text == TEXT[:-1]
    assert sum(audit.notes.values()) == 1


def test_what_is_none_of_the_format_is_counted(run, archive):
    litter = [
        ("__MACOSX/._7.ann", b"\x00\x05"),
        (".DS_Store", b"\x00"),
        ("__MACOSX/7.txt", b"\xff"),
        ("LICENSE", "MIT"),
    ]
    docs, audit = run("brat", archive([*litter, ("7.txt", TEXT), ("7.ann", ROWS)]), on_error="stop")
    assert [doc.text for doc in docs] == [TEXT]
    assert audit.notes["files of a file manager in an archive, left out"] == 3
    assert audit.notes["other files in an archive, left out"] == 1


def test_second_member_of_a_name(run, archive):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive([("7.txt", TEXT), ("7.ann", ROWS), ("7.txt", "Other.")])
    docs, audit = run("jnlpba", path)
    assert [doc.text for doc in docs] == [TEXT[:-1]]
    assert "a second member of this name" in [change.reason for change in audit.changes]


def test_compression_that_is_not_read(run, archive):
    path = archive([("7.txt", TEXT), ("7.ann", ROWS)], compression=zipfile.ZIP_BZIP2)
    docs, audit = run("jnlpba", path)
    assert docs == []
    assert {change.reason.split(":")[0] for change in audit.changes} == {"a kind of compression that is not read"}


@pytest.mark.parametrize("name", ["jnlpba", "brat"])
def test_damaged_archives_end_in_coded_errors_only(run, archive, name):
    draw = random.Random(0)
    path = archive([("7.txt", TEXT), ("7.ann", ROWS)], compression=zipfile.ZIP_DEFLATED)
    valid = path.read_bytes()
    for _ in range(300):
        content = bytearray(valid)
        for _ in range(draw.randint(1, 3)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content[: draw.choice([len(content), draw.randrange(1, len(content))])])
        docs, audit = run(name, path)
        lost = [change for change in audit.changes if change.outcome == "dropped"]
        assert lost or docs or audit.notes  # which count the texts that nobody annotated
        if lost:
            with pytest.raises(MedmtlError, match="E401"):
                run(name, path, on_error="stop")


def test_members_are_read_one_after_the_other(archive, monkeypatch):
    path = archive([(f"{number}{end}", "x" * (end == ".txt")) for number in range(9) for end in (".txt", ".ann")])
    opened = []
    real = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile, "open", lambda self, info, *args: (opened.append(1), real(self, info, *args))[1]
    )
    next(brat.read(path, Audit()))
    assert len(opened) == 2
