"""Events, times and temporal links in XML. All texts are invented."""

import pytest
from entity_docs import entities, losses, pairs
from finding_docs import findings, sentences
from restricted_files import tag, tagged

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, RELATIONS
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

TEXT = (
    "\nAdmission Date :\n1999-01-02\nA clerk was seen for red ears after an H&P .\nNo cough , perhaps flu , salve .\n"
)
ROOT = "ClinicalNarrativeTemporalAnnotation"


def event(words, number, kind="PROBLEM", modality="FACTUAL", polarity="POS", **attributes):
    found = {"id": f"E{number}", "modality": modality, "polarity": polarity, "type": kind, **attributes}
    return tag("EVENT", words, TEXT, **found)


def link(number, head, tail, kind="BEFORE"):
    return f'<TLINK id="TL{number}" fromID="{head}" fromText="a" toID="{tail}" toText="b" type="{kind}" />\n'


TIME = tag("TIMEX3", "1999-01-02", TEXT, id="T0", type="DATE", val="1999-01-02", mod="NA")
SECTION = tag("SECTIME", "1999-01-02", TEXT, id="S0", type="ADMISSION", dvalue="1999-01-02")
EVENTS = [
    event("red ears", 0),
    event("cough", 1, polarity="NEG"),
    event("flu", 2, modality="POSSIBLE"),
    event("an H&P", 3, "TEST"),
    event("salve", 4, "TREATMENT", modality="PROPOSED"),
    event("Admission", 5, "OCCURRENCE"),
]


def xml(*tags, text=TEXT):
    return tagged(text, *tags, root=ROOT)


def test_i2b2_2012(run, write):
    links = [link(0, "E0", "E3"), link(1, "E0", "S0", "SIMULTANEOUS"), link(2, "T0", "E1", "begun_by")]
    (doc,), audit = run("i2b2_2012", write("7.xml", xml(*EVENTS, TIME, SECTION, *links)), on_error="stop")
    assert doc.text == TEXT
    assert entities(doc) == [
        ("red ears", "Problem"),
        ("cough", "Problem"),
        ("flu", "Problem"),
        ("an H&P", "Test"),
        ("salve", "Treatment"),
        ("Admission", "Occurrence"),
        ("1999-01-02", "Date"),
        ("1999-01-02", "Section_time"),
    ]
    assert len(doc.spans[ENTITIES].attrs["annotated_labels"]) == 11
    assert findings(doc) == [
        ("red ears", "positive", []),
        ("cough", "negative", []),
        ("flu", "unknown", ["uncertain"]),
    ]
    assert doc.spans[FINDINGS].attrs["annotated_modifiers"] == ["uncertain", "hypothetical"]
    assert pairs(doc) == [
        ("1999-01-02", "cough", ["AFTER"]),
        ("red ears", "1999-01-02", ["OVERLAP"]),
        ("red ears", "an H&P", ["BEFORE"]),
    ]
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["AFTER", "BEFORE", "OVERLAP"]
    assert list(filter(None, sentences(doc))) == TEXT.strip().split("\n")
    assert audit.notes["modality and polarity of events that are no problems, not used"] == 3
    assert split_key(doc) == "7"
    assert not audit.changes


def test_links_call_a_section_time_by_its_type(run, write):
    links = [link(0, "E0", "Admission"), link(1, "E1", "Discharge")]
    (doc,), audit = run("i2b2_2012", write("a.xml", xml(*links, *EVENTS[:2], SECTION)))
    assert pairs(doc) == [("red ears", "1999-01-02", ["BEFORE"])]
    assert losses(audit) == [("a.xml", 11, RELATIONS)]  # there is no time of discharge


@pytest.mark.parametrize(
    ("modality", "polarity", "status", "modifiers"),
    [
        ("FACTUAL", "POS", "positive", []),
        ("factual", "NEG", "negative", []),
        ("POSSIBLE", "NEG", "unknown", ["uncertain"]),
        ("CONDITIONAL", "POS", "unknown", ["hypothetical"]),
        ("PROPOSED", "NEG", "unknown", ["hypothetical"]),
    ],
)
def test_rule(run, write, modality, polarity, status, modifiers):
    path = write("a.xml", xml(event("flu", 0, modality=modality, polarity=polarity)))
    (doc,), _ = run("i2b2_2012", path, on_error="stop")
    assert findings(doc) == [("flu", status, modifiers)]


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("BEFORE", "BEFORE"),
        ("BEFORE_OVERLAP", "BEFORE"),
        ("ENDED_BY", "BEFORE"),
        ("AFTER", "AFTER"),
        ("BEGUN_BY", "AFTER"),
        ("OVERLAP", "OVERLAP"),
        ("SIMULTANEOUS", "OVERLAP"),
        ("DURING", "OVERLAP"),
    ],
)
def test_merged_links(run, write, kind, label):
    (doc,), _ = run("i2b2_2012", write("a.xml", xml(*EVENTS[:2], link(0, "E1", "E0", kind))), on_error="stop")
    assert pairs(doc) == [("cough", "red ears", [label])]


def test_bare_ampersand_in_an_attribute(run, write):
    content = xml(*EVENTS).replace('text="an H&amp;P"', 'text="an H&P"')
    assert content.count("H&P") == 2  # the text is in CDATA, where it is right
    (doc,), audit = run("i2b2_2012", write("a.xml", content), on_error="stop")
    assert ("an H&P", "Test") in entities(doc)
    assert audit.notes["bare '&' in XML read as '&amp;'"] == 1


def test_line_ends_of_windows_are_one_character_as_xml_says(run, write):
    (doc,), audit = run("i2b2_2012", write("a.xml", xml(*EVENTS).replace("\n", "\r\n")), on_error="stop")
    assert doc.text == TEXT
    assert len(doc.spans[ENTITIES]) == 6
    assert not audit.changes


@pytest.mark.parametrize(
    ("element", "kind", "reason"),
    [
        (event("flu", 9, "SECRET"), ENTITIES, "unknown type of EVENT"),
        (event("flu", 9, start="1"), ENTITIES, "do not give the words"),
        (event("flu", 9, start="_", end="_"), ENTITIES, "do not give the words"),
        (event("flu", 9, text="secret"), ENTITIES, "do not give the words"),
        (event("flu", 9, end="9999"), ENTITIES, "do not give the words"),
        (event("flu", 9, modality="SECRET"), FINDINGS, "unknown value"),
        (event("flu", 9, polarity=""), FINDINGS, "unknown value"),
        (link(9, "E0", "E77"), RELATIONS, "no mention of the document"),
        (link(9, "E0", "E1", "SECRET"), RELATIONS, "unknown relation"),
        (link(9, "E0", "E1", ""), RELATIONS, "unknown relation"),
        ('<SECRET start="1" />\n', "line", "unknown element"),
    ],
)
def test_malformed_element(run, write, element, kind, reason):
    path = write("a.xml", xml(element, *EVENTS[:2]))
    line = xml().split("\n").index("<TAGS>") + 2
    with pytest.raises(MedmtlError, match=f"E401.*a.xml, line {line}: .*{reason}") as error:
        run("i2b2_2012", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "").lower()
    (doc,), audit = run("i2b2_2012", path)
    assert findings(doc) == [("red ears", "positive", []), ("cough", "negative", [])]
    assert losses(audit) == [("a.xml", line, kind)]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (xml(*EVENTS)[:-12], 17, "broken XML"),
        (xml('<EVENT text="a<b" />\n'), 10, "broken XML"),
        (xml().encode().replace(b"clerk", b"cl\xffrk"), 6, "broken XML"),
        (f'<!DOCTYPE x [<!ENTITY a "secret">]>\n{xml().partition(">")[2]}', 1, "document type declaration"),
        (
            f'\n<!DOCTYPE x SYSTEM "file:///etc/x" [<!ENTITY y "z">]>\n{xml().partition(">")[2]}',
            2,
            "document type declaration",
        ),
        ('<?xml version="1.0" encoding="secret"?>\n<a/>', 1, "broken XML|encoding"),
        ("<a><TEXT>One.</TEXT><TEXT>Two.</TEXT></a>", 1, "expected one <TEXT>"),
        ("<secret/>", 1, "expected one <TEXT>"),
        ("<a>\n<TEXT>One <b>secret</b>.</TEXT></a>", 2, "an element inside"),
        (xml("<EVENT>\n<b/></EVENT>"), 11, "an element inside"),
        (xml(text="word " * 200_001), 1, "longer than spaCy reads"),
    ],
)
def test_malformed_file(run, write, content, line, reason):
    path = write("a.xml", content)
    with pytest.raises(MedmtlError, match=f"E401.*a.xml, line {line}: .*({reason})") as error:
        run("i2b2_2012", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "")
    docs, audit = run("i2b2_2012", path, write("b.xml", xml(*EVENTS)))
    assert [split_key(doc) for doc in docs] == ["b"]
    assert losses(audit) == [("a.xml", line, "document")]
