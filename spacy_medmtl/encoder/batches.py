"""The one-slot batch that lets the heads of a stream share what the encoder computes.

spaCy's pipes are generators that pull from one another. The encoder pipe cuts the stream into batches by tokens and
keeps the *current* one, with the Encoding that its rows are read from. A head groups the Docs it pulls by that batch,
so it predicts while the batch is still current. A component in between that buffers Docs breaks the rhythm; then heads
find other Docs current and compute on demand: slower, never wrong. Memory holds one batch, and no Doc.
"""

import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

if TYPE_CHECKING:
    from .encoding import Encoding


class CurrentBatch:
    """Docs, by weak references, and the Encoding of them by one state of the weights, which goes with the first Doc.

    readers: listeners that have read it, by id. asked: view -> routes, as they were asked for.
    """

    def __init__(self, docs: Sequence[Doc], version: int) -> None:
        self.version = version
        self.encoding: Encoding | None = None
        self.readers: set[int] = set()
        self.asked: dict[str, list[str]] = {}
        # weak, or the callback of each Doc would keep the batch alive that it is to end
        batch_ref = weakref.ref(self)

        def drop(_: "weakref.ref[Doc]") -> None:
            batch = batch_ref()
            if batch is not None:
                batch.encoding = None

        self._docs = {id(doc): weakref.ref(doc, drop) for doc in docs}
        self._last = id(docs[-1]) if docs else None

    def __reduce__(self) -> Any:
        """A copied or pickled pipe has no current batch."""
        return type(None), ()

    def covers(self, docs: Iterable[Doc]) -> bool:
        """Whether these very Docs are all of this batch."""
        # the id alone is not enough: it may be that of a Doc that is gone, given to another
        refs = ((self._docs.get(id(doc)), doc) for doc in docs)
        return all(ref is not None and ref() is doc for ref, doc in refs)

    def ends_with(self, doc: Doc) -> bool:
        return id(doc) == self._last


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
