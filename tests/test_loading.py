"""What loading a pipeline imports: it costs every process that annotates."""

import subprocess
import sys

from toy import CASES, make_examples

# Other packages' factories, which spaCy imports into every pipeline, are left out as if they were not installed.
SCRIPT = """
import sys
import catalogue
find = catalogue.Registry._get_entry_points
others = ("spacy_transformers", "edsnlp")
catalogue.Registry._get_entry_points = lambda one: [p for p in find(one) if not p.value.startswith(others)]
import spacy
nlp = spacy.load(sys.argv[1])
assert len(nlp("no fever .").spans) == 4
print([name for name in ("transformers", "matplotlib", "spacy_medmtl.corpora.run") if name in sys.modules])
"""


def test_loading_and_annotating_imports_neither_transformers_nor_converters(make_nlp, tmp_path):
    nlp = make_nlp(*(case.factory for case in CASES))
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "model")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "model")]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip() == "[]"
