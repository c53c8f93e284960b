"""The model of ``sentence_intent``: a linear layer over the row of a unit.

In the view ``sentence`` that is its [CLS] (progressive paper, Eq. 6; raw last hidden state).
"""

from typing import TYPE_CHECKING, Any

from ..encoder.views.requests import DOCUMENT

if TYPE_CHECKING:
    from thinc.api import Model
    from thinc.types import Floats2d


def sentence_intent_model(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    lr_scale: float = 10.0,
    nO: int | None = None,  # noqa: N803
) -> "Model[list[Any], Floats2d]":
    """``spacy-medmtl.SentenceIntent.v1``: rows of units to logits [n_units, n_labels].

    tok2vec: a RouteListener with the view ``sentence``, or ``document``, where the row of a unit is the mean of its
        marker and wordpieces.
    lr_scale: factor on the optimizer's learning rate for this layer, which starts from random weights.
    nO: number of labels, found at initialisation.
    Raises MedmtlError E203 for a setting of another kind, E205 for a tok2vec layer that cannot read units.
    """
    from ..heads.rows import build_row_classifier
    from ..heads.tok2vec import check_layers, check_view

    check_layers("spacy-medmtl.SentenceIntent.v1", tok2vec, lr_scale)
    check_view(tok2vec, "sentence", "sentence_intent", DOCUMENT)
    return build_row_classifier(tok2vec, nO, lr_scale=lr_scale)
