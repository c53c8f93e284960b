"""Dialogues of IMCS21 in their two published forms and the four tasks. All texts are invented."""

import json

import pytest
from finding_docs import findings, sentences

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, TURNS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.public import imcs21
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

CONVERTERS = ("imcs21_da", "imcs21_ner", "imcs21_qa", "imcs21_status")


def turn(speaker, text, act="Other", ner=(), symptoms=()):
    return {"speaker": speaker, "text": text, "act": act, "ner": ner, "symptoms": symptoms}


def dialogue(name, *turns):
    return json.dumps({"id": name, "split": "dev", "turns": turns}, ensure_ascii=False) + "\n"


CALL = dialogue(
    "d0",
    turn("医生", "打嗝吗 手麻吗", "Request-Symptom", [[0, 2, "Symptom"], [4, 6, "Symptom"]], [[0, 2, "呃逆", "3"]]),
    turn("患者", "没打嗝，手麻", "Inform-Symptom", [[1, 3, "Symptom"]], [[1, 3, "呃逆", "2"], [4, 6, "手麻", "1"]]),
    turn("患者", "吃过甲药", "Inform-Existing_Examination_and_Treatment", [[2, 4, "Drug"]], None),
    turn("医生", "乙药呢", "Request-Drug_Recommendation", None, []),
    turn("患者", "没有", "Inform-Symptom"),
)
OTHER = dialogue(  # in the same group of the split
    "d20",
    turn("医生", "头痛吗", "Request-Symptom"),
    turn("患者", "有点", "Inform-Symptom"),
    turn("患者", "还恶心", "Inform-Symptom"),
)


def test_acts(run, write):
    docs, audit = run("imcs21_da", write("a.jsonl", CALL + OTHER), on_error="stop", lang="zh")
    doc = docs[0]
    assert sentences(doc) == ["打嗝吗 手麻吗", "没打嗝，手麻", "吃过甲药", "乙药呢", "没有"]
    assert [span.label_ for span in doc.spans[INTENTS]] == [one["act"] for one in json.loads(CALL)["turns"]]
    assert [(span.start, span.end) for span in doc.spans[INTENTS]] == [(sent.start, sent.end) for sent in doc.sents]
    assert len(doc.spans[INTENTS].attrs["annotated_labels"]) == 16
    assert doc.spans[TURNS].attrs["speakers"] == ["D", "P", "D", "P"]
    assert not audit.changes


def test_unknown_act_is_a_loss_and_no_intent(run, write):
    path = write("a.jsonl", CALL.replace("Request-Drug_Recommendation", "秘密"))
    with pytest.raises(MedmtlError, match="E401.*line 1: an unknown act"):
        run("imcs21_da", path, on_error="stop", lang="zh")
    (doc,), audit = run("imcs21_da", path, lang="zh")
    assert len(doc.spans[INTENTS]) == 4
    assert [change.kind for change in audit.changes] == [INTENTS]


def test_entities(run, write):
    docs, audit = run("imcs21_ner", write("a.jsonl", CALL + OTHER), on_error="stop", lang="zh")
    found = [(span.text, span.label_) for span in docs[0].spans[ENTITIES]]
    assert found == [("打嗝", "Symptom"), ("手麻", "Symptom"), ("打嗝", "Symptom"), ("甲药", "Drug")]
    assert audit.notes["utterances whose entities are not given, taken to have none"] == 1
    assert len(docs[1].spans[ENTITIES].attrs["annotated_labels"]) == 5
    assert not audit.changes


def test_statuses(run, write):
    (doc,), audit = run("imcs21_status", write("a.jsonl", CALL), on_error="stop", lang="zh")
    assert findings(doc) == [("打嗝", "unknown", []), ("打嗝", "negative", []), ("手麻", "positive", [])]
    attrs = doc.spans[FINDINGS].attrs
    assert (attrs["annotated_labels"], attrs["annotated_modifiers"]) == (["Finding"], [])
    assert len(doc.spans[TURNS]) == 4
    assert audit.notes["utterances whose symptoms are not given, taken to have none"] == 1


@pytest.mark.parametrize(
    ("name", "symptom", "reason"),
    [
        ("imcs21_status", [0, 2, "x", "4"], "unknown status"),
        ("imcs21_status", [0, 2, "x", 1], "that is not"),
        ("imcs21_status", [0, 2, "1"], "that is not"),
        ("imcs21_status", [0, 9, "x", "1"], "outside the text"),
        ("imcs21_status", [1, 1, "x", "1"], "no character"),
        ("imcs21_status", [False, 2, "x", "1"], "offsets that are no numbers"),
        ("imcs21_ner", [0, 2], "that is not"),
        ("imcs21_ner", [0, 9, "Drug"], "outside the text"),
        ("imcs21_ner", [0, 2, "秘密"], "unknown label"),
        ("imcs21_ner", "秘密", "that is not"),
    ],
)
def test_malformed_annotation(run, write, name, symptom, reason):
    path = write("a.jsonl", CALL + dialogue("d1", turn("患者", "秘密", "Other", [symptom], [symptom])))
    with pytest.raises(MedmtlError, match=f"E401.*a.jsonl, line 2: .*{reason}") as error:
        run(name, path, on_error="stop", lang="zh")
    assert "秘密" not in str(error.value).replace(str(path), "")
    docs, audit = run(name, path, lang="zh")
    assert len(docs) == 2
    assert len(audit.changes) == 1


@pytest.mark.parametrize("name", CONVERTERS)
@pytest.mark.parametrize(
    "line",
    [
        "秘密",
        "[]",
        '{"id": 7, "turns": []}',
        dialogue("秘密"),
        dialogue(7, turn("患者", "秘密")),
        dialogue("d1", turn("秘密", "秘密")),
        dialogue("d1", turn("患者", " ")),
        dialogue("d1", turn("患者", "秘密", None)),
        dialogue("d1", turn("患者", "秘密", "Other", 7)),
        dialogue("d1", {"speaker": "患者", "text": "秘密"}),
        dialogue("d1", turn("患者", "秘密" * 600_000)),
    ],
)
def test_malformed_dialogue(run, write, name, line):
    path = write("a.jsonl", CALL + line.strip() + "\n" + OTHER)
    docs, audit = run(name, path, lang="zh")
    is_unused = name == "imcs21_qa" and len(line) > 600_000  # too long to be a text, but not asked about
    assert [change.line for change in audit.changes] == ([] if is_unused else [2])
    assert len(docs) == (4 if name == "imcs21_qa" else 2)


def test_questions_and_answers(run, write):
    path = write("a.jsonl", CALL + OTHER)
    docs, audit = run("imcs21_qa", path, on_error="stop", lang="zh", seed=3)
    held = [(texts_of(doc), [pair.labels for pair in read_pairs(doc)]) for doc in docs]
    true, false = [("answers",)], [()]
    assert held[::2] == [
        (("打嗝吗 手麻吗", "没打嗝，手麻"), true),
        (("头痛吗", "有点"), true),
    ]  # the next utterance only
    assert held[1] in [(("打嗝吗 手麻吗", "有点"), false), (("头痛吗", "没打嗝，手麻"), false)]
    assert held[3] in [(("打嗝吗 手麻吗", "有点"), false), (("头痛吗", "没打嗝，手麻"), false)]
    assert all(doc.spans["medmtl_relations"].attrs["annotated_labels"] == ["answers"] for doc in docs)
    again, _ = run("imcs21_qa", path, lang="zh", seed=3)
    assert [doc.text for doc in again] == [doc.text for doc in docs]
    drawn = {tuple(doc.text for doc in run("imcs21_qa", path, lang="zh", seed=seed)[0]) for seed in range(8)}
    assert len(drawn) > 1
    assert not audit.changes


def test_no_substitute_that_is_an_answer_somewhere(run, write):
    docs, audit = run("imcs21_qa", write("a.jsonl", OTHER + OTHER.replace("d20", "d0")), lang="zh")
    assert [texts_of(doc) for doc in docs] == [("头痛吗", "有点")] * 2
    assert audit.notes["pairs without another dialogue to take a substitute from"] == 2


def test_a_dialogue_has_the_same_place_in_the_splits_of_all_tasks(run, write):
    calls = "".join(OTHER.replace("d20", f"d{n}").replace("头痛", f"头{n}痛") for n in range(300))
    path = write("a.jsonl", calls)
    keys = {name: [split_key(doc) for doc in run(name, path, lang="zh")[0]] for name in CONVERTERS}
    assert keys["imcs21_da"] == keys["imcs21_ner"] == keys["imcs21_status"]
    assert len(set(keys["imcs21_da"])) == imcs21.N_GROUPS
    group_of = dict(zip([f"头{n}痛吗" for n in range(300)], keys["imcs21_da"], strict=True))
    docs, _ = run("imcs21_qa", path, lang="zh")
    for doc in docs:  # a text of another group would be seen on both sides of a split
        assert split_key(doc) == group_of[texts_of(doc)[0]]


LINES = "医生：打嗝吗\t13\n患者：没有，\t甲\t14\n\n患者：谢谢\t15\n"


def test_acts_of_lines(run, write):
    (doc,), audit = run("imcs21_da", write("da.txt", LINES), on_error="stop", lang="zh")
    assert doc.text == "打嗝吗\n没有，\t甲\n谢谢"
    assert [span.label_ for span in doc.spans[INTENTS]] == ["Request-Symptom", "Inform-Symptom", "Other"]
    assert doc.spans[TURNS].attrs["speakers"] == ["D", "P"]
    assert audit.notes["utterances of dialogues that are not told apart"] == 3


def test_stretches(run, write):
    docs, _ = run("imcs21_da", write("da.txt", "患者：有\t14\n" * 1001), lang="zh")
    assert [len(doc.spans[INTENTS]) for doc in docs] == [40] * 25 + [1]
    keys = [split_key(doc) for doc in docs]
    assert keys == sorted(keys)
    assert [keys.count(key) for key in sorted(set(keys))] == [10, 10, 6]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("患者：秘密\t16", "unknown act"),
        ("患者：秘密\t-1", "unknown act"),
        ("患者：秘密\t秘密", "unknown act"),
        ("患者：秘密", "a fullwidth colon"),
        ("患者： \t15", "a fullwidth colon"),
        ("秘密：秘密\t15", "a fullwidth colon"),
        ("患者：" + "秘密" * 20_000 + "\t15", "a fullwidth colon"),
    ],
)
def test_malformed_act_line(run, write, line, reason):
    path = write("da.txt", f"医生：有\t13\n{line}\n医生：有\t13\n")
    with pytest.raises(MedmtlError, match=f"E401.*da.txt, line 2: .*{reason}") as error:
        run("imcs21_da", path, on_error="stop", lang="zh")
    assert "秘密" not in str(error.value).replace(str(path), "")
    (doc,), _ = run("imcs21_da", path, lang="zh")
    assert doc.text == "有\n有"


CHARACTERS = "医 生 ： 甲 药 乙 药 吃 吗\n患 者 ： 没 ， 手 麻\n\n"
TAGS = "O O O B-Drug I-Drug B-Drug I-Drug O O\nO O O O O I-Symptom I-Symptom\n\n"


def parallel(write, characters=CHARACTERS, tags=TAGS):
    write("output.seq.bio", tags)
    return write("input.seq.char", characters)


def test_entities_of_characters(run, write):
    (doc,), audit = run("imcs21_ner", parallel(write), on_error="stop", lang="zh")
    assert doc.text == "甲药乙药吃吗\n没，手麻"
    found = [(span.text, span.label_) for span in doc.spans[ENTITIES]]
    assert found == [("甲药", "Drug"), ("乙药", "Drug"), ("手麻", "Symptom")]
    assert doc.spans[TURNS].attrs["speakers"] == ["D", "P"]
    assert not audit.changes


@pytest.mark.parametrize(
    ("characters", "tags", "reason"),
    [
        ("患 者 ： 秘 密", "O O O O", "differ in the number"),
        ("患 者 ： 秘 密", "", "differ in the number"),
        ("", "O", "a fullwidth colon"),
        ("秘 密 ： 秘 密", "O O O O O", "a fullwidth colon"),
        ("患 者 ： 秘 密", "O O O O 秘密", "a tag"),
        ("患 者 ： 秘 密", "O O B-Drug I-Drug O", "speaker's name"),
        ("患 者 ： 秘 密", "O O O B-秘密 O", "unknown label"),
        (b"\xff", "O O O O O", "not UTF-8"),
        ("患 者 ： 秘 密", b"\xff", "not UTF-8"),
    ],
)
def test_malformed_characters(run, write, characters, tags, reason):
    characters, tags = (one if isinstance(one, bytes) else one.encode() for one in (characters, tags))
    path = parallel(write, CHARACTERS.encode() + characters + b"\n", TAGS.encode() + tags + b"\n")
    (doc,), audit = run("imcs21_ner", path, lang="zh")
    assert len(doc.spans[ENTITIES]) == 3
    assert [(change.line, reason in change.reason) for change in audit.changes] == [(4, True)]
    assert "秘密" not in audit.changes[0].reason + audit.changes[0].label


def test_tags_that_go_on_behind_the_characters(run, write):
    _, audit = run("imcs21_ner", parallel(write, tags=TAGS + "O O O O\n"), lang="zh")
    assert [(change.file[-4:], change.line) for change in audit.changes] == [(".bio", 4)]


def test_characters_without_their_tags(run, write):
    with pytest.raises(MedmtlError, match="E402.*output.seq.bio"):
        run("imcs21_ner", write("input.seq.char", CHARACTERS), lang="zh")
