"""``sentence_intent``: its units (sentence, Doc, span group), softmax and multi-label variants, context."""

import pytest
from spacy.tokens import Doc, Span
from spacy.training import Example
from toy import CASE, TEXTS, make_example, make_examples, with_sentences

from spacy_medmtl.annotations.groups import INTENTS, TURNS, write_group
from spacy_medmtl.errors import MedmtlError

annotate_intents = CASE["sentence_intent"].annotate


def trained(make_nlp, config, examples_of, n_updates=50):
    """Pipeline after some updates on ``examples_of(nlp)``, and those examples."""
    nlp = make_nlp(("sentence_intent", "sentence_intent", config))
    examples = examples_of(nlp)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(n_updates):
        nlp.update(examples, sgd=optimizer)
    return nlp, examples


def started(make_nlp, **config):
    return trained(make_nlp, config, lambda nlp: make_examples(nlp, annotate_intents), n_updates=0)[0]


def with_cats(nlp, *pairs):
    """Examples from (text, cats)."""

    def example(text, cats):
        reference = with_sentences(nlp, text)
        reference.cats = dict(cats)
        return Example(nlp.make_doc(text), reference)

    return [example(text, cats) for text, cats in pairs]


def test_softmax_gives_one_label_per_sentence(make_nlp):
    nlp = started(make_nlp)
    doc = nlp(TEXTS[0])
    assert [(s.start, s.end) for s in doc.spans[INTENTS]] == [(s.start, s.end) for s in doc.sents]
    ((units, probabilities),) = nlp.get_pipe("sentence_intent").predict([doc])
    assert units == [(0, 3), (3, 9), (9, 12)]
    assert probabilities.sum(axis=1) == pytest.approx([1.0] * 3)
    assert doc.spans[INTENTS].attrs["scores"] == pytest.approx(probabilities.max(axis=1).tolist())
    assert [sent._.intent for sent in doc.sents] == [span.label_ for span in doc.spans[INTENTS]]


def annotate_several(doc):
    """Zero, one or two labels per sentence."""
    spans = []
    for sent in doc.sents:
        words = {token.text for token in sent}
        labels = [label for word, label in (("cough", "CHEST"), ("pain", "PAIN"), ("no", "DENIAL")) if word in words]
        spans += [Span(doc, sent.start, sent.end, label=label) for label in labels]
    write_group(doc, INTENTS, spans)


def test_multi_label_learns_any_number_of_labels(make_nlp):
    nlp, examples = trained(
        make_nlp, {"multi_label": True}, lambda nlp: make_examples(nlp, annotate_several), n_updates=90
    )
    assert nlp.evaluate(examples)["sentence_intent_f"] == 1.0
    doc = nlp(TEXTS[2])
    assert [(s.start, s.end, s.label_) for s in doc.spans[INTENTS]] == [(0, 5, "CHEST"), (0, 5, "PAIN")]
    assert [sent._.intent is None for sent in doc.sents] == [False, True, True]


@pytest.mark.parametrize(("threshold", "n_spans"), [(0.0, 9), (1.1, 0)])
def test_threshold_of_multi_label(make_nlp, threshold, n_spans):
    doc = started(make_nlp, multi_label=True, threshold=threshold)(TEXTS[0])
    assert len(doc.spans[INTENTS]) == len(doc.spans[INTENTS].attrs["scores"]) == n_spans


def test_doc_units_learn_and_write_cats(make_nlp):
    """Exactly one label: probabilities of all of them, and the best one counts even below one half."""
    labels = ["FIRST", "SECOND", "THIRD", "FOURTH"]

    def examples_of(nlp):
        return with_cats(nlp, *[(text, {one: one == label for one in labels}) for text, label in zip(TEXTS, labels)])

    nlp, examples = trained(make_nlp, {"units": "doc"}, examples_of)
    for text, label in zip(TEXTS, labels):
        cats = nlp(text).cats
        assert set(cats) == set(labels)
        assert sum(cats.values()) == pytest.approx(1.0)
        assert max(cats, key=cats.get) == label
    assert INTENTS not in nlp(TEXTS[0]).spans
    assert nlp(" \n ").cats == nlp("").cats == {}
    assert nlp.evaluate(examples)["sentence_intent_f"] == 1.0
    predicted = nlp.make_doc(TEXTS[0])
    predicted.cats = {"FIRST": 0.4, "SECOND": 0.3, "THIRD": 0.2, "FOURTH": 0.1}
    scores = nlp.get_pipe("sentence_intent").score([Example(predicted, examples[0].reference)])
    assert scores["sentence_intent_f"] == 1.0


def test_doc_units_multi_label_mask_cats_that_are_not_given(make_nlp):
    """No gradient and no score for a label that ``cats`` does not name; a Doc without cats is not annotated."""
    nlp = make_nlp(("sentence_intent", "sentence_intent", {"units": "doc", "multi_label": True}))
    pairs = [(TEXTS[0], {"A": 1.0, "B": 1.0, "C": 0.0}), (TEXTS[1], {"A": 0.0}), (TEXTS[2], {})]
    examples = with_cats(nlp, *pairs)
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("sentence_intent")
    readings, gold = pipe.training_batch(examples)
    assert [reading.doc.text for reading in readings] == TEXTS[:2]
    assert gold.held.tolist() == [[True, True, False], [False, False, False]]
    assert gold.judged.tolist() == [[True, True, True], [True, False, False]]
    predictions = [{"A": 0.9, "B": 0.9, "C": 0.1}, {"A": 0.1, "B": 0.9, "C": 0.9}, {"A": 0.9, "B": 0.9, "C": 0.9}]
    for example, cats in zip(examples, predictions):
        example.predicted.cats = cats
    assert pipe.score(examples)["sentence_intent_f"] == 1.0
    assert pipe.score(examples[2:])["sentence_intent_f"] is None


def test_span_group_units(make_nlp):
    """The spans of a group, each once, in reading order; a Doc without the group has no units."""
    nlp = started(make_nlp, units=TURNS)
    doc = nlp.make_doc(TEXTS[0])
    write_group(doc, TURNS, [doc[3:12], doc[0:3], Span(doc, 3, 12, label="ANY"), doc[5:5]])
    doc = nlp(doc)
    assert [(s.start, s.end) for s in doc.spans[INTENTS]] == [(0, 3), (3, 12)]
    assert len(nlp(TEXTS[0]).spans[INTENTS]) == 0


def test_span_group_units_are_learnt(make_nlp):
    def annotate(doc):
        write_group(doc, TURNS, [doc[0 : len(doc) // 2], doc[len(doc) // 2 :]])
        labels = ["DENIAL" if {"no", "denies"} & {t.text for t in turn} else "OTHER" for turn in doc.spans[TURNS]]
        write_group(doc, INTENTS, [Span(doc, t.start, t.end, label=x) for t, x in zip(doc.spans[TURNS], labels)])

    def examples_of(nlp):
        return [Example(annotated_turns(nlp, text), make_example(nlp, text, annotate).reference) for text in TEXTS]

    def annotated_turns(nlp, text):
        doc = nlp.make_doc(text)
        annotate(doc)
        del doc.spans[INTENTS]
        return doc

    nlp, _ = trained(make_nlp, {"units": TURNS}, examples_of, n_updates=60)
    assert nlp.evaluate(examples_of(nlp))["sentence_intent_f"] == 1.0


ANSWERS = ["fever . fine .", "cough . fine ."]


def annotate_by_neighbour(doc):
    """The same words mean different things after different sentences."""
    one, two = doc.sents
    label = "A" if one[0].text == "fever" else "B"
    write_group(doc, INTENTS, [Span(doc, one.start, one.end, label="Q"), Span(doc, two.start, two.end, label=label)])


@pytest.mark.parametrize(("context", "learns"), [(0, False), (1, True)])
def test_context_can_be_learnt_from(make_nlp, context, learns):
    nlp, examples = trained(
        make_nlp,
        {"context": context},
        lambda nlp: make_examples(nlp, annotate_by_neighbour, texts=ANSWERS),
        n_updates=80,
    )
    assert nlp.evaluate(examples)["sentence_intent_f"] == (1.0 if learns else 0.75)


def test_context_is_the_same_in_training_and_prediction(make_nlp):
    """Also where gold is on some sentences only: their neighbours are the real ones."""
    nlp = started(make_nlp, context=1)
    pipe = nlp.get_pipe("sentence_intent")

    def annotate_last(doc):
        annotate_intents(doc)
        write_group(doc, INTENTS, list(doc.spans[INTENTS])[2:])

    readings, gold = pipe.training_batch([make_example(nlp, TEXTS[0], annotate_last)])
    assert [(u.left, u.start, u.end, u.right) for u in readings[0].units] == [(3, 9, 12, 12)]
    assert readings[0].marked
    assert gold.held.shape == (1, 3)
    full, _ = pipe.training_batch([make_example(nlp, TEXTS[0], annotate_intents)])
    doc = nlp(TEXTS[0])
    units = pipe._units(doc)
    assert list(full[0].units) == list(pipe._reading(doc, units, units, units).units)


def test_sentences_that_end_at_line_breaks(make_nlp):
    """Line breaks belong to no unit; the getter finds the intent of a sentence that ends in one."""
    nlp = started(make_nlp)
    nlp.remove_pipe("sentencizer")
    nlp.add_pipe("sentencizer", first=True, config={"punct_chars": [".", "\n", "\n\n"]})
    doc = nlp("no fever\nhello mother\n\na cough \n")
    assert [sent.text for sent in doc.sents] == ["no fever\n", "hello mother\n\n", "a cough \n"]
    assert [span.text for span in doc.spans[INTENTS]] == ["no fever", "hello mother", "a cough"]
    assert all(sent._.intent in ("DENIAL", "FINDING", "SOCIAL") for sent in doc.sents)
    reference = doc.copy()
    gold = [Span(reference, sent.start, sent.end, label="SOCIAL") for sent in reference.sents]
    write_group(reference, INTENTS, gold)
    write_group(doc, INTENTS, [Span(doc, s.start, s.end, label="SOCIAL") for s in doc.spans[INTENTS]])
    assert nlp.get_pipe("sentence_intent").score([Example(doc, reference)])["sentence_intent_f"] == 1.0


def test_a_doc_without_sentence_boundaries_is_one_unit(make_nlp):
    nlp = started(make_nlp)
    with nlp.select_pipes(disable="sentencizer"):
        doc = nlp(f"\n{TEXTS[0]}")
        assert not doc.has_annotation("SENT_START")
        assert [(s.start, s.end) for s in doc.spans[INTENTS]] == [(1, len(doc))]
        assert doc[1 : len(doc)]._.intent == doc.spans[INTENTS][0].label_


def test_a_sentence_longer_than_the_window_is_one_unit(make_nlp):
    """It is read in windows, and nothing is cut: its last word has a say."""
    nlp = started(make_nlp)
    pipe = nlp.get_pipe("sentence_intent")
    texts = ["fever and cough " * 60 + word for word in ("hello", "pain")]
    found = [pipe.predict([nlp.make_doc(text)])[0] for text in texts]
    assert [units for units, _ in found] == [[(0, 181)], [(0, 181)]]
    assert abs(found[0][1] - found[1][1]).max() > 1e-6


def test_tok2vec_of_another_view_is_an_error(make_nlp):
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "sentence_intent", "view": "tokens"}
    model = {"@architectures": "spacy-medmtl.SentenceIntent.v1", "tok2vec": listener}
    with pytest.raises(MedmtlError, match="MEDMTL-E205.*'sentence'.*received 'tokens'"):
        make_nlp(("sentence_intent", "sentence_intent", {"model": model}))


class CountedBounds(tuple):
    """Bounds that count how often they are compared."""

    n_comparisons = 0
    __hash__ = tuple.__hash__

    def __eq__(self, other):
        CountedBounds.n_comparisons += 1
        return tuple.__eq__(self, other)


def test_units_of_a_long_document_are_not_compared_with_one_another(make_nlp, monkeypatch):
    pipe = started(make_nlp).get_pipe("sentence_intent")
    doc = Doc(pipe.vocab, words=["fever", "."] * 200, sent_starts=[True, False] * 200)
    bounds = [CountedBounds((start, start + 2)) for start in range(0, len(doc), 2)]
    monkeypatch.setattr(type(pipe), "_units", lambda self, doc: bounds)
    ((units, _),) = pipe.predict([doc])
    assert units == bounds
    assert CountedBounds.n_comparisons < 5 * len(bounds)
