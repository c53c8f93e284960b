"""The pipelines that ``bench_pipeline.py`` compares: ours, those of spacy-transformers, and the encoder alone.

All read with the weights of one encoder. Heads learn for a few steps, because what entities and findings cost depends
on how many are found; the encoder of ours stays as it is, so that its heads fit every way of sharing it.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import spacy
import srsly
import torch
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from spacy.util import filter_spans, load_config, load_model_from_config
from torch import Tensor

from spacy_medmtl.encoder.packing import Pack, pack_sequences, packs_within, padded_length
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.layout import Layout
from spacy_medmtl.encoder.views.requests import DOCUMENT
from spacy_medmtl.encoder.views.viewer import lay_out
from spacy_medmtl.training.corpus import multitask_corpus
from spacy_medmtl.training.optimizers import torch_optimizer

ROOT = Path(__file__).parents[1]
HEADS = ("sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion")
AGAIN = "_again"  # behind the names of the second four heads
SHARED = {"@misc": "spacy-medmtl.shared_rule.v1"}
STOCK_HEADS = ("textcat", "ner", "spancat", "textcat_multilabel")
STOCK_WINDOW, STOCK_STRIDE = 128, 96  # of spacy-transformers' own training quickstart
BATCH = 4  # Docs of a training step


def ours(encoder: Path, gold: Path, *, shared: bool, n_heads: int = 4) -> Language:
    """``configs/en_medmtl.cfg``, initialised. shared: one encoder without routes. n_heads: 4, or 8: each twice."""
    config = load_config(ROOT / "configs" / "en_medmtl.cfg", interpolate=False)
    components, names = config["components"], list(HEADS)
    for name in HEADS[: n_heads - len(HEADS)]:
        twin = load_config(ROOT / "configs" / "en_medmtl.cfg", interpolate=False)["components"][name]
        twin["spans_key"] += AGAIN
        twin["model"]["tok2vec"]["route"] += AGAIN
        components[name + AGAIN] = twin
        names.append(name + AGAIN)
    config["nlp"]["pipeline"] = ["medmtl_sentences", "encoder", *names]
    longest = longest_input(encoder)
    model = components["encoder"]["model"]
    model.update(routes=names, mixed_precision=False)
    model.update(window=min(model["window"], longest), stride=min(model["stride"], longest // 2))
    if shared:
        model.update(sharing=SHARED, layers=None)
    else:
        model["layers"] = [int(read_config(encoder)["num_hidden_layers"]) - 1]
    config["initialize"]["components"]["encoder"]["loader"] = {
        "@misc": "spacy-medmtl.local_encoder.v1",
        "path": str(encoder),
    }
    nlp = load_model_from_config(config, auto_fill=True)
    examples = our_examples(nlp, gold)
    nlp.initialize(lambda: examples)
    return nlp


def teach_heads(nlp: Language, gold: Path, steps: int) -> None:
    """Train the heads of one of ours over its encoder, which stays."""
    examples, optimizer = our_examples(nlp, gold), torch_optimizer(0.0003)
    for step in range(steps):
        nlp.update(training_batch(examples, step), sgd=optimizer, exclude=["medmtl_sentences", "encoder"])


def take_heads(nlp: Language, taught: Language) -> None:
    """Give the heads of one of ours the weights that those of another have."""
    for name in HEADS:
        nlp.get_pipe(name).from_bytes(taught.get_pipe(name).to_bytes())


def our_examples(nlp: Language, gold: Path) -> list[Example]:
    """Examples with the gold of all heads."""
    examples = list(multitask_corpus({"gold": {"path": str(gold)}})(nlp))
    for example in examples:
        spans = example.reference.spans
        for name in HEADS:
            if name + AGAIN in nlp.pipe_names:
                twin, own = nlp.get_pipe(name + AGAIN), nlp.get_pipe(name)
                if own.spans_key in spans:
                    spans[twin.spans_key] = spans[own.spans_key].copy()
    return examples


def training_batch(examples: Sequence[Example], step: int) -> list[Example]:
    return [examples[(step * BATCH + i) % len(examples)] for i in range(BATCH)]


def stock(encoder: Path, gold: Path, steps: int) -> tuple[Language, list[Example]]:
    """spaCy's own components on one spacy-transformers encoder, trained a little; what they learn from, which is made
    of the gold of ours."""
    nlp = spacy.blank("en")
    longest = longest_input(encoder)
    window = min(STOCK_WINDOW, longest - 2)
    spans = {"window": window, "stride": min(STOCK_STRIDE, window)}
    transformer = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(encoder),
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", **spans},
        "tokenizer_config": {"use_fast": True, "model_max_length": longest},
    }
    nlp.add_pipe("transformer", config={"model": transformer})
    tok2vec = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    textcat = {"@architectures": "spacy.TextCatReduce.v1", "tok2vec": tok2vec, "use_reduce_mean": True}
    textcat |= {"use_reduce_first": False, "use_reduce_last": False, "use_reduce_max": False}
    models: dict[str, dict[str, Any]] = {
        "textcat": {**textcat, "exclusive_classes": True},
        "textcat_multilabel": {**textcat, "exclusive_classes": False},
        "ner": {
            "@architectures": "spacy.TransitionBasedParser.v2",
            "state_type": "ner",
            "extra_state_tokens": False,
            "hidden_width": 64,
            "maxout_pieces": 2,
            "use_upper": False,
            "tok2vec": tok2vec,
        },
        "spancat": {
            "@architectures": "spacy.SpanCategorizer.v1",
            "tok2vec": tok2vec,
            "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128},
            "scorer": {"@layers": "spacy.LinearLogistic.v1"},
        },
    }
    for head in STOCK_HEADS:
        nlp.add_pipe(head, config={"model": models[head]})
    examples = stock_examples(nlp, gold)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 5e-5
    for step in range(steps):
        nlp.update(training_batch(examples, step), sgd=optimizer)
    return nlp, examples


def stock_examples(nlp: Language, gold: Path) -> list[Example]:
    """Intents as categories of a text, entities as ``doc.ents`` and as spans."""
    examples = list(multitask_corpus({"gold": {"path": str(gold)}})(nlp))
    for example in examples:
        doc = example.reference
        labels = {span.label_ for span in doc.spans.get("medmtl_intents", [])} | {"OTHER"}
        doc.cats = {label: float(label == min(labels)) for label in labels}
        entities = [Span(doc, span.start, span.end, label=span.label_) for span in doc.spans.get("medmtl_ner", [])]
        doc.ents = filter_spans(entities)
        doc.spans["sc"] = entities
    return examples


def read_config(encoder: Path) -> dict[str, Any]:
    return dict(srsly.read_json(encoder / "config.json"))


def longest_input(encoder: Path) -> int:
    return int(read_config(encoder)["max_position_embeddings"])


def document_layout(nlp: Language, texts: Sequence[str]) -> Layout:
    """The windows that all heads of ours read of these texts."""
    module = torch_shim(nlp.get_pipe("encoder").model).module
    splitter = nlp.get_pipe("medmtl_sentences")
    docs = [splitter(nlp.make_doc(text)) for text in texts]
    return lay_out(module.settings, DOCUMENT, docs, [module.settings.wordpieces.of_doc(doc) for doc in docs])


def packs(nlp: Language, layout: Layout) -> list[tuple[list[int], Pack]]:
    """The packs that our encoder has of a layout, each with the numbers of its sequences."""
    model = nlp.get_pipe("encoder").model
    longest, pad = torch_shim(model).module.encoder.longest, torch_shim(model).module.encoder.pad
    lengths = [padded_length(len(ids), longest) for ids in layout.ids]
    packed = []
    for numbers in packs_within(lengths, model.attrs["batch_pieces"]):
        ids, types = [layout.ids[i] for i in numbers], [layout.types[i] for i in numbers]
        pack = pack_sequences(ids, types, [lengths[i] for i in numbers], pad, torch.device("cpu"))
        packed.append((numbers, pack))
    return packed


def batches_of_equals(pack: Pack) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """Ids and types [n_sequences, length] and mask of each group of a pack, as an encoder takes them that knows no
    packs."""
    sizes = [group.n_rows for group in pack.groups]
    for group, ids, types in zip(pack.groups, pack.ids.split(sizes), pack.types.split(sizes)):
        shape = group.n_sequences, group.length
        mask = None if group.bias is None else (group.bias[:, 0, 0] == 0).long()
        yield ids.view(shape), types.view(shape), mask


def bare_encoder(encoder: Path, nlp: Language, texts: Sequence[str]) -> Callable[[], None]:
    """Hugging Face's encoder over the ready batches that our encoder has of these texts: no text, no heads."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(encoder, add_pooling_layer=False).eval()
    masked = [batch for _, pack in packs(nlp, document_layout(nlp, texts)) for batch in batches_of_equals(pack)]

    def run() -> None:
        with torch.inference_mode():
            for ids, types, mask in masked:
                model(input_ids=ids, token_type_ids=types, attention_mask=mask)

    return run
