"""A command's pipeline and device. Whatever is wrong with it, the user sees a coded message."""

import spacy
from spacy.language import Language

from ..errors import MedmtlError


def load_pipeline(model: str) -> Language:
    """The pipeline in a folder or an installed package. Raises MedmtlError E501 if there is none or it is damaged."""
    try:
        return spacy.load(model)
    except MedmtlError:
        raise
    except Exception as error:  # config, JSON, msgpack, safetensors and missing modules raise many kinds
        raise MedmtlError("E501", received=model, problem=type(error).__name__) from error


def use_device(gpu_id: int) -> None:
    """Run on a GPU by its number, on the CPU below 0. Raises MedmtlError E404 where spaCy cannot use it."""
    if gpu_id < 0:
        return
    try:
        spacy.require_gpu(gpu_id)
    except Exception as error:  # CuPy or the driver is missing, or there is no such device
        expected = f"-1, as spaCy cannot use that GPU ({type(error).__name__})"
        raise MedmtlError("E404", option="--gpu-id", received=gpu_id, expected=expected) from error
