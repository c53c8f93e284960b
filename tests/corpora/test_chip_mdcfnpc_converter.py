"""Chinese dialogues in JSON lines: findings and turns. All texts are invented."""

import json

import pytest
from finding_docs import findings, sentences

from spacy_medmtl.annotations.groups import FINDINGS, TURNS
from spacy_medmtl.errors import MedmtlError


def mention(start, text, attr, **other):
    row = {"name": "x", "mention": text, "range": [start, start + len(text)], "type": "clinical_findings", "attr": attr}
    return {**row, **other}


def said(sender, text, *ner, **other):
    return {"text": text, "sentence_id": "1", "ner": list(ner), "sender": sender, **other}


def dialogue(*utterances):
    return json.dumps({"dialog_id": 1, "dialog_info": utterances}, ensure_ascii=False) + "\n"


CALL = dialogue(
    said("患者", "晨安"),
    said("患者", "耳朵红 CT 3次\n有红斑", mention(0, "耳朵红", "阳性"), mention(11, "红斑", "阳性")),
    said("医生", "打嗝吗 手麻吗", mention(0, "打嗝", "阴性"), mention(4, "手麻", "其他")),
    said("患者", "没打嗝", mention(1, "打嗝", "阴性"), mention(1, "打嗝", "阴性")),
    said("医生", "打嗝会自己好", mention(0, "打嗝", "不标注")),
)


def test_chip_mdcfnpc(run, write):
    (doc,), audit = run("chip_mdcfnpc", write("a.jsonl", CALL + "\n"), on_error="stop", lang="zh")
    utterances = ["晨安", "耳朵红 CT 3次\n有红斑", "打嗝吗 手麻吗", "没打嗝", "打嗝会自己好"]
    assert doc.text == "\n".join(utterances)
    assert sentences(doc) == utterances
    assert findings(doc) == [
        ("耳朵红", "positive", []),
        ("红斑", "positive", []),
        ("打嗝", "negative", []),
        ("手麻", "unknown", []),
        ("打嗝", "negative", []),
        ("打嗝", "unknown", []),
    ]
    attrs = doc.spans[FINDINGS].attrs
    assert (attrs["annotated_labels"], attrs["annotated_modifiers"]) == (["Finding"], [])
    assert "given_spans_only" not in attrs
    assert [turn.text.strip()[:2] for turn in doc.spans[TURNS]] == ["晨安", "打嗝", "没打", "打嗝"]
    assert doc.spans[TURNS].attrs["speakers"] == ["P", "D", "P", "D"]
    assert [(change.outcome, change.line) for change in audit.changes] == [("merged", 1)]


def test_chip_mdcfnpc_in_another_language_is_widened_and_listed(run, write):
    (doc,), audit = run("chip_mdcfnpc", write("a.jsonl", CALL), lang="en")
    assert [text for text, *_ in findings(doc)] == ["耳朵红", "有红斑", "打嗝吗", "手麻吗", "没打嗝", "打嗝会自己好"]
    assert [change.outcome for change in audit.changes].count("expanded") == 6


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        (mention(0, "秘密", ""), "unknown status"),
        (mention(0, "秘密", "秘密"), "unknown status"),
        (mention(0, "秘密", None), "unknown status"),
        (mention(1, "秘密", "阳性"), "not what stands"),
        (mention(0, "秘密", "阳性", mention=7), "not what stands"),
        (mention(0, "秘密", "阳性", range=[0, 9]), "outside the text"),
        (mention(0, "秘密", "阳性", range=[-5, 2]), "outside the text"),
        (mention(0, "秘密", "阳性", range=[2, 0]), "end is before the start"),
        (mention(0, "秘密", "阳性", range=[0, 2.0]), "range that is not"),
        (mention(0, "秘密", "阳性", range=[False, True]), "range that is not"),
        (mention(0, "秘密", "阳性", range=None), "range that is not"),
        (mention(0, "秘密", "阳性", type="秘密"), "unknown type"),
        ({"mention": "秘密"}, "finding that is not"),
        (None, "finding that is not"),
        (mention(2, "麻", "阴性"), "another status"),
    ],
)
def test_chip_mdcfnpc_malformed_finding(run, write, entity, reason):
    path = write("a.jsonl", CALL + dialogue(said("患者", "秘密麻", mention(2, "麻", "阳性"), entity)))
    with pytest.raises(MedmtlError, match=f"E401.*a.jsonl, line 2: .*{reason}") as error:
        run("chip_mdcfnpc", path, on_error="stop", lang="zh")
    assert "秘密" not in str(error.value).replace(str(path), "")
    docs, audit = run("chip_mdcfnpc", path, lang="zh")
    assert findings(docs[1]) == [("麻", "positive", [])]
    lost = [change for change in audit.changes if change.outcome == "dropped"]
    assert [(change.line, change.kind) for change in lost] == [(2, FINDINGS)]


@pytest.mark.parametrize(
    "line",
    [
        "秘密",
        "7",
        "[" * 100_000,
        '{"dialog_info": {}}',
        '{"dialog_info": []}',
        '{"dialog_info": ["秘密"]}',
        dialogue(said("秘密", "秘密")),
        dialogue(said("患者", " ")),
        dialogue(said("患者", "秘密", ner=None)),
        dialogue(said("患者", 7)),
        '{"dialog_info": [{"text": "秘密", "sender": "患者"}]}',
        '{"dialog_info": [{"text": "秘密 \\ud800", "sender": "患者", "ner": []}]}',
    ],
)
def test_chip_mdcfnpc_malformed_line(run, write, line):
    path = write("a.jsonl", CALL + line.strip() + "\n" + CALL.replace("晨安", "夜安"))
    with pytest.raises(MedmtlError, match=r"E401.*a.jsonl, line 2: expected a JSON object with dialog_info") as error:
        run("chip_mdcfnpc", path, on_error="stop", lang="zh")
    assert "秘密" not in str(error.value).replace(str(path), "")
    docs, audit = run("chip_mdcfnpc", path, lang="zh")
    assert len(docs) == 2
    assert [change.line for change in audit.changes if change.outcome == "dropped"] == [2]


def test_chip_mdcfnpc_dialogue_that_spacy_cannot_read(run, write):
    row = dialogue(said("患者", "x" * 600_000), said("医生", "x" * 400_000))
    docs, audit = run("chip_mdcfnpc", write("a.jsonl", row), lang="zh")
    assert docs == []
    assert [(change.line, change.reason) for change in audit.changes] == [(1, "a document longer than spaCy reads")]
