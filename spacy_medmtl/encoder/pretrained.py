"""How pretrained weights of other layouts become those of a RoutedEncoder: its shape from a config, names of weights.

Every layout listed here is the same computation (embeddings, then layers of attention and FFN, each with residual and
norm behind) under other names. Models that compute something else (relative positions, rotations, norms in front,
gated FFNs: DeBERTa, ModernBERT, RoFormer, MPNet and others) are refused; with these names they would run and be wrong.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import MedmtlError

BERT_TYPES = ("bert", "electra", "ernie")
ROBERTA_TYPES = ("camembert", "data2vec-text", "roberta", "xlm-roberta")  # their positions start behind the padding id
MODEL_TYPES = (*BERT_TYPES, "distilbert", *ROBERTA_TYPES)
_TANH_GELU = partial(nn.functional.gelu, approximate="tanh")
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "gelu_new": _TANH_GELU,
    "gelu_pytorch_tanh": _TANH_GELU,
    "relu": nn.functional.relu,
    "silu": nn.functional.silu,
    "swish": nn.functional.silu,
}
# DistilBERT's names of the settings that the others agree on
DISTILBERT_SETTINGS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
}

# Parts of Hugging Face's names of weights, and ours, in the order in which they are replaced.
BERT_NAMES = {
    r"^embeddings\.word_embeddings\.": "embeddings.words.",
    r"^embeddings\.position_embeddings\.": "embeddings.positions.",
    r"^embeddings\.token_type_embeddings\.": "embeddings.types.",
    r"^embeddings\.LayerNorm\.": "embeddings.norm.",
    r"^embeddings_project\.": "embeddings.project.",
    r"^encoder\.layer\.": "layers.",
    r"\.attention\.self\.": ".attention.",
    r"\.attention\.output\.dense\.": ".attention.out.",
    r"\.attention\.output\.LayerNorm\.": ".attention_norm.",
    r"\.intermediate\.dense\.": ".cluster.ffn.dense_in.",
    r"\.output\.dense\.": ".cluster.ffn.dense_out.",
    r"\.output\.LayerNorm\.": ".norm.",
}
DISTILBERT_NAMES = {
    r"^embeddings\.word_embeddings\.": "embeddings.words.",
    r"^embeddings\.position_embeddings\.": "embeddings.positions.",
    r"^embeddings\.LayerNorm\.": "embeddings.norm.",
    r"^transformer\.layer\.": "layers.",
    r"\.attention\.q_lin\.": ".attention.query.",
    r"\.attention\.k_lin\.": ".attention.key.",
    r"\.attention\.v_lin\.": ".attention.value.",
    r"\.attention\.out_lin\.": ".attention.out.",
    r"\.sa_layer_norm\.": ".attention_norm.",
    r"\.ffn\.lin1\.": ".cluster.ffn.dense_in.",
    r"\.ffn\.lin2\.": ".cluster.ffn.dense_out.",
    r"\.output_layer_norm\.": ".norm.",
}
# Pipelines saved by 0.1.0 had the Hugging Face model inside, with clusters in the place of its layers' outputs.
SAVED_BY_0_1_0 = r"^encoder\.model\."


@dataclass(frozen=True)
class EncoderShape:
    """Sizes of an encoder, and what else its computation depends on. position_offset: number of the first position."""

    n_vocabulary: int
    embedding_width: int
    n_positions: int
    position_offset: int
    n_types: int
    width: int
    inner: int
    n_layers: int
    n_heads: int
    activation: Callable[[Tensor], Tensor]
    norm_eps: float
    dropout: float
    attention_dropout: float
    pad: int

    @property
    def longest(self) -> int:
        """Wordpieces that a sequence may have."""
        return self.n_positions - self.position_offset


def shape_of(config: Mapping[str, Any]) -> EncoderShape:
    """The shape that a Hugging Face config describes. Raises MedmtlError E006 for one that computes something else."""
    model_type = config["model_type"]
    if model_type not in MODEL_TYPES:
        raise MedmtlError("E006", model_type=model_type, expected=", ".join(MODEL_TYPES))
    names: Mapping[str, str] = DISTILBERT_SETTINGS if model_type == "distilbert" else {}
    settings = {**config, **{name: config[theirs] for name, theirs in names.items()}}
    checked = (
        ("position_embedding_type", ("absolute",)),
        ("use_task_id", (False,)),
        ("hidden_act", tuple(ACTIVATIONS)),
    )
    for setting, known in checked:
        if settings.get(setting, known[0]) not in known:
            received = f"{model_type}' with '{setting}: {settings[setting]}"
            raise MedmtlError("E006", model_type=received, expected=", ".join(MODEL_TYPES))
    pad = int(settings.get("pad_token_id") or 0)
    return EncoderShape(
        n_vocabulary=settings["vocab_size"],
        embedding_width=settings.get("embedding_size") or settings["hidden_size"],
        n_positions=settings["max_position_embeddings"],
        position_offset=pad + 1 if model_type in ROBERTA_TYPES else 0,
        # DistilBERT has no types of segments
        n_types=settings.get("type_vocab_size", 2) if model_type != "distilbert" else 0,
        width=settings["hidden_size"],
        inner=settings["intermediate_size"],
        n_layers=settings["num_hidden_layers"],
        n_heads=settings["num_attention_heads"],
        activation=ACTIVATIONS[settings["hidden_act"]],
        norm_eps=settings.get("layer_norm_eps", 1e-12),
        dropout=settings["hidden_dropout_prob"],
        attention_dropout=settings["attention_probs_dropout_prob"],
        pad=pad,
    )


def our_name(name: str, model_type: str) -> str:
    """The name in a RoutedEncoder without clusters of a weight of a Hugging Face model."""
    for theirs, ours in (DISTILBERT_NAMES if model_type == "distilbert" else BERT_NAMES).items():
        name = re.sub(theirs, ours, name)
    return name


def pretrained_weights(model: nn.Module, model_type: str) -> dict[str, Tensor]:
    """The weights of a Hugging Face model by our names, in float32; its pooler, which is not used, left out."""
    return {
        our_name(name, model_type): tensor.detach().to(torch.float32)
        for name, tensor in model.state_dict().items()
        # whole numbers are buffers such as position ids, which we count instead
        if not name.startswith("pooler.") and tensor.is_floating_point()
    }


def present_names(names: Iterable[str]) -> dict[str, str]:
    """For the names of weights that a pipeline saved by 0.1.0 holds, those of today; names of today stay. Without the
    weights of a pooler, which is not used."""
    names = list(names)
    with_base = {name.split(".output.base.")[0] for name in names if ".output.base." in name}
    return {
        name: _present_name(name, with_base)
        for name in names
        if not re.match(SAVED_BY_0_1_0 + r"(pooler|embeddings\.position_ids)", name)
    }


def _present_name(name: str, with_base: Container[str]) -> str:
    """with_base: the layers, by the beginning of their names, whose pretrained FFN stands in front of a cluster."""
    if not re.match(SAVED_BY_0_1_0, name):
        return name
    layer, inner, rest = name.partition(".intermediate.dense.")
    if inner and layer in with_base:
        name = f"{layer}.base.dense_in.{rest}"
    name = name.replace(".output.base.dense.", ".base.dense_out.").replace(".output.base.LayerNorm.", ".base_norm.")
    name = name.replace(".output.cluster.", ".cluster.")
    return f"encoder.{our_name(re.sub(SAVED_BY_0_1_0, '', name), 'bert')}"
