"""A row gets the same bits from a head's layers however many others there are; at the widths of real encoders."""

import pytest
import torch

from spacy_medmtl.heads.row_classifier import RowClassifier
from spacy_medmtl.pair_relation.pair_classifier import PairClassifier

COUNTS = [*range(1, 40), 63, 64, 65, 200]
FIRST = 7


@pytest.mark.parametrize("classifier", [RowClassifier, PairClassifier])
@pytest.mark.parametrize("width", [32, 384, 768])
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 4, 9, 24])
@torch.no_grad()
def test_any_number_of_rows(classifier: type[RowClassifier] | type[PairClassifier], width: int, n_outputs: int):
    module = classifier(width, n_outputs)
    per_unit = module.rows_per_unit
    rows = torch.randn(250 * per_unit, width)
    together = module(rows, 0.0)
    for count in COUNTS:
        some = module(rows[FIRST * per_unit : (FIRST + count) * per_unit], 0.0)
        assert torch.equal(some, together[FIRST : FIRST + count]), count


def test_padding_has_no_part_in_gradients():
    module, rows = RowClassifier(32, 3), torch.randn(5, 32)
    module(rows, 0.0).sum().backward()
    assert torch.allclose(module.linear.weight.grad, rows.sum(dim=0).expand(3, 32), atol=1e-5)
    assert torch.equal(module.linear.bias.grad, torch.full((3,), 5.0))
