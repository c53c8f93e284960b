"""What the audit counts, which texts it finds twice, and that its page is whole, safe and free of text."""

import json
from array import array
from html.parser import HTMLParser

import pytest
from readable import assert_readable
from spacy.tokens import Doc, Span

from spacy_medmtl.annotations.groups import ENTITIES, write_group
from spacy_medmtl.corpora.audit_page import audit_page
from spacy_medmtl.corpora.counts import Counts, bin_of, depths
from spacy_medmtl.corpora.leakage import between_parts, fingerprint, repeats, shared
from spacy_medmtl.corpora.lengths import WindowCheck
from spacy_medmtl.corpora.prepare import leakage_path, prepare, write_leakage
from spacy_medmtl.corpora.run import Job, audit_path, convert_corpus
from spacy_medmtl.errors import MedmtlError

IOB = "Aspirin\tB-Chemical\nhelps\tO\n\nAspirin\tB-Chemical\nHELPS\tO\n\nNo\tO\nfever\tB-Disease\n\n"


@pytest.mark.parametrize(("value", "upper"), [(0, 0), (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16)])
def test_bins(value, upper):
    assert bin_of(value) == upper


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], []),
        ([(0, 2), (3, 4)], [1, 1]),
        ([(0, 9), (1, 4), (2, 3), (5, 6)], [1, 2, 3, 2]),
        ([(0, 4), (2, 6), (3, 4)], [1, 1, 3]),  # crossing is no nesting, and (3, 4) lies in both
        ([(0, 2), (0, 2)], [1, 2]),
        ([(0, 2), (2, 3)], [1, 1]),
    ],
)
def test_depths(places, expected):
    assert depths(places) == expected


def test_counts(nlp):
    doc = Doc(nlp.vocab, words="a b c d e".split(), sent_starts=[True, False, True, False, False])
    write_group(doc, ENTITIES, [Span(doc, 2, 5, "X"), Span(doc, 3, 4, "Y")])
    counts = Counts()
    counts.add(doc)
    counts.add(Doc(nlp.vocab, words=["f"]))
    report = counts.as_dict()
    assert report["depths"] == {ENTITIES: {"1": 1, "2": 1}}
    assert report["histograms"] == {
        "tokens_per_sentence": {"1": 1, "2": 1, "4": 1},
        "spans_per_document": {ENTITIES: {"2": 1}},
        "tokens_per_span": {ENTITIES: {"1": 1, "4": 1}},
    }


def test_texts_that_stand_twice(nlp):
    prints = array("Q", map(fingerprint, map(nlp.make_doc, ["No fever.", "Cough", "no  fever", "No fevers", "cough."])))
    assert repeats(prints) == [(0, 2), (1, 4)]
    assert repeats(array("Q")) == []
    assert shared(prints[:2], prints[2:]) == [(0, 0), (1, 2)]
    assert shared(prints[1:2], prints[3:4]) == shared(array("Q"), prints) == shared(prints, array("Q")) == []


def test_parts_of_any_corpus_are_compared():
    prints = {"o/train/a": array("Q", [1, 2]), "o/dev/b": array("Q", [3, 2]), "o/test/a": array("Q", [1, 3])}
    found = [(leak.file, leak.other, leak.positions) for leak in between_parts(prints)]
    assert found == [
        ("o/train/a", "o/dev/b", [(1, 1)]),
        ("o/train/a", "o/test/a", [(0, 0)]),
        ("o/dev/b", "o/test/a", [(0, 1)]),
    ]


def test_shared_and_repeated_texts_are_listed_without_text(write, tmp_path):
    other, output = tmp_path / "other.spacy", tmp_path / "x.spacy"
    convert_corpus(Job("bc5cdr_iob", [write("a.tsv", "No\tO\nfever\tO\n\n")], other))
    convert_corpus(Job("bc5cdr_iob", [write("b.tsv", IOB)], output, against=[other]))
    report = json.loads(audit_path(output).read_text())
    assert report["shared_texts"] == [
        {"file": str(other), "other": str(output), "positions": [[0, 2]], "documents": 1},
    ]
    assert report["outputs"][str(output)]["repeated_texts"] == {"documents": 1, "positions": [[0, 1]]}
    for kind in ("json", "html"):
        assert "fever" not in audit_path(output, kind).read_text().lower()


def test_splits_that_share_texts_are_listed(write, tmp_path):
    """Parts are cut by exact text, so that case lets one through; the check sees it."""
    rows = "".join(f"W{i}\tO\n\nw{i}\tO\n\n" for i in range(40))
    job = Job("bc5cdr_iob", [write("a.tsv", rows)], tmp_path / "x.spacy", dev_share=0.5)
    audit = convert_corpus(job)
    (leak,) = audit.leaks
    assert (leak.file, leak.other) == (str(job.output), str(job.dev_path()))
    assert leak.positions
    assert [one.as_dict() for one in write_leakage({"x": audit}, tmp_path)] == []  # neither lies in a train folder
    assert json.loads(leakage_path(tmp_path).read_text()) == []


def test_parts_of_a_set_that_share_texts_are_listed(write, tmp_path):
    jobs = [
        Job("bc5cdr_iob", [write("a.tsv", IOB)], tmp_path / "set" / "train" / "a.spacy"),
        Job("bc5cdr_iob", [write("b.tsv", "Cough\tO\n\nNo\tO\nFEVER\tO\n\n")], tmp_path / "set" / "test" / "b.spacy"),
    ]
    leaks = write_leakage(prepare(jobs), tmp_path / "set")
    assert [(leak.file, leak.other, leak.positions) for leak in leaks] == [
        (str(jobs[0].output), str(jobs[1].output), [(2, 1)])
    ]
    assert json.loads(leakage_path(tmp_path / "set").read_text())[0]["documents"] == 1


@pytest.mark.parametrize("content", ["missing", "folder", b"no DocBin"])
def test_what_cannot_be_compared_is_named(write, tmp_path, content):
    (tmp_path / "folder").mkdir()
    other = write("other.spacy", content) if isinstance(content, bytes) else tmp_path / content
    with pytest.raises(MedmtlError, match="MEDMTL-E430"):
        convert_corpus(Job("bc5cdr_iob", [write("a.tsv", IOB)], tmp_path / "x.spacy", against=[other]))


def test_window_with_and_without_a_tokenizer(nlp, tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no default encoder here
    doc = nlp.make_doc("xyxyxyxy " * 8)
    assert WindowCheck(size=16).n_over(doc) == 0
    assert WindowCheck(size=9).n_over(doc) == 1
    assert WindowCheck(tiny_encoder, size=16).n_over(doc) == 1  # each letter is a piece
    assert WindowCheck(tiny_encoder, size=66).n_over(doc) == 0
    assert WindowCheck(tiny_encoder, size=65).n_over(doc) == 1
    assert WindowCheck().name == "sentences_over_window_at_least"
    assert WindowCheck(tiny_encoder).name == "sentences_over_window"
    with pytest.raises(MedmtlError, match="MEDMTL-E431"):
        WindowCheck(tmp_path)


class Tags(HTMLParser):
    """Collects the tags of a page and checks that they close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.links = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_whole_and_escaped(write, tmp_path):
    source = write("<b>&.tsv", IOB + "torn\n\n")
    output = tmp_path / "x.spacy"
    convert_corpus(Job("bc5cdr_iob", [source], output, on_error="report"))
    page = audit_path(output, "html").read_text()
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert not tags.links
    assert not tags.seen & {"b", "script", "link", "img", "iframe"}
    assert "&lt;b&gt;&amp;.tsv" in page
    assert "prefers-color-scheme: dark" in page
    assert "2 lost" in page
    assert "torn" not in page
    assert "Chemical" in page
    assert_readable(page)


def test_page_shows_the_losses_of_a_long_list(write, tmp_path):
    output = tmp_path / "x.spacy"
    convert_corpus(Job("bc5cdr_iob", [write("a.tsv", IOB + "torn\n" * 300)], output, on_error="report"))
    report = json.loads(audit_path(output).read_text())
    assert f"{len(report['changes']) - 200} more in the JSON file" in audit_page(report)
