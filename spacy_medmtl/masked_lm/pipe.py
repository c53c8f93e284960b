"""The component ``medmtl_masked_lm``. It annotates nothing: it is there for what the encoder learns from plain text."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from thinc.api import Config, Model, Optimizer

from ..annotations.scoring import corpus_of
from ..heads.task import Task
from ..kinds import names
from ..settings import Setting

DEFAULT_CONFIG = """
[model]
@architectures = "spacy-medmtl.MaskedLm.v1"
share = 0.15
lr_scale = 10.0

[model.tok2vec]
@architectures = "spacy-medmtl.RouteListener.v1"
route = ""
view = "tokens"
upstream = "*"
"""


@Language.factory(
    "medmtl_masked_lm",
    default_config={"model": Config().from_str(DEFAULT_CONFIG)["model"], "corpora": []},
    default_score_weights={},
)
def make_masked_lm(nlp: Language, name: str, model: Model, corpora: list[str]) -> "MaskedLm":
    """Guess masked words of plain text (BERT, whole words), so that the encoder learns from text without annotation.

    model: ``spacy-medmtl.MaskedLm.v1``. The ``route`` of its ``tok2vec`` has no default, as the encoder may have any.
    corpora: names of the corpora whose text is learnt from, as ``spacy-medmtl.MultitaskCorpus.v1`` calls them; none for
        every Doc of every batch.
    Raises MedmtlError E334 without a route.
    """
    return MaskedLm(nlp, model, name, corpora=corpora)


class MaskedLm(Task):
    """See ``make_masked_lm``. Docs pass it unchanged, so a trained pipeline works without it."""

    corpora = Setting(names("a list of names of corpora, each once"))

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        yield from stream

    def predict(self, docs: Iterable[Doc]) -> None:
        """There is nothing to predict."""

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        """Nothing is left on Docs."""

    def get_loss(self, examples: Iterable[Example], scores: Any) -> None:
        """The loss is the model's own output."""

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Language | None = None) -> None:
        """Build the output layer. Raises MedmtlError E003 without an encoder, E017 for one without weights yet."""
        self.belong_to(nlp)
        self.model.initialize()

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from the text of the examples that are of its corpora. Raises MedmtlError E016 on a loss that is no
        number."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "MaskedLm.update")
        docs = [
            example.predicted
            for example in examples
            if not self.corpora or corpus_of(example.reference) in self.corpora
        ]
        loss, backprop = self.model.begin_update(docs)
        if loss is None:
            return losses
        return self.learn(loss, 1.0, backprop, sgd, losses)
