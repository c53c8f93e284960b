"""spaCy's own components learn on our listener, and our token heads on the listeners of others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from encoder_helpers import TASKS, TEXTS, adam, annotations, gold_examples, same, weights
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example

SIGNS = ("pain", "fever", "cough")


def listener(route: str = "sru_nested_ner", view: str = "tokens") -> dict[str, Any]:
    return {"@architectures": "spacy-medmtl.RouteListener.v1", "route": route, "view": view, "upstream": "*"}


STOCK: dict[str, dict[str, Any]] = {
    "ner": {
        "model": {
            "@architectures": "spacy.TransitionBasedParser.v2",
            "state_type": "ner",
            "extra_state_tokens": False,
            "hidden_width": 32,
            "maxout_pieces": 2,
            "use_upper": False,
            "tok2vec": listener(),
        }
    },
    "tagger": {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener("cpncf_assertion", "context")}},
    "spancat": {
        "model": {
            "@architectures": "spacy.SpanCategorizer.v1",
            "tok2vec": listener(),
            "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 32},
            "scorer": {"@layers": "spacy.LinearLogistic.v1", "nO": None, "nI": None},
        },
        "suggester": {"@misc": "spacy.ngram_suggester.v1", "sizes": [1]},
    },
    "textcat": {
        "model": {
            "@architectures": "spacy.TextCatReduce.v1",
            "exclusive_classes": True,
            "use_reduce_first": False,
            "use_reduce_last": False,
            "use_reduce_max": True,
            "use_reduce_mean": True,
            "nO": None,
            "tok2vec": listener("sentence_intent"),
        }
    },
}


def stock_examples(nlp: Language) -> list[Example]:
    examples = []
    for text in TEXTS:
        doc = nlp.get_pipe("sentencizer")(nlp.make_doc(text))
        signs = [Span(doc, token.i, token.i + 1, label="SIGN") for token in doc if token.text in SIGNS]
        doc.set_ents(signs)
        doc.spans["sc"] = signs
        doc.cats = {"SICK": float(bool(signs)), "WELL": float(not signs)}
        for token in doc:
            token.tag_ = "NN" if token.text in SIGNS else "X"
        examples.append(Example(nlp.make_doc(text), doc))
    return examples


@pytest.fixture(scope="module")
def stock(make_nlp: Callable[..., Language]) -> Language:
    """All four on one encoder, beside a head of ours, trained until they know their few sentences."""
    from thinc.api import fix_random_seed

    fix_random_seed(0)
    nlp = make_nlp(*[(name, name, config) for name, config in STOCK.items()])
    examples = stock_examples(nlp)
    nlp.initialize(lambda: examples)
    start = weights(nlp.get_pipe("encoder").model)
    optimizer = adam(3e-3)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    assert not same(start, weights(nlp.get_pipe("encoder").model))
    return nlp


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_stock_components_learn_on_our_listener(stock: Language, batch_size: int):
    examples = stock_examples(stock)
    docs = list(stock.pipe([example.text for example in examples], batch_size=batch_size))
    for doc, example in zip(docs, examples):
        gold = example.reference
        bounds = [(ent.start, ent.end, ent.label_) for ent in gold.ents]
        assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == bounds
        assert [(span.start, span.end, span.label_) for span in doc.spans["sc"]] == bounds
        assert [token.tag_ for token in doc] == [token.tag_ for token in gold]
        assert max(doc.cats, key=doc.cats.get) == max(gold.cats, key=gold.cats.get)


def test_stock_components_round_trip(stock: Language, tmp_path: Path):
    stock.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    for text in TEXTS:
        one, two = stock(text), loaded(text)
        assert one.to_json() == two.to_json()
        assert one.cats == two.cats


@pytest.mark.parametrize("name", STOCK)
def test_each_stock_component_alone_trains_the_encoder(make_nlp: Callable[..., Language], name: str):
    nlp = make_nlp((name, name, STOCK[name]))
    examples = stock_examples(nlp)
    nlp.initialize(lambda: examples)
    before = weights(nlp.get_pipe("encoder").model)
    optimizer = adam()
    for _ in range(2):  # some output layers start as zeros, and then the encoder's first gradient is zero too
        assert nlp.update(examples, sgd=optimizer)[name] > 0
    assert not same(before, weights(nlp.get_pipe("encoder").model))


TOKEN_HEADS = ("sru_nested_ner", "cpncf_assertion")


def learns(nlp: Language, steps: int, learn_rate: float) -> None:
    """Train both token heads and compare with gold."""
    examples = gold_examples(nlp, TOKEN_HEADS)
    nlp.initialize(lambda: examples)
    optimizer = adam(learn_rate)
    for _ in range(steps):
        nlp.update(examples, sgd=False)
        for _, pipe in nlp.pipeline:
            if hasattr(pipe, "finish_update"):
                pipe.finish_update(optimizer)
    for doc, example in zip(nlp.pipe(TEXTS), examples):
        found = annotations(doc)
        assert sorted(found["medmtl_ner"][0]) == sorted(annotations(example.reference)["medmtl_ner"][0])
        expected = annotations(example.reference)["medmtl_findings"]
        assert (found["medmtl_findings"][0], found["medmtl_findings"][2]) == (expected[0], expected[2])


def round_trip(nlp: Language, path: Path) -> None:
    nlp.to_disk(path)
    loaded = spacy.load(path)
    assert [annotations(loaded(text)) for text in TEXTS] == [annotations(nlp(text)) for text in TEXTS]


def test_token_heads_learn_on_a_tok2vec_of_spacy(tmp_path: Path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    tok2vec = {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 32,
            "rows": [500],
            "attrs": ["NORM"],
            "include_static_vectors": False,
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 32,
            "window_size": 2,
            "maxout_pieces": 2,
            "depth": 2,
        },
    }
    for head in TOKEN_HEADS:
        nlp.add_pipe(head, config={"model": {"tok2vec": tok2vec}})
    learns(nlp, steps=60, learn_rate=3e-3)
    round_trip(nlp, tmp_path)


def test_token_heads_learn_on_a_transformer_of_spacy_transformers(tiny_encoder: Path, tmp_path: Path):
    pytest.importorskip("spacy_transformers")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(tiny_encoder),
        "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
        "tokenizer_config": {"use_fast": True},
        "transformer_config": {},
        "mixed_precision": False,
        "grad_scaler_config": {},
    }
    nlp.add_pipe("transformer", config={"model": model})
    tok2vec = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    for head in TOKEN_HEADS:
        nlp.add_pipe(head, config={"model": {"tok2vec": tok2vec}})
    learns(nlp, steps=150, learn_rate=1e-3)
    round_trip(nlp, tmp_path)


@pytest.mark.parametrize("head", [task for task in TASKS if task not in TOKEN_HEADS])
def test_unit_heads_refuse_a_layer_that_cannot_read_units(head: str):
    tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 8, "depth": 1}
    tok2vec.update(embed_size=50, window_size=1, maxout_pieces=1, subword_features=False)
    with pytest.raises(ValueError, match=f"E205.*'{head}'"):
        spacy.blank("en").add_pipe(head, config={"model": {"tok2vec": tok2vec}})
    with pytest.raises(ValueError, match=f"E205.*'{head}'.*received 'tokens'"):
        spacy.blank("en").add_pipe(head, config={"model": {"tok2vec": listener(head, "tokens")}})
