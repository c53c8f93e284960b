"""Loaders for ``[initialize.components.<encoder>.loader]``: where pretrained weights come from.

A loader is called at initialisation only; a saved pipeline holds its weights and never asks. Nothing is unpickled and
no code from a model folder runs: safetensors only, ``trust_remote_code`` off.

What comes out does not depend on the version of transformers: weights are float32 whatever they were stored in, and a
``tokenizer.json`` is taken as it is, because the tokenizer classes of transformers 5 rebuild it by rules of their own.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MedmtlError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Loader = Callable[[], tuple[Any, str]]
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_HINT = "'medmtl fetch-encoder' (or 'spacy project run encoder') puts the MiniLM encoder there."
TOKENIZER_FILE = "tokenizer.json"
N_PROBES = 100  # pieces of a vocabulary that are tried


def local_encoder(path: str) -> Loader:
    """``spacy-medmtl.local_encoder.v1``: a folder with config.json, a tokenizer and model.safetensors.

    The loader returns the Hugging Face model, its weights in float32, and the content of its tokenizer.json.
    It raises MedmtlError E008 where something is missing or damaged, E014 where the tokenizer has no fast form.
    """

    def load() -> tuple[Any, str]:
        folder = Path(path)
        if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
            raise MedmtlError("E008", path=path, hint="Weights in other formats (pytorch_model.bin) are not read.")
        file_ = folder / TOKENIZER_FILE
        return _from_pretrained(str(folder), file_ if file_.is_file() else None, local_files_only=True)

    return load


def hub_encoder(name: str, revision: str | None = None) -> Loader:
    """``spacy-medmtl.hub_encoder.v1``: a model of the Hugging Face hub (or its local cache), by name and revision.

    The loader returns and raises what that of ``local_encoder`` does, E008 also where the hub cannot be reached.
    """

    def load() -> tuple[Any, str]:
        from huggingface_hub import hf_hub_download

        try:
            tokenizer_file = Path(hf_hub_download(name, TOKENIZER_FILE, revision=revision))
        except (OSError, ValueError):  # none there, no network, no such model: the loader of the rest says which
            tokenizer_file = None
        return _from_pretrained(name, tokenizer_file, revision=revision or "main")

    return load


def minilm_encoder(path: str = "assets/encoder/minilm") -> Loader:
    """``spacy-medmtl.minilm_encoder.v1``: all-MiniLM-L6-v2 (384 wide, 6 layers) in a folder that ``medmtl
    fetch-encoder`` filled. The loader raises MedmtlError E008 where it is missing, E009 where its checksum is another.
    """

    def load() -> tuple[Any, str]:
        weights = Path(path) / "model.safetensors"
        if not weights.is_file():
            raise MedmtlError("E008", path=path, hint=MINILM_HINT)
        received = file_sha256(weights)
        if received != MINILM_SHA256:
            raise MedmtlError("E009", path=str(weights), received=received, expected=MINILM_SHA256)
        return local_encoder(path)()

    return load


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _from_pretrained(name: str, tokenizer_file: Path | None, **options: Any) -> tuple[Any, str]:
    """The model and its tokenizer.json. Without a ``tokenizer_file`` it is made of the tokenizer's other files."""
    from transformers import AutoModel

    options.update(trust_remote_code=False)
    try:
        tokenizer = _tokenizer(name, tokenizer_file, options)
        model, report = AutoModel.from_pretrained(name, use_safetensors=True, output_loading_info=True, **options)
    except MedmtlError:
        raise
    except Exception as error:  # tokenizers raises Exception itself, transformers most of Python's own kinds
        reason = " ".join(str(error).split())[:200]
        raise MedmtlError("E008", path=name, hint=f"{type(error).__name__}: {reason}") from error
    lacking = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))  # the pooler is not used
    if lacking:  # transformers would go on with random numbers
        raise MedmtlError("E008", path=name, hint=f"The weights lack {lacking[0]} ({len(lacking)} in all).")
    _check_vocabulary(name, tokenizer, model.get_input_embeddings().num_embeddings)
    return _in_float32(model), tokenizer.to_str()


def _tokenizer(name: str, tokenizer_file: Path | None, options: dict[str, Any]) -> "Tokenizer":
    from tokenizers import Tokenizer

    if tokenizer_file is not None:
        return Tokenizer.from_file(str(tokenizer_file))
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, **options)
    if not tokenizer.is_fast:
        raise MedmtlError("E014", name=name, received=type(tokenizer).__name__)
    return tokenizer.backend_tokenizer


def _check_vocabulary(name: str, tokenizer: "Tokenizer", n_embeddings: int) -> None:
    """Raise MedmtlError E008 for a tokenizer that would give nothing but unknown pieces, or pieces without a row.

    transformers 5 makes a tokenizer of five special pieces out of a folder without tokenizer files, and a damaged
    normaliser can eat all text; both would train without a word.
    """
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    highest = max(vocabulary.values(), default=-1)
    if highest >= n_embeddings:
        hint = f"Its tokenizer numbers pieces up to {highest}, its weights have {n_embeddings} rows."
        raise MedmtlError("E008", path=name, hint=hint)
    added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    special = {piece for piece in vocabulary if piece in added or (piece[:1] + piece[-1:]) in ("[]", "<>")}
    special_ids = {vocabulary[piece] for piece in special}
    pieces = sorted(vocabulary.keys() - special)
    for piece in pieces[:: len(pieces) // N_PROBES or 1]:
        if set(tokenizer.encode(piece, add_special_tokens=False).ids) - special_ids:
            return
    hint = "Its tokenizer knows no piece of text: tokenizer.json (or what it is made of) is missing or damaged."
    raise MedmtlError("E008", path=name, hint=hint)


def _in_float32(model: Any) -> Any:
    """The model with float32 weights, and a config that says so.

    transformers 5 keeps float16 and bfloat16 checkpoints as they are; training needs the digits.
    """
    stored = model.config.to_dict()  # transformers 4 writes torch_dtype, 5 dtype
    model.config.update({key: "float32" for key in ("dtype", "torch_dtype") if key in stored})
    return model.float()
