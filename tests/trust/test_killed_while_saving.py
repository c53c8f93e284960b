"""A training that is killed while it saves: what it saved before is whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_medmtl.encoder.shims import torch_shim

# As [training.before_to_disk] saves; weights and meta of one save hold the same number.
SAVES_FOR_EVER = """
import sys, spacy, torch
from pathlib import Path
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.training.pipeline_saving import save_pipeline
nlp = spacy.load(sys.argv[1])
module = torch_shim(nlp.get_pipe("encoder").model).module
for number in range(1, 10**6):
    with torch.no_grad():
        next(module.parameters()).fill_(number)
    save_pipeline({"notes": str(number)})(nlp).to_disk(Path(sys.argv[2]))
"""


def numbers_of(nlp: Language) -> tuple[float, float]:
    weight = next(torch_shim(nlp.get_pipe("encoder").model).module.parameters())
    return float(nlp.meta["notes"]), float(weight.detach().mean())


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_the_last_saved_pipeline_loads(saved: Path, tmp_path: Path):
    last = tmp_path / "model-last"
    for kill in range(5):
        process = subprocess.Popen([sys.executable, "-c", SAVES_FOR_EVER, str(saved), str(last)])
        written = last / "meta.json"
        before = written.stat().st_mtime_ns if written.exists() else 0
        deadline = time.monotonic() + 120
        while not (written.exists() and written.stat().st_mtime_ns != before) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.037 * kill)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = last if last.exists() else last.with_name("model-last.medmtl-old")  # between two renames
        noted, weight = numbers_of(spacy.load(found))
        assert noted == weight > 0
