"""Schedules and the batcher: which corpus gives its batch when, and what is in a batch."""

import random
from collections import Counter
from itertools import groupby

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.training import Example

from spacy_medmtl.annotations.scoring import CORPUS, corpus_of
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.batching import cut, task_batcher
from spacy_medmtl.training.schedules import loss_sum, proportional, round_robin

NLP = spacy.blank("en")
LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=15)
CORPORA = st.dictionaries(st.sampled_from(["a", "b", "c"]), LENGTHS, min_size=1)


def examples_of(corpora):
    """Examples from name -> lengths in tokens, with their number in the corpus as user data."""
    examples = []
    for name, lengths in corpora.items():
        for number, length in enumerate(lengths):
            reference = NLP.make_doc("a " * length)
            reference.user_data[CORPUS] = name
            reference.user_data["number"] = number
            examples.append(Example(NLP.make_doc("a " * length), reference))
    return examples


def names_of(batches):
    """The corpus of each batch, which must be one."""
    found = [{corpus_of(example.reference) for example in batch} for batch in batches]
    assert all(len(names) == 1 for names in found)
    return [names.pop() for names in found]


def numbers_of(batch):
    return [example.reference.user_data["number"] for example in batch]


def test_round_robin_is_algorithm_1():
    """One batch of every corpus in each round, as many rounds as the largest has batches."""
    assert list(round_robin()({"a": 1, "b": 3, "c": 2})) == [("a",), ("b",), ("c",)] * 3
    assert list(round_robin()({"a": 2})) == [("a",), ("a",)]
    assert list(round_robin()({})) == []


@given(LENGTHS, st.integers(1, 30))
def test_cut_keeps_order_and_budget(lengths, size):
    examples = examples_of({"a": lengths})
    batches = cut(examples, size)
    assert [example for batch in batches for example in batch] == examples
    assert all(batches)
    for batch, following in zip(batches, [*batches[1:], None]):
        n_tokens = sum(len(example.predicted) for example in batch)
        assert n_tokens <= size or len(batch) == 1
        if following:
            assert n_tokens + len(following[0].predicted) > size, "the next Doc would have fitted"


@given(CORPORA, st.integers(1, 30), st.integers(0, 3))
def test_round_robin_batches(corpora, size, seed):
    """Rounds over the sorted names; the largest corpus is through exactly once, the others at least once, each pass
    complete before the next begins."""
    random.seed(seed)
    batches = list(task_batcher(round_robin(), size)(examples_of(corpora)))
    names = names_of(batches)
    n_rounds = len(names) // len(corpora)
    assert names == sorted(corpora) * n_rounds
    through = []
    for name, lengths in corpora.items():
        own = [numbers_of(batch) for batch in batches if corpus_of(batch[0].reference) == name]
        numbers = [number for batch in own for number in batch]
        n_passes, rest = divmod(len(numbers), len(lengths))
        assert n_passes >= 1
        for i in range(n_passes):
            assert sorted(numbers[i * len(lengths) : (i + 1) * len(lengths)]) == list(range(len(lengths)))
        assert len(set(numbers[n_passes * len(lengths) :])) == rest
        through.append(n_passes == 1 and rest == 0)
    assert any(through), "the largest corpus sets the number of rounds"


@given(CORPORA, st.integers(1, 30))
def test_proportional_batches_are_one_pass_over_everything(corpora, size):
    random.seed(0)
    batches = list(task_batcher(proportional(), size)(examples_of(corpora)))
    names_of(batches)
    seen = Counter((corpus_of(e.reference), e.reference.user_data["number"]) for batch in batches for e in batch)
    assert seen == Counter((name, i) for name, lengths in corpora.items() for i in range(len(lengths)))


@given(CORPORA, st.integers(1, 30), st.integers(0, 3))
def test_summed_batches_hold_what_a_round_of_round_robin_does(corpora, size, seed):
    """From the same random state, batch by batch: only where a step ends differs."""
    state = random.seed(seed) or random.getstate()
    singles = list(task_batcher(round_robin(), size)(examples_of(corpora)))
    random.setstate(state)
    sums = list(task_batcher(loss_sum(), size)(examples_of(corpora)))
    n = len(corpora)
    assert len(sums) * n == len(singles)
    for i, batch in enumerate(sums):
        together = [example for one in singles[i * n : (i + 1) * n] for example in one]
        assert numbers_of(batch) == numbers_of(together)
        assert sorted({corpus_of(example.reference) for example in batch}) == sorted(corpora)


def test_a_smaller_corpus_starts_again_in_another_order():
    random.seed(0)
    batches = list(task_batcher(round_robin(), 1)(examples_of({"large": [1] * 24, "small": [1] * 8})))
    small = [numbers_of(batch)[0] for batch in batches if corpus_of(batch[0].reference) == "small"]
    passes = [small[i : i + 8] for i in (0, 8, 16)]
    assert [sorted(one) for one in passes] == [list(range(8))] * 3
    assert len({tuple(one) for one in passes}) == 3


def test_batches_are_those_of_the_seed():
    """And the examples that were given keep their order."""
    corpora = {"a": [3, 1, 4, 1, 5], "b": [9, 2, 6]}

    def run(seed):
        random.seed(seed)
        examples = examples_of(corpora)
        batches = list(task_batcher(round_robin(), 6)(examples))
        assert [e.reference.user_data["number"] for e in examples] == [0, 1, 2, 3, 4, 0, 1, 2]
        return [(corpus_of(batch[0].reference), numbers_of(batch)) for batch in batches]

    assert run(0) == run(0)
    assert run(0) != run(1)


def test_the_order_of_the_examples_does_not_set_the_order_of_the_corpora():
    examples = examples_of({"b": [1, 1], "a": [1, 1]})
    batches = task_batcher(round_robin(), 1)(reversed(examples))
    assert [name for name, _ in groupby(names_of(list(batches)))] == ["a", "b", "a", "b"]


def test_an_example_of_no_corpus_is_an_error():
    doc = NLP.make_doc("a")
    with pytest.raises(MedmtlError, match="MEDMTL-E303.*MultitaskCorpus"):
        next(task_batcher(round_robin())([Example(doc, doc.copy())]))


def test_no_examples_give_no_batches():
    assert list(task_batcher(round_robin())([])) == list(task_batcher(proportional())([])) == []
