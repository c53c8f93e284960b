"""Notes that come back with their Docs, whatever components stand in the pipeline."""

import spacy

from spacy_medmtl.notes.annotating import annotate_notes
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
