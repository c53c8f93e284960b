"""EDS-NLP with as many heads as ``en_medmtl``, in a process of its own, whose Python may be another environment's.

    python benchmarks/edsnlp_worker.py ENCODER TEXTS.json

After each line on standard input, ``float32`` or ``bfloat16``, it annotates the texts once in that precision (left to
itself it takes bfloat16, also where the processor only imitates it), and prints the CPU seconds that this took.
``bench_pipeline.py`` starts it.

Its heads, over one ``eds.transformer``: entities (``ner_crf``), findings (``ner_crf``), the status of each finding and
the intent of each sentence (``span_classifier``). They are untrained; a bias makes most words no entity, as in text.
Labels are as many as those of the sample corpus.
"""

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import srsly

N_ENTITY_LABELS, N_INTENTS = 8, 12
STATUSES = ("positive", "negative", "unknown")
NOTHING = 6.0  # bias of the tag O


def build(encoder: str) -> Any:
    """The pipeline."""
    import edsnlp
    import edsnlp.pipes as eds
    import torch
    from spacy.language import Language
    from spacy.tokens import Span

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)

    @Language.component("sentence_spans")
    def sentence_spans(doc: Any) -> Any:
        doc.spans["sentences"] = [Span(doc, sent.start, sent.end, label="sentence") for sent in doc.sents]
        return doc

    nlp = edsnlp.blank("eds")
    nlp.add_pipe(eds.sentences())
    nlp.add_pipe("sentence_spans")
    transformer = eds.transformer(model=encoder, window=128, stride=96)
    pooler = eds.span_pooler(pooling_mode="mean", embedding=transformer)
    entities = [f"entity_{i}" for i in range(N_ENTITY_LABELS)]
    for name, labels in (("entities", entities), ("findings", ["finding"])):
        head = eds.ner_crf(embedding=transformer, mode="joint", labels=labels, span_setter={name: True})
        nlp.add_pipe(head, name=name)
        with torch.no_grad():
            head.linear.bias.view(len(labels), 5)[:, 0] = NOTHING
    for name, key, values in (
        ("status", "findings", list(STATUSES)),
        ("intent", "sentences", [f"intent_{i}" for i in range(N_INTENTS)]),
    ):
        head = eds.span_classifier(embedding=pooler, span_getter={key: True}, attributes={f"_.{name}": True})
        head.update_bindings([(f"_.{name}", True, values)])
        head.set_extensions()
        nlp.add_pipe(head, name=name)
    nlp.train(False)
    return nlp


def main(encoder: str, texts_file: str) -> None:
    texts = list(srsly.read_json(Path(texts_file)))
    nlp = build(encoder)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for precision in sys.stdin:
        start = time.process_time()
        for _ in nlp.pipe(texts).set_processing(autocast=precision.strip() == "bfloat16"):
            pass
        sys.stdout.write(f"{time.process_time() - start}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
