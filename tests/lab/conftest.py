"""Base configs of the lab on the tiny encoder, with invented data."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
import spacy
from eight_tasks import EIGHT, eight_tasks_doc
from spacy.tokens import DocBin
from spacy.util import load_config
from thinc.api import Config
from toy import CASES, TEXTS, make_examples

CONFIGS = Path(__file__).parents[2] / "configs" / "lab"
CORPORA = {"sentence_intent": "piboso", "pair_relation": "rqe", "sru_nested_ner": "bc5cdr", "cpncf_assertion": "negex"}


def small_config(name: str, data: Path, encoder: Path) -> Config:
    """A committed config of the lab, with a small window and small batches, on other corpora and a local encoder."""
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=False)
    config["paths"].update(data=str(data), encoder=str(encoder))
    config["components"]["encoder"]["model"].update(window=64, stride=48, layers=None)
    config["initialize"]["components"]["encoder"]["loader"]["@misc"] = "spacy-medmtl.local_encoder.v1"
    config["training"]["batcher"]["size"] = 40
    return config


@cache
def toy_corpora() -> dict[str, bytes]:
    """By corpus, a DocBin of toy Docs with gold for one task. Made once: each test writes them."""
    nlp = spacy.blank("en")
    docs = {CORPORA[case.factory]: [one.reference for one in make_examples(nlp, case.annotate)] for case in CASES}
    return {name: DocBin(docs=of_corpus).to_bytes() for name, of_corpus in docs.items()}


@cache
def toy_corpora_of_eight_tasks() -> dict[str, bytes]:
    return {task: DocBin(docs=[eight_tasks_doc(task, text) for text in TEXTS]).to_bytes() for task in EIGHT}


def write_parts(folder: Path, corpora: Mapping[str, bytes]) -> None:
    """The same corpora as training, dev and test part."""
    for part in ("train", "dev", "test"):
        (folder / part).mkdir(parents=True)
        for name, content in corpora.items():
            (folder / part / f"{name}.spacy").write_bytes(content)


@pytest.fixture
def base_path(tiny_encoder: Path, tmp_path: Path) -> Path:
    """The committed English config, with a small window, on toy corpora: each is annotated for its own task only."""
    write_parts(tmp_path / "data", toy_corpora())
    config = small_config("public", tmp_path / "data", tiny_encoder)
    config["components"]["pair_relation"]["candidates"]["@misc"] = "spacy-medmtl.adjacent_pairs.v1"
    config["components"]["cpncf_assertion"]["mode"] = "find"
    config.to_disk(tmp_path / "base.cfg")
    return tmp_path / "base.cfg"


@pytest.fixture
def base(base_path: Path) -> Config:
    return load_config(base_path, interpolate=False)


@pytest.fixture
def clinical_path(tiny_encoder: Path, tmp_path: Path) -> Path:
    """The committed config of eight tasks, on toy corpora."""
    write_parts(tmp_path / "clinical", toy_corpora_of_eight_tasks())
    config = small_config("clinical8", tmp_path / "clinical", tiny_encoder)
    config.to_disk(tmp_path / "clinical.cfg")
    return tmp_path / "clinical.cfg"


@pytest.fixture
def clinical_base(clinical_path: Path) -> Config:
    return load_config(clinical_path, interpolate=False)
