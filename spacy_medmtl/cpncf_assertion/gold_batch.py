"""What the model reads of a batch of annotated Docs, and the gold that goes with its rows."""

from collections.abc import Sequence

import numpy
from spacy.training import Example

from ..annotations.groups import GIVEN_SPANS_ONLY, Bounds, word_offsets
from ..encoder.views.requests import DocumentReading, Reading
from ..heads.outputs import UnitLabels, one_hot
from .gold import FindingGold, GoldFinding, judged_modifiers
from .inputs import FindingInput
from .tags import TagSet, outermost


class GoldBatch:
    """Collects Docs one by one. Token rows of all Docs are counted through, as the model gives them.

    key: of the gold span groups. tags_are_learnt: not where only given spans are judged.
    """

    def __init__(self, tags: TagSet, modifiers: Sequence[str], *, key: str, tags_are_learnt: bool) -> None:
        self.tags, self.modifiers = tags, modifiers
        self.key, self.tags_are_learnt = key, tags_are_learnt
        self.readings: list[Reading | DocumentReading] = []
        self.n_rows = 0  # of the tokens of these
        # Of the tokens of each Doc; the empty first part gives the shape where there is no Doc.
        self.columns: list[numpy.ndarray] = [numpy.zeros(0, dtype=int)]
        self.allowed: list[numpy.ndarray] = [numpy.zeros((0, tags.n_tags), dtype=bool)]
        # Of each span that is judged.
        self.findings: list[GoldFinding] = []
        self.span_rows: list[numpy.ndarray] = []
        self.judged_modifiers: list[Sequence[bool]] = []

    def add(
        self,
        example: Example,
        reading: Reading | DocumentReading,
        sentences: Sequence[Bounds],
        findings: Sequence[GoldFinding],
        types: Sequence[str],
    ) -> None:
        """An annotated Doc, unless it gives no loss: then it must not make a step.

        sentences: those that are read. findings: all gold ones. types: those that its corpus annotates.
        """
        doc = example.predicted
        columns = self._tag_columns(example, sentences, findings)
        judged = [finding for finding in findings if finding.label in types]
        if (columns < 0).all() and not judged:
            return
        self.readings.append(reading)
        self.columns.append(columns)
        self.allowed.append(numpy.repeat(self.tags.allowed(types)[None], len(doc), axis=0))
        self.findings += judged
        self.span_rows += [self.n_rows + word_offsets(doc, finding.start, finding.end) for finding in judged]
        self.judged_modifiers += [judged_modifiers(example.reference, self.key, self.modifiers)] * len(judged)
        self.n_rows += len(doc)

    def _tag_columns(
        self, example: Example, sentences: Sequence[Bounds], findings: Sequence[GoldFinding]
    ) -> numpy.ndarray:
        """The gold tag of each token [n_tokens]. -1, which gives no loss, for tokens that no sentence reads and white
        space; for all, where tags are not learnt or the corpus only judged given spans."""
        doc = example.predicted
        # BIO has one tag a token, so of findings that overlap the longest is learnt (see ``outermost``)
        columns = self.tags.encode(outermost([finding[:4] for finding in findings])[0], len(doc))
        learnt = numpy.zeros(len(doc), dtype=bool)
        if self.tags_are_learnt and not example.reference.spans[self.key].attrs.get(GIVEN_SPANS_ONLY):
            for start, end in sentences:
                learnt[word_offsets(doc, start, end)] = True
        return numpy.where(learnt, columns, -1)

    def inputs(self) -> FindingInput:
        return FindingInput(self.readings, self.span_rows)

    def gold(self, statuses: Sequence[str]) -> FindingGold:
        """A row per token, and a row per span."""
        tags = UnitLabels(one_hot(numpy.concatenate(self.columns), self.tags.n_tags), numpy.vstack(self.allowed))
        # [n_spans]
        columns = numpy.asarray([statuses.index(finding.status) for finding in self.findings], dtype=int)
        all_judged = numpy.ones((len(columns), len(statuses)), dtype=bool)
        # [n_spans, n_modifiers]: of no spans, or no modifiers, NumPy would make an array of another shape
        shape = len(self.findings), len(self.modifiers)
        held = numpy.asarray([finding.modifiers for finding in self.findings], dtype=bool).reshape(shape)
        judged = numpy.asarray(self.judged_modifiers, dtype=bool).reshape(shape)
        return FindingGold(tags, UnitLabels(one_hot(columns, len(statuses)), all_judged), UnitLabels(held, judged))
