"""``medmtl info``: what a pipeline is and was made of, and what is installed here. For reports, and to compare two."""

import platform
from pathlib import Path
from typing import Annotated

import srsly
import typer

from ..training.provenance import file_sha256, versions, weight_checksums
from .loading import Code, load_pipeline


def info(
    model: Annotated[str | None, typer.Argument(help="A trained pipeline; only what is installed if left out.")] = None,
    code: Code = None,
) -> None:
    """Print versions, seed and checksums as JSON. No text and no path of data is in it.

    Example: medmtl info en_medmtl

    "made_with" and "data" are there for pipelines whose config has \\[training.before_to_disk] @callbacks =
    "spacy-medmtl.save_pipeline.v1". Checksums are SHA-256, as 'sha256sum' prints them.
    """
    report = {} if model is None else _pipeline(model, code)
    report["here"] = {"system": f"{platform.system()} {platform.machine()}", "versions": versions()}
    typer.echo(srsly.json_dumps(report, indent=2))


def _pipeline(model: str, code: Path | None) -> dict[str, object]:
    nlp = load_pipeline(model, code)
    # a seed is written as a reference to [system] seed
    meta, training = nlp.meta, nlp.config.interpolate()["training"]
    made = meta.get("medmtl", {})
    return {
        "pipeline": {key: meta[key] for key in ("lang", "name", "version", "license", "components")},
        "made_with": made.get("versions"),
        "seed": training.get("seed"),
        "data": made.get("data"),
        "config": file_sha256(nlp.path / "config.cfg"),
        "weights": weight_checksums(nlp.path),
    }
