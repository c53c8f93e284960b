"""A training that is killed while it saves: what it saved before is whole."""

import os
import signal
import time
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.training.pipeline_saving import save_pipeline

KILLS = 12


def save_for_ever(nlp: Language, folder: Path) -> None:
    """As [training.before_to_disk] does; weights and meta of one save hold the same number."""
    weights = next(torch_shim(nlp.get_pipe("encoder").model).module.parameters())
    for number in range(1, 10**6):
        with torch.no_grad():
            weights.fill_(number)
        save_pipeline({"notes": str(number)})(nlp).to_disk(folder)


def start_saving(nlp: Language, folder: Path) -> int:
    """In a process of its own, whose number is returned: a fork, so that nothing is imported again."""
    process = os.fork()
    if process == 0:
        try:
            save_for_ever(nlp, folder)
        finally:
            os._exit(1)
    return process


def saved_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def numbers_of(nlp: Language) -> tuple[float, float]:
    weight = next(torch_shim(nlp.get_pipe("encoder").model).module.parameters())
    return float(nlp.meta["notes"]), float(weight.detach().mean())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks beside threads, from Python 3.12 on
def test_the_last_saved_pipeline_loads(saved: Path, tmp_path: Path):
    nlp, last = spacy.load(saved), tmp_path / "model-last"
    for kill in range(KILLS):
        before = saved_at(last / "meta.json")
        process = start_saving(nlp, last)
        deadline = time.monotonic() + 120
        while saved_at(last / "meta.json") in (0, before) and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(0.011 * kill)  # somewhere in the next save
        os.kill(process, signal.SIGKILL)
        assert os.waitpid(process, 0)[1] == signal.SIGKILL
        found = last if last.exists() else last.with_name("model-last.medmtl-old")  # between two renames
        noted, weight = numbers_of(spacy.load(found))
        assert noted == weight > 0
