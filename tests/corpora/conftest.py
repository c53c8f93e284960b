"""Fixtures for the converters: a tokenizer, and files made of invented text."""

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats.files import input_files
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.writer import convert_records


@pytest.fixture(scope="session")
def nlp() -> Language:
    return spacy.blank("en")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(name: str, content: "str | bytes") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def run(nlp: Language) -> Callable[..., tuple[list[Doc], Audit]]:
    """Run a reader on files, going on behind losses unless told to stop."""

    def run_converter(
        name: str, *paths: Path, on_error: str = "report", seed: int = 0, lang: str = "en", **settings: str
    ) -> tuple[list[Doc], Audit]:
        audit = Audit(on_error)
        tokenizer = nlp if lang == "en" else spacy.blank(lang)
        reader = get_reader(name)
        read, scheme = reader.configured(settings, seed)
        files = input_files(paths, reader.suffixes, takes_folders=reader.takes_folders)
        return list(convert_records(read, scheme, files, tokenizer, audit)), audit

    return run_converter
