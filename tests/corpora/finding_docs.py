"""What tests read off converted Docs with findings."""

from spacy_medmtl.annotations.groups import FINDINGS


def sentences(doc):
    return [sentence.text.strip() for sentence in doc.sents]


def findings(doc):
    group = doc.spans[FINDINGS]
    return list(
        zip([span.text for span in group], group.attrs["assertion"], group.attrs["assertion_modifiers"], strict=True)
    )
