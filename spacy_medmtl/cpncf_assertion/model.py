"""The model of ``cpncf_assertion``: one linear layer over token rows (progressive paper, Eq. 7) and over span rows."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinc.api import Model
    from thinc.types import Floats2d

    from .inputs import FindingInput


def cpncf_assertion_model(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    lr_scale: float = 10.0,
    nO: int | None = None,  # noqa: N803
) -> "Model[FindingInput, Floats2d]":
    """``spacy-medmtl.CpncfAssertion.v1``: logits [n_tokens + n_spans, nO]; first a row per token, then one per span.

    A span's row is the mean of its tokens' rows: its own wordpieces, as they stand in their context. The first columns
    are tags (1 + 2 * types * statuses), for tokens; then come statuses and modifiers, for spans.

    tok2vec: any tok2vec layer. A RouteListener with the view ``context`` reads each sentence with its neighbours, as in
    the paper; other layers read what they read. lr_scale: factor on the optimizer's learning rate for this layer.
    nO: number of columns, found at initialisation. Raises MedmtlError E203 for a setting of another kind.
    """
    from ..heads.rows import build_row_classifier
    from ..heads.tok2vec import check_layers
    from .thinc_layer import forward

    check_layers("spacy-medmtl.CpncfAssertion.v1", tok2vec, lr_scale)
    return build_row_classifier(tok2vec, nO, lr_scale=lr_scale, forward=forward)
