"""Counts, intervals, confusion, reliability and the page of ``medmtl evaluate``."""

import re
from functools import cache

import numpy
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from readable import assert_readable
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from toy import CASES, make_examples
from typer.testing import CliRunner
from work import lines_run

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, GIVEN_SPANS_ONLY, write_group
from spacy_medmtl.annotations.items import inner_items
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.cli import app
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.evaluation.comparing import N_SHUFFLES, paired
from spacy_medmtl.evaluation.curves import read_curves
from spacy_medmtl.evaluation.details import corpus_details
from spacy_medmtl.evaluation.intervals import ALL, scores_with_intervals
from spacy_medmtl.evaluation.matching import INNER, MISSED, OUTER, SPURIOUS, match
from spacy_medmtl.evaluation.page import evaluation_page
from spacy_medmtl.evaluation.reliability import reliability_bins, risk_coverage
from spacy_medmtl.heads.outputs import LabelledLogits
from spacy_medmtl.training.calibration import BINS, expected_calibration_error

TEXT = "sore left knee pain and fever today"


@cache
def head(factory):
    nlp = spacy.blank("en")
    nlp.add_pipe("medmtl_progressive_tok2vec", config={"model": {"routes": [factory]}})
    return nlp.add_pipe(factory)


def example_of(gold, predicted, key=ENTITIES, **values):
    """Spans as (start, end, label)."""
    docs = [spacy.blank("en").make_doc(TEXT) for _ in range(2)]
    for doc, spans, statuses in zip(docs, (predicted, gold), values.pop("statuses", (None, None))):
        more = {} if statuses is None else {"assertion": statuses}
        write_group(doc, key, [Span(doc, start, end, label=label) for start, end, label in spans], **more)
    return Example(*docs)


def test_spans_are_matched_strictly_and_by_overlap():
    example = example_of([(0, 4, "A"), (1, 3, "B"), (5, 6, "A")], [(1, 4, "A"), (1, 3, "A"), (5, 6, "A"), (6, 7, "B")])
    matched = match(example, head("sru_nested_ner"))
    assert matched.strict == {"A": (1, 2, 1), "B": (0, 1, 1)}
    assert matched.overlap == {"A": (2, 1, 0), "B": (0, 1, 1)}
    assert matched.confusion == {
        ("A", "A"): 1,
        ("A", MISSED): 1,
        ("B", "A"): 1,
        (SPURIOUS, "A"): 1,
        (SPURIOUS, "B"): 1,
    }


def test_entities_inside_others_are_counted_apart():
    example = example_of([(0, 4, "A"), (1, 3, "B"), (5, 6, "A")], [(0, 4, "A"), (1, 3, "B"), (1, 2, "A"), (6, 7, "B")])
    matched = match(example, head("sru_nested_ner"))
    assert matched.nesting == {INNER: (1, 1, 0), OUTER: (1, 1, 1)}
    assert match(example_of([], [(0, 1, "A")]), head("sru_nested_ner")).nesting == {OUTER: (0, 1, 0)}


@given(spans=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3), st.sampled_from("AB")), max_size=8))
def test_spans_that_share_characters_are_matched_in_the_order_of_the_text(spans):
    """And those inside another: as when each is held against all."""
    placed = {(start, min(7, start + n), label) for start, n, label in spans}
    gold, predicted = sorted(placed)[::2], sorted(placed)[1::2]
    matched = match(example_of(gold, predicted), head("sru_nested_ner"))
    left, n_right = [span for span in gold if span[2] == "A"], 0
    for start, end, _ in [span for span in predicted if span[2] == "A"]:
        fitting = next((span for span in left if span[0] < end and start < span[1]), None)
        if fitting is not None:
            left.remove(fitting)
            n_right += 1
    assert matched.overlap.get("A", (0, 0, 0))[0] == n_right
    items = {(label, (start, end)) for start, end, label in placed}
    assert inner_items(items) == {
        inner
        for inner in items
        for outer in items - {inner}
        if outer[1][0] <= inner[1][0] <= inner[1][1] <= outer[1][1]
    }


@pytest.mark.parametrize("name", ["sru_nested_ner", "pair_relation"])
def test_a_long_document_is_scored_and_matched_in_linear_time(name):
    """Eight times as many items: eight times the work, not sixty-four."""

    def work(n):
        doc = Doc(spacy.blank("en").vocab, words=["pain"] * (n + 1))
        if name == "sru_nested_ner":
            write_group(doc, ENTITIES, [Span(doc, i, i + 1 + i % 2, label="AB"[i % 2]) for i in range(n)])
        else:
            write_relations(doc, [JudgedPair((i, i + 1), (i + 1, i + 2), ("A",), 1.0) for i in range(n)])
        example = Example(doc, doc)
        scores = head(name).score([example])
        assert scores[f"{name}_f"] == 1.0
        return lines_run(lambda: (head(name).score([example]), match(example, head(name))))

    assert work(1_600) / work(200) < 9


def test_findings_are_right_with_their_status_and_what_a_corpus_did_not_judge_counts_nowhere():
    example = example_of(
        [(5, 6, "P")], [(5, 6, "P"), (2, 4, "P")], FINDINGS, statuses=(["negative", "positive"], ["positive"])
    )
    assert match(example, head("cpncf_assertion")).confusion == {
        ("P/positive", "P/negative"): 1,
        (SPURIOUS, "P/positive"): 1,
    }
    example.reference.spans[FINDINGS].attrs[GIVEN_SPANS_ONLY] = True
    assert match(example, head("cpncf_assertion")).strict == {"P/negative": (0, 1, 0), "P/positive": (0, 0, 1)}
    example.reference.spans[FINDINGS].attrs["annotated_labels"] = ["Q"]
    assert match(example, head("cpncf_assertion")).strict == {}
    assert match(example, head("sru_nested_ner")) is None


def test_relations_are_matched_as_pairs():
    example = example_of([], [])
    write_relations(example.reference, [JudgedPair((0, 1), (5, 6), ("X",), 1.0), JudgedPair((1, 2), (3, 4), (), 0.0)])
    write_relations(
        example.predicted, [JudgedPair((5, 6), (0, 1), ("X",), 0.9), JudgedPair((0, 1), (5, 6), ("Y",), 0.8)]
    )
    matched = match(example, head("pair_relation"))
    assert matched.strict == {"X": (0, 1, 1), "Y": (0, 1, 0)}
    assert matched.confusion == {("X", "Y"): 1, (SPURIOUS, "X"): 1}
    assert matched.overlap == {}


def test_intervals_hold_the_score_narrow_with_more_documents_and_are_honest_about_one():
    documents = [{"A": (3, 1, 1)}, {"A": (1, 2, 0), "B": (1, 0, 0)}, {"A": (5, 0, 1)}, {}]
    scores = scores_with_intervals(documents)
    assert scores["A"]["p"] == pytest.approx(9 / 12)
    assert scores["A"]["r"] == pytest.approx(9 / 11)
    assert scores[ALL]["f"] == pytest.approx(20 / 25)
    assert (scores["A"]["support"], scores["A"]["n_docs"]) == (11, 3)
    assert scores["A"]["f_low"] < scores["A"]["f"] < scores["A"]["f_high"]
    assert (scores["B"]["f"], scores["B"]["f_low"]) == (1.0, None)
    wide, narrow = ((one["f_low"], one["f_high"]) for one in (scores["A"], scores_with_intervals(documents * 20)["A"]))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert scores == scores_with_intervals(documents)
    assert scores_with_intervals([])[ALL]["support"] == 0


def test_bins_are_those_of_the_calibration_error():
    random = numpy.random.default_rng(0)
    logits = random.normal(size=(200, 3)) * 3
    gold = numpy.eye(3, dtype=bool)[random.integers(0, 3, 200)]
    for exclusive in (True, False):
        decisions = LabelledLogits(logits, gold, numpy.ones_like(gold), exclusive)
        bins = reliability_bins(decisions, 1.5)
        n = sum(one["n"] for one in bins)
        assert n == (200 if exclusive else 600)
        assert len(bins) <= BINS
        ece = sum(one["n"] * abs(one["said"] - one["held"]) for one in bins) / n
        assert ece == pytest.approx(expected_calibration_error(decisions, 1.5))


def test_equal_pipelines_do_not_differ_and_a_better_one_does():
    random = numpy.random.default_rng(0)
    one = random.integers(1, 9, (30, 3)).astype(float)
    same = paired(one, one)
    assert (same["difference"], same["low"], same["high"], same["p"]) == (0.0, 0.0, 0.0, 1.0)
    more = one + numpy.asarray([3, 0, 0])
    better = paired(more, one)
    assert better["low"] <= better["difference"] <= better["high"]
    assert better["low"] > 0
    assert better["p"] == pytest.approx(1 / (N_SHUFFLES + 1))
    worse = paired(one, more)
    assert worse["difference"] == -better["difference"]
    assert worse["p"] == better["p"]


def test_the_test_by_shuffling_is_the_exact_one_where_all_shuffles_can_be_counted():
    """Of three documents there are eight ways to swap; the share that differs by as much, counted by hand."""
    one, two = (
        numpy.asarray([[5, 0, 0], [4, 1, 1], [0, 2, 2]], float),
        numpy.asarray([[1, 4, 4], [4, 2, 1], [0, 3, 2]], float),
    )

    def gap(swapped):
        sides = [numpy.where(numpy.asarray(swapped)[:, None], b, a).sum(axis=0) for a, b in ((one, two), (two, one))]
        f = [2 * right / (2 * right + spurious + missed) for right, spurious, missed in sides]
        return abs(f[0] - f[1])

    ways = [(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)]
    exact = sum(gap(way) >= gap((False, False, False)) - 1e-12 for way in ways) / len(ways)
    assert paired(one, two)["p"] == pytest.approx(exact, abs=0.02)


def test_risk_and_coverage_by_hand():
    p = numpy.asarray([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    gold = numpy.asarray([[True, False], [False, True], [False, True], [True, False]])  # right, wrong, right, wrong
    found = risk_coverage(LabelledLogits(numpy.log(p), gold, numpy.ones_like(gold), exclusive=True), 1.0)
    assert found["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    whole, half = found["points"][0], found["points"][-1]
    assert (whole["coverage"], whole["risk"], whole["threshold"]) == pytest.approx((1.0, 0.5, 0.6))
    assert (half["coverage"], half["risk"], half["threshold"]) == pytest.approx((0.5, 0.5, 0.8))


def test_risk_of_labels_that_hold_or_not_and_of_ties():
    logits = numpy.log(numpy.asarray([[0.9 / 0.1, 0.2 / 0.8], [0.8 / 0.2, 0.5 / 0.5]]))
    gold = numpy.asarray([[True, False], [False, True]])
    judged = numpy.asarray([[True, True], [True, False]])
    found = risk_coverage(LabelledLogits(logits, gold, judged, exclusive=False), 1.0)
    # 0.9 right; then 0.8 "does not hold", right, and 0.8 "holds", wrong, which only come together
    assert found["aurc"] == pytest.approx((0 + 1 / 3 + 1 / 3) / 3)
    assert found["points"][-1] == pytest.approx({"coverage": 1.0, "risk": 1 / 3, "threshold": 0.8})


@pytest.fixture(scope="module")
def toy(make_nlp, tmp_path_factory):
    """A pipeline of all heads after a few steps, its examples as a corpus, and the folder of both."""
    folder = tmp_path_factory.mktemp("toy")
    nlp = make_nlp(*(case.factory for case in CASES))
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(12):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(folder / "p")
    DocBin(docs=[example.reference for example in examples]).to_disk(folder / "toy.spacy")
    return nlp, folder


@pytest.fixture(scope="module")
def scored(toy):
    """What the command printed, and the folder with s.json and s.html."""
    _, folder = toy
    arguments = ["evaluate", folder / "p", folder / "toy.spacy", "-o", folder / "s.json", "--page", folder / "s.html"]
    result = CliRunner().invoke(app, [*map(str, arguments), "--gold-sents", "--show-errors"])
    assert result.exit_code == 0, result.output
    return result.output, folder


def test_the_command_gives_counts_that_agree_with_the_scorers_and_a_page(scored):
    output, folder = scored
    assert "95 % interval" in output
    toy_scores = srsly.read_json(folder / "s.json")["corpora"]["toy"]
    for case in CASES:
        details = toy_scores["details"]["tasks"][case.factory]
        assert details["strict"][ALL]["f"] == pytest.approx(toy_scores["scores"][f"{case.factory}_f"])
        for label, one in toy_scores["scores"][f"{case.factory}_f_per_type"].items():
            assert details["strict"][label]["f"] == pytest.approx(one["f"])
        n_confused = sum(n for gold, predicted, n in details["confusion"] if gold != predicted)
        assert n_confused == details["n_errors"]
    page = (folder / "s.html").read_text(encoding="utf8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert not re.search(r"<(script|link|img|iframe)|src=|url\(", page)
    assert "knee" in page
    for case in CASES:
        assert f"<h3>{case.factory}</h3>" in page
    assert_readable(page)


def test_two_pipelines_are_compared_by_the_scores_of_one(scored):
    _, folder = scored
    arguments = ["evaluate", folder / "p", folder / "toy.spacy", "-o", folder / "2.json", "--gold-sents"]
    log = folder / "log.jsonl"
    lines = [{"step": s, "score": s / 40, "scores": {"a_f": s / 40}, "losses": {"a": 9 - s / 9}} for s in (0, 20, 40)]
    srsly.write_jsonl(log, lines)
    more = ["--against", folder / "s.json", "--log", log, "--page", folder / "2.html"]
    result = CliRunner().invoke(app, [*map(str, arguments), *map(str, more)])
    assert result.exit_code == 0, result.output
    rows = srsly.read_json(folder / "2.json")["against"]["rows"]
    assert {row["task"] for row in rows} == {case.factory for case in CASES}
    assert all(row["difference"] == 0 and row["p"] == 1 for row in rows)
    page = (folder / "2.html").read_text(encoding="utf8")
    assert "Against en_" in page
    assert "a_f: best 100, last 100" in page
    assert "a loss: best 4.556, last 4.556" in page
    assert "Nested and flat" in page
    assert_readable(page)
    other = srsly.read_json(folder / "s.json")
    other["corpora"]["toy"]["details"]["texts"] = "of other documents"
    srsly.write_json(folder / "other.json", other)
    (folder / "2.json").unlink()
    more = ["--against", folder / "other.json"]
    assert "[MEDMTL-E505]" in CliRunner().invoke(app, [*map(str, arguments), *map(str, more)]).stderr
    assert "toy" in srsly.read_json(folder / "2.json")["corpora"], "the scores are written all the same"


def test_scores_are_compared_with_the_file_as_it_was_before_it_is_written(scored):
    _, folder = scored
    older = srsly.read_json(folder / "s.json")
    older["pipeline"]["name"] = "the_older"
    srsly.write_json(folder / "same.json", older)
    arguments = [folder / "p", folder / "toy.spacy", "-o", folder / "same.json", "--against", folder / "same.json"]
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--gold-sents"])
    assert result.exit_code == 0, result.output
    assert srsly.read_json(folder / "same.json")["against"]["name"] == "the_older"


@pytest.mark.parametrize("text", ["", "no json", '{"step": 1}'])
def test_what_is_no_log(tmp_path, text):
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(MedmtlError, match="E506"):
        read_curves(tmp_path / "x.jsonl")


def test_a_training_that_was_scored_once_has_points(toy, scored, tmp_path):
    log = tmp_path / "log.jsonl"
    srsly.write_jsonl(log, [{"step": 8, "score": 0.5, "scores": {"a_f": 0.25}, "losses": {"a": 3.0}}])
    curves = read_curves(log)
    assert {curve["name"]: curve["values"] for curve in curves} == {"score": [0.5], "a_f": [0.25], "a loss": [3.0]}
    page = evaluation_page({**srsly.read_json(toy[1] / "s.json"), "curves": curves})
    assert "a_f: best 25, last 25" in page


def test_a_card_has_the_heads_the_scores_and_the_metadata_of_the_hub(toy, scored):
    nlp, folder = toy
    nlp.meta.update(license="MIT", sources=[{"name": "toy texts", "url": "", "license": "CC0", "author": "us"}])
    nlp.to_disk(folder / "p")
    arguments = ["card", str(folder / "p"), "-s", str(folder / "s.json"), "-o", str(folder / "README.md")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    text = (folder / "README.md").read_text(encoding="utf8")
    _, front, body = text.split("---\n", 2)
    index = srsly.yaml_loads(front)["model-index"][0]
    assert {one["task"]["type"] for one in index["results"]} == {"text-classification", "token-classification"}
    assert len(index["results"]) == len(CASES)
    scores = srsly.read_json(folder / "s.json")["corpora"]["toy"]["scores"]
    f1 = next(m["value"] for m in index["results"][0]["metrics"] if m["type"] == "f1")
    assert f1 == round(scores["sentence_intent_f"], 4)
    assert "| toy texts | CC0 | us |" in body
    for case in CASES:
        assert f"| toy | `{case.factory}` |" in body
    assert "[MEDMTL-E413]" in CliRunner().invoke(app, arguments).output
    (folder / "bad.json").write_text("[]")
    arguments = ["card", str(folder / "p"), "-s", str(folder / "bad.json"), "-o", str(folder / "R.md")]
    assert "[MEDMTL-E502]" in CliRunner().invoke(app, arguments).output
    assert CliRunner().invoke(app, [*arguments[:2], "-o", str(folder / "R.md")]).exit_code == 0
    assert "Not measured." in (folder / "R.md").read_text(encoding="utf8")


def test_errors_are_listed_only_when_asked_for(toy):
    nlp, _ = toy
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    for example, doc in zip(examples, nlp.pipe([example.text for example in examples])):
        example.predicted = doc
    details = corpus_details(nlp, examples, with_reliability=False, with_errors=False)
    assert "knee" not in str(details)
    assert details["reliability"] == {}


def test_a_page_holds_any_label_and_needs_no_details():
    pipeline = {"name": "<x>", "version": "1", "components": ["a"], "tasks": []}
    result = {"scores": {}, "floors": {}, "n_docs": 1, "n_words": 1, "seconds": 0.0}
    metrics = {"pipeline": pipeline, "machine": "m", "versions": {}, "gold_sents": False, "corpora": {"<c>": result}}
    page = evaluation_page(metrics)
    assert "&lt;c&gt;" in page
    assert "<x>" not in page
