"""Entities in IOB files: BC2GM, linnaeus, and the IOB forms of BC5CDR and NCBI-disease.

The words are kept as given. The format does not say where blanks stood in the text, so the Doc has one after each word
and ``has_unknown_spaces``, which makes spaCy's reader and ours hand these very words to the pipeline.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from .audit import Audit
from .docs import set_sentence_starts
from .entities import drop_unknown, write_entities
from .formats.iob import Sentence, read_sentences


def convert(
    paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, labels: Mapping[str, str]
) -> Iterator[Doc]:
    """One Doc for each document where the file parts them, else one for each sentence.

    ``labels``: a type of the file -> its label; a mention of any other type is a loss. Raises MedmtlError E401 at the
    first loss in stop mode.
    """
    for path in paths:
        for _, sentences in groupby(read_sentences(path, audit), key=unit):
            yield sentences_doc(list(sentences), nlp, audit, labels)


def unit(sentence: Sentence) -> tuple[int, int]:
    """What a Doc is made of: a numbered document, or else a sentence by its line."""
    return (0, sentence.place.line) if sentence.document is None else (1, sentence.document)


def sentences_doc(sentences: Sequence[Sentence], nlp: Language, audit: Audit, labels: Mapping[str, str]) -> Doc:
    """The Doc of some sentences, one blank after each word. A mention of a type without a label is a loss."""
    doc = Doc(nlp.vocab, words=[word for sentence in sentences for word in sentence.words])
    spans: list[Span] = []
    starts: list[int] = []
    first = 0
    for sentence in sentences:
        starts.append(first)
        for mention in sentence.mentions:
            if mention.label in labels:
                label = labels[mention.label]
                spans.append(Span(doc, first + mention.start, first + mention.end, label=label))
            else:
                drop_unknown(mention.place, labels, audit)
        first += len(sentence.words)
    set_sentence_starts(doc, starts)
    write_entities(doc, spans, labels)
    return doc
