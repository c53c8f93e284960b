"""Scores of spans beside the walk: their equations and gradients, which spans there are, their gold, their loss."""

from dataclasses import replace

import numpy
import pytest
import torch
from sru_helpers import LABELS, WIDTH
from toy import CASE, make_examples
from work import lines_run

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES
from spacy_medmtl.heads.outputs import Independent
from spacy_medmtl.sru_nested_ner.inputs import Predicted, WordSequence
from spacy_medmtl.sru_nested_ner.span_scores import AT_ONCE, SpanScores
from spacy_medmtl.sru_nested_ner.span_units import found_entities, rivals, span_labels, span_units
from spacy_medmtl.sru_nested_ner.thinc_layer import span_places
from spacy_medmtl.sru_nested_ner.transitions import (
    EOA,
    SHIFT,
    border_logits,
    foreign_actions,
    oracle,
    reduce,
    transition,
)

LONGEST = 3


def make_scores():
    torch.manual_seed(0)
    scores = SpanScores(WIDTH, LABELS, LONGEST).double()
    for parameter in scores.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return scores.eval()


def spans_of(n_words, longest=LONGEST):
    """(first, last, number of words) of all spans, by two loops."""
    return [(i, j, j - i + 1) for i in range(n_words) for j in range(i, min(i + longest, n_words))]


def places(n_words):
    """Of a single sentence whose words are all rows there are."""
    return torch.tensor([(i, j, i - 1, j + 1 if j + 1 < n_words else -1, n) for i, j, n in spans_of(n_words)]).T


def test_logits_are_the_written_equations():
    scores, words = make_scores(), torch.randn(5, WIDTH, dtype=torch.float64)
    logits = scores(words, places(5), 0.5)
    for logit, (i, j, n) in zip(logits, spans_of(5), strict=True):
        hidden = scores.first(words[i]) + scores.last.weight @ words[j] + scores.lengths[n - 1]
        if i > 0:
            hidden = hidden + scores.before.weight @ words[i - 1]
        if j + 1 < len(words):
            hidden = hidden + scores.after.weight @ words[j + 1]
        activation = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))  # gelu
        assert torch.allclose(logit, scores.output.weight @ activation + scores.output.bias, atol=1e-12)


def test_gradients_are_those_of_finite_differences():
    scores = make_scores()
    words = torch.randn(4, WIDTH, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in scores.named_parameters()]

    def logits(words, *values):
        return torch.func.functional_call(scores, dict(zip(names, values, strict=True)), (words, places(4), 0.5))

    values = [parameter.detach().clone().requires_grad_() for parameter in scores.parameters()]
    # fast: along random directions, for each of the thousands of parameters alone takes most of a minute
    assert torch.autograd.gradcheck(logits, (words, *values), eps=1e-6, atol=1e-6, fast_mode=True)


def test_dropout_acts_and_only_in_training():
    scores, words = make_scores(), torch.randn(4, WIDTH, dtype=torch.float64)
    still = scores(words, places(4), 0.5)
    assert torch.equal(still, scores(words, places(4), 0.5))
    scores.train()
    assert not torch.allclose(still, scores(words, places(4), 0.5))


def test_spans_at_once_are_the_same_as_in_parts():
    scores, words = make_scores(), torch.randn(4, WIDTH, dtype=torch.float64)
    many = places(4).repeat(1, AT_ONCE // 9 + 2)
    logits = scores(words, many, 0.5)
    assert len(logits) == many.shape[1] > AT_ONCE
    assert torch.allclose(logits[-9:], scores(words, places(4), 0.5), atol=1e-12)
    assert scores(words, many[:, :0], 0.5).shape == (0, LABELS)


@pytest.mark.parametrize("n_words", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("longest", [1, 3, 12])
def test_all_spans_up_to_the_longest_by_first_word_shortest_first(n_words, longest):
    units = span_units(n_words, longest)
    found = [(int(i), int(i + n - 1), int(n)) for i, n in zip(units.first, units.n_words, strict=True)]
    assert found == spans_of(n_words, longest)


def test_places_are_rows_of_the_docs_and_end_with_the_sentence():
    """A blank token is no word; what lies outside of a sentence has no row, whatever stands there."""
    sentences = [WordSequence(0, numpy.array([0, 2])), WordSequence(1, numpy.array([3, 4]))]
    found = span_places(sentences, numpy.array([0, 5]), 2)
    of_first = [(0, 0, -1, 2, 1), (0, 2, -1, -1, 2), (2, 2, 0, -1, 1)]
    of_second = [(8, 8, -1, 9, 1), (8, 9, -1, -1, 2), (9, 9, 8, -1, 1)]
    assert found.T.tolist() == [list(place) for place in of_first + of_second]


def sentence(n_words, spans, own=range(LABELS)):
    foreign = foreign_actions(own, LABELS)
    return WordSequence(0, numpy.arange(n_words), oracle(spans, n_words, LABELS), foreign, spans)


def test_gold_of_spans():
    """Equal boundaries have both labels, a longer span has none, and a corpus judges its own labels."""
    spans = [(0, 1, 0), (1, 4, 0), (1, 4, 2), (0, 4, 1)]
    gold = span_labels([sentence(2, [(0, 2, 1)], own=[1]), sentence(4, spans)], LONGEST)
    assert len(gold.held) == len(spans_of(2)) + len(spans_of(4))
    held = {(*place, int(label)) for place, row in zip(spans_of(2), gold.held) for label in numpy.flatnonzero(row)}
    assert held == {(0, 1, 2, 1)}
    held = {(*place, int(label)) for place, row in zip(spans_of(4), gold.held[3:]) for label in numpy.flatnonzero(row)}
    assert held == {(0, 0, 1, 0), (1, 3, 3, 0), (1, 3, 3, 2)}
    assert gold.judged[:3].tolist() == [[False, True, False]] * 3
    assert gold.judged[3:].all()


def logit(p):
    return numpy.log(p) - numpy.log1p(-p)


def rows_of(*rows):
    """Probabilities of actions [T, A], 0.01 but for those given by action."""
    found = numpy.full((len(rows), 2 + 2 * LABELS), 0.01, dtype="float32")
    for row, given in zip(found, rows, strict=True):
        for action, probability in given.items():
            row[action] = probability
    return found


# "a b": at a first nothing is done, then a span of label 0 is opened; at its end, behind b, it is closed
WALK = rows_of(
    {SHIFT: 0.6, transition(0): 0.4},
    {transition(0): 0.9, transition(1): 0.3},
    {SHIFT: 0.9},
    {reduce(0): 0.8, EOA: 0.1},
    {EOA: 0.9, reduce(1): 0.2},
    {transition(2): 0.9},
)


def test_logits_at_borders_are_the_largest_of_the_rows_there():
    """A SHIFT stands at the border before its word, and rows behind the end of the walk count for nothing."""
    opening, closing = border_logits(WALK, 2)
    assert opening.shape == closing.shape == (3, LABELS)
    numpy.testing.assert_allclose(opening[:, 0], logit(numpy.array([0.4, 0.9, 0.01])), rtol=1e-5)
    numpy.testing.assert_allclose(opening[:, 1], logit(numpy.array([0.01, 0.3, 0.01])), rtol=1e-5)
    numpy.testing.assert_allclose(closing[:, 0], logit(numpy.array([0.01, 0.01, 0.8])), rtol=1e-5)
    numpy.testing.assert_allclose(closing[:, 1], logit(numpy.array([0.01, 0.01, 0.2])), rtol=1e-5)
    unvisited, _ = border_logits(WALK, 4)
    assert (unvisited[3:] < -13).all()


def score_of(opened, closed, span):
    return pytest.approx(1 / (1 + numpy.exp(-(span / 2 + (logit(opened) + logit(closed)) / 4))), rel=1e-5)


def test_a_score_is_of_the_mean_of_the_span_and_of_its_two_actions():
    spans = numpy.full((3, LABELS), -5.0, dtype="float32")  # a, a b, b
    spans[2, 0], spans[2, 1], spans[1, 0] = 1.0, 4.0, -1.0
    found = found_entities(Predicted(WALK, spans, 2), 2)
    # the second has the better score; the first was found by the walk
    assert found == [(1, 2, 0, score_of(0.9, 0.8, 1.0)), (1, 2, 1, score_of(0.3, 0.2, 4.0))]
    spans[2, 0] = -1.0
    assert found_entities(Predicted(WALK, spans, 2), 2, threshold=0.6) == [(1, 2, 1, score_of(0.3, 0.2, 4.0))]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 2, 0), (2, 4, 0), False),
        ((0, 2, 0), (1, 4, 1), True),
        ((1, 4, 1), (0, 2, 0), True),
        ((0, 4, 0), (1, 3, 1), False),
        ((0, 4, 0), (0, 3, 1), False),
        ((0, 4, 0), (1, 4, 1), False),
        ((0, 4, 0), (0, 4, 1), True),
        ((0, 4, 0), (1, 3, 0), True),
    ],
)
def test_rivals(one, other, expected):
    assert rivals((*one, 0.9), (*other, 0.8)) == expected


def test_many_entities_of_a_long_sentence_are_told_apart_in_linear_time():
    """Eight times as many words: eight times the work, not sixty-four."""

    def work(n_words):
        walk = rows_of(*[{SHIFT: 0.9} for _ in range(n_words)], {EOA: 0.9})
        spans = numpy.full((2 * n_words - 1, LABELS), -20.0, dtype="float32")
        spans[::4] = 20.0
        found = []
        n_lines = lines_run(lambda: found.extend(found_entities(Predicted(walk, spans, 2), n_words)))
        assert len(found) > n_words / 4
        return n_lines

    assert work(800) / work(100) < 9


def test_of_rivals_the_best_stands_and_those_that_the_walk_found():
    """Whatever their scores: "a b" and "a" and "b", all of label 0; the walk found "a b" and "b"."""
    walk = oracle([(0, 2, 0), (1, 2, 0)], 2, LABELS).astype("float32") * 0.8 + 0.1
    spans = numpy.full((3, LABELS), -9.0, dtype="float32")
    spans[:, 0] = 2.0, 3.0, 1.0  # a, a b, b
    assert [span[:3] for span in found_entities(Predicted(walk, spans, 2), 2)] == [(0, 2, 0), (1, 2, 0)]
    spans[:, 0] = 9.0, 3.0, 1.0
    found = found_entities(Predicted(walk, spans, 2), 2)
    assert [span[:3] for span in found] == [(0, 2, 0), (0, 1, 0), (1, 2, 0)]


def test_spans_that_are_not_scored_come_from_the_walk():
    walk = oracle([(0, 3, 1), (1, 2, 0)], 3, LABELS).astype("float32") * 0.8 + 0.1
    nothing = numpy.full((3, LABELS), -20.0, dtype="float32")  # of one word each
    assert [span[:3] for span in found_entities(Predicted(walk, nothing, 1), 3)] == [(0, 3, 1)]
    assert [span[:3] for span in found_entities(Predicted(walk, None, 0), 3)] == [(0, 3, 1), (1, 2, 0)]


def test_a_temperature_moves_scores_and_with_the_threshold_no_decision():
    spans = numpy.linspace(-6, 6, 3 * LABELS, dtype="float32").reshape(3, LABELS)
    plain = found_entities(Predicted(WALK, spans, 2), 2, threshold=0.4)
    moved = Independent().moved_threshold(0.4, 3.0)
    flat = found_entities(Predicted(WALK, spans, 2), 2, threshold=moved, temperature=3.0)
    assert plain
    assert [span[:3] for span in flat] == [span[:3] for span in plain]
    assert all(abs(one[3] - 0.5) < abs(other[3] - 0.5) for one, other in zip(flat, plain, strict=True))


SCORING = ("sru_nested_ner", "sru_nested_ner", {"model": {"longest_span": 12}})


def entities_of(nlp):
    return [
        [(span.start, span.end, span.label_) for span in doc.spans[ENTITIES]]
        for doc in nlp.pipe(example.reference.text for example in make_examples(nlp, CASE["sru_nested_ner"].annotate))
    ]


def test_a_pipeline_that_scores_spans_learns_is_saved_and_takes_a_label(make_nlp):
    nlp = make_nlp(SCORING)
    examples = make_examples(nlp, CASE["sru_nested_ner"].annotate)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 2e-3
    for _ in range(CASE["sru_nested_ner"].n_updates):
        nlp.update(examples, sgd=optimizer)
    found = entities_of(nlp)
    assert nlp.evaluate(make_examples(nlp, CASE["sru_nested_ner"].annotate))["sru_nested_ner_f"] > 0.9
    again = make_nlp(SCORING)
    again.from_bytes(nlp.to_bytes())
    assert entities_of(again) == found
    assert again.get_pipe("sru_nested_ner").add_label("RARE") == 1
    assert entities_of(again) == found


@pytest.mark.parametrize("own", [["BODY"], ["BODY", "SIGN"]])
def test_the_loss_of_spans_is_summed_over_spans_and_labels_per_word(make_nlp, own):
    """Beside the loss of the actions; what a corpus does not annotate has no gradient."""
    nlp = make_nlp(SCORING)
    examples = make_examples(nlp, CASE["sru_nested_ner"].annotate)
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("sru_nested_ner")
    for example in examples:
        example.reference.spans[ENTITIES].attrs[ANNOTATED_LABELS] = own
    inputs, gold = pipe.training_batch(examples)
    scores, _ = pipe.model.begin_update(inputs)
    loss, gradient = pipe.loss(gold, scores)
    of_actions, _ = pipe.loss(gold, replace(scores, spans=None))
    labels = span_labels(gold, scores.longest)
    logits = torch.tensor(scores.spans, requires_grad=True)
    judged, held = torch.from_numpy(labels.judged), torch.from_numpy(labels.held).float()
    of_spans = torch.nn.functional.binary_cross_entropy_with_logits(logits[judged], held[judged], reduction="sum")
    of_spans = of_spans / sum(len(sentence.words) for sentence in gold)
    of_spans.backward()
    assert held.sum() > 0
    assert judged.all() == (len(own) == 2)
    assert loss - of_actions == pytest.approx(of_spans.item(), rel=1e-5)
    numpy.testing.assert_allclose(gradient.spans, logits.grad.numpy(), rtol=1e-4, atol=1e-7)
    assert not gradient.spans[~labels.judged].any()
