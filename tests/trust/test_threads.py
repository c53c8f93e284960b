"""Many threads that predict with one pipeline get what one thread gets."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from toy import TEXTS

N_THREADS, N_TEXTS = 8, 48


def found(doc: Doc) -> list[Any]:
    return [
        (key, [(span.start, span.end, span.label_) for span in group], group.attrs.get("assertion"))
        for key, group in sorted(doc.spans.items())
    ]


def test_threads_that_share_a_pipeline(nlp: Language):
    texts = [" ".join(TEXTS[: 1 + i % len(TEXTS)]) for i in range(N_TEXTS)]
    expected = [found(nlp(text)) for text in texts]
    with ThreadPoolExecutor(N_THREADS) as pool:
        assert list(pool.map(lambda text: found(nlp(text)), texts)) == expected


def test_threads_with_streams_of_their_own(nlp: Language):
    """``nlp.pipe`` in each thread, as a service with batches does."""
    expected = [found(doc) for doc in nlp.pipe(TEXTS)]
    with ThreadPoolExecutor(N_THREADS) as pool:
        streams = list(pool.map(lambda _: [found(doc) for doc in nlp.pipe(TEXTS, batch_size=2)], range(N_THREADS)))
    assert streams == [expected] * N_THREADS
