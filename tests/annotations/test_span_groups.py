"""Span groups with values, relations in them, the getters over them, and the scores of labelled items."""

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

import spacy_medmtl
from spacy_medmtl.annotations.extensions import install_extensions
from spacy_medmtl.annotations.groups import (
    ANNOTATED_LABELS,
    FINDINGS,
    INTENTS,
    RELATIONS,
    annotated_labels,
    group_values,
    is_annotated,
    judges,
    sentence_bounds,
    trimmed,
    within,
    word_offsets,
    write_group,
)
from spacy_medmtl.annotations.relations import JudgedPair, read_pairs, read_relations, write_relations
from spacy_medmtl.annotations.scoring import CORPUS, corpus_of, score_items
from spacy_medmtl.errors import MedmtlError, MedmtlWarning


@pytest.fixture
def doc():
    return spacy.blank("en").make_doc("no fever . chest pain and cough .")


def test_spans_within_places_that_touch_overlap_or_leave_gaps():
    places = [(0, 4), (3, 7), (9, 12)]
    spans = [(start, end, "x") for start in range(13) for end in range(start + 1, 14)]
    expected = [[span for span in spans if start <= span[0] and span[1] <= end] for start, end in places]
    assert within(places, reversed(spans)) == expected
    assert within(places, []) == [[], [], []]


def test_absent_is_not_empty(doc):
    assert not is_annotated(doc, "key")
    assert annotated_labels(doc, "key", ["A", "B"]) == ()
    write_group(doc, "key", [])
    assert is_annotated(doc, "key")
    assert annotated_labels(doc, "key", ["A", "B"]) == ("A", "B")


def test_annotated_labels_narrow_what_a_doc_says(doc):
    """In the order of the component; labels that it does not know are of no concern to it."""
    write_group(doc, "key", [])
    doc.spans["key"].attrs[ANNOTATED_LABELS] = ["C", "X", "A"]
    assert annotated_labels(doc, "key", ["A", "B", "C"]) == ("A", "C")
    assert [label for label in "ABCX" if judges(doc, "key")(label)] == ["A", "C", "X"]
    doc.spans["key"].attrs[ANNOTATED_LABELS] = []
    assert annotated_labels(doc, "key", ["A"]) == ()


def test_write_group_replaces_and_keeps_values_apart(doc):
    """Two spans with equal boundaries keep a value each."""
    write_group(doc, "key", [Span(doc, 0, 1, label="OLD")], scores=[0.1])
    spans = [Span(doc, 1, 2, label="A"), Span(doc, 1, 2, label="B")]
    group = write_group(doc, "key", iter(spans), scores=[0.5, 0.75])
    assert [span.label_ for span in group] == ["A", "B"]
    assert group_values(doc, "key", "scores") == [0.5, 0.75]
    assert group_values(doc, "key", "other") == group_values(doc, "absent", "scores") == []


def test_values_of_another_number_than_spans_are_an_error(doc):
    spans = [Span(doc, 0, 1, label="A")]
    with pytest.raises(MedmtlError, match=r"MEDMTL-E104.*attrs\['scores'\].*'key' has 2 values for 1 spans"):
        write_group(doc, "key", spans, scores=[0.5, 0.5])
    assert "key" not in doc.spans
    write_group(doc, "key", spans, scores=[0.5])
    doc.spans["key"].attrs["scores"] = []
    with pytest.raises(MedmtlError, match="MEDMTL-E104.*has 0 values for 1 spans"):
        group_values(doc, "key", "scores")


def test_words_are_what_is_no_white_space():
    words = ["no", "\n", "fever", " ", ".", "\t"]
    doc = Doc(spacy.blank("en").vocab, words=words)
    for start in range(len(words)):
        for end in range(start, len(words) + 1):
            assert word_offsets(doc, start, end).tolist() == [i for i in range(start, end) if words[i].strip()]
    assert word_offsets(doc, 3, 1).tolist() == []


def test_sentence_bounds_are_trimmed():
    """Line breaks belong to no sentence, blank sentences are none, and a Doc without boundaries is one."""
    words = ["a", "b", "\n", "\n\n", "c", " "]
    whole = Doc(spacy.blank("en").vocab, words=words)
    assert sentence_bounds(whole) == [(0, 5)]
    cut = Doc(whole.vocab, words=words, sent_starts=[True, False, False, True, True, False])
    assert sentence_bounds(cut) == [(0, 2), (4, 5)]
    assert sentence_bounds(Doc(whole.vocab)) == []
    assert sentence_bounds(Doc(whole.vocab, words=["\n", " "], sent_starts=[True, False])) == []
    assert trimmed(whole, 2, 6) == (4, 5)
    start, end = trimmed(whole, 2, 4)
    assert start == end


def test_relations_round_trip(doc):
    pairs = [
        JudgedPair((0, 3), (3, 8), ("CONTRAST", "FOLLOWS"), 0.75),
        JudgedPair((3, 8), (0, 3), (), 0.0),
        JudgedPair((3, 5), (3, 5), ("SAME",), 1.0),
    ]
    write_relations(doc, iter(pairs))
    assert read_pairs(doc) == pairs
    assert read_pairs(doc.copy()) == pairs
    found = [(r.head.text, r.tail.text, r.label, r.score) for r in read_relations(doc)]
    assert found == [
        ("no fever .", "chest pain and cough .", "CONTRAST", 0.75),
        ("no fever .", "chest pain and cough .", "FOLLOWS", 0.75),
        ("chest pain", "chest pain", "SAME", 1.0),
    ]
    assert read_pairs(doc, key="other") == read_relations(doc, key="other") == []


@pytest.mark.parametrize(
    ("n_spans", "attrs"),
    [(3, {"labels": [["A"]]}), (2, {}), (2, {"labels": [["A"]], "scores": [1.0, 1.0]}), (0, {"labels": [["A"]]})],
)
def test_relations_of_another_shape_are_an_error(doc, n_spans, attrs):
    write_group(doc, RELATIONS, [doc[0:1]] * n_spans)
    for name, value in attrs.items():
        doc.spans[RELATIONS].attrs[name] = value
    with pytest.raises(MedmtlError, match=f"MEDMTL-E103.*received {n_spans} spans"):
        read_pairs(doc)


def test_relations_without_scores_count_as_certain(doc):
    write_relations(doc, [JudgedPair((0, 1), (1, 2), ("A",), 0.3)])
    del doc.spans[RELATIONS].attrs["scores"]
    assert [pair.score for pair in read_pairs(doc)] == [1.0]


def test_getters_read_the_groups(doc):
    install_extensions()
    write_group(doc, FINDINGS, [Span(doc, 1, 2, label="SIGN"), doc[3:5]], assertion=["negative", "positive"])
    write_relations(doc, [JudgedPair((0, 3), (3, 8), ("CONTRAST",), 0.75)])
    assert (doc[1:2]._.assertion, doc[1:2]._.is_negated) == ("negative", True)
    assert (doc[3:5]._.assertion, doc[3:5]._.is_negated) == ("positive", False)
    assert (doc[3:4]._.assertion, doc[3:4]._.is_negated) == (None, None)
    assert [(r.head.text, r.label) for r in doc._.relations] == [("no fever .", "CONTRAST")]
    del doc.spans[FINDINGS], doc.spans[RELATIONS]
    assert (doc[1:2]._.assertion, doc[1:2]._.is_negated, doc._.relations) == (None, None, [])


def test_assertion_tells_findings_with_equal_boundaries_apart(doc):
    """By label; a span of neither label gets the first."""
    spans = [Span(doc, 1, 2, label="SIGN"), Span(doc, 1, 2, label="VITAL")]
    write_group(doc, FINDINGS, spans, assertion=["negative", "unknown"])
    assert [span._.assertion for span in spans] == ["negative", "unknown"]
    assert [span._.is_negated for span in spans] == [True, False]
    assert Span(doc, 1, 2, label="OTHER")._.assertion == doc[1:2]._.assertion == "negative"


def test_intent_is_the_most_probable_of_the_unit(doc):
    spans = [Span(doc, 0, 3, label="A"), Span(doc, 0, 3, label="B"), Span(doc, 3, 8, label="C")]
    write_group(doc, INTENTS, spans, scores=[0.6, 0.9, 0.7])
    assert (doc[0:3]._.intent, doc[3:8]._.intent, doc[0:2]._.intent) == ("B", "C", None)


def test_intent_is_found_whatever_white_space_stands_at_the_ends():
    doc = Doc(spacy.blank("en").vocab, words=["a", "\n", "b", "\n"], sent_starts=[True, False, True, False])
    write_group(doc, INTENTS, [Span(doc, 0, 1, label="A"), Span(doc, 2, 3, label="B")])
    assert [sent._.intent for sent in doc.sents] == ["A", "B"]


def test_extensions_of_others_are_left_alone():
    """Registered once, with has_extension first, and never with force."""
    install_extensions()
    before = Span.get_extension("intent")
    try:
        Span.remove_extension("intent")
        Span.set_extension("intent", default="theirs")
        with pytest.warns(MedmtlWarning, match="W202.*'intent' of Span"):
            spacy_medmtl.install_extensions()
        assert spacy.blank("en").make_doc("a")[0:1]._.intent == "theirs"
    finally:
        Span.remove_extension("intent")
        Span.set_extension("intent", getter=before[2], setter=before[3])
    assert Span.get_extension("intent") == before


def examples_of(sets, corpora):
    """Examples whose item sets are looked up by text."""
    nlp = spacy.blank("en")
    examples = []
    for text, corpus in zip(sets, corpora):
        reference = nlp.make_doc(text)
        if corpus:
            reference.user_data[CORPUS] = corpus
        examples.append(Example(nlp.make_doc(text), reference))
    return examples


def test_scores_by_hand():
    """Micro over all, mean over labels, per label, per corpus; an example without annotation is left out."""
    sets = {
        "one": ({("A", 1), ("A", 2), ("B", 3)}, {("A", 1), ("B", 3), ("B", 4)}),
        "two": ({("A", 5)}, {("A", 5)}),
        "three": None,
    }
    examples = examples_of(sets, ["first", "second", "third"])
    assert [corpus_of(example.reference) for example in examples] == ["first", "second", "third"]
    scores = score_items("head", examples, lambda example: sets[example.text])
    assert (scores["head_p"], scores["head_r"], scores["head_f"]) == pytest.approx((3 / 4, 3 / 4, 3 / 4))
    assert scores["head_f_per_type"]["A"] == pytest.approx({"p": 1.0, "r": 2 / 3, "f": 0.8})
    assert scores["head_f_per_type"]["B"] == pytest.approx({"p": 0.5, "r": 1.0, "f": 2 / 3})
    assert scores["head_macro_f"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert {name: one["f"] for name, one in scores["head_f_per_corpus"].items()} == pytest.approx(
        {"first": 2 / 3, "second": 1.0}
    )


def test_scores_of_nothing_are_none_and_of_empty_gold_are_zero():
    nothing = score_items("head", examples_of({"a": None}, [None]), lambda example: None)
    assert set(nothing.values()) == {None}
    empty = score_items("head", examples_of({"a": None}, [None]), lambda example: (set(), {("A", 1)}))
    assert (empty["head_p"], empty["head_f"], empty["head_macro_f"]) == (0.0, 0.0, 0.0)
    assert "head_f_per_corpus" not in empty
    assert set(nothing) == set(empty)
