"""Sentence boundaries of ``medmtl_sentences`` beside spaCy's sentencizer, on texts laid out as notes are.

    python benchmarks/compare_sentences.py corpus/sample/dev/sample.spacy --corpora ../shared/corpora

Texts are put together from annotated sentences: a line each, running on, or wrapped at 80 columns with headings and
turns on lines of their own; then changed as exports change them. Scores are F1 of whole sentences, both ends right, in
characters that are visible. MTS-Dialog has no sentences: there it is the share of turns that begin a sentence, and
whether the sentences of the wrapped text are those of the text as it is.
"""

import argparse
import csv
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_medmtl.annotations.groups import INTENTS, SEPARATOR, TURNS, sentence_bounds

Sentence = tuple[int, int]  # in visible characters
INVISIBLE = "\u200b"
BREAKS = [".", "!", "?", "\n", "\n\n", "\n\n\n"]  # line feeds among them
VARIANTS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "indented": lambda text: "".join(f"    {line}" for line in text.splitlines(keepends=True)),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "double blanks": lambda text: text.replace(" ", "  "),
    "tabs": lambda text: text.replace(" ", "\t"),
    "zero-width spaces": lambda text: text.replace(" ", f" {INVISIBLE}"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path)
    parser.add_argument("--corpora", type=Path, help="A folder with piboso and mts_dialog.")
    arguments = parser.parse_args()
    splitters = make_splitters()
    groups = dict(layouts("sample", sample_paragraphs(arguments.sample)))
    if arguments.corpora:
        groups.update(layouts("PIBOSO", piboso_paragraphs(arguments.corpora / "piboso" / "dev.txt")))
    rows = [["texts", "layout", "change", *splitters], ["---", "---", "---", *("---:" for _ in splitters)]]
    for (corpus, layout), texts in groups.items():
        for variant, change in VARIANTS.items():
            rows.append([corpus, layout, variant, *(percent(f1(nlp, texts, change)) for nlp in splitters.values())])
    if arguments.corpora:
        dialogues = list(mts_dialogues(arguments.corpora / "mts_dialog" / "ValidationSet.csv"))
        turns = [percent(turn_recall(nlp, dialogues)) for nlp in splitters.values()]
        rows.append(["MTS-Dialog", "as it is", "turns that begin a sentence", *turns])
        same = [percent(agreement(nlp, dialogues)) for nlp in splitters.values()]
        rows.append(["MTS-Dialog", "wrapped", "sentences as before", *same])
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in rows)


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def make_splitters() -> dict[str, Language]:
    """spaCy's sentencizer, the same with line breaks, and ours."""
    made = {}
    for name, factory, config in (
        ("sentencizer", "sentencizer", {}),
        ("sentencizer with line breaks", "sentencizer", {"punct_chars": BREAKS}),
        ("medmtl_sentences", "medmtl_sentences", {}),
    ):
        made[name] = spacy.blank("en")
        made[name].add_pipe(factory, config=config)
    return made


def sample_paragraphs(path: Path) -> Iterator[list[list[str]]]:
    """For each document its paragraphs, each a list of sentences: headings and turns stand alone."""
    for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab):
        if SEPARATOR in doc.text:
            continue
        headings = {span.start for span in doc.spans.get(INTENTS, ()) if span.label_ == "heading"}
        turns = {span.start for span in doc.spans.get(TURNS, ())}
        found: list[list[str]] = []
        is_after_heading = True
        for start, end in sentence_bounds(doc):
            if is_after_heading or start in headings or start in turns:
                found.append([])
            found[-1].append(doc[start:end].text)
            is_after_heading = start in headings
        yield found


def piboso_paragraphs(path: Path) -> Iterator[list[list[str]]]:
    """Abstracts: one paragraph each."""
    for block in path.read_text(encoding="utf8").split("###"):
        sentences = [line.split("\t")[1].strip() for line in block.splitlines() if "\t" in line]
        if sentences:
            yield [sentences]


def layouts(
    corpus: str, documents: Iterator[list[list[str]]]
) -> Iterator[tuple[tuple[str, str], list[tuple[str, set[Sentence]]]]]:
    """The texts of a corpus in three layouts, with their sentences."""
    documents_ = list(documents)
    for layout, join in (
        ("a line each", lambda paragraph: "\n".join(paragraph)),
        ("running on", " ".join),
        ("wrapped", lambda paragraph: textwrap.fill(" ".join(paragraph), 80, break_on_hyphens=False)),
    ):
        texts = ["\n".join(map(join, document)) for document in documents_]
        yield (corpus, layout), [(text, gold(document)) for text, document in zip(texts, documents_)]


def gold(document: list[list[str]]) -> set[Sentence]:
    at = 0
    found = set()
    for paragraph in document:
        for sentence in paragraph:
            length = len(visible(sentence))
            found.add((at, at + length))
            at += length
    return found


def visible(text: str) -> str:
    return "".join(text.replace(INVISIBLE, "").split())


def split(nlp: Language, text: str) -> set[Sentence]:
    """The sentences of a text in visible characters, blank ones left out."""
    doc: Doc = nlp(text)
    found, at = set(), 0
    for sentence in doc.sents:
        length = len(visible(sentence.text))
        if length:
            found.add((at, at + length))
        at += length
    return found


def f1(nlp: Language, texts: list[tuple[str, set[Sentence]]], change: Callable[[str], str]) -> float:
    n_right = n_found = n_gold = 0
    for text, sentences in texts:
        found = split(nlp, change(text))
        n_right += len(found & sentences)
        n_found += len(found)
        n_gold += len(sentences)
    return 2 * n_right / (n_found + n_gold)


def mts_dialogues(path: Path) -> Iterator[str]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield "\n".join(line.strip() for line in row["dialogue"].splitlines() if line.strip())


def turn_recall(nlp: Language, dialogues: list[str]) -> float:
    n_right = n_turns = 0
    for text in dialogues:
        starts = {start for start, _ in split(nlp, text)}
        at = 0
        for line in text.split("\n"):
            n_turns += 1
            n_right += at in starts
            at += len(visible(line))
    return n_right / n_turns


def agreement(nlp: Language, dialogues: list[str]) -> float:
    """F1 of the sentences of the wrapped dialogues against those of the dialogues as they are."""

    def wrapped(text: str) -> str:
        return "\n".join(textwrap.fill(line, 80, break_on_hyphens=False) for line in text.split("\n"))

    return f1(nlp, [(text, split(nlp, text)) for text in dialogues], wrapped)


if __name__ == "__main__":
    main()
