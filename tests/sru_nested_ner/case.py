"""What ``sru_nested_ner`` is expected to do in the tests that all heads share."""

from spacy.tokens import Doc
from toy import Case, spans_of

from spacy_medmtl.annotations.groups import ENTITIES, write_group


def annotate_entities(doc: Doc) -> None:
    phrases = {"left knee pain": "SIGN", "left knee": "BODY", "chest pain": "SIGN", "chest": "BODY", "fever": "SIGN"}
    write_group(doc, ENTITIES, spans_of(doc, phrases))


CASE = Case(
    "sru_nested_ner",
    annotate_entities,
    ["BODY", "SIGN"],
    n_outputs=6,
    key=ENTITIES,
    place=3,
    masked_columns=[4, 5],
    n_updates=100,
    finds_spans=True,
    output_layer="output",
    can_grow=True,
    kept_off_borders=[(6, 7, "SIGN")],
)
