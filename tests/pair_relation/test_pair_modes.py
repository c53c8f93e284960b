"""``pair_relation``: its three modes, candidates, the helper for many pairs, and what its scorer counts."""

import math

import pytest
from spacy.training import Example
from toy import CASE, TEXTS, make_example, make_examples, with_sentences

from spacy_medmtl import pair_doc
from spacy_medmtl.annotations.groups import RELATIONS
from spacy_medmtl.annotations.relations import JudgedPair, read_pairs, read_relations, write_relations
from spacy_medmtl.errors import MedmtlError, MedmtlWarning
from spacy_medmtl.pair_relation.candidates import adjacent_pairs, segment_pairs
from spacy_medmtl.pair_relation.pipe import judge_pairs

PAIR_CASE = CASE["pair_relation"]


def started(make_nlp, annotate=PAIR_CASE.annotate, texts=TEXTS, **config):
    nlp = make_nlp(("pair_relation", "pair_relation", config))
    examples = make_examples(nlp, annotate, texts=texts)
    return nlp, examples, nlp.initialize(lambda: examples)


def trained(make_nlp, *args, n_updates=100, **config):
    nlp, examples, optimizer = started(make_nlp, *args, **config)
    for _ in range(n_updates):
        nlp.update(examples, sgd=optimizer)
    return nlp, examples


def test_exclusive_with_none_of_them(make_nlp):
    """One column more than labels; a pair for which it wins is not written, at whatever probability."""
    nlp, examples = trained(make_nlp, mode="exclusive")
    pipe = nlp.get_pipe("pair_relation")
    assert pipe.labels == ("AGREE", "CONTRAST")
    assert pipe.model.get_dim("nO") == 3
    assert nlp.evaluate(examples)["pair_relation_acc"] == 1.0
    doc = nlp(TEXTS[0])
    ((_, probabilities),) = pipe.predict([doc])
    assert probabilities.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert probabilities.argmax(axis=1).tolist() == [2, 1]
    assert [(r.head.text, r.tail.text, r.label) for r in doc._.relations] == [
        ("the left knee has pain .", "no fever .", "CONTRAST")
    ]
    assert doc._.relations[0].score == pytest.approx(float(probabilities[1, 1]))


def annotate_always(doc):
    """Each adjacent pair has exactly one label."""
    PAIR_CASE.annotate(doc)
    write_relations(doc, [JudgedPair(p.head, p.tail, p.labels or ("SOCIAL",), 1.0) for p in read_pairs(doc)])


def test_exclusive_without_none_of_them(make_nlp):
    """Where every gold pair has a label, every pair gets one."""
    nlp, examples = trained(make_nlp, annotate_always, mode="exclusive", n_updates=60)
    assert nlp.evaluate(examples)["pair_relation_f"] == 1.0
    for text in TEXTS:
        doc = nlp(text)
        assert len(doc._.relations) == len(list(doc.sents)) - 1


def test_multilabel_holds_any_number_of_labels(make_nlp):
    """Each with its own probability, and the threshold decides."""

    def annotate_both(doc):
        PAIR_CASE.annotate(doc)
        pairs = [JudgedPair(p.head, p.tail, (*p.labels, "NEXT"), 1.0) for p in read_pairs(doc)]
        write_relations(doc, pairs)

    nlp, examples = trained(make_nlp, annotate_both)
    assert nlp.evaluate(examples)["pair_relation_f"] == 1.0
    doc = nlp(TEXTS[0])
    assert [r.label for r in doc._.relations] == ["NEXT", "CONTRAST", "NEXT"]
    assert all(0.5 < r.score <= 1.0 for r in doc._.relations)
    nlp.get_pipe("pair_relation").threshold = 0.0
    assert [r.label for r in nlp(TEXTS[0])._.relations] == ["AGREE", "CONTRAST", "NEXT"] * 2
    nlp.get_pipe("pair_relation").threshold = 1.1
    assert nlp(TEXTS[0])._.relations == []


VALUES = [0.25, 1.5, -0.5, 3.0]
PAIRS = [("no fever", "a cough"), ("chest pain", "left knee pain"), ("hello", "thanks"), ("the pain", "the fever")]


def value_examples(nlp):
    examples = []
    for (first, second), value in zip(PAIRS, VALUES):
        reference = pair_doc(nlp, first, second)
        ((head, tail),) = segment_pairs()(reference)
        write_relations(reference, [JudgedPair(head, tail, ("similarity",), value)])
        examples.append(Example(nlp.make_doc(reference.text), reference))
    return examples


def test_regression_learns_values(make_nlp):
    """Values are not probabilities: they may be negative or above one."""
    candidates = {"@misc": "spacy-medmtl.segment_pairs.v1"}
    nlp = make_nlp(("pair_relation", "pair_relation", {"mode": "regression", "candidates": candidates}))
    examples = value_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    assert nlp.get_pipe("pair_relation").model.get_dim("nO") == 1
    for _ in range(150):
        nlp.update(examples, sgd=optimizer)
    found = [next(iter(judged)) for judged in judge_pairs(nlp, PAIRS)]
    assert [label for label, _ in found] == ["similarity"] * 4
    assert [value for _, value in found] == pytest.approx(VALUES, abs=0.6)
    scores = nlp.evaluate(examples)
    assert scores["pair_relation_pearson"] > 0.98
    assert scores["pair_relation_spearman"] == 1.0
    assert scores["pair_relation_mse"] < 0.2


def predicted_values(nlp, gold, predicted):
    """An example with a pair per value, in a Doc of one word per pair and one more."""
    docs = []
    for values in (predicted, gold):
        doc = nlp.make_doc(" ".join("a" * (len(values) + 1)))
        pairs = [((i, i + 1), (i + 1, i + 2)) for i in range(len(values))]
        found = [JudgedPair(h, t, ("s",), v) for (h, t), v in zip(pairs, values) if v is not None]
        write_relations(doc, found)
        docs.append(doc)
    return Example(*docs)


def test_correlations_by_hand(make_nlp):
    """gold 1 2 3 4 5 against 2 1 4 3 5: Pearson and Spearman are 1 - 6 * 4 / (5 * 24) = 0.8.
    gold 1 2 3 against 1 1 4 (a tie): Spearman = 1.5 / sqrt(2 * 1.5), Pearson = 3 / sqrt(2 * 6).
    Ranks of 1 2 2 3 are 0 1.5 1.5 3."""
    nlp, *_ = started(make_nlp, lambda doc: write_relations(doc, [JudgedPair((0, 1), (1, 2), ("s",), 1.0)]))
    score = nlp.get_pipe("pair_relation").score

    def scores_of(gold, predicted):
        scores = score([predicted_values(nlp, gold, predicted)], mode="regression")
        return [scores[f"pair_relation_{part}"] for part in ("pearson", "spearman", "mse")]

    assert scores_of([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]) == pytest.approx([0.8, 0.8, 0.8])
    assert scores_of([1, 2, 3], [1, 1, 4]) == pytest.approx([3 / math.sqrt(12), 1.5 / math.sqrt(3), 2 / 3])
    assert scores_of([1, 2, 3, 4], [1, 2, 2, 3])[1] == pytest.approx(4.5 / math.sqrt(5 * 4.5))
    assert scores_of([1, 2, 3, 9], [1, 4, 9, 100])[1] == pytest.approx(1.0)
    assert scores_of([1, 2], [2, 1])[:2] == pytest.approx([-1.0, -1.0])
    assert scores_of([1, 2, 3], [5, 5, 5]) == [None, None, pytest.approx((16 + 9 + 4) / 3)]
    assert scores_of([1, 2, 3], [None, 2, None]) == [None, None, 0.0]
    assert scores_of([], []) == [None, None, None]


def test_regression_has_one_label(make_nlp):
    with pytest.raises(MedmtlError, match=r"MEDMTL-E206.*\['AGREE', 'CONTRAST'\]"):
        started(make_nlp, mode="regression")


def test_an_infinite_regression_loss_is_a_coded_error(make_nlp):
    nlp, examples, optimizer = started(make_nlp, annotate_one_label, mode="regression")
    nlp.get_pipe("pair_relation").model.shims[0].module.linear.bias.data.fill_(math.inf)
    with pytest.raises(MedmtlError, match="MEDMTL-E016.*'pair_relation'.*training"):
        nlp.update(examples, sgd=optimizer)


def annotate_one_label(doc):
    PAIR_CASE.annotate(doc)
    write_relations(doc, [JudgedPair(p.head, p.tail, ("s",), 0.5) for p in read_pairs(doc)])


def test_unknown_mode_is_an_error(make_nlp):
    with pytest.raises(MedmtlError, match="MEDMTL-E203.*'mode' of 'pair_relation' is 'ranking'.*multilabel, exclusive"):
        make_nlp(("pair_relation", "pair_relation", {"mode": "ranking"}))


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_judge_pairs_gives_one_answer_per_pair_in_order(make_nlp, batch_size):
    """What the whole pipeline says of the same Docs, without running the rest of it; a lazy iterator."""
    nlp, *_ = started(make_nlp, threshold=0.0)
    texts = [*PAIRS, ("", "fever"), ("fever", ""), *PAIRS[::-1]]
    docs = [nlp(pair_doc(nlp, first, second)) for first, second in texts]
    expected = [[(r.label, r.score) for r in read_relations(doc)] for doc in docs]
    nlp.pipe = None  # whoever runs the whole pipeline finds out
    found = judge_pairs(nlp, iter(texts), batch_size=batch_size)
    for (first, second), one, other in zip(texts, found, expected, strict=True):
        assert [label for label, _ in one] == [label for label, _ in other]
        assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=1e-5)
        assert bool(one) == bool(first and second)


def test_candidates():
    import spacy

    nlp = spacy.blank("en")
    doc = with_sentences(nlp, "no fever . \n a cough . thanks .")
    pair = pair_doc(nlp, "no fever. a cough.", "thanks")
    for token in pair:
        token.is_sent_start = token.i in (0, 3, 7)
    assert segment_pairs()(doc) == []
    assert adjacent_pairs()(doc) == [((0, 3), (4, 7)), ((4, 7), (7, 9))]
    assert segment_pairs()(pair) == adjacent_pairs()(pair) == [((0, 6), (7, 8))]
    assert adjacent_pairs()(nlp.make_doc("no boundaries . at all .")) == adjacent_pairs()(nlp.make_doc("")) == []


def test_a_gold_pair_that_was_never_a_candidate_is_missed(make_nlp):
    """Recall can fall: three gold relations, of which the first and the last sentence are no adjacent pair."""
    nlp, examples = trained(make_nlp)

    def annotate_more(doc):
        PAIR_CASE.annotate(doc)
        far = JudgedPair((0, 3), (9, 12), ("AGREE",), 1.0)
        write_relations(doc, [*read_pairs(doc), far])

    scores = nlp.evaluate([make_example(nlp, TEXTS[0], annotate_more)])
    assert (scores["pair_relation_p"], scores["pair_relation_r"]) == (1.0, 0.5)
    assert scores["pair_relation_acc"] == pytest.approx(2 / 3)
    assert nlp.evaluate(examples)["pair_relation_r"] == 1.0


def test_boundaries_of_white_space_do_not_matter_to_the_score(make_nlp):
    nlp, *_ = started(make_nlp)
    docs = [nlp.make_doc("no fever \n a cough \n") for _ in range(2)]
    write_relations(docs[0], [JudgedPair((0, 2), (3, 5), ("AGREE",), 0.9)])
    write_relations(docs[1], [JudgedPair((0, 3), (3, 6), ("AGREE",), 1.0)])
    scores = nlp.get_pipe("pair_relation").score([Example(*docs)])
    assert (scores["pair_relation_f"], scores["pair_relation_acc"]) == (1.0, 1.0)


def test_a_pair_longer_than_the_window_warns(make_nlp):
    nlp, *_ = started(make_nlp)
    with pytest.warns(MedmtlWarning, match="MEDMTL-W002.*1 sentence pair.*64 wordpieces.*document 1"):
        judged = list(judge_pairs(nlp, [("no", "fever"), ("no fever " * 50, "cough")]))
    assert len(judged) == 2


def test_the_group_is_written_even_where_nothing_holds(make_nlp):
    """Empty, not absent."""
    nlp, *_ = started(make_nlp, threshold=1.1)
    doc = nlp(TEXTS[0])
    assert RELATIONS in doc.spans
    assert read_pairs(doc) == doc._.relations == []
