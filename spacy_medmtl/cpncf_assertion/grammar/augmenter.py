"""The augmenter ``spacy-medmtl.StatusAugmenter.v1``."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span
from spacy.training import Example

from ...annotations.groups import (
    ANNOTATED_LABELS,
    ANNOTATED_MODIFIERS,
    FINDINGS,
    GIVEN_SPANS_ONLY,
    trimmed,
    write_group,
)
from ...annotations.scoring import corpus_of
from ...errors import MedmtlError
from .composing import Fact, Text, compose_text
from .marks import MODIFIERS
from .reading import WORDS_BEFORE, WORDS_INSIDE, Grammar, read_grammar, shipped_grammar

Augmenter = Callable[[Language, Example], Iterator[Example]]
FEWEST_FINDINGS = 8  # known of a corpus before anything is composed of them
LONGEST = 6  # tokens of a finding that is used
TRIES = 20
LINE_BREAKS = ["\n", "\n\n", "\n\n\n"]


@dataclass
class _Bank:
    """Findings of a corpus that fit the templates: (words, label), each once, in the order of the corpus; and what the
    corpus says of its group."""

    attrs: dict[str, Any]
    findings: dict[tuple[str, str], None] = field(default_factory=dict)
    n_owed: float = 0.0  # Docs still to be composed

    def taker(self, draw: random.Random) -> Callable[[], tuple[str, str]]:
        """What draws findings, without repeating one until all have been drawn."""
        findings, n_left = list(self.findings), 0

        def take() -> tuple[str, str]:
            # A step of Fisher and Yates's shuffle a call: a text takes few of thousands.
            nonlocal n_left
            n_left = (n_left or len(findings)) - 1
            chosen = draw.randrange(n_left + 1)
            findings[chosen], findings[n_left] = findings[n_left], findings[chosen]
            return findings[n_left]

        return take


def status_augmenter(share: float, grammar: str | Path | None = None, spans_key: str = FINDINGS) -> Augmenter:
    """``spacy-medmtl.StatusAugmenter.v1``: beside each Doc with gold findings, Docs that a grammar of status composes
    of the findings of the same corpus. Status and modifiers are right by construction.

    share: how many composed Docs come for a real one, on average.
    grammar: a file with cues and templates; left out: the one that is shipped for the language of the pipeline.
    spans_key: the span group with gold findings.

    Composed Docs carry this group and no other gold. They are annotated for the labels that the real Docs are annotated
    for, and for all modifiers of the sample corpus's guide. Drawing is Python's ``random``, which ``[training] seed``
    seeds; every reading of the corpus gets Docs of its own (spaCy reads it once, unless ``max_epochs`` is -1).
    Raises MedmtlError E203 for a share below 0, E350 where no grammar is shipped for the language, E351 for a grammar
    with a faulty line, E352 where no template keeps findings on the borders of the language's tokens.
    """
    if not share >= 0:
        raise MedmtlError("E203", setting="share", name="StatusAugmenter", received=share, expected=["a number >= 0"])
    rules = {} if grammar is None else {"": read_grammar(Path(grammar))}  # by language, or one for all
    banks: dict[Any, _Bank] = {}

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        yield example
        reference = example.reference
        if spans_key not in reference.spans:
            return
        lang = "" if grammar is not None else str(nlp.lang)
        if lang not in rules:
            rules[lang] = read_grammar(shipped_grammar(lang))
        attrs = _attrs(reference, spans_key)
        bank = banks.setdefault((corpus_of(reference), repr(attrs)), _Bank(attrs))
        bank.findings.update(dict.fromkeys(fit_findings(reference, spans_key, rules[lang])))
        bank.n_owed += share
        while bank.n_owed >= 1 and len(bank.findings) >= FEWEST_FINDINGS:
            bank.n_owed -= 1
            draw = random.Random(random.random())
            doc = composed_doc(nlp, rules[lang], bank.taker(draw), draw, spans_key)
            doc.spans[spans_key].attrs.update(bank.attrs)
            yield Example(nlp.make_doc(doc.text), doc)

    return augment


def _attrs(doc: Doc, key: str) -> dict[str, Any]:
    """What composed Docs take over from the group of a real one."""
    attrs = doc.spans[key].attrs
    return {name: attrs[name] for name in (ANNOTATED_LABELS, GIVEN_SPANS_ONLY) if name in attrs}


def fit_findings(doc: Doc, key: str, grammar: Grammar) -> Iterator[tuple[str, str]]:
    """(words, label) of the gold findings that can stand where a noun phrase can: short ones without the words that
    make a clause, and not after words that want one. A capital that begins a sentence is made small."""
    inside, before = grammar.words(WORDS_INSIDE), grammar.words(WORDS_BEFORE)
    for span in doc.spans[key]:
        start, end = trimmed(doc, span.start, span.end)
        words = [token.text for token in doc[start:end] if not token.is_space]
        if not 0 < len(words) <= LONGEST or set("{}$") & set(span.text):
            continue
        lower = {word.lower() for word in words}
        if lower & inside or (start and doc[start - 1].lower_ in before):
            continue
        text = " ".join(doc[start:end].text.split())
        begins = start == 0 or doc[start - 1].is_space or doc[start - 1].text in ".:?!"
        if begins and words[0][1:].islower():
            text = text[0].lower() + text[1:]
        yield text, span.label_


def composed_doc(
    nlp: Language, grammar: Grammar, take: Callable[[], tuple[str, str]], draw: random.Random, key: str = FINDINGS
) -> Doc:
    """A Doc with composed statements, its sentences, and its findings under ``key``. Raises MedmtlError E352."""
    for _ in range(TRIES):
        text = compose_text(
            grammar, take, draw, fits=lambda text: None not in aligned_spans(nlp.make_doc(text.text), text)
        )
        if text is None:
            continue
        doc = nlp.make_doc(text.text)
        spans = [span for span in aligned_spans(doc, text) if span is not None]
        if len(spans) == len(text.facts):
            SENTENCIZER(doc)
            statuses, modifiers = [fact.status for fact in text.facts], [list(fact.modifiers) for fact in text.facts]
            group = write_group(doc, key, spans, assertion=statuses, assertion_modifiers=modifiers)
            group.attrs[ANNOTATED_MODIFIERS] = list(MODIFIERS.values())
            return doc
    raise MedmtlError("E352", path=grammar.path, lang=nlp.lang)


def aligned_spans(doc: Doc, text: Text) -> list[Span | None]:
    """The findings of a text as spans of its Doc, None for those that are not on token borders. A sign that the
    tokenizer leaves at a word ("-fever") comes along, as it does for who searches the text for findings."""
    return [_span(doc, text.text, fact) for fact in text.facts]


def _span(doc: Doc, text: str, fact: Fact) -> Span | None:
    """text: that of the Doc, which spaCy would put together anew from the tokens."""
    span = doc.char_span(fact.start, fact.end, label=fact.label, alignment_mode="expand")
    if span is None:
        return None
    more = text[span.start_char : fact.start] + text[fact.end : span.end_char]
    return None if any(character.isalnum() or character.isspace() for character in more) else span


# As the pipelines of this package part sentences: also at line breaks.
SENTENCIZER = Sentencizer(punct_chars=[*Sentencizer.default_punct_chars, *LINE_BREAKS])
