"""Question pairs in XML, and what happens around XML that is broken."""

import pytest

from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.errors import MedmtlError


def pair(first="Is it flu? I ache.", second="What is flu?", value="true"):
    return f'<pair pid="1" value="{value}">\n<chq>\n  {first}\n</chq>\n<faq>{second}</faq>\n</pair>\n'


def xml(*pairs, head='<?xml version="1.0" encoding="UTF-8"?>\n', root="R"):
    return f"{head}<{root}>\n{''.join(pairs)}</{root}>\n"


def test_pairs(run, write):
    path = write("a.xml", xml(pair(), pair("Caf&#233; &amp; tea?", "Is é ok?", value="false")))
    docs, audit = run("rqe", path, on_error="stop")
    assert [texts_of(doc) for doc in docs] == [("Is it flu? I ache.", "What is flu?"), ("Café & tea?", "Is é ok?")]
    assert [(p.labels, p.score) for doc in docs for p in read_pairs(doc)] == [(("entails",), 1.0), ((), 0.0)]
    assert [sent.text for sent in docs[0].sents] == ["Is it flu?", "I ache. \u241e", "What is flu?"]
    assert not audit.changes


@pytest.mark.parametrize(
    ("broken", "reason", "line"),
    [
        (pair(value="maybe"), "value", 8),
        (pair(second=""), "empty", 8),
        (pair(first="\u241e"), "U+241E", 8),
        (pair(second="<b>bold</b>"), "exactly one", 8),
        (pair("Tea & cake?"), "broken XML", 10),
        (pair("Is 3 < 4?"), "broken XML", 10),
        ('<pair pid="1" value="true">\n<chq>One?</chq>\n', "broken XML", 10),
        ('<pair pid="1" value="true">\n<chq>One?</chq>\n</pair>\n', "exactly one", 8),
        ('<pair pid="1" value=true>\n<chq>One?</chq>\n</pair>\n', "broken XML", 8),
    ],
)
def test_broken_pair_is_the_only_loss(run, write, broken, reason, line):
    path = write("a.xml", xml(pair(), broken, pair("After?")).replace("<R>\n", "<R>", 1))
    with pytest.raises(MedmtlError) as error:
        run("rqe", path, on_error="stop")
    assert f"a.xml, line {line}: " in str(error.value)
    assert reason in str(error.value)
    docs, audit = run("rqe", path)
    assert [texts_of(doc)[0] for doc in docs] == ["Is it flu? I ache.", "After?"]
    assert [change.line for change in audit.changes] == [line]


def test_truncated_file(run, write):
    docs, audit = run("rqe", write("a.xml", xml(pair(), pair())[:-40]))
    assert len(docs) == 1
    assert len(audit.changes) == 1


def test_document_type_is_refused(run, write):
    bomb = '<!DOCTYPE R [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n'
    with pytest.raises(MedmtlError, match="document type"):
        run("rqe", write("a.xml", xml(pair("&b;"), head=bomb)), on_error="stop")
    docs, audit = run("rqe", write("b.xml", xml(pair("&b;"), pair(), head=bomb)))
    assert docs == []
    assert [change.line for change in audit.changes] == [1]


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02",
        b"plain text\nof two lines",
        b'<?xml version="1.0" encoding="no-such"?><R></R>',
        b"<R><pair value='true'><chq>\xff</chq></pair></R>",
        b"<pair",
    ],
)
def test_what_is_no_xml_is_a_coded_error(run, write, content):
    with pytest.raises(MedmtlError, match=r"E401.*line 1"):
        run("rqe", write("a.xml", content), on_error="stop")
    docs, audit = run("rqe", write("a.xml", content))
    assert docs == []
    assert audit.changes
