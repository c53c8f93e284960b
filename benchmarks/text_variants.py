"""Whether the same text, typed or exported in another way, is read the same.

    python benchmarks/text_variants.py training/sample/model-best corpus/sample/test/sample.spacy

Each document is read as it is and in variants that say the same: double blanks, tabs or no-break blanks for blanks,
Windows line ends, indented lines, zero-width spaces behind words, letters in parts (NFD). For each span group and
variant: how many documents have other spans, labels or statuses than in the plain text, places counted in the plain
text. Documents whose text has no line end get one behind each sentence, so that there is something to vary.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_medmtl.training.report import table

GROUPS = ("medmtl_intents", "medmtl_ner", "medmtl_findings", "medmtl_relations")
Place = tuple[int, int, str, str]


def replaced(old: str, new: str) -> Callable[[str], list[str]]:
    """What stands in a variant for each character of a text."""
    return lambda text: [new if character == old else character for character in text]


def zero_width(text: str) -> list[str]:
    """A zero-width space behind each word."""
    after = [*text[1:], " "]
    return [a + "\u200b" if b.isspace() and not a.isspace() else a for a, b in zip(text, after)]


VARIANTS: dict[str, Callable[[str], list[str]]] = {
    "plain": list,
    "double blanks": replaced(" ", "  "),
    "tabs": replaced(" ", "\t"),
    "no-break blanks": replaced(" ", "\u00a0"),
    "Windows line ends": replaced("\n", "\r\n"),
    "indented lines": replaced("\n", "\n    "),
    "zero-width spaces": zero_width,
    "NFD": lambda text: [unicodedata.normalize("NFD", character) for character in text],
}


def places(doc: Doc, parts: list[str]) -> dict[str, set[Place]]:
    """By group: (start, end, label, status) in the plain text. parts: what stands here for each of its characters."""
    plain = [number for number, part in enumerate(parts) for _ in part]
    found: dict[str, set[Place]] = {}
    for key in GROUPS:
        group = doc.spans.get(key, ())
        statuses = group.attrs.get("assertion", [""] * len(group)) if len(group) else []
        found[key] = {
            (plain[span.start_char], plain[span.end_char - 1] + 1, span.label_, status)
            for span, status in zip(group, statuses)
        }
    return found


def lines(doc: Doc) -> str:
    """The text of a Doc, with a line for each sentence where it has no lines."""
    return doc.text if "\n" in doc.text else "\n".join(sentence.text for sentence in doc.sents)


def compare(nlp: Language, texts: list[str]) -> list[list[str]]:
    rows, plain = [], []
    for name, vary in VARIANTS.items():
        parts = [vary(text) for text in texts]
        read = nlp.pipe("".join(one) for one in parts)
        found = [places(doc, one) for doc, one in zip(read, parts, strict=True)]
        plain = plain or found
        changed: Counter[str] = Counter()
        for one, expected in zip(found, plain):
            changed.update(key for key in GROUPS if one[key] != expected[key])
            changed["lost"] += sum(len(expected[key] - one[key]) for key in GROUPS)
            changed["new"] += sum(len(one[key] - expected[key]) for key in GROUPS)
            changed["any"] += one != expected
        varied = sum("".join(one) != text for one, text in zip(parts, texts))
        rows.append([name, *(str(n) for n in (varied, *(changed[key] for key in (*GROUPS, "any", "lost", "new"))))])
    return rows


def main(
    pipeline: Annotated[str, typer.Argument(help="A trained pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="Texts: a .spacy file.")],
    docs: Annotated[int, typer.Option(min=1)] = 50,
    sentences: Annotated[
        str, typer.Option(help="Factory that sets sentences in the place of the first component.")
    ] = "",
    output: Annotated[Path | None, typer.Option(help="JSON of the table.")] = None,
) -> None:
    """Compare, and print a table: documents that the variant is another text for, and documents that change."""
    nlp = spacy.load(pipeline)
    if sentences:
        nlp.replace_pipe(nlp.pipe_names[0], sentences)
    read = DocBin().from_disk(corpus).get_docs(nlp.vocab)
    header = ["variant", "varied", *(key.removeprefix("medmtl_") for key in GROUPS), "any", "spans lost", "spans new"]
    rows = compare(nlp, [lines(doc) for doc in islice(read, docs)])
    typer.echo("\n".join(table(header, rows)))
    if output:
        srsly.write_json(output, {"pipeline": pipeline, "sentences": sentences, "rows": [header, *rows]})


if __name__ == "__main__":
    typer.run(main)
