"""Public English corpora, and the bundled sample."""

from typing import Dict

from ..converter import Converter

# One name for what BC2GM calls GENE and JNLPBA protein, so that the two train one label.
_GENE = "Gene_or_protein"
_NCBI_CLASSES = ("SpecificDisease", "DiseaseClass", "CompositeMention", "Modifier")

CONVERTERS: Dict[str, Converter] = {
    "sample": Converter(
        "sample",
        "the bundled sample corpus: intents, entities, findings, question-answer pairs (a folder, or its .txt files)",
        train=("train",),
        dev=("dev",),
        folder_pattern="*.txt",
        reads_ahead=True,
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
    "e3c": Converter(
        "e3c",
        "E3C, English clinical cases (WebAnno XMI; a folder, or its .xml files): given findings with their status; has "
        "no dev part, use --dev-share",
        train=("English",),
        folder_pattern="*.xml",
    ),
    "bc2gm": Converter(
        "iob",
        "BC2GM (IOB): entities Gene_or_protein",
        train=("train.tsv",),
        dev=("devel.tsv",),
        settings={"labels": {"GENE": _GENE}},
    ),
    "linnaeus": Converter(
        "iob",
        "linnaeus (IOB): entities Species",
        train=("train.tsv",),
        dev=("devel.tsv",),
        settings={"labels": {"Species": "Species"}},
    ),
    "bc5cdr_iob": Converter(
        "iob",
        "BC5CDR as sentences of given words (IOB): entities Chemical and Disease",
        train=("train.tsv",),
        dev=("devel.tsv",),
        settings={"labels": {"Chemical": "Chemical", "Disease": "Disease"}},
    ),
    "ncbi_disease_iob": Converter(
        "iob",
        "NCBI-disease as sentences of given words (IOB): entities Disease",
        train=("train.tsv",),
        dev=("devel.tsv",),
        settings={"labels": {"Disease": "Disease"}},
    ),
    "ncbi_disease": Converter(
        "pubtator",
        "NCBI-disease in its own format: entities Disease, of any of its four classes",
        train=("NCBItrainset_corpus.txt",),
        dev=("NCBIdevelopset_corpus.txt",),
        settings={"labels": dict.fromkeys(_NCBI_CLASSES, "Disease")},
    ),
    "jnlpba": Converter(
        "jnlpba",
        "JNLPBA (a .zip of standoff files, or IOB): entities Gene_or_protein, DNA, RNA, cell_line and cell_type",
        train=("standoff_train.zip",),
        dev=("devel.tsv",),
        settings={"labels": {"protein": _GENE, **{name: name for name in ("DNA", "RNA", "cell_line", "cell_type")}}},
    ),
    "genia": Converter(
        "genia",
        "GENIA (JSON lines): nested entities protein, DNA, RNA, cell_line and cell_type",
        train=("train.jsonl",),
        dev=("dev.jsonl",),
    ),
    "bc5cdr_disease_half": Converter(
        "pubtator_half",
        "the first half of the documents of a BC5CDR file: entities Disease, and no others annotated",
        train=("CDR_TrainingSet.PubTator.txt",),
        settings={"label": "Disease", "is_first": True},
    ),
    "bc5cdr_chemical_half": Converter(
        "pubtator_half",
        "the second half of the documents of a BC5CDR file: entities Chemical, and no others annotated",
        train=("CDR_TrainingSet.PubTator.txt",),
        settings={"label": "Chemical", "is_first": False},
    ),
}
