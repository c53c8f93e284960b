"""Files as programs other than a format's own write them, and as people mend them by hand. All texts are invented."""

import json

import pytest
from entity_docs import found

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, group_values
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.errors import MedmtlError

TEXT = "Itchy ear since Monday."
SPAN = {"start": 0, "end": 5, "label": "Sign"}


@pytest.mark.parametrize(
    ("rows", "mentions"),
    [
        ("T1\tSign 0 9;6 9\tItchy ear ear", ["Itchy ear"]),  # stretches that overlap
        ("T1\tSign 9 6\tear", ["ear"]),
        ("T1\tSign 16 24\tMonday.\n", ["Monday."]),  # the text had a line end
        ("T1\tSign\t6\t9\tear", ["ear"]),
        ("T1 Sign 6 9 ear", ["ear"]),
        ("T1\tSign  6  9\tear", ["ear"]),
        ("T1\tSign 6 9\t", ["ear"]),
        ("# by hand\nT1\tSign 6 9\tear", ["ear"]),
        ("T1\tSign 0 5\tItchy\rT2\tPart 6 9\tear\r", ["Itchy", "ear"]),
    ],
)
def test_rows_of_brat(run, write, rows, mentions):
    write("a.ann", rows)
    docs, audit = run("brat", write("a.txt", TEXT), on_error="stop")
    assert [words for words, _ in found(docs)] == mentions
    assert not audit.changes


def test_labels_with_blanks_and_relations_without_names_in_brat(run, write):
    write("a.ann", "T1\tSign or symptom 0 5\tItchy\nT2\tPart 6 9\tear\nR1\tof T1 T2\n")
    (doc,), _ = run("brat", write("a.txt", TEXT), on_error="stop")
    assert found([doc]) == [("Itchy", "Sign or symptom"), ("ear", "Part")]
    assert [pair.labels for pair in read_pairs(doc)] == [("of",)]


def test_files_of_the_shared_tasks(run, write):
    write("a.a1", "T1\tSign 0 5\tItchy\n")
    write("a.a2", "T2\tPart 6 9\tear\nR1\tof Arg1:T1 Arg2:T2\nX\n")
    docs, audit = run("brat", write("a.txt", TEXT))
    assert found(docs) == [("Itchy", "Sign"), ("ear", "Part")]
    assert [(change.file.rpartition("/")[2], change.line) for change in audit.changes] == [("a.a2", 3)]


def test_annotations_alone_name_their_text(run, write, tmp_path):
    path = write("a.ann", "T1\tSign 0 5\tItchy\n")
    text = write("a.txt", TEXT)
    for inputs in ([path], [path, text], [tmp_path]):
        docs, _ = run("brat", *inputs, on_error="stop")
        assert found(docs) == [("Itchy", "Sign")]
    with pytest.raises(MedmtlError, match=r"E401.*a.json.*neither a text nor annotations of brat"):
        run("brat", write("a.json", "{}"), on_error="stop")


def test_hidden_folders_hold_no_documents(run, tmp_path):
    for folder in (tmp_path, tmp_path / ".ipynb_checkpoints"):
        folder.mkdir(exist_ok=True)
        (folder / "a.txt").write_text(TEXT)
        (folder / "a.ann").write_text("T1\tSign 0 5\tItchy\n")
    docs, _ = run("brat", tmp_path, on_error="stop")
    assert len(docs) == 1


@pytest.mark.parametrize(
    ("text", "start", "name"),
    [
        ("A & B: sore", 11, "escapes of XML that the text does not have"),
        ("A &amp; B: sore", 7, "escapes of XML as one character"),
    ],
)
def test_offsets_that_count_escapes(run, write, text, start, name):
    write("a.ann", f"T1\tSign {start} {start + 4}\tsore\n")
    docs, audit = run("brat", write("a.txt", text), on_error="stop")
    assert found(docs) == [("sore", "Sign")]
    assert audit.notes[f"mentions whose offsets count {name}, converted"] == 1


@pytest.mark.parametrize(
    "article",
    [
        "7|t|Itchy ear.\n7|a|A rash.\n\n7\t11\t17\tA rash\tSign\n",
        "7|t|Itchy ear.\n\n7|a|A rash.\n7\t11\t17\tA rash\tSign\tD1\n",
        "7|t|Itchy ear.\n7|a|A rash.\n7\t12\t18\tA rash\tSign\tD1\n",  # two characters between title and abstract
        "7|t|Itchy ear.\n7|a|A rash.\n7\t10\t16\tA rash\tSign\tD1\n",  # none
        "7 | T | Itchy ear.\n7 | A | A rash.\n7\t11\t17\tA rash\tSign\tD1\tx\ty\n",
        "# ours\n7|t|Itchy ear.\n7|a|A rash.\n7\t11\t17\tA rash\tSign\tD1\n",
    ],
)
def test_pubtator(run, write, article):
    docs, audit = run("pubtator_any", write("a.txt", f"{article}\n8|t|Well.\n8|a|\n"), on_error="stop")
    assert [doc.text for doc in docs] == ["Itchy ear. A rash.", "Well. "]
    assert found(docs) == [("A rash", "Sign")]
    assert {change.outcome for change in audit.changes} <= {"contracted"}


def test_pubtator_abstract_of_several_paragraphs(run, write):
    path = write("a.txt", "7|t|Ear.\n7|a|Itchy.\nA rash.\n7\t14\t18\trash\tSign\n7 0 3 Ear Part\n")
    docs, audit = run("pubtator_any", path)
    assert docs[0].text == "Ear. Itchy.\nA rash."
    assert found(docs) == [("rash", "Sign")]
    assert [change.reason for change in audit.changes] == ["a row whose columns are not separated by tabs"]


def bioc(offset, *annotations, **more):
    passages = [{"offset": 0, "text": "Well."}, {"offset": 6, "text": TEXT, "annotations": annotations, **more}]
    return {"id": "1", "passages": passages}


def annotation(at, words, name="1", **infons):
    return {"id": name, "infons": infons, "text": words, "locations": [{"offset": at, "length": len(words)}]}


@pytest.mark.parametrize(
    "given",
    [
        annotation(0, "Itchy", type="Sign"),  # counted from the passage
        annotation(6, "Itchy", entity_type="Sign"),
        annotation(6.0, "Itchy", Type="Sign"),
    ],
)
def test_bioc(run, write, given):
    path = write("a.json", json.dumps([bioc(6, given), {"id": "2", "passages": []}]))
    docs, audit = run("bioc", path, on_error="stop")
    assert found(docs) == [("Itchy", "Sign")]
    assert audit.notes["empty texts, left out"] == 1


def test_bioc_ids_and_relations_of_concepts(run, write):
    twice = [annotation(6, "Itchy", type="Sign"), annotation(12, "ear", type="Part")]
    relation = {"id": "R", "infons": {"role1": {}, "role2": {}, "type": "of"}, "nodes": [{"refid": "0", "role": "0"}]}
    path = write("corpus", json.dumps(bioc(6, *twice, relations=[relation])))  # without an ending
    docs, audit = run("bioc", path, on_error="stop")
    assert found(docs) == [("Itchy", "Sign"), ("ear", "Part")]
    assert audit.notes["ids that several annotations have, which no relation can name"] == 1
    assert audit.notes["relations between concepts, which name no mentions, not kept"] == 1


def region(typ="labels", **value):
    return {"id": "a", "type": typ, "value": {"start": 0, "end": 5, "text": "Itchy", typ: ["Sign"], **value}}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (TEXT, region(start=0.0, end="5")),
        (TEXT, region("htmllabels", globalOffsets={"start": 0, "end": 5})),
        (TEXT, region("hypertextlabels", start="/text()[1]", end="/text()[1]", startOffset=0, endOffset=5)),
        ("<p>Itchy <b>ear</b></p>", region("hypertextlabels", start="/p[1]", globalOffsets={"start": 0, "end": 5})),
    ],
)
def test_label_studio(run, write, text, result):
    path = write("a.json", json.dumps([{"data": {"text": text}, "annotations": [{"result": [result]}]}]))
    docs, _ = run("label_studio", path, on_error="stop")
    assert found(docs) == [("Itchy", "Sign")]
    assert "<" not in docs[0].text


def test_label_studio_choices_of_a_region_that_do_not_repeat_its_place(run, write):
    choice = {"id": "a", "from_name": "negation", "type": "choices", "value": {"choices": ["yes"]}}
    task = {"data": {"text": TEXT}, "annotations": [{"result": [region(), choice]}]}
    docs, _ = run("label_studio", write("a.json", json.dumps([task])), on_error="stop", group="both")
    assert group_values(docs[0], FINDINGS, "assertion") == ["negative"]
    assert INTENTS not in docs[0].spans


def test_label_studio_of_a_storage_and_of_a_reviewer(run, write):
    stored = {"id": 1, "result": [region()], "task": {"data": {"text": TEXT}}}
    truth = [{"result": []}, {"result": [region()], "ground_truth": True}]
    for value in (stored, [{"data": {"text": TEXT}, "annotations": truth}]):
        docs, _ = run("label_studio", write("a.json", json.dumps(value)), on_error="stop")
        assert found(docs) == [("Itchy", "Sign")]
    with pytest.raises(MedmtlError, match=r"there are note.*'field'"):
        run("label_studio", write("a.json", json.dumps([{"data": {"note": TEXT}}])), on_error="stop")


SPACY = [TEXT, {"entities": [[0, 5, "Sign"]]}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prodigy", [SPACY, [TEXT, {"entities": []}]]),
        ("doccano", [SPACY]),
        ("prodigy", {"classes": ["SIGN"], "annotations": [SPACY, None]}),
        ("prodigy", [[TEXT, {"spans": {"sc": [[0, 5, "Sign"]]}}]]),
        ("prodigy", {"text": TEXT, "spans": [{**SPAN, "start": 0.0, "end": "5"}]}),
        ("doccano", {"text": TEXT, "label": [SPAN]}),
        ("doccano", {"text": TEXT, "label": [[0, 5, "Sign", "Itchy"]]}),
        (
            "doccano",
            [{"text": TEXT, "label": [[0, 5, "Sign"]]}, {"text": None, "label": []}, {"text": "", "label": []}],
        ),
    ],
)
def test_training_data_of_spacy_and_what_is_like_it(run, write, name, value):
    docs, audit = run(name, write("a.json", json.dumps(value)), on_error="stop")
    assert found(docs) == [("Itchy", "Sign")]
    assert INTENTS not in docs[0].spans
    assert not audit.changes


def test_files_that_are_no_json(run, write, tmp_path):
    with pytest.raises(MedmtlError, match="spaCy 2.*spacy convert"):
        run("prodigy", write("a.json", json.dumps([{"id": 0, "paragraphs": []}])), on_error="stop")
    with pytest.raises(MedmtlError, match="no JSON: expected"):
        run("doccano", write("a.csv", "text,label\n"), on_error="stop")
    with pytest.raises(MedmtlError, match="a .spacy file.*export jsonl"):
        run("prodigy", write("a.spacy", b"x\x9c"), on_error="stop")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "admin.jsonl").write_text(json.dumps({"text": TEXT, "label": ["ask"]}))
    (tmp_path / "x" / "unknown.jsonl").touch()
    assert len(run("doccano", tmp_path / "x", on_error="stop")[0]) == 1


def test_prodigy(run, write):
    tokens = [{"text": "Itchy", "start": 0, "end": 5, "id": 0}, {"text": "ear", "start": 6, "end": 9, "id": 1}]
    related = {"text": "Itchy ear", "tokens": tokens, "relations": [{"head": 0, "child": 1, "label": "of"}]}
    rows = [{"text": "Well.", "answer": "accept"}, {**related, "spans": [SPAN]}, {"text": "Ear?", "accept": [2]}]
    docs, _ = run("prodigy", write("a.jsonl", "\n".join(map(json.dumps, rows))), on_error="stop")
    assert [ENTITIES in doc.spans for doc in docs] == [True, True, False]
    assert [pair.labels for pair in read_pairs(docs[1])] == [("of",)]
    assert found(docs, INTENTS) == [("Ear?", "2")]


@pytest.mark.parametrize(
    "rows",
    [
        "Itchy|O ear|B-Part\n",
        "Itchy|JJ|O ear|NN|B-Part\n",
        "itchy\to\near\tb-Part\n",
        "token\tner_tag\nItchy\tO\near\tB-Part\n",
    ],
)
def test_conll(run, write, rows):
    docs, _ = run("conll", write("a.iob", rows), on_error="stop")
    assert found(docs) == [("ear", "Part")]
    assert docs[0].text.lower() == "itchy ear "


def test_conll_of_other_tools(run, write):
    row = "{}\t{}\t_\t_\t_\t_\t_\t_\t_\t{}\n"
    rows = row.format("1-2", "au", "_") + row.format(1, "à", "O") + row.format(2, "le", "B-Part")
    docs, audit = run("conll", write("a.conllu", rows), on_error="stop", word="2", tags="10")
    assert docs[0].text == "à le "
    assert audit.notes["rows of CoNLL-U that are no words, left out"] == 1
    for rows, reason in {
        "#FORMAT=WebAnno TSV 3.3\n1-1\t0-5\tItchy\t_\n": "WebAnno TSV.*CoNLL 2002",
        "Itchy,O\n": "not ','",
        "Itchy\tADJ\n": "by the setting 'tags'",
    }.items():
        with pytest.raises(MedmtlError, match=reason):
            run("conll", write("a.tsv", rows), on_error="stop")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "\n\ntext,label\nItchy ear,sign\n"),
        ("a.csv", "# export of May\ntext,label\nItchy ear,sign\n"),
        ("a.csv", 'text, label\n"Itchy ear", "sign"\n'),
        ("a.tsv", "text,label\nItchy ear,sign\n"),
    ],
)
def test_csv(run, write, name, content):
    docs, _ = run("csv_sentences", write(name, content), on_error="stop")
    assert found(docs, INTENTS) == [("Itchy ear", "sign")]


def test_csv_values_of_spreadsheets(run, write):
    _, audit = run("csv_sentences", write("a.csv", "text,label\nItchy ear,nan\nEar, itchy,sign\n"))
    assert [change.reason for change in audit.changes] == [
        "a row without a label",
        "3 columns: expected 2: a text with ',' in it stands between double quotes",
    ]
    docs, _ = run("csv_scores", write("b.csv", "text1;text2;score\nEar.;Itch.;4,5\n"), on_error="stop")
    assert read_pairs(docs[0])[0].score == 4.5
