"""What ``sentence_intent`` is expected to do in the tests that all heads share."""

from spacy.tokens import Doc, Span
from toy import Case, intent_of

from spacy_medmtl.annotations.groups import INTENTS, write_group


def annotate_intents(doc: Doc) -> None:
    write_group(doc, INTENTS, [Span(doc, s.start, s.end, label=intent_of(s)) for s in doc.sents])


CASE = Case(
    "sentence_intent",
    annotate_intents,
    ["DENIAL", "FINDING", "SOCIAL"],
    n_outputs=3,
    key=INTENTS,
    place=1,
    masked_columns=[1, 2],
    n_updates=90,
    one_label_is_certain=True,
)
