"""``annotated_labels``: the labels that a corpus does not annotate get neither gradient nor score."""

import numpy
import pytest
from spacy.training import Example
from toy import CASES, TEXTS, make_examples, with_sentences

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, write_group

each_head = pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)


def narrowed(case, declared):
    """The toy gold, restricted to labels of ``declared`` and saying so."""

    def annotate(doc):
        case.annotate(doc)
        group = doc.spans[case.key]
        if "labels" in group.attrs:
            group.attrs["labels"] = [[label for label in pair if label in declared] for pair in group.attrs["labels"]]
        else:
            kept = [i for i, span in enumerate(group) if span.label_ in declared]
            values = {name: [values[i] for i in kept] for name, values in group.attrs.items()}
            write_group(doc, case.key, [group[i] for i in kept], **values)
        doc.spans[case.key].attrs[ANNOTATED_LABELS] = list(declared)

    return annotate


@pytest.fixture
def started(make_nlp):
    """Pipeline with one head, initialised from the toy gold of all labels."""

    def start(case):
        nlp = make_nlp(case.factory)
        nlp.initialize(lambda: make_examples(nlp, case.annotate))
        return nlp

    return start


@each_head
def test_masked_labels_get_no_gradient(case, started):
    """Their columns of the gradient are exactly zero, and so are their rows of the output layer's."""
    nlp = started(case)
    pipe = nlp.get_pipe(case.factory)
    columns = list(case.masked_columns)
    inputs, gold = pipe.training_batch(make_examples(nlp, narrowed(case, case.labels[:1])))
    scores, backprop = pipe.model.begin_update(inputs)
    loss, gradient = pipe.loss(gold, scores)
    d_logits = getattr(gradient, "logits", gradient)
    if case.one_label_is_certain:
        assert loss == 0.0
    else:
        assert loss > 0.0
        assert numpy.abs(d_logits).sum() > 0.0
    assert not d_logits[:, columns].any()
    backprop(gradient)
    module = pipe.model.shims[0].module
    output = getattr(module, case.output_layer)
    assert not output.weight.grad[columns].any()
    assert not output.bias.grad[columns].any()


@each_head
def test_masked_labels_do_not_enter_the_loss(case, started):
    """Whatever their logits are, below the threshold: above it, the slot recurrent unit walks another way."""
    nlp = started(case)
    pipe = nlp.get_pipe(case.factory)
    inputs, gold = pipe.training_batch(make_examples(nlp, narrowed(case, case.labels[:1])))
    scores, _ = pipe.model.begin_update(inputs)
    logits = getattr(scores, "logits", scores)
    logits[:, list(case.masked_columns)] = -2.0
    loss, _ = pipe.loss(gold, scores)
    logits[:, list(case.masked_columns)] = -0.5
    assert pipe.loss(gold, scores)[0] == loss


@each_head
def test_masked_labels_are_not_scored(case, started):
    """Gold of all labels as prediction, gold of the first as reference: perfect with the mask, imprecise without."""
    nlp = started(case)
    scorer = nlp.get_pipe(case.factory).score
    examples = []
    for text in TEXTS:
        predicted, reference = with_sentences(nlp, text), with_sentences(nlp, text)
        case.annotate(predicted)
        narrowed(case, case.labels[:1])(reference)
        examples.append(Example(predicted, reference))
    scores = scorer(examples)
    assert scores[f"{case.factory}_f"] == 1.0
    assert scores.get(f"{case.factory}_acc", 1.0) == 1.0
    for example in examples:
        del example.reference.spans[case.key].attrs[ANNOTATED_LABELS]
    assert scorer(examples)[f"{case.factory}_p"] < 1.0


@each_head
def test_gold_outside_its_own_annotated_labels_is_left_out(case, started):
    """A corpus that contradicts itself is not read as an impossible target."""
    nlp = started(case)

    def annotate(doc):
        case.annotate(doc)
        doc.spans[case.key].attrs[ANNOTATED_LABELS] = case.labels[:1]

    pipe = nlp.get_pipe(case.factory)
    inputs, gold = pipe.training_batch(make_examples(nlp, annotate))
    scores, _ = pipe.model.begin_update(inputs)
    loss, gradient = pipe.loss(gold, scores)
    assert loss < 5.0
    assert not getattr(gradient, "logits", gradient)[:, list(case.masked_columns)].any()
    examples = []
    for text in TEXTS:
        predicted, reference = with_sentences(nlp, text), with_sentences(nlp, text)
        narrowed(case, case.labels[:1])(predicted)
        annotate(reference)
        examples.append(Example(predicted, reference))
    assert pipe.score(examples)[f"{case.factory}_r"] == 1.0
