"""Values of findings and relations after a Doc was copied, joined, filtered and stored: right, or not known."""

import json
import pickle
import warnings

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from work import lines_run

from spacy_medmtl.annotations.extensions import install_extensions
from spacy_medmtl.annotations.groups import FINDINGS, RELATIONS, group_values, write_group
from spacy_medmtl.annotations.relations import JudgedPair, read_pairs, write_relations
from spacy_medmtl.annotations.travelling import keep_pairs, keep_values, value_of
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

VALUES = ("assertion", "assertion_modifiers", "assertion_scores")
# (start, end, type, status, modifiers); two types have the same bounds
FOUND = [
    (1, 2, "SIGN", "negative", []),
    (3, 5, "SIGN", "positive", ["historical"]),
    (3, 5, "PAIN", "unknown", []),
    (7, 8, "SIGN", "positive", []),
]
PAIRS = [
    ((1, 2), (3, 5), ("BEFORE",), 0.9),
    ((1, 2), (3, 5), ("WITH",), 0.6),
    ((1, 2), (7, 8), ("AFTER",), 0.8),
    ((3, 5), (7, 8), ("BEFORE",), 0.7),
]
NLP = spacy.blank("en")


def annotated(text="no fever but chest pain since last year"):
    """A Doc as the components write it."""
    install_extensions()
    doc = NLP(text)
    spans = [Span(doc, start, end, label=label) for start, end, label, *_ in FOUND]
    scores = [{"positive": 0.1, "negative": 0.9, "historical": 0.2}] * len(FOUND)
    columns = {"assertion": [f[3] for f in FOUND], "assertion_modifiers": [f[4] for f in FOUND]}
    write_group(doc, FINDINGS, spans, **columns, assertion_scores=scores)
    keep_values(doc, FINDINGS, VALUES)
    pairs = [JudgedPair(head, tail, labels, score, ("SIGN", "SIGN")) for head, tail, labels, score in PAIRS]
    write_relations(doc, pairs)
    keep_pairs(doc, RELATIONS, [pair.labels for pair in pairs], [pair.score for pair in pairs])
    return doc


def statuses(doc):
    return [(span.text, span.label_, span._.assertion) for span in doc.spans[FINDINGS]]


def relations(doc):
    return [(r.head.text, r.tail.text, r.label, round(r.score, 3)) for r in doc._.relations]


WHOLE = annotated()
STATUSES, RELATED = statuses(WHOLE), relations(WHOLE)


def stored(doc, **settings):
    return next(DocBin(docs=[doc], **settings).get_docs(NLP.vocab))


def test_values_are_those_that_were_written():
    assert [status for *_, status in STATUSES] == ["negative", "positive", "unknown", "positive"]
    assert [label for _, _, label, _ in RELATED] == ["BEFORE", "WITH", "AFTER", "BEFORE"]


COPIES = {
    "copy": Doc.copy,
    "bytes": lambda doc: Doc(NLP.vocab).from_bytes(doc.to_bytes()),
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),
    "DocBin": stored,
    "DocBin with user data": lambda doc: stored(doc, store_user_data=True),
    "joined alone": lambda doc: Doc.from_docs([doc]),
    "joined, then copied": lambda doc: Doc.from_docs([doc]).copy(),
    "joined, then stored": lambda doc: stored(Doc.from_docs([doc]), store_user_data=True),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_say_the_same(way):
    doc = COPIES[way](annotated())
    assert statuses(doc) == STATUSES
    assert relations(doc) == RELATED
    assert doc[3:5]._.is_historical is True
    assert doc[1:2]._.assertion_scores["negative"] == pytest.approx(0.9)


def test_joined_docs_keep_the_values_of_each():
    doc = Doc.from_docs([annotated(), NLP("nothing here ."), annotated()])
    assert statuses(doc) == STATUSES * 2
    assert relations(doc) == RELATED * 2
    assert {r.head.start for r in doc._.relations} == {1, 3, 12, 14}


@pytest.mark.parametrize("numbers", [[3], [0, 2], [3, 1, 0], []])
def test_some_spans_of_a_group_keep_their_values(numbers):
    doc = annotated()
    spans = list(doc.spans[FINDINGS])
    doc.spans[FINDINGS] = [spans[i] for i in numbers]
    assert statuses(doc) == [STATUSES[i] for i in numbers]


def test_spans_replaced_in_place_do_not_get_the_values_of_those_that_were_there():
    for doc in (annotated(), stored(annotated())):
        spans = list(doc.spans[FINDINGS])
        doc.spans[FINDINGS][0] = spans[3]  # as many as before
        doc.spans[FINDINGS][3] = Span(doc, 5, 6, label="SIGN")
        assert statuses(doc) == [STATUSES[3], *STATUSES[1:3], ("since", "SIGN", None)]


def test_an_added_span_has_no_status_and_the_others_have_theirs():
    doc = annotated()
    doc.spans[FINDINGS].append(Span(doc, 5, 6, label="SIGN"))
    assert statuses(doc) == [*STATUSES, ("since", "SIGN", None)]
    since = doc[5:6]
    assert (since._.is_negated, since._.is_positive, since._.is_historical, since._.assertion_scores) == (
        None,
        False,
        None,
        None,
    )


def test_what_came_through_json_is_not_known_and_never_positive():
    with_values = annotated()
    doc = Doc(NLP.vocab).from_json(with_values.to_json())
    assert [status for *_, status in statuses(doc)] == [None] * len(FOUND)
    assert not any(span._.is_positive for span in doc.spans[FINDINGS])
    with pytest.warns(MedmtlWarning, match=f"W205.*'{RELATIONS}'"):
        assert doc._.relations == []


def test_json_keeps_the_values_of_groups_that_are_named():
    keys = [FINDINGS, RELATIONS]
    data = json.loads(json.dumps(annotated().to_json(underscore=keys)))
    for key in keys:  # Doc.from_json would, and leaves out what an extension needs
        Span.set_extension(key, default=None)
    doc = Doc(NLP.vocab).from_json(data)
    assert statuses(doc) == STATUSES
    assert relations(doc) == RELATED
    for key in keys:
        Span.remove_extension(key)


def test_a_part_as_a_doc_of_its_own_has_no_groups_and_reads_as_unknown():
    doc = annotated()[3:8].as_doc(copy_user_data=True)
    assert doc[0:2]._.assertion is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert doc._.relations == []


def test_values_that_are_edited_in_place_count():
    doc = annotated()
    doc.spans[FINDINGS].attrs["assertion"][0] = "unknown"
    assert doc[1:2]._.assertion == "unknown"


@pytest.mark.parametrize("number", [0, 1, 3, -1, -4])
def test_a_span_that_is_deleted_goes_with_its_values(number):
    """spaCy's own group takes out the span before it."""
    doc = annotated()
    del doc.spans[FINDINGS][number]
    assert statuses(doc) == [found for i, found in enumerate(STATUSES) if i != number % len(STATUSES)]
    assert {len(entries) for entries in doc.spans[FINDINGS].attrs.values()} == {len(STATUSES) - 1}
    with pytest.raises(IndexError):
        del doc.spans[FINDINGS][len(STATUSES)]


def test_a_span_of_a_pair_that_is_deleted_leaves_the_other_pairs():
    doc = annotated()
    del doc.spans[RELATIONS][7]
    with pytest.warns(MedmtlWarning, match="W205"):
        assert relations(doc) == RELATED[:3]


AFTER_EDITS = {
    "filtered": lambda doc: (
        doc.spans.update({FINDINGS: [span for span in doc.spans[FINDINGS] if len(span) < 9]}) or doc
    ),
    "joined": lambda doc: Doc.from_docs([doc]),
    "copied, then joined": lambda doc: Doc.from_docs([doc.copy()]),
    "stored": lambda doc: stored(doc, store_user_data=True),
}


@pytest.mark.parametrize("way", AFTER_EDITS)
def test_a_correction_is_not_undone(way):
    """What is corrected in the lists, or assigned, holds after spaCy has dropped the lists."""
    doc = annotated()
    doc.spans[FINDINGS].attrs["assertion"][0] = "unknown"
    doc.spans[FINDINGS].attrs["assertion"][3] = None
    doc.spans[FINDINGS][1]._.assertion = "negative"
    if way == "copied, then joined":  # a plain group cannot tell who edits it
        list(doc.spans[FINDINGS])
    assert [status for *_, status in statuses(AFTER_EDITS[way](doc))] == ["unknown", "negative", "unknown", None]


def test_an_assigned_status_is_in_the_group_and_of_a_known_kind():
    doc = annotated()
    fever = doc[1:2]
    fever._.assertion = "positive"
    assert doc.spans[FINDINGS].attrs["assertion"][0] == "positive"
    assert (fever._.is_positive, fever._.is_negated) == (True, False)
    doc[3:5]._.assertion = "negative"  # no label says which of the two
    assert [status for *_, status in statuses(doc)] == ["positive", "negative", "negative", "positive"]
    with pytest.raises(MedmtlError, match="E105.*'int'"):
        fever._.assertion = 3
    joined = Doc.from_docs([doc, annotated()])
    joined[1:2]._.assertion = None
    assert statuses(joined)[0] == ("fever", "SIGN", None)
    assert statuses(joined)[4:] == STATUSES


def test_a_span_that_is_labelled_anew_keeps_its_status_and_no_score():
    for doc in (annotated(), Doc.from_docs([annotated()]), stored(annotated())):
        spans = [Span(doc, span.start, span.end, label="OTHER") for span in doc.spans[FINDINGS]]
        doc.spans[FINDINGS][0] = spans[0]
        assert statuses(doc) == [("fever", "OTHER", "negative"), *STATUSES[1:]]
        assert value_of(doc, FINDINGS, 0, "scores") is None
        doc.spans[FINDINGS][1] = spans[1]  # of two findings with these bounds, nothing says which
        assert statuses(doc)[1] == ("chest pain", "OTHER", None)


def test_what_was_filtered_or_joined_is_read_as_gold():
    """To learn from what somebody has corrected, or to score it."""
    for doc in (Doc.from_docs([annotated(), annotated()]), annotated()):
        for key, number in ((FINDINGS, 0), (RELATIONS, slice(2, 4))):
            spans = list(doc.spans[key])
            del spans[number]
            doc.spans[key] = spans
        assert group_values(doc, FINDINGS, "assertion")[:3] == ["positive", "unknown", "positive"]
        assert group_values(doc, FINDINGS, "assertion_modifiers")[0] == ["historical"]
        assert [pair.labels for pair in read_pairs(doc)][:3] == [("BEFORE",), ("AFTER",), ("BEFORE",)]
    doc.spans[FINDINGS].append(doc[6:7])
    doc.spans[RELATIONS].append(doc[6:7])
    assert group_values(doc, FINDINGS, "assertion") == []  # not known of all
    with pytest.raises(MedmtlError, match="E103"):
        read_pairs(doc)


def test_writing_again_forgets_what_was():
    doc = annotated()
    write_group(doc, FINDINGS, [Span(doc, 1, 2, label="SIGN")], assertion=["positive"])
    keep_values(doc, FINDINGS, ["assertion"])
    doc.spans[FINDINGS] = [*doc.spans[FINDINGS], Span(doc, 3, 5, label="SIGN")]
    assert statuses(doc) == [("fever", "SIGN", "positive"), ("chest pain", "SIGN", None)]


def test_pairs_that_are_kept_keep_their_labels():
    doc = annotated()
    spans = list(doc.spans[RELATIONS])
    doc.spans[RELATIONS] = [*spans[4:6], *spans[0:2]]
    assert relations(doc) == [RELATED[2], RELATED[0]]


def test_half_a_pair_is_said_and_breaks_nothing():
    doc = annotated()
    spans = list(doc.spans[RELATIONS])
    doc.spans[RELATIONS] = spans[1:]
    with pytest.warns(MedmtlWarning, match="W205"):
        assert relations(doc) == []
    doc.spans[RELATIONS] = spans[:5]
    with pytest.warns(MedmtlWarning, match="W205"):
        assert relations(doc) == RELATED[:2]


def test_a_group_that_others_wrote_is_read_by_its_lists_alone():
    """As converters and 0.1.0 do: as many entries as spans, or nothing is known."""
    doc = annotated()
    bare = NLP("no fever but chest pain")
    write_group(bare, FINDINGS, [Span(bare, 1, 2, label="SIGN"), bare[3:5]], assertion=["negative", "positive"])
    assert [span._.assertion for span in bare.spans[FINDINGS]] == ["negative", "positive"]
    bare.spans[FINDINGS].append(bare[0:1])
    assert [span._.assertion for span in bare.spans[FINDINGS]] == [None] * 3
    doc.spans[RELATIONS].attrs["scores"] = [1.0]
    del doc.spans[RELATIONS].attrs["places"]
    assert relations(doc) == RELATED  # by what stands in user_data


@pytest.mark.parametrize("entries", [None, 3, "text", {}, [], [[["a"]]]])
def test_attrs_that_are_no_lists_of_values_are_as_if_absent(entries):
    """What ``user_data`` notes is read instead."""
    doc = annotated()
    for key in (FINDINGS, RELATIONS):
        for name in doc.spans[key].attrs:
            doc.spans[key].attrs[name] = entries
    assert (statuses(doc), relations(doc)) == (STATUSES, RELATED)
    only_places = annotated()
    only_places.spans[FINDINGS].attrs["places"] = [entries] * len(FOUND)
    assert statuses(only_places) == STATUSES


def test_errors_survive_pickling_and_copying():
    import copy

    error = MedmtlError("E104", name="scores", key="key", received=1, expected=2)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(twin), str(twin), twin.code, twin.values) == (MedmtlError, str(error), "E104", error.values)


def test_one_long_document_is_read_in_linear_time():
    """Eight times as many findings: eight times the work, not sixty-four."""

    def work(n_findings: int) -> int:
        doc = Doc(spacy.blank("en").vocab, words=["fever"] * n_findings)
        write_group(
            doc, FINDINGS, [Span(doc, i, i + 1, label="SIGN") for i in range(n_findings)], scores=[0.5] * n_findings
        )
        keep_values(doc, FINDINGS, ["scores"])
        read: list[float] = []
        n_lines = lines_run(lambda: read.extend(value_of(doc, FINDINGS, i, "scores") for i in range(n_findings)))
        assert read == [0.5] * n_findings
        return n_lines

    assert 7.5 < work(1_600) / work(200) < 8.5


def test_the_values_of_all_findings_are_asked_for_in_linear_time():
    """As in ``for finding in doc.spans[...]: finding._.assertion``; what is asked of no finding as well."""
    install_extensions()

    def work(n_findings: int) -> int:
        doc = Doc(spacy.blank("en").vocab, words=["fever"] * (2 * n_findings))
        spans = [Span(doc, 2 * i, 2 * i + 1, label="SIGN") for i in range(n_findings)]
        write_group(doc, FINDINGS, spans, assertion=["negative"] * n_findings)
        keep_values(doc, FINDINGS, ["assertion"])
        said: list[str | None] = []
        n_lines = lines_run(lambda: said.extend(doc[i : i + 1]._.assertion for i in range(len(doc))))
        assert said == ["negative", None] * n_findings
        return n_lines

    assert work(800) / work(100) < 8.5


@pytest.mark.parametrize("change", ["append", "extend", "add", "set", "delete", "split"])
def test_a_span_is_looked_up_in_what_the_group_is_now(change: str):
    install_extensions()
    doc = Doc(spacy.blank("en").vocab, words="no fever and some cough".split())
    group = write_group(doc, FINDINGS, [Span(doc, 1, 2, label="SIGN")], assertion=["negative"])
    keep_values(doc, FINDINGS, ["assertion"])
    assert (doc[1:2]._.assertion, doc[4:5]._.assertion) == ("negative", None)
    cough = Span(doc, 4, 5, label="SIGN")
    if change == "append":
        group.append(cough)
    elif change == "extend":
        group.extend([cough])
    elif change == "add":
        group += [cough]
    elif change == "set":
        group[0] = cough
    elif change == "delete":
        del group[0]
    else:
        with doc.retokenize() as retokenizer:
            retokenizer.merge(doc[0:2])
            retokenizer.split(doc[4], ["cou", "gh"], heads=[doc[3], doc[3]])
        assert (len(doc), doc[0:1]._.assertion, doc[1:2]._.assertion) == (5, "negative", None)
        return
    if change in ("append", "extend", "add"):
        doc[4:5]._.assertion = "positive"
        assert (doc[1:2]._.assertion, doc[4:5]._.assertion) == ("negative", "positive")
    else:
        assert doc[1:2]._.assertion is None
