"""Which pieces are masked: whole words, the shares of BERT, the seed."""

import numpy
import pytest

from spacy_medmtl.encoder.views.wordpieces import DocPieces
from spacy_medmtl.masked_lm.masking import mask_words

MASK, N_VOCABULARY = 3, 500


def pieces_of(lengths):
    """Pieces with ids from 1000 on, so that none is one of the vocabulary drawn from."""
    starts = numpy.concatenate([[0], numpy.cumsum(lengths)])
    return DocPieces(numpy.arange(1000, 1000 + starts[-1]), starts)


def masked(pieces, seed=0, share=0.15):
    return mask_words(pieces, numpy.random.default_rng(seed), share=share, mask=MASK, n_vocabulary=N_VOCABULARY)


def test_words_are_chosen_whole():
    pieces = pieces_of([1, 3, 0, 2] * 50)
    _, chosen = masked(pieces, share=0.5)
    for start, end in zip(pieces.starts, pieces.starts[1:]):
        assert len(set(chosen[start:end])) <= 1
    assert 0 < chosen.sum() < len(chosen)


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_shares(share):
    """20,000 words: within four standard deviations; of the chosen, 80 % masks, 10 % others, 10 % as they were."""
    n = 20_000
    pieces = pieces_of([1] * n)
    found, chosen = masked(pieces, share=share)
    assert abs(chosen.mean() - share) < 4 * (share * (1 - share) / n) ** 0.5
    assert (found.ids[~chosen] == pieces.ids[~chosen]).all()
    assert found.starts is pieces.starts
    m = chosen.sum()
    same, mask = found.ids[chosen] == pieces.ids[chosen], found.ids[chosen] == MASK
    drawn = found.ids[chosen][~same & ~mask]
    for part, expected in ((mask.mean(), 0.8 + 0.1 / N_VOCABULARY), (same.mean(), 0.1), (len(drawn) / m, 0.1)):
        assert abs(part - expected) < 4 * (expected * (1 - expected) / m) ** 0.5 + 1e-3
    assert drawn.min() >= 0
    assert drawn.max() < N_VOCABULARY
    assert len(set(drawn)) > 100


def test_the_seed_decides():
    pieces = pieces_of([2] * 100)
    for one, other in zip(masked(pieces, seed=1), masked(pieces, seed=1)):
        assert numpy.array_equal(getattr(one, "ids", one), getattr(other, "ids", other))
    assert not numpy.array_equal(masked(pieces, seed=1)[1], masked(pieces, seed=2)[1])


def test_no_pieces():
    found, chosen = masked(pieces_of([0, 0]))
    assert len(found.ids) == len(chosen) == 0
