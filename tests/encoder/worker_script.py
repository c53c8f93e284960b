"""Run in a process of its own by test_worker_processes.py. argv: folders. Prints one line of JSON."""

import gc
import json
import multiprocessing
import os
import sys
from typing import Any

import spacy
import torch
from encoder_helpers import TASKS, TEXTS, adam, annotations, gold_examples
from spacy.language import Language
from spacy.tokens import Doc
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


@Language.component("test_process")
def note_process(doc: Doc) -> Doc:
    """Its torch threads, and how many objects the garbage collector leaves alone."""
    doc.user_data["threads"] = torch.get_num_threads()
    doc.user_data["frozen"] = gc.get_freeze_count()
    return doc


def own_threads(path: str) -> int:
    """Of a worker of one's own, which sets three and loads a pipeline of its own."""
    torch.set_num_threads(3)
    spacy.load(path)(TEXTS[0])
    return torch.get_num_threads()


def pipe_in_processes(path: str) -> dict[str, Any]:
    """Predict with two worker processes, started in each way that this system has, after this one has started torch's
    threads, and then without any."""
    torch.set_num_threads(4)
    nlp = spacy.load(path)
    torch.randn(2_000_000).exp().sum()  # starts the threads that a forked child does not have
    texts = [*TEXTS, "", (TEXTS[0] + " ") * 40] * 3
    alone = [annotations(doc) for doc in nlp.pipe(texts)]
    n_objects = len(gc.get_objects())
    nlp.add_pipe("test_process")
    together, threads, frozen = {}, {}, {}
    for method in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method(method, force=True)
        docs = list(nlp.pipe(texts, n_process=2, batch_size=4))
        together[method] = [annotations(doc) for doc in docs]
        threads[method] = sorted({doc.user_data["threads"] for doc in docs})
        frozen[method] = min(doc.user_data["frozen"] for doc in docs) / n_objects
    multiprocessing.set_start_method("spawn", force=True)
    with multiprocessing.Pool(1) as pool:
        threads["told, no pipeline"] = [pool.apply(torch.get_num_threads)]
    del os.environ["OMP_NUM_THREADS"]
    threads["spawn, not told"] = sorted({doc.user_data["threads"] for doc in nlp.pipe(TEXTS, n_process=2)})
    with multiprocessing.Pool(1) as pool:
        threads["spawn, own"] = [pool.apply(own_threads, (path,))]
    return {"together": together, "alone": alone, "threads": threads, "frozen": frozen}


if __name__ == "__main__":
    encoder, output, trained = sys.argv[1:]
    print(json.dumps({"losses": train(encoder, output), **pipe_in_processes(trained)}))  # noqa: T201
