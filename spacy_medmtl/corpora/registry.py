"""The converters by name. To add a corpus: a file with a ``convert`` function here, and an entry in ``CONVERTERS``."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Protocol, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import MedmtlError
from .audit import Audit


class Convert(Protocol):
    """Read files and yield reference Docs; what is lost or moved goes to the audit. ``seed`` is for those that draw."""

    def __call__(self, paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int) -> Iterator[Doc]:
        """Raises MedmtlError E401 at the first loss in stop mode."""


@dataclass(frozen=True)
class Converter:
    """A corpus: what it is for and where its parts lie by default, relative to the corpus folder."""

    module: str
    help: str
    train: Tuple[str, ...]
    dev: Tuple[str, ...] = ()  # none: the corpus has no dev part, cut one with --dev-share
    folder_pattern: Optional[str] = None  # which files a folder stands for; None: no folders

    def load(self) -> Convert:
        """Import the converter, which nobody needs for a list or a help text."""
        convert: Convert = importlib.import_module(f"{__package__}.{self.module}").convert
        return convert


CONVERTERS = {
    "sample": Converter(
        "sample",
        "the bundled sample corpus: intents, entities, findings, question-answer pairs (a folder, or its .txt files)",
        train=("train",),
        dev=("dev",),
        folder_pattern="*.txt",
    ),
    "pubtator": Converter(
        "pubtator",
        "BC5CDR in PubTator format: entities Chemical and Disease",
        train=("CDR_TrainingSet.PubTator.txt",),
        dev=("CDR_DevelopmentSet.PubTator.txt",),
    ),
    "rqe": Converter(
        "rqe",
        "MedRQE, recognising question entailment (XML): pairs 'entails' or nothing",
        train=("train_8588.xml",),
        dev=("dev_230.xml",),
    ),
    "piboso": Converter(
        "piboso",
        "PIBOSO, the role of each sentence in a trial abstract: intents",
        train=("train.txt",),
        dev=("dev.txt",),
    ),
    "negex": Converter(
        "negex",
        "NegEx annotations (TSV): one given finding in each sentence with its status; has no dev part, use --dev-share",
        train=("train.tsv",),
    ),
}


def get_converter(name: str) -> Converter:
    """The converter with this name. Raises MedmtlError E403 if there is none."""
    if name not in CONVERTERS:
        raise MedmtlError("E403", received=name, expected=", ".join(sorted(CONVERTERS)))
    return CONVERTERS[name]
