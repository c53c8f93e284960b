"""The pipelines that ``bench_pipeline.py`` compares: ours, spacy-transformers', EDS-NLP's, and the encoder alone.

All have the weights of one encoder. Ours learn for a few steps, because what the entity and finding heads cost depends
a little on what they find; nothing else depends on the weights.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import spacy
import srsly
import torch
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from spacy.util import filter_spans

from spacy_medmtl.encoder.encoding import like_lengths
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.layout import Layout
from spacy_medmtl.encoder.views.requests import DOCUMENT
from spacy_medmtl.training.corpus import multitask_corpus
from spacy_medmtl.training.optimizers import torch_optimizer

WINDOW, STRIDE, BATCH_PIECES = 192, 144, 4096
STOCK_WINDOW, STOCK_STRIDE = 128, 96  # of spacy-transformers' quickstart
PAPER_VIEWS = {"sentence_intent": "sentence", "pair_relation": "pair", "sru_nested_ner": "tokens"}
PAPER_VIEWS["cpncf_assertion"] = "context"
KEYS = {"sentence_intent": "medmtl_intents", "pair_relation": "medmtl_relations", "sru_nested_ner": "medmtl_ner"}
KEYS["cpncf_assertion"] = "medmtl_findings"
SETTINGS: dict[str, dict[str, Any]] = {
    "sentence_intent": {"context": 1},
    "pair_relation": {"mode": "multilabel", "candidates": {"@misc": "spacy-medmtl.adjacent_pairs.v1"}},
    "sru_nested_ner": {"set_ents": False},
    "cpncf_assertion": {"context": 1, "headings": True},
}
STOCK_HEADS = ("textcat", "ner", "spancat", "textcat_multilabel")
BATCH = 4  # Docs of a training step


def ours(
    encoder: Path,
    gold: Path,
    *,
    n_heads: int = 4,
    routed: int = 0,
    document: bool = True,
    bfloat16: bool = False,
    steps: int = 0,
) -> Language:
    """Heads in turn (intents, pairs, entities, findings, intents again, ...) on one encoder.

    routed: upper layers with progressive routes; 0 for hard sharing. document: all heads read the view ``document``,
    instead of those of the papers. steps: of training. bfloat16: instead of float32.
    """
    names = [(factory, f"{factory}_{i // 4}" if i >= 4 else factory) for i, factory in enumerate([*KEYS] * 2)]
    names = names[:n_heads]
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer", config={"punct_chars": [".", "!", "?", "\n", "\n\n", "\n\n\n"]})
    rule = "progressive_rule" if routed else "shared_rule"
    model = {
        "@architectures": "spacy-medmtl.ProgressiveTransformer.v1",
        "routes": [name for _, name in names],
        "layers": upper_layers(encoder, routed) if routed else None,
        "sharing": {"@misc": f"spacy-medmtl.{rule}.v1"},
        "window": min(WINDOW, longest_input(encoder)),
        "stride": min(STRIDE, longest_input(encoder) // 2),
        "batch_pieces": BATCH_PIECES,
        "mixed_precision": bfloat16,
    }
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": model})
    for factory, name in names:
        view = DOCUMENT if document else PAPER_VIEWS[factory]
        config = {"model": {"tok2vec": {"route": name, "view": view}}, **SETTINGS[factory]}
        nlp.add_pipe(factory, name=name, config={**config, "spans_key": key_of(factory, name)})
    loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": str(encoder)}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    examples = gold_examples(nlp, gold)
    optimizer = torch_optimizer(0.0003)
    nlp.initialize(lambda: examples)
    for step in range(steps):
        nlp.update(training_batch(examples, step), sgd=optimizer)
    return nlp


def key_of(factory: str, name: str) -> str:
    return f"{KEYS[factory]}{name.removeprefix(factory)}"


def gold_examples(nlp: Language, gold: Path) -> list[Example]:
    """Examples with the gold of all heads, and what spaCy's own components learn from, made of it."""
    examples = list(multitask_corpus({"gold": {"path": str(gold)}})(spacy.blank("en")))
    for example in examples:
        doc = example.reference
        for name, pipe in nlp.components:
            factory = nlp.get_pipe_meta(name).factory
            if factory in KEYS and pipe.spans_key != KEYS[factory] and KEYS[factory] in doc.spans:
                doc.spans[pipe.spans_key] = doc.spans[KEYS[factory]].copy()
        labels = {span.label_ for span in doc.spans.get(KEYS["sentence_intent"], [])}
        doc.cats = {label: float(label == min(labels)) for label in labels | {"OTHER"}} if labels else {"OTHER": 1.0}
        entities = [Span(doc, span.start, span.end, label=span.label_) for span in doc.spans.get("medmtl_ner", [])]
        doc.ents = filter_spans(entities)
        doc.spans["sc"] = entities
    return [Example(nlp.make_doc(example.text), example.reference) for example in examples]


def training_batch(examples: Sequence[Example], step: int) -> list[Example]:
    return [examples[(step * BATCH + i) % len(examples)] for i in range(BATCH)]


def stock(encoder: Path, gold: Path, heads: Sequence[str]) -> Language:
    """spaCy's own components on one spacy-transformers encoder."""
    nlp = spacy.blank("en")
    spans = {"window": min(STOCK_WINDOW, longest_input(encoder) - 2), "stride": STOCK_STRIDE}
    spans["stride"] = min(STOCK_STRIDE, spans["window"])
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(encoder),
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", **spans},
        "tokenizer_config": {"use_fast": True, "model_max_length": longest_input(encoder)},
    }
    nlp.add_pipe("transformer", config={"model": model})
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
    for head in heads:
        nlp.add_pipe(head, config={"model": models[head]})
    examples = gold_examples(nlp, gold)
    nlp.initialize(lambda: examples)
    return nlp


def longest_input(encoder: Path) -> int:
    return int(read_config(encoder)["max_position_embeddings"])


def upper_layers(encoder: Path, n: int) -> list[int]:
    n_layers = int(read_config(encoder)["num_hidden_layers"])
    return list(range(max(0, n_layers - n), n_layers))


def read_config(encoder: Path) -> dict[str, Any]:
    return dict(srsly.read_json(encoder / "config.json"))


def document_layout(nlp: Language, texts: Sequence[str]) -> Layout:
    """The windows that all heads of ours read of these texts."""
    module = torch_shim(nlp.get_pipe("encoder").model).module
    sentencizer = nlp.get_pipe("sentencizer")
    docs = [sentencizer(nlp.make_doc(text)) for text in texts]
    return module.lay_out(DOCUMENT, docs, [module.of_doc(doc) for doc in docs])


def padded(layout: Layout, pad: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Ids and attention mask of batches of like length, as our encoder has them."""
    lengths = [len(ids) for ids in layout.ids]
    batches = []
    for group in like_lengths(lengths, BATCH_PIECES):
        ids = numpy.full((len(group), max(lengths[i] for i in group)), pad, dtype="int64")
        mask = numpy.zeros_like(ids)
        for row, i in enumerate(group):
            ids[row, : lengths[i]], mask[row, : lengths[i]] = layout.ids[i], 1
        batches.append((torch.from_numpy(ids), torch.from_numpy(mask)))
    return batches


def bare_encoder(encoder: Path, batches: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[], None]:
    """Hugging Face's encoder over ready batches: no text, no heads."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(encoder, add_pooling_layer=False).eval()

    def run() -> None:
        with torch.inference_mode():
            for ids, mask in batches:
                model(input_ids=ids, attention_mask=mask)

    return run
