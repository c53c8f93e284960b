"""A Doc that cannot be read costs nobody else of its batch anything; where memory is short, batches become smaller."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc

from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.errors import MedmtlError

BAD = "the left knee has pain ."
TEXTS = ["no fever .", "chest pain and cough . a fever .", BAD, "no cough . a fever . thanks .", BAD, "hello mother ."]
KEYS = ("medmtl_intents", "medmtl_relations", "medmtl_ner", "medmtl_findings")

Told = list[tuple[str, list[str], Exception]]


@pytest.fixture
def told(nlp: Language) -> Told:
    """What the error handler was told. The encoder reads "knee" as no number, so every Doc with it fails (E016)."""
    found: Told = []
    nlp.set_error_handler(lambda name, _, docs, error: found.append((name, [doc.text for doc in docs], error)))
    module = torch_shim(nlp.get_pipe("encoder").model).module
    with torch.no_grad():
        module.encoder.embeddings.words.weight[module.settings.wordpieces.of_text("knee")[0]] = float("nan")
    return found


def written(doc: Doc) -> dict[str, Any]:
    return {key: [(span.start, span.end, span.label_) for span in doc.spans[key]] for key in KEYS}


@pytest.mark.parametrize("batch_size", [1, 4, 128])
def test_only_the_bad_documents_are_lost(nlp: Language, told: Told, batch_size: int):
    good = [text for text in TEXTS if text != BAD]
    expected = [written(nlp(text)) for text in good]
    assert told == []
    docs = list(nlp.pipe(TEXTS, batch_size=batch_size))
    assert [doc.text for doc in docs] == good
    assert list(map(written, docs)) == expected
    assert [(name, texts) for name, texts, _ in told] == [("sentence_intent", [BAD])] * 2
    assert all(isinstance(error, MedmtlError) and error.code == "E016" for *_, error in told)


def test_one_at_a_time(nlp: Language, told: Told):
    """As in spaCy, ``nlp(text)`` gives the Doc back, without what failed."""
    doc = nlp(BAD)
    assert set(KEYS) & set(doc.spans) == {"medmtl_relations"}, "one sentence has no pairs to read"
    assert [(name, texts) for name, texts, _ in told] == [
        (name, [BAD]) for name in ("sentence_intent", "sru_nested_ner", "cpncf_assertion")
    ]


@pytest.mark.usefixtures("told")
def test_without_a_handler_the_error_is_raised(nlp: Language):
    nlp.set_error_handler(raise_error)
    with pytest.raises(MedmtlError, match="MEDMTL-E016"):
        list(nlp.pipe(TEXTS))


def raise_error(name: str, component: Any, docs: list[Doc], error: Exception) -> None:
    raise error


# The limit lies between what a Doc needs and what all of them need together; the last needs more than it alone.
SHORT_OF_MEMORY = """
import json, resource, sys, spacy
from pathlib import Path
encoder = {"batch_tokens": 10**6, "model": {"batch_pieces": 10**6}}
nlp = spacy.load(sys.argv[1], config={"components": {"encoder": encoder}})
nlp.select_pipes(enable=["sentencizer", "encoder", "sentence_intent"])
told = []
nlp.set_error_handler(lambda name, _, docs, error: told.append([name, len(docs), str(error)]))
sentence = "no chest pain and cough . "
docs = [nlp.make_doc(sentence * 60) for _ in range(60)] + [nlp.make_doc(sentence * 12000)]
nlp(sentence)
before = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (before + int(sys.argv[2]), -1))
found = [len(doc.spans["medmtl_intents"]) for doc in nlp.pipe(docs, batch_size=1000)]
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
print(json.dumps([found, told]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no limit of address space")
def test_where_memory_is_short_batches_are_halved(saved: Path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, "-c", SHORT_OF_MEMORY, str(saved), str(8 * 2**20)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found, told = json.loads(done.stdout.splitlines()[-1])
    assert found == [60] * 60
    [[name, n_docs, error]] = told
    assert (name, n_docs) == ("sentence_intent", 1)
    assert "MEDMTL-E019" in error
    assert "document 61 " in error
    assert "chest" not in error
