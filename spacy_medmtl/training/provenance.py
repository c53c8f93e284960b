"""What a pipeline was made of: versions and checksums that tell whether two trainings were the same."""

import hashlib
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..encoder.weights import file_sha256

# scores are told with the versions of these; a pipeline that is saved, with those of all
SCORED_WITH = ("spacy-medmtl", "spacy", "thinc", "torch", "transformers")
PACKAGES = (*SCORED_WITH, "tokenizers", "safetensors", "numpy", "spacy-transformers")
WEIGHTS = ("*.safetensors", "model")


def versions() -> dict[str, str]:
    """Of Python and of what decides on predictions, as far as it is installed."""
    by_package = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            by_package[package] = version(package)
        except PackageNotFoundError:
            continue
    return by_package


def data_checksums(config: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file (of a folder: of its .spacy files) that [corpora] of an interpolated config names.

    By the name of the corpus in the config, because a path may tell more than it should.
    """
    return {name: _checksum(path) for name, path in _paths(config.get("corpora", {}), "") if path.exists()}


def weight_checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of weights in a saved pipeline, by its place in the folder; as sha256sum prints it."""
    files = {path for pattern in WEIGHTS for path in folder.glob(f"*/{pattern}") if path.is_file()}
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in sorted(files)}


def _paths(block: Mapping[str, Any], name: str) -> Iterator[tuple[str, Path]]:
    for key, value in block.items():
        inner = f"{name}.{key}" if name else str(key)
        if isinstance(value, Mapping):
            yield from _paths(value, inner.replace(".corpora.", "."))
        elif key == "path" and value:
            yield name, Path(value)


def _checksum(path: Path) -> str:
    if path.is_file():
        return file_sha256(path)
    digest = hashlib.sha256()
    # contents alone: names of files may be of patients, and copying changes times
    for file_ in sorted(path.rglob("*.spacy")):
        digest.update(file_sha256(file_).encode())
    return digest.hexdigest()
