"""``medmtl show``: what stands on a Doc under any key."""

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span

from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations


@Language.component("test_own_keys")
def write_own_keys(doc):
    """What components with a ``spans_key`` of the user's own write, and what spaCy's spancat does."""
    write_group(doc, "genia", [Span(doc, 0, 1, label="protein")], scores=[0.75])
    write_group(doc, "mine", [Span(doc, 0, 1, label="Finding")], assertion=["negative"])
    write_relations(doc, [JudgedPair((0, 1), (1, 2), ("binds",), 0.5)], key="bonds")
    doc.spans["sc"] = [Span(doc, 1, 2, label="part")]
    doc.spans["empty"] = []
    return doc


@pytest.fixture
def own_keys(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("test_own_keys")
    nlp.to_disk(tmp_path / "own")
    return tmp_path / "own"


def test_groups_under_own_keys_are_shown(medmtl, own_keys, tmp_path):
    (tmp_path / "note.txt").write_text("Interleukin receptor", encoding="utf8")
    result = medmtl("show", own_keys, tmp_path / "note.txt")
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()]
    assert ["Interleukin", "protein", "0.75"] in rows
    assert ["Interleukin", "Finding", "negative"] in rows
    assert ["receptor", "binds", "Interleukin", "0.50"] in rows
    assert ["receptor", "part"] in rows
    assert all(key in result.output for key in ("genia", "mine", "bonds", "sc", "empty"))


def test_control_characters_reach_no_terminal(medmtl, own_keys, tmp_path):
    """A note may hold those that a terminal obeys: they clear it, or colour what follows."""
    (tmp_path / "note.txt").write_text("Inter\x1b[2Jleukin\x07 rece\x00ptor\x9b.", encoding="utf8")
    result = medmtl("show", own_keys, tmp_path / "note.txt")
    assert result.exit_code == 0
    assert not any(obeyed in result.output for obeyed in ("\x1b[2J", "\x07", "\x00", "\x9b"))
    assert "Inter\\x1b[2Jleukin\\x07" in result.output
