"""One route of a trained encoder as a plain Hugging Face model, for runtimes that know nothing of routes.

Where all of a route's coefficients are constants, its FFNs are one wide FFN (``Cluster.fold``), so the route is an
ordinary BERT whose ``intermediate_size`` is that of the widest layer. Narrower layers are padded with inner units that
give 0. A model so written can be read back with ``spacy-medmtl.local_encoder.v1``.
"""

from pathlib import Path
from typing import Any

import torch
from thinc.api import Model
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from ..errors import MedmtlError
from ..saving import whole_folder
from .pretrained import our_name
from .routed import RoutedEncoder
from .shims import torch_shim
from .tokenizer_files import write_tokenizer


def export_route(model: "Model[Any, Any]", route: str, path: str | Path) -> None:
    """Write a route as config.json, model.safetensors and tokenizer.json into a folder.

    model: that of the encoder component, ``nlp.get_pipe("encoder").model``.
    Raises MedmtlError E001 for an unknown route, E022 where the sharing rule has no plain form (``mmoe``, and
    ``keep_base_ffn = "serial"``), E407 where the folder cannot be written.
    """
    if route not in model.attrs["routes"]:
        raise MedmtlError("E001", route=route, routes=model.attrs["routes"])
    shim = torch_shim(model)
    spec = shim.spec or {}
    plain = plain_model(shim.module.encoder, spec["config"], route)
    with whole_folder(Path(path), replaces="model.safetensors") as part:
        plain.save_pretrained(part)
        write_tokenizer(Tokenizer.from_str(spec["tokenizer"]), part)


@torch.no_grad()
def plain_model(encoder: RoutedEncoder, config: dict[str, Any], route: str) -> Any:
    """A new Hugging Face model that computes what ``encoder``, made with ``config``, does along ``route``."""
    number, folded = encoder.routes.index(route), []
    for i in range(len(encoder.layers)):
        if encoder.layer(i).base is not None:
            raise MedmtlError("E022", reason="under 'keep_base_ffn = \"serial\"' its layers have a third part")
        cluster: Any = encoder.layer(i).cluster
        folded.append(cluster.fold(number))
    model_type = config["model_type"]
    inner = "hidden_dim" if model_type == "distilbert" else "intermediate_size"
    settings = {**config, inner: max(ffn.dense_in.out_features for ffn in folded)}
    del settings["model_type"]
    with torch.random.fork_rng():
        torch.manual_seed(0)  # its pooler, which nothing uses, is the same each time
        plain = AutoModel.from_config(AutoConfig.for_model(model_type, **settings)).eval()
    own, plain_weights = encoder.state_dict(), plain.state_dict()
    # an FFN is filled from the folded one of its layer, all else from our own tensor; the pooler has neither
    for name, tensor in plain_weights.items():
        ours = our_name(name, model_type)
        ffn, _, dense = ours.partition(".cluster.ffn.")
        if dense:
            _fill(tensor, getattr(folded[int(ffn.split(".")[1])], dense.split(".")[0]), dense.split(".")[1])
        elif ours in own:
            tensor.copy_(own[ours])
    return plain


def _fill(target: Tensor, source: nn.Linear, name: str) -> None:
    """The source's weight or bias in the upper left corner of the target, the rest 0."""
    values = getattr(source, name)
    target.zero_()
    target[tuple(slice(size) for size in values.shape)] = values
