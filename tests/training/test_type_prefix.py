"""``type_prefix`` keeps the gold of every head apart, and leaves what is no gold; the reader beside odd components."""

import pytest
import spacy
from spacy.tokens import DocBin, Span
from toy import CASE, CASES, TEXTS, make_examples

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, RELATIONS, TURNS, write_group
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.training.corpus import multitask_corpus

HEADS = [case.factory for case in CASES]


@pytest.fixture
def corpus(tmp_path):
    """A .spacy file with the toy gold of all heads, which says which labels it knows, and dialogue turns."""
    nlp = spacy.blank("en")
    docs = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES))]
    for doc in docs:
        for case in CASES:
            doc.spans[case.key].attrs[ANNOTATED_LABELS] = list(case.labels)
        write_group(doc, TURNS, list(doc.sents), speakers=["D"] * len(list(doc.sents)))
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


def read(nlp, path):
    return list(multitask_corpus({"notes": {"path": str(path), "type_prefix": "notes"}})(nlp))


def test_labels_of_every_head_are_prefixed_and_learnt(make_nlp, corpus):
    nlp = make_nlp(*HEADS)
    examples = read(nlp, corpus)
    nlp.initialize(lambda: examples)
    for case in CASES:
        assert nlp.get_pipe(case.factory).labels == tuple(f"notes${label}" for label in case.labels)
    losses = nlp.update(examples)
    assert all(losses[head] > 0.0 for head in HEADS)


def test_of_relations_the_labels_are_prefixed_and_of_turns_nothing(make_nlp, corpus):
    nlp = make_nlp(*HEADS)
    (example, *_) = read(nlp, corpus)
    assert {label for pair in read_pairs(example.reference) for label in pair.labels} == {"notes$CONTRAST"}
    assert example.reference.spans[RELATIONS].attrs[ANNOTATED_LABELS] == ["notes$AGREE", "notes$CONTRAST"]
    assert {turn.label_ for turn in example.predicted.spans[TURNS]} == {""}
    assert set(example.predicted.spans[TURNS].attrs["speakers"]) == {"D"}


class OddComponent:
    """One of another package, whose ``cfg`` is whatever it likes."""

    def __init__(self, cfg):
        self.cfg = cfg

    def __call__(self, doc):
        return doc


@spacy.Language.factory("odd_component", default_config={"cfg": None})
def make_odd(nlp, name, cfg):
    return OddComponent(cfg)


@pytest.mark.parametrize("cfg", [None, 3, ["a"], {"entities": ["a", "b"]}, {"given": 3}])
def test_components_of_others_do_not_break_the_reader(make_nlp, corpus, cfg):
    nlp = make_nlp("cpncf_assertion")
    nlp.add_pipe("odd_component").cfg = cfg
    assert len(read(nlp, corpus)) == len(TEXTS)


def test_white_space_in_gold_is_no_part_of_it(make_nlp):
    """Findings that were marked with the blanks around them, and one of blanks alone."""
    nlp = make_nlp("cpncf_assertion")
    head = nlp.get_pipe("cpncf_assertion")
    nlp.initialize(lambda: make_examples(nlp, CASE["cpncf_assertion"].annotate))

    def annotate(doc):
        blank = next(token.i for token in doc if token.is_space)
        bounds = [(1, blank + 1), (blank + 2, len(doc) - 1), (blank, blank + 1)]
        spans = [Span(doc, start, end, label="SIGN") for start, end in bounds]
        write_group(doc, "medmtl_findings", spans, assertion=["negative", "positive", "positive"])

    (example,) = make_examples(nlp, annotate, texts=["no fever \n\n and chest \t cough . \n hello"])
    inputs, gold = head.training_batch([example])
    words = [[example.predicted[int(i)].text for i in rows] for rows in inputs.spans]
    assert words
    assert not any(word.isspace() for rows in words for word in rows)
    tagged = [example.predicted[i] for i in gold.tags.held.any(axis=1).nonzero()[0].tolist()]
    assert not any(token.is_space for token in tagged)
    for doc in nlp.pipe(["WBC   12.3 (H)    fever", "a  b", "No   fever\t\tcough"]):
        assert not any(span[0].is_space or span[-1].is_space for span in doc.spans["medmtl_findings"])
