"""What the package registers: the pinned list of names, cheap imports, default configs, versions and requirements."""

import ast
import json
import re
import subprocess
import sys
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path

import pytest
import spacy
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from spacy.language import Language
from toy import CASES

import spacy_medmtl

ROOT = Path(spacy_medmtl.__file__).parent
PROJECT = ROOT.parent
HEADS = [case.factory for case in CASES]
NAMES = {
    "console_scripts": {"medmtl"},
    "spacy_factories": {"medmtl_progressive_tok2vec", "medmtl_masked_lm", "medmtl_sentences", *HEADS},
    "spacy_architectures": {
        "spacy-medmtl.ProgressiveTransformer.v1",
        "spacy-medmtl.Int8Transformer.v1",
        "spacy-medmtl.RouteListener.v1",
        "spacy-medmtl.PrivateEncoder.v1",
        "spacy-medmtl.SentenceIntent.v1",
        "spacy-medmtl.PairRelation.v1",
        "spacy-medmtl.SruNestedNer.v1",
        "spacy-medmtl.CpncfAssertion.v1",
        "spacy-medmtl.MaskedLm.v1",
    },
    "spacy_scorers": {f"spacy-medmtl.{head}_scorer.v1" for head in HEADS},
    "spacy_readers": {"spacy-medmtl.MultitaskCorpus.v1"},
    "spacy_augmenters": {"spacy-medmtl.StatusAugmenter.v1"},
    "spacy_displacy_colors": {"spacy-medmtl.colours.v1"},
    "spacy_batchers": {"spacy-medmtl.task_batcher.v1"},
    "spacy_loggers": {"spacy-medmtl.ConsoleLogger.v1"},
    "spacy_callbacks": {
        "spacy-medmtl.balance_tasks.v1",
        "spacy-medmtl.check_refined.v1",
        "spacy-medmtl.save_pipeline.v1",
    },
    "thinc_optimizers": {"spacy-medmtl.TorchOptimizer.v1"},
    "spacy_misc": {
        "spacy-medmtl.progressive_rule.v1",
        "spacy-medmtl.shared_rule.v1",
        "spacy-medmtl.mmoe_rule.v1",
        "spacy-medmtl.skills_rule.v1",
        "spacy-medmtl.separate_rule.v1",
        "spacy-medmtl.n_ffn_rule.v1",
        "spacy-medmtl.local_encoder.v1",
        "spacy-medmtl.hub_encoder.v1",
        "spacy-medmtl.minilm_encoder.v1",
        "spacy-medmtl.segment_pairs.v1",
        "spacy-medmtl.adjacent_pairs.v1",
        "spacy-medmtl.entity_pairs.v1",
        "spacy-medmtl.round_robin.v1",
        "spacy-medmtl.loss_sum.v1",
        "spacy-medmtl.proportional.v1",
        "spacy-medmtl.temperature.v1",
    },
}
TORCH_SIDE = {
    "spacy_medmtl.cpncf_assertion.thinc_layer",
    "spacy_medmtl.encoder.bridge",
    "spacy_medmtl.encoder.dropout",
    "spacy_medmtl.encoder.encoding",
    "spacy_medmtl.encoder.export",
    "spacy_medmtl.encoder.feed_forward",
    "spacy_medmtl.encoder.layers",
    "spacy_medmtl.encoder.model",
    "spacy_medmtl.encoder.module",
    "spacy_medmtl.encoder.packing",
    "spacy_medmtl.encoder.pooling",
    "spacy_medmtl.encoder.precision",
    "spacy_medmtl.encoder.recomputing",
    "spacy_medmtl.encoder.pretrained",
    "spacy_medmtl.encoder.routed",
    "spacy_medmtl.encoder.sharing.cluster",
    "spacy_medmtl.encoder.sharing.mmoe_cluster",
    "spacy_medmtl.encoder.sharing.progressive_cluster",
    "spacy_medmtl.encoder.sharing.shared_cluster",
    "spacy_medmtl.encoder.tokenizer_files",
    "spacy_medmtl.encoder.views.document",
    "spacy_medmtl.encoder.views.layout",
    "spacy_medmtl.encoder.views.marks",
    "spacy_medmtl.encoder.views.pairs",
    "spacy_medmtl.encoder.views.units",
    "spacy_medmtl.encoder.views.viewer",
    "spacy_medmtl.encoder.views.wordpieces",
    "spacy_medmtl.heads.row_classifier",
    "spacy_medmtl.heads.rows",
    "spacy_medmtl.lab.gradients",
    "spacy_medmtl.masked_lm.loss",
    "spacy_medmtl.masked_lm.masking",
    "spacy_medmtl.masked_lm.output_layer",
    "spacy_medmtl.optimizing.copies",
    "spacy_medmtl.optimizing.int8",
    "spacy_medmtl.pair_relation.pair_classifier",
    "spacy_medmtl.sru_nested_ner.gold_steps",
    "spacy_medmtl.sru_nested_ner.low_rank_steps",
    "spacy_medmtl.sru_nested_ner.memory",
    "spacy_medmtl.sru_nested_ner.recurrent",
    "spacy_medmtl.sru_nested_ner.span_scores",
    "spacy_medmtl.sru_nested_ner.thinc_layer",
    "spacy_medmtl.sru_nested_ner.unit_weights",
    "spacy_medmtl.training.pcgrad",
    "spacy_medmtl.training.torch_optimizer",
}
BLOCKED = ["torch", "transformers", "tokenizers", "safetensors"]
LOAD_ENTRY_POINTS = """
from spacy_medmtl.corpora.reader import Reader
for entry_point in metadata.distribution("spacy-medmtl").entry_points:
    kind = Reader if entry_point.group == "medmtl_readers" else object
    assert isinstance(entry_point.load(), kind) and (kind is Reader or callable(entry_point.load())), entry_point
"""
IMPORT_MODULES = """
failed = []
for module in pkgutil.walk_packages(spacy_medmtl.__path__, "spacy_medmtl."):
    try:
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    except ImportError as error:
        assert error.name in BLOCKED, error
        failed.append(module.name)
print(json.dumps(failed))
"""


def run_without_torch(script: str) -> str:
    """Run Python in a new process in which torch and its friends cannot be imported."""
    head = f"""
import importlib, json, pkgutil, sys
from importlib import metadata
BLOCKED = {BLOCKED!r}
sys.modules.update(dict.fromkeys(BLOCKED))
import spacy_medmtl
"""
    done = subprocess.run([sys.executable, "-c", head + script], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def setup_cfg() -> ConfigParser:
    parser = ConfigParser(delimiters=["="], interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(PROJECT / "setup.cfg", encoding="utf8")
    return parser


def entries(text: str):
    return {name.strip(): target.strip() for name, target in (line.split("=", 1) for line in text.strip().splitlines())}


def test_the_list_of_registered_names_is_pinned(setup_cfg):
    """In setup.cfg and in the installed metadata: a name may be added, but none goes away or changes unnoticed."""
    groups = {group: entries(text) for group, text in setup_cfg["options.entry_points"].items()}
    assert set(groups) == {*NAMES, "medmtl_readers"}  # of the latter, the catalogue is the list
    assert all(set(groups[group]) >= names for group, names in NAMES.items())
    installed = {(e.group, e.name, e.value) for e in metadata.distribution("spacy-medmtl").entry_points}
    assert installed == {(group, name, target) for group, names in groups.items() for name, target in names.items()}


def test_names_follow_one_pattern():
    for group, names in NAMES.items():
        pattern = (
            r"[a-z0-9_]+" if group in ("console_scripts", "spacy_factories") else r"spacy-medmtl\.[A-Za-z_0-9]+\.v\d"
        )
        assert all(re.fullmatch(pattern, name) for name in names)


@pytest.mark.parametrize(("group", "name"), [(g, n) for g, names in NAMES.items() for n in sorted(names)])
def test_every_name_resolves_through_spacy(group, name):
    if group == "console_scripts":
        assert callable(next(iter(metadata.entry_points(group=group, name=name))).load())
    elif group == "spacy_factories":
        assert Language.has_factory(name) or spacy.blank("en").has_factory(name)
    else:
        found = spacy.registry.get(group.removeprefix("spacy_").removeprefix("thinc_"), name)
        assert callable(found)
        if group != "spacy_misc":
            assert name in (found.__doc__ or ""), "the docstring says under which name it is registered"


def test_entry_points_import_neither_torch_nor_transformers():
    run_without_torch(LOAD_ENTRY_POINTS)


def test_the_modules_that_need_torch_are_pinned():
    """Everything else can be imported on a machine without it."""
    assert set(json.loads(run_without_torch(IMPORT_MODULES))) == TORCH_SIDE


def test_default_configs_need_no_torch_to_be_read_and_are_complete():
    """Every argument of a factory but nlp and name has its default, in the factory's own default_config."""
    script = """
import inspect
from spacy.language import Language
for entry_point in metadata.distribution("spacy-medmtl").entry_points:
    if entry_point.group == "spacy_factories":
        arguments = set(inspect.signature(entry_point.load()).parameters) - {"nlp", "name"}
        meta = Language.get_factory_meta(entry_point.name)
        assert arguments == set(meta.default_config), entry_point
"""
    run_without_torch(script)


@pytest.mark.parametrize("factory", sorted(NAMES["spacy_factories"]))
def test_default_config_can_be_built_and_survives_the_config_file(factory):
    nlp = spacy.blank("en")
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": {"routes": HEADS}})
    if factory in HEADS:
        nlp.add_pipe(factory)
        assert nlp.get_pipe("encoder").listening_components == [factory]
    text = nlp.config.to_str()
    again = spacy.util.load_model_from_config(spacy.util.load_config_from_str(text), auto_fill=False, validate=True)
    assert again.pipe_names == nlp.pipe_names
    assert again.config.to_str() == text


def test_score_weights_of_all_heads_share_alike():
    nlp = spacy.blank("en")
    for head in HEADS:
        nlp.add_pipe(head)
    weights = {name: weight for name, weight in nlp.config["training"]["score_weights"].items() if weight}
    assert weights == {f"{head}_f": pytest.approx(1 / len(HEADS), abs=0.01) for head in HEADS}


def test_versions_are_consistent(setup_cfg):
    assert metadata.version("spacy-medmtl") == spacy_medmtl.__version__
    python = SpecifierSet(setup_cfg["options"]["python_requires"])
    named = re.findall(r"Python :: (3\.\d+)", setup_cfg["metadata"]["classifiers"])
    assert named == [f"3.{minor}" for minor in range(30) if f"3.{minor}" in python]
    settings = (PROJECT / "pyproject.toml").read_text(encoding="utf8")
    assert f'python_version = "{named[0]}"' in settings
    assert f'target-version = "py{named[0].replace(".", "")}"' in settings


def requirements(text: str):
    return [Requirement(line) for line in text.strip().splitlines() if line.strip()]


def test_requirements_hold_here_and_nothing_else_is_imported(setup_cfg):
    """The one list of requirements is setup.cfg's: constraints fit it, and every import is declared or spaCy's own."""
    declared = requirements(setup_cfg["options"]["install_requires"])
    for requirement in declared:
        assert requirement.specifier.contains(metadata.version(requirement.name)), requirement
    assert not list(PROJECT.glob("requirements*.txt"))
    constraints = {}
    if (PROJECT / "constraints.txt").exists():
        lines = (PROJECT / "constraints.txt").read_text(encoding="utf8").splitlines()
        found = [Requirement(line) for line in lines if line.strip() and not line.startswith(("#", "-"))]
        constraints = {requirement.name.lower(): requirement.specifier for requirement in found}
    for requirement in declared:
        for pin in constraints.get(requirement.name.lower(), []):
            assert requirement.specifier.contains(pin.version), f"{requirement} against {pin}"
    spacys = [Requirement(line) for line in metadata.requires("spacy") or []]
    extras = setup_cfg["options.extras_require"]  # imported where what needs them is used
    optional = [
        r
        for name in ("corpora", "lab", "ray", "serve", "tables")
        for r in requirements(extras[name].replace("%(tables)s", ""))
    ]
    allowed = {r.name.lower() for r in [*declared, *optional, *spacys] if r.marker is None or r.marker.evaluate()}
    # Jupyter's own, looked for where it runs; and what jinja2 is made of
    assert imported_packages() - {"spacy_medmtl", "IPython", "markupsafe"} <= {
        name.replace("-", "_") for name in allowed
    }


def test_the_lowest_versions_are_those_that_are_tested(setup_cfg):
    """constraints-lowest.txt, which 'make test-versions' installs, pins the floor of every requirement."""
    lines = (PROJECT / "constraints-lowest.txt").read_text(encoding="utf8").splitlines()
    lowest = {r.name: str(r.specifier) for r in map(Requirement, (line for line in lines if not line.startswith("#")))}
    declared = requirements(setup_cfg["options"]["install_requires"])
    assert set(lowest) == {requirement.name for requirement in declared}
    for requirement in declared:
        floor = next(one.version for one in requirement.specifier if one.operator == ">=")
        assert Version(lowest[requirement.name].removeprefix("==")) == Version(floor), requirement


def imported_packages():
    """Top-level names of everything outside the standard library that a file of the package imports, anywhere in it."""
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found.update(name.split(".")[0] for name in names)
    return found - set(sys.stdlib_module_names)
