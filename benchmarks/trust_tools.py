"""The four tools that ``trust_cases.py`` asks the same of, each behind one interface; imports only what it runs.

All are tiny: they learn a few invented sentences for some steps, or nothing (EDS-NLP), for this is about behaviour.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEARNT = ["no fever today .", "the left knee hurts .", "mother had asthma .", "chest pain and cough ."]
ENTITIES = [(1, 2), (1, 3), (2, 3), (0, 2)]
STEPS = 20


@dataclass(frozen=True)
class Tool:
    """build, load: give a pipeline. save: writes it to a folder as its users are told to. heads: components that write
    something. stream: reads texts in a number of processes (1: this one)."""

    build: Callable[[], Any]
    load: Callable[[Path], Any]
    save: Callable[[Any, Path], None]
    heads: Sequence[str]
    stream: Callable[[Any, Sequence[str], int], list[Any]]


def tool(name: str, given: str) -> Tool:
    """given: of ours the folder of a pipeline, of others that of an encoder (of spaCy's own nothing)."""
    warnings.simplefilter("ignore")
    return {"ours": ours, "spacy": stock, "spacy-transformers": stock, "edsnlp": edsnlp_tool}[name](given)


def ours(folder: str) -> Tool:
    import spacy

    from spacy_medmtl.saving import whole_folder

    def save(nlp: Any, path: Path) -> None:
        with whole_folder(path, replaces="meta.json") as part:
            nlp.to_disk(part)

    heads = ("sentence_intent", "sru_nested_ner", "cpncf_assertion")
    return Tool(lambda: spacy.load(folder), spacy.load, save, heads, spacy_stream)


def stock(encoder: str) -> Tool:
    import spacy

    heads = ("textcat", "ner", "spancat")
    return Tool(lambda: build_stock(encoder), spacy.load, lambda nlp, path: nlp.to_disk(path), heads, spacy_stream)


def build_stock(encoder: str) -> Any:
    """spaCy's ner, textcat and spancat over a tok2vec layer, or over a transformer."""
    import spacy
    from spacy.tokens import Doc, Span
    from spacy.training import Example
    from spacy.util import fix_random_seed

    fix_random_seed(0)
    nlp = spacy.blank("en")
    if encoder:
        transformer = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": encoder}
        nlp.add_pipe("transformer", config={"model": {**transformer, "tokenizer_config": {"use_fast": True}}})
        pooling = {"@layers": "reduce_mean.v1"}
        listener = {"@architectures": "spacy-transformers.TransformerListener.v1", "grad_factor": 1.0}
        layer: dict[str, Any] = {**listener, "pooling": pooling}
    else:
        nlp.add_pipe("tok2vec")
        layer = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}
    for name in ("ner", "textcat", "spancat"):
        nlp.add_pipe(name, config={"model": with_layer(nlp, name, layer)})
    examples = []
    for i, (text, place) in enumerate(zip(LEARNT, ENTITIES)):
        doc = Doc(nlp.vocab, words=text.split())
        doc.ents = [Span(doc, *place, label="FINDING")]
        doc.spans["sc"] = list(doc.ents)
        doc.cats = {"DENIAL": float(i == 0), "OTHER": float(i != 0)}
        examples.append(Example(Doc(nlp.vocab, words=text.split()), doc))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(STEPS):
        nlp.update(examples, sgd=optimizer)
    return nlp


def with_layer(nlp: Any, name: str, layer: dict[str, Any]) -> dict[str, Any]:
    """spaCy's default model of a component, over another layer."""
    model = dict(nlp.get_factory_meta(name).default_config["model"])
    if name == "textcat":
        model = {"@architectures": "spacy.TextCatReduce.v1", "exclusive_classes": True, "use_reduce_mean": True}
        model |= {"use_reduce_first": False, "use_reduce_last": False, "use_reduce_max": False}
    return {**model, "tok2vec": layer}


def spacy_stream(nlp: Any, texts: Sequence[str], processes: int) -> list[Any]:
    return list(nlp.pipe(texts, n_process=processes, batch_size=4))


def edsnlp_tool(encoder: str) -> Tool:
    import edsnlp

    return Tool(
        lambda: build_edsnlp(encoder), edsnlp.load, lambda nlp, path: nlp.to_disk(path), ("ner",), edsnlp_stream
    )


def build_edsnlp(encoder: str) -> Any:
    """EDS-NLP's ner_crf over its transformer, with random weights."""
    import edsnlp
    import edsnlp.pipes as eds
    import torch

    torch.manual_seed(0)
    nlp = edsnlp.blank("eds")
    nlp.add_pipe(eds.sentences())
    embedding = eds.transformer(model=encoder, window=128, stride=96)
    head = eds.ner_crf(embedding=embedding, mode="joint", target_span_getter="ents", span_setter={"ents": True})
    nlp.add_pipe(head, name="ner")
    gold = nlp.make_doc(LEARNT[0])
    gold.ents = [gold.char_span(3, 8, label="FINDING")]
    nlp.post_init([gold])
    nlp.train(False)
    return nlp


def edsnlp_stream(nlp: Any, texts: Sequence[str], processes: int) -> list[Any]:
    stream = nlp.pipe(texts)
    if processes > 1:
        stream = stream.set_processing(num_cpu_workers=processes, process_start_method="spawn", deterministic=True)
    return list(stream.set_processing(batch_size=4))
