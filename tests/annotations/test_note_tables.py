"""Rows and Arrow tables: what columns say, where nothing is known, and that the readers of tables take them."""

import sys

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

import spacy_medmtl
from spacy_medmtl.annotations.columns import KINDS, TABLES, joined_columns
from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS, SECTIONS, TURNS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.annotations.rows import joined_rows
from spacy_medmtl.annotations.travelling import keep_pairs, keep_values
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

WORDS = ["Plan", ":", "No", "left", "knee", "pain", ".", "\n", "Maybe", "a", "cough", "."]


@pytest.fixture
def doc() -> Doc:
    """Two sentences with a heading before them; a nested entity, two findings, an intent, a relation, two turns."""
    doc = Doc(spacy.blank("en").vocab, words=WORDS, sent_starts=[True, False] * 1 + [False] * 6 + [True] + [False] * 3)
    ents = [Span(doc, 3, 6, label="Problem"), Span(doc, 3, 5, label="Anatomy")]
    write_group(doc, ENTITIES, ents, scores=[0.9, 0.8])
    findings = [Span(doc, 3, 6, label="Problem"), Span(doc, 10, 11, label="Problem")]
    write_group(
        doc,
        FINDINGS,
        findings,
        scores=[0.7, 0.6],
        assertion=["negative", "unknown"],
        assertion_modifiers=[[], ["uncertain"]],
        assertion_scores=[
            {"positive": 0.2, "negative": 0.7, "unknown": 0.1, "uncertain": 0.1},
            {"positive": 0.3, "negative": 0.1, "unknown": 0.6, "uncertain": 0.9},
        ],
    )
    write_group(doc, INTENTS, [Span(doc, 0, 7, label="plan")], scores=[0.5])
    write_relations(doc, [JudgedPair((10, 11), (3, 6), ("beside",), 0.4, ("Problem", "Problem"))])
    write_group(doc, SECTIONS, [Span(doc, 0, 7, label="plan")])
    write_group(doc, TURNS, [doc[0:8], doc[8:12]], speakers=["D", "P"])
    return doc


def test_a_joined_doc_has_the_rows_of_both(doc):
    keep_values(doc, FINDINGS, ["assertion", "assertion_modifiers", "assertion_scores", "scores"])
    keep_pairs(doc, RELATIONS, [["beside"]], [0.4])
    rows = spacy_medmtl.rows(Doc.from_docs([doc, doc.copy()]))
    assert [row["status"] for row in rows["findings"]] == ["negative", "unknown"] * 2
    assert [(row["label"], row["head_text"], row["tail_text"]) for row in rows["relations"]] == [
        ("beside", "cough", "left knee pain")
    ] * 2


def test_rows_of_a_relation_of_which_nothing_is_known_are_left_out(doc):
    del doc.spans[RELATIONS].attrs["labels"]
    with pytest.warns(MedmtlWarning, match="W205"):
        assert spacy_medmtl.rows([doc])["relations"] == []


def test_one_doc_and_what_is_none(doc):
    assert spacy_medmtl.rows(doc) == spacy_medmtl.rows([doc])
    for value, kind in ((doc[0:2], "Span"), ("a note", "str"), ([(doc, 1)], "tuple"), (["a note"], "str"), (3, "int")):
        with pytest.raises(MedmtlError, match=f"E523.*type {kind} "):
            spacy_medmtl.rows(value)


def test_findings_carry_status_score_and_place(doc):
    first, second = spacy_medmtl.rows([doc], ids=["note-7"])["findings"]
    assert list(first) == list(TABLES["findings"])
    assert doc.text[first["start"] : first["end"]] == first["text"] == "left knee pain"
    expected = {"doc_id": "note-7", "label": "Problem", "score": 0.7, "status": "negative", "negated": True}
    expected |= {"negated_score": 0.7, "uncertain": False, "uncertain_score": 0.1, "sentence": 0, "section": "plan"}
    assert expected.items() <= first.items()
    assert (second["negated"], second["uncertain"], second["sentence"], second["section"]) == (False, True, 1, None)


def test_a_modifier_that_the_pipeline_does_not_know_is_none_and_not_false(doc):
    first = spacy_medmtl.rows([doc])["findings"][0]
    assert first["family"] is None
    assert first["family_score"] is None
    del doc.spans[FINDINGS].attrs["assertion"], doc.spans[FINDINGS].attrs["assertion_modifiers"]
    first = spacy_medmtl.rows([doc])["findings"][0]
    assert (first["status"], first["negated"], first["uncertain"]) == (None, None, None)


def test_entities_know_their_depth_and_the_status_of_the_finding_with_their_boundaries(doc):
    doc.ents = [Span(doc, 10, 11, label="OTHER")]
    outer, inner, other = spacy_medmtl.rows([doc])["entities"]
    assert (outer["depth"], outer["status"], outer["score"]) == (0, "negative", 0.9)
    assert (inner["depth"], inner["status"], inner["score"]) == (1, None, 0.8)
    assert (other["label"], other["status"], other["score"]) == ("OTHER", "unknown", None)


def test_entities_that_stand_in_the_group_and_in_ents_come_once(doc):
    doc.ents = [Span(doc, 3, 6, label="Problem")]
    assert len(spacy_medmtl.rows([doc])["entities"]) == 2


def test_sentences_come_with_and_without_intent(doc):
    first, second = spacy_medmtl.rows([doc])["sentences"]
    assert (first["label"], first["score"], first["speaker"]) == ("plan", 0.5, "D")
    assert (second["label"], second["score"], second["speaker"]) == (None, None, "P")
    assert second["text"] == "Maybe a cough . ".strip()


def test_a_sentence_with_two_intents_has_two_rows_and_a_unit_that_is_no_sentence_one(doc):
    units = [Span(doc, 0, 7, label="plan"), Span(doc, 0, 7, label="result"), Span(doc, 8, 10, label="social")]
    write_group(doc, INTENTS, units, scores=[0.9, 0.8, 0.7])
    found = [(row["label"], row["sentence"]) for row in spacy_medmtl.rows([doc])["sentences"]]
    assert found == [("plan", 0), ("result", 0), (None, 1), ("social", 1)]


def test_relations_have_two_ends(doc):
    (row,) = spacy_medmtl.rows([doc])["relations"]
    assert (row["head_text"], row["tail_text"], row["label"], row["score"]) == (
        "cough",
        "left knee pain",
        "beside",
        0.4,
    )
    assert (row["start"], row["end"]) == (row["tail_start"], row["head_end"])
    assert (row["head_sentence"], row["tail_sentence"], row["head_label"]) == (1, 0, "Problem")


def test_a_doc_of_which_nothing_is_known_has_no_rows_but_a_sentence():
    found = spacy_medmtl.rows([spacy.blank("en")("Fine."), spacy.blank("en")("")])
    assert {name: len(some) for name, some in found.items()} == dict.fromkeys(TABLES, 0) | {"sentences": 1}
    assert found["sentences"][0]["doc_id"] == "0"


def test_ids_are_given_or_stand_on_the_doc_and_survive_a_docbin(doc):
    doc.user_data["doc_id"] = "a/1"
    packed = DocBin(docs=[doc], store_user_data=True)
    copy = next(iter(packed.get_docs(spacy.blank("en").vocab)))
    assert spacy_medmtl.rows([copy]) == spacy_medmtl.rows([doc], ids=["a/1"])
    for ids, word in ((["x", "y"], "more"), ([], "fewer")):
        with pytest.raises(MedmtlError, match=f"MEDMTL-E510.*{word}"):
            spacy_medmtl.rows([doc], ids=ids)


def test_rows_of_one_table_have_all_columns_and_say_what_they_are(doc):
    joined = joined_rows(doc, "x")
    assert {row["kind"] for row in joined} == set(KINDS.values())
    assert all(list(row) == list(joined_columns()) for row in joined)


def test_arrow_tables_have_the_types_of_their_columns_with_and_without_rows(doc):
    pyarrow = pytest.importorskip("pyarrow")
    found = spacy_medmtl.tables([doc])
    assert found["findings"].to_pylist() == spacy_medmtl.rows([doc])["findings"]
    empty = spacy_medmtl.tables([])
    for name, table in found.items():
        assert table.schema == empty[name].schema
        assert table.column_names == list(TABLES[name])
    assert found["findings"].schema.field("negated").type == pyarrow.bool_()


def test_pandas_polars_and_duckdb_read_them_in_a_line(doc):
    pytest.importorskip("pyarrow")
    findings = spacy_medmtl.tables([doc])["findings"]
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    assert isinstance(findings.to_pandas(), pandas.DataFrame)
    assert polars.from_arrow(findings).filter(polars.col("negated"))["text"].to_list() == ["left knee pain"]
    assert duckdb.sql("select text from findings where not negated").fetchall() == [("cough",)]


def test_without_pyarrow_the_error_says_what_to_install(doc, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MedmtlError, match=r'MEDMTL-E511.*"spacy-medmtl\[tables\]"'):
        spacy_medmtl.tables([doc])
    assert spacy_medmtl.rows([doc])["findings"]


def test_of_findings_that_somebody_filtered_nothing_false_is_said(doc):
    """What is left of a group keeps its own values or has none: those of the span that went are not its."""
    doc.spans[FINDINGS] = [span for span in doc.spans[FINDINGS] if span.text == "cough"]
    (row,) = spacy_medmtl.rows([doc])["findings"]
    assert row["text"] == "cough"
    assert (row["status"], row["negated"]) in [("unknown", False), (None, None)]
