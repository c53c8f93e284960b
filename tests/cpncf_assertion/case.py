"""What ``cpncf_assertion`` is expected to do in the tests that all heads share."""

from spacy.tokens import Doc
from toy import Case, intent_of, spans_of

from spacy_medmtl.annotations.groups import FINDINGS, write_group


def annotate_findings(doc: Doc) -> None:
    spans = spans_of(doc, {"pain": "SIGN", "fever": "SIGN", "cough": "CHEST"})
    denied = [intent_of(span.sent) == "DENIAL" for span in spans]
    write_group(doc, FINDINGS, spans, assertion=["negative" if is_denied else "positive" for is_denied in denied])


CASE = Case(
    "cpncf_assertion",
    annotate_findings,
    ["CHEST", "SIGN"],
    n_outputs=16,
    key=FINDINGS,
    place=4,
    masked_columns=range(7, 13),
    values=("scores", "assertion", "assertion_modifiers"),
    finds_spans=True,
    learnt=("modifiers",),
    checks_values=True,
    kept_off_borders=[(6, 7, "SIGN", "negative")],
)
