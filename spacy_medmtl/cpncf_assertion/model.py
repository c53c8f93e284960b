"""The model of ``cpncf_assertion``: a linear layer over token rows (progressive paper, Eq. 7)."""

from typing import TYPE_CHECKING, Any, List, Optional

if TYPE_CHECKING:
    from thinc.api import Model
    from thinc.types import Floats2d


def cpncf_assertion_model(
    tok2vec: "Model[List[Any], List[Floats2d]]",
    lr_scale: float = 10.0,
    nO: Optional[int] = None,  # noqa: N803
) -> "Model[List[Any], Floats2d]":
    """``spacy-medmtl.CpncfAssertion.v1``: token rows to logits over tags [n_tokens, 1 + 2 * types * statuses].

    tok2vec: any tok2vec layer. A RouteListener with the view ``context`` reads each sentence with its neighbours, as in
    the paper; other layers read what they read. lr_scale: factor on the optimizer's learning rate for this layer.
    nO: number of tags, found at initialisation.
    """
    from ..encoder.rows import build_row_classifier

    return build_row_classifier(tok2vec, nO, lr_scale=lr_scale)
