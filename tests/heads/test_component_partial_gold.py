"""Gold of a part of the Docs: absent is not empty, and the size of a batch does not matter."""

import numpy
import pytest
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import fix_random_seed
from toy import CASE, CASES, TEXTS, make_example, make_examples, weights, with_sentences

from spacy_medmtl.annotations.groups import FINDINGS, INTENTS, write_group
from spacy_medmtl.errors import MedmtlError

each_head = pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)


def empty_group(case):
    def annotate(doc: Doc) -> None:
        case.annotate_nothing(doc, case.key)

    return annotate


@pytest.fixture
def started(make_nlp):
    """Pipeline with one head, initialised from the toy gold of all labels, and an optimiser."""

    def start(case, **config):
        fix_random_seed(0)
        nlp = make_nlp((case.factory, case.factory, config))
        return nlp, nlp.initialize(lambda: make_examples(nlp, case.annotate))

    return start


@each_head
def test_unannotated_examples_change_nothing(case, started):
    """After steps that filled Adam's moments, a batch without gold leaves encoder and head bit-identical."""
    nlp, optimizer = started(case)
    for _ in range(2):
        nlp.update(make_examples(nlp, case.annotate), sgd=optimizer)
    before, losses = weights(nlp), {}
    nlp.update(make_examples(nlp), sgd=optimizer, losses=losses)
    assert losses == {"encoder": 0.0, case.factory: 0.0}
    assert weights(nlp) == before
    nlp.update(make_examples(nlp, case.annotate), sgd=optimizer)
    assert weights(nlp) != before


@each_head
def test_unannotated_examples_in_a_batch_are_as_if_not_there(case, started):
    weights = []
    for texts_without_gold in ([], TEXTS[2:]):
        nlp, optimizer = started(case)
        fix_random_seed(1)
        examples = make_examples(nlp, case.annotate, texts=TEXTS[:2])
        losses = {}
        nlp.update(examples + make_examples(nlp, texts=texts_without_gold), sgd=optimizer, losses=losses)
        weights.append((nlp.get_pipe(case.factory).model.to_bytes(), losses))
    assert weights[0] == weights[1]


@each_head
def test_unannotated_examples_are_not_scored(case, started):
    nlp, _ = started(case)
    gold, unannotated = make_examples(nlp, case.annotate), make_examples(nlp)
    assert nlp.evaluate(unannotated)[f"{case.factory}_f"] is None
    alone, mixed = nlp.evaluate(gold), nlp.evaluate([*make_examples(nlp, case.annotate), *make_examples(nlp)])
    own = [name for name in alone if name.startswith(case.factory)]
    assert len(own) >= 5
    assert {name: alone[name] for name in own} == {name: mixed[name] for name in own}


@pytest.mark.parametrize("case", [case for case in CASES if case.finds_spans], ids=lambda case: case.factory)
def test_an_empty_group_is_a_negative_example(case, started):
    """It has a loss, training on it ends predictions, and predictions on it are wrong."""
    nlp, optimizer = started(case)
    for _ in range(case.n_updates):
        nlp.update(make_examples(nlp, case.annotate), sgd=optimizer)
    assert len(nlp(TEXTS[0]).spans[case.key]) > 0
    negative = make_examples(nlp, empty_group(case))
    scores = nlp.evaluate(negative)
    assert (scores[f"{case.factory}_p"], scores[f"{case.factory}_f"]) == (0.0, 0.0)
    losses = {}
    nlp.update(negative, sgd=optimizer, losses=losses)
    assert losses[case.factory] > 0.05
    for _ in range(30):
        nlp.update(make_examples(nlp, empty_group(case)), sgd=optimizer)
    assert [len(doc.spans[case.key]) for doc in nlp.pipe(TEXTS)] == [0] * len(TEXTS)


def test_an_empty_group_is_a_negative_example_of_multi_label_intents(started):
    """And a sentence without label, beside labelled ones, is one too."""
    case = CASE["sentence_intent"]
    nlp, _ = started(case, multi_label=True)
    pipe = nlp.get_pipe(case.factory)
    readings, gold = pipe.training_batch([make_example(nlp, TEXTS[0], empty_group(case))])
    assert [(unit.start, unit.end) for unit in readings[0].units] == [(0, 3), (3, 9), (9, 12)]
    assert not gold.held.any()
    assert gold.judged.all()

    def annotate_first(doc):
        case.annotate(doc)
        write_group(doc, INTENTS, list(doc.spans[INTENTS])[:1])

    _, gold = pipe.training_batch([make_example(nlp, TEXTS[0], annotate_first)])
    assert gold.held.tolist() == [[False, False, True], [False] * 3, [False] * 3]


def test_an_empty_group_of_single_label_intents_gives_no_loss(started):
    """Softmax has no way to say "none", so there is nothing to learn from it; predictions on it are wrong."""
    case = CASE["sentence_intent"]
    nlp, optimizer = started(case)
    before, losses = weights(nlp), {}
    nlp.update(make_examples(nlp, empty_group(case)), sgd=optimizer, losses=losses)
    assert losses == {"encoder": 0.0, case.factory: 0.0}
    assert weights(nlp) == before
    assert nlp.evaluate(make_examples(nlp, empty_group(case)))["sentence_intent_f"] == 0.0


def test_a_pair_that_the_gold_does_not_list_is_not_learnt_and_is_wrong_where_it_is_predicted(started):
    """Converters list the pairs that were judged, those without a relation too (docs/relations.md)."""
    case = CASE["pair_relation"]
    nlp, _ = started(case)
    readings, gold = nlp.get_pipe(case.factory).training_batch([make_example(nlp, TEXTS[0], empty_group(case))])
    assert readings == []
    assert len(gold.held) == 0
    gold, found = with_sentences(nlp, TEXTS[0]), with_sentences(nlp, TEXTS[0])
    empty_group(case)(gold)
    case.annotate(found)
    assert nlp.get_pipe(case.factory).score([Example(found, gold)])["pair_relation_p"] == 0.0


def test_a_judged_pair_without_label_is_a_negative_example(started):
    case = CASE["pair_relation"]
    nlp, _ = started(case)
    _, gold = nlp.get_pipe(case.factory).training_batch([make_example(nlp, TEXTS[0], case.annotate)])
    assert gold.held.tolist() == [[False, False], [False, True]]
    assert gold.judged.all()


@each_head
def test_loss_and_gradient_do_not_depend_on_batch_size(case, started):
    """A batch of three copies has the loss and the weight gradient of one."""
    measured = []
    for copies in (1, 3):
        nlp, _ = started(case)
        pipe = nlp.get_pipe(case.factory)
        module = pipe.model.shims[0].module
        for name in ("dropout", "latent_dropout", "position_dropout"):
            if hasattr(module, name):
                setattr(module, name, 0.0)
        losses = {}
        pipe.update(make_examples(nlp, case.annotate, texts=TEXTS * copies), losses=losses)
        gradients = [p.grad.numpy().ravel() for p in module.parameters() if p.grad is not None]
        measured.append((losses[case.factory], numpy.concatenate(gradients)))
    (loss, gradient), (loss_3, gradient_3) = measured
    assert loss == pytest.approx(loss_3, rel=1e-5)
    assert numpy.abs(gradient).max() > 1e-3
    numpy.testing.assert_allclose(gradient, gradient_3, atol=2e-6)


def test_findings_without_assertion_are_an_error(started):
    """They must not be read as text without findings."""
    nlp, optimizer = started(CASE["cpncf_assertion"])

    def annotate(doc):
        CASE["cpncf_assertion"].annotate(doc)
        del doc.spans[FINDINGS].attrs["assertion"]

    with pytest.raises(MedmtlError, match="MEDMTL-E104.*'assertion'.*has 0 values for 2 spans"):
        nlp.update([make_example(nlp, TEXTS[0], annotate)], sgd=optimizer)
