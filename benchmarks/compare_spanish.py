"""Status of given findings in Spanish: a pipeline of ``configs/es_status.cfg`` against negspacy with Spanish cues.

    medmtl prepare status_es ../shared/corpora corpus/status_es
    python -m spacy train configs/es_status.cfg --output training/status_es
    python benchmarks/compare_spanish.py training/status_es/model-best corpus/status_es/test/nubes.spacy

NUBes annotates what is negated or doubted, and nothing else: that most findings of a text are present can neither be
learnt from it nor measured on it. So the question is which of the two a given span is. negspacy has no Spanish terms;
the cues below were written for this script, from general knowledge of the language and not from the corpus. Sentences
are those of the corpus for the pipeline, and of spaCy's sentencizer for negspacy.
"""

import platform
from pathlib import Path
from typing import Annotated

import torch
import typer
from assertion_tools import NEGATED, NEGSPACY, OURS, Tool, load_ours, negspacy, ours, versions
from compare_assertion import negex_cases, percent, score

from spacy_medmtl.training.report import table

CUES = {
    "pseudo_negations": [
        "no sólo",
        "no solo",
        "sin cambios",
        "no se descarta",
        "no se puede descartar",
        "sin descartar",
    ],
    "preceding_negations": [
        *("no", "sin", "ni", "niega", "niegan", "negaba", "nunca", "tampoco", "ningún", "ninguna", "ausencia de"),
        *("negativo para", "negativa para", "negativos para", "descarta", "descartan", "descartado", "libre de"),
    ],
    "following_negations": ["negativo", "negativa", "negativos", "negativas", "ausente", "ausentes", "descartado"],
    "termination": ["pero", "aunque", "salvo", "excepto", "sin embargo", "debido a"],
}


def all_negated() -> Tool:
    return lambda cases: [[{NEGATED: True}] * len(case.spans) for case in cases]


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    corpus: Annotated[Path, typer.Argument(help="NUBes, a converted part.")],
) -> None:
    """Score both, and print a table in percent."""
    torch.set_num_threads(1)
    cases = negex_cases([corpus])
    tools = {"all are negated": all_negated(), NEGSPACY: negspacy("es", CUES), OURS: ours(load_ours(model))}
    rows = []
    for name, tool in tools.items():
        scores = score(cases, tool(cases))
        rows.append([name, *(percent(scores[NEGATED], of) for of in ("p", "r", "f", "accuracy"))])
        rows[-1].append(percent(scores["uncertain"], "f"))
    n_spans = sum(len(case.spans) for case in cases)
    typer.echo("\n".join(table(["tool", "negated P", "R", "F1", "accuracy", "uncertain F1"], rows)))
    typer.echo(f"\n{len(cases)} texts, {n_spans} spans; {platform.machine()}, one thread; {versions()}")


if __name__ == "__main__":
    typer.run(main)
