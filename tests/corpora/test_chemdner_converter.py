"""Chemicals in two tables, and the IOB form of the same corpus. All texts are invented."""

import pytest
from entity_docs import entities, losses

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

TEXTS = "7\tFoo stops barase.\tIt is é baz, and fooic acid.\n8\tNothing.\tAt all.\n"
ROWS = "7\tT\t0\t3\tFoo\tTRIVIAL\n7\tA\t8\t11\tbaz\tNO CLASS\n7\tA\t17\t27\tfooic acid\tSYSTEMATIC\n"


@pytest.fixture
def files(write):
    def write_files(texts=TEXTS, rows=ROWS):
        write("dev.annotations.txt", rows)
        return write("dev.abstracts.txt", texts)

    return write_files


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_chemdner(run, files, end):
    docs, audit = run("chemdner", files(TEXTS.replace("\n", end), ROWS.replace("\n", end)), on_error="stop")
    assert [doc.text for doc in docs] == ["Foo stops barase. It is é baz, and fooic acid.", "Nothing. At all."]
    assert entities(docs[0]) == [("Foo", "Chemical"), ("baz", "Chemical"), ("fooic acid", "Chemical")]
    assert entities(docs[1]) == []
    assert docs[1].spans[ENTITIES].attrs["annotated_labels"] == ["Chemical"]
    assert [split_key(doc) for doc in docs] == ["7", "8"]
    assert not audit.changes


def test_missing_table(run, files, tmp_path):
    path = files()
    (tmp_path / "dev.annotations.txt").unlink()
    with pytest.raises(MedmtlError, match=r"E401.*dev.abstracts.txt, line 1: a companion table is missing"):
        run("chemdner", path, on_error="stop")
    docs, audit = run("chemdner", path)
    assert (docs, losses(audit)) == ([], [("dev.abstracts.txt", 1, "document")])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("secret\n", "1 columns: expected 6"),
        ("7\tX\t0\t3\tFoo\tTRIVIAL\n", "do not give the words"),
        ("7\tA\t0\t3\tFoo\tTRIVIAL\n", "do not give the words"),
        ("7\tT\t0\t99\tSecret\tTRIVIAL\n", "do not give the words"),
        ("7\tT\t0\t3\tFoo\tSECRET\n", "unknown label"),
        ("secret\tT\t0\t3\tFoo\tTRIVIAL\n", "not among the texts"),
    ],
)
def test_malformed_row(run, files, row, reason):
    path = files(rows=ROWS + row)
    with pytest.raises(MedmtlError, match=f"E401.*dev.annotations.txt, line 4: .*{reason}") as error:
        run("chemdner", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "").lower()
    docs, audit = run("chemdner", path)
    assert len(entities(docs[0])) == 3
    assert [(file, line) for file, line, _ in losses(audit)] == [("dev.annotations.txt", 4)]


def test_bc4chemd(run, write):
    path = write("train.tsv", "Foo\tB-Chemical\nacid\tI-Chemical\nacts\tO\n\nBaz\tB-Chemical\n\n")
    docs, audit = run("bc4chemd", path, on_error="stop")
    assert [entities(doc) for doc in docs] == [[("Foo acid", "Chemical")], [("Baz", "Chemical")]]
    assert not audit.changes
