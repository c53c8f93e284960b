"""The probability that a finding is one, thresholds, one status in every mode, and texts that are hard to read."""

import math

import numpy
import pytest
from spacy.cli.find_threshold import find_threshold
from spacy.tokens import Doc, DocBin, Span
from toy import CASE, TEXTS, make_example, make_examples, with_sentences
from work import lines_run

from spacy_medmtl.annotations.groups import FINDINGS, GIVEN, write_group
from spacy_medmtl.annotations.rows import rows
from spacy_medmtl.cpncf_assertion.detection import believed, labelled_detections
from spacy_medmtl.cpncf_assertion.gold import GoldFinding
from spacy_medmtl.cpncf_assertion.tags import Finding
from spacy_medmtl.errors import MedmtlWarning

NAME = "cpncf_assertion"
ANNOTATE = CASE[NAME].annotate


@pytest.fixture(scope="module")
def unsure(make_nlp):
    """After so few steps that it is wrong at times and never sure."""
    nlp = make_nlp(NAME)
    examples = make_examples(nlp, ANNOTATE)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(32):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def dev(tmp_path_factory, unsure):
    folder = tmp_path_factory.mktemp("detection")
    unsure.to_disk(folder / "model")
    DocBin(docs=[example.reference for example in make_examples(unsure, ANNOTATE)]).to_disk(folder / "dev.spacy")
    return folder


@pytest.fixture
def head(unsure):
    """Its settings and temperatures, put back afterwards."""
    head = unsure.get_pipe(NAME)
    before = {name: head.cfg[name] for name in ("mode", "detection_threshold", "status_threshold", "tag_weight")}
    yield head
    head.temperatures = {}
    for name, value in before.items():
        setattr(head, name, value)


def found(nlp, texts=TEXTS):
    """(text, start, end) -> status and detection."""
    said = {}
    for text in texts:
        doc = nlp(text)
        group = doc.spans[FINDINGS]
        for span, *values in zip(group, group.attrs["assertion"], group.attrs["detection_scores"], strict=True):
            said[text, span.start, span.end] = values
    return said


def test_a_finding_is_one_if_it_shares_a_token_with_a_gold_one_of_its_type():
    gold = [GoldFinding(2, 5, "SIGN", "positive", ())]
    detected = [
        Finding(4, 6, "SIGN", 0.8),
        Finding(4, 6, "TEST", 0.7),
        Finding(5, 6, "SIGN", 0.6),
        Finding(0, 3, "SIGN", 1.0),
    ]
    decisions = labelled_detections([*detected, Finding(2, 5, "DRUG", 0.9)], gold, ["SIGN", "TEST"])
    assert decisions.gold[:, 0].tolist() == [True, False, False, True]
    numpy.testing.assert_allclose(decisions.probabilities()[:3, 0], [0.8, 0.7, 0.6])
    assert numpy.isfinite(decisions.logits).all()
    assert labelled_detections([], gold, ["SIGN"]).logits.shape == (0, 1)


def test_work_on_findings_grows_no_faster_than_they_do():
    """Those that are detected beside gold ones, and gold ones beside the sentences."""

    def work(n_findings):
        gold = [GoldFinding(2 * i, 2 * i + 1, "SIGN", "positive", ()) for i in range(n_findings)]
        detected = [Finding(2 * i + i % 2, 2 * i + 2, "SIGN", 0.9) for i in range(n_findings)]
        decided = labelled_detections(detected, gold, ["SIGN"])
        assert decided.gold.sum() == n_findings / 2
        return lines_run(lambda: labelled_detections(detected, gold, ["SIGN"]))

    assert work(800) < 4.4 * work(200)


@pytest.mark.parametrize("head", [NAME, "sru_nested_ner"])
def test_work_on_gold_of_many_sentences_grows_no_faster_than_they_do(make_nlp, head):
    nlp = make_nlp(head)
    case = CASE[head]
    nlp.initialize(lambda: make_examples(nlp, case.annotate))
    pipe = nlp.get_pipe(head)

    def work(n_texts):
        example = make_example(nlp, f"{' '.join(TEXTS)} " * n_texts, case.annotate)
        assert len(example.reference.spans[case.key]) >= n_texts
        assert not list(pipe.unusable(example))
        return lines_run(lambda: (list(pipe.unusable(example)), pipe.training_batch([example])))

    assert work(80) < 4.4 * work(20)


def test_calibrated_probabilities_are_compared_with_the_threshold():
    detected = [Finding(0, 1, "A", 0.9), Finding(2, 3, "A", 0.6), Finding(4, 5, "A", 1.0)]
    (first, last) = believed(detected, 2.0, 0.7)
    assert first.detection == pytest.approx(1 / (1 + math.exp(-math.log(9) / 2)))
    assert (last.start, last.detection) == (4, 1.0)
    assert believed(detected, 1.0, 0.0) == detected
    assert believed([], 2.0, 0.5) == []


def test_findings_carry_it_also_in_tables_and_given_spans_do_not(unsure):
    doc = with_sentences(unsure, TEXTS[0])
    doc.spans[GIVEN] = [Span(doc, 0, 1, label="OTHER")]
    doc = unsure(doc)
    *detected, given = doc.spans[FINDINGS].attrs["detection_scores"]
    assert detected
    assert all(0.5 < p <= 1.0 for p in detected)
    assert given is None
    scores = [row["detection_score"] for row in rows([doc])["findings"]]
    assert scores == [None, *detected]  # rows are in the order of the text
    stored = next(iter(DocBin(docs=[doc], store_user_data=False).get_docs(unsure.vocab)))
    assert stored.spans[FINDINGS].attrs["detection_scores"] == pytest.approx([*detected, None])


def test_the_threshold_leaves_out_what_is_less_probable(unsure, head):
    everything = found(unsure)
    middle = sorted(p for _, p in everything.values())[len(everything) // 2]
    head.detection_threshold = middle
    kept = found(unsure)
    assert 0 < len(kept) < len(everything)
    assert kept == {place: said for place, said in everything.items() if said[1] >= middle}


@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_the_threshold_moves_along_with_the_temperature(unsure, head, temperature):
    middle = sorted(p for _, p in found(unsure).values())
    head.detection_threshold = sum(middle[len(middle) // 2 - 1 :][:2]) / 2  # between two of them
    before, threshold = found(unsure), head.detection_threshold
    head.set_temperature("detection", temperature)
    after = found(unsure)
    assert after.keys() == before.keys()
    assert all(after[place][1] != before[place][1] for place in before)
    assert unsure.config["components"][NAME]["detection_threshold"] == head.detection_threshold != threshold
    head.forget_temperatures()
    assert head.detection_threshold == pytest.approx(threshold)


def test_a_status_threshold_cannot_move_along_and_says_so(head):
    head.status_threshold = 0.6
    with pytest.warns(MedmtlWarning, match="W206.*'status_threshold' of 0.6"):
        head.set_temperature("status", 2.0)
    assert head.status_threshold == 0.6
    head.status_threshold = 0.0
    head.set_temperature("status", 1.5)  # nothing to say


@pytest.mark.parametrize("setting", ["detection_threshold", "status_threshold"])
def test_find_threshold_of_spacy(dev, setting):
    score = f"{NAME}_span_f" if setting == "detection_threshold" else f"{NAME}_f"
    best, value, scores = find_threshold(
        dev / "model", dev / "dev.spacy", NAME, setting, score, n_trials=3, silent=True
    )
    assert scores[0.0] > 0.0
    assert scores[1.0] == 0.0  # nothing is as sure as that
    assert value == max(scores.values()) == scores[best]


def test_every_mode_says_the_same_of_a_span(unsure, head):
    """What was found, what is judged along with it, and the same spans given."""
    head.mode = "find"
    by_find = found(unsure)
    head.mode = "both"
    assert found(unsure) == by_find
    head.mode = "assert"
    for text in TEXTS:
        doc = with_sentences(unsure, text)
        own = {place[1:]: said[0] for place, said in by_find.items() if place[0] == text}
        doc.spans[GIVEN] = [Span(doc, start, end, label="GIVEN") for start, end in own]
        doc = unsure(doc)
        statuses = doc.spans[FINDINGS].attrs["assertion"]
        assert {(s.start, s.end): status for s, status in zip(doc.spans[FINDINGS], statuses, strict=True)} == own


def test_tags_have_the_say_in_a_status_that_their_weight_gives_them(unsure, head):
    """With 1, statuses are those of the tags alone, whatever the span says; calibration sees what prediction does."""

    def scores():
        doc = unsure(TEXTS[0])
        own = doc.spans[FINDINGS].attrs["assertion_scores"]
        return numpy.asarray([[one[name] for name in head.statuses] for one in own])

    of_spans = scores()
    head.tag_weight = 1.0
    of_tags = scores()
    head.tag_weight = 0.5
    both = numpy.sqrt(of_spans * of_tags)
    numpy.testing.assert_allclose(scores(), both / both.sum(axis=1, keepdims=True), rtol=1e-4)
    assert numpy.abs(of_spans - of_tags).max() > 0.01
    example = make_example(unsure, TEXTS[0], ANNOTATE)
    decisions = head.decisions([example])["status"]
    doc = with_sentences(unsure, TEXTS[0])
    doc = unsure(doc)
    gold = {(span.start, span.end): i for i, span in enumerate(example.reference.spans[FINDINGS])}
    common = [(i, gold[s.start, s.end]) for i, s in enumerate(doc.spans[FINDINGS]) if (s.start, s.end) in gold]
    assert common
    for here, there in common:
        numpy.testing.assert_allclose(decisions.probabilities()[there], scores()[here], rtol=1e-4)


@pytest.mark.parametrize("mode", ["find", "both", "assert"])
@pytest.mark.parametrize(
    "words",
    [
        ["cough"],
        ["\n"],
        [],
        "denies denial of any no fever".split(),
        ["cough", ","] * 300,
        "paciente niega dolor torácico y 発熱 なし".split(),
    ],
    ids=["one token", "one blank", "nothing", "status words inside", "300 in a list", "other languages"],
)
def test_hard_texts(unsure, head, mode, words):
    """No crash, as many values as findings, and numbers that are probabilities."""
    head.mode = mode
    doc = Doc(unsure.vocab, words=words)
    if words[:1] not in ([], ["\n"]):
        step = 1 if len(words) < 10 else 2
        doc.spans[GIVEN] = [doc[i : i + 1] for i in range(0, len(words), step)]
        doc.spans[GIVEN].append(doc[0 : min(len(doc), 6)])
    for name, pipe in unsure.pipeline:
        doc = doc if name == "sentencizer" else pipe(doc)
    group = doc.spans[FINDINGS]
    n_given = len({(span.start, span.end) for span in doc.spans.get(GIVEN, ())}) if mode != "find" else 0
    assert len(group) == n_given if mode == "assert" else len(group) >= n_given
    for name in ("assertion", "scores", "detection_scores"):
        assert len(group.attrs[name]) == len(group)
    assert all(0.0 <= p <= 1.0 for p in [*group.attrs["scores"], *group.attrs["detection_scores"]] if p is not None)
    assert not any(span[0].is_space or span[-1].is_space for span in group)


def test_gold_with_status_words_inside_and_300_findings_is_learnt(make_nlp):
    nlp = make_nlp(NAME)

    def annotate(doc):
        spans = [Span(doc, i, i + 1, label="SIGN") for i in range(0, 600, 2)]
        spans.append(Span(doc, 600, 603, label="SIGN"))
        write_group(doc, FINDINGS, spans, assertion=["negative"] * 300 + ["unknown"])

    example = make_example(nlp, "cough and " * 300 + "denies any denial", annotate)
    optimizer = nlp.initialize(lambda: [example])
    losses = [nlp.update([example], sgd=optimizer)[NAME] for _ in range(4)]
    assert losses[-1] < losses[0]
    assert len(nlp.get_pipe(NAME).training_batch([example])[0].spans) == 301


def test_no_finding_ends_with_white_space_where_gold_does(make_nlp):
    """Gold spans with white space at their ends are learnt, and found, without it."""
    nlp = make_nlp(NAME)

    def annotate(doc):
        spans = [Span(doc, token.i, token.i + 2, label="SIGN") for token in doc if token.text == "cough"]
        assert all(span[-1].is_space for span in spans)
        write_group(doc, FINDINGS, spans, assertion=["negative"] * len(spans))

    examples = [make_example(nlp, text, annotate) for text in ("no cough  . a fever .", "cough \n and fever")]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    assert [span.text for span in nlp("no cough  . a fever .").spans[FINDINGS]] == ["cough"]
    assert nlp.evaluate(examples)[f"{NAME}_f"] == 1.0
