"""``cpncf_assertion``: modes, sources of given spans, modifiers, evidence, names of other tools, hostile spans."""

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from toy import TEXTS, make_example, make_examples, with_sentences

from spacy_medmtl.annotations.groups import (
    ANNOTATED_MODIFIERS,
    FINDINGS,
    GIVEN,
    GIVEN_SPANS_ONLY,
    TURNS,
    sentence_bounds,
    write_group,
)
from spacy_medmtl.cpncf_assertion.evidence import TRIED, without, words_read_for
from spacy_medmtl.cpncf_assertion.inputs import FindingInput
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

NAME = "cpncf_assertion"
TEXT = "mother has a fever . no fever . the left chest pain and cough ."


def annotate(doc):
    """Fever and cough, of the mother: family; after "no": negative; after "left": historical."""
    spans, statuses, modifiers = [], [], []
    for sent in doc.sents:
        words = {token.text for token in sent}
        for token in sent:
            if token.text in ("fever", "cough", "pain"):
                spans.append(Span(doc, token.i, token.i + 1, label="SIGN"))
                statuses.append("negative" if words & {"no", "denies"} else "positive")
                modifiers.append(["family"] * ("mother" in words) + ["historical"] * ("left" in words))
    write_group(doc, FINDINGS, spans, assertion=statuses, assertion_modifiers=modifiers)


@pytest.fixture(scope="module")
def trained(make_nlp):
    nlp = make_nlp((NAME, NAME, {"given": ["ents", GIVEN, "others"], "aliases": ["negspacy", "edsnlp"]}))
    texts = [*TEXTS, TEXT, "mother denies cough .", "a fever . mother has pain ."]
    examples = make_examples(nlp, annotate, texts=texts)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(150):
        nlp.update(examples, sgd=optimizer)
    return nlp, examples


def values(doc, name="assertion"):
    return {
        (span.text, span.label_): value
        for span, value in zip(doc.spans[FINDINGS], doc.spans[FINDINGS].attrs[name], strict=True)
    }


def with_mode(nlp, mode, doc):
    pipe = nlp.get_pipe(NAME)
    before, pipe.mode = pipe.mode, mode
    try:
        return nlp(doc)
    finally:
        pipe.mode = before


def test_modifiers_are_learnt_and_scored(trained):
    nlp, examples = trained
    assert nlp.get_pipe(NAME).modifiers == ["family", "historical"]
    scores = nlp.evaluate(examples)
    assert scores[f"{NAME}_f"] == 1.0
    assert {name: one["f"] for name, one in scores[f"{NAME}_f_per_modifier"].items()} == {
        "family": 1.0,
        "historical": 1.0,
    }


def test_getters(trained):
    nlp, _ = trained
    doc = nlp(TEXT)
    fever, no_fever, pain = doc[3:4], doc[6:7], doc[11:12]
    assert (fever._.assertion, fever._.is_family, fever._.is_historical) == ("positive", True, False)
    assert (no_fever._.is_negated, no_fever._.is_family) == (True, False)
    assert (pain._.is_historical, pain._.is_uncertain) == (True, None)  # a modifier that the data do not know
    assert doc[0:1]._.is_family is None
    scores = pain._.assertion_scores
    assert set(scores) == {"positive", "negative", "unknown", "family", "historical"}
    assert scores["positive"] + scores["negative"] + scores["unknown"] == pytest.approx(1.0)
    assert (no_fever._.negex, no_fever._.negation, pain._.history, fever._.family) == (True, True, True, True)
    assert pain._.hypothesis is None


@pytest.mark.parametrize("source", ["ents", GIVEN, "others"])
def test_spans_from_any_source_are_asserted(trained, source):
    nlp, _ = trained
    doc = with_sentences(nlp, TEXT)
    spans = [Span(doc, 0, 4, label="X"), Span(doc, 5, 7, label="Y"), Span(doc, 9, 14, label="X")]
    if source == "ents":
        doc.ents = spans
    else:
        doc.spans[source] = spans
    found = values(with_mode(nlp, "assert", doc))
    assert list(found) == [("mother has a fever", "X"), ("no fever", "Y"), ("left chest pain and cough", "X")]
    assert set(found.values()) <= {"positive", "negative", "unknown"}


def test_modes(trained):
    nlp, _ = trained
    doc = with_sentences(nlp, TEXT)
    doc.spans[GIVEN] = [Span(doc, 6, 7, label="SIGN"), Span(doc, 6, 7, label="OTHER"), Span(doc, 5, 7, label="SIGN")]
    found = {mode: set(values(with_mode(nlp, mode, doc.copy()))) for mode in ("find", "assert", "both")}
    assert found["find"] == {("fever", "SIGN"), ("pain", "SIGN"), ("cough", "SIGN")}
    assert found["assert"] == {("fever", "SIGN"), ("fever", "OTHER"), ("no fever", "SIGN")}
    assert found["both"] == found["find"] | found["assert"]
    assert len(with_mode(nlp, "both", doc.copy()).spans[FINDINGS]) == 4 + 2  # two fevers found; one of them given


def asserting(make_nlp, gold, updates=150, **config):
    """A pipeline that learns statuses of given spans: text -> [(start, end, status)]."""
    nlp = make_nlp((NAME, NAME, {"mode": "assert", **config}))

    def annotate_given(doc):
        spans = [Span(doc, start, end, label="SIGN") for start, end, _ in gold[doc.text]]
        group = write_group(doc, FINDINGS, spans, assertion=[status for *_, status in gold[doc.text]])
        group.attrs[GIVEN_SPANS_ONLY] = True

    examples = make_examples(nlp, annotate_given, texts=list(gold))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(updates):
        nlp.update(examples, sgd=optimizer)
    return nlp


def asserted(nlp, text, places):
    doc = with_sentences(nlp, text)
    doc.spans[GIVEN] = [Span(doc, start, end, label="SIGN") for start, end in places]
    return nlp(doc)


def test_overlapping_and_nested_spans_have_their_own_answers(make_nlp):
    gold = {
        "no chest pain but cough": [(0, 3, "positive"), (1, 3, "negative"), (2, 5, "unknown"), (4, 5, "positive")],
        "the fever . any pain ?": [(1, 2, "positive"), (1, 5, "unknown"), (4, 5, "negative")],  # over a border
    }
    with pytest.warns(MedmtlWarning):  # tags cannot say this; spans can
        nlp = asserting(make_nlp, gold)
    for text, found in gold.items():
        doc = asserted(nlp, text, [place[:2] for place in found])
        assert doc.spans[FINDINGS].attrs["assertion"] == [status for *_, status in found]


def test_prediction_judges_spans_by_the_rows_that_training_learns_from(trained):
    """Training puts the mean row of a span through the layer, prediction takes the mean of its tokens' logits."""
    nlp, examples = trained
    pipe = nlp.get_pipe(NAME)
    inputs, gold = pipe.training_batch(examples[:1])
    logits = pipe.logits(inputs)
    n_tokens = len(gold.tags.held)
    assert len(inputs.spans) > 1
    for rows, of_span in zip(inputs.spans, logits[n_tokens:]):
        numpy.testing.assert_allclose(logits[rows].mean(axis=0), of_span, atol=1e-5)


def test_sentences_without_given_spans_are_not_read_and_nothing_changes_by_that(trained):
    """One span, one over a border, one in a note's last sentence: as if every sentence were read."""
    nlp, _ = trained
    pipe = nlp.get_pipe(NAME)
    text = "hello . no fever . mother has pain . the left chest pain and cough . thanks . a fever ."
    bounds = sentence_bounds(with_sentences(nlp, text))
    for places, n_read in (([(3, 4)], 1), ([(3, 4), (7, 12)], 3), ([(19, 20), (3, 4), (3, 4)], 2)):
        doc = with_sentences(nlp, text)
        doc.spans[GIVEN] = [Span(doc, start, end, label=f"L{i}") for i, (start, end) in enumerate(places)]
        pipe.mode = "assert"
        try:
            assert len(pipe.reading(doc, pipe._given(doc)).units) == n_read < len(bounds)
            ((judged),) = pipe.predict([doc])
        finally:
            pipe.mode = "both"
        logits = pipe.logits(FindingInput([pipe._reading(doc, bounds)]))
        expected = pipe._judge(logits, [numpy.arange(start, end) for start, end in places])
        assert [judgement.status for _, judgement in judged] == [one.status for one in expected]
        for (_, judgement), one in zip(judged, expected, strict=True):
            assert judgement.scores == pytest.approx(one.scores, abs=1e-5)


def test_hostile_spans(trained):
    nlp, _ = trained
    doc = Doc(nlp.vocab, words=["no", "fever", "\n", "."] + ["cough"] * 60, sent_starts=[True] + [False] * 63)
    many = [Span(doc, 4 + i % 60, 5 + i % 60, label=f"L{i}") for i in range(500)]
    doc.spans[GIVEN] = [doc[2:3], doc[1:1], *many]
    doc.spans["others"] = []
    pipe = nlp.get_pipe(NAME)
    pipe.mode = "assert"
    try:
        for _, component in nlp.pipeline[1:]:
            doc = component(doc)
    finally:
        pipe.mode = "both"
    assert len(doc.spans[FINDINGS]) == 500  # the blank and the empty one say nothing
    assert [span.label_ for span in doc.spans[FINDINGS]] == [f"L{i}" for i in range(500)]
    assert all(len(doc.spans[FINDINGS].attrs[name]) == 500 for name in ("assertion", "scores", "assertion_modifiers"))


def test_values_survive_storage_and_workers(trained):
    nlp, _ = trained
    expected = [values(nlp(text), "assertion_scores").keys() for text in TEXTS]
    docs = list(DocBin(docs=[nlp(text) for text in TEXTS], store_user_data=False).get_docs(nlp.vocab))
    docs = [Doc(nlp.vocab).from_bytes(doc.to_bytes()) for doc in docs]
    assert [values(doc, "assertion_scores").keys() for doc in docs] == expected
    assert docs[0][7:8]._.assertion == "positive"
    assert docs[0][7:8]._.is_family is False
    worked = list(nlp.pipe(TEXTS, n_process=2))
    assert [values(doc, "assertion_modifiers") for doc in worked] == [
        values(nlp(text), "assertion_modifiers") for text in TEXTS
    ]


def test_evidence_tries_the_nearest_words_of_a_sentence_without_end(make_nlp):
    """A text that nobody split is not read again for each of its words."""
    nlp = asserting(make_nlp, {"no fever .": [(1, 2, "negative")], "fever .": [(0, 1, "positive")]}, updates=1)
    for n, place in ((300, 150), (300, 10), (20, 3)):
        doc = Doc(nlp.vocab, words=["fever"] * n, sent_starts=[True] + [False] * (n - 1))
        tried = words_read_for(nlp.get_pipe("cpncf_assertion"), doc[place : place + 2])
        nearest = sorted(set(range(n)) - {place, place + 1}, key=lambda i: max(place - i, i - place - 1))[:TRIED]
        assert tried == sorted(nearest)


def test_evidence_is_what_the_status_hangs_on(make_nlp):
    signs = "fever cough pain knee chest".split()
    gold = {f"{word} {sign} .".strip(): [(1, 2, status)] for sign in signs for word, status in NEGATORS.items()}
    gold |= {f"{sign} .": [(0, 1, "positive")] for sign in signs}
    nlp = asserting(make_nlp, gold, updates=80)
    doc = asserted(nlp, "no cough .", [(1, 2)])
    cough = doc[1:2]
    assert cough._.assertion == "negative"
    evidence = cough._.assertion_evidence
    assert evidence[0].text == "no"
    assert evidence[0].doc is doc
    assert doc[0:1]._.assertion_evidence is None
    lost = Doc(spacy.blank("en").vocab).from_bytes(doc.to_bytes())
    assert lost[1:2]._.assertion == "negative"
    assert lost[1:2]._.assertion_evidence is None  # nobody there to ask


def test_evidence_is_there_after_sourcing_loading_and_storing(make_nlp, tmp_path):
    nlp = make_nlp((NAME, NAME, {"mode": "assert"}))
    nlp.initialize(lambda: make_examples(nlp, annotate, texts=[TEXT]))
    sourced = spacy.blank("en")
    for name in ("sentencizer", "encoder", NAME):
        sourced.add_pipe(name, source=nlp)
    nlp.to_disk(tmp_path)
    for pipeline in (sourced, spacy.load(tmp_path)):
        doc = asserted(pipeline, "no cough .", [(1, 2)])
        assert doc[1:2]._.assertion_evidence is not None
        stored = Doc(pipeline.vocab).from_bytes(doc.to_bytes())
        assert stored[1:2]._.assertion_evidence is not None
        joined = Doc.from_docs([doc, stored])
        assert joined.spans[FINDINGS][1]._.assertion_evidence is not None


def test_evidence_reads_the_same_turns():
    """What is left out of a dialogue leaves its turns and speakers."""
    doc = Doc(spacy.blank("en").vocab, words="any cough ? no .".split(), sent_starts=[True, False, False, True, False])
    write_group(doc, TURNS, [doc[0:3], doc[3:5]], speakers=["D", "P"])
    for i, expected in ((1, [(0, 2), (2, 4)]), (3, [(0, 3), (3, 4)])):
        shorter = without(doc, i)
        assert [token.text for token in shorter] == [token.text for token in doc if token.i != i]
        assert [(turn.start, turn.end) for turn in shorter.spans[TURNS]] == expected
        assert shorter.spans[TURNS].attrs["speakers"] == ["D", "P"]
        assert [token.i for token in shorter if token.is_sent_start] == [0, expected[1][0]]


NEGATORS = {"no": "negative", "the": "positive", "any": "positive", "a": "positive", "denies": "negative"}


def test_modifiers_that_a_corpus_is_silent_on_are_masked(make_nlp):
    nlp = make_nlp(NAME)
    examples = make_examples(nlp, annotate, texts=[TEXT])
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe(NAME)

    def some(doc):
        annotate(doc)
        doc.spans[FINDINGS].attrs[ANNOTATED_MODIFIERS] = ["family"]

    def none(doc):
        annotate(doc)
        del doc.spans[FINDINGS].attrs["assertion_modifiers"]

    for annotator, judged in ((annotate, [True, True]), (some, [True, False]), (none, [False, False])):
        inputs, gold = pipe.training_batch([make_example(nlp, TEXT, annotator)])
        assert gold.modifiers.judged.tolist() == [judged] * 4
        scores, _ = pipe.model.begin_update(inputs)
        _, gradient = pipe.loss(gold, scores)
        silent = [column for column, known in zip((-2, -1), judged) if not known]
        assert (gradient[:, silent] == 0).all()


def test_a_pipeline_that_only_asserts_learns_from_given_spans(make_nlp):
    nlp = make_nlp((NAME, NAME, {"mode": "assert"}))

    def given_only(doc):
        annotate(doc)
        doc.spans[FINDINGS].attrs[GIVEN_SPANS_ONLY] = True

    examples = make_examples(nlp, given_only, texts=[TEXT, *TEXTS])
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(100):
        nlp.update(examples, sgd=optimizer)
    for example in examples:
        doc = example.predicted
        doc.spans[GIVEN] = [Span(doc, s.start, s.end, label="SIGN") for s in example.reference.spans[FINDINGS]]
    scores = nlp.evaluate(examples)
    assert scores[f"{NAME}_f"] == 1.0
    assert scores[f"{NAME}_span_f"] is None
    assert list(nlp("no fever .").spans[FINDINGS]) == []


def test_unknown_modes_and_aliases_are_refused(make_nlp):
    with pytest.raises(MedmtlError, match="E203.*mode.*guess"):
        make_nlp((NAME, NAME, {"mode": "guess"}))
    with pytest.raises(MedmtlError, match="E203.*aliases.*ctakes"):
        make_nlp((NAME, NAME, {"aliases": ["ctakes"]}))
