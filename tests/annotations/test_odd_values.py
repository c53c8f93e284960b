"""Anything may stand in a group's attrs and in ``user_data``: what is read is right, or not known, or a coded error."""

import copy
import math
import warnings
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from test_travelling_values import NLP, PAIRS, annotated, relations

from spacy_medmtl.annotations.extensions import MODIFIERS
from spacy_medmtl.annotations.groups import FINDINGS, INTENTS, RELATIONS, TURNS, group_values, judges, write_group
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.annotations.rows import doc_rows
from spacy_medmtl.displacy import render
from spacy_medmtl.errors import MedmtlError

KEYS = (FINDINGS, RELATIONS, INTENTS, TURNS)
INTENDED = "DENIAL"
# nothing of this is a status, a list of modifiers or labels, a probability, a place or a speaker
ODD = st.one_of(
    st.sampled_from([None, True, False, -1, 7, 10**400, -0.5, 2.5, math.nan, math.inf, b"\xff", "", " ", (), {}]),
    st.sampled_from([[None], [""], [math.nan], [[["x"]]], {"negative": math.nan}, {"negative": "0.9"}, {1: 0.5}]),
    st.sampled_from([{"negative": 10**400}, [1, 2], [-1, 10**30, "SIGN"], [math.nan, 2, "SIGN"], {"assertion": 3}]),
)


def whole():
    """A Doc with findings, relations, an intent and a turn."""
    doc = annotated()
    write_group(doc, INTENTS, [doc[0:8]], scores=[0.75])
    doc.spans[INTENTS][0] = doc.char_span(0, len(doc.text), label=INTENDED)
    write_group(doc, TURNS, [doc[0:8]], speakers=["D"])
    return doc


WHOLE = whole()
RELATED = relations(WHOLE)


def everything(doc):
    """What the getters say of each finding."""
    return [
        {
            "assertion": span._.assertion,
            "scores": span._.assertion_scores,
            "negated": span._.is_negated,
            **{name: getattr(span._, f"is_{name}") for name in MODIFIERS},
        }
        for span in doc.spans[FINDINGS]
    ]


RIGHT = everything(WHOLE)


@st.composite
def changes(draw):
    """(what is changed, how): a value in place of all entries, or of one; entries too many, twice, or too few; or
    what ``user_data`` has."""
    key = draw(st.sampled_from(KEYS))
    names = [*WHOLE.spans[key].attrs, "negated", "assertions"]  # the last two: of some other version
    name, odd, number = draw(st.sampled_from(names)), copy.deepcopy(draw(ODD)), draw(st.integers(0, 7))
    return (
        draw(st.sampled_from([replaced, one_replaced, added, doubled, shortened, noted, noted_within])),
        key,
        name,
        odd,
        number,
    )


def replaced(doc, key, name, odd, number):
    doc.spans[key].attrs[name] = odd


def one_replaced(doc, key, name, odd, number):
    entries = doc.spans[key].attrs.get(name)
    if isinstance(entries, list) and entries:
        entries[number % len(entries)] = odd


def added(doc, key, name, odd, number):
    entries = doc.spans[key].attrs.get(name)
    if isinstance(entries, list):
        entries.append(odd)


def doubled(doc, key, name, odd, number):
    entries = doc.spans[key].attrs.get(name)
    if isinstance(entries, list) and entries:
        entries.append(entries[number % len(entries)])


def shortened(doc, key, name, odd, number):
    entries = doc.spans[key].attrs.get(name)
    if isinstance(entries, list) and entries:
        entries.pop()


def noted(doc, key, name, odd, number):
    ours = [entry for entry in doc.user_data if entry[1] == key]
    if ours:
        doc.user_data[ours[number % len(ours)]] = odd


def noted_within(doc, key, name, odd, number):
    values = [value for entry, value in doc.user_data.items() if entry[1] == key]
    if values:
        value = values[number % len(values)]
        if isinstance(value, dict) and value:
            value[next(iter(value))] = odd
        elif isinstance(value, list) and value:
            value[0] = odd


def stored(doc):
    try:
        data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    except (OverflowError, ValueError, TypeError):  # numbers that no file can hold
        return doc
    return next(DocBin().from_bytes(data).get_docs(NLP.vocab))


WAYS = {"as it is": lambda doc: doc, "copied": Doc.copy, "stored": stored, "joined": lambda doc: Doc.from_docs([doc])}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40, deadline=None)
@given(made=st.lists(changes(), min_size=1, max_size=3))
def test_what_is_read_is_right_or_not_known(way, made):
    doc = whole()
    for change, *place in made:
        change(doc, *place)
    doc = WAYS[way](doc)
    for said, right in zip(everything(doc), RIGHT, strict=True):
        for name, value in said.items():
            assert value is None or value == right[name], name
    assert doc[0:8]._.intent in (INTENDED, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # W205 says that pairs are not known any more
        assert set(relations(doc)) <= set(RELATED)
        for call in (lambda: doc_rows(doc, ""), lambda: render(doc, jupyter=False), lambda: read_pairs(doc)):
            with suppress(MedmtlError):
                call()


@settings(max_examples=40, deadline=None)
@given(change=changes())
def test_rows_say_what_the_getters_say(change):
    doc = whole()
    change[0](doc, *change[1:])
    try:
        findings = doc_rows(doc, "")["findings"]
    except MedmtlError:
        return
    assert [row["negated"] for row in findings] == [said["negated"] for said in everything(doc)]


@pytest.mark.parametrize("entries", [3, "text", {"D": 1}, [3], [["D"]]])
def test_odd_lists_that_training_reads_are_coded_errors(entries):
    doc = whole()
    doc.spans[TURNS].attrs["speakers"] = entries
    with pytest.raises(MedmtlError, match="E105.*'speakers'.*'medmtl_turns'"):
        group_values(doc, TURNS, "speakers")
    doc.spans[FINDINGS].attrs["annotated_labels"] = 3
    with pytest.raises(MedmtlError, match="E105.*'annotated_labels'.*'int'"):
        judges(doc, FINDINGS)


def test_a_finding_that_contradicts_itself_is_not_known():
    doc = whole()
    attrs = doc.spans[FINDINGS].attrs
    doc.spans[FINDINGS].append(doc.spans[FINDINGS][0])
    for name in attrs:
        attrs[name].append(attrs[name][0])
    assert doc.spans[FINDINGS][0]._.is_negated is True
    attrs["assertion"][-1] = "positive"
    del attrs["places"]
    for entry in [entry for entry in doc.user_data if entry[1] == FINDINGS]:
        del doc.user_data[entry]
    assert doc.spans[FINDINGS][0]._.assertion is None
    assert doc.spans[FINDINGS][0]._.is_negated is None


@pytest.mark.parametrize("status", ["absent", "Negative", "negated", "no"])
def test_another_tools_word_for_negative_is_not_taken_for_not_negated(status):
    doc = whole()
    doc.spans[FINDINGS].attrs["assertion"][0] = status
    assert doc.spans[FINDINGS][0]._.assertion == status
    assert doc.spans[FINDINGS][0]._.is_negated is None
    assert doc_rows(doc, "")["findings"][0]["negated"] is None


def test_pairs_are_as_many_as_were_written():
    assert len(RELATED) == len(PAIRS)
