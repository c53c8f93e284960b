"""What ``compare_assertion`` compares, each as a function from texts with given spans to decisions about them."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_medmtl.annotations.extensions import MODIFIERS
from spacy_medmtl.annotations.groups import FINDINGS, GIVEN, group_values

OURS, NEGSPACY, MEDSPACY, FLOOR = "cpncf_assertion", "negspacy", "medspaCy ConText", "floor"
LABEL = "PROBLEM"  # of given spans; one that our pipelines do not find by themselves
NEGATED = "negated"
CONTEXT_CATEGORIES = {
    "NEGATED_EXISTENCE": NEGATED,
    "POSSIBLE_EXISTENCE": "uncertain",
    "HYPOTHETICAL": "hypothetical",
    "HISTORICAL": "historical",
    "FAMILY": "family",
}
PACKAGES = ("spacy", "torch", "negspacy", "medspacy", "PyRuSH")
OTHER_HEADS = ("sentence_intent", "pair_relation", "sru_nested_ner")

Bounds = tuple[int, int]
Decision = dict[str, bool]  # attribute -> whether it holds of a span; without those that are not decided


@dataclass(frozen=True)
class Case:
    """A text, its given spans in characters, what holds of each, and for traps the phenomenon of each."""

    text: str
    spans: list[Bounds]
    gold: list[Decision]
    phenomena: list[str]


Tool = Callable[[Sequence[Case]], list[list[Decision]]]


def floor() -> Tool:
    return lambda cases: [[dict.fromkeys((NEGATED, *MODIFIERS), False)] * len(case.spans) for case in cases]


def ours(nlp: Language) -> Tool:
    """Given spans go in by their span group; the status of each comes back in ``FINDINGS``."""

    def decide(cases: Sequence[Case]) -> list[list[Decision]]:
        docs = nlp.pipe(given_docs(nlp, cases))
        return [[_our_decision(doc, span) for span in doc.spans[GIVEN]] for doc in docs]

    return decide


def load_ours(path: Path, mixed_precision: bool | None = None) -> Language:
    """A saved pipeline without its other heads, which only asserts. mixed_precision: None for as it was saved."""
    setting = {} if mixed_precision is None else {"components.encoder.model.mixed_precision": mixed_precision}
    nlp = spacy.load(path, config=setting)
    for name, factory in nlp.pipe_factories.items():
        if factory in OTHER_HEADS:
            nlp.disable_pipe(name)
    head: Any = nlp.get_pipe(OURS)
    head.mode = "assert"
    return nlp


def given_docs(nlp: Language, cases: Sequence[Case]) -> Iterator[Doc]:
    for case in cases:
        doc = nlp.make_doc(case.text)
        doc.spans[GIVEN] = [_token_span(doc, bounds) for bounds in case.spans]
        yield doc


def _our_decision(doc: Doc, span: Span) -> Decision:
    statuses, held = group_values(doc, FINDINGS, "assertion"), group_values(doc, FINDINGS, "assertion_modifiers")
    scores = group_values(doc, FINDINGS, "assertion_scores")
    for i, found in enumerate(doc.spans[FINDINGS]):
        if (found.start, found.end) == (span.start, span.end):
            decided = [name for name in MODIFIERS if held and (not scores or name in scores[i])]
            return {NEGATED: statuses[i] == "negative", **{name: name in held[i] for name in decided}}
    return {}


def negspacy(lang: str = "en", terms: dict[str, list[str]] | None = None) -> Tool:
    """terms: its cues by kind; None for its own, of English notes. Raises ImportError where it is not installed."""
    importlib.import_module("negspacy.negation")
    nlp = spacy.blank(lang)
    nlp.add_pipe("sentencizer")
    # A name of its own: our component can register ``negex`` as an alias.
    settings: dict[str, Any] = {"extension_name": "peer_negex"}
    nlp.add_pipe("negex", config=settings if terms is None else {**settings, "neg_termset": terms})
    return partial(_on_entities, nlp, lambda doc: [{NEGATED: bool(span._.peer_negex)} for span in doc.ents])


def medspacy() -> Tool:
    """Raises ImportError where it is not installed."""
    package = importlib.import_module("medspacy")
    importlib.import_module("loguru").logger.disable("PyRuSH")  # a line for every token, on stderr
    nlp = package.load(medspacy_enable=["medspacy_tokenizer", "medspacy_pyrush"])
    # It would set ``is_negated`` and others, which are ours too: what they are set from is read instead.
    nlp.add_pipe("medspacy_context", config={"span_attrs": None})

    def read(doc: Doc) -> list[Decision]:
        found = {(span.start, span.end): dict.fromkeys((NEGATED, *MODIFIERS), False) for span in doc.ents}
        for target, modifier in doc._.context_graph.edges:
            if modifier.category in CONTEXT_CATEGORIES:
                found[(target.start, target.end)][CONTEXT_CATEGORIES[modifier.category]] = True
        return list(found.values())

    return partial(_on_entities, nlp, read)


def _on_entities(nlp: Language, read: Callable[[Doc], list[Decision]], cases: Sequence[Case]) -> list[list[Decision]]:
    """Give spans as entities, those that overlap in Docs of their own, and read the decisions on them."""
    docs: list[Doc] = []
    owners: list[tuple[int, list[int]]] = []
    for n, case in enumerate(cases):
        spans = [_token_span(nlp.make_doc(case.text), bounds) for bounds in case.spans]
        for layer in _layers(spans):
            doc = nlp.make_doc(case.text)
            doc.ents = [Span(doc, spans[i].start, spans[i].end, LABEL) for i in layer]
            docs.append(doc)
            owners.append((n, layer))
    found: list[list[Decision]] = [[{} for _ in case.spans] for case in cases]
    for (n, layer), doc in zip(owners, nlp.pipe(docs)):
        for i, decision in zip(layer, read(doc)):
            found[n][i] = decision
    return found


def _layers(spans: Sequence[Span]) -> list[list[int]]:
    """Numbers of spans in the order of the text, parted so that none overlaps another of its part."""
    layers: list[list[int]] = []
    for i in sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].end)):
        for layer in layers:
            if spans[layer[-1]].end <= spans[i].start:
                layer.append(i)
                break
        else:
            layers.append([i])
    return layers


def _token_span(doc: Doc, bounds: Bounds) -> Span:
    """The tokens of given characters; tokenizers differ, so a token that a border cuts is taken in."""
    span = doc.char_span(*bounds, label=LABEL, alignment_mode="expand")
    assert span is not None
    return span


def versions() -> str:
    """Of the packages that are installed and matter."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
