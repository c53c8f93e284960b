"""Gold examples for all four tasks in the tiny vocabulary, and snapshots of weights. Used by the tests beside it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam, Model, Optimizer

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.encoder.bridge import TorchShim, to_arrays
from spacy_medmtl.encoder.encoding import Rows
from spacy_medmtl.encoder.packing import Group, padding_bias
from spacy_medmtl.encoder.routed import RoutedEncoder

TASKS = ("sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion")
SKILLS_TABLE = {  # of the progressive paper
    "sentence_intent": ["s1", "s4", "s7"],
    "pair_relation": ["s1", "s3", "s6", "s7"],
    "sru_nested_ner": ["s2", "s7"],
    "cpncf_assertion": ["s2", "s3", "s5", "s7"],
}
TEXTS = (
    "the chest pain is left . no fever .",
    "mother has cough and fever . denies any pain .",
    "hello . the left knee is fine .",
    "a cough with chest pain . the knee is fine . thanks .",
)
SIGNS = ("pain", "fever", "cough")
DENIALS = ("no", "denies")


def gold_example(nlp: Language, text: str, tasks: Iterable[str] = TASKS) -> Example:
    """An example that is annotated for ``tasks`` and for no other."""
    doc = nlp.get_pipe("sentencizer")(nlp.make_doc(text))
    sents, signs = list(doc.sents), [token for token in doc if token.text in SIGNS]
    denied = [any(token.text in DENIALS for token in sent) for sent in sents]
    for task in tasks:
        if task == "sentence_intent":
            labels = ["denial" if no else "report" for no in denied]
            units = [Span(doc, sent.start, sent.end, label=label) for sent, label in zip(sents, labels)]
            write_group(doc, INTENTS, units)
        elif task == "pair_relation":
            pairs = [
                JudgedPair((a.start, a.end), (b.start, b.end), ("contrast",) if no else (), 1.0)
                for a, b, no in zip(sents, sents[1:], denied[1:])
            ]
            write_relations(doc, pairs)
        elif task == "sru_nested_ner":
            inner = [Span(doc, token.i, token.i + 1, label="SIGN") for token in signs]
            outer = [Span(doc, t.i - 1, t.i + 1, label="FINDING") for t in signs if t.i and t.nbor(-1).text == "chest"]
            write_group(doc, ENTITIES, inner + outer)
        else:
            status = ["negative" if any(t.text in DENIALS for t in token.sent) else "positive" for token in signs]
            spans = [Span(doc, token.i, token.i + 1, label="SIGN") for token in signs]
            write_group(doc, FINDINGS, spans, assertion=status)
    return Example(nlp.make_doc(text), doc)


def gold_examples(nlp: Language, tasks: Iterable[str] = TASKS, texts: Iterable[str] = TEXTS) -> list[Example]:
    return [gold_example(nlp, text, list(tasks)) for text in texts]


def document_heads(tasks: Iterable[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """For ``make_nlp``: heads that read the view ``document``."""
    return [(task, task, {"model": {"tok2vec": {"view": "document"}}}) for task in tasks]


def adam(learn_rate: float = 1e-3, **settings: Any) -> Optimizer:
    """The optimizer of a normal run: weight decay and clipping on."""
    return Adam(learn_rate, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, **settings)


def arrays(rows: Rows) -> list[numpy.ndarray]:
    """The rows of each item."""
    return to_arrays(rows.tensor, rows.lengths)


def encoded(encoder: RoutedEncoder, inputs: Sequence[torch.Tensor], routes: Sequence[str]) -> torch.Tensor:
    """Rows along several routes, computed together. inputs: ids, types, mask (1 where there is no padding)."""
    ids, types, mask = inputs
    groups = one_group(mask)
    trunk = encoder.trunk(ids.flatten(), types.flatten(), groups)
    return encoder.branches(trunk, groups, routes).unflatten(1, ids.shape)


def one_group(mask: torch.Tensor) -> list[Group]:
    """Sequences of one padded length. mask: [batch, length], 1 where there is no padding."""
    return [Group(*mask.shape, padding_bias(mask.sum(1).tolist(), mask.shape[1], mask.device))]


def any_gradient(rows: Rows) -> torch.Tensor:
    """The gradient of some loss, the same each time."""
    return torch.from_numpy(numpy.random.RandomState(1).normal(size=tuple(rows.tensor.shape)).astype("float32"))


def without_dropout(module: torch.nn.Module) -> None:
    """Of our own modules, of Hugging Face's and of SRU's."""
    for part in module.modules():
        for rate in ("p", "dropout_prob", "dropout", "latent_dropout", "position_dropout"):
            if isinstance(getattr(part, rate, None), float):
                setattr(part, rate, 0.0)


def shims(model: Model) -> list[TorchShim]:
    return [shim for node in model.walk() for shim in node.shims if isinstance(shim, TorchShim)]


def weights(model: Model) -> dict[tuple[int, str], numpy.ndarray]:
    """Copies of all torch parameters of a thinc model, keyed as the optimizer keys them."""
    return {
        (shim.id, name): parameter.detach().numpy().copy()
        for shim in shims(model)
        for name, parameter in shim.module.named_parameters()
    }


def moments(model: Model, optimizer: Optimizer) -> dict[Any, numpy.ndarray]:
    """Copies of Adam's moments for the parameters of a model."""
    found = {}
    for key in weights(model):
        for which in ("mom1", "mom2"):
            kept = getattr(optimizer, which)
            if key in kept:
                found[(which, *key)] = kept[key].copy()
    return found


def same(these: dict[Any, numpy.ndarray], those: dict[Any, numpy.ndarray]) -> bool:
    """Bit-identical, entry by entry."""
    return these.keys() == those.keys() and all(these[key].tobytes() == those[key].tobytes() for key in these)


def pending(nlp: Language) -> list[str]:
    """Names of torch parameters of a pipeline that hold a gradient."""
    return [
        f"{name}: {parameter_name}"
        for name, pipe in nlp.pipeline
        for shim in (shims(pipe.model) if hasattr(pipe, "model") else [])
        for parameter_name, parameter in shim.module.named_parameters()
        if parameter.grad is not None
    ]


def annotations(doc: Doc) -> dict[str, Any]:
    """What the heads wrote on a Doc, scores rounded: batches of other sizes sum in another order."""
    found: dict[str, Any] = {"ents": [(ent.start, ent.end, ent.label_) for ent in doc.ents], "words": len(doc)}
    for key in sorted(doc.spans):
        group = doc.spans[key]
        spans = [(span.start, span.end, span.label_) for span in group]
        scores = [round(float(score), 3) for score in group.attrs.get("scores", [])]
        found[key] = (spans, scores, list(group.attrs.get("assertion", [])), list(group.attrs.get("labels", [])))
    return found
