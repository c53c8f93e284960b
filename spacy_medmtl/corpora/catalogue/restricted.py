"""Corpora that are not here: lent on application only, or public and not fetched. Their converters are written from the
documented formats and not run on the real data; see ``docs/restricted_corpora.md``."""

from ..converter import Converter

_N2C2 = "https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/"
_N2C2_LICENCE = "data use agreement with the DBMI of Harvard Medical School"
_PHYSIONET_LICENCE = "PhysioNet, credentialed access: training course and data use agreement"

CONVERTERS: dict[str, Converter] = {
    "i2b2_2010": Converter(
        "i2b2_2010",
        "i2b2/VA 2010 (a folder of .txt, with .con, .ast, .rel): entities Problem, Test, Treatment; findings with "
        "their status; eight relations; has no dev part, use --dev-share",
        train=(
            "concept_assertion_relation_training_data/beth/txt",
            "concept_assertion_relation_training_data/partners/txt",
        ),
        folder_pattern="*.txt",
        tasks=("sru_nested_ner", "cpncf_assertion", "pair_relation"),
        folder="i2b2_2010",
        licence=_N2C2_LICENCE,
        url=_N2C2,
    ),
    "i2b2_2012": Converter(
        "i2b2_2012",
        "i2b2 2012 (a folder of .xml): entities of events and times, findings with their status, temporal relations "
        "BEFORE, AFTER, OVERLAP; has no dev part, use --dev-share",
        train=("2012-07-15.original-annotation.release",),
        folder_pattern="*.xml",
        tasks=("sru_nested_ner", "cpncf_assertion", "pair_relation"),
        folder="i2b2_2012",
        licence=_N2C2_LICENCE,
        url=_N2C2,
    ),
    "i2b2_2014": Converter(
        "i2b2_2014",
        "i2b2 2014 de-identification (a folder of .xml): entities of protected health information, 31 types; has no "
        "dev part, use --dev-share",
        train=("training-PHI-Gold-Set1", "training-PHI-Gold-Set2"),
        folder_pattern="*.xml",
        tasks=("sru_nested_ner",),
        folder="i2b2_2014",
        licence=_N2C2_LICENCE,
        url=_N2C2,
    ),
    "n2c2_2018": Converter(
        "n2c2_2018",
        "n2c2 2018 adverse drug events (a folder of brat .txt and .ann): entities Drug, ADE, Reason and six more; "
        "their relations to drugs; has no dev part, use --dev-share",
        train=("training_20180910",),
        folder_pattern="*.txt",
        tasks=("sru_nested_ner", "pair_relation"),
        folder="n2c2_2018",
        licence=_N2C2_LICENCE,
        url=_N2C2,
    ),
    "n2c2_2019_sts": Converter(
        "sts",
        "n2c2 2019 / ClinicalSTS (TSV): sentence pairs with a similarity from 0 to 5; has no dev part, use --dev-share",
        train=("clinicalSTS2019.train.txt",),
        tasks=("pair_relation",),
        folder="n2c2_2019_sts",
        licence=_N2C2_LICENCE,
        url=_N2C2,
    ),
    "mednli": Converter(
        "mednli",
        "MedNLI (JSON lines): sentence pairs 'entailment', 'contradiction' or 'neutral'",
        train=("mli_train_v1.jsonl",),
        dev=("mli_dev_v1.jsonl",),
        tasks=("pair_relation",),
        licence=_PHYSIONET_LICENCE,
        url="https://physionet.org/content/mednli/",
        folder="mednli",
    ),
    "share_clef_2013": Converter(
        "share_clef",
        "ShARe/CLEF eHealth 2013, task 1 (a folder of .txt, with .pipe files): entities Disorder; has no dev part, use "
        "--dev-share",
        train=("train",),
        folder_pattern="*.txt",
        settings={"has_template": False},
        tasks=("sru_nested_ner",),
        licence=_PHYSIONET_LICENCE,
        url="https://physionet.org/content/shareclefehealth2013/",
        folder="share_clef_2013",
    ),
    "share_clef_2014": Converter(
        "share_clef",
        "ShARe/CLEF eHealth 2014, task 2 (a folder of .txt, with .pipe files): entities Disorder, and findings with "
        "their status; has no dev part, use --dev-share",
        train=("train",),
        folder_pattern="*.txt",
        settings={"has_template": True},
        tasks=("sru_nested_ner", "cpncf_assertion"),
        licence=_PHYSIONET_LICENCE,
        url="https://physionet.org/content/shareclefehealth2014task2/",
        folder="share_clef_2014",
    ),
    "chemprot_tsv": Converter(
        "chemprot_tsv",
        "ChemProt of BioCreative VI (the table of abstracts, the others beside it): entities Chemical and "
        "Gene_or_protein, relations of five groups",
        train=("chemprot_training/chemprot_training_abstracts.tsv",),
        dev=("chemprot_development/chemprot_development_abstracts.tsv",),
        tasks=("sru_nested_ner", "pair_relation"),
        licence="public after registration; terms on the page",
        url="https://biocreative.bioinformatics.udel.edu/news/corpora/chemprot-corpus-biocreative-vi/",
        folder="chemprot_tsv",
        reads_ahead=True,
    ),
    "chemdner": Converter(
        "chemdner",
        "CHEMDNER of BioCreative IV (the table of abstracts, that of annotations beside it): entities Chemical",
        train=("training.abstracts.txt",),
        dev=("development.abstracts.txt",),
        tasks=("sru_nested_ner",),
        licence="public; terms on the page",
        url="https://biocreative.bioinformatics.udel.edu/resources/biocreative-iv/chemdner-corpus/",
        folder="chemdner",
        reads_ahead=True,
    ),
    "bc4chemd": Converter(
        "iob",
        "BC4CHEMD, CHEMDNER as sentences of given words (IOB): entities Chemical",
        train=("train.tsv",),
        dev=("devel.tsv",),
        settings={"labels": {"Chemical": "Chemical"}},
        tasks=("sru_nested_ner",),
        licence="public; terms on the page",
        url="https://github.com/cambridgeltl/MTL-Bioinformatics-2016",
        folder="bc4chemd",
    ),
    "conll2003": Converter(
        "conll2003",
        "CoNLL-2003, English news (four columns): entities PER, LOC, ORG and MISC",
        train=("eng.train",),
        dev=("eng.testa",),
        tasks=("sru_nested_ner",),
        licence="annotations public; the texts (Reuters) on application to NIST",
        url="https://www.clips.uantwerpen.be/conll2003/ner/",
        folder="conll2003",
    ),
}
