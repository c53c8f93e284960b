"""What is found in a Doc, and how probable it is that it is a finding, whatever its status.

``tags.TagSet.decode`` gives the mean of 1 - P(O) over the tokens of a finding. It is calibrated like a label that holds
or not: by one temperature on its logit, fitted on the findings that are found in annotated texts. A finding counts as
one if it shares a token with a gold finding of its type; whether boundaries are right is another question.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy
from spacy.tokens import Doc

from ..annotations.groups import Bounds, covered_tokens, word_offsets
from ..heads.outputs import Exclusive, Independent, LabelledLogits, UnitLabels, tempered
from .gold import GoldFinding
from .tags import Finding, TagSet

TINY = 1e-6  # probabilities of 0 and 1 have no logit


def detect(doc: Doc, tags: TagSet, logits: numpy.ndarray, sentences: Sequence[Bounds]) -> list[Finding]:
    """Findings in sentences of a Doc, from the logits of its tokens' tags [n_tokens, n_tags]. Only words are tagged: a
    finding goes on over white space, and never begins or ends with it."""
    findings = []
    probabilities = Exclusive().probabilities(logits)
    for bounds in sentences:
        words = word_offsets(doc, *bounds)
        for finding in tags.decode(probabilities[words]):
            first, last = int(words[finding.start]), int(words[finding.end - 1])
            findings.append(replace(finding, start=first, end=last + 1))
    return findings


def believed(findings: Sequence[Finding], temperature: float, threshold: float) -> list[Finding]:
    """Findings of ``detect`` with calibrated probabilities; those below the threshold are left out."""
    raw = numpy.asarray([finding.detection for finding in findings], dtype="float64")
    kept = zip(findings, tempered(raw, temperature).tolist())
    return [replace(finding, detection=p) for finding, p in kept if p >= threshold]


def labelled_detections(
    findings: Sequence[Finding], gold: Sequence[GoldFinding], types: Sequence[str]
) -> LabelledLogits:
    """Of each finding of a Doc that ``detect`` gave, of the types that its corpus annotates: its logit, and whether it
    is one. One column."""
    findings = [finding for finding in findings if finding.label in types]
    p = (
        numpy.asarray([finding.detection for finding in findings], dtype="float64")
        .reshape(-1, 1)
        .clip(TINY, 1.0 - TINY)
    )
    n_tokens = max((finding.end for finding in findings), default=0)
    # by token, as a long text may have thousands of both
    covered = {
        label: covered_tokens(n_tokens, [(own.start, own.end) for own in gold if own.label == label])
        for label in {finding.label for finding in findings}
    }
    is_one = numpy.asarray(
        [covered[finding.label][finding.start : finding.end].any() for finding in findings], dtype=bool
    ).reshape(-1, 1)
    # the logit of a probability, for a temperature to divide
    return Independent().labelled(numpy.log(p) - numpy.log1p(-p), UnitLabels(is_one, numpy.ones_like(is_one)))
