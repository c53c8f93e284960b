"""Settings that the registered optimizer refuses."""

import math

import pytest

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.optimizers import torch_optimizer


@pytest.mark.parametrize(
    "odd",
    [
        {"algorithm": "sgd"},
        {"groups": {"head": {"lr_scale": 1.0}}},
        {"groups": {"heads": {"rate": 1.0}}},
        {"groups": {"heads": {"lr_scale": -1.0}}},
        {"weight_decay": -0.1},
        {"grad_clip": math.nan},
        {"beta1": 1.0},
        {"beta2": -0.1},
        {"eps": 0.0},
    ],
)
def test_odd_settings_are_coded(odd):
    with pytest.raises(MedmtlError, match="MEDMTL-E322"):
        torch_optimizer(1e-3, **odd)
