"""Whether what a pipeline says of a text depends on the texts beside it.

    python benchmarks/batch_mates.py training/sample/calibrated corpus/sample/test/sample.spacy

Each text is read alone and in a stream of all; for each span group: the Docs whose spans or labels differ, those whose
scores differ, and the largest difference of a score. Status 1 where a span or label differs.
"""

import platform
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import torch
import typer
from spacy.tokens import Doc, DocBin

from spacy_medmtl.encoder.precision import has_bfloat16
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.training.report import table


def spans_of(doc: Doc, key: str) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label_) for span in doc.spans[key]]


def scores_of(doc: Doc, key: str) -> numpy.ndarray[Any, Any]:
    return numpy.asarray(doc.spans[key].attrs.get("scores", []), dtype="float64")


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="A .spacy file, whose texts are read.")],
    docs: Annotated[int, typer.Option(min=2, help="How many of them.")] = 200,
) -> None:
    """Print a Markdown table."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    texts = [doc.text for doc in DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab)][:docs]
    together, alone = list(nlp.pipe(texts)), [nlp(text) for text in texts]
    pairs = list(zip(together, alone))
    rows: list[list[str]] = []
    n_changed = 0
    for key in together[0].spans:
        same = [pair for pair in pairs if spans_of(pair[0], key) == spans_of(pair[1], key)]
        differences = [float(numpy.abs(scores_of(a, key) - scores_of(b, key)).max(initial=0.0)) for a, b in same]
        n_changed += len(pairs) - len(same)
        n_other_scores = sum(difference > 0.0 for difference in differences)
        rows.append([key, str(len(pairs) - len(same)), str(n_other_scores), f"{max(differences, default=0.0):.1e}"])
    lowered = torch_shim(nlp.get_pipe("encoder").model).module.encoder.mixed_precision
    precision = "bfloat16" if lowered and has_bfloat16(torch.device("cpu")) else "float32"
    typer.echo(f"{len(texts)} texts, matrix products in {precision}, torch {torch.__version__}, {platform.machine()}\n")
    typer.echo("\n".join(table(["group", "other spans", "other scores", "largest difference"], rows)))
    raise typer.Exit(int(n_changed > 0))


if __name__ == "__main__":
    typer.run(main)
