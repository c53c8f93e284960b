"""``cpncf_assertion`` on Docs: context reading, partly judged gold, given spans, what its scorer counts."""

import pytest
from spacy.tokens import Doc, Span
from spacy.training import Example
from toy import CASE, TEXTS, make_example, make_examples, weights, with_sentences

from spacy_medmtl.annotations.groups import FINDINGS, GIVEN, GIVEN_SPANS_ONLY, write_group
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

annotate_findings = CASE["cpncf_assertion"].annotate


def started(make_nlp, annotate=annotate_findings, texts=TEXTS, **config):
    nlp = make_nlp(("cpncf_assertion", "cpncf_assertion", config))
    examples = make_examples(nlp, annotate, texts=texts)
    return nlp, examples, nlp.initialize(lambda: examples)


def trained(make_nlp, *args, n_updates=60, **config):
    nlp, examples, optimizer = started(make_nlp, *args, **config)
    for _ in range(n_updates):
        nlp.update(examples, sgd=optimizer)
    return nlp, examples


def found_in(doc):
    statuses = doc.spans[FINDINGS].attrs["assertion"]
    return [(span.text, span.label_, status) for span, status in zip(doc.spans[FINDINGS], statuses)]


def test_getters_on_predictions(make_nlp):
    """On any span with the boundaries of a finding, so also on an entity."""
    nlp, _ = trained(make_nlp)
    doc = nlp(TEXTS[0])
    assert found_in(doc) == [("pain", "SIGN", "positive"), ("fever", "SIGN", "negative")]
    fever, pain = doc[10:11], doc[7:8]
    assert (fever.text, fever._.assertion, fever._.is_negated) == ("fever", "negative", True)
    assert (pain._.assertion, pain._.is_negated) == ("positive", False)
    assert Span(doc, 10, 11, label="ENTITY")._.is_negated is True
    assert doc[9:11]._.is_negated is None


TURNS = {
    "any fever ? no .": "negative",
    "any fever ? yes .": "positive",
    "has mother a cough ? no .": "negative",
    "has mother a cough ? yes .": "positive",
}


def annotate_asked(doc: Doc) -> None:
    spans = [Span(doc, i, i + 1, label="SIGN") for i, token in enumerate(doc) if token.text in ("fever", "cough")]
    write_group(doc, FINDINGS, spans, assertion=[TURNS[doc.text]] * len(spans))


@pytest.mark.parametrize("context", [0, 2])
def test_negation_from_the_next_turn_can_be_learnt(make_nlp, context):
    """The answer "No." to "Any fever?" makes it negative and "Yes." positive: with context, and not without, for the
    question is the same."""
    nlp = make_nlp(("cpncf_assertion", "cpncf_assertion", {"context": context}))
    nlp.remove_pipe("sentencizer")
    nlp.add_pipe("sentencizer", first=True, config={"punct_chars": [".", "?"]})
    examples = make_examples(nlp, annotate_asked, texts=list(TURNS))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(120 if context else 60):
        nlp.update(examples, sgd=optimizer)
    scores = nlp.evaluate(examples)
    assert scores["cpncf_assertion_span_f"] == 1.0
    assert scores["cpncf_assertion_f"] == (1.0 if context else 0.5)
    if context:
        for text, status in TURNS.items():
            doc = nlp(text)
            (finding,) = doc.spans[FINDINGS]
            assert finding._.assertion == status


def test_context_is_read_but_gives_no_loss_and_no_findings(make_nlp):
    """Each sentence is read once as target; rows of tokens are those of their own sentence's reading."""
    nlp, examples, _ = started(make_nlp, context=1)
    pipe = nlp.get_pipe("cpncf_assertion")
    inputs, gold = pipe.training_batch(examples[:1])
    (reading,) = inputs.readings
    assert reading.marked
    bounds = [(u.left, u.start, u.end, u.right) for u in reading.units]
    assert bounds == [(0, 0, 3, 9), (0, 3, 9, 12), (3, 9, 12, 12)]
    assert len(gold.tags.held) == len(examples[0].predicted)
    doc = nlp(TEXTS[0])
    assert pipe._reading(doc, [(s.start, s.end) for s in doc.sents]).units == reading.units


def test_given_spans_only_gives_no_loss_of_tags(make_nlp):
    nlp, *_ = started(make_nlp)
    pipe = nlp.get_pipe("cpncf_assertion")

    def annotate(doc):
        annotate_findings(doc)
        doc.spans[FINDINGS].attrs[GIVEN_SPANS_ONLY] = True

    inputs, gold = pipe.training_batch([make_example(nlp, TEXTS[0], annotate)])
    assert not gold.tags.held.any()
    assert [rows.tolist() for rows in inputs.spans] == [[7], [10]]
    assert gold.statuses.held.argmax(axis=1).tolist() == [0, 1]
    _, full = pipe.training_batch([make_example(nlp, TEXTS[0], annotate_findings)])
    assert full.tags.held.any(axis=1).all()


def test_no_given_span_means_no_step(make_nlp):
    """Judged spans only, and there is none: nothing to learn, so no weight moves."""
    nlp, examples, optimizer = started(make_nlp)
    nlp.update(examples, sgd=optimizer)

    def annotate(doc):
        write_group(doc, FINDINGS, [], assertion=[])
        doc.spans[FINDINGS].attrs[GIVEN_SPANS_ONLY] = True

    before, losses = weights(nlp), {}
    nlp.update(make_examples(nlp, annotate), sgd=optimizer, losses=losses)
    assert losses == {"encoder": 0.0, "cpncf_assertion": 0.0}
    assert weights(nlp) == before


def scored(make_nlp, gold, predicted, **attrs):
    """Scores where the gold and the predicted findings of one text are as given: (start, end, type, status)."""
    nlp, *_ = started(make_nlp)
    docs = []
    for findings in (predicted, gold):
        doc = with_sentences(nlp, TEXTS[0])
        spans = [Span(doc, start, end, label=label) for start, end, label, _ in findings]
        write_group(doc, FINDINGS, spans, assertion=[status for *_, status in findings])
        docs.append(doc)
    docs[1].spans[FINDINGS].attrs.update(attrs)
    scores = nlp.get_pipe("cpncf_assertion").score([Example(*docs)])
    return {part: scores[f"cpncf_assertion_{part}"] for part in ("p", "r", "f", "span_f", "f_per_type")}


def test_scores_by_hand(make_nlp):
    """The status counts in ``f``, not in ``span_f``; boundaries count in both."""
    gold = [(4, 6, "SIGN", "positive"), (10, 11, "SIGN", "negative")]
    scores = scored(make_nlp, gold, [(4, 6, "SIGN", "negative"), (10, 11, "SIGN", "negative")])
    assert (scores["f"], scores["span_f"]) == (0.5, 1.0)
    assert scores["f_per_type"]["SIGN/negative"]["p"] == 0.5
    assert scores["f_per_type"]["SIGN/positive"]["r"] == 0.0
    scores = scored(make_nlp, gold, [(4, 5, "SIGN", "positive"), (10, 11, "CHEST", "negative")])
    assert (scores["f"], scores["span_f"]) == (0.0, 0.0)


def test_a_type_may_hold_a_slash(make_nlp):
    """It is told from the status, and from another type that begins alike."""
    gold = [(4, 6, "sign/symptom", "positive")]
    predicted = [(4, 6, "sign/vital", "positive"), (7, 8, "sign/symptom", "positive")]
    assert scored(make_nlp, gold, predicted)["span_f"] == 0.0
    scores = scored(make_nlp, gold, [*gold, *predicted], annotated_labels=["sign/symptom"])
    assert (scores["p"], scores["r"]) == (0.5, 1.0)


def test_given_spans_only_leaves_predictions_elsewhere_out_of_the_score(make_nlp):
    gold = [(4, 6, "SIGN", "positive")]
    predicted = [(5, 6, "SIGN", "positive"), (10, 11, "SIGN", "negative"), (7, 8, "SIGN", "negative")]
    assert scored(make_nlp, gold, predicted)["p"] == 0.0
    right = [(4, 6, "SIGN", "positive"), *predicted[1:]]
    assert scored(make_nlp, gold, right)["p"] == pytest.approx(1 / 3)
    assert scored(make_nlp, gold, right, given_spans_only=True)["p"] == 1.0
    assert scored(make_nlp, gold, right, given_spans_only=True)["span_f"] is None  # boundaries were given
    assert scored(make_nlp, gold, predicted, given_spans_only=True)["p"] == 0.0  # none at all: nothing is right


def test_overlapping_gold_is_counted_and_the_longest_is_learnt(make_nlp):
    def annotate(doc):
        annotate_findings(doc)
        inner, *rest = doc.spans[FINDINGS]
        spans = [doc[inner.start : inner.end], Span(doc, inner.start - 1, inner.end, label="SIGN"), *rest]
        statuses = [doc.spans[FINDINGS].attrs["assertion"][0]] * 2 + doc.spans[FINDINGS].attrs["assertion"][1:]
        write_group(doc, FINDINGS, [Span(doc, s.start, s.end, label="SIGN") for s in spans], assertion=statuses)

    nlp = make_nlp("cpncf_assertion")
    example = make_example(nlp, TEXTS[0], annotate)
    with pytest.warns(MedmtlWarning, match=r"W201.*cpncf_assertion: 1 gold span\(s\).*overlaps another finding"):
        nlp.initialize(lambda: [example])
    pipe = nlp.get_pipe("cpncf_assertion")
    _, gold = pipe.training_batch([example])
    column = pipe.tags.column("SIGN", "positive", inside=False)
    assert gold.tags.held[5:9].argmax(axis=1).tolist() == [0, column, column + 1, 0]


def test_an_unknown_status_is_an_error(make_nlp):
    nlp, _, optimizer = started(make_nlp)

    def annotate(doc):
        annotate_findings(doc)
        doc.spans[FINDINGS].attrs["assertion"][0] = "maybe"

    with pytest.raises(MedmtlError, match="MEDMTL-E203.*'assertion' of 'cpncf_assertion' is 'maybe'.*'unknown'"):
        nlp.update([make_example(nlp, TEXTS[0], annotate)], sgd=optimizer)


def test_statuses_of_ones_own(make_nlp):
    def annotate(doc):
        annotate_findings(doc)
        group = doc.spans[FINDINGS]
        statuses = group.attrs["assertion"]
        group.attrs["assertion"] = ["absent" if status == "negative" else "family" for status in statuses]

    nlp, examples = trained(make_nlp, annotate, statuses=["family", "absent"])
    assert nlp.get_pipe("cpncf_assertion").model.get_dim("nO") == 1 + 2 * 2 * 2 + 2
    assert nlp.evaluate(examples)["cpncf_assertion_f"] == 1.0
    assert [status for _, _, status in found_in(nlp(TEXTS[0]))] == ["family", "absent"]


def test_status_of_given_spans_is_decided(make_nlp):
    """Each given span gets a status under its own label, beside what is found."""
    nlp, _ = trained(make_nlp)
    given, plain, blank = nlp.make_doc(TEXTS[0]), nlp.make_doc(TEXTS[0]), nlp.make_doc(" \n ")
    write_group(given, GIVEN, [Span(given, 9, 11, label="OTHER"), Span(given, 7, 8, label="SIGN"), given[2:2]])
    write_group(blank, GIVEN, [blank[0:1]])
    given, plain, blank = nlp.pipe([given, plain, blank])
    assert found_in(given) == [
        ("pain", "SIGN", "positive"),  # found and given: once
        ("fever", "SIGN", "negative"),
        ("no fever", "OTHER", "negative"),
    ]
    assert all(0.0 < score <= 1.0 for score in given.spans[FINDINGS].attrs["scores"])
    assert found_in(plain) == [("pain", "SIGN", "positive"), ("fever", "SIGN", "negative")]
    assert found_in(blank) == []
