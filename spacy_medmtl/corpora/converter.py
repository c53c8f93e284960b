"""What a converter is: a corpus, the function that reads it, and what a user must know to get it."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .options import Option, read_settings


class Convert(Protocol):
    """Read files and yield reference Docs; what is lost or moved goes to the audit. ``seed`` is for those that draw."""

    def __call__(self, paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int) -> Iterator[Doc]:
        """Raises MedmtlError E401 at the first loss in stop mode."""


@dataclass(frozen=True)
class Converter:
    """A corpus: what it is for and where its parts lie by default, relative to the corpus folder."""

    module: str
    help: str
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()  # none: the corpus has no dev part, cut one with --dev-share
    folder_pattern: str | None = None  # which files a folder stands for; None: no folders
    settings: Mapping[str, Any] = field(default_factory=dict)  # keywords of its ``convert``, where corpora share one
    reads_ahead: bool = False  # reads all files before its first Doc: a loss in them cannot be told to belong to one
    options: Mapping[str, Option] = field(default_factory=dict)  # keywords that the user may set
    # for ``medmtl corpora``
    tasks: tuple[str, ...] = ()  # the factories that it can train
    lang: str = "en"
    licence: str = ""
    url: str = ""  # where to get it, or to apply for it
    folder: str = ""  # where its parts lie, below a folder of corpora; "": no place of its own

    def load(self, given: Mapping[str, str] = MappingProxyType({})) -> Convert:
        """Import the converter, which nobody needs for a list or a help text. ``given``: what the user sets.

        Raises MedmtlError E410 for a setting that it does not have, E411 for a value that it does not take.
        """
        values = read_settings(self.options, given)
        module = importlib.import_module(f"{__package__}.{self.module}")
        return partial(module.convert, **self.settings, **values)
