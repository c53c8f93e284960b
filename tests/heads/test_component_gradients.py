"""Losses and gradients: worked values, finite differences, and coded errors where numbers stop being numbers."""

import math
from dataclasses import replace

import numpy
import pytest
import torch
from toy import CASE, CASES, TEXTS, make_examples

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.heads.losses import (
    mean_squared_error,
    sigmoid,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
)

each_head = pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)
ALLOWED = numpy.asarray([[True, True, True], [True, False, True], [True, True, True], [True, True, False]])


def numeric_gradient(loss, at, eps=1e-6):
    """Central differences of ``loss`` (array -> float), entry by entry."""
    gradient = numpy.zeros_like(at)
    for index in numpy.ndindex(at.shape):
        step = numpy.zeros_like(at)
        step[index] = eps
        gradient[index] = (loss(at + step) - loss(at - step)) / (2 * eps)
    return gradient


def random_logits(shape):
    return numpy.random.default_rng(0).normal(scale=2.0, size=shape)


LOSSES = {
    "softmax": lambda logits: softmax_cross_entropy(logits, [0, 2, -1, 1], ALLOWED),
    "sigmoid": lambda logits: sigmoid_cross_entropy(logits, numpy.eye(4, 3), ALLOWED),
    "squares": lambda logits: mean_squared_error(logits, numpy.ones((4, 3))),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_functions_against_finite_differences(name):
    logits = random_logits((4, 3))
    _, gradient = LOSSES[name](logits)
    assert gradient.dtype == logits.dtype
    numpy.testing.assert_allclose(gradient, numeric_gradient(lambda x: LOSSES[name](x)[0], logits), atol=1e-8)


def test_loss_functions_by_hand():
    """Two rows of equal logits: log 2 nats each, in whatever form."""
    logits = numpy.zeros((2, 2), dtype="f")
    allowed = numpy.ones((2, 2), dtype=bool)
    loss, gradient = softmax_cross_entropy(logits, [0, 1], allowed)
    assert loss == pytest.approx(math.log(2.0))
    assert gradient.tolist() == [[-0.25, 0.25], [0.25, -0.25]]
    loss, gradient = sigmoid_cross_entropy(logits, numpy.eye(2), allowed)
    assert loss == pytest.approx(math.log(2.0))
    assert gradient.tolist() == [[-0.125, 0.125], [0.125, -0.125]]
    loss, gradient = mean_squared_error(numpy.asarray([[1.0], [3.0]]), [[0.0], [1.0]])
    assert loss == 2.5
    assert gradient.tolist() == [[1.0], [2.0]]


def test_rows_without_label_do_not_dilute_the_mean():
    logits, allowed = random_logits((3, 3)), numpy.ones((3, 3), dtype=bool)
    loss, gradient = softmax_cross_entropy(logits, [1, -1, -1], allowed)
    alone, alone_gradient = softmax_cross_entropy(logits[:1], [1], allowed[:1])
    assert loss == alone
    assert gradient[0].tolist() == alone_gradient[0].tolist()
    assert not gradient[1:].any()


def test_a_target_that_is_not_allowed_is_no_target():
    logits, allowed = random_logits((2, 3)), numpy.asarray([[True, False, True], [True, True, True]])
    loss, gradient = softmax_cross_entropy(logits, [1, 2], allowed)
    assert loss == softmax_cross_entropy(logits[1:], [2], allowed[1:])[0]
    assert not gradient[0].any()


@pytest.mark.parametrize("loss", [softmax_cross_entropy, sigmoid_cross_entropy])
def test_no_rows_and_no_labels_give_zero(loss):
    for n in (0, 2):
        targets = numpy.full(n, -1) if loss is softmax_cross_entropy else numpy.zeros((n, 3))
        value, gradient = loss(numpy.ones((n, 3)), targets, numpy.zeros((n, 3), dtype=bool))
        assert value == 0.0
        assert gradient.shape == (n, 3)
        assert not gradient.any()


def test_probabilities_of_extreme_logits_are_finite():
    extreme = numpy.asarray([[1e4, -1e4, 0.0]], dtype="f")
    assert sigmoid(extreme).tolist() == [[1.0, 0.0, 0.5]]
    assert softmax(extreme).tolist() == [[1.0, 0.0, 0.0]]
    loss, gradient = softmax_cross_entropy(extreme, [1], numpy.ones((1, 3), dtype=bool))
    assert math.isfinite(loss)
    assert gradient.tolist() == [[1.0, -1.0, 0.0]]
    assert sigmoid_cross_entropy(extreme, [[0, 1, 1]], numpy.ones((1, 3), dtype=bool))[0] > 6000


def started(make_nlp, case, **config):
    nlp = make_nlp((case.factory, case.factory, config))
    return nlp, nlp.initialize(lambda: make_examples(nlp, case.annotate))


VARIANTS = [
    *[(case, {}) for case in CASES],
    (CASE["sentence_intent"], {"multi_label": True}),
    (CASE["pair_relation"], {"mode": "exclusive"}),
]


@pytest.mark.parametrize(("case", "config"), VARIANTS)
def test_get_loss_of_each_head_against_finite_differences(case, config, make_nlp):
    """On scores of the model and some noise. It has no side effect, so it can be called over and over."""
    nlp, _ = started(make_nlp, case, **config)
    pipe = nlp.get_pipe(case.factory)
    examples = make_examples(nlp, case.annotate, texts=TEXTS[:2])
    scores, _ = pipe.model.begin_update(pipe.training_batch(examples)[0])
    logits = getattr(scores, "logits", scores)
    logits = logits.astype("float64") + random_logits(logits.shape)

    def loss_of(values):
        given = replace(scores, logits=values) if hasattr(scores, "logits") else values
        return pipe.get_loss(examples, given)

    loss, gradient = loss_of(logits)
    expected = numeric_gradient(lambda values: loss_of(values)[0], logits)
    assert numpy.abs(expected).max() > 1e-3
    numpy.testing.assert_allclose(getattr(gradient, "logits", gradient), expected, atol=1e-7)
    assert loss_of(logits)[0] == loss


@each_head
def test_weight_gradients_of_each_head_against_finite_differences(case, make_nlp):
    """Through the head's own layer down to the encoder's rows: a step of the size h along the gradient g changes the
    loss by h |g|^2. The encoder stands still, for it took no part in this update."""
    nlp, _ = started(make_nlp, case)
    pipe = nlp.get_pipe(case.factory)
    module = pipe.model.shims[0].module
    with torch.no_grad():  # away from the start, where latents are equal and the maximum over them has a kink
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    for name in ("dropout", "latent_dropout", "position_dropout"):
        if hasattr(module, name):
            setattr(module, name, 0.0)
    examples = make_examples(nlp, case.annotate, texts=TEXTS[:2])
    inputs, gold = pipe.training_batch(examples)

    def loss():
        return pipe.loss(gold, pipe.model.begin_update(inputs)[0])[0]

    scores, backprop = pipe.model.begin_update(inputs)
    backprop(pipe.loss(gold, scores)[1])
    trained = [p for p in module.parameters() if p.grad is not None]
    square = sum(float((p.grad**2).sum()) for p in trained)
    h = 1e-2 / math.sqrt(square)
    values = []
    for sign in (1.0, -2.0):  # to +h, then to -h
        with torch.no_grad():
            for parameter in trained:
                parameter.add_(parameter.grad, alpha=sign * h)
        values.append(loss())
    assert (values[0] - values[1]) / (2 * h) == pytest.approx(square, rel=0.02)


@each_head
@pytest.mark.parametrize("broken", ["head", "encoder"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_give_a_coded_error(case, broken, value, make_nlp):
    """In training and in prediction, and no annotation is written. An infinite weight may become NaN on the way."""
    nlp, optimizer = started(make_nlp, case)
    nlp(TEXTS[0])
    component = nlp.get_pipe(case.factory if broken == "head" else "encoder")
    for parameter in component.model.shims[0].module.parameters():
        if parameter.requires_grad:
            parameter.data.fill_(value)
    with pytest.raises(MedmtlError, match=f"MEDMTL-E016.*'{case.factory}' became NaN"):
        nlp.update(make_examples(nlp, case.annotate), sgd=optimizer)
    doc = nlp.make_doc(TEXTS[0])
    with pytest.raises(MedmtlError, match=f"MEDMTL-E016.*'{case.factory}' became NaN"):
        nlp(doc)
    assert case.key not in doc.spans
    with pytest.raises(MedmtlError, match=f"MEDMTL-E016.*'{case.factory}' became NaN"):
        list(nlp.pipe(TEXTS))
