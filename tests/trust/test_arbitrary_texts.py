"""Whatever the text is: the pipeline does not raise, does not alter it, and what it writes is valid."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

GROUPS = ["medmtl_intents", "medmtl_relations", "medmtl_ner", "medmtl_findings"]
ODD = [
    "no fever",
    "\n\n",
    "\r\n",
    "\t",
    "\u00a0",
    "\u200b",
    "\ufeff",
    "\x00",
    "é",
    "e\u0301",
    "无发热。",
    "😷",
    "a" * 300,
    "12/7",
]
TEXTS = st.lists(st.one_of(st.text(max_size=30), st.sampled_from(ODD)), max_size=12).map(" ".join)
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@cache
def load(path: Path) -> Language:
    return spacy.load(path)


def annotations(doc: Doc) -> list[Any]:
    """Everything but scores, which may differ in the last digits with what stands in the batch."""
    return [
        (key, [(span.start, span.end, span.label_) for span in doc.spans[key]], doc.spans[key].attrs.get("assertion"))
        for key in GROUPS
        if key in doc.spans
    ]


@FEW
@given(text=TEXTS)
def test_one_text(saved: Path, text: str):
    doc = load(saved)(text)
    assert doc.text == text
    for key in GROUPS:
        for span in doc.spans[key]:
            assert 0 <= span.start < span.end <= len(doc)
            assert span.label_ or key == "medmtl_relations"
        for value in doc.spans[key].attrs.get("scores", ()):
            assert all(0.0 <= float(one) <= 1.0 for one in (value.values() if isinstance(value, dict) else [value]))


@FEW
@given(texts=st.lists(TEXTS, max_size=5))
def test_a_stream_is_its_texts_one_by_one(saved: Path, texts: Sequence[str]):
    """In order, and whatever stands in the same batch."""
    nlp = load(saved)
    alone = [nlp(text) for text in texts]
    together = list(nlp.pipe(texts, batch_size=3))
    assert [doc.text for doc in together] == list(texts)
    assert [annotations(doc) for doc in together] == [annotations(doc) for doc in alone]


@pytest.mark.parametrize("text", ["", " ", "\n", "\x00", "\ud800", "." * 2000])
def test_texts_of_nothing(nlp: Language, text: str):
    assert nlp(text.encode("utf8", "replace").decode()).has_annotation("SENT_START")
