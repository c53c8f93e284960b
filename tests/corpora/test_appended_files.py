"""Files that were made of others: appended to one another, named twice, merged from the answers of several people."""

import json

import pytest
from entity_docs import found

from spacy_medmtl.annotations.groups import INTENTS

TEXT = "Itchy ear since Monday."
SPAN = {"start": 0, "end": 5, "label": "Sign"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("doccano", json.dumps({"text": TEXT, "label": [[0, 5, "Sign"]]}) + "\n"),
        ("prodigy", json.dumps({"text": TEXT, "spans": [SPAN]}) + "\n"),
        ("conll", "Itchy\tB-Sign\near\tO\n\n"),
        ("conll", "-DOCSTART- -X- O\n\nItchy X B-Sign\near X O\n\n"),
        ("conll", "# text\nItchy\tB-Sign\near\tO\n\n"),
        ("pubtator_any", f"7|t|{TEXT}\n7|a|Well.\n7\t0\t5\tItchy\tSign\tD1\n\n"),
    ],
)
def test_byte_order_marks_of_appended_files(run, write, name, content):
    """Each file that a Windows editor saved begins with one, and ``cat`` leaves them where they are."""
    docs, audit = run(name, write("a.txt", f"\ufeff{content}" * 2), on_error="stop")
    assert found(docs) == [("Itchy", "Sign")] * 2
    assert not any("\ufeff" in doc.text for doc in docs)
    assert not audit.changes


def test_a_word_that_is_a_byte_order_mark_is_one(run, write):
    docs, _ = run("conll", write("a.txt", "No\tO\n\n\ufeff\tO\near\tO\n"), on_error="stop")
    assert [token.text for doc in docs for token in doc][-2:] == ["\ufeff", "ear"]


@pytest.mark.parametrize(
    "header", ["text,label", "Text , Label", "\ufefftext,label", '\ufeff"text","label"', '"text","label"']
)
def test_headers_that_come_again(run, write, header):
    rows = f"{header}\nIs it flu?,ask\n"
    docs, audit = run("csv_sentences", write("a.csv", rows * 2 + "text,ask\n"), on_error="stop")
    assert found(docs, INTENTS) == [("Is it flu?", "ask"), ("Is it flu?", "ask"), ("text", "ask")]
    assert audit.notes["headers that come again, left out"] == 1


def test_a_file_that_is_named_twice_is_read_once(run, write, tmp_path):
    path = write("a.jsonl", json.dumps({"text": TEXT, "label": [[0, 5, "Sign"]]}))
    again = tmp_path / ".." / tmp_path.name / "a.jsonl"
    assert len(run("doccano", path, tmp_path, again)[0]) == 1


@pytest.mark.parametrize(
    ("second", "third", "mentions"),
    [
        ("B-Sign|B-Part", "I-Sign|O", [("Itchy ear", "Sign"), ("Itchy", "Part")]),
        ("B-Sign;B-Sign", "O", [("Itchy", "Sign")]),
        ("B-Sign, B-Part", "I-Part", [("Itchy", "Sign"), ("Itchy ear", "Part")]),
        ("B-Sign|Part", "I-Sign|Part", [("Itchy ear", "Sign|Part")]),  # a label with such a mark
        ("B-Sign,b", "O", [("Itchy", "Sign,b")]),
    ],
)
def test_several_tags_in_a_cell(run, write, second, third, mentions):
    docs, _ = run("conll", write("a.tsv", f"No\tO\nItchy\t{second}\near\t{third}\n"), on_error="stop")
    assert sorted(found(docs)) == sorted(mentions)


def test_prodigy_spans_that_people_rejected_one_by_one(run, write):
    spans = [{**SPAN, "answer": "reject"}, {"start": 6, "end": 9, "label": "Part", "answer": "accept"}]
    docs, audit = run("prodigy", write("a.jsonl", json.dumps({"text": TEXT, "spans": spans})), on_error="stop")
    assert found(docs) == [("ear", "Part")]
    assert audit.notes["spans answered with 'reject', left out"] == 1


@pytest.mark.parametrize("holder", ["label", "labels", "entities", "cats"])
def test_doccano_texts_that_nobody_annotated(run, write, holder):
    rows = [{"text": "Ear?", holder: None, "relations": None}, {"text": TEXT, "label": [[0, 5, "Sign"]]}]
    docs, audit = run("doccano", write("a.jsonl", "\n".join(map(json.dumps, rows))), on_error="stop")
    assert [doc.text for doc in docs] == [TEXT]
    assert audit.notes["examples that nobody annotated, left out"] == 1


def test_label_studio_notes_of_people_and_texts_that_are_none(run, write):
    value = {"start": 0, "end": 5, "text": "Itchy", "labels": ["Sign"]}
    region = {"id": "a", "type": "labels", "value": value, "meta": {"text": ["unsure"]}}
    tasks = [{"data": {"text": text}, "annotations": [{"result": [region]}]} for text in (TEXT, 12)]
    docs, audit = run("label_studio", write("a.json", json.dumps(tasks)))
    assert found(docs) == [("Itchy", "Sign")]
    assert audit.notes["annotators' notes, not kept"] == 1
    assert [change.reason for change in audit.changes] == ["a task whose 'text' is no text"]
