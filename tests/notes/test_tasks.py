"""Tasks for annotation tools: the least certain notes first, and what comes back is what was sent."""

import json
from xml.etree import ElementTree

import pytest
import spacy
from spacy.tokens import Span
from typer.testing import CliRunner

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, group_values, write_group
from spacy_medmtl.annotations.relations import JudgedPair, read_relations, write_relations
from spacy_medmtl.annotations.rows import doc_rows
from spacy_medmtl.cli import app
from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats.files import input_files
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.writer import convert_records
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.notes.tasks import TOOLS, uncertainty, write_tasks

FILES = {"prodigy": "t.jsonl", "label_studio": "t.json", "doccano": "t.jsonl", "brat": "brat"}


def note(text, doc_id, *findings, sure=0.9):
    """A Doc with findings (start, end, label, status, modifiers), an Anatomy entity at each "knee", and a relation."""
    doc = spacy.blank("en")(text)
    doc.user_data["doc_id"] = doc_id
    knees = [Span(doc, token.i, token.i + 1, label="Anatomy") for token in doc if token.text == "knee"]
    spans = [Span(doc, start, end, label=label) for start, end, label, _, _ in findings]
    write_group(doc, ENTITIES, [*spans, *knees], scores=[sure] * (len(spans) + len(knees)))
    statuses, modifiers = [one[3] for one in findings], [one[4] for one in findings]
    write_group(
        doc,
        FINDINGS,
        spans,
        assertion=statuses,
        assertion_modifiers=modifiers,
        scores=[sure] * len(spans),
    ).attrs["annotated_labels"] = ["Problem"]
    pairs = [
        JudgedPair((span.start, span.end), (knee.start, knee.end), ("in",), 0.8) for span in spans for knee in knees
    ]
    write_relations(doc, pairs)
    return doc


@pytest.fixture
def docs():
    return [
        note(
            "No fever, \U0001f9b4 but pain of the knee.",
            "sure",
            (1, 2, "Problem", "negative", []),
            (5, 6, "Problem", "positive", ["historical"]),
        ),
        note("Cough?", "unsure", (0, 1, "Problem", "unknown", ["uncertain"]), sure=0.6),
        note("Well.", "nothing found"),
    ]


def back(tool, path):
    """The Docs that ``medmtl convert`` makes of a corrected file."""
    reader = get_reader(tool)
    settings = {} if tool == "doccano" else {"group": "both"}
    read, scheme = reader.configured(settings, 0)
    files = input_files([path], reader.suffixes, takes_folders=reader.takes_folders)
    return list(convert_records(read, scheme, files, spacy.blank("en"), Audit("stop")))


def accept(tool, path):
    """What a person does who agrees with everything."""
    if tool == "prodigy":
        tasks = [{**json.loads(line), "answer": "accept"} for line in path.read_text(encoding="utf8").splitlines()]
        path.write_text("\n".join(map(json.dumps, tasks)), encoding="utf8")
    if tool == "label_studio":
        tasks = json.loads(path.read_text(encoding="utf8"))
        for task in tasks:
            task["annotations"] = [{"result": task["predictions"][0]["result"]}]
        path.write_text(json.dumps(tasks), encoding="utf8")


def spans(doc, key):
    return sorted((span.start_char, span.end_char, span.label_) for span in doc.spans[key])


def relations(doc):
    return sorted((one.head.text, one.tail.text, one.label) for one in read_relations(doc))


@pytest.mark.parametrize("tool", TOOLS)
def test_what_comes_back_is_what_was_sent(docs, tmp_path, tool):
    path = tmp_path / FILES[tool]
    assert write_tasks(docs, tool, path, model="en_x-1")[0] == len(docs)
    accept(tool, path)
    found = {doc.text: doc for doc in back(tool, path)}
    assert set(found) == {doc.text for doc in docs}
    for sent in docs:
        got = found[sent.text]
        assert spans(got, ENTITIES) == spans(sent, ENTITIES)
        assert relations(got) == relations(sent)
        if tool == "doccano":
            continue
        assert spans(got, FINDINGS) == spans(sent, FINDINGS)
        assert group_values(got, FINDINGS, "assertion") == group_values(sent, FINDINGS, "assertion")
        assert group_values(got, FINDINGS, "assertion_modifiers") == group_values(sent, FINDINGS, "assertion_modifiers")


def test_the_least_certain_note_comes_first(docs, tmp_path):
    assert [round(uncertainty(doc_rows(doc, "")), 3) for doc in docs] == [0.129, 0.4, 0.0]
    write_tasks(docs, "prodigy", tmp_path / "t.jsonl", model="en_x-1")
    tasks = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text(encoding="utf8").splitlines()]
    assert [task["meta"]["doc_id"] for task in tasks] == ["unsure", "sure", "nothing found"]
    assert "answer" not in tasks[0]
    assert (tasks[0]["spans"][0]["score"], tasks[0]["spans"][0]["source"]) == (0.6, "en_x-1")
    write_tasks(docs, "brat", tmp_path / "brat", model="en_x-1")
    assert [path.stem for path in sorted((tmp_path / "brat").glob("*.txt"))][:2] == ["000001-unsure", "000002-sure"]


def test_tasks_of_an_earlier_call_are_replaced_and_what_is_no_task_is_not(docs, tmp_path):
    folder = tmp_path / "brat"
    write_tasks(docs, "brat", folder, model="en_x-1")
    write_tasks(docs[:1], "brat", folder, model="en_x-1")
    assert sorted(path.name for path in folder.iterdir()) == ["000001-sure.ann", "000001-sure.txt", "annotation.conf"]
    (folder / "mine.csv").write_text("mine", encoding="utf8")
    with pytest.raises(MedmtlError, match="E407"):
        write_tasks(docs, "brat", folder, model="en_x-1")
    assert sorted(path.suffix for path in folder.iterdir()) == [".ann", ".conf", ".csv", ".txt"]


def test_label_studio_gets_scores_and_an_interface_that_knows_all_names(docs, tmp_path):
    write_tasks(docs, "label_studio", tmp_path / "t.json", model="en_x-1")
    (first, *_) = json.loads((tmp_path / "t.json").read_text(encoding="utf8"))
    assert first["data"] == {"text": "Cough?", "doc_id": "unsure", "uncertainty": 0.4}
    assert first["predictions"][0]["score"] == 0.6
    view = ElementTree.parse(tmp_path / "t.json.xml").getroot()
    assert {one.get("value") for one in view.find("Labels")} == {"Problem", "Anatomy"}
    choices = {one.get("name"): {value.get("value") for value in one} for one in view.iter("Choices")}
    assert choices["assertion"] == {"positive", "negative", "unknown"}
    assert {"historical", "uncertain"} <= set(choices)
    assert [one.get("value") for one in view.iter("Relation")] == ["in"]


def test_what_doccano_cannot_hold_is_told(docs, tmp_path):
    told = write_tasks(docs, "doccano", tmp_path / "t.jsonl", model="en_x-1")[1]
    assert told["status and modifiers of findings"] >= 3


def test_the_command(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "SIGN", "pattern": "cough"}])
    nlp.to_disk(tmp_path / "p")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("A cough.", encoding="utf8")
    (tmp_path / "notes" / "b.txt").write_text(" ", encoding="utf8")
    arguments = ["preannotate", tmp_path / "p", tmp_path / "notes", "--for", "doccano", "-o", tmp_path / "t.jsonl"]
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output  # a note without text is none that failed, as for annotate
    assert "E519" in result.output
    (task,) = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text(encoding="utf8").splitlines()]
    assert [(one["label"], one["start_offset"]) for one in task["entities"]] == [("SIGN", 2)]
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert "[MEDMTL-E413]" in result.stderr
    (tmp_path / "notes" / "b.txt").write_bytes(b"caf\xe9 cough")
    result = CliRunner().invoke(app, [str(one) for one in [*arguments, "--force"]])
    assert result.exit_code == 3, result.output
    result = CliRunner().invoke(app, [str(one) for one in [*arguments, "--force", "--encoding", "cp1252"]])
    assert result.exit_code == 0, result.output
