"""Losses of the heads: logits and targets in, mean loss and its gradient out.

Every loss is the mean over *labelled* rows, so its size depends neither on the batch nor on what other tasks are in it.
``allowed`` masks labels that the row's corpus does not annotate: they get no gradient at all.
"""

from typing import Any

import numpy
from thinc.api import get_array_module

Array = Any  # of NumPy or CuPy
MASKED = -1e9  # a logit so low that its probability is exactly 0 in float32


def softmax(logits: Array) -> Array:
    """Probabilities over the last axis."""
    xp = get_array_module(logits)
    # of the largest logit 0 is left, so that none overflows
    exp = xp.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def sigmoid(logits: Array) -> Array:
    """Elementwise probabilities, without overflow."""
    xp = get_array_module(logits)
    # equal to 1 / (1 + exp(-x)), whose exp overflows for very negative logits
    return 0.5 * (1.0 + xp.tanh(0.5 * logits))


def softmax_cross_entropy(logits: Array, targets: Array, allowed: Array) -> tuple[float, Array]:
    """Mean cross-entropy in nats.

    logits [n, labels]; targets: column per row [n], -1 for a row without label; allowed: bool [n, labels]. A row whose
    target is not allowed counts as one without label.
    Returns the loss and its gradient [n, labels].
    """
    xp = get_array_module(logits)
    targets, allowed = xp.asarray(targets), xp.asarray(allowed)
    labelled = (targets >= 0) & allowed[xp.arange(len(targets)), targets]
    n = max(1, int(labelled.sum()))  # where nothing is labelled, loss and gradient are 0, not 0 / 0
    probabilities = softmax(xp.where(allowed, logits, MASKED))
    rows = xp.arange(len(targets))[labelled]
    columns = targets[labelled]
    loss = -xp.log(xp.maximum(probabilities[rows, columns], 1e-30)).sum() / n
    gradient = probabilities  # softmax - one-hot of the target, 0 in masked columns as their probability is
    gradient[rows, columns] -= 1.0
    gradient *= labelled[:, None] / n
    return float(loss), gradient.astype(logits.dtype)


def sigmoid_cross_entropy(logits: Array, targets: Array, allowed: Array) -> tuple[float, Array]:
    """Mean binary cross-entropy over the allowed entries. logits, targets (0 or 1), allowed (bool): [n, labels]."""
    xp = get_array_module(logits)
    targets, allowed = xp.asarray(targets, dtype=logits.dtype), xp.asarray(allowed)
    n = max(1, int(allowed.sum()))
    # -y log p - (1 - y) log (1 - p) with p = sigmoid(logit), written so that no exp overflows
    terms = xp.maximum(logits, 0) - logits * targets + xp.log1p(xp.exp(-xp.abs(logits)))
    gradient = xp.where(allowed, sigmoid(logits) - targets, 0.0) / n
    return float(xp.where(allowed, terms, 0.0).sum() / n), gradient.astype(logits.dtype)


def mean_squared_error(predictions: Array, targets: Array) -> tuple[float, Array]:
    """Mean squared error and its gradient. Both [n, 1]."""
    xp = get_array_module(predictions)
    difference = predictions - xp.asarray(targets, dtype=predictions.dtype)
    n = max(1, len(predictions))
    return float((difference**2).sum() / n), (2.0 * difference / n).astype(predictions.dtype)


def to_numpy(array: Array) -> numpy.ndarray:
    """A NumPy array of a thinc array on any device."""
    return array if isinstance(array, numpy.ndarray) else array.get()
