"""``sru_nested_ner``: sequences of sentences, labels added later, types kept apart by corpus, hostile input."""

import json
import random
import warnings

import numpy
import pytest
import spacy
from spacy.cli.find_threshold import find_threshold
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from toy import CASE, TEXTS, make_example, make_examples, with_sentences

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES, joined_bounds, write_group
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.corpus import multitask_corpus

annotate_entities = CASE["sru_nested_ner"].annotate
NAME = "sru_nested_ner"


def entities(doc):
    return sorted((span.start, span.end, span.label_) for span in doc.spans[ENTITIES])


def annotator(*found, labels=None):
    def annotate(doc):
        group = write_group(doc, ENTITIES, [Span(doc, start, end, label=label) for start, end, label in found])
        if labels:
            group.attrs[ANNOTATED_LABELS] = labels

    return annotate


def learnt(nlp, examples, updates=60):
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(updates):
        nlp.update(examples, sgd=optimizer)
    return optimizer


# --- sequences


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, [(0, 4), (4, 6), (7, 9), (9, 20)]),
        (6, [(0, 6), (7, 9), (9, 20)]),
        (9, [(0, 9), (9, 20)]),
        (100, [(0, 20)]),
    ],
)
def test_neighbours_are_joined_from_the_left(limit, expected):
    assert joined_bounds([(0, 4), (4, 6), (7, 9), (9, 20)], limit) == expected
    assert joined_bounds([], limit) == []


def test_an_entity_may_cross_sentences_that_are_read_as_one(make_nlp):
    text = "the left knee . has pain ."
    for tokens, n_lost, found in ((0, 1, []), (20, 0, [(1, 6, "SIGN")])):
        nlp = make_nlp((NAME, NAME, {"sequence_tokens": tokens}))
        examples = [make_example(nlp, text, annotator((1, 6, "SIGN"))) for _ in range(2)]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            learnt(nlp, examples)
        assert len([one for one in caught if "crosses a sentence border" in str(one.message)]) == n_lost
        assert entities(nlp(with_sentences(nlp, text))) == found


def test_documents_without_sentence_boundaries_are_one_sequence(make_nlp):
    nlp = make_nlp(NAME)
    nlp.remove_pipe("sentencizer")
    reference = nlp.make_doc("the left knee . has pain .")
    annotator((1, 3, "BODY"), (2, 6, "SIGN"))(reference)
    example = Example(nlp.make_doc(reference.text), reference)
    learnt(nlp, [example])
    assert entities(nlp(reference.text)) == [(1, 3, "BODY"), (2, 6, "SIGN")]


# --- labels added to a trained component


def test_a_label_added_later_leaves_the_others_and_is_learnt(make_nlp):
    nlp = make_nlp(NAME)
    examples = make_examples(nlp, annotate_entities)
    optimizer = learnt(nlp, examples, 80)
    pipe = nlp.get_pipe(NAME)
    before = [entities(nlp(text)) for text in TEXTS]
    assert any(before)
    assert pipe.add_label(pipe.labels[0]) == 0
    assert pipe.add_label("TREATMENT") == 1
    assert pipe.labels[-1] == "TREATMENT"
    assert [entities(nlp(text)) for text in TEXTS] == before
    more = [*examples, make_example(nlp, "thanks . chest fine", annotator((2, 4, "TREATMENT")))]
    for _ in range(60):
        nlp.update(more, sgd=optimizer)  # the same optimizer: its moments of the old shape are left behind
    assert (2, 4, "TREATMENT") in entities(nlp("thanks . chest fine"))
    assert nlp.evaluate(more)[f"{NAME}_f"] > 0.9
    twin = make_nlp(NAME).from_bytes(nlp.to_bytes())
    assert [entities(twin(text)) for text in TEXTS] == [entities(nlp(text)) for text in TEXTS]


def test_an_unknown_label_in_an_update_is_named(make_nlp):
    nlp = make_nlp(NAME)
    examples = make_examples(nlp, annotate_entities)
    optimizer = learnt(nlp, examples, 1)
    with pytest.raises(MedmtlError, match="E202.*TREATMENT"):
        nlp.update([make_example(nlp, TEXTS[0], annotator((1, 2, "TREATMENT")))], sgd=optimizer)


# --- types kept apart by corpus


@pytest.fixture
def two_corpora(tmp_path):
    """Corpora that mean different things by SIGN: one takes the word before it in, the other does not."""
    nlp, paths = spacy.blank("en"), {}
    for name, found in (("wide", (0, 2, "SIGN")), ("narrow", (1, 2, "SIGN"))):
        doc = with_sentences(nlp, "knee pain")
        annotator(found, labels=["SIGN"])(doc)
        paths[name] = tmp_path / f"{name}.spacy"
        DocBin(docs=[doc] * 3, store_user_data=False).to_disk(paths[name])
    return paths


def read(nlp, paths, **settings):
    entries = {name: {"path": str(path), "tasks": [NAME], **settings} for name, path in paths.items()}
    for name in entries:
        if settings:
            entries[name]["type_prefix"] = name
    return list(multitask_corpus(entries, gold_sents=True)(nlp))


def test_types_are_kept_apart_and_merged(make_nlp, two_corpora):
    nlp = make_nlp(NAME)
    examples = read(nlp, two_corpora, type_prefix="x")
    learnt(nlp, examples, 80)
    assert nlp.get_pipe(NAME).labels == ("narrow$SIGN", "wide$SIGN")
    assert entities(nlp("knee pain")) == [(0, 2, "wide$SIGN"), (1, 2, "narrow$SIGN")]
    scores = nlp.evaluate(examples)
    assert scores[f"{NAME}_f"] == 1.0  # disjoint: each corpus judges its own type
    assert scores[f"{NAME}_merged_f"] == pytest.approx(2 / 3)  # merged: the other's span counts as wrong
    nlp.get_pipe(NAME).merge_types = True
    doc = nlp("knee pain")
    assert entities(doc) == [(0, 2, "SIGN"), (1, 2, "SIGN")]
    assert len(doc.spans[ENTITIES].attrs["scores"]) == 2
    assert nlp.evaluate(examples)[f"{NAME}_f"] == pytest.approx(2 / 3)


def test_equal_spans_of_merged_types_are_one_with_the_better_score(make_nlp):
    nlp = make_nlp((NAME, NAME, {"merge_types": True}))
    pipe = nlp.get_pipe(NAME)
    pipe._labels = ["a$SIGN", "b$SIGN"]
    doc = nlp.make_doc("knee pain")
    pipe.set_annotations([doc], [[(0, 2, 0, 0.6), (0, 2, 1, 0.9), (1, 2, 1, 0.7)]])
    assert entities(doc) == [(0, 2, "SIGN"), (1, 2, "SIGN")]
    assert doc.spans[ENTITIES].attrs["scores"] == [0.9, 0.7]


def test_a_prefix_needs_groups_that_name_their_labels(make_nlp, tmp_path):
    nlp = make_nlp(NAME)
    doc = with_sentences(nlp, "knee pain")
    annotator((0, 2, "SIGN"))(doc)
    path = tmp_path / "silent.spacy"
    DocBin(docs=[doc]).to_disk(path)
    with pytest.raises(MedmtlError, match="E301.*annotated_labels"):
        read(nlp, {"silent": path}, type_prefix="x")


def test_no_gradient_and_no_score_for_labels_of_other_corpora(make_nlp):
    """A corpus of Disease only: nothing of Chemical's actions moves, and predicted Chemicals do not count."""
    nlp = make_nlp(NAME)
    both = make_example(nlp, "fever and cough", annotator((0, 1, "Chemical"), (2, 3, "Disease")))
    only = make_example(nlp, "fever and cough", annotator((2, 3, "Disease"), labels=["Disease"]))
    optimizer = learnt(nlp, [both], 80)
    assert (0, 1, "Chemical") in entities(nlp("fever and cough"))
    output = nlp.get_pipe(NAME).model.shims[0].module.output
    column = 2 + 2 * nlp.get_pipe(NAME).labels.index("Chemical")
    before = output.weight.detach().numpy().copy(), output.bias.detach().numpy().copy()
    pipe = nlp.get_pipe(NAME)
    inputs, gold = pipe.training_batch([only])
    scores, backprop = pipe.model.begin_update(inputs)
    backprop(pipe.loss(gold, scores)[1])
    assert output.weight.grad[column : column + 2].abs().max() == 0
    assert output.weight.grad.abs().max() > 0
    pipe.model.finish_update(optimizer)
    assert not numpy.array_equal(output.weight.detach().numpy(), before[0])
    assert nlp.evaluate([only])[f"{NAME}_p"] == 1.0


# --- thresholds and hostile input


def test_find_threshold_of_spacy(make_nlp, tmp_path):
    nlp = make_nlp(NAME)
    examples = make_examples(nlp, annotate_entities)
    learnt(nlp, examples, 60)
    nlp.to_disk(tmp_path / "model")
    DocBin(docs=[example.reference for example in examples]).to_disk(tmp_path / "dev.spacy")
    best, score, scores = find_threshold(
        tmp_path / "model", tmp_path / "dev.spacy", NAME, "threshold", f"{NAME}_f", n_trials=3, silent=True
    )
    assert score > 0.9
    assert 0.0 < best < 1.0
    assert scores[1.0] == 0.0


def test_scores_are_probabilities_and_lie_above_the_threshold(make_nlp):
    nlp = make_nlp((NAME, NAME, {"threshold": 0.6}))
    learnt(nlp, make_examples(nlp, annotate_entities), 80)
    scores = [score for text in TEXTS for score in nlp(text).spans[ENTITIES].attrs["scores"]]
    assert scores
    assert all(0.6 < score <= 1.0 for score in scores)


@pytest.mark.parametrize("n_tokens", [0, 1, 5000])
def test_sentences_of_any_length(make_nlp, n_tokens):
    nlp = make_nlp(NAME)
    examples = make_examples(nlp, annotate_entities)
    optimizer = learnt(nlp, examples, 2)
    words = random.Random(0).choices("fever knee pain no and".split(), k=n_tokens)
    doc = Doc(nlp.vocab, words=words, sent_starts=[i == 0 for i in range(n_tokens)])
    for name, pipe in nlp.pipeline:
        doc = doc if name == "sentencizer" else pipe(doc)
    assert ENTITIES in doc.spans
    assert json.dumps(doc.spans[ENTITIES].attrs["scores"])
    if n_tokens < 5000:  # training on the longest takes minutes
        reference = Doc(nlp.vocab, words=words, sent_starts=[i == 0 for i in range(n_tokens)])
        annotator()(reference)
        nlp.update([Example(Doc(nlp.vocab, words=words), reference)], sgd=optimizer)
