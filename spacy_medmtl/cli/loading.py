"""Loading a pipeline for a command. Whatever is wrong with it, the user sees a coded message."""

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
