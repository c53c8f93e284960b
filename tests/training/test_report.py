"""Reports of scores: what scorers of other tasks give is shown too."""

from spacy_medmtl.training.report import other_numbers, write_report


def metrics(scores):
    return {
        "pipeline": {"name": "en_x", "version": "0.0.0", "components": ["grade"], "tasks": ["grade"]},
        "training": {"max_steps": 1, "seed": 0, "sharing": "SharedRule", "routes": ["grade"]},
        "machine": "this one",
        "versions": {},
        "corpora": {"a": {"scores": scores, "floors": {}, "n_docs": 1, "n_words": 2, "seconds": 1.0}},
    }


def test_other_numbers_are_shown_by_their_own_name():
    scores = {"grade_f": 0.5, "grade_mae": 1.25, "grade_f_per_type": {}, "grades_mae": 7.0}
    assert other_numbers("grade", scores) == {"mae": 1.25}
    assert "| micro-F1 | mae |\n| ---: | ---: |\n| 50.0 | 1.2500 |" in write_report(metrics(scores))


def test_a_task_with_nothing_else():
    assert "| mae |\n| ---: |\n| 1.2500 |" in write_report(metrics({"grade_mae": 1.25}))


def test_labels_come_with_interval_and_gold_items():
    scores = {"grade_f": 0.5, "grade_f_per_type": {name: {"p": 0.5, "r": 0.5, "f": 0.5} for name in "AB"}}
    told = metrics(scores)
    strict = {"A": {"f_low": 0.25, "f_high": 0.75, "support": 12}, "B": {"f_low": None, "f_high": None, "support": 1}}
    told["corpora"]["a"]["details"] = {"tasks": {"grade": {"strict": strict}}}
    text = write_report(told)
    assert "| label | precision | recall | F1 | 95 % interval | gold |" in text
    assert "| A | 50.0 | 50.0 | 50.0 | 25.0 to 75.0 | 12 |" in text
    assert "| B | 50.0 | 50.0 | 50.0 | - | 1 |" in text
