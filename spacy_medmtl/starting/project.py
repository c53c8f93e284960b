"""The files of a new project."""

import json
import os
import re
import shlex
import tempfile
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from spacy.cli.init_config import fill_config
from thinc.api import Config

from ..corpora.outputs import write_atomically
from ..corpora.reader import get_reader
from ..errors import MedmtlError
from .answers import MINILM, SAMPLE, Answers, is_encoder_folder
from .config import STEPS, training_config

MINILM_FOLDER = "assets/encoder/minilm"


def write_project(folder: Path, answers: Answers) -> list[Path]:
    """Write ``config.cfg``, ``project.yml``, ``README.md`` and ``.gitignore`` of ``checked`` answers; their paths.

    Raises MedmtlError E407 where the folder holds something, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MedmtlError("E407", path=folder, problem="is there and not empty. Name a new folder")
    # pip takes no others
    letters = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode()
    name = re.sub(r"\W+", "_", letters).strip("_").lower() or "own"
    encoder = MINILM_FOLDER if answers.encoder == MINILM else answers.encoder
    if is_encoder_folder(answers.encoder):
        encoder = _seen_from(folder, Path(answers.encoder))
    sources = [
        {
            "name": corpus,
            "reader": source.reader,
            "path": _seen_from(folder, source.path),
            "is_sample": source.reader == SAMPLE,
            "settings": _settings(answers, source.reader),
        }
        for corpus, source in answers.sources.items()
    ]
    values: dict[str, Any] = {
        "answers": answers,
        "name": name,
        "encoder": encoder,
        # quotes are there only where they are needed: on Windows, weasel hands them on as part of the path
        "encoder_argument": "${vars.encoder}" if shlex.quote(encoder) == encoder else '"${vars.encoder}"',
        "fetches_encoder": answers.encoder == MINILM,
        "sources": sources,
        "has_sample": any(source["is_sample"] for source in sources),
        "steps": STEPS,
    }
    texts = {
        "config.cfg": _filled(training_config(answers, name, encoder)),
        "project.yml": _templates().get_template("project.jinja").render(values),
        "README.md": _templates().get_template("readme.jinja").render(values),
        ".gitignore": "assets/encoder/\ncorpus/\ntraining/\nmetrics/\npackages/\nproject.lock\n",
    }
    for file, text in texts.items():
        write_atomically(folder / file, text.encode())
    return [folder / file for file in texts]


def _filled(config: Config) -> str:
    """A config with all settings, as ``spacy init fill-config`` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.cfg"
        config.to_disk(path, interpolate=False)
        filled = fill_config(path, path, silent=True)[1]
    return str(filled.to_str(interpolate=False)) + "\n"


def _seen_from(folder: Path, path: Path) -> str:
    """A path for commands that run in the project's folder."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _settings(answers: Answers, reader: str) -> str:
    """What the converter is to make of mentions, for the tasks of the project."""
    if "group" not in get_reader(reader).options or "cpncf_assertion" not in answers.tasks:
        return ""
    needs_entities = {"sru_nested_ner", "pair_relation"} & set(answers.tasks)
    return "--set group=both" if needs_entities else "--set group=findings"


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(  # YAML and Markdown: no tags to escape
        loader=jinja2.PackageLoader("spacy_medmtl", "starting"), trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    # paths may hold blanks and quotes: for a command, and between YAML's double quotes, which take JSON's escapes
    environment.filters["quoted"] = shlex.quote
    environment.filters["in_yaml"] = lambda text: json.dumps(text, ensure_ascii=False)[1:-1]
    return environment
