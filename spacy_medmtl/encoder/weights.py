"""Loaders for ``[initialize.components.<encoder>.loader]``: where pretrained weights come from.

A loader is called at initialisation only; a saved pipeline holds its weights and never asks. Nothing is unpickled and
no code from a model folder runs: safetensors only, ``trust_remote_code`` off.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import MedmtlError

Loader = Callable[[], tuple[Any, str]]
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_HINT = "'medmtl fetch-encoder' (or 'spacy project run encoder') puts the MiniLM encoder there."


def local_encoder(path: str) -> Loader:
    """``spacy-medmtl.local_encoder.v1``: a folder with config.json, a tokenizer and model.safetensors.

    The loader raises MedmtlError E008 where something is missing.
    """

    def load() -> tuple[Any, str]:
        folder = Path(path)
        if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
            raise MedmtlError("E008", path=path, hint="Weights in other formats (pytorch_model.bin) are not read.")
        return _from_pretrained(str(folder), local_files_only=True)

    return load


def hub_encoder(name: str, revision: str | None = None) -> Loader:
    """``spacy-medmtl.hub_encoder.v1``: a model of the Hugging Face hub (or its local cache), by name and revision.

    The loader raises MedmtlError E008 where it cannot be reached or has no safetensors.
    """

    def load() -> tuple[Any, str]:
        return _from_pretrained(name, revision=revision or "main")

    return load


def minilm_encoder(path: str = "assets/encoder/minilm") -> Loader:
    """``spacy-medmtl.minilm_encoder.v1``: all-MiniLM-L6-v2 (384 wide, 6 layers) in a folder that ``medmtl
    fetch-encoder`` filled. The loader raises MedmtlError E008 where it is missing, E009 where its checksum is another.
    """

    def load() -> tuple[Any, str]:
        weights = Path(path) / "model.safetensors"
        if not weights.is_file():
            raise MedmtlError("E008", path=path, hint=MINILM_HINT)
        with weights.open("rb") as file_:
            received = (
                hashlib.file_digest(file_, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha256(file_)
            )
        if received != MINILM_SHA256:
            raise MedmtlError("E009", path=str(weights), received=received, expected=MINILM_SHA256)
        return local_encoder(path)()

    return load


def _sha256(file_: Any) -> str:
    digest = hashlib.sha256()
    for block in iter(lambda: file_.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


def _from_pretrained(name: str, **options: Any) -> tuple[Any, str]:
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer

    options.update(trust_remote_code=False)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, **options)
        model, found = AutoModel.from_pretrained(name, use_safetensors=True, output_loading_info=True, **options)
    except (ImportError, OSError, SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise MedmtlError("E008", path=name, hint=f"{type(error).__name__}: {reason}") from error
    lacking = [key for key in found["missing_keys"] if not key.startswith("pooler.")]  # the pooler is not used
    if lacking:  # transformers would go on with random numbers
        raise MedmtlError("E008", path=name, hint=f"The weights lack {lacking[0]} ({len(lacking)} in all).")
    if not tokenizer.is_fast:
        raise MedmtlError("E014", name=name, received=type(tokenizer).__name__)
    return model, tokenizer.backend_tokenizer.to_str()
