"""One route of a trained encoder as a plain Hugging Face model, for runtimes that know nothing of routes.

Where all of a route's coefficients are constants, its FFNs are one wide FFN (``Cluster.fold``), so the route is an
ordinary BERT whose ``intermediate_size`` is that of the widest layer. Narrower layers are padded with inner units that
give 0. A model so written can be read back with ``spacy-medmtl.local_encoder.v1``.
"""

import copy
from pathlib import Path
from typing import Any

import torch
from thinc.api import Model
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

from ..errors import MedmtlError
from ..saving import whole_folder
from .routed import PreTrained, RoutedEncoder, RoutedOutput, SerialOutput, feed_forward
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
    plain = plain_model(shim.module.encoder, route)
    spec = shim.spec or {}
    with whole_folder(Path(path), replaces="model.safetensors") as part:
        plain.save_pretrained(part)
        write_tokenizer(Tokenizer.from_str(spec["tokenizer"]), part)


@torch.no_grad()
def plain_model(encoder: RoutedEncoder, route: str) -> PreTrained:
    """A new model on the CPU that computes what ``encoder`` does along ``route``."""
    number, folded = encoder.routes.index(route), []
    for layer in encoder.model.encoder.layer:
        if isinstance(layer.output, SerialOutput):
            raise MedmtlError("E022", reason="under 'keep_base_ffn = \"serial\"' its layers have a third part")
        is_routed = isinstance(layer.output, RoutedOutput)
        folded.append(layer.output.cluster.fold(number) if is_routed else feed_forward(layer))
    config = copy.deepcopy(encoder.model.config)
    config.intermediate_size = max(ffn.dense_in.out_features for ffn in folded)
    plain = AutoModel.from_config(config).eval()
    own = encoder.model.state_dict()
    shapes = {name: tensor.shape for name, tensor in plain.state_dict().items()}
    plain.load_state_dict({name: t for name, t in own.items() if shapes.get(name) == t.shape}, strict=False)
    for layer, ffn in zip(plain.encoder.layer, folded):
        _fill(layer.intermediate.dense, ffn.dense_in)
        _fill(layer.output.dense, ffn.dense_out)
    return plain


def _fill(target: nn.Linear, source: nn.Linear) -> None:
    """The source's weights in the upper left corner of the target's, the rest 0."""
    rows, columns = source.weight.shape
    target.weight.zero_()
    target.weight[:rows, :columns] = source.weight
    target.bias.zero_()
    target.bias[:rows] = source.bias
