"""Protected health information in XML. All texts and names are invented."""

import pytest
from entity_docs import entities, losses
from restricted_files import tag, tagged

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

TEXT = "\n\nRecord date: 2077-05-06\n\nAnn Oak, a 97yo baker of Lower\nFoobury. Call 555-0100. <A> & B.\n"


def phi(name, kind, words, **attributes):
    return tag(name, words, TEXT, **{"id": "P0", "TYPE": kind, "comment": "", **attributes})


TAGS = [
    phi("DATE", "DATE", "2077-05-06"),
    phi("NAME", "PATIENT", "Ann Oak"),
    phi("AGE", "AGE", "97"),
    phi("PROFESSION", "PROFESSION", "baker"),
    phi("LOCATION", "CITY", "Lower\nFoobury"),
    phi("CONTACT", "PHONE", "555-0100"),
    phi("LOCATION", "LOCATION-OTHER", "B"),
]


def test_i2b2_2014(run, write):
    (doc,), audit = run("i2b2_2014", write("220-03.xml", tagged(TEXT, *TAGS)), on_error="stop")
    assert doc.text == TEXT
    assert entities(doc) == [
        ("2077-05-06", "DATE"),
        ("Ann Oak", "PATIENT"),
        ("97yo", "AGE"),  # the tokenizer has no edge after the number
        ("baker", "PROFESSION"),
        ("Lower\nFoobury", "CITY"),
        ("555-0100", "PHONE"),
        ("B.", "LOCATION-OTHER"),
    ]
    assert [(change.outcome, change.line) for change in audit.changes] == [("expanded", 13), ("expanded", 18)]
    assert len(doc.spans[ENTITIES].attrs["annotated_labels"]) == 31
    assert split_key(doc) == "220"
    assert next(sentence.text.strip() for sentence in doc.sents).endswith("Foobury.")


def test_escaped_text_outside_of_cdata(run, write):
    content = tagged(TEXT, *TAGS).replace(f"<![CDATA[{TEXT}]]>", TEXT.replace("<A> & B", "&lt;A> &#38; B"))
    (doc,), audit = run("i2b2_2014", write("220-03.xml", content), on_error="stop")
    assert doc.text == TEXT
    assert audit.notes["bare '&' in XML read as '&amp;'"] == 0


def test_other_elements_below_the_root_are_passed_over(run, write):
    content = tagged(TEXT, *TAGS).replace("<TAGS>", "<META><TAG>none</TAG></META>\n<TAGS>")
    (doc,), _ = run("i2b2_2014", write("220-03.xml", content), on_error="stop")
    assert doc.text == TEXT
    assert len(doc.spans[ENTITIES]) == 7


def test_records_of_a_patient_stay_together(run, write):
    paths = [write(name, tagged(TEXT, *TAGS)) for name in ("220-01.xml", "220-02.xml", "9-01.xml")]
    docs, _ = run("i2b2_2014", *paths, on_error="stop")
    assert [split_key(doc) for doc in docs] == ["220", "220", "9"]


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (phi("NAME", "SECRET", "Ann Oak"), "unknown label"),
        (phi("NAME", "PATIENT", "Ann Oak", start="3"), "do not give the words"),
        (phi("NAME", "PATIENT", "Ann Oak", text="Secret"), "do not give the words"),
        ('<NAME id="P1" TYPE="PATIENT" />\n', "do not give the words"),
    ],
)
def test_malformed_element(run, write, element, reason):
    path = write("220-03.xml", tagged(TEXT, TAGS[2], element))
    with pytest.raises(MedmtlError, match=f"E401.*220-03.xml, line 12: .*{reason}") as error:
        run("i2b2_2014", path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "").lower()
    (doc,), audit = run("i2b2_2014", path)
    assert entities(doc) == [("97yo", "AGE")]
    assert losses(audit) == [("220-03.xml", 12, ENTITIES)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_a_text_in_utf_16_is_kept_to_the_character(run, write, encoding):
    """Its bare "&" was mended as a byte, which made two other characters of it."""
    content = tagged(TEXT, *TAGS).partition("?>")[2].lstrip()
    (doc,), _ = run("i2b2_2014", write("220-03.xml", content.encode(encoding)), on_error="stop")
    assert doc.text == TEXT
    assert len(entities(doc)) == len(TAGS)


def test_names_of_elements_and_attributes_in_any_case(run, write):
    content = tagged(TEXT, *(row.replace("TYPE=", "type=").replace("start=", "START=") for row in TAGS))
    (doc,), _ = run("i2b2_2014", write("220-03.xml", content), on_error="stop")
    assert len(entities(doc)) == len(TAGS)


def test_a_tag_that_does_not_repeat_its_words(run, write):
    at = TEXT.index("Ann Oak")
    row = f'<NAME start="{at}" end="{at + 7}" TYPE="PATIENT" />\n'
    (doc,), _ = run("i2b2_2014", write("220-03.xml", tagged(TEXT, row)), on_error="stop")
    assert entities(doc) == [("Ann Oak", "PATIENT")]


def test_an_empty_text_without_tags_is_a_note(run, write):
    docs, audit = run("i2b2_2014", write("220-03.xml", tagged("\n")), on_error="stop")
    assert docs == []
    assert audit.notes["empty texts, left out"] == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\n", "an empty file"),
        (b'EVENT="x" 1:2', "no XML"),
        (b"<a><TEXT>caf\xe9</TEXT></a>", "name it by '--encoding'"),
    ],
)
def test_the_cause_is_named_and_what_to_do(run, write, content, reason):
    with pytest.raises(MedmtlError, match=reason):
        run("i2b2_2014", write("220-03.xml", content), on_error="stop")
