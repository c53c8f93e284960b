"""Export and back: Docs of every kind survive brat, JSON lines and CoNLL; what a format cannot hold is told."""

import itertools
import json
from pathlib import Path

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_medmtl.annotations.blanks import is_blank, visible
from spacy_medmtl.annotations.extensions import MODIFIERS, STATUSES
from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS, TURNS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, read_pairs, write_relations
from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.exports.run import FORMATS, export_docs
from spacy_medmtl.corpora.formats.files import input_files
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.corpora.writer import convert_records
from spacy_medmtl.errors import MedmtlError

NLP = spacy.blank("en")
ASSETS = Path(__file__).parents[2] / "assets" / "sample"
READERS = {"brat": "brat", "jsonl": "prodigy", "conll": "conll"}
LABELS = ["A", "B-b", "c/d", "É"]
PIECES = [
    *(
        "fever",
        "no",
        "3.5mg",
        "don't",
        "it,",
        "🦴",
        "👩‍⚕️",
        "e\u0301",
        "fin",
        "漢字",
        "#",
        "_",
        "O",
        "-DOCSTART-",
        "|",
        "\\u{a}",
    ),
    *("\u2028", "\u00a0", "\ufeff", "\x1f", "\x85", "\u200b", '"', "<b>", "\\"),
]
GAPS = [" ", " ", " ", "", "  ", "\n", "\r\n", "\t", "\n\n ", "\r"]
_numbers = itertools.count()


@st.composite
def docs(draw, *, in_sentences: bool) -> Doc:
    """A Doc of odd text with sentences, nested and overlapping spans, findings and relations between all these."""
    size = draw(st.integers(1, 12))
    text = "".join(draw(st.sampled_from(PIECES)) + draw(st.sampled_from(GAPS)) for _ in range(size))
    doc = NLP.make_doc(text if visible(text).strip() else f"x{text}")
    for token in doc:
        token.is_sent_start = token.i == 0 or draw(st.integers(0, 4)) == 0
    sentences = {token.i: (sent.start, sent.end) for sent in doc.sents for token in sent}

    words = [token.i for token in doc if not is_blank(token)]  # a converted span begins and ends with one

    def span() -> Span:
        start = draw(st.sampled_from(words))
        last = sentences[start][1] if in_sentences else len(doc)
        end = draw(st.sampled_from([i for i in words if start <= i < last]))
        return Span(doc, start, end + 1, draw(st.sampled_from(LABELS)))

    def spans() -> list:
        drawn = [span() for _ in range(draw(st.integers(0, 6)))]
        return list({(one.start, one.end, one.label): one for one in drawn}.values())

    write_group(doc, ENTITIES, spans()).attrs["annotated_labels"] = sorted(LABELS)
    findings = spans()
    modifiers = st.lists(st.sampled_from(MODIFIERS), unique=True).map(lambda names: sorted(names, key=MODIFIERS.index))
    write_group(
        doc,
        FINDINGS,
        findings,
        assertion=[draw(st.sampled_from(STATUSES)) for _ in findings],
        assertion_modifiers=[draw(modifiers) for _ in findings],
    )
    ends = sorted({(one.start, one.end) for key in (ENTITIES, FINDINGS) for one in doc.spans[key]})
    pairs = (
        draw(st.lists(st.tuples(st.sampled_from(ends), st.sampled_from(ends)), max_size=4, unique=True)) if ends else []
    )
    names = st.lists(st.sampled_from(["of", "after"]), unique=True, min_size=1).map(tuple)
    write_relations(doc, [JudgedPair(head, tail, draw(names), 1.0) for head, tail in pairs])
    return doc


def content(doc: Doc, form: str, *, is_whole: bool = False) -> dict:
    """What must be the same after an export and a conversion, in an order that does not matter."""
    found = {
        "text": doc.text,
        "entities": sorted((span.start_char, span.end_char, span.label_) for span in doc.spans.get(ENTITIES, ())),
    }
    group = doc.spans.get(FINDINGS)
    if group is not None and len(group):
        values = zip(group, group.attrs["assertion"], group.attrs["assertion_modifiers"], strict=True)
        found["findings"] = sorted(
            (s.start_char, s.end_char, s.label_, status, list(held)) for s, status, held in values
        )
    if form != "brat" or is_whole:
        found["tokens"] = [(token.text, token.whitespace_) for token in doc]
        found["sentences"] = [token.i for token in doc if token.is_sent_start]
    if form != "conll" or is_whole:
        found["relations"] = sorted(
            (doc[slice(*pair.head)].start_char, doc[slice(*pair.head)].end_char, doc[slice(*pair.tail)].start_char,
             doc[slice(*pair.tail)].end_char, sorted(pair.labels), pair.score)
            for pair in read_pairs(doc)
        )  # fmt: skip
    if form == "jsonl":
        found["turns"] = [(span.start, span.end) for span in doc.spans.get(TURNS, ())]
        found["speakers"] = list(doc.spans[TURNS].attrs["speakers"]) if TURNS in doc.spans else []
    if is_whole or form == "jsonl":
        found["intents"] = [(span.start, span.end, span.label_) for span in doc.spans.get(INTENTS, ())]
    return found


def export(given_docs, form, folder: Path):
    """Export Docs, and the path and what was told."""
    folder.mkdir(parents=True)
    DocBin(docs=given_docs, attrs=["ORTH", "SENT_START"]).to_disk(folder / "x.spacy")
    output = folder / ("out" if form == "brat" else f"out.{form}")
    return output, export_docs(form, folder / "x.spacy", output)


def convert(output: Path, form: str, **given_settings):
    reader = get_reader(READERS[form])
    read, scheme = reader.configured({"group": "both", **given_settings})
    audit = Audit("stop")
    return list(convert_records(read, scheme, input_files([output], reader.suffixes), NLP, audit)), audit


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_export_and_back_is_the_identity(form, tmp_path, data):
    given_docs = data.draw(st.lists(docs(in_sentences=form == "conll"), min_size=1, max_size=3))
    output, told = export(given_docs, form, tmp_path / f"{next(_numbers)}")
    back, audit = convert(output, form, labels=",".join(LABELS))
    assert [content(doc, form) for doc in back] == [content(doc, form) for doc in given_docs]
    assert not audit.changes
    assert all(doc.spans[ENTITIES].attrs["annotated_labels"] == sorted(LABELS) for doc in back)
    expected = {"brat": {"sentence boundaries"}, "jsonl": set(), "conll": {"relations and judged pairs"}}
    assert set(told) <= expected[form]
    # and once more, so that convert -> export -> convert changes nothing at all
    output, _ = export(back, form, tmp_path / f"{next(_numbers)}")
    again, _ = convert(output, form, labels=",".join(LABELS))
    assert [content(doc, form, is_whole=True) for doc in again] == [content(doc, form, is_whole=True) for doc in back]


@pytest.mark.parametrize("form", FORMATS)
def test_bundled_sample(form, tmp_path):
    source = tmp_path / "sample.spacy"
    convert_corpus(Job("sample", [ASSETS / "dev"], source, on_error="report"))
    given_docs = list(DocBin().from_disk(source).get_docs(NLP.vocab))
    output, told = export(given_docs, form, tmp_path / "export")
    back, audit = convert(output, form)
    assert [content(doc, form)["text"] for doc in back] == [doc.text for doc in given_docs]
    if form == "jsonl":
        assert [content(doc, form) for doc in back] == [content(doc, form) for doc in given_docs]
        assert not told
    else:
        n_findings = sum(len(doc.spans.get(FINDINGS, ())) for doc in given_docs)
        assert sum(len(doc.spans.get(FINDINGS, ())) for doc in back) == n_findings
        assert told["intents"] > 0
    assert not audit.changes


def test_words_without_known_blanks(tmp_path):
    doc = Doc(NLP.vocab, words=["No", "fever", "."], sent_starts=[True, False, False])
    write_group(doc, ENTITIES, [doc[1:2]]).attrs["annotated_labels"] = [""]
    doc.spans[ENTITIES] = [Span(doc, 1, 2, "A")]
    output, told = export([doc], "conll", tmp_path / "a")
    assert output.read_text() == "# global.columns = FORM MEDMTL:NER\n# newdoc\nNo\tO\nfever\tB-A\n.\tO\n\n"
    (back,), _ = convert(output, "conll")
    assert back.has_unknown_spaces
    assert not told
    _, told = export([doc], "jsonl", tmp_path / "b")
    assert dict(told) == {"documents in which it is not known where blanks stood": 1}


def test_what_a_format_cannot_hold_is_told(tmp_path):
    doc = NLP.make_doc("No fever. Or cough.")
    for token in doc:
        token.is_sent_start = token.i in (0, 3)
    write_group(doc, ENTITIES, [Span(doc, 1, 5, "A"), Span(doc, 1, 2, "two words"), Span(doc, 4, 5, "x\ty")])
    write_group(doc, INTENTS, [Span(doc, 0, 3, "tell")], scores=[0.9])
    write_group(doc, TURNS, [Span(doc, 0, 3, "")], speakers=["D"])
    write_relations(doc, [JudgedPair((0, 3), (3, 6), ("so",), 0.5), JudgedPair((1, 5), (1, 5), (), 0.0)])
    empty = Doc(NLP.vocab, words=[])
    told = {form: dict(export([doc, empty], form, tmp_path / form)[1]) for form in FORMATS}
    shared = {"scores of medmtl_intents": 1, "documents without text": 1}
    assert told["jsonl"] == shared
    assert told["conll"] == {
        **shared,
        "spans over several sentences": 1,
        "spans whose label a column cannot hold": 1,
        "relations and judged pairs": 2,
        "intents": 1,
        "turns": 1,
    }
    assert told["brat"] == {
        **shared,
        "spans whose label brat cannot hold": 2,
        "relations between what are no entities, or of a label that brat cannot hold": 1,
        "pairs that were judged and hold no relation": 1,
        "intents": 1,
        "turns": 1,
        "sentence boundaries": 1,
    }


def test_absent_is_not_empty_in_json_lines(tmp_path):
    bare, empty = NLP.make_doc("Bare."), NLP.make_doc("Empty.")
    write_group(bare, INTENTS, [Span(bare, 0, 2, "tell")])
    write_group(empty, ENTITIES, [])
    write_relations(empty, [])
    output, _ = export([bare, empty], "jsonl", tmp_path / "a")
    assert "spans" not in json.loads(output.read_text().split("\n")[0])
    back, _ = convert(output, "jsonl")
    assert [set(doc.spans) for doc in back] == [{INTENTS}, {ENTITIES, RELATIONS}]


def test_nothing_is_replaced_unasked(tmp_path):
    doc = NLP.make_doc("Text.")
    write_group(doc, ENTITIES, [])
    for form in FORMATS:
        output, _ = export([doc], form, tmp_path / form)
        source = tmp_path / form / "x.spacy"
        with pytest.raises(MedmtlError, match="E413"):
            export_docs(form, source, output)
        export_docs(form, source, output, force=True)
        assert not output.with_name(f"{output.name}.part").exists()
    (tmp_path / "brat" / "out" / "thesis.docx").write_text("mine")
    with pytest.raises(MedmtlError, match="E407.*other things than an export"):
        export_docs("brat", source, tmp_path / "brat" / "out", force=True)
    with pytest.raises(MedmtlError, match="E407.*is one of the inputs"):
        export_docs("brat", source, source)
    (tmp_path / "a_file").touch()
    with pytest.raises(MedmtlError, match="E407.*is a file"):
        export_docs("brat", source, tmp_path / "a_file")
    with pytest.raises(MedmtlError, match="E407.*is a folder"):
        export_docs("conll", source, tmp_path)
    with pytest.raises(MedmtlError, match="E407.*cannot be written"):
        export_docs("conll", source, source / "below" / "x.conll")


def test_the_current_folder_keeps_its_place(tmp_path, monkeypatch):
    source, folder = tmp_path / "source.spacy", tmp_path / "here"
    DocBin(docs=[spacy.blank("en")("No fever.")]).to_disk(source)
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(MedmtlError, match="E407.*folder that you are in"):
        export_docs("brat", source, Path())


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x78\x9c\x03"])
def test_source_that_holds_no_docs(tmp_path, damage):
    (tmp_path / "x.spacy").write_bytes(damage)
    for source in (tmp_path / "x.spacy", tmp_path / "missing.spacy"):
        with pytest.raises(MedmtlError, match="E412"):
            export_docs("jsonl", source, tmp_path / "x.jsonl")
    assert not (tmp_path / "x.jsonl").exists()


def test_entities_of_spacy_in_brat(tmp_path):
    """Their labels are declared, one over a line end is in parts; what is beside ``medmtl_ner``, or names a concept, is
    told."""
    first, second = NLP("Left\nknee  pain."), NLP("No fever.")
    first.ents = [Span(first, 0, 5, label="Sign")]
    second.ents = [Span(second, 1, 2, label="Sign", kb_id="C1")]
    write_group(second, ENTITIES, [])
    DocBin(docs=[first, second]).to_disk(tmp_path / "a.spacy")
    told = export_docs("brat", tmp_path / "a.spacy", tmp_path / "out")
    assert (tmp_path / "out" / "doc-000001.ann").read_text() == "T1\tSign 0 4;5 15\tLeft knee  pain\n"
    assert "[entities]\nSign\n" in (tmp_path / "out" / "annotation.conf").read_text()
    assert told == {"entities of doc.ents, beside those of medmtl_ner": 1, "concepts of entities (kb_id)": 1}
