"""Prodigy, doccano and Label Studio: what each writes, wrong types everywhere, several annotators."""

import json

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS
from spacy_medmtl.annotations.relations import read_pairs, read_relations
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.errors import MedmtlError

TEXT = "No 🦴 fever today."
PRODIGY = {
    "text": TEXT,
    "tokens": [{"text": word, "start": TEXT.index(word)} for word in ("No", "🦴", "fever", "today.")],
    "spans": [{"start": 5, "end": 10, "label": "Problem", "negated": True, "uncertain": False, "token_start": 2}],
    "relations": [
        {
            "label": "when",
            "head_span": {"start": 5, "end": 10, "label": "Problem"},
            "child_span": {"start": 11, "end": 17},
        }
    ],
}


def found(doc, key=ENTITIES):
    return [(span.text, span.label_) for span in doc.spans[key]]


def lines(*values):
    return "".join(json.dumps(value) + "\n" for value in values)


def test_prodigy(run, write):
    other = {"text": "Plain.", "accept": ["ask", "tell"]}
    left_out = [{**other, "answer": "reject"}, {**other, "answer": "ignore"}]
    docs, audit = run("prodigy", write("a.jsonl", lines(PRODIGY, other, *left_out)), on_error="stop")
    assert [doc.text for doc in docs] == [TEXT, "Plain."]
    assert [token.text for token in docs[0]] == ["No", "🦴", "fever", "today."]
    assert found(docs[0]) == [("fever", "Problem")]
    assert [(r.head.text, r.tail.text, r.label) for r in read_relations(docs[0])] == [("fever", "today.", "when")]
    assert INTENTS not in docs[0].spans
    assert found(docs[1], INTENTS) == [("Plain.", "ask"), ("Plain.", "tell")]
    assert ENTITIES not in docs[1].spans
    assert RELATIONS not in docs[1].spans
    assert audit.notes["examples answered with 'reject', left out"] == 1


def test_prodigy_findings_and_classes_of_docs(run, write):
    path = write(
        "a.jsonl",
        lines({**PRODIGY, "label": "x"}, {"text": "Two words.", "label": "news"}, {"text": "b", "label": "c"}),
    )
    docs, _ = run("prodigy", path, on_error="stop", group="findings", unit="doc")
    group = docs[0].spans[FINDINGS]
    assert (group.attrs["assertion"], group.attrs["assertion_modifiers"]) == (["negative"], [[]])
    assert group.attrs["annotated_modifiers"] == ["uncertain"]  # judged, and false
    assert [doc.cats for doc in docs] == [{}, {"c": 0.0, "news": 1.0}, {"c": 1.0, "news": 0.0}]


def test_prodigy_tokens_that_do_not_fit(run, write):
    tokens = [{"text": "No", "start": 0}, {"text": "fever", "start": 5}]
    (doc,), audit = run("prodigy", write("a.jsonl", lines({**PRODIGY, "tokens": tokens})), on_error="stop")
    assert doc.text == TEXT
    assert audit.notes["examples whose tokens do not make up their text, tokenised anew"] == 1


def test_doccano(run, write):
    text = lines(
        {"id": 1, "text": TEXT, "label": [[5, 10, "Problem"], [3, 10, "Region"]], "Comments": ["?"]},
        {
            "text": TEXT,
            "entities": [
                {"id": 7, "label": "Problem", "start_offset": 5, "end_offset": 10},
                {"id": 8, "label": "Time", "start_offset": 11, "end_offset": 16},
            ],
            "relations": [{"id": 1, "from_id": 7, "to_id": 8, "type": "when"}],
        },
        {"text": "Why?", "label": ["ask"]},
        {"text": "None.", "label": []},
    )
    docs, audit = run("doccano", write("a.jsonl", text), on_error="stop")
    assert found(docs[0]) == [("fever", "Problem"), ("🦴 fever", "Region")]
    assert [(r.head.text, r.tail.text, r.label) for r in read_relations(docs[1])] == [("fever", "today", "when")]
    assert found(docs[2], INTENTS) == [("Why?", "ask")]
    assert found(docs[3]) == []
    assert docs[3].spans[ENTITIES].attrs["annotated_labels"] == ["Problem", "Region", "Time"]
    assert audit.notes["comments, not kept"] == 1


@pytest.mark.parametrize("name", ["brat", "bioc", "prodigy", "doccano", "label_studio", "medcat"])
def test_formats_with_relations_take_kinds_of_judged_pairs(name):
    _, scheme = get_reader(name).configured({"kinds": "Drug:Dose, Drug:Route", "reach": "1"})
    assert scheme.kinds == (("Drug", "Dose"), ("Drug", "Route"))
    assert scheme.reach == 1
    assert get_reader(name).configured({})[1].kinds == ()
    for key, value in [
        ("kinds", "Drug"),
        ("kinds", "Drug:"),
        ("kinds", "a:b,a:b"),
        ("kinds", "a:b:c"),
        ("reach", "-1"),
    ]:
        with pytest.raises(MedmtlError, match=f"E411.*'{key}'"):
            get_reader(name).configured({key: value})


def test_judged_pairs_of_a_users_kinds_hold_no_relation(run, write):
    """Without them training sees related pairs alone, and learns to relate all."""
    spans = [(1, "Drug", 0, 1), (2, "Dose", 2, 3), (3, "Drug", 8, 9), (4, "Dose", 10, 11)]
    entities = [{"id": id, "label": label, "start_offset": a, "end_offset": b} for id, label, a, b in spans]
    relations = [{"id": 1, "from_id": 1, "to_id": 2, "type": "dose"}]
    path = write("a.jsonl", lines({"text": "A 1 and C 3", "entities": entities, "relations": relations}))
    (doc,), _ = run("doccano", path, kinds="Drug:Dose")
    judged = {(doc[pair.head[0]].text, doc[pair.tail[0]].text): pair.labels for pair in read_pairs(doc)}
    assert judged == {("A", "1"): ("dose",), ("A", "3"): (), ("C", "1"): (), ("C", "3"): ()}
    with pytest.raises(MedmtlError, match=r"E411.*'kinds' is 'Dosage'.*\(Dose, Drug\)"):
        run("doccano", path, kinds="Drug:Dosage")
    run("doccano", path, kinds="Drug:Dosage", labels="Drug,Dose,Dosage")  # a part in which none occurs


def task(*results, text=TEXT, **more):
    return {"data": {"text": text}, "annotations": [{"result": list(results), **more}]}


REGION = {"id": "a", "type": "labels", "value": {"start": 6, "end": 11, "text": "fever", "labels": ["Problem"]}}
CHOICE = {"id": "a", "from_name": "Negation", "type": "choices", "value": {"start": 6, "end": 11, "choices": ["yes"]}}


def test_label_studio(run, write):
    day = {"id": "b", "type": "labels", "value": {"start": 12, "end": 17, "labels": ["Time"]}}
    arrow = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "left", "labels": ["of"]}
    whole = {"id": "c", "type": "choices", "value": {"choices": ["ask"]}}
    tasks = [task(REGION, CHOICE, day, arrow), task(whole), task(), {"data": {"text": "x"}, "annotations": []}]
    docs, audit = run("label_studio", write("a.json", json.dumps(tasks, indent=1)), on_error="stop")
    assert found(docs[0]) == [("fever", "Problem"), ("today", "Time")]  # they count UTF-16 units, as the first shows
    assert [(r.head.text, r.tail.text, r.label) for r in read_relations(docs[0])] == [("today", "fever", "of")]
    assert found(docs[1], INTENTS) == [(TEXT, "ask")]
    assert ENTITIES not in docs[1].spans
    assert found(docs[2]) == []
    assert audit.notes["mentions whose offsets count UTF-16 units, converted"] == 2
    assert audit.notes["tasks that nobody annotated, left out"] == 1
    (doc,), _ = run(
        "label_studio", write("b.json", json.dumps(tasks[:1])), group="both", statuses="Negation:yes=negative"
    )
    assert doc.spans[FINDINGS].attrs["assertion"] == ["negative"]
    assert found(doc) == [("fever", "Problem"), ("today", "Time")]


def test_several_annotators(run, write):
    both = task(REGION)
    both["annotations"] += task(text=TEXT)["annotations"] + task(REGION, was_cancelled=True)["annotations"]
    path = write("a.json", json.dumps([both, task(REGION)]))
    with pytest.raises(MedmtlError, match="E401.*setting 'annotations'"):
        run("label_studio", path, on_error="stop")
    assert [found(doc) for doc in run("label_studio", path, annotations="first")[0]] == [[("fever", "Problem")]] * 2
    docs, audit = run("label_studio", path, annotations="last")
    assert [len(found(doc)) for doc in docs] == [0, 1]
    assert audit.notes["annotations by further people, left out"] == 1
    assert audit.notes["cancelled annotations, left out"] == 1


WRONG = [
    None,
    True,
    3,
    -1,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    "",
    " x",
    "Secret\x00",
    "\ud800",
    [],
    {},
    [[]],
    [{}],
]


def damaged(value):
    """A JSON value with any one of its parts replaced by something of another type."""
    yield from WRONG
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: other} for other in damaged(part))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in damaged(part))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prodigy", {**PRODIGY, "tokens": PRODIGY["tokens"][:1], "accept": ["x"], "answer": "accept", "intents": [
            {"start": 0, "end": 2, "label": "ask"}], "sentences": [{"start": 0, "end": 2}], "judged_pairs": [
            {"head_span": {"start": 0, "end": 2}, "child_span": {"start": 5, "end": 10}, "score": 0.5}]}),
        ("doccano", {"text": TEXT, "label": [[0, 2, "x"]]}),
        ("doccano", {"text": TEXT, "entities": [{"id": 1, "label": "x", "start_offset": 0, "end_offset": 2}],
            "relations": [{"from_id": 1, "to_id": 1, "type": "of"}], "Comments": [""]}),
        ("label_studio", [task(REGION, CHOICE, {"type": "relation", "from_id": "a", "to_id": "a", "labels": ["of"]})]),
        ("bioc", [{"id": "1", "passages": [{"offset": 0, "text": "a b", "annotations": [{"id": "1", "text": "a",
            "infons": {"type": "x"}, "locations": [{"offset": 0, "length": 1}]}], "relations": [{"infons": {
            "type": "of"}, "nodes": [{"refid": "1"}, {"refid": "1"}]}]}, {"offset": 9, "sentences": [{"offset": 9,
            "text": "c"}]}]}]),
    ],
)  # fmt: skip
def test_wrong_types_everywhere(run, write, name, value):
    good, audit = run(name, write("a.json", json.dumps(value)), group="both")
    assert good
    assert not audit.changes
    for other in damaged(value):
        text = json.dumps(other)
        docs, audit = run(name, write("a.json", text), group="both")
        assert all(change.line in (0, 1) for change in audit.changes)
        assert "Secret" not in str(audit.as_dict())
        assert docs or audit.changes or audit.notes or text in ("[]", "{}"), text


@pytest.mark.parametrize("name", ["prodigy", "doccano", "label_studio", "bioc"])
@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 200_000, '{"text": 1' + "0" * 5000 + "}", "\x00" * 99, "NaN"]
)
def test_hostile_json(run, write, name, text):
    docs, audit = run(name, write("a.json", text))
    assert not docs
    assert audit.changes


def test_judged_pairs_have_scores(run, write):
    pair = {"head_span": {"start": 0, "end": 2}, "child_span": {"start": 5, "end": 10}, "score": 0.25}
    (doc,), _ = run("prodigy", write("a.jsonl", lines({"text": TEXT, "judged_pairs": [pair]})), on_error="stop")
    assert [(pair.labels, pair.score) for pair in read_pairs(doc)] == [((), 0.25)]
