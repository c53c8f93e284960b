"""Run apart by test_worker_processes.py. argv: what to do, and paths. Prints one line of JSON."""

import json
import sys
from typing import Any, List

import spacy
import torch
from encoder_helpers import TASKS, TEXTS, adam, annotations, gold_examples
from thinc.api import fix_random_seed


def pipe_in_processes(path: str) -> List[Any]:
    """Predict with two worker processes, after this one has started torch's threads."""
    torch.set_num_threads(4)
    nlp = spacy.load(path)
    torch.randn(600, 600) @ torch.randn(600, 600)  # starts the threads that a forked child does not have
    torch.randn(2_000_000).exp().sum()
    texts = [*TEXTS, "", (TEXTS[0] + " ") * 40] * 3
    docs = nlp.pipe(texts, n_process=2, batch_size=4)
    together = [annotations(doc) for doc in docs]
    return [together, [annotations(doc) for doc in nlp.pipe(texts)]]


def train(encoder: str, output: str) -> List[Any]:
    """Initialise and train from nothing but the seed."""
    fix_random_seed(7)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    model = {"@architectures": "spacy-medmtl.ProgressiveTransformer.v1", "window": 64, "stride": 48}
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": model})
    for task in TASKS:
        nlp.add_pipe(task)
    loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": encoder}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    nlp.initialize(lambda: gold_examples(nlp))
    optimizer = adam()
    losses: List[Any] = []
    for _ in range(3):
        losses.append(nlp.update(gold_examples(nlp), sgd=optimizer, drop=0.1))
    nlp.to_disk(output)
    return losses


if __name__ == "__main__":
    print(json.dumps({"pipe": pipe_in_processes, "train": train}[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
