"""Heads that are initialised together read the examples once, and hear of them what each would read alone."""

import pytest
from spacy.tokens import Span
from toy import CASE, CASES, make_examples

from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.heads.gathering import gathered


class Counted:
    """``get_examples`` that knows how often it was called."""

    def __init__(self, examples):
        self.examples, self.n_readings = list(examples), 0

    def __call__(self):
        self.n_readings += 1
        return iter(self.examples)


@pytest.fixture
def nlp(make_nlp):
    return make_nlp(*(case.factory for case in CASES))


def all_gold(nlp):
    return make_examples(nlp, *(case.annotate for case in CASES))


def gold_with_modifiers(nlp):
    examples = all_gold(nlp)
    doc = examples[0].reference
    finding = Span(doc, 0, 1, label="RARE")
    write_group(doc, "medmtl_findings", [finding], assertion=["positive"], assertion_modifiers=[["rare"]])
    return examples


def test_the_examples_are_read_once_for_all_heads(nlp):
    get_examples = Counted(gold_with_modifiers(nlp))
    nlp.initialize(get_examples)
    assert get_examples.n_readings == 1
    for case in CASES:
        head = nlp.get_pipe(case.factory)
        alone = gathered(head, [], Counted(get_examples.examples))
        assert set(head.labels) == alone.labels
    assertion = nlp.get_pipe("cpncf_assertion")
    assert list(assertion.modifiers) == ["rare"]


def test_another_initialisation_reads_anew(nlp):
    get_examples = Counted(all_gold(nlp))
    nlp.initialize(get_examples)
    for example in get_examples.examples:
        doc = example.reference
        spans = [Span(doc, span.start, span.end, label="RARE") for span in doc.spans.get("medmtl_intents", [])]
        write_group(doc, "medmtl_intents", spans)
    nlp.initialize(get_examples)
    assert get_examples.n_readings == 2
    assert "RARE" in nlp.get_pipe("sentence_intent").labels


def test_heads_that_are_not_initialised_stay_as_they_are(nlp):
    """Gathering for the others too must not change them: they are trained."""
    nlp.initialize(Counted(all_gold(nlp)))
    ner, assertion = nlp.get_pipe("sru_nested_ner"), nlp.get_pipe("cpncf_assertion")
    before = (list(assertion.labels), list(assertion.modifiers))
    ner.initialize(Counted(gold_with_modifiers(nlp)), nlp=nlp)
    assert (list(assertion.labels), list(assertion.modifiers)) == before


def test_gold_that_one_head_cannot_read_stops_that_head_only(nlp, monkeypatch):
    get_examples = Counted(all_gold(nlp))
    nlp.initialize(get_examples)
    ner, intents = nlp.get_pipe("sru_nested_ner"), nlp.get_pipe("sentence_intent")

    def unreadable(doc):
        raise ValueError("gold of another shape")

    monkeypatch.setattr(ner, "gold_labels", unreadable)
    intents.initialize(get_examples, nlp=nlp)
    with pytest.raises(ValueError, match="gold of another shape"):
        ner.initialize(get_examples, nlp=nlp)


def test_callables_that_cannot_be_looked_up_are_read_by_each_head(nlp):
    class Unhashable(Counted):
        __hash__ = None

    get_examples = Unhashable(all_gold(nlp))
    nlp.initialize(get_examples)
    assert get_examples.n_readings == len(CASES)
    assert list(nlp.get_pipe("pair_relation").labels) == sorted(CASE["pair_relation"].labels)
