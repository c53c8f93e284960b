"""The one-slot batch that lets the heads of a stream share what the encoder computed.

spaCy's pipes are generators that pull from one another. The encoder pipe cuts the stream into batches by wordpiece
budget and keeps the *current* one, with a memo of trunk and route outputs. A head groups the Docs it pulls by that
batch, so it predicts while the batch is still current. A component in between that buffers Docs breaks the rhythm;
then heads find other Docs current and compute on demand: slower, never wrong. Memory holds one batch.
"""

from collections.abc import Iterable, Iterator, Sequence

from spacy.tokens import Doc
from spacy.util import minibatch
from thinc.api import Model

from .listener import find_link
from .readings import Memo


class CurrentBatch:
    """Docs, and what was computed for them with one state of the weights."""

    def __init__(self, docs: Sequence[Doc], version: int) -> None:
        self.docs: dict[int, Doc] = {id(doc): doc for doc in docs}
        self.last = docs[-1] if docs else None
        self.version = version
        self.memo: Memo = {}

    def covers(self, docs: Iterable[Doc]) -> bool:
        return all(id(doc) in self.docs for doc in docs)


def token_batches(stream: Iterable[Doc], *, max_docs: int, max_tokens: int) -> Iterator[list[Doc]]:
    """Cut a stream into batches of at most ``max_docs`` Docs and ``max_tokens`` tokens; a longer Doc stands alone."""
    batch: list[Doc] = []
    n_tokens = 0
    for doc in stream:
        if batch and (len(batch) >= max_docs or n_tokens + len(doc) > max_tokens):
            yield batch
            batch, n_tokens = [], 0
        batch.append(doc)
        n_tokens += len(doc)
    if batch:
        yield batch


def head_batches(model: Model, stream: Iterable[Doc], batch_size: int) -> Iterator[list[Doc]]:
    """Group a stream as the encoder that ``model`` listens to does; in batches of ``batch_size`` where it cannot."""
    link = find_link(model)
    if link is None or link.pipe is None:
        yield from minibatch(stream, size=batch_size)
        return
    batch: list[Doc] = []
    for doc in stream:
        batch.append(doc)
        current: CurrentBatch | None = link.pipe.current
        if current is None or not current.covers(batch):  # somebody between buffers: go on by number
            if len(batch) >= batch_size:
                yield batch
                batch = []
        elif doc is current.last:
            yield batch
            batch = []
    if batch:
        yield batch
