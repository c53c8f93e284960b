"""Defects that a review found: each test failed before its mend."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from toy import CASE, CASES, TEXTS, Case, make_examples, weights

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, FINDINGS, GIVEN_SPANS_ONLY, RELATIONS, write_group
from spacy_medmtl.encoder.views.requests import Reading, units_with_context
from spacy_medmtl.encoder.views.viewer import lay_out
from spacy_medmtl.errors import MedmtlError, MedmtlWarning
from spacy_medmtl.training.corpus import CorpusEntry, read_entry

annotate_entities = CASE["sru_nested_ner"].annotate
annotate_findings = CASE["cpncf_assertion"].annotate
annotate_pairs = CASE["pair_relation"].annotate

Make = Callable[..., Language]


def test_threads_that_share_a_pipeline_do_not_change_each_others_route(make_nlp: Make) -> None:
    """The active route was an attribute of the torch module: another thread could change it half-way through."""
    nlp = make_nlp("sentence_intent", "cpncf_assertion")
    examples = make_examples(nlp, CASE["sentence_intent"].annotate, CASE["cpncf_assertion"].annotate)
    nlp.initialize(lambda: examples)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(3):  # routes start equal
        nlp.update(examples, sgd=optimizer)
    texts = [f"{text} {'fever ' * n}" for n in range(15) for text in TEXTS]

    def scores(doc: Doc) -> list[float]:
        return [round(score, 4) for key in sorted(doc.spans) for score in doc.spans[key].attrs["scores"]]

    alone = [scores(nlp(text)) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = [scores(doc) for doc in pool.map(nlp, texts)]
    assert together == alone


def test_context_of_units_that_hold_others_stays_within_the_window(make_nlp: Make) -> None:
    """Span groups may nest; what comes after the outer unit then began before its end."""
    bounds = [(0, 130), (135, 145), (136, 137)]
    units = units_with_context(bounds, 1)
    assert all(unit.left <= unit.start <= unit.end <= unit.right for unit in units)
    nlp = make_nlp("sentence_intent")
    nlp.initialize(lambda: make_examples(nlp, CASE["sentence_intent"].annotate))
    module = nlp.get_pipe("encoder").model.shims[0].module
    doc = nlp.make_doc("fever " * 150)
    layout = lay_out(
        module.settings, "sentence", [Reading(doc, units, marked=True)], [module.settings.wordpieces.of_doc(doc)]
    )
    assert max(len(ids) for ids in layout.ids) <= module.settings.window.size


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)
def test_gold_of_labels_that_the_corpus_does_not_annotate_makes_no_step(make_nlp: Make, case: Case) -> None:
    """Zero gradient still moved weights, by weight decay and momentum."""
    nlp = make_nlp(case.factory)
    optimizer = nlp.initialize(lambda: make_examples(nlp, case.annotate))
    nlp.update(make_examples(nlp, case.annotate), sgd=optimizer)
    before = weights(nlp)
    examples = make_examples(nlp, case.annotate)
    for example in examples:
        example.reference.spans[case.key].attrs[ANNOTATED_LABELS] = ["of another component"]
    losses: dict[str, float] = {}
    nlp.update(examples, sgd=optimizer, losses=losses)
    assert losses[case.factory] == 0.0
    assert weights(nlp) == before


def test_exclusive_pairs_of_labels_that_the_corpus_does_not_annotate_make_no_step(make_nlp: Make) -> None:
    nlp = make_nlp(("pair_relation", "pairs", {"mode": "exclusive"}))
    examples = make_examples(nlp, annotate_pairs)
    optimizer = nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=optimizer)
    before = weights(nlp)
    for example in examples:
        example.reference.spans[RELATIONS].attrs[ANNOTATED_LABELS] = ["of another component"]
    nlp.update(examples, sgd=optimizer)
    assert weights(nlp) == before


def test_labels_of_a_file_count_once_and_leave_added_ones_in_place(make_nlp: Make) -> None:
    """A label given twice had two columns, and one added before was gone."""
    nlp = make_nlp("cpncf_assertion")
    pipe = nlp.get_pipe("cpncf_assertion")
    pipe.add_label("SYMPTOM")
    nlp.config["initialize"]["components"]["cpncf_assertion"] = {"labels": ["SIGN", "CHEST", "SIGN"]}
    nlp.initialize(lambda: make_examples(nlp, annotate_findings))
    assert pipe.labels == ("SIGN", "CHEST", "SYMPTOM")


def test_findings_across_sentences_are_reported(make_nlp: Make) -> None:
    """Each sentence is decoded apart, so they cannot be found."""
    nlp = make_nlp("cpncf_assertion")
    (example,) = make_examples(nlp, texts=["no fever . cough today ."])
    write_group(example.reference, FINDINGS, [Span(example.reference, 1, 4, "SIGN")], assertion=["positive"])
    with pytest.warns(MedmtlWarning, match="W201.*crosses a sentence border"):
        nlp.initialize(lambda: [example])


def test_gold_findings_without_status_are_an_error_when_scored(make_nlp: Make) -> None:
    """They counted as no findings at all, so nothing could be missed."""
    nlp = make_nlp("cpncf_assertion")
    examples = make_examples(nlp, annotate_findings)
    nlp.initialize(lambda: examples)
    for example in examples:
        del example.reference.spans[FINDINGS].attrs["assertion"]
    with pytest.raises(MedmtlError, match="E104"):
        nlp.evaluate(examples)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)
def test_references_made_of_words_alone_are_aligned_as_spacy_does(make_nlp: Make, case: Case) -> None:
    """Their text has other blanks ("fever ." for "fever."), so characters cannot be compared."""
    nlp = make_nlp(case.factory)
    text = "hello mother. the left knee has pain, no fever.\nno chest pain. a fever."
    doc = nlp.make_doc(text)
    words = [token.text for token in doc if not token.is_space]
    reference = Doc(nlp.vocab, words=words, sent_starts=[i == 0 or words[i - 1] == "." for i in range(len(words))])
    assert reference.text != text
    case.annotate(reference)
    example = Example(doc, reference)
    nlp.initialize(lambda: [example])
    pipe = nlp.get_pipe(case.factory)
    assert not list(pipe.unusable(example))
    if case.finds_spans:
        found = [(example.predicted[start:end].text, label) for start, end, label, *_ in pipe._gold(example)]
        assert found == [(span.text, span.label_) for span in reference.spans[case.key]]
    optimizer = nlp.initialize(lambda: [example])
    optimizer.learn_rate = 0.005
    for _ in range(60):
        nlp.update([example], sgd=optimizer)
    predicted = Example(nlp.make_doc(text), reference)
    for token in predicted.predicted:
        token.is_sent_start = token.i == 0 or doc[token.i - 1].text == "."
    assert nlp.evaluate([predicted])[f"{case.factory}_f"] == 1.0


def test_categories_of_other_components_stay(make_nlp: Make) -> None:
    nlp = make_nlp(("sentence_intent", "intent", {"units": "doc"}))
    references = [nlp.make_doc(text) for text in TEXTS]
    for i, reference in enumerate(references):
        reference.cats = {"X": float(i % 2), "Y": float(1 - i % 2)}
    examples = [Example(nlp.make_doc(reference.text), reference) for reference in references]
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("intent")
    doc = nlp.make_doc(TEXTS[0])
    doc.cats = {"URGENT": 0.9}
    assert set(pipe(doc).cats) == {"URGENT", "X", "Y"}
    alone = nlp.evaluate(examples)["intent_f"]
    for example in examples:
        example.predicted.cats = {"URGENT": 1.0}
    assert nlp.evaluate(examples)["intent_f"] == alone


def test_given_spans_go_where_the_component_looks_for_them(make_nlp: Make, tmp_path) -> None:
    nlp = make_nlp(("cpncf_assertion", "cpncf_assertion", {"given": ["ents", "marked"]}))
    doc = nlp.make_doc("no fever")
    group = write_group(doc, FINDINGS, [Span(doc, 1, 2, "SIGN")], assertion=["negative"])
    group.attrs[GIVEN_SPANS_ONLY] = True
    DocBin(docs=[doc]).to_disk(tmp_path / "x.spacy")
    (example,) = read_entry(CorpusEntry("x", tmp_path / "x.spacy", None, 0), nlp, gold_sents=False)
    assert [span.text for span in example.predicted.spans["marked"]] == ["fever"]


def test_entities_score_alike_with_other_blanks(make_nlp: Make) -> None:
    """The scorer compared characters of two texts."""
    nlp = make_nlp("sru_nested_ner")
    words = ["no", "chest", "pain", ",", "a", "fever", "."]
    reference, predicted = Doc(nlp.vocab, words=words), nlp.make_doc("no chest pain, a fever.")
    for doc in (reference, predicted):
        annotate_entities(doc)
    pipe = nlp.get_pipe("sru_nested_ner")
    assert pipe.score([Example(predicted, reference)])["sru_nested_ner_f"] == 1.0
