"""AutoModel layouts: with the shared rule, the routed encoder computes what the plain Hugging Face model computes."""

from typing import Any

import pytest
import torch
from encoder_helpers import encoded
from transformers import AutoConfig, AutoModel

from spacy_medmtl.encoder.module import check_window
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.sharing.shared import shared_rule
from spacy_medmtl.errors import MedmtlError

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}
PADDED: dict[str, Any] = {"type_vocab_size": 1, "pad_token_id": 1}
BERT_LIKE: dict[str, dict[str, Any]] = {
    "bert": {"type_vocab_size": 2},
    "electra": {"type_vocab_size": 2, "embedding_size": 8},
    "roberta": PADDED,
    "xlm-roberta": PADDED,
    "camembert": PADDED,
    "data2vec-text": PADDED,
    "distilbert": {"type_vocab_size": 1},
    "ernie": {"type_vocab_size": 2},
}
ROUTES = ("easy", "hard")


def plain(model_type: str, **settings: Any) -> Any:
    torch.manual_seed(1)
    config = AutoConfig.for_model(model_type, **{**SIZES, **settings})
    model = AutoModel.from_config(config).eval()
    with torch.no_grad():  # new models have type and position rows near zero, which would hide a mistake
        for name, parameter in model.named_parameters():
            if "embeddings" in name and parameter.ndim == 2:
                parameter.normal_()
    return model


def routed(model: Any, **settings: Any) -> RoutedEncoder:
    """What starts as the given Hugging Face model."""
    settings = {"routes": ROUTES, "layers": None, "rule": shared_rule(), **settings}
    return RoutedEncoder(model.config.to_dict(), pretrained=model, **settings).eval()


def padded_inputs(pad: int, n_types: int) -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 60, (3, 14))
    mask = torch.ones_like(ids)
    mask[0, 9:] = 0
    mask[2, 4:] = 0
    types = torch.zeros_like(ids)
    types[:, 6:] = n_types - 1
    return {"input_ids": torch.where(mask.bool(), ids, pad), "token_type_ids": types * mask, "attention_mask": mask}


def encode(encoder: RoutedEncoder, inputs: dict[str, torch.Tensor], route: str = "hard") -> torch.Tensor:
    with torch.no_grad():
        return encoded(encoder, list(inputs.values()), [route])[0]


@pytest.mark.parametrize("layers", [None, [2], [0, 2], []])
@pytest.mark.parametrize("model_type", BERT_LIKE)
def test_equals_the_plain_model_with_padding_and_types(model_type: str, layers: Any):
    settings = BERT_LIKE[model_type]
    inputs = padded_inputs(settings.get("pad_token_id", 0), settings["type_vocab_size"])
    mask = inputs["attention_mask"].bool()
    with torch.no_grad():
        kept = {
            name: tensor for name, tensor in inputs.items() if name != "token_type_ids" or model_type != "distilbert"
        }
        expected = plain(model_type, **settings)(**kept).last_hidden_state
    for rule in (shared_rule(), progressive_rule(init="mean")):
        encoder = routed(plain(model_type, **settings), layers=layers, rule=rule)
        torch.testing.assert_close(encode(encoder, inputs)[mask], expected[mask], rtol=0.0, atol=5e-6)


@pytest.mark.parametrize("model_type", BERT_LIKE)
def test_padding_does_not_reach_the_rows_that_count(model_type: str):
    """Positions are those of the text, and a sequence alone gets the rows that it gets in a padded batch."""
    settings = BERT_LIKE[model_type]
    inputs = padded_inputs(settings.get("pad_token_id", 0), settings["type_vocab_size"])
    encoder = routed(plain(model_type, **settings))
    together = encode(encoder, inputs)
    for i, length in enumerate(inputs["attention_mask"].sum(1).tolist()):
        alone = encode(encoder, {name: tensor[i : i + 1, :length] for name, tensor in inputs.items()})
        torch.testing.assert_close(together[i, :length], alone[0], rtol=0.0, atol=5e-6)


@pytest.mark.parametrize("model_type", ["bert", "electra"])
def test_type_ids_matter(model_type: str):
    inputs = padded_inputs(0, 2)
    encoder = routed(plain(model_type, **BERT_LIKE[model_type]))
    other = {**inputs, "token_type_ids": torch.zeros_like(inputs["token_type_ids"])}
    assert (encode(encoder, inputs) - encode(encoder, other)).abs().max() > 1e-2


@pytest.mark.parametrize("model_type", BERT_LIKE)
def test_rebuilt_from_its_config(model_type: str):
    """What loading a saved pipeline does: the same parameters by name and shape."""
    model = plain(model_type, **BERT_LIKE[model_type])
    config = model.config.to_dict()
    first = routed(model, layers=[1], rule=progressive_rule())
    second = RoutedEncoder(config, routes=ROUTES, layers=[1], rule=progressive_rule()).eval()
    second.load_state_dict(first.state_dict())
    inputs = padded_inputs(config["pad_token_id"], 1)
    torch.testing.assert_close(encode(first, inputs), encode(second, inputs), rtol=0.0, atol=0.0)


@pytest.mark.parametrize(
    "model_type",
    [
        "gpt2",
        "albert",
        # these have layers of the same names, but compute with them what a plain walk over the layers would not
        "mpnet",
        "deberta",
        "roformer",
        "yoso",
        "megatron-bert",
        "roberta-prelayernorm",
        "rembert",
    ],
)
def test_other_architectures_are_refused(model_type: str):
    model = plain(model_type, relative_attention=True) if model_type == "deberta" else plain(model_type)
    with pytest.raises(MedmtlError, match=f"E006.*'{model_type}'.*Expected bert, electra, .*, roberta, xlm-roberta"):
        routed(model)


@pytest.mark.parametrize("layers", [[3], [-1], [0, 7]])
def test_layers_that_the_model_has_not(layers: Any):
    with pytest.raises(MedmtlError, match="E005.*3 layers.*0 to 2"):
        routed(plain("bert"), layers=layers)


@pytest.mark.parametrize(
    ("model_type", "maximum"),
    [("bert", 40), ("electra", 40), ("roberta", 38), ("data2vec-text", 38), ("distilbert", 40)],
)
def test_longest_window_is_what_the_model_can_read(model_type: str, maximum: int):
    """RoBERTa's positions start behind the padding id."""
    model = plain(model_type, **BERT_LIKE[model_type])
    config = model.config.to_dict()
    check_window(maximum, maximum - 2, config)
    encoder = routed(model)
    ids = torch.randint(5, 60, (1, maximum))
    zeros = torch.zeros_like(ids)
    inputs = {"input_ids": ids, "token_type_ids": zeros, "attention_mask": torch.ones_like(ids)}
    assert encode(encoder, inputs).isfinite().all()
    for window, stride in ((maximum + 1, 10), (15, 4), (20, 19), (20, 0)):
        with pytest.raises(MedmtlError, match=f"E007.*{window} wordpieces with stride {stride}.*<= {maximum}"):
            check_window(window, stride, config)
