"""What is found in a Doc does not depend on who stands beside it: to the last bit, in float32, alone or in any batch,
in any order, in any thread."""

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
from encoder_helpers import TASKS, TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

WORDS = "no the a has fever cough pain chest left knee denies . xyz".split()
TEXT = st.one_of(
    st.sampled_from(["", " ", "fever", ".", *TEXTS, "fever " * 70, ("the chest pain . " * 40).strip()]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join),
)


@pytest.fixture(scope="module", params=["document", "own"])
def nlp(request: pytest.FixtureRequest, document_path: Path, trained_path: Path) -> Language:
    """With heads that share one view, and with heads that have views of their own."""
    return spacy.load(document_path if request.param == "document" else trained_path)


def found(doc: Doc) -> dict[str, Any]:
    """All that heads wrote, scores to the last bit."""
    return {
        key: ([(span.start, span.end, span.label_) for span in group], dict(group.attrs))
        for key, group in sorted(doc.spans.items())
    }


@settings(max_examples=15, derandomize=True, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=8), data=st.data())
def test_any_batch_in_any_order_gives_the_bits_of_each_alone(nlp: Language, texts: list[str], data: Any):
    alone = [found(nlp(text)) for text in texts]
    assert [found(nlp(text)) for text in texts] == alone
    order = data.draw(st.permutations(range(len(texts))))
    batch_size = data.draw(st.sampled_from([1, 2, 3, 128]))
    docs = list(nlp.pipe([texts[i] for i in order], batch_size=batch_size))
    assert [found(doc) for doc in docs] == [alone[i] for i in order]


def test_there_is_something_to_compare(nlp: Language):
    written = found(nlp(TEXTS[0]))
    scores = [score for _, attrs in written.values() for score in attrs["scores"]]
    assert len(set(scores)) >= 3


@pytest.mark.parametrize("n_threads", [8])
def test_many_threads_give_what_one_gives(nlp: Language, n_threads: int):
    texts = [*TEXTS, "", "fever", "no fever . " * 20] * 4
    expected = [found(nlp(text)) for text in texts]
    with ThreadPoolExecutor(n_threads) as pool:
        assert list(pool.map(lambda text: found(nlp(text)), texts)) == expected


@pytest.mark.parametrize("task", TASKS)
def test_a_head_with_an_encoder_of_its_own_gives_the_same_bits(nlp: Language, task: str):
    """``nlp.replace_listeners``: the other heads still share the encoder."""
    expected = [found(nlp(text)) for text in TEXTS]
    twin = copy.deepcopy(nlp)
    twin.replace_listeners("encoder", task, ["model.tok2vec"])
    assert task not in twin.get_pipe("encoder").listening_components
    assert [found(doc) for doc in twin.pipe(TEXTS)] == expected
    assert [found(nlp(text)) for text in TEXTS] == expected


def test_sourced_and_copied_pipelines_give_the_same_bits(nlp: Language):
    expected = [found(nlp(text)) for text in TEXTS]
    other = spacy.blank("en")
    for name in nlp.pipe_names:
        other.add_pipe(name, source=nlp)
    for twin in (other, copy.deepcopy(nlp)):
        assert twin.get_pipe("encoder") is not nlp.get_pipe("encoder")
        assert [found(doc) for doc in twin.pipe(TEXTS)] == expected
