"""What all corpora that are not here have in common: a full catalogue entry, a page, and hostile files that end."""

import json
from pathlib import Path

import pytest
import spacy
from restricted_files import RESTRICTED, tagged
from spacy.tokens import DocBin

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES, FINDINGS, RELATIONS
from spacy_medmtl.corpora.judged import CROWDED
from spacy_medmtl.corpora.reader import readers
from spacy_medmtl.corpora.run import Job, audit_path, convert_corpus

CONVERTERS = {name: one for name, one in readers().items() if not one.is_verified and one.folder}
PAGE = Path(__file__).parents[2] / "docs" / "restricted_corpora.md"
GROUPS = {"sru_nested_ner": ENTITIES, "cpncf_assertion": FINDINGS, "pair_relation": RELATIONS}


@pytest.mark.parametrize("name", sorted(CONVERTERS))
def test_from_files_to_files(name, write, tmp_path):
    paths = [write(file, content) for file, content in RESTRICTED[name].items()]
    convert_corpus(Job(name, paths[:1], tmp_path / "x.spacy"))
    docs = list(DocBin().from_disk(tmp_path / "x.spacy").get_docs(spacy.blank("en").vocab))
    assert docs
    for doc in docs:
        assert set(doc.spans) == {GROUPS[task] for task in CONVERTERS[name].tasks}
        assert all(group.attrs[ANNOTATED_LABELS] for group in doc.spans.values())
    report = json.loads(audit_path(tmp_path / "x.spacy").read_text())
    assert all(change["outcome"] == "reshaped" for change in report["changes"])  # discontinuous mentions


@pytest.mark.parametrize("name", sorted(CONVERTERS))
def test_entry_and_page_tell_where_to_get_it(name):
    converter = CONVERTERS[name]
    assert converter.url.startswith("https://")
    assert converter.licence
    assert converter.folder == name
    page = PAGE.read_text()
    assert f"### `{name}`" in page
    assert converter.url in page


def test_page_says_what_was_not_done():
    assert "not run on the real data" in " ".join(PAGE.read_text().split())


HOSTILE = {
    "deep": ("i2b2_2014", {"a.xml": "<a>" * 300_000}),
    "sections": ("i2b2_2014", {"a.xml": "<a><TEXT>" + "<![CDATA[" * 100_000}),
    "ampersands": ("i2b2_2014", {"a.xml": tagged("x", "<NAME text='" + "&" * 500_000)}),
    "quotes": (
        "i2b2_2010",
        {"a.txt": "A b\n", "a.con": "", "a.ast": "", "a.rel": '" 1:1 1:1||r="x"||c="'.join(['c="'] * 100_000)},
    ),
    "pieces": (
        "n2c2_2018",
        {"a.txt": "x " * 5_000, "a.ann": "T1\tDrug " + ";".join(["0 9999"] * 99_999) + "\tx\n"},
    ),
}


@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_hostile_files_end_in_a_loss(case, run, write):
    name, files = HOSTILE[case]
    paths = [write(file, content) for file, content in files.items()]
    _, audit = run(name, paths[0])
    assert [change.outcome for change in audit.changes] == ["dropped"]


def test_sentence_with_too_many_entities_has_its_related_pairs_only(run, write):
    write("a.ann", "".join(f"T{n}\t{label} {2 * n} {2 * n + 1}\tx\n" for n, label in enumerate(["Drug", "ADE"] * 150)))
    path = write("a.txt", "x " * 300)
    with (path.parent / "a.ann").open("a") as stream:
        stream.write("R1\tADE-Drug Arg1:T7 Arg2:T4\n")
    (doc,), audit = run("n2c2_2018", path, on_error="stop")
    assert list(doc.spans[RELATIONS].attrs["labels"]) == [["ADE-Drug"]]
    assert audit.notes[CROWDED] == 1
