"""Run in a process of its own by test_worker_processes.py. argv: folders. Prints one line of JSON."""

import json
import multiprocessing
import sys
from typing import Any

import spacy
import torch
from encoder_helpers import TASKS, TEXTS, adam, annotations, gold_examples
from thinc.api import fix_random_seed


def train(encoder: str, output: str) -> list[Any]:
    """Initialise and train from nothing but the seed."""
    torch.set_num_threads(1)
    fix_random_seed(7)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    model = {"@architectures": "spacy-medmtl.ProgressiveTransformer.v1", "routes": list(TASKS)}
    model.update(window=64, stride=48)
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": model})
    for task in TASKS:
        nlp.add_pipe(task)
    loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": encoder}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    nlp.initialize(lambda: gold_examples(nlp))
    optimizer = adam()
    losses: list[Any] = []
    for _ in range(3):
        losses.append(nlp.update(gold_examples(nlp), sgd=optimizer, drop=0.1))
    nlp.to_disk(output)
    return losses


def pipe_in_processes(path: str) -> dict[str, Any]:
    """Predict with two worker processes, started in each way that this system has, after this one has started torch's
    threads, and then without any."""
    torch.set_num_threads(4)
    nlp = spacy.load(path)
    torch.randn(2_000_000).exp().sum()  # starts the threads that a forked child does not have
    texts = [*TEXTS, "", (TEXTS[0] + " ") * 40] * 3
    together = {}
    for method in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method(method, force=True)
        together[method] = [annotations(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=4)]
    return {"together": together, "alone": [annotations(doc) for doc in nlp.pipe(texts)]}


if __name__ == "__main__":
    encoder, output, trained = sys.argv[1:]
    print(json.dumps({"losses": train(encoder, output), **pipe_in_processes(trained)}))  # noqa: T201
