"""A reader decodes a file once: what it gives the second time equals fresh reading, whatever was done to the first."""

import os

import pytest
from spacy.tokens import DocBin, Span
from toy import CASES, TEXTS, make_examples, with_sentences

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training import gold_docs
from spacy_medmtl.training.corpus import multitask_corpus

HEADS = [case.factory for case in CASES]


@pytest.fixture
def nlp(make_nlp):
    return make_nlp(*HEADS)


@pytest.fixture
def path(nlp, tmp_path):
    docs = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES))]
    for doc in docs:
        for group in doc.spans.values():
            group.attrs["annotated_labels"] = sorted({span.label_ for span in group})
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


@pytest.fixture
def n_decoded(monkeypatch):
    """Files that were decoded."""
    files = []
    decode = gold_docs.decoded_docs
    monkeypatch.setattr(gold_docs, "decoded_docs", lambda path, *args: files.append(path.name) or decode(path, *args))
    return lambda: len(files)


def entries(path, **settings):
    whole = {"path": str(path), **settings}
    return {"whole": whole, "first": {**whole, "tasks": [HEADS[0]], "limit": 2}, "none": {**whole, "tasks": []}}


def content(examples):
    """All that an Example has."""
    return [
        (part.to_json(), dict(part.user_data), {key: dict(group.attrs) for key, group in part.spans.items()})
        for example in examples
        for part in (example.predicted, example.reference)
    ]


@pytest.mark.parametrize("settings", [{}, {"type_prefix": "own"}, {"limit": 3}])
def test_later_readings_equal_fresh_ones(nlp, path, n_decoded, settings):
    corpora = entries(path, **settings)
    fresh = content(multitask_corpus(corpora, gold_sents=True)(nlp))
    reader = multitask_corpus(corpora, gold_sents=True)
    for _ in range(3):
        assert content(reader(nlp)) == fresh
    assert n_decoded() == 2  # one a reader


def test_what_is_done_to_examples_stays_theirs(nlp, path):
    reader = multitask_corpus(entries(path))
    fresh = content(reader(nlp))
    for example in reader(nlp):
        example.reference.spans.clear()
        example.reference.ents = [Span(example.reference, 0, 1, label="X")]
        example.reference.user_data["x"] = 1
        example.predicted.spans["x"] = [example.predicted[0:1]]
    assert content(reader(nlp)) == fresh


def test_a_reading_that_was_broken_off_is_completed_later(nlp, path, n_decoded):
    reader = multitask_corpus(entries(path))
    fresh = content(multitask_corpus(entries(path))(nlp))
    next(iter(reader(nlp)))
    one, two = iter(reader(nlp)), iter(reader(nlp))
    woven = [example for pair in zip(one, two) for example in pair]
    assert content(woven[::2]) == content(woven[1::2]) == fresh
    assert n_decoded() == 2


def test_the_present_tokenizer_and_components_count(nlp, path):
    reader = multitask_corpus({"one": {"path": str(path), "tasks": HEADS[:1]}})
    before = [len(example.predicted) for example in reader(nlp)]
    nlp.tokenizer.add_special_case("knee", [{"ORTH": "kn"}, {"ORTH": "ee"}])
    after = [len(example.predicted) for example in reader(nlp)]
    assert after == [n + text.split().count("knee") for n, text in zip(before, TEXTS)]


def test_other_pipelines_and_changed_files_are_read_anew(nlp, make_nlp, path, n_decoded):
    reader = multitask_corpus({"one": {"path": str(path)}})
    assert len(list(reader(nlp))) == 4
    other = make_nlp(*HEADS)
    assert all(example.reference.vocab is other.vocab for example in reader(other))
    DocBin(docs=[with_sentences(other, TEXTS[0])]).to_disk(path)
    os.utime(path, ns=(0, 0))
    assert [example.text for example in reader(other)] == TEXTS[:1]
    assert n_decoded() == 3


def test_docs_of_a_memory_zone_are_not_kept(nlp, path, n_decoded):
    reader = multitask_corpus({"one": {"path": str(path)}})
    with nlp.memory_zone():
        assert len(list(reader(nlp))) == 4
    assert [example.text for example in reader(nlp)] == TEXTS
    assert n_decoded() == 2


def test_a_damaged_file_stays_damaged(nlp, path, tmp_path):
    """Also where the damage is not in the first Doc."""
    docs = DocBin().from_disk(path)
    docs.span_groups[2] = b"\xc1"
    docs.to_disk(path)
    reader = multitask_corpus({"one": {"path": str(path)}})
    for _ in range(2):
        with pytest.raises(MedmtlError, match=r"E301.*'one'.*gold\.spacy is no spaCy DocBin"):
            list(reader(nlp))
