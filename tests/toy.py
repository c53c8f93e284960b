"""Four small documents with gold for every head, and one ``Case`` per head: what the component tests run over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_medmtl.annotations.groups import FINDINGS, INTENTS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations

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


def annotate_intents(doc: Doc) -> None:
    write_group(doc, INTENTS, [Span(doc, s.start, s.end, label=intent_of(s)) for s in doc.sents])


def annotate_pairs(doc: Doc) -> None:
    """Adjacent sentences about findings: AGREE or CONTRAST; a pair with a social sentence holds nothing."""
    sents = list(doc.sents)
    pairs = []
    for one, two in zip(sents, sents[1:]):
        kinds = [intent_of(one), intent_of(two)]
        labels = () if "SOCIAL" in kinds else ("AGREE",) if kinds[0] == kinds[1] else ("CONTRAST",)
        pairs.append(JudgedPair((one.start, one.end), (two.start, two.end), labels, 1.0))
    write_relations(doc, pairs)


def annotate_entities(doc: Doc) -> None:
    phrases = {"left knee pain": "SIGN", "left knee": "BODY", "chest pain": "SIGN", "chest": "BODY", "fever": "SIGN"}
    write_group(doc, "medmtl_ner", spans_of(doc, phrases))


def annotate_findings(doc: Doc) -> None:
    spans = spans_of(doc, {"pain": "SIGN", "fever": "SIGN", "cough": "CHEST"})
    denied = [intent_of(span.sent) == "DENIAL" for span in spans]
    write_group(doc, FINDINGS, spans, assertion=["negative" if is_denied else "positive" for is_denied in denied])


@dataclass(frozen=True)
class Case:
    """A head, its gold, and what the tests expect of it.

    values: attrs of its span group that must survive storage. other: a label that the toy gold does not use.
    """

    factory: str
    annotate: Annotate
    labels: Sequence[str]
    n_outputs: int
    score: str
    key: str
    values: Sequence[str] = ("scores",)
    n_updates: int = 60
    config: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("sentence_intent", annotate_intents, ["DENIAL", "FINDING", "SOCIAL"], 3, "f", INTENTS, n_updates=90),
    Case("pair_relation", annotate_pairs, ["AGREE", "CONTRAST"], 2, "f", "medmtl_relations", ("scores", "labels"), 120),
    Case("sru_nested_ner", annotate_entities, ["BODY", "SIGN"], 6, "f", "medmtl_ner", n_updates=100),
    Case(
        "cpncf_assertion",
        annotate_findings,
        ["CHEST", "SIGN"],
        16,
        "f",
        FINDINGS,
        ("scores", "assertion", "assertion_modifiers"),
    ),
]


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
