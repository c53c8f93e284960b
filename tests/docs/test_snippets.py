"""What the documentation shows runs: every Python block of a page, in order, and every command has its options."""

import re
import shlex
import shutil
import sys
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.cli._util import app as spacy_app
from spacy.tokens import Doc, Span
from toy import CASES, TEXTS, make_examples
from typer.testing import CliRunner

from spacy_medmtl.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {"adding_a_task.md"}  # tests/training/test_recipe_of_a_new_task.py runs it
NO_REFERENCE = ("console_scripts", "spacy_scorers", "spacy_displacy_colors", "medmtl_readers")
PACKAGE = "from pathlib import Path\nfrom spacy.util import load_model_from_path\n\n\ndef load(**settings):\n"
PACKAGE += "    return load_model_from_path(Path(__file__).parent / 'pipeline', **settings)\n"


@pytest.fixture(scope="module")
def place(make_nlp, tmp_path_factory) -> Path:
    """A folder with an importable ``en_medmtl``: all heads, with random weights, behind ``medmtl_sentences``."""
    folder = tmp_path_factory.mktemp("docs")
    nlp = make_nlp(*(case.factory for case in CASES))
    nlp.replace_pipe("sentencizer", "medmtl_sentences")
    nlp.rename_pipe("sentencizer", "medmtl_sentences")
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    (folder / "en_medmtl").mkdir()
    nlp.to_disk(folder / "en_medmtl" / "pipeline")
    (folder / "en_medmtl" / "__init__.py").write_text(PACKAGE)
    (folder / "en_medmtl-0.0.0.dist-info").mkdir()
    (folder / "en_medmtl-0.0.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: en-medmtl\nVersion: 0.0.0\n"
    )
    shutil.copytree(folder / "en_medmtl" / "pipeline", folder / "training" / "own" / "model-best")
    return folder


def annotated(nlp: spacy.Language) -> list[Doc]:
    docs = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES), texts=TEXTS)]
    for doc in docs:
        doc.set_ents([Span(doc, 1, 2, label="SIGN")], default="outside")
    return docs


@pytest.mark.parametrize(
    "page", [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf8"))], ids=lambda page: page.name
)
def test_python_blocks_run(page, place, monkeypatch):
    if page.name in ELSEWHERE:
        assert page.name in (ROOT / "tests" / "training" / "test_recipe_of_a_new_task.py").read_text(encoding="utf8")
        return
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "en_medmtl", raising=False)
    monkeypatch.chdir(place)
    nlp = spacy.load("en_medmtl")
    assert nlp.path.is_relative_to(place)
    docs = annotated(nlp)
    names = {"spacy": spacy, "nlp": nlp, "docs": docs, "doc": docs[0]}  # what a page takes for granted
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf8")), 1):
        exec(compile(block, f"{page.name}, Python block {number}", "exec"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, place, monkeypatch):
    """Their code, cell by cell. They are committed without results."""
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "en_medmtl", raising=False)
    cells = [cell for cell in srsly.read_json(path)["cells"] if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    for number, cell in enumerate(cells, 1):
        assert cell["outputs"] == []
        exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)


def test_the_config_to_assemble_makes_the_same_heads(place, monkeypatch):
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "en_medmtl", raising=False)
    monkeypatch.chdir(place)
    (block,) = re.findall(r"^```ini\n(.*?)^```$", (ROOT / "docs" / "commands.md").read_text("utf8"), re.M | re.DOTALL)
    Path("assemble.cfg").write_text(block, encoding="utf8")
    result = CliRunner().invoke(spacy_app, ["assemble", "assemble.cfg", "my_pipeline"])
    assert result.exit_code == 0, result.output
    doc, same = (nlp("No fever today.") for nlp in (spacy.load("my_pipeline"), spacy.load("en_medmtl")))
    assert [one.label_ for one in doc.spans["ruler"]] == ["SIGN"]
    for group in ("medmtl_ner", "medmtl_findings"):
        assert doc.spans[group].attrs == same.spans[group].attrs


def test_blocks_of_configs_have_the_sections_that_theirs_lie_in():
    """Pasted into a config of ours: spaCy refuses a section whose parent is nowhere."""
    sections = re.compile(r"^\[([\w.]+)\]", re.MULTILINE)
    configs = [*(ROOT / "configs").glob("*.cfg"), *(ROOT / "configs" / "lab").glob("*.cfg")]
    there = {name for config in configs for name in sections.findall(config.read_text(encoding="utf8"))}
    for page in PAGES:
        for block in re.findall(r"^```ini\n(.*?)^```$", page.read_text(encoding="utf8"), re.MULTILINE | re.DOTALL):
            found = [name for name in sections.findall(block) if name != "options.entry_points"]
            parents = {name.rpartition(".")[0] for name in found} - {""}
            assert parents <= there | set(found), page.name


def trainings() -> list[str]:
    """What follows ``spacy train`` in a page, of configs that are there before the page's own steps."""
    text = "".join(page.read_text(encoding="utf8") for page in PAGES).replace("\\\n", " ")
    found = re.findall(r"^(?:\S*python -m )?spacy train (configs/\S+\.cfg .+)$", text, re.MULTILINE)
    return sorted(set(found))


@pytest.mark.parametrize("line", trainings())
def test_trainings_have_the_components_and_settings_shown(line):
    config, *settings = shlex.split(line, comments=True)
    shown = [(name[2:], value) for name, value in zip(settings, settings[1:]) if re.match(r"--\w+\.", name)]
    changed = {name: srsly.json_loads(value) if value[0] in "[{" else value for name, value in shown}
    loaded = spacy.util.load_config(ROOT / config, overrides=changed)
    assert set(loaded["nlp"]["pipeline"]) <= set(loaded["components"])


COMMAND = re.compile(r"^(?:\.venv/bin/)?medmtl ((?:[^\\\n#]|\\\n)+)", re.MULTILINE)


def commands() -> list[str]:
    found = []
    for page in PAGES:
        for block in re.findall(r"^```bash\n(.*?)^```$", page.read_text(encoding="utf8"), re.MULTILINE | re.DOTALL):
            found += [" ".join(match.replace("\\\n", " ").split()) for match in COMMAND.findall(block)]
    return sorted(set(found))


@pytest.mark.parametrize("line", commands())
def test_commands_exist_with_the_options_shown(line):
    words = line.split()
    name = words[: 2 if words[0] == "lab" else 1]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*name, "--help"])
    assert result.exit_code == 0, line
    for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*(?=\s|=|$)", f" {line}"):
        assert re.search(rf"(?<!\S){option}(?!\S)", result.output), f"{option} of: medmtl {line}"


def test_the_reference_has_every_registered_name():
    reference = re.findall(r"^::: (\S+)$", (ROOT / "docs" / "api.md").read_text(encoding="utf8"), re.MULTILINE)
    for entry in reference:
        module, _, name = entry.rpartition(".")
        assert getattr(import_module(module), name).__doc__, entry
    setup = ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf8")
    groups = setup["options.entry_points"]
    registered = re.findall(r"= ([\w.]+:\w+)", "".join(groups[group] for group in groups if group not in NO_REFERENCE))
    assert {place.replace(":", ".") for place in registered} <= set(reference)


def test_every_page_is_in_the_navigation():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf8")
    listed = set(re.findall(r": ([a-z_/]+\.md)$", nav, re.MULTILINE))
    assert listed == {page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.name != "README.md"}
    assert srsly.yaml_loads(nav)["strict"] is True
