"""The training config of a new project."""

from typing import Any

import spacy
from thinc.api import Config

from .answers import MINILM, Answers

STEPS = 400
_TRAINING = f"""
[train]
@readers = "spacy-medmtl.MultitaskCorpus.v1"
gold_sents = false
augmenter = null

[dev]
@readers = "spacy-medmtl.MultitaskCorpus.v1"
gold_sents = false
augmenter = null

[augmenter]
@augmenters = "spacy-medmtl.StatusAugmenter.v1"
share = 1.0

[batcher]
@batchers = "spacy-medmtl.task_batcher.v1"
size = 640

[batcher.schedule]
@misc = "spacy-medmtl.round_robin.v1"

[optimizer]
@optimizers = "spacy-medmtl.TorchOptimizer.v1"
algorithm = "adamw"
weight_decay = 0.01
grad_clip = 1.0

[optimizer.learn_rate]
@schedules = "warmup_linear.v1"
warmup_steps = {STEPS // 10}
total_steps = {STEPS}
initial_rate = 0.0003

[logger]
@loggers = "spacy-medmtl.ConsoleLogger.v1"
progress_bar = true
output_file = "metrics/training.jsonl"

[before_to_disk]
@callbacks = "spacy-medmtl.save_pipeline.v1"
"""
_GRAMMARS = ("en", "es")  # languages with a grammar of status
_SHARING = {"progressive": {"coefficient_lr_scale": 20.0}}
_MODELS = {
    "sentence_intent": "SentenceIntent",
    "pair_relation": "PairRelation",
    "sru_nested_ner": "SruNestedNer",
    "cpncf_assertion": "CpncfAssertion",
}


def training_config(answers: Answers, name: str, encoder: str) -> Config:
    """The config of ``checked`` answers, without what ``spacy init fill-config`` adds. name: of the pipeline, in its
    meta. encoder: its folder as seen from the project's, or its name on the hub."""
    nlp = spacy.blank(answers.lang)
    nlp.add_pipe("medmtl_sentences")
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": _encoder(answers)})
    for task in answers.tasks:
        nlp.add_pipe(task, config=_head(answers, task))
    config = nlp.config.copy()
    blocks = Config().from_str(_TRAINING)
    corpora: dict[str, dict[str, Any]] = {"train": blocks["train"], "dev": blocks["dev"]}
    if "cpncf_assertion" in answers.tasks and answers.lang in _GRAMMARS:
        corpora["train"]["augmenter"] = blocks["augmenter"]
    for part, corpus in corpora.items():
        corpus["corpora"] = {
            source: {"path": f"${{paths.corpus}}/{part}/{source}.spacy", "tasks": _tasks_of(answers, source)}
            for source in answers.sources
            if _tasks_of(answers, source)
        }
    config["corpora"] = corpora
    config["paths"] = {"corpus": "corpus", "encoder": encoder}
    config["system"] = {"gpu_allocator": "pytorch", "seed": 0}
    config["training"].update(
        {
            "score_weights": {"sents_f": None},
            "max_steps": STEPS,
            "eval_frequency": STEPS // 4,
            "patience": 0,
            "gpu_allocator": "${system.gpu_allocator}",
            "seed": "${system.seed}",
            **{block: blocks[block] for block in ("batcher", "optimizer", "logger", "before_to_disk")},
        }
    )
    config["training"]["before_to_disk"]["meta"] = {"name": name, "version": "0.1.0"}
    config["initialize"]["components"] = {"encoder": {"loader": _loader(answers)}}
    return config


def _tasks_of(answers: Answers, source: str) -> list[str]:
    return [task for task in answers.tasks if task in answers.sources[source].tasks]


def _encoder(answers: Answers) -> dict[str, Any]:
    """The routed encoder. Routes in the last layer: the others are computed once for all tasks."""
    n_layers = answers.n_layers
    return {
        "routes": list(answers.tasks),
        "layers": None if n_layers is None else [n_layers - 1],
        "window": answers.window,
        "stride": answers.window * 3 // 4,
        "batch_pieces": 4096,
        "mixed_precision": True,
        "sharing": {"@misc": f"spacy-medmtl.{answers.sharing}_rule.v1", **_SHARING.get(answers.sharing, {})},
    }


def _head(answers: Answers, task: str) -> dict[str, Any]:
    """A head that reads whole documents, in one pass with the others; pairs that stand apart are read as pairs."""
    views = {"adjacent": "document", "entity": "marked_pair"}
    tok2vec = {
        "@architectures": "spacy-medmtl.RouteListener.v1",
        "route": task,
        "view": views.get(answers.pair_kind, "pair") if task == "pair_relation" else "document",
    }
    architecture = f"spacy-medmtl.{_MODELS[task]}.v1"
    config: dict[str, Any] = {"model": {"@architectures": architecture, "lr_scale": 10.0, "tok2vec": tok2vec}}
    if task == "sru_nested_ner":
        tok2vec["pooling"] = "max"
    if task == "cpncf_assertion":
        config["headings"] = True
    if task in ("cpncf_assertion", "sentence_intent"):
        config["context"] = 1
    if task == "pair_relation":
        kind = answers.pair_kind.removeprefix("scored ")
        config["candidates"] = {"@misc": f"spacy-medmtl.{kind}_pairs.v1"}
        config["mode"] = "regression" if kind != answers.pair_kind else "multilabel"
    return config


def _loader(answers: Answers) -> dict[str, str]:
    if answers.encoder == MINILM:
        return {"@misc": "spacy-medmtl.minilm_encoder.v1", "path": "${paths.encoder}"}
    if answers.n_layers is None:
        return {"@misc": "spacy-medmtl.hub_encoder.v1", "name": "${paths.encoder}"}
    return {"@misc": "spacy-medmtl.local_encoder.v1", "path": "${paths.encoder}"}
