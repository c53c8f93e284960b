"""The model of ``pair_relation``: a linear layer over the [CLS] of ``[CLS] a [SEP] b [SEP]``, or of the sentences that
hold two entities.

Progressive paper, Eq. 6.
"""

from typing import TYPE_CHECKING, Any

from ..encoder.views.requests import DOCUMENT, ENTITY_VIEWS

if TYPE_CHECKING:
    from thinc.api import Model
    from thinc.types import Floats2d


def pair_relation_model(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    lr_scale: float = 10.0,
    nO: int | None = None,  # noqa: N803
) -> "Model[list[Any], Floats2d]":
    """``spacy-medmtl.PairRelation.v1``: rows of pairs to logits [n_pairs, n_outputs].

    tok2vec: a RouteListener with the view ``pair``, or for entities ``marked_pair`` or ``blinded_pair``; or with
        ``document``, where pairs of both kinds are made of the rows of their members by a hidden layer of their own.
    lr_scale: factor on the optimizer's learning rate for this layer.
    nO: number of outputs, found at initialisation.
    Raises MedmtlError E203 for a setting of another kind, E205 for a tok2vec layer that cannot read pairs.
    """
    from ..heads.row_classifier import RowClassifier
    from ..heads.rows import build_row_classifier
    from ..heads.tok2vec import check_layers, check_view, reads_documents
    from .pair_classifier import PairClassifier

    check_layers("spacy-medmtl.PairRelation.v1", tok2vec, lr_scale)
    check_view(tok2vec, "pair", "pair_relation", DOCUMENT, *ENTITY_VIEWS)
    classifier = PairClassifier if reads_documents(tok2vec) else RowClassifier
    return build_row_classifier(tok2vec, nO, lr_scale=lr_scale, classifier=classifier)
