"""A command's pipeline, code and device, and the options that name them. Whatever is wrong with these, the user sees a
coded message."""

from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language

from ..additional_code import import_code
from ..errors import MedmtlError

Pipeline = Annotated[str, typer.Argument(help="A trained pipeline: a folder or an installed package.")]
GpuId = Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to run on; -1 for the CPU.")]
GoldSents = Annotated[
    bool, typer.Option("--gold-sents", help="Give the pipeline the corpus's own sentence boundaries.")
]
WITH_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}  # of a command: see ``config_overrides``
Code = Annotated[
    Path | None,
    typer.Option(
        "--code", "-c", help="Python file that registers components or functions of your own; imported first."
    ),
]


def load_pipeline(model: str, code: Path | None) -> Language:
    """The pipeline in a folder or an installed package, after ``code`` is imported.

    Raises MedmtlError E501 if there is none or it is damaged, E509 for the code.
    """
    import_code(code)
    try:
        return spacy.load(model)
    except MedmtlError:
        raise
    except Exception as error:  # config, JSON, msgpack, safetensors and missing modules raise many kinds
        text = " ".join(str(error).split())  # spaCy's own messages quote no text, and say what is not registered
        problem = text[:200] if text.startswith("[E") else type(error).__name__
        raise MedmtlError("E501", received=model, problem=problem) from error


def config_overrides(arguments: list[str]) -> dict[str, Any]:
    """Settings of a config that follow a command's options, by name. Raises MedmtlError E404 for what is neither."""
    from spacy.cli._util import parse_config_overrides

    for argument in arguments:
        if argument.startswith("--") and "." not in argument.split("=")[0]:
            expected = "an option that '--help' lists, or a setting of the config such as --training.max_steps"
            raise MedmtlError("E404", option="An option", received=argument.split("=")[0], expected=expected)
    return dict(parse_config_overrides(list(arguments)))


def use_device(gpu_id: int) -> None:
    """Run on a GPU by its number, on the CPU below 0. Raises MedmtlError E404 where spaCy cannot use it."""
    if gpu_id < 0:
        return
    try:
        spacy.require_gpu(gpu_id)
    except Exception as error:  # CuPy or the driver is missing, or there is no such device
        expected = (
            f"-1, as spaCy cannot use that GPU ({type(error).__name__}). It needs a driver, CuPy ('pip install "
            '"spacy[cuda12x]"\' for CUDA 12) and a torch with CUDA'
        )
        raise MedmtlError("E404", option="--gpu-id", received=gpu_id, expected=expected) from error
