"""The model of ``pair_relation``: a linear layer over the [CLS] of ``[CLS] a [SEP] b [SEP]``, or of the sentences that
hold two entities.

Progressive paper, Eq. 6.
"""

from typing import TYPE_CHECKING, Any

from ..encoder.views.requests import ENTITY_VIEWS

if TYPE_CHECKING:
    from thinc.api import Model
    from thinc.types import Floats2d


def pair_relation_model(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    lr_scale: float = 10.0,
    nO: int | None = None,  # noqa: N803
) -> "Model[list[Any], Floats2d]":
    """``spacy-medmtl.PairRelation.v1``: rows of pairs to logits [n_pairs, n_outputs].

    tok2vec: a RouteListener with the view ``pair``, or for entities ``marked_pair`` or ``blinded_pair``.
    lr_scale: factor on the optimizer's learning rate for this layer.
    nO: number of outputs, found at initialisation. Raises MedmtlError E205 for a tok2vec layer that cannot read pairs.
    """
    from ..encoder.rows import build_row_classifier, check_view

    check_view(tok2vec, "pair", "pair_relation", *ENTITY_VIEWS)
    return build_row_classifier(tok2vec, nO, lr_scale=lr_scale)
