"""Whole-word masking (BERT): which wordpieces are to be guessed, and what stands in their place."""

import numpy

from ..encoder.views.wordpieces import DocPieces

MASKED, RANDOM = 0.8, 0.1  # of the chosen pieces; the others stay


def mask_words(
    pieces: DocPieces, generator: numpy.random.Generator, *, share: float, mask: int, n_vocabulary: int
) -> tuple[DocPieces, numpy.ndarray]:
    """Each token is chosen with probability ``share``, with all its pieces. Of the chosen pieces, each by itself, 80 %
    become ``mask``, 10 % a piece drawn from the whole vocabulary, 10 % stay as they are.

    Returns the pieces to read and which of them were chosen, bool [n_pieces].
    """
    lengths = numpy.diff(pieces.starts)
    # one draw a token, repeated for its pieces [n_pieces]
    chosen = numpy.repeat(generator.random(len(lengths)) < share, lengths)
    fate = generator.random(len(pieces.ids))
    # drawn for all pieces, so that what is drawn for one does not hang on what was chosen of others
    drawn = generator.integers(n_vocabulary, size=len(pieces.ids))
    ids = numpy.where(chosen & (fate < MASKED), mask, pieces.ids)
    ids = numpy.where(chosen & (fate >= MASKED) & (fate < MASKED + RANDOM), drawn, ids)
    return DocPieces(ids.astype(pieces.ids.dtype), pieces.starts), chosen
