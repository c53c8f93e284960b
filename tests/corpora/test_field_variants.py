"""Variants of the known formats as people have them: of encodings, shapes, ids, tags and exports of older versions."""

import json
import zipfile

import pytest
from entity_docs import found

from spacy_medmtl.annotations.groups import ENTITIES, INTENTS
from spacy_medmtl.annotations.relations import read_relations


@pytest.mark.parametrize(
    ("text", "rows", "mentions"),
    [
        (b"\xef\xbb\xbfItchy ear.", "T1\tSign 0 5\tItchy", ["Itchy"]),
        (b"\xef\xbb\xbfItchy ear.", "T1\tSign 1 6\tItchy", ["Itchy"]),  # the offsets count the mark
        (b"Itchy ear.", "\ufeffT1\tSign 0 5\tItchy", ["Itchy"]),
        ("Itchy ear.".encode("utf-16"), "T1\tSign 0 5\tItchy", ["Itchy"]),
        (b"Seen.\r\nItchy ear.\r\n", "T1\tSign 6 11\tItchy\r\n", ["Itchy"]),
        (b"Itchy\nleft ear.", "T1\tSign 0 10\tItchy\nleft\nT2\tPart 11 14\tear", ["Itchy\nleft", "ear"]),
        (b"ear, left, hurts", "T1\tSign 11 16;0 3\thurts ear", ["ear, left, hurts"]),
        (b"cafe au lait, 3  g", "T1\tSign 0 4\tcafé\nT2\tDose 14 18\t3 µg", ["cafe", "3  g"]),
    ],
)
def test_brat(run, write, text, rows, mentions):
    path = write("a.txt", text)
    write("a.ann", rows)
    docs, audit = run("brat", path, on_error="stop")
    assert [words for words, _ in found(docs)] == mentions
    assert not docs[0].text.startswith("\ufeff")
    assert {change.outcome for change in audit.changes} <= {"reshaped"}


def test_brat_folder_with_what_is_no_document(run, write, tmp_path):
    for name, content in {
        "a.txt": "Itchy ear.",
        "a.ann": "T1\tSign 0 5\tItchy",
        "README.txt": "Ours.",
        "b.txt": "",
        "b.ann": "",
        "._a.txt": "\x00",
        "._a.ann": "\x00",
        "c.ann": "\n",
    }.items():
        write(name, content)
    docs, audit = run("brat", tmp_path, on_error="stop")
    assert found(docs) == [("Itchy", "Sign")]
    assert {note: n for note, n in audit.notes.items() if n and "boundaries" not in note} == {
        "texts without an .ann file, left out": 1,
        "empty texts, left out": 1,
    }


def test_brat_archive_with_its_configuration(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for name, content in {
            "p/a.txt": "Itchy.",
            "p/a.ann": "T1\tSign 0 5\tItchy",
            "p/annotation.conf": "[entities]\nX\n",
        }.items():
            archive.writestr(name, content)
    docs, _ = run("brat", tmp_path / "p.zip", on_error="stop")
    assert docs[0].spans[ENTITIES].attrs["annotated_labels"] == ["Sign", "X"]


def passage(offset, text, *mentions, relation=""):
    inner = "".join(
        f'<annotation id="T{n}"><infon key="type">Sign</infon><location offset="{offset + text.index(one)}" '
        f'length="{len(one)}"/><text>{one}</text></annotation>'
        for n, one in enumerate(mentions)
    )
    return f"<passage><offset>{offset}</offset><text>{text}</text>{inner}{relation}</passage>"


RELATION = (
    '<relation id="R"><infon key="type">of</infon><node refid="T1" role=""/><node refid="T0" role=""/></relation>'
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_bioc_xml_with_ids_that_begin_anew(run, write, encoding):
    parts = passage(0, "Ear ache.", "Ear", "ache", relation=RELATION)
    parts += passage(9, "é Ear ache.", "Ear", "ache", relation=RELATION)
    text = f"{HEAD}<collection><document><id>1</id>{parts}</document></collection>"
    docs, _ = run(
        "bioc", write("a.xml", text.replace("UTF-8", encoding.removesuffix("-sig")).encode(encoding)), on_error="stop"
    )
    relations = [(r.head.start, r.tail.start) for r in read_relations(docs[0])]
    assert relations == [(1, 0), (6, 5)]
    assert docs[0].text == "Ear ache.\né Ear ache."


DOCUMENT = {
    "id": "1",
    "infons": {},
    "passages": [
        {"offset": 0, "text": "Ear ache.", "sentences": [], "relations": [], "annotations": [
            {"id": "T1", "infons": {"type": "Sign", "identifier": None}, "text": "ache",
             "locations": [{"offset": 4, "length": 4}]}
        ]}
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(DOCUMENT),
        json.dumps(DOCUMENT, indent=1),
        json.dumps({"documents": [DOCUMENT]}),
        json.dumps([{"documents": [DOCUMENT]}], indent=2),
        f"\ufeff{json.dumps({'PubTator3': [DOCUMENT]})}",
    ],
)
def test_bioc_json_of_any_shape(run, write, tmp_path, text):
    (tmp_path / "many").mkdir()
    for name in ("a", "b"):
        (tmp_path / "many" / f"{name}.json").write_text(text, encoding="utf8")
    lines = write("lines.json", f"{json.dumps(DOCUMENT)}\n{json.dumps(DOCUMENT)}\n")
    for path in (tmp_path / "many", lines):
        docs, audit = run("bioc", path, on_error="stop")
        assert found(docs) == [("ache", "Sign")] * 2
        assert not audit.left_out


@pytest.mark.parametrize(
    ("rows", "mentions", "classes"),
    [
        ([{"text": "Ear ache.", "label": [[4, 8, " Sign "]]}], [("ache", "Sign")], []),
        (
            [{"text": "Ear ache.", "annotations": [{"label": 3, "start_offset": 4, "end_offset": 8}]}],
            [("ache", "3")],
            [],
        ),
        ([{"text": "Ear.", "labels": []}, {"text": "Ear?", "labels": ["ask", "ear"]}], [], ["ask", "ear"]),
        ([{"text": "Ear.", "label": []}, {"text": "Ear?", "label": [[0, 3, "Part"]]}], [("Ear", "Part")], []),
        ([{"text": "Ear?", "entities": [[0, 3, "Part"]], "cats": ["ask"]}], [("Ear", "Part")], ["ask"]),
        ([{"text": "Ear?", "label": "ask"}], [], ["ask"]),
    ],
)
@pytest.mark.parametrize("as_array", [True, False])
def test_doccano(run, write, rows, mentions, classes, as_array):
    text = json.dumps(rows, indent=1) if as_array else "\n".join(map(json.dumps, rows))
    docs, _ = run("doccano", write("a.json", text), on_error="stop")
    assert len(docs) == len(rows)
    assert found(docs) == mentions
    assert [span.label_ for doc in docs for span in doc.spans.get(INTENTS, ())] == classes
    key = ENTITIES if mentions else INTENTS
    assert all(key in doc.spans for doc in docs)  # also where there is nothing


def test_label_studio_before_its_first_version(run, write):
    result = {"type": "labels", "value": {"start": 0, "end": 9, "text": "Ear ache", "labels": ["Sign "]}}
    tasks = [
        {"data": {"text": "Ear  ache."}, "completions": [{"result": [result]}]},
        {"data": {"text": "No."}, "annotations": [], "predictions": [{"result": [result]}]},
    ]
    docs, audit = run("label_studio", write("a.json", json.dumps(tasks)), on_error="stop")
    assert found(docs) == [("Ear  ache", "Sign")]
    assert audit.notes["tasks that nobody annotated, left out (they have predictions of a model)"] == 1
    _, audit = run("label_studio", write("b.json", '[{"text": "Ear ache.", "label": []}]'))
    assert "JSON-MIN" in audit.changes[0].reason


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,label\rItchy ear.,sign\rAll well.,none\r"),  # Excel's kind for the Macintosh
        ("a.csv", "text,label\nItchy ear.,sign\nAll well.,none\n".encode("utf-16-le")),  # without its mark
        ("a.csv", "text,label\nItchy ear.,sign\nAll well.,none\n".encode("utf-16-be")),
    ],
)
def test_csv_as_spreadsheets_save_it(run, write, name, content):
    docs, audit = run("csv_sentences", write(name, content), on_error="stop")
    assert found(docs, INTENTS) == [("Itchy ear.", "sign"), ("All well.", "none")]
    assert not audit.changes


def test_tags_of_one_word_and_words_of_blanks(run, write):
    path = write("a.tsv", "left\tB-Part\near\tE-Part\n \tO\nitches\tW-Sign\n")
    docs, audit = run("conll", path, on_error="stop")
    assert found(docs) == [("left ear", "Part"), ("itches", "Sign")]
    assert audit.notes["words that are nothing but blanks, left out"] == 1


@pytest.mark.parametrize("words", [["Itchy"], None])
def test_label_studio_words_as_other_versions_give_them(run, write, words):
    region = {"id": "a", "type": "labels", "value": {"start": 0, "end": 5, "text": words, "labels": ["Sign"]}}
    task = {"data": {"text": "Itchy ear."}, "annotations": [], "completions": [{"result": [region]}]}
    docs, audit = run("label_studio", write("a.json", json.dumps([task])), on_error="stop")
    assert found(docs) == [("Itchy", "Sign")]
    assert not audit.changes


def test_doccano_texts_of_no_class_and_of_nobody(run, write):
    rows = [
        {"text": "Ear?", "label": "ask"},
        {"text": "Hm.", "label": ""},
        {"text": "Later.", "label": None},
        {"text": "Eye?", "cats": {"ask": 1.0, "tell": 0.0}},
    ]
    docs, audit = run("doccano", write("a.jsonl", "\n".join(map(json.dumps, rows))), on_error="stop")
    assert [[span.label_ for span in doc.spans[INTENTS]] for doc in docs] == [["ask"], [], ["ask"]]
    assert audit.notes["examples that nobody annotated, left out"] == 1
