"""Whole data sets for training: which corpora, which of their parts, and where the converted files go.

Every set has ``train``, ``dev`` (model selection) and ``test`` (touched once, by ``medmtl evaluate``), one file per
corpus. A public corpus whose test part is published apart is tested on its dev part here; then ``dev`` is a tenth of
its train part, cut by document or question.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..annotations.groups import ENTITIES, RELATIONS
from ..errors import MedmtlError
from .audit import Audit
from .leakage import Shared, between_parts
from .outputs import write_atomically
from .run import Job, Progress, convert_corpus, no_progress

SELECTION_SHARE = 0.1


@dataclass(frozen=True)
class Source:
    """A reader, the folder of its corpus, and the files of its parts; no test file: cut one from train too.

    ``name``: of the written files, if not the folder's. ``overlaps``: leave out of train what stands in test too.
    ``lang``: of the texts, if not the one asked for. ``groups``: see ``Job``.
    """

    converter: str
    folder: str
    train: str
    test: str = ""
    name: str = ""
    overlaps: bool = False
    lang: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)


BC5CDR = Source("pubtator", "bc5cdr", "CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt")
NEGEX = Source("negex", "negex", "train.tsv")
PIBOSO = Source("piboso", "piboso", "train.txt", "dev.txt")
RQE = Source("rqe", "rqe", "train_8588.xml", "dev_230.xml")
GENIA = Source("genia", "genia", "train.jsonl", "dev.jsonl")
PUBLIC = (
    PIBOSO,
    RQE,
    BC5CDR,
    NEGEX,
)
# NCBI-disease and BC5CDR are read in the formats that keep their documents, so that dev shares none with train.
NER = (
    GENIA,
    Source("jnlpba", "jnlpba", "standoff_train.zip", "devel.tsv", overlaps=True),
    Source("bc2gm", "mtl_bionlp/BC2GM-IOB", "train.tsv", "devel.tsv", name="bc2gm"),
    Source("ncbi_disease", "ncbi_disease", "NCBItrainset_corpus.txt", "NCBIdevelopset_corpus.txt"),
    Source("linnaeus", "mtl_bionlp/linnaeus-IOB", "train.tsv", "devel.tsv", name="linnaeus"),
    BC5CDR,
)
CHIP_MDCFNPC = Source("chip_mdcfnpc", "chip_mdcfnpc", "train.jsonl", lang="zh")
# The list of train documents in E3C's folder names all of its documents there; the others are kept elsewhere.
FINDINGS = (
    NEGEX,
    Source("e3c", "e3c", "English"),
    CHIP_MDCFNPC,
)
# All open English corpora of status. Each says which modifiers it judged and whether only the given spans; what it did
# not judge is neither learnt nor scored.
HEALTHSEA = Source("healthsea", "healthsea", "train.jsonl")
STATUS = (NEGEX, Source("e3c", "e3c", "English"), HEALTHSEA)
STATUS_ES = (Source("nubes", "nubes", "train.zip", lang="es"),)
# The two mixtures of the progressive learning paper, its tasks in order. The published dev parts are kept elsewhere.
PROGRESSIVE = (
    Source("kuake_qic", "kuake_qic", "train.json", lang="zh"),
    Source("chip_sts", "chip_sts", "train.json", lang="zh"),
    Source("cmeee", "cmeee_v2", "train.json", name="cmeee", lang="zh"),
    CHIP_MDCFNPC,
)
IMCS21 = tuple(
    Source(name, "imcs21", "aligned_dev.jsonl", name=name, lang="zh")
    for name in ("imcs21_da", "imcs21_qa", "imcs21_ner", "imcs21_status")
)
# Stand-ins of the eight corpora of MT-Clinical BERT, easy to hard, and QUAERO, which is one of them: a task each, whose
# component has the corpus's name. Where several are of one kind, so have their span groups. The drugs of DDI 2013 stay
# entities, for pairs of them are judged.
CLINICAL8 = (
    PIBOSO,
    Source("biosses", "biosses", "Annotation-Pairs.docx", groups={RELATIONS: "biosses"}),
    Source("mqp", "mqp", "train.csv", groups={RELATIONS: "mqp"}),
    replace(RQE, groups={RELATIONS: "rqe"}),
    replace(BC5CDR, groups={ENTITIES: "bc5cdr"}),
    replace(GENIA, groups={ENTITIES: "genia"}),
    NEGEX,
    Source("ddi2013", "ddi2013", "train.zip", groups={RELATIONS: "ddi2013"}),
    Source("quaero", "quaero", "train.zip", "dev.zip", lang="fr", groups={ENTITIES: "quaero"}),
)
CORPORA = {
    "public": PUBLIC,
    "ner": NER,
    "findings": FINDINGS,
    "status": STATUS,
    "status_es": STATUS_ES,
    "progressive": PROGRESSIVE,
    "imcs21": IMCS21,
    "clinical8": CLINICAL8,
}
SETS = ("sample", "public", "ner", "bc5cdr_split", *list(CORPORA)[2:])
TEST_SHARE = 0.2  # of a corpus that is published as one file


def prepare_jobs(
    name: str, source: Path, output: Path, *, lang: str, seed: int, on_misaligned: str = "expand"
) -> list[Job]:
    """The conversions that make up a data set, in order. Raises MedmtlError E403 for an unknown set."""
    if name not in SETS:
        raise MedmtlError("E403", received=name, expected=", ".join(SETS))
    base = Job("sample", [], output, lang, "report", seed, on_misaligned=on_misaligned)
    if name == "sample":
        parts = ("train", "dev", "test")
        return [replace(base, inputs=[source / part], output=output / part / "sample.spacy") for part in parts]
    if name == "bc5cdr_split":
        return _split_jobs(base, source / BC5CDR.folder, output)
    return [job for corpus in CORPORA[name] for job in _jobs(base, corpus, source, output)]


def _jobs(base: Job, corpus: Source, source: Path, output: Path) -> list[Job]:
    """The one or two conversions of a public corpus."""
    stem = corpus.name or corpus.folder
    train, dev, test = (output / part / f"{stem}.spacy" for part in ("train", "dev", "test"))
    folder = source / corpus.folder
    base = replace(base, lang=corpus.lang or base.lang, groups=corpus.groups)
    job = replace(base, name=corpus.converter, inputs=[folder / corpus.train], output=train)
    job = replace(job, dev_share=SELECTION_SHARE, dev_output=dev)
    if not corpus.test:
        return [replace(job, test_share=TEST_SHARE, test_output=test)]
    tested = [folder / corpus.test]
    job = replace(job, without=tested if corpus.overlaps else [])
    return [job, replace(base, name=corpus.converter, inputs=tested, output=test)]


def _split_jobs(base: Job, folder: Path, output: Path) -> list[Job]:
    """BC5CDR as two corpora that each know one label, to learn both from; dev and test (as in ``ner``) have both."""
    given = replace(base, inputs=[folder / BC5CDR.train])
    rest, selection = (SELECTION_SHARE, 1.0), (0.0, SELECTION_SHARE)
    train = output / "train"
    return [
        replace(given, name="bc5cdr_disease_half", output=train / "disease_half.spacy", places=rest),
        replace(given, name="bc5cdr_chemical_half", output=train / "chemical_half.spacy", places=rest),
        replace(given, name="pubtator", output=output / "dev" / "bc5cdr.spacy", places=selection),
        replace(base, name="pubtator", inputs=[folder / BC5CDR.test], output=output / "test" / "bc5cdr.spacy"),
    ]


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
