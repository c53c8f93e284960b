"""Readers that another package brings by an entry point."""

from importlib.metadata import EntryPoint

import pytest
import srsly
from typer.testing import CliRunner

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.cli import app
from spacy_medmtl.corpora import reader
from spacy_medmtl.corpora.audit import Place
from spacy_medmtl.corpora.reader import Reader
from spacy_medmtl.corpora.record import Entity, Record
from spacy_medmtl.corpora.scheme import Scheme
from spacy_medmtl.errors import MedmtlError, MedmtlWarning


def read(path, audit, *, mark="*"):
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), 1):
        place = Place(path, number)
        if mark in line:
            yield Record(line, place, entities=[Entity("Marked", ((line.index(mark), line.index(mark) + 1),), place)])
        else:
            audit.dropped(place, "line", "", "a line without a mark")


def read_carelessly(path, audit):
    yield Record("A *.", Place(path, 1))
    yield Record("A secret", Place(path, 2), no_such_field=1)


MINE = Reader(read, Scheme(is_open=True), help="lines with a mark")
CARELESS = Reader(read_carelessly, Scheme(is_open=True))


@pytest.fixture
def others(monkeypatch):
    points = [
        *reader.entry_points(group=reader.GROUP),
        EntryPoint("marks", f"{__name__}:MINE", reader.GROUP),
        EntryPoint("careless", f"{__name__}:CARELESS", reader.GROUP),
        EntryPoint("broken", "no_such_package.readers:READER", reader.GROUP),
        EntryPoint("function", f"{__name__}:read", reader.GROUP),
        EntryPoint("brat", f"{__name__}:MINE", reader.GROUP),
    ]
    monkeypatch.setattr(reader, "entry_points", lambda group: points)
    reader.readers.cache_clear()
    yield
    monkeypatch.undo()
    reader.readers.cache_clear()


@pytest.mark.filterwarnings("ignore:.*W416")
def test_it_is_a_converter_like_any_other(others, run, write):
    assert {"marks", "brat"} <= set(reader.readers())
    (doc,), audit = run("marks", write("a.txt", "No * mark.\nNone.\n"))
    assert [span.text for span in doc.spans[ENTITIES]] == ["*"]
    assert [change.line for change in audit.changes] == [2]
    with pytest.raises(MedmtlError, match="E403"):
        reader.get_reader("broken")


def test_what_is_no_reader_or_has_the_name_of_ours_is_left_out(others):
    with pytest.warns(MedmtlWarning) as warned:
        found = reader.readers()
    told = {str(one.message).split("'")[1]: str(one.message) for one in warned}
    assert set(told) == {"broken", "function", "brat"}
    assert all("[MEDMTL-W416]" in message for message in told.values())
    assert "of the type function" in told["function"]
    assert "function" not in found
    assert found["brat"].help.startswith("brat: ")


@pytest.mark.filterwarnings("ignore:.*W416")
def test_the_list_claims_nothing_that_it_did_not_say(others):
    """Whether it was ever run on real files, its tasks, its help."""
    rows = srsly.json_loads(CliRunner().invoke(app, ["corpora", "--json"]).output)
    verified = {row["converter"]: row["is_verified"] for row in rows}
    assert (verified["careless"], verified["brat"], verified["medcat"]) == (None, True, False)
    told = CliRunner().invoke(app, ["corpora", "--about", "careless"]).output
    assert "real files" not in told
    assert "careless" in told


@pytest.mark.filterwarnings("ignore:.*W416")
def test_what_its_code_raises_is_told_as_its_own(others, run, write):
    with pytest.raises(MedmtlError, match=r"E417.*'test_readers_of_others'.*after 1 record.*TypeError") as told:
        run("careless", write("a.txt", "A secret"))
    assert "secret" not in str(told.value)
