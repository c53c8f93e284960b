"""Temperatures: the best one is found, nothing that was decided changes, all heads keep and use theirs."""

import numpy
import pytest
import spacy
from toy import CASES, TEXTS, make_examples

from spacy_medmtl.annotations.groups import FINDINGS, INTENTS
from spacy_medmtl.heads.losses import sigmoid, sigmoid_cross_entropy, softmax_cross_entropy
from spacy_medmtl.heads.outputs import (
    Exclusive,
    Independent,
    LabelledLogits,
    UnitLabels,
    joined_logits,
    one_hot,
    tempered,
)
from spacy_medmtl.training.calibration import (
    HIGHEST,
    LOWEST,
    brier_score,
    calibrate,
    collect_decisions,
    expected_calibration_error,
    fit_temperature,
    is_enough,
    mean_log_loss,
)

CASES_BY_NAME = {case.factory: case for case in CASES}


def exclusive_decisions(logits, columns, judged):
    return Exclusive().labelled(logits, UnitLabels(one_hot(columns, logits.shape[1]), judged))


def independent_decisions(logits, gold, judged):
    return Independent().labelled(logits, UnitLabels(gold, judged))


def drawn(temperature, n=4000, labels=4, *, exclusive):
    """Decisions whose gold was drawn with the probabilities of their logits at a temperature; some are not judged."""
    random = numpy.random.default_rng(0)
    logits = random.normal(size=(n, labels)) * 3
    judged = random.uniform(size=(n, labels)) < 0.8
    judged[:, 0] = True
    true = LabelledLogits(logits, judged, judged, exclusive).probabilities(temperature)
    if exclusive:
        columns = (true.cumsum(axis=1) > random.uniform(size=(n, 1))).argmax(axis=1)
        return exclusive_decisions(logits, columns, judged)
    return independent_decisions(logits, random.uniform(size=(n, labels)) < true, judged)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_the_gold_was_drawn_with_is_found(exclusive, temperature):
    decisions = drawn(temperature, exclusive=exclusive)
    fitted = fit_temperature(decisions)
    assert fitted == pytest.approx(temperature, rel=0.08)
    around = [mean_log_loss(decisions, fitted * factor) for factor in (0.98, 1.0, 1.02)]
    assert around[1] == min(around)
    assert expected_calibration_error(decisions, fitted) < 0.03
    if temperature != 1.0:
        assert expected_calibration_error(decisions, fitted) < expected_calibration_error(decisions) - 0.03
        assert brier_score(decisions, fitted) < brier_score(decisions)


def test_temperatures_are_bounded():
    logits = numpy.asarray([[2.0, -1.0], [-1.0, 2.0]] * 20)
    always, never = (exclusive_decisions(logits, numpy.asarray(c * 20), logits < 9) for c in ([0, 1], [1, 0]))
    assert fit_temperature(always) == pytest.approx(LOWEST, rel=1e-4)
    assert fit_temperature(never) == pytest.approx(HIGHEST, rel=1e-4)


def test_measures_are_what_their_definitions_say():
    logits = numpy.log(numpy.asarray([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
    one = exclusive_decisions(logits, numpy.asarray([0, 1, 1]), numpy.ones((3, 2), dtype=bool))
    assert mean_log_loss(one) == pytest.approx(-numpy.log([0.9, 0.4, 0.8]).mean())
    assert brier_score(one) == pytest.approx((2 * 0.1**2 + 2 * 0.6**2 + 2 * 0.2**2) / 3)
    assert expected_calibration_error(one) == pytest.approx((0.1 + 0.6 + 0.2) / 3)  # each in a bin of its own
    logits = numpy.asarray([[0.0, 0.0], [0.0, 5.0]])
    gold, judged = logits == 5.0, numpy.asarray([[True, True], [True, False]])
    two = independent_decisions(logits, gold, judged)
    assert mean_log_loss(two) == pytest.approx(numpy.log(2))
    assert brier_score(two) == pytest.approx(0.25)
    assert expected_calibration_error(two) == pytest.approx(0.5)


def test_log_loss_is_the_loss_of_training():
    for exclusive, loss in ((True, softmax_cross_entropy), (False, sigmoid_cross_entropy)):
        decisions = drawn(1.0, n=50, exclusive=exclusive)
        targets = decisions.gold.argmax(axis=1) if exclusive else decisions.gold
        assert mean_log_loss(decisions) == pytest.approx(loss(decisions.logits, targets, decisions.judged)[0])


def test_rows_without_a_judged_label_are_no_decisions():
    judged = numpy.asarray([[True, True], [True, False], [True, True]])
    found = exclusive_decisions(numpy.zeros((3, 2)), numpy.asarray([1, 1, -1]), judged)
    assert found.gold.tolist() == [[False, True]]
    assert len(joined_logits([found, found]).logits) == 2


def test_too_little_gold_is_not_enough():
    logits = numpy.zeros((40, 1))
    gold = numpy.arange(40)[:, None] < 9
    assert not is_enough(independent_decisions(logits, gold, logits == 0))
    assert not is_enough(independent_decisions(logits, ~gold, logits == 0))
    assert is_enough(independent_decisions(logits, numpy.arange(40)[:, None] < 10, logits == 0))


def test_tempered_probabilities_are_those_of_tempered_logits():
    logits = numpy.linspace(-8, 8, 33)
    numpy.testing.assert_allclose(tempered(sigmoid(logits), 2.0), sigmoid(logits / 2.0), rtol=1e-7)
    assert tempered(numpy.asarray([0.0, 1.0]), 2.0).tolist() == [0.0, 1.0]
    same = sigmoid(logits)
    assert tempered(same, 1.0) is same


@pytest.fixture(scope="module")
def trained(make_nlp):
    nlp = make_nlp(*CASES_BY_NAME)
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(8):  # far from sure of anything
        nlp.update(examples, sgd=optimizer)
    return nlp, make_examples(nlp, *(case.annotate for case in CASES), texts=TEXTS * 3)


def annotations(doc):
    """All that was decided, and all that was said of how probable it is."""
    decided, scores = [], []
    for case in CASES:
        group = doc.spans[case.key]
        decided.append([(span.start, span.end, span.label_) for span in group])
        decided.append([group.attrs.get(name) for name in case.values if name != "scores"])
        scores.append(list(group.attrs["scores"]))
    return decided, scores


def test_all_heads_are_calibrated_and_decide_as_before(trained, tmp_path):
    nlp, examples = trained
    before = [annotations(nlp(text)) for text in TEXTS]
    collected = collect_decisions(nlp, examples)
    assert set(collected) == {
        ("sentence_intent", "intents"),
        ("pair_relation", "relations"),
        ("sru_nested_ner", "actions"),
        ("cpncf_assertion", "detection"),
        ("cpncf_assertion", "status"),
        ("cpncf_assertion", "modifiers"),
    }
    found = calibrate(nlp, examples)
    try:
        assert {(one.component, one.output) for one in found} == {key for key in collected if is_enough(collected[key])}
        assert {one.output for one in found} >= {"intents", "relations", "actions", "status"}
        for one in found:
            assert mean_log_loss(one.decisions, one.temperature) <= mean_log_loss(one.decisions)
            assert nlp.get_pipe(one.component).temperature(one.output) == one.temperature
        after = [annotations(nlp(text)) for text in TEXTS]
        assert [decided for decided, _ in after] == [decided for decided, _ in before]
        assert [scores for _, scores in after] != [scores for _, scores in before]
        nlp.to_disk(tmp_path)
        again = spacy.load(tmp_path)
        for text, (decided, scores) in zip(TEXTS, after, strict=True):
            loaded = annotations(again(text))
            assert loaded[0] == decided
            assert [pytest.approx(part) for part in loaded[1]] == scores
        for name in CASES_BY_NAME:  # bytes as well
            pipe = nlp.get_pipe(name)
            copied = again.get_pipe(name).from_bytes(pipe.to_bytes())
            assert copied.temperatures == pipe.temperatures
    finally:
        for name in CASES_BY_NAME:
            nlp.get_pipe(name).forget_temperatures()


def test_scores_are_probabilities_at_the_temperature(trained):
    nlp, _ = trained
    doc = nlp(TEXTS[0])
    intents, findings = nlp.get_pipe("sentence_intent"), nlp.get_pipe("cpncf_assertion")
    plain = list(doc.spans[INTENTS].attrs["scores"])
    judged = [dict(scores) for scores in doc.spans[FINDINGS].attrs["assertion_scores"]]
    intents.set_temperature("intents", 1e6)
    findings.set_temperature("status", 1e6)
    try:
        doc = nlp(TEXTS[0])
        assert doc.spans[INTENTS].attrs["scores"] == pytest.approx([1 / 3] * len(plain), abs=1e-4)
        for scores in doc.spans[FINDINGS].attrs["assertion_scores"]:
            assert list(scores.values()) == pytest.approx([1 / 3] * 3, abs=1e-4)
    finally:
        intents.forget_temperatures()
        findings.forget_temperatures()
    assert [dict(scores) for scores in nlp(TEXTS[0]).spans[FINDINGS].attrs["assertion_scores"]] == judged


def test_initialising_again_forgets_temperatures(make_nlp):
    case = CASES_BY_NAME["sentence_intent"]
    nlp = make_nlp(case.factory)
    examples = make_examples(nlp, case.annotate)
    nlp.initialize(lambda: examples)
    nlp.get_pipe(case.factory).set_temperature("intents", 3.0)
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe(case.factory).temperature("intents") == 1.0


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.7])
def test_calibration_and_further_training_keep_what_a_threshold_lets_through(make_nlp, threshold):
    """The threshold moves along, in the config too, and comes back when the temperature is forgotten."""
    case = CASES_BY_NAME["sentence_intent"]
    nlp = make_nlp((case.factory, case.factory, {"multi_label": True, "threshold": threshold}))
    examples = make_examples(nlp, case.annotate)
    optimizer = nlp.initialize(lambda: examples)
    head = nlp.get_pipe(case.factory)

    def found():
        docs = [nlp(text) for text in TEXTS]
        return [[(span.start, span.label_) for span in doc.spans[case.key]] for doc in docs]

    before = found()
    head.set_temperature("intents", 2.5)
    assert found() == before
    assert (head.threshold == threshold) == (threshold == 0.5)
    assert nlp.config["components"][case.factory]["threshold"] == head.threshold
    head.set_temperature("intents", 0.7)
    assert found() == before
    nlp.update(examples, sgd=optimizer)
    assert head.temperatures == {}
    assert head.threshold == pytest.approx(threshold)
