"""Premises and hypotheses. All texts are invented."""

import json

import pytest

from spacy_medmtl.annotations.groups import RELATIONS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError


def row(first="Red ears, no é cough.", second="Ears are red.", label="entailment", **others):
    content = {"sentence1": first, "sentence2": second, "gold_label": label, "pairID": "7", "sentence1_parse": "(x)"}
    return json.dumps({**content, **others}) + "\n"


ROWS = (
    row() + row(second=" A cough. ", label="contradiction").replace("\n", "\r\n") + "\n" + row("Ache.", label="neutral")
)


def test_mednli(run, write):
    docs, audit = run("mednli", write("a.jsonl", ROWS), on_error="stop")
    assert [texts_of(doc) for doc in docs] == [
        ("Red ears, no é cough.", "Ears are red."),
        ("Red ears, no é cough.", "A cough."),
        ("Ache.", "Ears are red."),
    ]
    judged = [(pair.labels, pair.score) for doc in docs for pair in read_pairs(doc)]
    assert judged == [((label,), 1.0) for label in ("entailment", "contradiction", "neutral")]
    assert len({split_key(doc) for doc in docs}) == 1  # linked by a premise, or by a hypothesis
    assert docs[0].spans[RELATIONS].attrs["annotated_labels"] == ["contradiction", "entailment", "neutral"]
    assert not audit.changes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("secret\n", "expected a JSON object"),
        ("[" * 100_000 + "\n", "expected a JSON object"),
        (row(first=7), "expected a JSON object"),
        (row(label=None), "expected a JSON object"),
        ('{"sentence1": "secret"}\n', "expected a JSON object"),
        (row(label="-"), "unknown gold_label"),
        (row(label="secret"), "unknown gold_label"),
        (row(second=" "), "one of the two texts is empty"),
        (row(second="secret \ud800"), "half a surrogate pair"),
        (row(second="secret \u241e"), "U\\+241E"),
    ],
)
def test_malformed_line(run, write, line, reason):
    path = write("a.jsonl", line + ROWS)
    with pytest.raises(MedmtlError, match=f"E401.*a.jsonl, line 1: .*{reason}") as error:
        run("mednli", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "")
    docs, audit = run("mednli", path)
    assert len(docs) == 3
    assert [(change.line, change.outcome) for change in audit.changes] == [(1, "dropped")]
