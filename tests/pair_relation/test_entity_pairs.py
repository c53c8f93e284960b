"""Pairs of entities: candidates, learning by marks and by types, direction, scores, and where entities come from."""

import gc
import re
import warnings
from pathlib import Path

import pytest
import spacy
import torch
from spacy.tokens import DocBin, Span
from spacy.training import Example
from thinc.api import Config
from toy import weights, with_sentences

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES, RELATIONS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, read_pairs, write_relations
from spacy_medmtl.encoder.encoding import Encoding
from spacy_medmtl.encoder.listener import view_of
from spacy_medmtl.encoder.pooling import pool
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.requests import Unit, ViewRequest
from spacy_medmtl.encoder.views.viewer import lay_out
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.heads.losses import sigmoid
from spacy_medmtl.pair_relation.candidates import entity_pairs
from spacy_medmtl.training.corpus import multitask_corpus

DRUGS, SIGNS = ("k", "q", "x", "z"), ("fever", "cough")
TEXTS = [
    "k has q . hello .",
    "no x with z .",
    "q has x and fever .",
    "z has k . the cough with x .",
    "fever with q .",
    "hello . thanks .",
]
NESTED = ["k q has z .", "x has z k .", "the x and k q ."]  # "k q" and "z k" are drugs, and so are their words


def entities_of(doc):
    """Single drugs, drugs of two words, signs."""
    found = []
    for token in doc:
        if token.text in DRUGS:
            found.append(Span(doc, token.i, token.i + 1, label="Drug"))
            if token.i + 1 < len(doc) and token.nbor().text in DRUGS:
                found.append(Span(doc, token.i, token.i + 2, label="Drug"))
        elif token.text in SIGNS:
            found.append(Span(doc, token.i, token.i + 1, label="Sign"))
    return found


class Finder:
    """Stands for whatever finds entities in the pipeline."""

    def __init__(self, key):
        self.spans_key = key

    def __call__(self, doc):
        write_group(doc, self.spans_key, entities_of(doc))
        return doc


@spacy.Language.factory("drug_finder", default_config={"key": ENTITIES})
def make_finder(nlp, name, key):
    return Finder(key)


def related(doc, head, tail):
    """``a has b``: a ACTS on b, b UNDERGOES a; whatever else stands in one sentence is judged to have no relation."""
    between = [token.text for token in doc[min(head[1], tail[1]) : max(head[0], tail[0])]]
    if between != ["has"]:
        return ()
    return ("ACTS",) if head < tail else ("UNDERGOES",)


ADJACENT = {"@misc": "spacy-medmtl.adjacent_pairs.v1"}
GETTER = {"@misc": "spacy-medmtl.entity_pairs.v1", "both_orders": True}


def annotate(doc):
    write_group(doc, ENTITIES, entities_of(doc))
    found = entity_pairs(both_orders=True)(doc)
    labels = {(span.start, span.end): span.label_ for span in doc.spans[ENTITIES]}
    judged = [JudgedPair(h, t, related(doc, h, t), 1.0, (labels[h], labels[t])) for h, t in found]
    write_relations(doc, judged)


def make_examples(nlp, texts=TEXTS):
    examples = []
    for text in texts:
        reference = with_sentences(nlp, text)
        annotate(reference)
        examples.append(Example(nlp.make_doc(text), reference))
    return examples


def config(view="marked_pair", **settings):
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "pair_relation", "view": view}
    model = {"@architectures": "spacy-medmtl.PairRelation.v1", "tok2vec": listener}
    return {"candidates": GETTER, "model": model, **settings}


def started(make_nlp, view="marked_pair", texts=TEXTS, **settings):
    nlp = make_nlp("drug_finder", ("pair_relation", "pair_relation", config(view, **settings)))
    examples = make_examples(nlp, texts)
    return nlp, examples, nlp.initialize(lambda: examples)


def overfitted(nlp, examples, optimizer):
    """The loss stays for long where both orders get the same labels, and then falls at once."""
    optimizer.learn_rate = 3e-3
    for _ in range(400):
        losses = nlp.update(examples, sgd=optimizer)
        if losses["pair_relation"] < 0.002:
            return nlp
    raise AssertionError(f"not learnt: {losses}")


def said(doc):
    return [(r.head.text, r.tail.text, r.label) for r in doc._.relations]


@pytest.fixture(scope="module", params=["marked_pair", "blinded_pair"])
def trained(request, make_nlp):
    spacy.util.fix_random_seed(0)
    return overfitted(*started(make_nlp, request.param))


def test_learns_the_direction(trained):
    """The two orders of one pair read the same words, and have different labels."""
    scores = trained.evaluate(make_examples(trained))
    assert (scores["pair_relation_f"], scores["pair_relation_acc"]) == (1.0, 1.0)
    assert {label: one["f"] for label, one in scores["pair_relation_f_per_type"].items()} == {"ACTS": 1, "UNDERGOES": 1}
    doc = trained(TEXTS[0])
    assert said(doc) == [("k", "q", "ACTS"), ("q", "k", "UNDERGOES")]
    assert {r.head.label_ for r in doc._.relations} == {r.tail.label_ for r in doc._.relations} == {"Drug"}
    assert all(0.5 <= r.score <= 1.0 for r in doc._.relations)
    assert said(trained(TEXTS[2])) == [("q", "x", "ACTS"), ("x", "q", "UNDERGOES")]  # and not the fever


def test_nothing_to_judge_is_an_empty_group(trained):
    for text in ("hello .", "", " \n ", "k is fine . q ."):
        doc = trained(text)
        assert RELATIONS in doc.spans
        assert read_pairs(doc) == doc._.relations == []


def test_scores_count_per_label(trained):
    """Gold turned round: each relation found is of the wrong label, both labels are missed."""
    (example,) = make_examples(trained, TEXTS[:1])
    turned = {"ACTS": "UNDERGOES", "UNDERGOES": "ACTS"}
    pairs = [JudgedPair(p.head, p.tail, tuple(map(turned.get, p.labels)), 1.0) for p in read_pairs(example.reference)]
    write_relations(example.reference, pairs)
    scores = trained.evaluate([example])
    assert scores["pair_relation_acc"] == 0.0
    assert {label: found["f"] for label, found in scores["pair_relation_f_per_type"].items()} == {
        "ACTS": 0.0,
        "UNDERGOES": 0.0,
    }
    (example,) = make_examples(trained, TEXTS[:1])
    example.reference.spans[RELATIONS].attrs[ANNOTATED_LABELS] = ["ACTS"]
    assert set(trained.evaluate([example])["pair_relation_f_per_type"]) == {"ACTS"}


def test_streams_workers_and_storage_give_the_same(trained):
    texts = [*TEXTS, "", *NESTED] * 2
    expected = [said(trained(text)) for text in texts]
    assert [said(doc) for doc in trained.pipe(texts, batch_size=4)] == expected
    assert [said(doc) for doc in trained.pipe(texts, n_process=2, batch_size=4)] == expected
    again = spacy.util.load_model_from_config(trained.config).from_bytes(trained.to_bytes())
    assert again.get_pipe("pair_relation").candidates == trained.get_pipe("pair_relation").candidates
    assert [said(again(text)) for text in texts] == expected
    stored = DocBin(docs=[trained(text) for text in TEXTS], store_user_data=True).to_bytes()
    docs = DocBin().from_bytes(stored).get_docs(again.vocab)
    assert [said(doc) for doc in docs] == expected[: len(TEXTS)]


def test_a_batch_is_what_each_pair_alone_is(trained):
    """Sequences of all lengths and several Docs together, with the encoder's memo, against one pair at a time."""
    pipe = trained.get_pipe("pair_relation")
    n_pairs = 0
    for doc in trained.pipe([*TEXTS, *NESTED], batch_size=64):
        ((pairs, scores),) = pipe.predict([doc])
        for pair, row in zip(pairs, scores, strict=True):
            assert sigmoid(pipe.logits([pipe._reading(doc, [pair])]))[0] == pytest.approx(row, abs=1e-5)
            n_pairs += 1
    assert n_pairs == 52


def n_tensors():
    """How many are alive."""
    gc.collect()
    return sum(type(thing) is torch.Tensor for thing in gc.get_objects())


@pytest.mark.parametrize("budget", [40, 8192])
def test_the_rows_that_prediction_keeps_are_those_of_training(trained, budget):
    """[CLS] rows alone, batch by batch, against all rows of all sequences; and nothing else is kept."""
    pipe, encoder = trained.get_pipe("pair_relation"), trained.get_pipe("encoder").model
    docs = list(trained.pipe([*TEXTS, *NESTED]))
    readings = [pipe._reading(doc, pipe.candidates(doc)) for doc in docs]
    module = torch_shim(encoder).module
    layout = lay_out(
        module.settings, view_of(pipe.model), readings, [module.settings.wordpieces.of_doc(doc) for doc in docs]
    )
    with torch.no_grad():
        flat, places = Encoding(module, str, budget).encode(layout, ["pair_relation"])
        expected = pool(flat, places, layout, "mean")
    request = ViewRequest(readings, "pair_relation", view_of(pipe.model))
    encoding = Encoding(module, str, budget)
    n_before = n_tensors()
    first = encoding.read(request)
    assert n_tensors() == n_before + 1  # the rows themselves
    torch.testing.assert_close(first.tensor, expected, rtol=0.0, atol=1e-5)
    assert first.tensor.shape == (52, 32)
    assert first.lengths == [len(reading.pairs) for reading in readings]
    assert torch.equal(encoding.read(request).tensor, first.tensor)
    assert torch.equal(encoder.predict(request).tensor, first.tensor)


def test_training_and_prediction_read_the_same(trained):
    """Sentences come from the gold in training, where the Doc to annotate has none yet."""
    pipe = trained.get_pipe("pair_relation")
    for example in make_examples(trained, [*TEXTS[:5], *NESTED]):
        (learnt,), gold = pipe.training_batch([example])
        doc = trained(example.predicted.text)
        read = pipe._reading(doc, pipe.candidates(doc))
        assert (learnt.units, list(learnt.pairs), learnt.types) == (read.units, list(read.pairs), read.types)
        assert len(gold.held) == len(learnt.pairs) > 0


def test_nested_entities_are_told_apart(make_nlp):
    """``k q has z``: "k q" acts on "z"; its words, which are drugs too, do so if they stand beside "has"."""
    nlp = overfitted(*started(make_nlp, texts=[*TEXTS, *NESTED]))
    assert nlp.evaluate(make_examples(nlp, NESTED))["pair_relation_f"] == 1.0
    assert said(nlp(NESTED[0])) == [
        ("k q", "z", "ACTS"),
        ("q", "z", "ACTS"),
        ("z", "k q", "UNDERGOES"),
        ("z", "q", "UNDERGOES"),
    ]


def test_sentences_of_both_are_read(make_nlp):
    """From the start of the first sentence to the end of the last, whichever is the head."""
    nlp, *_ = started(make_nlp)
    reference = with_sentences(nlp, "hello . no k . the fever . q is fine . thanks .")
    text = [token.text for token in reference]
    names = [("q", "k"), ("k", "fever"), ("k", "k")]
    pairs = [[(text.index(word), text.index(word) + 1) for word in pair] for pair in names]
    write_relations(reference, [JudgedPair(*pair, ("ACTS",), 1.0) for pair in pairs])
    (reading,), _ = nlp.get_pipe("pair_relation").training_batch([Example(nlp.make_doc(reference.text), reference)])
    assert reading.units == [Unit(2, 3, 9, 12), Unit(2, 3, 7, 8), Unit(2, 3, 4, 5)]


def test_labels_that_were_not_annotated_give_no_loss(make_nlp):
    nlp, *_ = started(make_nlp)
    (example,) = make_examples(nlp, TEXTS[:1])
    example.reference.spans[RELATIONS].attrs[ANNOTATED_LABELS] = ["ACTS"]
    _, gold = nlp.get_pipe("pair_relation").training_batch([example])
    assert gold.judged.tolist() == [[True, False], [True, False]]


def test_docs_without_gold_or_without_pairs_leave_the_weights_alone(make_nlp):
    nlp, _, optimizer = started(make_nlp)
    unannotated = Example(nlp.make_doc(TEXTS[0]), with_sentences(nlp, TEXTS[0]))
    before, losses = weights(nlp), {}
    nlp.update([unannotated, *make_examples(nlp, ["hello . thanks ."])], sgd=optimizer, losses=losses)
    assert losses == {"encoder": 0.0, "pair_relation": 0.0}
    assert weights(nlp) == before


def test_blinded_pairs_need_types(make_nlp):
    with pytest.raises(MedmtlError, match="MEDMTL-E216.*'pair_relation'.*entity_pairs.v1"):
        make_nlp(("pair_relation", "pair_relation", {**config("blinded_pair"), "candidates": ADJACENT}))
    nlp, (example, *_), _ = started(make_nlp, "blinded_pair")
    write_relations(example.reference, [JudgedPair((0, 1), (2, 3), ("ACTS",), 1.0)])
    with pytest.raises(MedmtlError, match=f"MEDMTL-E217.*'pair_relation'.*1 pair.*'{RELATIONS}'"):
        nlp.get_pipe("pair_relation").training_batch([example])
    doc = example.predicted
    write_group(doc, ENTITIES, [doc[:1], doc[2:3]])
    with pytest.raises(MedmtlError, match=f"MEDMTL-E217.*2 pair.*'{ENTITIES}'"):
        nlp.get_pipe("pair_relation").predict([doc])


def test_white_space_is_no_entity_and_no_part_of_one(make_nlp):
    nlp, *_ = started(make_nlp)
    pipe = nlp.get_pipe("pair_relation")
    for text, bounds, expected in (
        (" \n ", [(0, 1)], []),
        ("k \n q", [(0, 1), (1, 2), (2, 3)], [((0, 1), (2, 3)), ((2, 3), (0, 1))]),
        ("k \n q", [(0, 2), (1, 3)], [((0, 1), (2, 3)), ((2, 3), (0, 1))]),
    ):
        doc = nlp.make_doc(text)
        write_group(doc, ENTITIES, [Span(doc, start, end, label="Drug") for start, end in bounds])
        ((pairs, scores),) = pipe.predict([doc])
        assert pairs == expected
        assert len(scores) == len(pairs)


def test_other_views_are_refused_by_name(make_nlp):
    expected = re.escape("the view 'pair', 'document', 'marked_pair', 'blinded_pair', received 'tokens'")
    with pytest.raises(MedmtlError, match=expected):
        make_nlp(("pair_relation", "pair_relation", config("tokens")))


@pytest.mark.parametrize("finder", [True, False])
def test_the_corpus_gives_entities_that_nothing_finds(make_nlp, tmp_path, finder):
    """Scores as in the benchmarks, which give the entities, if the pipeline does not find them; else its own count."""
    heads = [("drug_finder", "drug_finder", {})] if finder else []
    nlp = make_nlp(*heads, ("pair_relation", "pair_relation", config()))
    references = [example.reference for example in make_examples(nlp)]
    for doc in references:  # one entity, and no pair
        write_group(doc, ENTITIES, entities_of(doc)[:1])
    DocBin(docs=references).to_disk(tmp_path / "some.spacy")
    settings = {"path": str(tmp_path / "some.spacy"), "tasks": ["pair_relation"]}
    examples = list(multitask_corpus({"some": settings})(nlp))
    nlp.initialize(lambda: examples)
    given = [example.predicted.spans.get(ENTITIES) for example in examples]
    assert [None if group is None else len(group) for group in given] == ([None] * 6 if finder else [1, 1, 1, 1, 1, 0])
    counts = []
    nlp.get_pipe("pair_relation").candidates = lambda doc: counts.append(len(doc.spans[ENTITIES])) or []
    nlp.evaluate(examples)
    assert counts == ([2, 2, 3, 4, 2, 0] if finder else [1, 1, 1, 1, 1, 0])


def test_types_come_from_the_group_even_where_a_span_has_several(make_nlp):
    """The first in alphabetical order, in gold by the converters and at prediction."""
    nlp, *_ = started(make_nlp)
    doc = nlp.make_doc("k has q")
    write_group(doc, ENTITIES, [Span(doc, at, at + 1, label=label) for at, label in ((0, "b"), (0, "a"), (2, "d"))])
    pipe = nlp.get_pipe("pair_relation")
    assert pipe._types(doc, [((0, 1), (2, 3)), ((2, 3), (1, 2))]) == [("a", "d"), ("d", "")]


def test_the_config_and_the_gold_of_the_manual_work(make_nlp):
    page = (Path(__file__).parents[2] / "docs" / "relations.md").read_text(encoding="utf8")
    ini = "[components]\n" + re.search(r"```ini\n(.*?)```", page, re.DOTALL)[1]
    settings = Config().from_str(ini)["components"]["pair_relation"]
    nlp = make_nlp((settings.pop("factory"), "pair_relation", settings))
    doc = nlp.make_doc("the k with x and no z .")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    exec(code, {"doc": doc})
    assert [(pair.labels, pair.types) for pair in read_pairs(doc)] == [
        (("INHIBITS",), ("Chemical", "Gene_or_protein")),
        ((), ("Chemical", "Gene_or_protein")),
    ]
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    write_group(doc, ENTITIES, list(doc.spans[RELATIONS]))
    assert len(nlp.get_pipe("pair_relation").candidates(doc)) == 2


def test_a_document_whose_pairs_take_long_to_read_is_named(make_nlp, monkeypatch):
    monkeypatch.setattr("spacy_medmtl.pair_relation.pipe.MANY", 10)
    for view, is_slow in (("marked_pair", True), ("document", False)):
        nlp, _, _ = started(make_nlp, view)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            list(nlp.pipe(["k has q .", "k q x z ."]))
        said_of = [str(one.message) for one in caught if "W216" in str(one.message)]
        assert len(said_of) == is_slow
        assert not is_slow or re.search("pair_relation: 42 pairs of entities in document 1.*'max_entities'", said_of[0])
