"""EDS-NLP's trainable pipeline on the same encoder: entities by CRF, attributes of spans, classes of documents."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import spacy
from pipelines import STOCK_STRIDE, STOCK_WINDOW, gold_examples, longest_input

STATUS = "medmtl_status"


def edsnlp_pipeline(encoder: Path, gold: Path) -> Callable[[Sequence[str]], Any]:
    """Annotates texts. Four heads, as ours has: two of entities, one of attributes of these, one of documents.

    Raises ImportError where EDS-NLP is not installed.
    """
    import edsnlp
    from spacy.tokens import Doc, Span

    for kind, name in ((Span, STATUS), (Doc, STATUS)):
        if not kind.has_extension(name):
            kind.set_extension(name, default=None)
    window = min(STOCK_WINDOW, longest_input(encoder) - 2)
    settings = {"model": str(encoder), "window": window, "stride": min(STOCK_STRIDE, window)}
    nlp = edsnlp.blank("eds")
    nlp.add_pipe("eds.sentences")
    shared = nlp.add_pipe("eds.transformer", name="transformer", config=settings)
    for name in ("ner", "ner_2"):
        nlp.add_pipe(
            "eds.ner_crf",
            name=name,
            config={"embedding": shared, "mode": "joint", "target_span_getter": "gold", "span_setter": f"{name}_found"},
        )
    pooled = {"@factory": "eds.span_pooler", "embedding": shared, "pooling_mode": "mean"}
    nlp.add_pipe(
        "eds.span_classifier",
        name="status",
        config={"embedding": pooled, "attributes": [f"_.{STATUS}"], "span_getter": "ner_found"},
    )
    docs_pooled = {"@factory": "eds.doc_pooler", "embedding": shared, "pooling_mode": "mean"}
    nlp.add_pipe(
        "eds.doc_classifier",
        name="kind",
        config={"embedding": docs_pooled, "attributes": [STATUS], "labels": {STATUS: ["a", "b"]}},
    )
    docs = []
    for example in gold_examples(spacy.blank("en"), gold):
        doc = nlp.make_doc(example.text)
        spans = [doc.char_span(span.start_char, span.end_char, label=span.label_) for span in example.reference.ents]
        doc.spans["gold"] = doc.spans["ner_found"] = [span for span in spans if span is not None]
        for i, span in enumerate(doc.spans["ner_found"]):
            span._.set(STATUS, ("positive", "negative")[i % 2])
        doc._.set(STATUS, ("a", "b")[len(docs) % 2])
        docs.append(doc)
    nlp.post_init(docs)
    return lambda texts: list(nlp.pipe(texts))
