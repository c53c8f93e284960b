"""What is found in a Doc does not depend on who stands beside it: to the last bit, in float32, alone or in any batch,
in any order, in any thread. Only the scores of ``sru_nested_ner``, whose sentences walk together, move by rounding."""

import copy
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
from encoder_helpers import TASKS, TEXTS, arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.encoder.views.requests import ViewRequest

WORDS = "no the a has fever cough pain chest left knee denies . xyz".split()
TEXT = st.one_of(
    st.sampled_from(["", " ", "fever", ".", *TEXTS, "fever " * 70, ("the chest pain . " * 40).strip()]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join),
)


@pytest.fixture(scope="module", params=["document", "own"])
def nlp(request: pytest.FixtureRequest, document_path: Path, trained_path: Path) -> Language:
    """With heads that share one view, and with heads that have views of their own."""
    return spacy.load(document_path if request.param == "document" else trained_path)


def found(doc: Doc) -> tuple[dict[str, Any], list[float]]:
    """All that heads wrote, scores to the last bit; and the scores of entities apart."""
    written = {
        key: ([(span.start, span.end, span.label_) for span in group], dict(group.attrs))
        for key, group in sorted(doc.spans.items())
    }
    return written, written[ENTITIES][1].pop("scores")


def check(docs: Iterable[Doc], expected: Sequence[tuple[dict[str, Any], list[float]]]) -> None:
    for doc, (written, scores) in zip(docs, expected, strict=True):
        own, own_scores = found(doc)
        assert own == written
        assert own_scores == pytest.approx(scores, rel=0.0, abs=1e-6)


@settings(max_examples=8, derandomize=True, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=5), data=st.data())
def test_any_batch_in_any_order_gives_the_bits_of_each_alone(nlp: Language, texts: list[str], data: Any):
    alone = [found(nlp(text)) for text in texts]
    check(map(nlp, texts), alone)
    order = data.draw(st.permutations(range(len(texts))))
    batch_size = data.draw(st.sampled_from([1, 2, 3, 128]))
    check(nlp.pipe([texts[i] for i in order], batch_size=batch_size), [alone[i] for i in order])


@settings(max_examples=8, derandomize=True, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=5), view=st.sampled_from(["document", "tokens", "context"]))
def test_rows_have_the_bits_that_they_have_alone(nlp: Language, texts: list[str], view: str):
    model = nlp.get_pipe("encoder").model
    docs = [nlp.get_pipe("sentencizer")(nlp.make_doc(text)) for text in texts]
    for route in (TASKS[0], TASKS[3]):
        together = arrays(model.predict(ViewRequest(docs, route, view)))
        for doc, rows in zip(docs, together, strict=True):
            assert arrays(model.predict(ViewRequest([doc], route, view)))[0].tobytes() == rows.tobytes()


def test_there_is_something_to_compare(nlp: Language):
    written, _ = found(nlp(TEXTS[0]))
    scores = [score for _, attrs in written.values() for score in attrs.get("scores", [])]
    assert len(set(scores)) >= 3


@pytest.mark.parametrize("n_threads", [8])
def test_many_threads_give_what_one_gives(nlp: Language, n_threads: int):
    texts = [*TEXTS, "", "fever", "no fever . " * 20] * 4
    expected = [found(nlp(text)) for text in texts]
    with ThreadPoolExecutor(n_threads) as pool:
        check(pool.map(nlp, texts), expected)


@pytest.mark.parametrize("task", TASKS)
def test_a_head_with_an_encoder_of_its_own_gives_the_same_bits(nlp: Language, task: str):
    """``nlp.replace_listeners``: the other heads still share the encoder."""
    expected = [found(nlp(text)) for text in TEXTS]
    twin = copy.deepcopy(nlp)
    twin.replace_listeners("encoder", task, ["model.tok2vec"])
    assert task not in twin.get_pipe("encoder").listening_components
    check(twin.pipe(TEXTS), expected)
    check(map(nlp, TEXTS), expected)


def test_sourced_and_copied_pipelines_give_the_same_bits(nlp: Language):
    expected = [found(nlp(text)) for text in TEXTS]
    other, copied = spacy.blank("en"), copy.deepcopy(nlp)
    for name in nlp.pipe_names:
        other.add_pipe(name, source=copied)
    for twin in (copied, other):
        assert twin.get_pipe("encoder") is not nlp.get_pipe("encoder")
        check(twin.pipe(TEXTS), expected)
