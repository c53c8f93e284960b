"""The texts of the bundled sample corpus keep their guide."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from spacy.util import load_config

from spacy_medmtl.annotations.groups import SEPARATOR
from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.public.sample_markup import MarkedSentence, parse_lines

SAMPLE = Path(__file__).parents[2] / "assets" / "sample"
PARTS = ("train", "dev", "test")
SHORTEST = 6  # words: shorter sentences ("Will it leave a scar?") may well be said by two people


def sentences(part: str) -> Iterator[MarkedSentence]:
    for path in sorted((SAMPLE / part).glob("*.txt")):
        lines = enumerate(path.read_text(encoding="utf8").split("\n"), 1)
        yield from (item for _, item in parse_lines(lines, Audit()) if item is not None)


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_lost_and_no_edge_lies_inside_a_token(run, part):
    docs, audit = run("sample", *sorted((SAMPLE / part).glob("*.txt")), on_error="stop")
    assert docs
    assert not audit.changes


def test_the_splitter_of_the_config_finds_the_annotated_sentences(run):
    """Heads train on annotated sentences and predict on those of the splitter: they are to be the same ones."""
    config = load_config(SAMPLE.parents[1] / "configs" / "en_medmtl.cfg", interpolate=False)
    settings = dict(config["components"][config["nlp"]["pipeline"][0]])
    nlp = spacy.blank("en")
    nlp.add_pipe(settings.pop("factory"), config=settings)
    docs, _ = run("sample", *sorted((SAMPLE / "dev").glob("*.txt")))
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs if SEPARATOR not in doc.text]
    assert nlp.evaluate(examples)["sents_f"] > 0.999


def test_no_sentence_stands_in_two_parts():
    words = {part: {tuple(re.findall(r"\w+", one.text.lower())) for one in sentences(part)} for part in PARTS}
    for first, second in (("train", "dev"), ("train", "test"), ("dev", "test")):
        both = words[first] & words[second]
        assert not [one for one in both if len(one) >= SHORTEST], (first, second)


def test_training_texts_have_every_form_the_guide_tells():
    texts = list(sentences("train"))
    entities = [entity for one in texts for entity in one.entities]
    assert any(one.same_line for one in texts)
    assert any("[**" in one.text for one in texts)
    assert any("[ ]" in one.text for one in texts)
    assert any("|" in one.text for one in texts)
    assert any("\n" in one.text[slice(*entity.bounds)] for one in texts for entity in one.entities)
    assert {name for entity in entities for name, _ in entity.attributes} == {
        "assertion",
        "historical",
        "uncertain",
        "hypothetical",
        "family",
    }
