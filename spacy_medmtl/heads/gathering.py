"""One reading of the examples for all heads of a pipeline that are initialised on them.

spaCy gives ``get_examples`` to each component, and each would read, decode and augment the whole corpus anew. The first
head that asks gathers what the others will ask for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples

if TYPE_CHECKING:
    from .head import Head

SAMPLE_SIZE = 10  # Docs that models are initialised with
GetExamples = Callable[[], Iterable[Example]]


@dataclass
class Gathered:
    """What a head has to know of the examples before it learns from them.

    labels, notes: what ``gold_labels`` and ``notes`` of the head say of the reference Docs.
    lost: by reason, how many gold spans training cannot use.
    sample: the first Docs with tokens: enough to tell how wide the rows of a stock tok2vec layer are.
    """

    labels: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    lost: Counter[str] = field(default_factory=Counter)
    sample: list[Doc] = field(default_factory=list)

    def add(self, head: "Head", example: Example) -> None:
        self.labels.update(head.gold_labels(example.reference))
        self.notes.update(head.notes(example.reference))
        self.lost.update(head.unusable(example))
        if len(self.sample) < SAMPLE_SIZE and len(example.predicted):
            self.sample.append(example.predicted)


# What was gathered for heads that have not asked for it yet. It goes with the callable, and is given out once.
_waiting: MutableMapping[GetExamples, dict["Head", Gathered]] = WeakKeyDictionary()


def gathered(head: "Head", others: Sequence["Head"], get_examples: GetExamples) -> Gathered:
    """What the examples say to a head. The examples are read once for it and the others, which ask by the same callable
    afterwards.

    Raises spaCy's TypeError where there is no callable, or it gives nothing or something else than Examples.
    """
    try:
        waiting = _waiting.setdefault(get_examples, {})
    except TypeError:  # a callable that cannot be looked up, or none at all
        waiting = {}
    if head not in waiting:
        waiting.clear()
        waiting.update(_read(head, others, get_examples))
    return waiting.pop(head)


def _read(head: "Head", others: Sequence["Head"], get_examples: GetExamples) -> dict["Head", Gathered]:
    found = {each: Gathered() for each in [head, *others]}
    for example in read_examples(get_examples, f"{type(head).__name__}.initialize"):
        for each in list(found):
            try:
                found[each].add(each, example)
            except Exception:
                if each is head:
                    raise
                # it reads for itself when its turn comes, and says then what is wrong
                del found[each]
    return found


def read_examples(get_examples: GetExamples, method: str) -> Iterator[Example]:
    """The examples of ``initialize``, checked one by one. spaCy's own check reads a whole corpus before the first use.

    Raises spaCy's TypeError where there is no callable, or it gives nothing or something else than Examples.
    """
    # what spaCy's check would say is left to it; what it would read, a whole corpus, is not
    examples = get_examples() if callable(get_examples) else None
    if not examples or not hasattr(examples, "__iter__"):
        validate_get_examples(get_examples, method)
    for example in examples or ():
        if not isinstance(example, Example):
            validate_examples([example], method)
        yield example
