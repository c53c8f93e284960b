"""Notes that come back with their Docs, whatever components stand in the pipeline."""

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.util import ignore_error

from spacy_medmtl.annotations.rows import doc_rows
from spacy_medmtl.notes import annotating
from spacy_medmtl.notes.annotating import annotate_in_zones, annotate_notes
from spacy_medmtl.notes.part_outputs import docbin_output, parquet_output
from spacy_medmtl.notes.row_inputs import Note


def test_beside_a_component_that_takes_no_error_handler():
    """spaCy's ner in 3.8.18."""
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("SIGN")
    nlp.add_pipe("sentencizer")
    nlp.initialize()
    notes = [Note("a", "No fever. Some cough."), Note("b", None), Note("c", "Fine.")]
    annotated = list(annotate_notes(nlp, notes, batch_size=2))
    assert [note.id for note, _ in annotated] == ["a", "b", "c"]
    assert len(list(annotated[0][1].sents)) == 2
    assert annotated[1][1].code == "E519"


def test_the_error_handler_of_the_caller_stays():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.set_error_handler(ignore_error)
    assert len(list(annotate_notes(nlp, [Note("a", "A cough.")], batch_size=2))) == 1
    assert nlp.default_error_handler is ignore_error
    assert nlp.get_pipe("sentencizer").get_error_handler() is ignore_error


def test_a_stream_is_not_read_ahead():
    """Of an endless stream, no more than some batches are taken for the notes that came out."""
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield Note(str(taken), "A cough." if taken % 3 else None)

    results = annotate_notes(spacy.blank("en"), endless(), batch_size=4)
    ids = [next(results)[0].id for _ in range(100)]
    assert ids == [str(n) for n in range(1, 101)]
    assert taken < 120


@pytest.fixture
def ruled():
    """Each "cough" is an entity."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "SIGN", "pattern": "cough"}])
    return nlp


def numbered(first, after):
    """Notes with words that stand in no other, and one in seven without text."""
    return (Note(str(n), f"Visit {n}x. A cough since {n}y." if n % 7 else None) for n in range(first, after))


@pytest.mark.parametrize("n_process", [1, 2])
def test_memory_does_not_grow_with_new_words(ruled, monkeypatch, n_process):
    """Neither the strings nor the lexemes of the vocabulary; and rows are those without memory zones."""
    monkeypatch.setattr(annotating, "NOTES_IN_ZONE", 10)

    def rows(annotate, first, after):
        annotated = annotate(ruled, numbered(first, after), batch_size=4, n_process=n_process)
        return [(note.id, doc_rows(doc, note.id) if note.text else doc.code) for note, doc in annotated]

    before = rows(annotate_in_zones, 0, 25)
    known = set(ruled.vocab.strings), {lexeme.text for lexeme in ruled.vocab}  # its len counts those let go as well
    assert [note_id for note_id, _ in rows(annotate_in_zones, 25, 60)] == [str(n) for n in range(25, 60)]
    assert (set(ruled.vocab.strings), {lexeme.text for lexeme in ruled.vocab}) == known
    assert rows(annotate_notes, 0, 25) == before
    assert "24x" in ruled.vocab.strings, "this is what zones are for"


def test_a_zone_ends_with_a_run_that_is_broken_off(ruled):
    run = annotate_in_zones(ruled, numbered(1, 30), batch_size=4)
    next(run)
    assert ruled.vocab.in_memory_zone
    run.close()
    assert not ruled.vocab.in_memory_zone


def test_outputs_keep_no_doc_of_a_zone_that_has_ended(ruled, monkeypatch, tmp_path):
    """They write parts of hundreds of notes."""
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(annotating, "NOTES_IN_ZONE", 2)
    outputs = docbin_output(tmp_path / "x.spacy"), parquet_output(tmp_path / "x.parquet")
    for note, doc in annotate_in_zones(ruled, numbered(1, 7), batch_size=4):
        for output in outputs:
            output.write(note.id, doc)
    for output in outputs:
        output.finish()
    docs = list(DocBin().from_disk(tmp_path / "x.spacy").get_docs(spacy.blank("xx").vocab))
    assert [doc.text for doc in docs] == [note.text for note in numbered(1, 7)]
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == [[("cough", "SIGN")]] * 6
    rows = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    assert [row["text"] for row in rows if row["kind"] == "sentence"] == [
        sentence for n in range(1, 7) for sentence in (f"Visit {n}x.", f"A cough since {n}y.")
    ]
