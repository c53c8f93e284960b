"""The benchmark of whole pipelines runs on a tiny encoder; its bare training loop does what ``nlp.update`` does."""

import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
import torch
from spacy.tokens import DocBin
from toy import CASES, make_examples

from spacy_medmtl.encoder.shims import torch_shim

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    docs = [one.reference for one in make_examples(spacy.blank("en"), *(case.annotate for case in CASES))]
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


@pytest.mark.slow
def test_it_measures_all_rows(gold: Path, tiny_encoder: Path, tmp_path: Path):
    command = [sys.executable, str(ROOT / "benchmarks" / "bench_pipeline.py"), "--quick"]
    for name, value in {"encoder": tiny_encoder, "gold": gold, "output": tmp_path / "out"}.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    found = srsly.read_json(tmp_path / "out" / "results.json")
    assert len(found["words/s"]) == 9
    assert min(found["words/s"].values()) > 0
    assert list(found["curves"]["words/s by number of heads"]) == [str(n) for n in range(1, 9)]
    assert list(found["curves"]["seconds by length"]) == ["10", "100"]
    assert set(found["training step, seconds"]) == {"ours", "bare loop", "spacy-transformers"}
    unmeasured = [what for what, _, value in found["reach"] if value == "not measured"]
    assert len(unmeasured) == 5  # bfloat16 (3), EDS-NLP, texts long enough for an exponent
    table = (tmp_path / "out" / "table.md").read_text(encoding="utf8")
    assert all(what in table for what, _, _ in found["reach"])
    assert (tmp_path / "out" / "curves.svg").read_bytes().startswith(b"<?xml")
    assert not (tmp_path / "out" / "texts.json").exists()


def without_dropout(modules: dict[str, torch.nn.Module]) -> None:
    for module in modules.values():
        for part in module.modules():
            for name in ("p", "dropout", "latent_dropout", "position_dropout"):
                if isinstance(getattr(part, name, None), float):
                    setattr(part, name, 0.0)


def test_the_bare_loop_does_the_same_work(gold: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch):
    """Equal losses and equal gradients of the encoder, so that what is compared is overhead alone."""
    import training_steps
    from pipelines import HEADS, our_examples, ours

    monkeypatch.setattr(training_steps, "DROPOUT", 0.0)
    nlp = ours(tiny_encoder, gold, shared=False)
    modules = {name: torch_shim(nlp.get_pipe(name).model).module for name in ("encoder", *HEADS)}
    without_dropout(modules)
    examples = our_examples(nlp, gold)[:4]
    found: dict[str, float] = {}
    nlp.update(examples, losses=found, drop=0.0, sgd=False)  # no step
    torch_shim(nlp.get_pipe("encoder").model).settle()
    parameters = dict(modules["encoder"].named_parameters())
    gradients = {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}
    for module in modules.values():
        module.zero_grad(set_to_none=True)
    batch = training_steps.prepare(nlp, examples)
    bare = training_steps.losses(modules, batch, HEADS)
    assert [found[name] for name in HEADS] == pytest.approx([one.item() for one in bare], rel=1e-4)
    torch.stack(bare).sum().backward()
    assert set(gradients) == {name for name, p in parameters.items() if p.grad is not None}
    for name, gradient in gradients.items():
        torch.testing.assert_close(parameters[name].grad, gradient, rtol=1e-3, atol=1e-5)


def test_an_exponent_is_that_of_cost_in_length():
    from costs import exponent

    assert exponent({"10": 5.0, "1000": 2.0, "10000": 20.0, "100000": 200.0}) == pytest.approx(1.0)
    assert exponent({"1000": 1.0, "10000": 100.0}) == pytest.approx(2.0)
    assert exponent({"10": 1.0, "1000": 1.0}) is None
