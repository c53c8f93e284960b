"""The fast ways of ``docs`` against the plain ones."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_medmtl.annotations.groups import set_sentence_starts
from spacy_medmtl.corpora.audit import Audit, Place
from spacy_medmtl.corpora.spans import add_unless_there

PLACE = Place(Path("a.txt"), 1)


@given(n_words=st.integers(0, 12), starts=st.sets(st.integers(-2, 14)), earlier=st.sets(st.integers(0, 11)))
def test_sentence_starts_as_the_setter_of_a_token_sets_them(nlp, n_words, starts, earlier):
    fast, plain = (Doc(nlp.vocab, words=["w"] * n_words) for _ in range(2))
    set_sentence_starts(fast, earlier)
    set_sentence_starts(fast, starts)
    for token in plain:
        token.is_sent_start = token.i in {0, *starts}
    assert fast.to_bytes() == plain.to_bytes()
    assert [token.is_sent_start for token in fast] == [token.is_sent_start for token in plain]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from("XY")), max_size=12))
def test_spans_are_those_of_a_look_at_every_span(nlp, stretches):
    doc = Doc(nlp.vocab, words=["w"] * 6)
    audit, fast, plain = Audit(), {}, []
    for start, length, label in stretches:
        span = Span(doc, start, start + length, label)
        is_there = any((one.start, one.end, one.label) == (span.start, span.end, span.label) for one in plain)
        plain += [] if is_there else [span]
        assert add_unless_there(fast, span, "medmtl_ner", audit, PLACE) is not is_there
    assert [(one.start, one.end, one.label) for one in fast.values()] == [(o.start, o.end, o.label) for o in plain]
    assert len(audit.changes) == len(stretches) - len(plain)
