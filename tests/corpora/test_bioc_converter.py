"""BioC in XML and JSON: the same documents from both, and what is refused."""

import json

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS
from spacy_medmtl.annotations.relations import read_relations
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.errors import MedmtlError

COLLECTION = {
    "source": "x",
    "infons": {"documents": "no"},
    "documents": [
        {
            "id": "d1",
            "passages": [
                {
                    "offset": 0,
                    "text": "On fever.",
                    "annotations": [
                        {
                            "id": "1",
                            "infons": {"type": "Problem", "negated": "true", "identifier": "X:1"},
                            "locations": [{"offset": 3, "length": 5}],
                            "text": "fever",
                        }
                    ],
                },
                {
                    "offset": 100,
                    "sentences": [
                        {"offset": 100, "text": "No joint 🦴 or hip pain."},
                        {
                            "offset": 130,
                            "text": "It hurts.",
                            "annotations": [
                                {
                                    "id": "2",
                                    "infons": {"type": "Act"},
                                    "locations": [{"offset": 133, "length": 5}],
                                    "text": "hurts",
                                }
                            ],
                        },
                    ],
                    "annotations": [
                        {
                            "id": "3",
                            "infons": {"type": "Problem"},
                            "locations": [{"offset": 118, "length": 4}, {"offset": 103, "length": 5}],
                            "text": "joint pain",
                        }
                    ],
                },
            ],
            "relations": [
                {
                    "id": "R1",
                    "infons": {"type": "of"},
                    "nodes": [{"refid": "1", "role": "a"}, {"refid": "3", "role": "b"}],
                },
                {"id": "R2", "infons": {"type": "CID", "Chemical": "D1"}, "nodes": []},
            ],
        },
        {"id": "d2", "passages": [{"offset": 7, "text": "None."}]},
    ],
}


def xml_of(collection):
    def infons(one):
        return "".join(f'<infon key="{key}">{value}</infon>' for key, value in one.get("infons", {}).items())

    def passage(one, tag):
        text = f"<text>{one['text']}</text>" if "text" in one else ""
        inner = "".join(passage(sentence, "sentence") for sentence in one.get("sentences", []))
        for given in one.get("annotations", []):
            said = f"{infons(given)}<text>{given['text']}</text>"
            for place in given["locations"]:
                said += f'<location offset="{place["offset"]}" length="{place["length"]}"/>'
            inner += f'<annotation id="{given["id"]}">{said}</annotation>\n'
        return f"<{tag}><offset>{one['offset']}</offset>{text}{inner}</{tag}>\n"

    documents = ""
    for document in collection["documents"]:
        inner = "".join(passage(one, "passage") for one in document["passages"])
        for relation in document.get("relations", []):
            nodes = "".join(f'<node refid="{node["refid"]}" role="x"/>' for node in relation["nodes"])
            inner += f'<relation id="{relation["id"]}">{infons(relation)}{nodes}</relation>\n'
        documents += f"<document><id>{document['id']}</id>\n{inner}</document>\n"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<collection><source>x</source>\n{documents}</collection>\n'


@pytest.fixture(params=["xml", "json", "array"])
def corpus(request, write):
    if request.param == "xml":
        return write("a.xml", xml_of(COLLECTION))
    return write("a.json", json.dumps(COLLECTION if request.param == "json" else COLLECTION["documents"], indent=1))


def test_documents(run, corpus):
    docs, audit = run("bioc", corpus, on_error="stop")
    assert [doc.text for doc in docs] == ["On fever.\nNo joint 🦴 or hip pain.\nIt hurts.", "None."]
    found = [(span.text, span.label_) for span in docs[0].spans[ENTITIES]]
    assert sorted(found) == [("fever", "Problem"), ("hurts", "Act"), ("joint 🦴 or hip pain", "Problem")]
    assert [sent.text.strip() for sent in docs[0].sents] == docs[0].text.split("\n")
    assert [(r.head.text, r.tail.text, r.label) for r in read_relations(docs[0])] == [
        ("fever", "joint 🦴 or hip pain", "of")
    ]
    assert all(doc.spans[ENTITIES].attrs["annotated_labels"] == ["Act", "Problem"] for doc in docs)
    assert audit.notes["relations between concepts, which name no mentions, not kept"] == 1
    assert [change.outcome for change in audit.changes] == ["reshaped"]


def test_infons_as_attributes(run, corpus):
    docs, audit = run("bioc", corpus, group="findings", labels="Problem,Act")
    group = docs[0].spans[FINDINGS]
    statuses = dict(zip([span.text for span in group], group.attrs["assertion"], strict=True))
    assert statuses == {"fever": "negative", "hurts": "positive", "joint 🦴 or hip pain": "positive"}
    (left,) = audit.left_out.items()
    assert left == ("attribute identifier", 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            ("<document>", '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><document>'),
            "document type declaration",
        ),
        (("<collection>", '<!DOCTYPE a SYSTEM "x" [<!ELEMENT b ANY>]><collection>'), "document type declaration"),
        (("On fever.", "On &b; fever."), "broken XML"),
        (('offset="3"', 'offset="-3"'), "no number"),
        (('offset="3"', 'offset="NaN"'), "no number"),
        (('offset="3"', 'offset="99999999999999999999"'), "no number"),
        (('offset="3"', 'offset="999"'), "outside the text"),
        (('length="5"', 'length="4"'), "do not give the words"),
        (('refid="1"', 'refid="9"'), "an argument that is no mention"),
        (('key="type">Act', 'key="kind">Act'), "without a label"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(run, write, change, reason):
    assert change[0] in xml_of(COLLECTION)
    path = write("a.xml", xml_of(COLLECTION).replace(*change, 1))
    with pytest.raises(MedmtlError, match=rf"E401.*a.xml, line \d+: .*{reason}"):
        run("bioc", path, on_error="stop")
    docs, audit = run("bioc", path)
    assert docs or audit.changes


def test_billion_laughs_are_refused_at_once(run, write):
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    root = "<collection><document><id>&l9;</id></document></collection>"
    text = f'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>\n{root}'
    docs, audit = run("bioc", write("a.xml", text))
    assert not any("lol" in doc.text for doc in docs)
    assert (audit.changes[0].line, "document type declaration" in audit.changes[0].reason) == (2, True)


def test_bytes_that_are_no_utf8_cost_one_document(run, write, tmp_path):
    """And a name that is no Unicode costs none."""
    passages = '"passages": [{"offset": 0, "text": "No fever?"}]'
    content = f'[{{"id": "1", {passages}}},\n{{"id": "\\ud800", {passages}}}]'.encode().replace(b"?", b"\xff", 1)
    docs, audit = run("bioc", write("a.json", content))
    assert [doc.text for doc in docs] == ["No fever?"]
    assert [(change.file[-9:], change.line) for change in audit.changes] == [("a.json[0]", 1)]
    audit = convert_corpus(Job("bioc", [tmp_path / "a.json"], tmp_path / "x.spacy", on_error="report"))
    assert audit.outputs[str(tmp_path / "x.spacy")].documents == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"documents": 3}', 1, "expected a JSON array"),
        ('{"other": []}', 1, "expected a JSON array"),
        ("3", 1, "not BioC"),
        ('[\n{"passages": [{"offset": "a"}]}]', 2, "not BioC"),
        ('[\n{"passages": [{"offset": true}]}]', 2, "not BioC"),
        ('[\n{"passages": {"offset": 1}}]', 2, "not BioC"),
        ('[\n{"passages": [{"offset": NaN}]}]', 2, "not BioC"),
        ("[\n" + "[" * 100_000, 2, "broken JSON"),
        ('[\n{"passages": [{"offset": 0, "text": "a"}]}\n{"passages": []}]', 3, "expected a comma"),
        ('[{"passages": [{"offset": 0, "text": "a"}]}]\nrest', 2, "text behind the end"),
        ('[\n{"passages": [{"offset": 0, "text": "a"}]}', 2, "expected a comma"),
        ('[\n{"passages": [{"offset": 0, "text": "\\ud800"}]}]', 2, "half a surrogate pair"),
        ("[\n]", 0, ""),
    ],
)
def test_broken_json(run, write, text, line, reason):
    docs, audit = run("bioc", write("a.json", text))
    if line:
        assert audit.changes[0].line == line
        assert reason in audit.changes[0].reason
        with pytest.raises(MedmtlError, match=f"E401.*line {line}: "):
            run("bioc", write("a.json", text), on_error="stop")
    else:
        assert not docs
        assert not audit.changes
