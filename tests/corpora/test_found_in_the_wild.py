"""Files as tools and people leave them: suffixes in capitals, folders in folders, packed files, empty rows, relations
without names. All texts are invented."""

import json
import unicodedata
import zipfile

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, RELATIONS, group_values
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.errors import MedmtlError


def spans(doc, key=ENTITIES):
    return [(span.text, span.label_) for span in doc.spans[key]]


def test_folder_in_a_folder_and_suffixes_in_capitals(run, tmp_path):
    for folder, (text, rows) in {"a": (".txt", ".ann"), "a/b": (".TXT", ".ANN"), "c": (".Txt", ".Ann")}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"NOTE{text}").write_text("No fever.")
        (tmp_path / folder / f"NOTE{rows}").write_text("T1\tProblem 3 8\tfever\n")
    docs, audit = run("brat", tmp_path, on_error="stop")
    assert [spans(doc) for doc in docs] == [[("fever", "Problem")]] * 3
    assert not audit.notes.total()


def test_archive_with_suffixes_in_capitals(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "notes.zip", "w") as archive:
        archive.writestr("a/NOTE.TXT", "No fever.")
        archive.writestr("a/NOTE.ANN", "T1\tProblem 3 8\tfever\n")
    (doc,), audit = run("brat", tmp_path / "notes.zip", on_error="stop")
    assert spans(doc) == [("fever", "Problem")]
    assert not audit.notes.total()


def test_what_is_said_of_events_is_said_of_their_triggers(run, write):
    rows = "A1\tNegation E1\nE1\tProblem:T1\nT1\tProblem 3 8\tfever\nT2\tDrug 12 19\taspirin\nE2\tDrug:T2 Of:T1\n"
    write("a.ann", f"{rows}R1\tfor Arg1:E2 Arg2:T1\nA2\tSure R1\n")
    (doc,), audit = run("brat", write("a.txt", "No fever on aspirin."), on_error="stop", group="both")
    assert group_values(doc, FINDINGS, "assertion") == ["negative"]
    assert [(doc[slice(*pair.head)].text, pair.labels) for pair in read_pairs(doc)] == [("aspirin", ("for",))]
    assert +audit.notes == {"events, not kept": 2, "attributes of relations, not kept": 1}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("doccano", '{"text": "No fever.", "label": [[3, 8, "Problem"]]}\n'),
        ("prodigy", '{"text": "No fever.", "spans": [{"start": 3, "end": 8, "label": "Problem"}]}\n'),
        ("conll", "No\tO\nfever\tB-Problem\n"),
        ("pubtator_any", "7|t|No fever.\n7\t3\t8\tfever\tProblem\n"),
    ],
)
def test_folder_of_files(run, tmp_path, name, content):
    suffix = {"conll": "conll", "pubtator_any": "txt"}.get(name, "jsonl")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"a.{suffix}").write_text(content)
    docs, _ = run(name, tmp_path, on_error="stop")
    assert [spans(doc) for doc in docs] == [[("fever", "Problem")]] * 2


@pytest.mark.parametrize("name", ["doccano", "conll", "csv_sentences", "bioc", "pubtator_any", "label_studio"])
@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PK\x03\x04", "a zip archive"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (b"BZh9", "a bzip2 file"),
        (b"\xfd7zXZ\x00", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
        (b"7z\xbc\xaf", "a 7-Zip archive"),
        (b"ARROW1\x00\x00", "an Arrow or Feather file"),
        (b"SQLite format 3\x00", "an SQLite database"),
    ],
)
def test_packed_file_is_called_so(run, write, name, head, kind):
    with pytest.raises(MedmtlError, match=f"E402.*is {kind}.*unpack"):
        run(name, write("a.csv", head + b"\x00" * 30), on_error="report")


def test_empty_file_in_a_folder_of_xml(run, write, tmp_path):
    write("empty.xml", "")
    passage = "<passage><offset>0</offset><text>No fever.</text></passage>"
    write("whole.xml", f"<collection><document><id>7</id>{passage}</document></collection>")
    docs, audit = run("bioc", tmp_path)
    assert len(docs) == 1
    assert [change.reason for change in audit.changes] == ["no <document> in the file: expected XML of this format"]


def test_annotation_of_a_document_is_counted(run, write):
    passage = {"offset": 0, "text": "No fever.", "annotations": [{"id": "1", "infons": {"type": "Topic"}}]}
    docs, audit = run("bioc", write("a.json", json.dumps({"passages": [passage]})), on_error="stop")
    assert spans(docs[0]) == []
    assert audit.notes["annotations of a document, at no place in its text"] == 1


@pytest.mark.parametrize("form", ["json", "xml"])
def test_annotations_of_a_document_at_places_in_its_text(run, write, form):
    texts = [(0, "No fever."), (20, "A cough.")]
    if form == "json":
        passages = [{"offset": offset, "text": text} for offset, text in texts]
        places = [{"offset": 22, "length": 5}]
        annotation = {"id": "1", "infons": {"type": "Problem"}, "text": "cough", "locations": places}
        path = write("a.json", json.dumps({"id": "7", "passages": passages, "annotations": [annotation]}))
    else:
        passages = "".join(f"<passage><offset>{at}</offset><text>{text}</text></passage>" for at, text in texts)
        place = '<location offset="22" length="5"/><text>cough</text>'
        annotation = f'<annotation id="1"><infon key="type">Problem</infon>{place}</annotation>'
        path = write("a.xml", f"<collection><document><id>7</id>{passages}{annotation}</document></collection>")
    (doc,), _ = run("bioc", path, on_error="stop")
    assert spans(doc) == [("cough", "Problem")]


def test_rows_that_a_spreadsheet_leaves_empty(run, write):
    docs, _ = run("csv_sentences", write("a.csv", "text,label\nIt hurts.,tell\n,\n , \n"), on_error="stop")
    assert [doc.text for doc in docs] == ["It hurts."]


def test_relation_without_a_label(run, write):
    def region(name, start, end):
        return {"id": name, "type": "labels", "value": {"start": start, "end": end, "labels": ["Problem"]}}

    results = [region("a", 0, 5), region("b", 10, 14), {"type": "relation", "from_id": "a", "to_id": "b"}]
    task = {"data": {"text": "Fever and pain."}, "annotations": [{"result": results}]}
    (doc,), audit = run("label_studio", write("a.json", json.dumps([task])), on_error="stop")
    assert [pair.labels for pair in read_pairs(doc)] == [("related",)]
    assert RELATIONS in doc.spans
    assert audit.notes["relations without a label, kept as 'related'"] == 1


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_offsets_that_count_the_other_form_of_accents(run, write, form):
    text, words = (unicodedata.normalize(form, piece) for piece in ("39° le soir, légère toux.", "légère toux"))
    other = unicodedata.normalize("NFD" if form == "NFC" else "NFC", text)
    start = other.index(", ") + 2
    write("a.ann", f"T1\tProblem {start} {len(other) - 1}\t{words}\n")
    (doc,), audit = run("brat", write("a.txt", text), on_error="stop", lang="fr")
    assert spans(doc) == [(words, "Problem")]
    assert any("accents" in note for note in audit.notes)


def test_empty_tags_of_other_tools(run, write):
    (doc,), _ = run("conll", write("a.conll", "No\t_\nfever\tB-Problem\n.\t_\n"), on_error="stop")
    assert spans(doc) == [("fever", "Problem")]


@pytest.mark.parametrize("name", ["prodigy", "doccano"])
@pytest.mark.parametrize("tags", [[0, 1], ["O", "B-Problem"]])
def test_words_and_tags_of_hugging_face_are_called_so(run, write, name, tags):
    path = write("a.jsonl", json.dumps({"id": "0", "tokens": ["No", "fever"], "ner_tags": tags}))
    with pytest.raises(MedmtlError, match=r"E401.*Hugging Face.*convert conll"):
        run(name, path, on_error="stop")


@pytest.mark.parametrize(
    "content", ['<?xml version="1.0"?>\n<xmi:XMI/>', '{"tokens": ["No"], "ner_tags": [0]}', '[{"text": "No"}]']
)
def test_other_formats_are_no_rows_of_tags(run, write, content):
    with pytest.raises(MedmtlError, match=r"E401.*XML or JSON"):
        run("conll", write("a.conll", content), on_error="stop")


def test_words_with_blanks_at_an_edge(run, write):
    docs, audit = run("conll", write("a.tsv", "No \tO\n fever\tB-Problem\n"), on_error="stop")
    assert spans(docs[0]) == [("fever", "Problem")]
    assert audit.notes["words with blanks at an edge, kept without these"] == 2
