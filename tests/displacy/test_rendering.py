"""Pages and fragments: all text is there, spans stand in lanes, status is told in words, nothing is loaded."""

import re
from html.parser import HTMLParser

import pytest
import spacy
from readable import assert_readable
from spacy import displacy
from spacy.tokens import Doc, Span
from work import lines_run

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.displacy import parse_spans, render
from spacy_medmtl.displacy.arcs import arc_diagram
from spacy_medmtl.displacy.colours import COLOURS, colour
from spacy_medmtl.displacy.lanes import drawn_spans, sentences
from spacy_medmtl.displacy.rendering import index_page
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

TEXT = "PLAN:\n- Treat <pain of the left knee> & cough.\n\n  No fever.\n"


@pytest.fixture
def doc():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    doc = nlp(TEXT)

    def span(words, label):
        start = TEXT.index(words)
        return doc.char_span(start, start + len(words), label=label)

    pain, knee, fever = span("pain of the left knee", "Problem"), span("left knee", "Anatomy"), span("fever", "Problem")
    write_group(doc, ENTITIES, [pain, knee, fever], scores=[0.9] * 3)
    write_group(
        doc,
        FINDINGS,
        [pain, fever],
        scores=[0.8, 0.7],
        assertion=["positive", "negative"],
        assertion_modifiers=[["historical"], []],
    )
    first = next(iter(doc.sents))
    write_group(doc, INTENTS, [Span(doc, first.start, first.end, label="plan")], scores=[0.6])
    write_relations(doc, [JudgedPair((pain.start, pain.end), (fever.start, fever.end), ("without",), 0.5)])
    doc.user_data["doc_id"] = "n<1>"
    return doc


def test_a_page_of_a_joined_doc_and_of_what_is_none(doc):
    joined = Doc.from_docs([doc, doc.copy()], exclude=["user_data"])
    with pytest.warns(MedmtlWarning, match="W205"):
        assert render(joined).count("cough") == 2 * render(doc).count("cough")
    with pytest.raises(MedmtlError, match="E523.*type Span "):
        render(doc[0:2])


class Page(HTMLParser):
    """The text of a page's notes, the attributes of all elements, and whether every element is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.attributes, self.text, self.depth = [], [], "", 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.attributes.append((tag, dict(attributes)))
        if tag in ("meta",):
            return
        self.open.append((tag, dict(attributes).get("class") or ""))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        classes = [name for _, name in self.open]
        if "text" in classes and self.open[-1][0] != "button" and "intent" not in classes:
            self.text += data


@pytest.mark.parametrize("page", [False, True])
def test_all_text_is_there_with_its_line_breaks_and_every_element_is_closed(doc, page):
    read = Page(render(doc, page=page, jupyter=False))
    assert read.text == TEXT
    assert not read.open


def test_a_page_is_self_contained(doc):
    html = render([doc, doc], page=True, jupyter=False)
    for tag, attributes in Page(html).attributes:
        assert tag not in ("script", "link", "img", "iframe")
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith("#")
    assert "url(" not in html
    assert "default-src 'none'" in html
    assert "n&lt;1&gt;" in html


def test_screen_readers_and_keyboards_find_their_way(doc):
    untitled = doc.copy()
    untitled.user_data.pop("doc_id")
    for docs in ([doc, doc], [doc], [untitled]):
        assert_readable(render(docs, page=True, jupyter=False))
    assert_readable(index_page([("one", "a b.html")]))


def test_links_lead_somewhere_and_identifiers_come_once(doc):
    attributes = [found for _, found in Page(render([doc, doc], page=True, jupyter=False)).attributes]
    identifiers = [found["id"] for found in attributes if "id" in found]
    assert len(identifiers) == len(set(identifiers))
    links = {found["href"].removeprefix("#") for found in attributes if "href" in found}
    assert links <= set(identifiers)
    assert len(links) > 4


def test_status_and_modifiers_are_told_in_words_and_by_a_badge(doc):
    buttons = [found for tag, found in Page(render(doc, jupyter=False)).attributes if tag == "button"]
    assert [found["aria-label"] for found in buttons] == [
        "pain of the left knee: finding Problem, positive, historical, 80 percent",
        "left knee: entity Anatomy, 90 percent",
        "fever: finding Problem, negative, 70 percent",
    ]
    assert ["negative" in found["class"] for found in buttons] == [False, False, True]
    html = render(doc, jupyter=False)
    assert "+ Problem historical</button>" in html
    assert "\u2212 Problem</button>" in html
    assert "plan 0.60" in html
    assert "<b>without</b>" in html


def test_inner_spans_stand_above_outer_ones_and_labels_do_not_lie_upon_each_other(doc):
    spans = drawn_spans(doc, evidence=False)
    lanes = {
        bar.drawn.told.split(":")[0]: bar.lane
        for sentence in sentences(doc, spans)
        for stretch in sentence.stretches
        for word in stretch.words
        for bar in word.bars
    }
    assert lanes == {"pain of the left knee": 1, "left knee": 0, "fever": 0}
    narrow = Span(doc, 2, 3, label="AVeryLongLabelForOneWord")
    write_group(doc, ENTITIES, [narrow, Span(doc, 3, 4, label="Next")])
    spans = drawn_spans(doc, evidence=False)
    (first, *_) = sentences(doc, spans)
    lane = {bar.drawn.label: bar.lane for s in first.stretches for word in s.words for bar in word.bars}
    assert lane["AVeryLongLabelForOneWord"] != lane["Next"]


def test_crossing_spans_and_spans_over_sentences_are_drawn(doc):
    end = len(doc) - 1
    write_group(doc, ENTITIES, [Span(doc, 2, 6, label="A"), Span(doc, 4, 8, label="B"), Span(doc, 0, end, label="C")])
    read = Page(render(doc, jupyter=False))
    assert read.text == TEXT
    labels = [found["aria-label"] for tag, found in read.attributes if tag == "button"]
    assert {match[1] for label in labels if (match := re.search(r": entity (\w)$", label))} == {"A", "B", "C"}


@pytest.mark.parametrize("text", ["", "  \n", "word"])
def test_texts_without_anything(text):
    nlp = spacy.blank("en")
    assert "medmtl-note" in render(nlp(text), jupyter=False)
    assert "0 notes" in render([], page=True, jupyter=False)


def test_relations_are_arcs_from_head_to_tail_and_longer_ones_go_further_out(doc):
    pain, knee, fever = (span for span in doc.spans[ENTITIES])
    ends = [(one.start, one.end) for one in (pain, knee, fever)]
    pairs = [(ends[0], ends[1], "in"), (ends[2], ends[0], "without"), (ends[1], ends[2], "not")]
    write_relations(doc, [JudgedPair(head, tail, (label,), 0.5) for head, tail, label in pairs])
    diagram = arc_diagram(doc)
    assert [text for text, _ in diagram.ends] == ["pain of the left knee", "left knee", "fever"]
    heights = dict(diagram.ends)
    begins = [float(arc.path.split("C")[0].split()[1]) for arc in diagram.arcs]
    assert begins == [heights["pain of the left knee"], heights["fever"], heights["left knee"]]
    assert [float(arc.path.split()[-1]) for arc in diagram.arcs] == [
        heights["left knee"],
        heights["pain of the left knee"],
        heights["fever"],
    ]
    near, far, other = (arc.x for arc in diagram.arcs)
    assert far < near == other  # arcs that only touch are level
    assert all(arc.x - 6 * len(arc.label) >= 0 for arc in diagram.arcs)
    html = render(doc, jupyter=False)
    assert html.count('class="arc"') == 3
    assert 'class="arc"' not in render(spacy.blank("en")("word"), jupyter=False)


def long_note(n_sentences: int, *, has_sentences: bool) -> Doc:
    """A finding and an entity in each sentence of four words, and a relation to the next sentence's."""
    vocab = spacy.blank("en").vocab
    words = ["no", "left", "fever", "."] * n_sentences
    starts = [i % 4 == 0 for i in range(len(words))] if has_sentences else None
    doc = Doc(vocab, words=words, sent_starts=starts)
    findings = [Span(doc, i, i + 2, label="Problem") for i in range(1, len(doc), 4)]
    write_group(doc, FINDINGS, findings, assertion=["negative"] * n_sentences)
    write_group(doc, ENTITIES, [Span(doc, i, i + 1, label="Anatomy") for i in range(1, len(doc), 4)])
    bounds = [(span.start, span.end) for span in findings]
    write_relations(doc, [JudgedPair(head, tail, ("same",), 0.5) for head, tail in zip(bounds, bounds[1:])])
    return doc


@pytest.mark.parametrize("has_sentences", [True, False])
def test_work_grows_no_faster_than_the_note(has_sentences):
    short, long = (long_note(n, has_sentences=has_sentences) for n in (100, 400))
    render(short, jupyter=False)  # loads the templates
    lines = [lines_run(lambda doc=doc: render(doc, jupyter=False)) for doc in (short, long)]
    assert lines[1] < 4.4 * lines[0]


def test_spacys_own_span_style_shows_groups_and_status(doc):
    html = displacy.render(parse_spans(doc), style="span", manual=True, jupyter=False)
    assert "+ Problem historical" in html
    assert "\u2212 Problem" in html
    html = displacy.render(doc, style="span", options={"spans_key": FINDINGS}, jupyter=False)
    assert COLOURS["PROBLEM"] in html


def test_colours_hold_black_text_and_labels_of_corpora_share_them():
    for value in COLOURS.values():
        channels = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear))
        assert (luminance + 0.05) / 0.05 > 8, value
    assert colour("bc5cdr$Disease") == COLOURS["DISEASE"]


def test_in_jupyter_it_is_displayed(doc, monkeypatch):
    ipython = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(ipython, "display", shown.append)
    assert render(doc, jupyter=True) == ""
    assert "medmtl-note" in shown[0].data


def test_the_command_writes_a_page(doc, tmp_path):
    from typer.testing import CliRunner

    from spacy_medmtl.cli import app

    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "SIGN", "pattern": "cough"}])
    nlp.to_disk(tmp_path / "p")
    (tmp_path / "a.txt").write_text("A cough.", encoding="utf8")
    page = tmp_path / "a.html"
    result = CliRunner().invoke(app, ["view", str(tmp_path / "p"), str(tmp_path / "a.txt"), "-o", str(page)])
    assert result.exit_code == 0, result.output
    assert "cough: entity SIGN" in page.read_text(encoding="utf8")
    (tmp_path / "a.txt").write_text("", encoding="utf8")
    result = CliRunner().invoke(app, ["view", str(tmp_path / "p"), str(tmp_path / "a.txt"), "-o", str(page)])
    assert result.exit_code == 1
    assert "[MEDMTL-E521]" in result.output
    (tmp_path / "a.csv").write_text("case,body\n7,A cough.\n", encoding="utf8")
    arguments = ["view", tmp_path / "p", tmp_path / "a.csv", "--text-column", "body", "--id-column", "case", "-o", page]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert ">7</h2>" in page.read_text(encoding="utf8")
    assert re.search("medmtl view en_medmtl", CliRunner().invoke(app, ["view", "--help"]).output)
