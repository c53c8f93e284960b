"""What ``pair_relation`` is expected to do in the tests that all heads share."""

from spacy.tokens import Doc
from toy import Case, intent_of

from spacy_medmtl.annotations.groups import RELATIONS
from spacy_medmtl.annotations.relations import JudgedPair, write_relations


def annotate_pairs(doc: Doc) -> None:
    """Adjacent sentences about findings: AGREE or CONTRAST; a pair with a social sentence holds nothing."""
    sents = list(doc.sents)
    pairs = []
    for one, two in zip(sents, sents[1:]):
        kinds = [intent_of(one), intent_of(two)]
        labels = () if "SOCIAL" in kinds else ("AGREE",) if kinds[0] == kinds[1] else ("CONTRAST",)
        pairs.append(JudgedPair((one.start, one.end), (two.start, two.end), labels, 1.0))
    write_relations(doc, pairs)


def annotate_no_pairs(doc: Doc, key: str) -> None:
    write_relations(doc, [], key=key)


CASE = Case(
    "pair_relation",
    annotate_pairs,
    ["AGREE", "CONTRAST"],
    n_outputs=2,
    key=RELATIONS,
    place=2,
    masked_columns=[1],
    values=("scores", "labels"),
    n_updates=120,
    annotate_nothing=annotate_no_pairs,
    checks_values=True,
)
