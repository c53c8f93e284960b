"""Four small documents, and the ``Case`` of each head, with its gold: what the tests of all heads run over."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_medmtl.annotations.groups import write_group

TEXTS = [
    "hello mother . the left knee has pain . no fever .",
    "no cough . a fever . thanks .",
    "chest pain and cough . a fever . hello .",
    "denies any left knee pain . the cough is fine . thanks a mother .",
]
Annotate = Callable[[Doc], None]


def with_sentences(nlp: Language, text: str) -> Doc:
    """A Doc with a sentence after each full stop."""
    doc = nlp.make_doc(text)
    for i, token in enumerate(doc):
        token.is_sent_start = i == 0 or doc[i - 1].text in (".", "?")
    return doc


def spans_of(doc: Doc, phrases: dict[str, str]) -> list[Span]:
    """A labelled span for each place where one of ``phrases`` (phrase -> label) stands, in reading order."""
    found = []
    for phrase, label in phrases.items():
        words = phrase.split()
        for i in range(len(doc) - len(words) + 1):
            if [token.text for token in doc[i : i + len(words)]] == words:
                found.append(Span(doc, i, i + len(words), label=label))
    return sorted(found, key=lambda span: (span.start, -span.end))


def intent_of(sentence: Span) -> str:
    words = {token.text for token in sentence}
    if words & {"hello", "thanks"}:
        return "SOCIAL"
    return "DENIAL" if words & {"no", "denies"} else "FINDING"


def spans_alone(doc: Doc, key: str) -> None:
    """Annotated, and nothing there."""
    write_group(doc, key, [])


@dataclass(frozen=True)
class Case:
    """A head, its gold, and what the tests that all heads share expect of it. Each stands in ``case.py`` of the head's
    own test folder, as ``CASE``, and is found there.

    place: its route among the others, easy to hard. values: attrs of its span group that must survive storage.
    annotate_nothing: what an empty annotation looks like. finds_spans: whether it looks for spans anywhere, so that an
    empty annotation is a negative example. masked_columns: output columns of all labels but the first. output_layer:
    its module's. one_label_is_certain: with one judged label its loss is 0. can_grow: labels may be added to a trained
    one. learnt: what it saves beside labels and temperatures. checks_values: it refuses values of other kinds.
    kept_off_borders: what is left of its gold where tokens differ (``with_other_tokens``).
    """

    factory: str
    annotate: Annotate
    labels: Sequence[str]
    n_outputs: int
    key: str
    place: int
    masked_columns: Sequence[int]
    values: Sequence[str] = ("scores",)
    score: str = "f"
    n_updates: int = 60
    annotate_nothing: Callable[[Doc, str], None] = spans_alone
    finds_spans: bool = False
    output_layer: str = "linear"
    one_label_is_certain: bool = False
    can_grow: bool = False
    learnt: Sequence[str] = ()
    checks_values: bool = False
    kept_off_borders: Sequence[tuple] = ()


def make_example(nlp: Language, text: str, annotate: Annotate | None = None) -> Example:
    """An example whose reference has sentences and, if so told, gold; its predicted Doc has neither."""
    reference = with_sentences(nlp, text)
    if annotate is not None:
        annotate(reference)
    return Example(nlp.make_doc(text), reference)


def make_examples(nlp: Language, *annotate: Annotate, texts: Sequence[str] = tuple(TEXTS)) -> list[Example]:
    """One example per text, with the gold of all ``annotate``."""

    def all_of(doc: Doc) -> None:
        for one in annotate:
            one(doc)

    return [make_example(nlp, text, all_of) for text in texts]


def weights(nlp: Language) -> dict[str, bytes]:
    """The weights of all trainable components, to be compared bit by bit."""
    return {name: pipe.model.to_bytes() for name, pipe in nlp.pipeline if hasattr(pipe, "model")}


def found_cases() -> list[Case]:
    """The cases of all heads, easy to hard."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*/case.py")):
        spec = importlib.util.spec_from_file_location(f"{path.parent.name}_case", path)
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        found.append(module.CASE)
    return sorted(found, key=lambda case: case.place)


CASES = found_cases()
CASE = {case.factory: case for case in CASES}
