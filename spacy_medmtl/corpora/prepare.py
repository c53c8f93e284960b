"""Whole data sets for training: which corpora, which of their parts, and where the converted files go.

Every set has ``train``, ``dev`` (model selection) and ``test`` (touched once, by ``medmtl evaluate``), one file per
corpus. A public corpus whose test part is published apart is tested on its dev part here; then ``dev`` is a tenth of
its train part, cut by document or question.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List

from spacy.tokens import Doc

from ..errors import MedmtlError
from .audit import Audit
from .run import Job, convert_corpus

SELECTION_SHARE = 0.1
Progress = Callable[[Iterator[Doc]], Iterator[Doc]]


@dataclass(frozen=True)
class Source:
    """A converter, the folder of its corpus, and the files of its parts; no test file: cut one from train too."""

    converter: str
    folder: str
    train: str
    test: str = ""


PUBLIC = (
    Source("piboso", "piboso", "train.txt", "dev.txt"),
    Source("rqe", "rqe", "train_8588.xml", "dev_230.xml"),
    Source("pubtator", "bc5cdr", "CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt"),
    Source("negex", "negex", "train.tsv"),
)
SETS = ("sample", "public")
TEST_SHARE = 0.2  # of a corpus that is published as one file


def prepare_jobs(name: str, source: Path, output: Path, *, lang: str, seed: int) -> List[Job]:
    """The conversions that make up a data set, in order. Raises MedmtlError E403 for an unknown set."""
    if name not in SETS:
        raise MedmtlError("E403", received=name, expected=", ".join(SETS))
    base = Job("sample", [], output, lang, "report", seed)
    if name == "sample":
        parts = ("train", "dev", "test")
        return [replace(base, inputs=[source / part], output=output / part / "sample.spacy") for part in parts]
    jobs: List[Job] = []
    for corpus in PUBLIC:
        train, dev, test = (output / part / f"{corpus.folder}.spacy" for part in ("train", "dev", "test"))
        folder = source / corpus.folder
        job = replace(base, name=corpus.converter, inputs=[folder / corpus.train], output=train)
        job = replace(job, dev_share=SELECTION_SHARE, dev_output=dev)
        if corpus.test:
            jobs += [job, replace(base, name=corpus.converter, inputs=[folder / corpus.test], output=test)]
        else:
            jobs.append(replace(job, test_share=TEST_SHARE, test_output=test))
    return jobs


def prepare(jobs: List[Job], progress: Progress = iter) -> Dict[str, Audit]:
    """Run the conversions; an audit per written file."""
    return {str(job.output): convert_corpus(job, progress=progress) for job in jobs}
