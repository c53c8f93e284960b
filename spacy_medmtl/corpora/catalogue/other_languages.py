"""Public corpora in languages other than English."""

from ..converter import Converter

_NR = "no redistribution"
_CBLUE = "https://tianchi.aliyun.com/dataset/95414"
_IMCS = "https://github.com/lemuria-wchen/imcs21"

CONVERTERS: dict[str, Converter] = {
    "chip_mdcfnpc": Converter(
        "chip_mdcfnpc",
        "CHIP-MDCFNPC, Chinese dialogues (JSON lines): findings with their status, turns; has no dev part, "
        "use --dev-share",
        train=("train.jsonl",),
        tasks=("cpncf_assertion",),
        lang="zh",
        licence=_NR,
        url=_CBLUE,
        folder="chip_mdcfnpc",
    ),
    "kuake_qic": Converter(
        "kuake_qic",
        "KUAKE-QIC, intent of a Chinese query (JSON): intents, 11 classes; has no dev part, use --dev-share",
        train=("train.json",),
        tasks=("sentence_intent",),
        lang="zh",
        licence=_NR,
        url=_CBLUE,
        folder="kuake_qic",
    ),
    "chip_sts": Converter(
        "chip_sts",
        "CHIP-STS, Chinese questions of patients (JSON): pairs same_question or nothing; has no dev part, use"
        " --dev-share",
        train=("train.json",),
        tasks=("pair_relation",),
        lang="zh",
        licence=_NR,
        url=_CBLUE,
        folder="chip_sts",
    ),
    "cmeee": Converter(
        "cmeee",
        "CMeEE, Chinese (JSON): nested entities of nine types; has no dev part, use --dev-share",
        train=("train.json",),
        tasks=("sru_nested_ner",),
        lang="zh",
        licence=_NR,
        url=_CBLUE,
        folder="cmeee_v2",
    ),
    "imcs21_da": Converter(
        "imcs21_da",
        "IMCS21, Chinese dialogues (aligned JSON lines, or da_dev.txt): acts of utterances as intents, turns;"
        " has no dev part, use --dev-share",
        train=("aligned_dev.jsonl",),
        tasks=("sentence_intent",),
        lang="zh",
        licence=_NR,
        url=_IMCS,
        folder="imcs21",
    ),
    "imcs21_ner": Converter(
        "imcs21_ner",
        "IMCS21, Chinese dialogues (aligned JSON lines, or input.seq.char with output.seq.bio beside it): "
        "entities of five types, turns; has no dev part, use --dev-share",
        train=("aligned_dev.jsonl",),
        folder_pattern="*.char",
        tasks=("sru_nested_ner",),
        lang="zh",
        licence=_NR,
        url=_IMCS,
        folder="imcs21",
    ),
    "imcs21_status": Converter(
        "imcs21_status",
        "IMCS21, Chinese dialogues (aligned JSON lines): symptoms with their status as findings, turns; has "
        "no dev part, use --dev-share",
        train=("aligned_dev.jsonl",),
        tasks=("cpncf_assertion",),
        lang="zh",
        licence=_NR,
        url=_IMCS,
        folder="imcs21",
    ),
    "imcs21_qa": Converter(
        "imcs21_qa",
        "IMCS21, Chinese dialogues (aligned JSON lines): pairs of question and answer, answers or nothing "
        "(substituted, drawn with --seed); has no dev part, use --dev-share",
        train=("aligned_dev.jsonl",),
        tasks=("pair_relation",),
        lang="zh",
        licence=_NR,
        url=_IMCS,
        folder="imcs21",
    ),
    "quaero": Converter(
        "quaero",
        "QUAERO, French titles and leaflets (a .zip of brat files): nested entities of ten types",
        train=("train.zip",),
        dev=("dev.zip",),
        tasks=("sru_nested_ner",),
        lang="fr",
        licence="GFDL",
        url="https://quaerofrenchmed.limsi.fr",
        folder="quaero",
    ),
}
