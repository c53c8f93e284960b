"""Whole data sets for training: which corpora, which of their parts, and where the converted files go.

Every set has ``train``, ``dev`` (model selection) and ``test`` (touched once, by ``medmtl evaluate``), one file per
corpus. A public corpus whose test part is published apart is tested on its dev part here; then ``dev`` is a tenth of
its train part, cut by document or question. Where the parts of a corpus lie says its reader (``catalogue.yml``).
"""

import json
from dataclasses import replace
from pathlib import Path

from ..annotations.groups import ENTITIES, RELATIONS
from ..errors import MedmtlError
from .audit import Audit
from .leakage import Shared, between_parts
from .outputs import write_atomically
from .reader import get_reader
from .run import Job, Progress, convert_corpus, no_progress

SELECTION_SHARE = 0.1
TEST_SHARE = 0.2  # of a corpus that is published as one file
# The corpora of each set: name of the written files -> reader.
CORPORA = {
    "public": {"piboso": "piboso", "rqe": "rqe", "bc5cdr": "pubtator", "negex": "negex"},
    # NCBI-disease and BC5CDR are read in the formats that keep their documents, so that dev shares none with train.
    "ner": {
        **{name: name for name in ("genia", "jnlpba", "bc2gm", "ncbi_disease", "linnaeus")},
        "bc5cdr": "pubtator",
    },
    # The list of train documents in E3C's folder names all of its documents there; the others are kept elsewhere.
    "findings": {name: name for name in ("negex", "e3c", "chip_mdcfnpc")},
    # All open English corpora of status. Each says which modifiers it judged and whether only the given spans; what it
    # did not judge is neither learnt nor scored.
    "status": {name: name for name in ("negex", "e3c", "healthsea")},
    "status_es": {"nubes": "nubes"},
    # The two mixtures of the progressive learning paper, its tasks in order. Published dev parts are kept elsewhere.
    "progressive": {name: name for name in ("kuake_qic", "chip_sts", "cmeee", "chip_mdcfnpc")},
    "imcs21": {name: name for name in ("imcs21_da", "imcs21_qa", "imcs21_ner", "imcs21_status")},
    # Stand-ins of the eight corpora of MT-Clinical BERT, easy to hard, and QUAERO, which is one of them: a task each,
    # whose component has the corpus's name.
    "clinical8": {
        **{name: name for name in ("piboso", "biosses", "mqp", "rqe")},
        "bc5cdr": "pubtator",
        **{name: name for name in ("genia", "negex", "ddi2013", "quaero")},
    },
}
# Where several corpora of a set are of one kind and a component each learns them, the group that is written has the
# corpus's name instead of this one. The drugs of DDI 2013 stay entities, for pairs of them are judged.
OWN_GROUPS = {
    "clinical8": {
        **dict.fromkeys(("biosses", "mqp", "rqe", "ddi2013"), RELATIONS),
        **dict.fromkeys(("bc5cdr", "genia", "quaero"), ENTITIES),
    }
}
SETS = ("sample", "public", "ner", "bc5cdr_split", *list(CORPORA)[2:])


def prepare_jobs(
    name: str, source: Path, output: Path, *, lang: str, seed: int, on_misaligned: str = "expand"
) -> list[Job]:
    """The conversions that make up a data set, in order. ``lang`` is for its English corpora; the others have their
    own. Raises MedmtlError E403 for an unknown set."""
    if name not in SETS:
        raise MedmtlError("E403", received=name, expected=", ".join(SETS))
    base = Job("sample", [], output, lang, "report", seed, on_misaligned=on_misaligned)
    if name == "sample":
        parts = ("train", "dev", "test")
        return [replace(base, inputs=[source / part], output=output / part / "sample.spacy") for part in parts]
    if name == "bc5cdr_split":
        return _split_jobs(base, source, output)
    own = OWN_GROUPS.get(name, {})
    jobs = []
    for stem, corpus in CORPORA[name].items():
        of_corpus = replace(base, groups={own[stem]: stem}) if stem in own else base
        jobs += _jobs(of_corpus, stem, corpus, source, output)
    return jobs


def _jobs(base: Job, stem: str, corpus: str, source: Path, output: Path) -> list[Job]:
    """The one or two conversions of a public corpus."""
    train, dev, test = (output / part / f"{stem}.spacy" for part in ("train", "dev", "test"))
    reader = get_reader(corpus)
    base = replace(base, name=corpus, lang=base.lang if reader.lang == "en" else reader.lang)
    given, tested = ([source / reader.folder / file for file in files] for files in (reader.train, reader.dev))
    job = replace(base, inputs=given, output=train, dev_share=SELECTION_SHARE, dev_output=dev)
    if not tested:
        return [replace(job, test_share=TEST_SHARE, test_output=test)]
    without = tested if reader.dev_repeats_train else []
    return [replace(job, without=without), replace(base, inputs=tested, output=test)]


def _split_jobs(base: Job, source: Path, output: Path) -> list[Job]:
    """BC5CDR as two corpora that each know one label, to learn both from; dev and test (as in ``ner``) have both."""
    whole, test = _jobs(base, "bc5cdr", "pubtator", source, output)
    rest, selection = (SELECTION_SHARE, 1.0), (0.0, SELECTION_SHARE)
    given = replace(whole, dev_share=None, dev_output=None)
    halves = [
        replace(given, name=f"bc5cdr_{half}", output=output / "train" / f"{half}.spacy", places=rest)
        for half in ("disease_half", "chemical_half")
    ]
    return [*halves, replace(given, output=output / "dev" / "bc5cdr.spacy", places=selection), test]


def prepare(jobs: list[Job], progress: Progress = no_progress) -> dict[str, Audit]:
    """Run the conversions; an audit per written file."""
    return {str(job.output): convert_corpus(job, progress=progress) for job in jobs}


def leakage_path(output: Path) -> Path:
    """Where the list of texts that parts share lies."""
    return output / "leakage.json"


def write_leakage(audits: dict[str, Audit], output: Path) -> list[Shared]:
    """Compare each part with the later ones, over all corpora, and list what they share. Raises MedmtlError E407."""
    prints = {name: counts.prints for audit in audits.values() for name, counts in audit.outputs.items()}
    leaks = between_parts(prints)
    text = json.dumps([leak.as_dict() for leak in leaks], indent=2, ensure_ascii=False)
    write_atomically(leakage_path(output), f"{text}\n".encode())
    return leaks
