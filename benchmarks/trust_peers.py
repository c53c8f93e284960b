"""What spacy-medmtl, spaCy, spacy-transformers and EDS-NLP do on the same hostile inputs: a table, a column each.

    python benchmarks/trust_peers.py TINY_PIPELINE TINY_ENCODER
    python benchmarks/trust_peers.py TINY_PIPELINE TINY_ENCODER --edsnlp-python OTHER_ENVIRONMENT/bin/python

The pipeline is that of ``tiny_pipeline.py``, the encoder its ``--encoder``. spacy-transformers is left out where it is
not installed, EDS-NLP (``pip install "edsnlp[ml]"``, in an environment that may be another) where no Python is named.
``trust_cases.py`` says what is done, ``trust_tools.py`` to what.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import srsly
import typer
from trust_cases import cases
from trust_tools import Tool

from spacy_medmtl.training.report import table

PACKAGES = {"ours": "spacy-medmtl", "spacy": "spacy", "spacy-transformers": "spacy-transformers", "edsnlp": "edsnlp"}
VERSION = "from importlib.metadata import version; print(version('{}'))"


def names() -> list[str]:
    """Of all cases, in the order of the table."""
    return list(cases(Tool(dict, dict, print, (), list), None, Path()))


def ask(python: Path, name: str, given: str) -> dict[str, str]:
    """What a tool did in each case. A process that dies is started again for the cases behind."""
    outcomes: dict[str, str] = {}
    while missing := [case for case in names() if case not in outcomes]:
        with tempfile.TemporaryDirectory() as folder:
            script = str(Path(__file__).with_name("trust_cases.py"))
            command = [str(python), script, name, given, folder, *missing]
            done = subprocess.run(command, capture_output=True, text=True)
        begun = None
        for line in done.stdout.splitlines():
            if line.startswith("@"):
                message = json.loads(line[1:])
                begun = message.get("begins", begun)
                if "case" in message:
                    outcomes[message["case"]], begun = message["outcome"], None
        if begun is not None:
            outcomes[begun] = f"the process dies ({done.returncode})"
        elif len(missing) == sum(case not in outcomes for case in names()):
            typer.echo(done.stderr[-2000:], err=True)
            raise typer.Exit(1)
    return outcomes


def main(
    pipeline: Annotated[str, typer.Argument(help="Of spacy-medmtl.")],
    encoder: Annotated[str, typer.Argument(help="A Hugging Face folder, for the other tools.")],
    edsnlp_python: Annotated[Path | None, typer.Option(help="Python of the environment of EDS-NLP.")] = None,
    only: Annotated[str, typer.Option(help="Names of tools, with commas.")] = ",".join(PACKAGES),
    output: Annotated[Path | None, typer.Option(help="JSON; answers that stand there are kept.")] = None,
) -> None:
    """Ask each tool, and print the table."""
    here = Path(sys.executable)
    asked = {"ours": (here, pipeline), "spacy": (here, "")}
    if importlib.util.find_spec("spacy_transformers"):
        asked["spacy-transformers"] = (here, encoder)
    if edsnlp_python is not None:
        asked["edsnlp"] = (edsnlp_python, encoder)
    answers = dict(srsly.read_json(output)) if output and output.exists() else {}
    for name, (python, given) in asked.items():
        if name in only.split(","):
            package = PACKAGES[name]
            version = subprocess.check_output([str(python), "-c", VERSION.format(package)], text=True).strip()
            answers[name] = {"version": version, "outcomes": ask(python, name, given)}
            if output:
                srsly.write_json(output, answers)
    header = ["input", *(f"{PACKAGES[name]} {answer['version']}" for name, answer in answers.items())]
    rows = [[case, *(answer["outcomes"][case] for answer in answers.values())] for case in names()]
    typer.echo("\n".join(table(header, rows)))


if __name__ == "__main__":
    typer.run(main)
