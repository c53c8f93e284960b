"""The model of ``sru_nested_ner``: token rows to the Slot-based Recurrent Unit, action logits or probabilities out."""

from typing import TYPE_CHECKING, Any

from ..kinds import FLAG, number, whole_number

if TYPE_CHECKING:
    from thinc.api import Model
    from thinc.types import Floats2d

    from .inputs import SruInput


def sru_nested_ner_model(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    lr_scale: float = 10.0,
    latents_per_action: int = 2,
    half_context: int = 150,
    train_token_multiplier: bool = False,
    token_multiplier: float = 1.0,
    longest_span: int = 12,
    paper_compat: bool = False,
    nO: int | None = None,  # noqa: N803
) -> "Model[SruInput, Any]":
    """``spacy-medmtl.SruNestedNer.v1``: sentences to action logits (training) or probabilities (prediction).

    Ruano et al., "Effective Multi-Task Learning for Biomedical NER", BioNLP 2025.

    tok2vec: any tok2vec layer; a RouteListener with the view ``tokens`` and ``max`` pooling is what the paper has.
    lr_scale: factor on the optimizer's learning rate for the unit (the paper: 3e-4 against 2e-5).
    latents_per_action: the paper's action space multiplier (2; GENIA 10). half_context: words either side that have a
    relative position of their own (150; GENIA 240). token_multiplier: weight of the memory against
    the position in the attention (1, constant; GENIA 10, trained). nO: number of actions, found at initialisation.
    longest_span: words of the longest span that is also scored as a whole (``SpanScores``; 12 are 99.7 % of GENIA's
    entities); longer ones are found by their actions alone, as with 0 or paper_compat, the paper's way, all are.
    paper_compat: repeat what the authors' code does beside its paper: no entity ends at the last word of a sentence,
    gold is read as by their converter (`flushed`), loss is the mean over actions too and rewards a decided SHIFT where
    one is postponed, and what ``SlotRecurrentUnit`` lists. For comparisons with their numbers only.
    Raises MedmtlError E203 for a setting of another kind.
    """
    from ..heads.tok2vec import check_layers
    from .thinc_layer import build_sru

    name = "spacy-medmtl.SruNestedNer.v1"
    check_layers(name, tok2vec, lr_scale)
    whole_number(1).check(name, "latents_per_action", latents_per_action)
    whole_number(3 if paper_compat else 0).check(name, "half_context", half_context)
    whole_number().check(name, "longest_span", longest_span)
    FLAG.check(name, "train_token_multiplier", train_token_multiplier)
    number().check(name, "token_multiplier", token_multiplier)
    FLAG.check(name, "paper_compat", paper_compat)
    return build_sru(
        tok2vec,
        nO,
        lr_scale=lr_scale,
        latents_per_action=latents_per_action,
        half_context=half_context,
        token_multiplier=token_multiplier,
        train_token_multiplier=train_token_multiplier,
        longest_span=longest_span,
        paper_compat=paper_compat,
    )
