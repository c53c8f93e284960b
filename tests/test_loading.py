"""What loading a pipeline imports, beside spaCy and torch: every process that annotates pays for it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from spacy.language import Language
from toy import CASES, make_examples

# The entry points of other packages, which spaCy imports into every pipeline, are left out as if they were not there.
SCRIPT = """
import json, sys
import catalogue
find = catalogue.Registry._get_entry_points
others = ("spacy_transformers", "edsnlp")
catalogue.Registry._get_entry_points = lambda one: [p for p in find(one) if not p.value.startswith(others)]
import spacy
import torch
before = set(sys.modules)
nlp = spacy.load(sys.argv[1])
assert len(nlp("no fever .").spans) == 4
print(json.dumps(sorted(set(sys.modules) - before)))
"""
NEEDED = {"spacy_medmtl", "safetensors", "tokenizers"}
NOT_NEEDED = ("spacy_medmtl.cli", "spacy_medmtl.corpora", "spacy_medmtl.lab", "spacy_medmtl.notes", "torch._dynamo")


def test_loading_and_annotating_imports_what_it_needs(make_nlp: Callable[..., Language], tmp_path: Path):
    nlp = make_nlp(*(case.factory for case in CASES))
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "model")
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path / "model")]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()[-1])
    known = {*NEEDED, *sys.stdlib_module_names, "spacy", "thinc", "torch"}
    assert sorted({name.partition(".")[0] for name in found} - known) == []
    assert [name for name in found if name.startswith(NOT_NEEDED)] == []
