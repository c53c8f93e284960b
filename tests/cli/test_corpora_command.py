"""``medmtl corpora``: every converter is listed, and what is in place is told."""

import json

from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.corpora.reader import readers

HEADS = {"sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"}


def listed(*arguments):
    result = CliRunner().invoke(app, ["corpora", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return {row["converter"]: row for row in json.loads(result.output)}


def test_every_converter_is_in_the_table():
    result = CliRunner().invoke(app, ["corpora"])
    assert result.exit_code == 0
    assert all(name in result.output for name in readers())


def test_one_is_told_under_the_titles_of_the_table():
    told = CliRunner().invoke(app, ["corpora", "--about", "genia"]).output
    for title in ("tasks", "lang", "licence", "real files", "where to get it"):
        assert title in told


def test_json_says_what_each_is_for():
    rows = listed()
    assert set(rows) == set(readers())
    assert all(set(row["tasks"]) <= HEADS for row in rows.values())
    assert {row["in_place"] for row in rows.values()} == {None}
    assert rows["genia"]["parts"] == ["train.jsonl", "dev.jsonl"]


def test_in_place_are_those_whose_train_parts_are_there(tmp_path):
    (tmp_path / "genia").mkdir()
    (tmp_path / "genia" / "train.jsonl").write_text("{}")
    (tmp_path / "rqe").mkdir()
    rows = listed(tmp_path)
    assert rows["genia"]["in_place"] is True
    assert rows["rqe"]["in_place"] is False
    assert rows["sample"]["in_place"] is None
