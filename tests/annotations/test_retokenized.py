"""Tokens that are merged or split after a group was written: spans keep their words, widened to whole tokens."""

from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_medmtl.annotations.extensions import install_extensions
from spacy_medmtl.annotations.groups import FINDINGS, INTENTS, RELATIONS, entity_spans, write_group
from spacy_medmtl.annotations.relations import JudgedPair, read_pairs, read_relations, write_relations
from spacy_medmtl.annotations.steady import SteadySpans, aligned_group
from spacy_medmtl.annotations.travelling import keep_pairs, keep_values

TEXT = "no chest pain today . the left knee hurts badly ."
SENTENCES = ["no chest pain today .", "the left knee hurts badly ."]


@pytest.fixture
def doc() -> Doc:
    """Two intents, a relation between the two sentences, three findings of which two stand in one another."""
    install_extensions()
    doc = spacy.blank("en")(TEXT)
    write_group(doc, INTENTS, [Span(doc, 0, 5, label="denial"), Span(doc, 5, 11, label="report")], scores=[0.9, 0.8])
    write_relations(doc, [JudgedPair((0, 5), (5, 11), ("contrast",), 0.7)])
    keep_pairs(doc, RELATIONS, [["contrast"]], [0.7])
    findings = [Span(doc, 2, 3, label="SIGN"), Span(doc, 8, 9, label="SIGN"), Span(doc, 6, 9, label="FINDING")]
    statuses = ["negative", "positive", "positive"]
    write_group(doc, FINDINGS, findings, assertion=statuses, scores=[0.9, 0.8, 0.7])
    keep_values(doc, FINDINGS, ["assertion", "scores"])
    return doc


def merge(doc: Doc, *bounds: tuple[int, int]) -> None:
    with doc.retokenize() as retokenizer:
        for start, end in bounds:
            retokenizer.merge(doc[start:end])


def split(doc: Doc, token: int, parts: list[str]) -> None:
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[token], parts, heads=[(doc[token], i) for i in range(len(parts))])


def texts(doc: Doc, key: str) -> list[str]:
    return [span.text for span in doc.spans[key]]


def check(doc: Doc, findings: list[str]) -> None:
    """Nothing but the ends of findings has changed."""
    assert texts(doc, INTENTS) == SENTENCES
    assert [span.label_ for span in doc.spans[INTENTS]] == ["denial", "report"]
    assert [span._.intent for span in doc.spans[INTENTS]] == ["denial", "report"]
    assert texts(doc, FINDINGS) == findings
    assert [span._.assertion for span in doc.spans[FINDINGS]][:2] == ["negative", "positive"]
    [relation] = read_relations(doc)
    assert (relation.head.text, relation.tail.text, relation.label) == (*SENTENCES, "contrast")
    assert len(read_pairs(doc)) == 1


def test_merged(doc: Doc):
    merge(doc, (1, 3), (5, 8))
    check(doc, ["chest pain", "hurts", "the left knee hurts"])


def test_split(doc: Doc):
    split(doc, 7, ["kn", "ee"])
    split(doc, 2, ["pa", "in"])
    check(doc, ["pain", "hurts", "left knee hurts"])


def test_as_many_tokens_as_before(doc: Doc):
    """spaCy would give other words, without an error."""
    merge(doc, (0, 2))
    split(doc, 1, ["pa", "in"])
    assert len(doc) == 11
    merge(doc, (7, 9))
    split(doc, 7, ["knee ", "hur", "ts"])
    check(doc, ["pain", "hurts", "left knee hurts"])


def test_all_in_one_token(doc: Doc):
    merge(doc, (0, 11))
    assert [(span.start, span.end) for span in doc.spans[INTENTS]] == [(0, 1), (0, 1)]
    assert {span.text for key in doc.spans for span in doc.spans[key]} == {TEXT}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", ["copy", "bytes", "docbin", "json"])
def test_copies(doc: Doc, way: str, when: str):
    """spaCy makes plain groups of them; our readers align those too."""
    if when == "before":
        merge(doc, (1, 3), (5, 8))
    copied = {
        "copy": lambda: doc.copy(),
        "bytes": lambda: Doc(doc.vocab).from_bytes(doc.to_bytes()),
        "docbin": lambda: next(
            DocBin(store_user_data=True)
            .from_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes())
            .get_docs(doc.vocab)
        ),
        "json": lambda: Doc(doc.vocab).from_json(doc.to_json()),
    }[way]()
    if when == "after":
        merge(copied, (1, 3), (5, 8))
    for key in (INTENTS, FINDINGS, RELATIONS):
        assert aligned_group(copied, key) is copied.spans[key]
    if way != "json":  # which keeps no values
        check(copied, ["chest pain", "hurts", "the left knee hurts"])
    assert texts(copied, INTENTS) == SENTENCES
    assert texts(copied, FINDINGS) == ["chest pain", "hurts", "the left knee hurts"]


@pytest.mark.parametrize("is_read", [False, True])
def test_joined_after_tokens_were_merged(doc: Doc, is_read: bool):
    """spaCy takes what is noted of spans before it reads them, and finds them widened."""
    other = doc.copy()
    merge(doc, (1, 3), (5, 8))
    if is_read:
        texts(doc, FINDINGS)
    joined = Doc.from_docs([other, doc])
    assert texts(joined, FINDINGS) == ["pain", "hurts", "left knee hurts", "chest pain", "hurts", "the left knee hurts"]
    assert [span._.assertion for span in joined.spans[FINDINGS]] == ["negative", "positive", "positive"] * 2
    assert len(read_relations(joined)) == 2


def test_stored_groups_have_the_tokens_of_now(doc: Doc):
    """For those who read them with spaCy alone."""
    merge(doc, (1, 3), (5, 8))
    copied = Doc(doc.vocab).from_bytes(doc.to_bytes())
    assert [span.text for span in copied.spans[FINDINGS]] == ["chest pain", "hurts", "the left knee hurts"]


def test_a_group_of_somebody_else(doc: Doc):
    doc.spans["given"] = [doc[2:3], doc[8:9]]
    merge(doc, (1, 3), (5, 8))
    assert [doc[start:end].text for start, end, _ in entity_spans(doc, "given")] == ["chest pain", "hurts"]


def test_reading_is_what_a_plain_group_gives(doc: Doc):
    group = doc.spans[FINDINGS]
    assert isinstance(group, SteadySpans)
    assert [span.text for span in group] == ["pain", "hurts", "left knee hurts"] == [group[i].text for i in range(3)]
    assert group[-1].text == "left knee hurts"
    with pytest.raises(IndexError):
        group[3]


def test_empty_documents_and_groups():
    doc = spacy.blank("en")("")
    group: Any = write_group(doc, FINDINGS, [])
    assert list(group) == []
    assert aligned_group(doc, "none") is None
