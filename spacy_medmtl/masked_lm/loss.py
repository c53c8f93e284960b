"""The loss of an encoder on the masked words of Docs."""

from collections.abc import Sequence

import numpy
import torch
from spacy.tokens import Doc
from torch import Tensor
from torch.nn import functional

from ..encoder.encoding import Encoding
from ..encoder.module import EncoderModule
from ..encoder.views.viewer import lay_out
from ..errors import MedmtlError
from .masking import mask_words
from .output_layer import MaskedLmHead


def word_embeddings(module: EncoderModule) -> Tensor:
    """The encoder's word embeddings [vocabulary, narrow]."""
    return module.encoder.embeddings.words.weight


def head_spec(module: EncoderModule) -> dict[str, int]:
    """What a MaskedLmHead for an encoder is built with."""
    n_vocabulary, narrow = word_embeddings(module).shape
    return {"width": module.encoder.width, "narrow": narrow, "n_vocabulary": n_vocabulary}


def masked_lm_loss(
    module: EncoderModule,
    head: MaskedLmHead,
    docs: Sequence[Doc],
    generator: numpy.random.Generator,
    *,
    route: str,
    share: float,
    budget: int,
    trains: bool,
) -> Tensor | None:
    """Mean cross-entropy in nats of the chosen pieces of some Docs, each read once; None where none was chosen.

    budget: wordpieces encoded at once. trains: whether the encoder learns; if not, it stands still and has no dropout.
    Raises MedmtlError E332 for a vocabulary without a mask.
    """
    mask = module.settings.wordpieces.mask
    if mask is None:
        raise MedmtlError("E332")
    # the output layer shares the encoder's embeddings, which stand still with it
    embeddings = word_embeddings(module) if trains else word_embeddings(module).detach()
    read = [module.settings.wordpieces.of_doc(doc) for doc in docs]
    masked = [mask_words(pieces, generator, share=share, mask=mask, n_vocabulary=len(embeddings)) for pieces in read]
    # numbers of the chosen pieces among those of all Docs [n_chosen]
    chosen = numpy.flatnonzero(numpy.concatenate([which for _, which in masked])) if masked else numpy.zeros(0)
    if not len(chosen):
        return None
    layout = lay_out(module.settings, "tokens", docs, [pieces for pieces, _ in masked])
    # its dropout too is part of the objective
    module.train(trains)
    try:
        with torch.set_grad_enabled(trains):
            rows, places = Encoding(module, str, budget, trains=trains).encode(layout, [route])
    finally:
        module.eval()
    # the view's rows of pieces are in the order of the text: each piece once, whatever the windows
    where = torch.from_numpy(places[numpy.concatenate(layout.gather)[chosen]]).to(rows.device)
    targets = torch.from_numpy(numpy.concatenate([pieces.ids for pieces in read])[chosen]).to(rows.device)
    # [n_chosen, vocabulary] against piece ids [n_chosen]: other rows never meet the vocabulary, which is wide
    return functional.cross_entropy(head(rows[where], embeddings), targets)
