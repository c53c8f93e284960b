"""Whether the labels of spans that a component is given stand in the training corpus: for ``checks``."""

from collections.abc import Iterable, Iterator

from spacy.training import Example

from ..annotations.groups import entity_spans
from ..errors import message
from ..heads.head import Head


class GivenChecks:
    """Looks at each example of the training corpus; ``report`` says which given labels do not stand there.

    Where a corpus holds nothing under a key (rules may write it), nothing can be said of its labels.
    """

    def __init__(self, heads: Iterable[Head]) -> None:
        self.heads = [head for head in heads if head.given_labels]
        self.seen: dict[str, set[str]] = {key: set() for head in self.heads for key in head.given_labels}

    def watch(self, examples: Iterable[Example], part: str) -> Iterator[Example]:
        """The examples, looked at on their way."""
        for example in examples:
            if part == "train":
                for key, labels in self.seen.items():
                    labels.update(label for _, _, label in entity_spans(example.reference, key))
            yield example

    def report(self) -> list[str]:
        """A warning, coded, for each component and key with labels that are not there."""
        messages = []
        for head in self.heads:
            for key, labels in head.given_labels.items():
                unknown = sorted(set(labels) - self.seen[key])
                if self.seen[key] and unknown:
                    known = sorted(self.seen[key])
                    messages.append(message("W318", name=head.name, received=unknown, key=key, expected=known))
        return messages
