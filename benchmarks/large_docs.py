"""What one Doc costs by what it has much of: words in a sentence, sentences, turns of speakers, findings, relations.

    python benchmarks/large_docs.py PIPELINE

Each Doc is read, its tables are made and its page is drawn: CPU seconds for a quarter of so many and for all, and the
exponent between the two (1: linear, 2: quadratic). Texts are invented.
"""

import math
import time
from collections.abc import Callable
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_medmtl import rows
from spacy_medmtl.annotations.groups import FINDINGS, GIVEN, TURNS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.displacy import render
from spacy_medmtl.training.report import table

WORDS = "any fever chest pain cough mild left knee swelling since mother had asthma no history of".split()


def one_sentence(nlp: Language, n: int) -> Doc:
    words = [WORDS[i * 7 % len(WORDS)] for i in range(n)]
    return Doc(nlp.vocab, words=words, sent_starts=[i == 0 for i in range(n)])


def short_sentences(nlp: Language, n: int) -> Doc:
    words = [word for i in range(n) for word in ("No", WORDS[i % len(WORDS)], WORDS[i * 5 % len(WORDS)], ".")]
    return Doc(nlp.vocab, words=words, sent_starts=[i % 4 == 0 for i in range(len(words))])


def turns(nlp: Language, n: int) -> Doc:
    doc = short_sentences(nlp, n)
    spans = [Span(doc, start, start + 4, label="turn") for start in range(0, len(doc), 4)]
    write_group(doc, TURNS, spans, speakers=["D" if i % 2 else "P" for i in range(n)])
    return doc


def given_findings(nlp: Language, n: int) -> Doc:
    doc = short_sentences(nlp, n)
    write_group(doc, GIVEN, [Span(doc, start + 1, start + 3, label="SIGN") for start in range(0, len(doc), 4)])
    return doc


def drawn_relations(nlp: Language, n: int) -> Doc:
    """Findings, and relations between neighbours, that are there already; nothing is read."""
    doc = short_sentences(nlp, n)
    bounds = [(start + 1, start + 3) for start in range(0, len(doc), 4)]
    spans = [Span(doc, *place, label="SIGN") for place in bounds]
    write_group(doc, FINDINGS, spans, assertion=["negative"] * n)
    write_relations(doc, [JudgedPair(head, tail, ("same",), 0.5) for head, tail in zip(bounds, bounds[1:])])
    return doc


SHAPES: dict[str, tuple[Callable[[Language, int], Doc], int]] = {
    "words of one sentence": (one_sentence, 3000),
    "sentences": (short_sentences, 5000),
    "turns, which are read with their neighbours and speakers": (turns, 5000),
    "given findings": (given_findings, 5000),
    "findings and relations, drawn alone": (drawn_relations, 5000),
}


def seconds(nlp: Language, make: Callable[[Language, int], Doc], n: int) -> float:
    doc = make(nlp, n)
    start = time.process_time()
    if make is not drawn_relations:
        doc = nlp(doc)
    rows([doc])
    render(doc, jupyter=False)
    return time.process_time() - start


def main(pipeline: Annotated[str, typer.Argument(help="A trained pipeline.")]) -> None:
    nlp = spacy.load(pipeline)
    findings = nlp.get_pipe("cpncf_assertion")
    findings.context_kind, findings.speakers = "turn", {"D": "doctor", "P": "patient"}
    nlp("No fever.")
    lines = []
    for name, (make, n) in SHAPES.items():
        quarter, all_of_it = (seconds(nlp, make, size) for size in (n // 4, n))
        exponent = math.log(all_of_it / quarter) / math.log(4)
        lines.append([name, str(n), f"{quarter:.2f}", f"{all_of_it:.2f}", f"{exponent:.2f}"])
    typer.echo("\n".join(table(["of", "number", "a quarter, s", "all, s", "exponent"], lines)))


if __name__ == "__main__":
    typer.run(main)
