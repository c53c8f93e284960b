"""Sentence pairs with a similarity. All texts are invented."""

import pytest

from spacy_medmtl.annotations.groups import RELATIONS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

ROWS = 'The "foot" hurts. Rest.\t Feet hurt. \t3.5\r\n\nNo cough.\tRest now.\t0\nNo cough.\tNo cough.\t5\n'


def test_sts(run, write):
    docs, audit = run("n2c2_2019_sts", write("a.txt", ROWS), on_error="stop")
    assert [texts_of(doc) for doc in docs] == [
        ('The "foot" hurts. Rest.', "Feet hurt."),
        ("No cough.", "Rest now."),
        ("No cough.", "No cough."),
    ]
    judged = [(pair.labels, pair.score) for doc in docs for pair in read_pairs(doc)]
    assert judged == [(("similarity",), 3.5), (("similarity",), 0.0), (("similarity",), 5.0)]
    assert [sentence.text for sentence in docs[0].sents] == ['The "foot" hurts.', "Rest. \u241e", "Feet hurt."]
    keys = [split_key(doc) for doc in docs]
    assert keys[0] != keys[1] == keys[2]
    assert docs[0].spans[RELATIONS].attrs["annotated_labels"] == ["similarity"]
    assert not audit.changes


def test_sentence_in_either_column_stays_on_one_side_of_a_split(run, write):
    rows = "a.\tB.\t1\nC.\tA.\t2\nc.\tD.\t3\nE.\tF.\t4\n"
    docs, _ = run("n2c2_2019_sts", write("a.txt", rows), on_error="stop")
    keys = [split_key(doc) for doc in docs]
    assert keys[0] == keys[1] == keys[2] != keys[3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("secret\tsecret", "2 columns"),
        ("secret\tsecret\t3\t4", "4 columns"),
        ("secret\tsecret\t5.5", "no number from 0 to 5"),
        ("secret\tsecret\t-1", "no number from 0 to 5"),
        ("secret\tsecret\tnan", "no number from 0 to 5"),
        ("secret\tsecret\t", "no number from 0 to 5"),
        ("secret\t\t3", "one of the two texts is empty"),
        ("secret\tsecret \u241e\t3", "U\\+241E"),
    ],
)
def test_malformed_row(run, write, row, reason):
    path = write("a.txt", f"{row}\n{ROWS}")
    with pytest.raises(MedmtlError, match=f"E401.*a.txt, line 1: .*{reason}") as error:
        run("n2c2_2019_sts", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "")
    docs, audit = run("n2c2_2019_sts", path)
    assert len(docs) == 3
    assert [(change.line, change.outcome) for change in audit.changes] == [(1, "dropped")]
