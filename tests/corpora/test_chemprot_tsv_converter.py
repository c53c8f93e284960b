"""Chemicals and genes in four tables. All texts are invented."""

import pytest
from entity_docs import entities, losses, pairs

from spacy_medmtl.annotations.groups import ENTITIES, RELATIONS
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

TABLES = {
    "abstracts": "7\tFoo stops barase.\tIt, and baz-1, bind barase and qux. Foo is é safe.\n"
    "8\tNothing.\tNothing at all.\n",
    "entities": "7\tT1\tCHEMICAL\t0\t3\tFoo\n7\tT2\tGENE-Y\t10\t16\tbarase\n7\tT3\tCHEMICAL\t26\t31\tbaz-1\n"
    "7\tT4\tGENE-Y\t38\t44\tbarase\n7\tT5\tGENE-N\t49\t52\tqux\n7\tT6\tCHEMICAL\t54\t57\tFoo\n",
    "gold_standard": "7\tCPR:4\tArg1:T1\tArg2:T2\n7\tCPR:3\tArg1:T3\tArg2:T4\n7\tCPR:9\tArg1:T3\tArg2:T4\n"
    "7\tCPR:6\tArg1:T6\tArg2:T5\n",
    "relations": "7\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T2\n7\tCPR:2\tN \tBINDS\tArg1:T3\tArg2:T5\n",
}


@pytest.fixture
def files(write):
    def write_files(name="a_{}.tsv", end="\n", **tables):
        contents = {**TABLES, **tables}
        paths = {key: write(name.format(key), text.replace("\n", end)) for key, text in contents.items()}
        return paths["abstracts"]

    return write_files


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_chemprot(run, files, end):
    docs, audit = run("chemprot_tsv", files(end=end), on_error="stop")
    assert [doc.text for doc in docs] == [
        "Foo stops barase. It, and baz-1, bind barase and qux. Foo is é safe.",
        "Nothing. Nothing at all.",
    ]
    assert entities(docs[0]) == [
        ("Foo", "Chemical"),
        ("barase", "Gene_or_protein"),
        ("baz-1", "Chemical"),
        ("barase", "Gene_or_protein"),
        ("qux", "Gene_or_protein"),
        ("Foo", "Chemical"),
    ]
    assert docs[0].spans[ENTITIES].attrs["annotated_labels"] == ["Chemical", "Gene_or_protein"]
    assert pairs(docs[0]) == [
        ("Foo", "barase", ["CPR:4"]),
        ("baz-1", "barase", ["CPR:3", "CPR:9"]),
        ("baz-1", "qux", []),
        ("Foo", "qux", ["CPR:6"]),
    ]
    assert docs[0].spans[RELATIONS].attrs["annotated_labels"] == ["CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9"]
    assert [list(docs[1].spans[key]) for key in (ENTITIES, RELATIONS)] == [[], []]
    assert next(sentence.text for sentence in docs[0].sents) == "Foo stops barase."
    assert audit.notes["relations of groups that are not evaluated, judged as none"] == 1
    assert audit.notes["related pairs outside of the judged ones, kept"] == 1
    assert [split_key(doc) for doc in docs] == ["7", "8"]
    assert not audit.changes


def test_names_of_the_test_part(run, files, tmp_path):
    path = files("chemprot_test_{}_gs.tsv")
    gold = tmp_path / "chemprot_test_gold_standard_gs.tsv"
    gold.rename(tmp_path / "chemprot_test_gold_standard.tsv")
    docs, audit = run("chemprot_tsv", path, on_error="stop")
    assert len(pairs(docs[0])) == 4
    assert audit.notes["relations of groups that are not evaluated, judged as none"] == 1


@pytest.mark.parametrize("word", ["entities", "gold_standard"])
def test_missing_table(run, files, tmp_path, word):
    path = files()
    (tmp_path / f"a_{word}.tsv").unlink()
    with pytest.raises(MedmtlError, match=r"E401.*a_abstracts.tsv, line 1: a companion table is missing"):
        run("chemprot_tsv", path, on_error="stop")
    docs, audit = run("chemprot_tsv", path)
    assert (docs, losses(audit)) == ([], [("a_abstracts.tsv", 1, "document")])


def test_table_of_all_relations_may_be_missing(run, files, tmp_path):
    path = files()
    (tmp_path / "a_relations.tsv").unlink()
    docs, _ = run("chemprot_tsv", path, on_error="stop")
    assert len(pairs(docs[0])) == 4


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("abstracts", "secret\n", "expected 'id TAB title TAB abstract'"),
        ("abstracts", "9\t\t \n", "not both texts empty"),
        ("abstracts", "7\tSecret.\tSecret.\n", "second document with this id"),
        ("entities", "7\tT9\tCHEMICAL\t0\t3\n", "5 columns: expected 6"),
        ("entities", "7\tT9\tCHEMICAL\t1\t4\tSecret\n", "do not give the words"),
        ("entities", "7\tT9\tCHEMICAL\t57\t99\tis é safe.\n", "do not give the words"),
        ("entities", "7\tT9\tCHEMICAL\tx\t4\tSecret\n", "do not give the words"),
        ("entities", "7\tT9\tSECRET\t0\t3\tFoo\n", "unknown label"),
        ("entities", "secret\tT9\tCHEMICAL\t0\t3\tFoo\n", "not among the texts"),
        ("gold_standard", "7\tCPR:4\n", "2 columns: expected 4"),
        ("gold_standard", "7\tSECRET\tArg1:T1\tArg2:T2\n", "unknown relation"),
        ("gold_standard", "7\tCPR:4\tArg1:T1\tArg2:T77\n", "no mention of the document"),
        ("gold_standard", "secret\tCPR:4\tArg1:T1\tArg2:T2\n", "not among the texts"),
        ("relations", "secret\n", "1 columns: expected 6"),
    ],
)
def test_malformed_row(run, files, table, row, reason):
    path = files(**{table: TABLES[table] + row})
    line = TABLES[table].count("\n") + 1
    with pytest.raises(MedmtlError, match=f"E401.*a_{table}.tsv, line {line}: .*{reason}") as error:
        run("chemprot_tsv", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "").lower()
    docs, audit = run("chemprot_tsv", path)
    assert len(docs) == 2
    assert len(docs[0].spans[ENTITIES]) == 6
    assert len(pairs(docs[0])) == 4
    assert [(file, number) for file, number, _ in losses(audit)] == [(f"a_{table}.tsv", line)]
