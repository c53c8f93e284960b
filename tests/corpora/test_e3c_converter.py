"""Clinical cases in XMI: disorders judged by the events inside them. All texts are invented."""

import pytest
from finding_docs import findings, sentences

from spacy_medmtl.annotations.groups import FINDINGS
from spacy_medmtl.errors import MedmtlError

TEXT = "A clerk had red ears. No cough, perhaps flu.\nIf gout comes, rest."


def element(layer, words, text=TEXT, **features):
    features = {"begin": text.index(words), "end": text.index(words) + len(words), **features}
    return f'<custom:{layer} xmi:id="1" ' + " ".join(f'{key}="{value}"' for key, value in features.items()) + "/>\n"


def event(words, modality="ACTUAL", polarity="POS", text=TEXT):
    return element("EVENT", words, text, polarity=polarity, contextualModality=modality, contextualAspect="NOVEL")


def entity(words, text=TEXT, **features):
    return element("CLINENTITY", words, text, **features)


def xmi(*elements, text=TEXT, prolog=""):
    text = text.replace("&", "&amp;").replace("\n", "&#10;").replace('"', "&quot;")
    head = '<xmi:XMI xmlns:xmi="m" xmlns:cas="c" xmlns:type4="t" xmlns:custom="u">\n'
    return f"{prolog}{head}{''.join(elements)}<cas:Sofa sofaString={text!r}/>\n</xmi:XMI>\n"


def test_e3c(run, write):
    judged = [event("ears"), event("cough", polarity="NEG"), event("flu", "HEDGED"), event("gout", "HYPOTHETICAL-IF")]
    entities = [entity("red ears", discontinuous="DISCONTINUOUS"), entity("cough"), entity("flu"), entity("gout")]
    parts = [TEXT[:31], TEXT[32:44], TEXT[45:]]
    bounds = [element("Sentence", part).replace("custom", "type4") for part in parts]
    content = xmi(*reversed(bounds), *judged, *entities, event("rest"))
    (doc,), audit = run("e3c", write("a.xml", content), on_error="stop")
    assert doc.text == TEXT
    assert findings(doc) == [
        ("red ears", "positive", []),
        ("cough", "negative", []),
        ("flu", "unknown", ["uncertain"]),
        ("gout", "unknown", ["hypothetical"]),
    ]
    attrs = doc.spans[FINDINGS].attrs
    assert {span.label_ for span in doc.spans[FINDINGS]} == {"Finding"}
    assert (attrs["annotated_labels"], attrs["annotated_modifiers"]) == (["Finding"], ["uncertain", "hypothetical"])
    assert attrs["given_spans_only"] is True
    assert sentences(doc) == parts
    assert [(change.outcome, change.line) for change in audit.changes] == [("reshaped", 9)]


@pytest.mark.parametrize(
    ("modality", "polarity", "status", "modifiers"),
    [
        ("ACTUAL", "POS", "positive", []),
        ("ACTUAL", "NEG", "negative", []),
        ("HEDGED", "POS", "unknown", ["uncertain"]),
        ("HEDGED", "NEG", "unknown", ["uncertain"]),
        ("HYPOTHETICAL-IF", "NEG", "unknown", ["hypothetical"]),
        ("HYPOTHETICAL-OTHER", "POS", "unknown", ["hypothetical"]),
        ("GENERIC", "POS", "unknown", []),
    ],
)
def test_e3c_rule(run, write, modality, polarity, status, modifiers):
    content = xmi(event("flu", modality, polarity), entity("perhaps flu"))
    (doc,), _ = run("e3c", write("a.xml", content), on_error="stop")
    assert findings(doc) == [("perhaps flu", status, modifiers)]


def test_e3c_sentences_by_rule_where_the_file_has_none(run, write):
    content = xmi(event("ears"), entity("red ears. No cough"))
    (doc,), audit = run("e3c", write("a.xml", content))
    assert sentences(doc) == ["A clerk had red ears. No cough, perhaps flu.", "If gout comes, rest."]
    assert audit.notes["sentence boundaries removed inside a span"] == 1


def test_e3c_offsets_count_utf16_units(run, write):
    text = "A \U0001f600 smile & red ears."
    shifted = [event("ears", text=text), entity("red ears", text=text)]
    shifted = [item.replace('"16"', '"17"').replace('"20"', '"21"').replace('"12"', '"13"') for item in shifted]
    (doc,), audit = run("e3c", write("a.xml", xmi(*shifted, text=text)), on_error="stop")
    assert findings(doc) == [("red ears", "positive", [])]
    assert not audit.changes


def test_e3c_overlapping_and_equal_entities(run, write):
    parts = [event("ears"), event("cough", polarity="NEG"), entity("red ears"), entity("ears"), entity("cough")]
    (doc,), audit = run("e3c", write("a.xml", xmi(*parts, entity("cough"))), on_error="stop")
    assert [text for text, *_ in findings(doc)] == ["red ears", "ears", "cough"]
    assert [(change.outcome, change.line) for change in audit.changes] == [("merged", 7)]


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ([entity("gout")], "no event inside"),
        ([entity("gout"), event("If gout")], "no event inside"),
        ([entity("gout comes"), event("gout"), event("comes", "HEDGED")], "differ"),
        ([entity("gout comes"), event("gout"), event("comes", polarity="NEG")], "differ"),
        ([entity("gout"), event("gout", "SECRET")], "unknown value"),
        ([entity("gout"), event("gout", polarity="")], "unknown value"),
        ([entity("gout"), element("EVENT", "gout")], "unknown value"),
        ([entity("gout", begin=60, end=400), event("gout")], "not inside the text"),
        ([entity("gout", begin="secret"), event("gout")], "not inside the text"),
        ([entity("gout", begin=-4), event("gout")], "not inside the text"),
        ([entity("gout", end=3), event("gout")], "not inside the text"),
        (['<custom:CLINENTITY end="3"/>\n'], "not inside the text"),
    ],
)
def test_e3c_malformed_entity(run, write, elements, reason):
    path = write("a.xml", xmi(*elements, event("flu", "HEDGED"), entity("flu")))
    with pytest.raises(MedmtlError, match=f"E401.*a.xml, line 2: .*{reason}") as error:
        run("e3c", path, on_error="stop")
    message = str(error.value).replace(str(path), "").lower()
    assert "secret" not in message
    assert "gout" not in message
    (doc,), audit = run("e3c", path)
    assert findings(doc) == [("flu", "unknown", ["uncertain"])]
    assert [(change.line, change.outcome) for change in audit.changes] == [(2, "dropped")]


DOCTYPE = '<!DOCTYPE x [\n<!ENTITY a "secret"><!ENTITY b "&a;&a;">]>\n'
IN_UTF_7 = f"<?xml version='1.0' encoding='UTF-7'?>{DOCTYPE.replace('<!', '+ADwAIQ-')}"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (xmi(entity("gout"), prolog=DOCTYPE), 1, "document type declaration"),
        (xmi(prolog='\n<!DOCTYPE x SYSTEM "file:///etc/hostname" [<!ENTITY y "z">]>'), 2, "document type declaration"),
        (xmi(prolog=DOCTYPE).encode("utf-16"), 1, "document type declaration"),
        (xmi(prolog=IN_UTF_7), 1, "document type declaration|an encoding"),  # not all libraries read it
        (xmi(entity("gout"))[:-8], 4, "broken XML"),
        (xmi("<custom:EVENT begin=secret/>\n"), 2, "broken XML"),
        (xmi("&secret;\n"), 2, "broken XML"),
        (xmi().encode().replace(b"clerk", b"cl\xffrk"), 2, "broken XML"),
        (xmi(prolog='<?xml version="1.0" encoding="secret"?>\n'), 1, "broken XML|encoding"),
        (xmi(text=" "), 1, "expected one text"),
        (xmi("<cas:Sofa sofaString='Two.'/>\n"), 1, "expected one text"),
        ("<secret/>", 1, "expected one text"),
        ("secret", 1, "no XML"),
    ],
)
def test_e3c_malformed_file(run, write, content, line, reason):
    path = write("a.xml", content)
    with pytest.raises(MedmtlError, match=f"E401.*a.xml, line {line}: .*({reason})") as error:
        run("e3c", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path), "")
    good = write("b.xml", xmi(event("flu"), entity("flu")))
    (doc,), audit = run("e3c", path, good)
    assert findings(doc) == [("flu", "positive", [])]
    assert [(change.kind, change.line) for change in audit.changes] == [("document", line)]


def test_e3c_document_that_spacy_cannot_read(run, write):
    docs, audit = run("e3c", write("a.xml", xmi(text="word " * 200_001)))
    assert docs == []
    assert [change.reason for change in audit.changes] == ["a document longer than spaCy reads"]
