"""The console logger: its columns, means, scores, and the progress bar."""

import io

import pytest
import srsly
from toy import CASES, make_examples

from spacy_medmtl.training.logger import console_logger


@pytest.fixture
def nlp(make_nlp):
    nlp = make_nlp("sentence_intent", "sru_nested_ner")
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    nlp.config["training"]["max_steps"] = 40
    weights = {"sentence_intent_f": 0.5, "sru_nested_ner_f": 0.5, "sru_nested_ner_p": None, "sents_f": 0.0}
    nlp.config["training"]["score_weights"] = weights
    return nlp


def info(step, losses, scores, score):
    return {"epoch": 2, "step": step, "losses": losses, "other_scores": scores, "score": score}


def logged(nlp, *infos, progress_bar=False):
    stdout, stderr = io.StringIO(), io.StringIO()
    log_step, finish = console_logger(progress_bar=progress_bar)(nlp, stdout, stderr)
    for one in infos:
        log_step(one)
    finish()
    return [line.split() for line in stdout.getvalue().splitlines()], stderr.getvalue()


def test_columns_are_one_loss_per_head_and_the_scores_that_count(nlp):
    """The encoder has no loss of its own, and scores without weight are left out."""
    (header, rule), _ = logged(nlp)
    expected = "E # LOSS sentence_intent LOSS sru_nested_ner sentence_intent_f sru_nested_ner_f SCORE"
    assert " ".join(header) == expected
    assert len(rule) == 7
    assert all(set(cell) == {"-"} for cell in rule)


def test_losses_are_means_per_step_since_the_last_line(nlp):
    """spaCy sums them up from one evaluation to the next; a head without batches has lost nothing."""
    lines, _ = logged(
        nlp,
        info(0, {"sentence_intent": 1.5}, {"sentence_intent_f": 0.25}, 0.125),
        None,
        None,
        None,
        info(4, {"sentence_intent": 2.0, "sru_nested_ner": 1.0}, {"sru_nested_ner_f": 1.0}, 0.5),
    )
    assert lines[2] == ["2", "0", "1.5000", "0.0000", "25.00", "-", "12.50"]
    assert lines[3:] == [["2", "4", "0.5000", "0.2500", "-", "100.00", "50.00"]]


def test_steps_between_evaluations_write_no_line(nlp):
    lines, stderr = logged(nlp, None, None, None)
    assert len(lines) == 2
    assert stderr == ""


def test_lines_are_aligned(nlp):
    stdout = io.StringIO()
    log_step, finish = console_logger(progress_bar=False)(nlp, stdout, io.StringIO())
    log_step(info(100000, {"sentence_intent": 12345.0}, {"sentence_intent_f": 1.0}, 1.0))
    finish()
    lines = stdout.getvalue().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].index("0.1235") + 6 == lines[0].index("LOSS sentence_intent") + len("LOSS sentence_intent")


def test_the_progress_bar_counts_steps_up_to_max_steps(nlp):
    """On stderr, so that the table can be redirected."""
    (*_, line), stderr = logged(nlp, *[None] * 3, info(3, {}, {}, None), progress_bar=True)
    assert line[-1] == "-"
    assert "/40" in stderr
    assert "LOSS" not in stderr


def test_a_file_gets_what_the_console_shows(nlp, tmp_path):
    """As spaCy's own logger writes it, so that what reads that reads this."""
    (tmp_path / "log.jsonl").write_text("of an earlier training")
    log_step, finish = console_logger(progress_bar=False, output_file=str(tmp_path / "log.jsonl"))(nlp, io.StringIO())
    for one in (info(0, {"sentence_intent": 1.5}, {"sentence_intent_f": 0.25}, 0.125), None, info(4, {}, {}, 0.5)):
        log_step(one)
    finish()
    lines = list(srsly.read_jsonl(tmp_path / "log.jsonl"))
    assert [(line["step"], line["score"]) for line in lines] == [(0, 0.125), (4, 0.5)]
    assert lines[0]["losses"] == {"sentence_intent": 1.5, "sru_nested_ner": 0.0}
    assert lines[0]["scores"] == {"sentence_intent_f": 0.25, "sru_nested_ner_f": None}
