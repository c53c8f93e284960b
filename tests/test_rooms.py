"""How the package stands: which file imports which, how long files are, and what loading a pipeline brings in."""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from toy import CASES, make_examples

import spacy_medmtl

PACKAGE = Path(spacy_medmtl.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
# Other packages' factories, which spaCy imports into every pipeline, are left out as if they were not installed.
LOAD = """
import sys
import catalogue
find = catalogue.Registry._get_entry_points
others = ("spacy_transformers", "edsnlp")
catalogue.Registry._get_entry_points = lambda self: [p for p in find(self) if not p.value.startswith(others)]
import spacy
nlp = spacy.load(sys.argv[1])
assert len(nlp("no fever .").spans) == 4
unwanted = ("transformers", "matplotlib", "spacy_medmtl.corpora", "spacy_medmtl.lab")
print([name for name in sys.modules if name.startswith(unwanted)])
"""


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported(name: str) -> set[str]:
    """The modules of this package that a module imports: at its top, inside functions, and for types alone."""
    path, targets = MODULES[name], set()
    folder = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            targets |= {
                f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in MODULES else origin for alias in node.names
            }
    return {target for target in targets if target in MODULES} - {name}


IMPORTS = {name: imported(name) for name in MODULES}


def test_imports_are_seen_wherever_they_stand():
    assert "spacy_medmtl.encoder.encoding" in IMPORTS["spacy_medmtl.encoder.pipe"]  # for types alone
    assert "spacy_medmtl.encoder.model" in IMPORTS["spacy_medmtl.encoder.pipe"]  # inside a method
    assert "spacy_medmtl.errors" in IMPORTS["spacy_medmtl.encoder.views.viewer"]  # two folders up


def test_no_files_import_one_another_in_a_circle():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_corpora_need_annotations_and_errors_alone():
    allowed = tuple(f"spacy_medmtl.{room}" for room in ("corpora", "annotations", "errors"))
    targets = {target for name in MODULES if name.startswith("spacy_medmtl.corpora") for target in IMPORTS[name]}
    assert {target for target in targets if not target.startswith(allowed)} == set()


def test_no_class_name_stands_twice():
    trees = (ast.parse(path.read_text(encoding="utf8")) for path in FILES)
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_is_long():
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf8").splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_loading_and_annotating_imports_neither_transformers_nor_converters_nor_the_lab(make_nlp, tmp_path):
    nlp = make_nlp(*(case.factory for case in CASES))
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "model")
    command = [sys.executable, "-c", LOAD, str(tmp_path / "model")]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip() == "[]"
