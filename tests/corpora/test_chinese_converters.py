"""The Chinese corpora that are JSON lists: queries, question pairs, nested entities. All texts are invented."""

import json

import pytest
from finding_docs import sentences

from spacy_medmtl.annotations.groups import ENTITIES, INTENTS, RELATIONS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError


def listed(*rows):
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def query(text, label="其他"):
    return {"id": "s1", "query": text, "label": label}


def test_kuake_qic(run, write):
    path = write(
        "a.json", "\ufeff" + listed(query("耳朵 红？怎么办 "), query("CT贵吗", "医疗费用"), query("CT贵吗", "医疗费用"))
    )
    docs, audit = run("kuake_qic", path, on_error="stop", lang="zh")
    assert [doc.text for doc in docs] == ["耳朵 红？怎么办 ", "CT贵吗", "CT贵吗"]
    for doc, label in zip(docs, ("其他", "医疗费用", "医疗费用"), strict=True):
        (span,) = doc.spans[INTENTS]
        assert (span.start, span.end, span.label_) == (0, len(doc), label)
        assert len(list(doc.sents)) == 1
        assert len(doc.spans[INTENTS].attrs["annotated_labels"]) == 11
    assert not audit.changes


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (query("秘密", "秘密"), "unknown label"),
        (query(" "), "empty"),
        (query("秘密\ud800"), "UTF-8"),
        (query(7), "expected a JSON object"),
        (query("秘密", None), "expected a JSON object"),
        ("秘密", "expected a JSON object"),
    ],
)
def test_kuake_qic_malformed_element(run, write, row, reason):
    path = write("a.json", json.dumps([query("晨"), row, query("晚")], indent=0).replace("\\ud800", "\\ud800"))
    with pytest.raises(MedmtlError, match=rf"E401.*a.json\[1\], line \d+: .*{reason}") as error:
        run("kuake_qic", path, on_error="stop", lang="zh")
    assert "秘密" not in str(error.value).replace(str(path), "")
    docs, audit = run("kuake_qic", path, lang="zh")
    assert [doc.text for doc in docs] == ["晨", "晚"]
    assert len(audit.changes) == 1


@pytest.mark.parametrize(
    ("content", "n_docs", "line"),
    [
        (listed(query("晨"))[:-9], 0, 2),
        (listed(query("晨"), query("晚"))[:-9], 1, 3),
        (listed(query("晨")).replace("]", ""), 1, 4),
        (listed(query("晨"), query("晚")).replace(",\n", "\n"), 1, 3),
        (listed(query("晨")) + "秘密", 1, 4),
        ('{"query": 1}', 0, 1),
        ("[" * 100_000, 0, 1),
        (f"[{'9' * 5000}]", 0, 1),
    ],
)
def test_broken_list(run, write, content, n_docs, line):
    """What stands before the break is read; the rest is one loss, where reading ended."""
    docs, audit = run("kuake_qic", write("a.json", content), lang="zh")
    assert len(docs) == n_docs
    assert [change.line for change in audit.changes] == [line]


@pytest.mark.parametrize("content", [" [ ] ", "\n\n"])
def test_nothing_has_no_loss(run, write, content):
    docs, audit = run("kuake_qic", write("a.json", content), lang="zh")
    assert (docs, audit.changes) == ([], [])


def test_bytes_that_are_no_utf8_cost_one_element(run, write):
    content = listed(query("晨"), query("午?"), query("晚")).encode().replace(b"?", b"\xff")
    docs, audit = run("kuake_qic", write("a.json", content), lang="zh")
    assert [doc.text for doc in docs] == ["晨", "晚"]
    assert [(change.file[-3:], change.line) for change in audit.changes] == [("[1]", 3)]


def pair(first, second, label="0"):
    return {"id": "1", "text1": first, "text2": second, "label": label, "category": "x"}


def test_chip_sts(run, write):
    rows = [
        pair("手麻吗", "手会麻？", "1"),
        pair("红斑", "手会麻？"),
        pair("甲", "乙"),
        pair("甲", "乙"),
        pair("丙", " 红斑 "),
    ]
    docs, _ = run("chip_sts", write("a.json", listed(*rows)), on_error="stop", lang="zh")
    assert texts_of(docs[0]) == ("手麻吗", "手会麻？")
    assert [(p.labels, p.score) for doc in docs[:2] for p in read_pairs(doc)] == [(("same_question",), 1.0), ((), 0.0)]
    assert list(docs[1].spans[RELATIONS].attrs["annotated_labels"]) == ["same_question"]
    keys = [split_key(doc) for doc in docs]
    assert keys[0] == keys[1] == keys[4] != keys[2] == keys[3]  # linked by a question, whatever its column


@pytest.mark.parametrize("row", [pair("秘密", ""), pair("秘密", 1), pair("秘密", "麻", 1), pair("秘密", "麻", "2"), []])
def test_chip_sts_malformed_pair(run, write, row):
    docs, audit = run("chip_sts", write("a.json", listed(pair("甲", "乙"), row)), lang="zh")
    assert len(docs) == 1
    assert [change.line for change in audit.changes] == [3]
    assert "秘密" not in audit.changes[0].reason


def entity(start, end, words, label="sym"):
    return {"start_idx": start, "end_idx": end, "type": label, "entity": words}


def test_cmeee(run, write):
    nested = [entity(1, 4, "手部红斑"), entity(1, 2, "手部", "bod"), entity(3, 5, "红斑", "dis")]
    row = {"text": "有手部红斑。CT 正常", "entities": [*nested, entity(6, 7, "CT", "pro")]}
    docs, audit = run("cmeee", write("a.json", listed(row, {"text": "无", "entities": []})), on_error="stop", lang="zh")
    found = [(span.text, span.label_) for span in docs[0].spans[ENTITIES]]
    assert found == [("手部红斑", "sym"), ("手部", "bod"), ("红斑", "dis"), ("CT", "pro")]
    assert audit.notes["entities whose end is exclusive"] == 1  # "红斑": each entity is looked at for itself
    assert sentences(docs[0]) == ["有手部红斑。", "CT 正常"]
    assert len(docs[0].spans[ENTITIES].attrs["annotated_labels"]) == 9
    assert len(docs[1].spans[ENTITIES]) == 0
    assert not audit.changes


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entity(0, 1, "秘"), ""),
        (entity(0, 1, "密"), "do not give"),
        (entity(-2, 1, "秘密"), "do not give"),
        (entity(0, 0, ""), "that is not"),
        (entity(90, 91, "秘密"), "do not give"),
        (entity(0, 1, "秘密", "秘密"), "unknown label"),
        (entity(True, 1, "秘密"), "that is not"),
        ("秘密", "that is not"),
    ],
)
def test_cmeee_malformed_entity(run, write, bad, reason):
    path = write("a.json", listed({"text": "秘密麻", "entities": [bad, entity(2, 2, "麻")]}))
    (doc,), audit = run("cmeee", path, lang="zh")
    assert [span.text for span in doc.spans[ENTITIES]][-1:] == ["麻"]
    assert [reason in change.reason for change in audit.changes] == [True] * bool(reason)
    assert all("秘密" not in change.reason + change.label for change in audit.changes)
