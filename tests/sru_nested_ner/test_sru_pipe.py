"""``sru_nested_ner`` on Docs: nested, crossing, last-word entities end to end; ``doc.ents``; what gold cannot say."""

import warnings

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import fix_random_seed
from toy import CASE, TEXTS, make_example, make_examples, with_sentences

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES, write_group
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

annotate_entities = CASE["sru_nested_ner"].annotate


def entities(doc):
    return sorted((span.start, span.end, span.label_) for span in doc.spans[ENTITIES])


def annotator(*found):
    """Writes the same spans, (start, end, label), on any Doc."""

    def annotate(doc):
        write_group(doc, ENTITIES, [Span(doc, start, end, label=label) for start, end, label in found])

    return annotate


SPACED = "no  left\n\nknee \t pain\nand cough"
GOLD = {
    "left knee pain and cough": [(0, 5, "A"), (1, 5, "B"), (1, 3, "C")],
    "the mother has a fever": [(0, 5, "A"), (1, 4, "A"), (2, 3, "A")],
    "no chest pain but cough": [(1, 3, "A"), (1, 3, "B")],
    "any fever is fine hello": [(0, 3, "A"), (2, 5, "B")],
    "thanks mother denies the cough": [(0, 2, "A"), (2, 3, "A")],
    "a knee and chest fever": [(1, 3, "A"), (1, 5, "A"), (3, 5, "A")],
    "is the left chest fine": [(0, 5, "A"), (4, 5, "B")],
    "a cough . the pain . hello": [(1, 3, "A"), (4, 6, "B"), (6, 7, "A")],
    "left pain and no cough": [(0, 3, "A"), (0, 2, "B"), (2, 4, "B"), (4, 5, "A")],
    SPACED: [(2, 7, "A"), (4, 5, "B"), (9, 10, "B")],
    "hello mother": [],
}
STRUCTURES = [
    "nested, of different labels, three deep",
    "nested, of the same label",
    "of equal boundaries",
    "crossing, of different labels",
    "adjacent, of the same label",
    "of one label, same start and same end",
    "of the whole sentence, up to its last word",
    "at the end of each of three sentences",
    "side by side and nested",
    "around white space",
    "none",
]


@pytest.fixture(scope="module")
def trained(make_nlp):
    """(pipeline that has learnt ``GOLD``, its examples)."""
    fix_random_seed(0)
    nlp = make_nlp("sru_nested_ner")
    examples = [make_example(nlp, text, annotator(*found)) for text, found in GOLD.items()]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(10):
        for _ in range(40):
            nlp.update(examples, sgd=optimizer)
        if nlp.evaluate(examples)["sru_nested_ner_f"] == 1.0:
            break
    return nlp, examples


@pytest.mark.parametrize("text", GOLD, ids=STRUCTURES)
def test_learns_entities(text, trained):
    """All shapes of gold, and scores beside them."""
    nlp, _ = trained
    doc = nlp(text)
    assert entities(doc) == sorted(GOLD[text])
    assert len(doc.spans[ENTITIES].attrs["scores"]) == len(GOLD[text])


def test_the_scorer_agrees(trained):
    nlp, examples = trained
    scores = nlp.evaluate(examples)
    assert (scores["sru_nested_ner_f"], scores["sru_nested_ner_nested_f"]) == (1.0, 1.0)


def test_white_space_inside_a_sentence_is_no_word(trained):
    """The words are walked without it; bounds come back in tokens, and a span may have white space within."""
    nlp, examples = trained
    doc = nlp(SPACED)
    assert [token.i for token in doc if token.is_space] == [1, 3, 5, 7]
    assert [span.text for span in doc.spans[ENTITIES]] == ["left\n\nknee \t pain", "knee", "cough"]
    inputs, _ = nlp.get_pipe("sru_nested_ner").training_batch([e for e in examples if e.text == SPACED])
    assert [sentence.words.tolist() for sentence in inputs.sentences] == [[0, 2, 4, 6, 8, 9]]


def test_only_outermost_entities_reach_doc_ents(trained):
    doc = trained[0]("left pain and no cough")
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [(0, 3, "A"), (4, 5, "A")]


def test_entities_that_are_there_stay(trained):
    """Those of another component win where they overlap; with set_ents off nothing is touched."""
    nlp, _ = trained
    pipe = nlp.get_pipe("sru_nested_ner")

    def with_entity():
        doc = nlp.make_doc("left pain and no cough")
        doc.ents = [Span(doc, 2, 3, label="THEIRS", kb_id="Q1")]
        return doc

    doc = nlp(with_entity())
    assert entities(doc) == sorted(GOLD[doc.text])
    found = [(ent.text, ent.label_, ent.kb_id_) for ent in doc.ents]
    assert found == [("left pain", "B", ""), ("and", "THEIRS", "Q1"), ("cough", "A", "")]
    pipe.set_ents = False
    try:
        doc = nlp(with_entity())
    finally:
        pipe.set_ents = True
    assert [ent.label_ for ent in doc.ents] == ["THEIRS"]
    assert entities(doc) == sorted(GOLD[doc.text])


def test_blocked_tokens_stay_blocked(trained):
    nlp, _ = trained
    doc = nlp.make_doc("left pain and no cough")
    doc.set_ents([], blocked=[doc[0:1]], default="unmodified")
    doc = nlp(doc)
    assert ("cough", "A") in [(ent.text, ent.label_) for ent in doc.ents]
    assert (doc[0].ent_iob_, doc[0].ent_type_) == ("B", "")


def test_threshold(trained):
    """Nothing is above 1, and what a threshold lets through scores above it."""
    nlp, _ = trained
    pipe = nlp.get_pipe("sru_nested_ner")
    counts = []
    try:
        for threshold in (0.0, 0.5, 1.0):
            pipe.threshold = threshold
            docs = list(nlp.pipe(GOLD))
            counts.append(sum(len(doc.spans[ENTITIES]) for doc in docs))
            assert all(score > threshold for doc in docs for score in doc.spans[ENTITIES].attrs["scores"])
            assert not any(span[0].is_space or span[-1].is_space for doc in docs for span in doc.spans[ENTITIES])
    finally:
        pipe.threshold = 0.5
    assert counts[0] > counts[1] == sum(map(len, GOLD.values()))
    assert counts[2] == 0


def lost(make_nlp, *found, text="left knee pain . the cough ."):
    """Reasons and counts of the warnings at initialisation, and the oracle's reading of the gold that is left."""
    nlp = make_nlp("sru_nested_ner")
    example = make_example(nlp, text, annotator(*found))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nlp.initialize(lambda: [example])
    assert {warning.category for warning in caught} <= {MedmtlWarning}
    texts = [str(warning.message) for warning in caught]
    pipe = nlp.get_pipe("sru_nested_ner")
    inputs, _ = pipe.training_batch([example])
    n_opened = sum(int(sentence.rows[:, 2::2].sum()) for sentence in inputs.sentences)
    return [text.split(": ")[1].split(" gold")[0] + text.split("training")[1].split(";")[0] for text in texts], n_opened


@pytest.mark.parametrize(
    ("found", "reasons", "n_opened"),
    [
        ([(0, 2, "A"), (1, 2, "A"), (0, 2, "B")], [], 3),
        ([(0, 2, "A"), (2, 6, "A")], ["1 (crosses a sentence border)"], 1),
        ([(0, 2, "A"), (1, 3, "A")], ["2 (crosses another of its label)"], 2),
        ([(0, 2, "A"), (1, 3, "B")], [], 2),
        ([(0, 2, "A"), (0, 2, "A"), (4, 6, "B")], ["1 (repeated)"], 2),
        ([(0, 7, "A"), (2, 6, "B"), (0, 1, "A")], ["2 (crosses a sentence border)"], 1),
    ],
)
def test_gold_that_cannot_be_learnt_is_counted(make_nlp, found, reasons, n_opened):
    assert lost(make_nlp, *found) == (reasons, n_opened)


def test_gold_across_sentences_still_counts_as_missed(make_nlp):
    """It is reported once, trained without, and never excused by the scorer."""
    nlp = make_nlp("sru_nested_ner")
    examples = [make_example(nlp, TEXTS[1], annotator((4, 5, "A"), (1, 5, "A")))]
    with pytest.warns(MedmtlWarning, match=r"W201.*1 gold span.*'medmtl_ner'.*crosses a sentence border"):
        optimizer = nlp.initialize(lambda: examples)
    for _ in range(70):
        nlp.update(examples, sgd=optimizer)
    scores = nlp.evaluate(examples)
    assert (scores["sru_nested_ner_p"], scores["sru_nested_ner_r"]) == (1.0, 0.5)


def test_nested_score_by_hand(make_nlp):
    """Gold: one outer, two inner. Predicted: the outer, one of the inner, and a wrong one inside the outer."""
    nlp = make_nlp("sru_nested_ner")
    nlp.initialize(lambda: make_examples(nlp, annotate_entities))
    predicted, reference = with_sentences(nlp, TEXTS[0]), with_sentences(nlp, TEXTS[0])
    annotator((3, 8, "A"), (4, 6, "B"), (5, 6, "B"))(reference)
    annotator((3, 8, "A"), (4, 6, "B"), (7, 8, "B"), (10, 11, "A"))(predicted)
    scores = nlp.get_pipe("sru_nested_ner").score([Example(predicted, reference)])
    assert scores["sru_nested_ner_p"] == pytest.approx(2 / 4)
    assert scores["sru_nested_ner_r"] == pytest.approx(2 / 3)
    assert scores["sru_nested_ner_nested_f"] == pytest.approx(1 / 2)


def test_two_corpora_with_other_labels_are_learnt_together(make_nlp):
    """Each corpus annotates one label; the text of each holds both, and both are found in both."""
    nlp = make_nlp("sru_nested_ner")

    def part(label, *found):
        def annotate(doc):
            annotator(*found)(doc)
            doc.spans[ENTITIES].attrs[ANNOTATED_LABELS] = [label]

        return annotate

    texts = ["chest pain and a fever", "a fever with chest pain"]
    examples = [
        make_example(nlp, texts[0], part("SIGN", (0, 2, "SIGN"), (4, 5, "SIGN"))),
        make_example(nlp, texts[0], part("BODY", (0, 1, "BODY"))),
        make_example(nlp, texts[1], part("SIGN", (1, 2, "SIGN"), (3, 5, "SIGN"))),
        make_example(nlp, texts[1], part("BODY", (3, 4, "BODY"))),
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(120):
        nlp.update(examples, sgd=optimizer)
    assert entities(nlp(texts[0])) == [(0, 1, "BODY"), (0, 2, "SIGN"), (4, 5, "SIGN")]
    assert entities(nlp(texts[1])) == [(1, 2, "SIGN"), (3, 4, "BODY"), (3, 5, "SIGN")]
    assert nlp.evaluate(examples)["sru_nested_ner_f"] == 1.0


def test_any_tok2vec_will_do(make_nlp):
    """A hash-embedding layer of spaCy's own instead of the shared encoder."""
    tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 16, "depth": 1, "embed_size": 50}
    tok2vec |= {"window_size": 1, "maxout_pieces": 2, "subword_features": False, "pretrained_vectors": None}
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    model = {"@architectures": "spacy-medmtl.SruNestedNer.v1", "tok2vec": tok2vec}
    nlp.add_pipe("sru_nested_ner", config={"model": model})
    examples = make_examples(nlp, annotate_entities)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(240):
        nlp.update(examples, sgd=optimizer)
    assert nlp.evaluate(examples)["sru_nested_ner_f"] == 1.0
    assert entities(nlp("")) == []


def test_the_loss_is_of_the_gold_that_it_is_given(make_nlp):
    """The model walks along gold, and the targets are still those of the examples that ``get_loss`` is called with."""
    nlp = make_nlp("sru_nested_ner")
    examples = make_examples(nlp, annotate_entities)
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("sru_nested_ner")
    inputs, gold = pipe.training_batch(examples)
    scores, _ = pipe.model.begin_update(inputs)
    expected = pipe.loss(gold, scores)[0]
    assert pipe.get_loss(examples, scores)[0] == expected
    following = dict(zip(pipe.labels, [*pipe.labels[1:], pipe.labels[0]]))
    for example in examples:
        relabelled = [(span.start, span.end, following[span.label_]) for span in example.reference.spans[ENTITIES]]
        annotator(*relabelled)(example.reference)
    other, gradient = pipe.get_loss(examples, scores)
    assert other != expected
    assert gradient.logits.shape == scores.logits.shape


def test_logits_that_are_no_numbers_are_told_under_the_present_name(make_nlp):
    """In training, prediction and calibration; the cause says at which step."""
    nlp = make_nlp("sru_nested_ner")
    nlp.initialize(lambda: make_examples(nlp, annotate_entities))
    nlp.rename_pipe("sru_nested_ner", "terms")
    component = nlp.get_pipe("terms")
    for parameter in component.model.shims[0].module.parameters():
        parameter.data.fill_(float("nan"))
    examples = make_examples(nlp, annotate_entities)
    calls = {
        "training": lambda: component.update(examples),
        "prediction": lambda: component.predict([example.predicted for example in examples]),
        "calibration": lambda: component.decisions(examples),
    }
    for where, call in calls.items():
        with pytest.raises(MedmtlError, match=f"E016.*'terms' became NaN or infinite at {where}") as caught:
            call()
        assert "at step 0" in str(caught.value.__cause__)
