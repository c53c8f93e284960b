"""Formats of anyone's own data, and what their files must hold. ``docs/formats.md`` has an example of each."""

from ...annotations.groups import INTENTS
from ..converter import Converter
from ..options import Option, choice, columns, meanings, name, names

_STATUSES = (
    "assertion:positive=positive,assertion:negative=negative,assertion:unknown=unknown,negation=negative,"
    "negated=negative,uncertain=uncertain,hypothetical=hypothetical,historical=historical,family=family"
)
_SPANS: dict[str, Option] = {
    "group": choice(
        "where mentions go: ner (medmtl_ner), findings (medmtl_findings, with a status), or both (findings are those "
        "with an attribute that gives a status or modifier)",
        *("ner", "findings", "both"),
    ),
    "labels": names("the labels that were annotated, used or not; by default those that occur in the input"),
    "statuses": meanings("what attributes say of a finding; one without a status is positive", _STATUSES),
    "modifiers": names("the modifiers that were judged, found or not; by default those whose attributes occur"),
}
_DISCONTINUOUS = {
    "discontinuous": choice(
        "what becomes of a mention of several stretches: cover (one span from the first to the last), first (only the "
        "first stretch), drop (a loss)",
        *("cover", "first", "drop"),
    )
}
_UNIT = {
    "unit": choice(
        "what a class of a text belongs to: sentence (an intent of the whole text, as one unit), doc (doc.cats)",
        *("sentence", "doc"),
    )
}
_DELIMITER = {"delimiter": choice("between the columns", "auto", "comma", "tab", "semicolon", "pipe")}
_PAIR = {
    "first": name("column of the first text", "text1"),
    "second": name("column of the second text", "text2"),
}
_ANY = ("sru_nested_ner", "cpncf_assertion", "pair_relation")

CONVERTERS: dict[str, Converter] = {
    "brat": Converter(
        "brat",
        "brat: a folder of .txt and .ann files, or a .zip of it: entities, attributes, relations",
        train=("train",),
        dev=("dev",),
        folder_pattern="**/*.txt",
        options={**_SPANS, **_DISCONTINUOUS},
        tasks=_ANY,
    ),
    "bioc": Converter(
        "bioc",
        "BioC (.xml or .json; a folder of .xml files): entities, infons as attributes, relations",
        train=("train.xml",),
        dev=("dev.xml",),
        folder_pattern="*.xml",
        options={**_SPANS, **_DISCONTINUOUS},
        tasks=_ANY,
    ),
    "pubtator_any": Converter(
        "pubtator_any",
        "PubTator with any types: entities",
        train=("train.txt",),
        dev=("dev.txt",),
        options={key: _SPANS[key] for key in ("group", "labels")},
        tasks=("sru_nested_ner",),
    ),
    "conll": Converter(
        "conll",
        "CoNLL columns (IOB1, IOB2, IOBES, BILOU; nested in several columns): entities",
        train=("train.conll",),
        dev=("dev.conll",),
        options={
            "word": columns("column of the words", "1"),
            "tags": columns("columns of the tags, several for nested entities: 3,4", "-1"),
            **_SPANS,
        },
        tasks=("sru_nested_ner", "cpncf_assertion"),
    ),
    "prodigy": Converter(
        "prodigy",
        "Prodigy (JSON lines), also what 'medmtl export jsonl' writes: entities, relations, classes of texts",
        train=("train.jsonl",),
        dev=("dev.jsonl",),
        options={**_SPANS, **_UNIT},
        tasks=("sentence_intent", *_ANY),
    ),
    "doccano": Converter(
        "doccano",
        "doccano (JSON lines): entities, relations, classes of texts",
        train=("train.jsonl",),
        dev=("dev.jsonl",),
        options={**_SPANS, **_UNIT},
        tasks=("sentence_intent", *_ANY),
    ),
    "label_studio": Converter(
        "label_studio",
        "Label Studio (JSON): entities, choices as attributes or classes of texts, relations",
        train=("train.json",),
        dev=("dev.json",),
        options={
            **_SPANS,
            **_UNIT,
            "annotations": choice(
                "which annotation of a task counts: only (several are a loss), first, last", "only", "first", "last"
            ),
            "field": name("the member of a task's data that is the text", "text"),
        },
        tasks=("sentence_intent", *_ANY),
    ),
    "csv_sentences": Converter(
        "csv_sentences",
        "CSV or TSV with a header: a sentence and its label in each row: intents",
        train=("train.csv",),
        dev=("dev.csv",),
        options={
            "text": name("column of the texts", "text"),
            "label": name("column of the labels", "label"),
            "labels": names("the labels that were annotated, used or not; by default those that occur in the input"),
            "spans_key": name("the span group, for a second task of sentences", INTENTS),
            **_UNIT,
            **_DELIMITER,
        },
        tasks=("sentence_intent",),
    ),
    "csv_pairs": Converter(
        "csv_pairs",
        "CSV or TSV with a header: two texts and a label in each row: judged pairs",
        train=("train.csv",),
        dev=("dev.csv",),
        options={
            **_PAIR,
            "label": name("column of the labels", "label"),
            "none": names("labels that say that there is no relation", "none"),
            **_DELIMITER,
        },
        tasks=("pair_relation",),
    ),
    "csv_scores": Converter(
        "csv_pairs",
        "CSV or TSV with a header: two texts and a number in each row: pairs for a regression",
        train=("train.csv",),
        dev=("dev.csv",),
        options={
            **_PAIR,
            "score": name("column of the numbers", "score"),
            "label": name("the one label that all pairs get", "similarity"),
            **_DELIMITER,
        },
        tasks=("pair_relation",),
    ),
}
