"""What a finding is read with: sentences, turns, headings; what is cut where the window is small."""

import pytest
import spacy
from toy import make_examples
from work import lines_run

from spacy_medmtl.annotations.groups import FINDINGS, TURNS, sentence_bounds, write_group
from spacy_medmtl.cpncf_assertion.contexts import context_units, headings_above
from spacy_medmtl.encoder.views.requests import Unit
from spacy_medmtl.errors import MedmtlError

NAME = "cpncf_assertion"


def with_lines(text):
    """A Doc with a sentence per line and after each full stop; line breaks are tokens of their own."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer", config={"punct_chars": [".", "?", "\n", "\n\n"]})
    return nlp(text)


def heads(text):
    doc = with_lines(text)
    bounds = sentence_bounds(doc)
    return [
        (doc[start:end].text, above and doc[above[0] : above[1]].text)
        for (start, end), above in zip(bounds, headings_above(doc, bounds))
    ]


def test_headings():
    text = (
        "Family history:\nMother had cancer. Father well.\nPMH: asthma. Appendectomy.\n\nShe walks.\n"
        "He has had the following three problems since May: pain."
    )
    assert heads(text) == [
        ("Family history:", None),
        ("Mother had cancer.", "Family history:"),
        ("Father well.", "Family history:"),
        ("PMH: asthma.", None),  # it stands in its own sentence
        ("Appendectomy.", "PMH:"),
        ("She walks.", None),  # a blank line ends a section
        ("He has had the following three problems since May: pain.", None),  # a clause, no heading
    ]


def test_blank_turns_are_no_neighbours():
    doc = with_lines("Any pain?\n\nNo.")
    bounds = sentence_bounds(doc)
    write_group(doc, TURNS, [doc[0:3], doc[3:4], doc[3:6]], speakers=["D", "D", "P"])
    settings = {"kind": "turn", "headings": False, "speakers": {}}
    assert doc[3].is_space
    assert context_units(doc, bounds, neighbours=1, **settings) == [Unit(0, 0, 3, 6), Unit(0, 4, 6, 6)]
    assert context_units(doc, bounds, neighbours=0, **settings) == [Unit(0, 0, 3, 3), Unit(4, 4, 6, 6)]


def test_turns_are_neighbours_and_ones_own_turn_is_read_whole():
    doc = with_lines("Any pain? Tell me. No. Not now. Good.")
    bounds = sentence_bounds(doc)
    turns = [(0, 6), (6, 11), (11, 13)]
    write_group(doc, TURNS, [doc[start:end] for start, end in turns], speakers=["D", "P", "D"])
    settings = {"kind": "turn", "headings": False, "speakers": {}}
    assert context_units(doc, bounds, neighbours=0, **settings) == [
        Unit(0, 0, 3, 6),
        Unit(0, 3, 6, 6),
        Unit(6, 6, 8, 11),
        Unit(6, 8, 11, 11),
        Unit(11, 11, 13, 13),
    ]
    assert context_units(doc, bounds, neighbours=1, **settings)[2] == Unit(0, 6, 8, 13)
    del doc.spans[TURNS]
    assert context_units(doc, bounds, neighbours=1, **settings)[2] == Unit(3, 6, 8, 11)  # sentences


def test_the_heading_of_a_finding_decides(make_nlp):
    """ "fever :" above, out of the reach of context, makes findings negative; "cough :" does not."""
    texts = {
        "fever :\nthe pain .\nany chest .\na knee .": "negative",
        "cough :\nthe pain .\nany chest .\na knee .": "positive",
    }

    def annotate(doc):
        write_group(doc, FINDINGS, [doc[-2:-1]], assertion=[texts[doc.text]])
        for token in doc:
            token.is_sent_start = token.i == 0 or doc[token.i - 1].text in ("\n", ".")

    for headings, expected in ((True, 1.0), (False, 0.5)):
        nlp = make_nlp((NAME, NAME, {"context": 0, "headings": headings}))
        nlp.remove_pipe("sentencizer")
        nlp.add_pipe("sentencizer", first=True, config={"punct_chars": [".", "\n"]})
        examples = make_examples(nlp, annotate, texts=list(texts))
        optimizer = nlp.initialize(lambda: examples)  # noqa: B023
        for _ in range(60):
            nlp.update(examples, sgd=optimizer)
        assert nlp.evaluate(examples)[f"{NAME}_f"] == expected


def in_turns(doc, *turns, speakers):
    """``turns`` as (start, end) written on a Doc."""
    write_group(doc, TURNS, [doc[start:end] for start, end in turns], speakers=list(speakers))
    return doc


def test_speakers_stand_where_they_begin_to_speak():
    """Of a turn that was cut, at the beginning of what is read; the unknown speaker is not announced."""
    doc = in_turns(
        with_lines("Any pain? Tell me. No. Not now. Hm. Good."), (0, 6), (6, 11), (11, 13), (13, 15), speakers="DPXD"
    )
    bounds, names = sentence_bounds(doc), {"D": "doctor", "P": "patient"}

    def speakers(neighbours, kind):
        units = context_units(doc, bounds, neighbours=neighbours, kind=kind, headings=False, speakers=names)
        return [unit.speakers for unit in units]

    assert speakers(0, "turn") == [
        ((0, "doctor:"),),
        ((0, "doctor:"),),
        ((6, "patient:"),),
        ((6, "patient:"),),
        (),
        ((13, "doctor:"),),
    ]
    assert speakers(1, "turn")[2] == ((0, "doctor:"), (6, "patient:"))
    assert speakers(1, "sentence")[2] == ((3, "doctor:"), (6, "patient:"))
    assert speakers(1, "sentence")[4] == ((8, "patient:"), (13, "doctor:"))
    del doc.spans[TURNS].attrs["speakers"]
    assert set(speakers(1, "turn")) == {()}
    del doc.spans[TURNS]
    assert set(speakers(1, "turn")) == {()}


def test_a_turn_inside_a_sentence_is_not_announced():
    doc = in_turns(with_lines("Any pain no. Good."), (0, 2), (2, 4), (4, 6), speakers="DPD")
    settings = {"neighbours": 0, "kind": "sentence", "headings": False, "speakers": {"D": "doctor", "P": "patient"}}
    units = context_units(doc, sentence_bounds(doc), **settings)
    assert [unit.speakers for unit in units] == [((0, "doctor:"),), ((4, "doctor:"),)]


def test_who_says_it_decides(make_nlp):
    """The same words mean a finding from one speaker and none from the other."""
    statuses = {"P": "positive", "D": "negative"}
    speaker_of = {}

    def annotate(doc):
        write_group(doc, FINDINGS, [doc[0:1]], assertion=[statuses[speaker_of["now"]]])

    for names, expected in (({"P": "mother", "D": "knee"}, 1.0), ({}, 0.5)):
        nlp = make_nlp((NAME, NAME, {"context": 1, "context_kind": "turn", "speakers": names}))
        examples = []
        for text in ("cough .", "fever .", "pain ."):
            for speaker in statuses:
                speaker_of["now"] = speaker
                (example,) = make_examples(nlp, annotate, texts=[text])
                in_turns(example.predicted, (0, 2), speakers=[speaker])
                examples.append(example)
        optimizer = nlp.initialize(lambda: examples)  # noqa: B023
        for _ in range(60):
            nlp.update(examples, sgd=optimizer)
        scores = nlp.evaluate(examples)
        assert (scores[f"{NAME}_f"] == 1.0) == (expected == 1.0)
        assert scores[f"{NAME}_f"] >= expected


def test_unknown_kinds_are_refused(make_nlp):
    with pytest.raises(MedmtlError, match="E203.*context_kind.*page"):
        make_nlp((NAME, NAME, {"context_kind": "page"}))


def test_work_grows_no_faster_than_the_turns():
    def work(n_turns):
        doc = with_lines("Any pain?\n" * n_turns)
        bounds = sentence_bounds(doc)
        write_group(doc, TURNS, [doc[start:end] for start, end in bounds], speakers=["D"] * n_turns)
        settings = {"neighbours": 1, "kind": "turn", "headings": True, "speakers": {"D": "doctor"}}
        return lines_run(lambda: context_units(doc, bounds, **settings))

    assert work(400) < 4.4 * work(100)
