"""The set ``clinical8``: a corpus for each component of ``configs/lab/clinical8.cfg``, its gold where that reads it."""

from pathlib import Path

from spacy.tokens import DocBin
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_medmtl.annotations.groups import ENTITIES, RELATIONS
from spacy_medmtl.corpora.prepare import prepare, prepare_jobs

CONFIG = Path(__file__).parents[2] / "configs" / "lab" / "clinical8.cfg"
KEYS = {"pair_relation": RELATIONS, "sru_nested_ner": ENTITIES}


def test_each_component_reads_the_group_that_its_corpus_is_written_with():
    config = load_config(CONFIG, interpolate=False)
    jobs = prepare_jobs("clinical8", Path("in"), Path("out"), lang="en", seed=0)
    written = {job.output.stem: job for job in jobs}
    assert set(written) == {*config["corpora"]["train"]["corpora"], "quaero"}
    assert {job.output for job in jobs} | {path for job in jobs for path in job.outputs()} == {
        Path("out") / part / f"{name}.spacy" for part in ("train", "dev", "test") for name in written
    }
    for name in config["corpora"]["train"]["corpora"]:
        component = config["components"][name]
        given = KEYS.get(component["factory"])
        assert written[name].groups == ({given: component["spans_key"]} if given else {})
    given = config["components"]["ddi2013"]["candidates"]["spans_key"]
    assert given == ENTITIES not in written["ddi2013"].groups, "drugs are given, under the key that they have"
    assert (written["quaero"].lang, written["rqe"].lang) == ("fr", "en")


def test_a_corpus_is_written_so(tmp_path):
    (tmp_path / "in" / "mqp").mkdir(parents=True)
    rows = "".join(f"1,Is it gout {n}?,Have I gout {n}?,{n % 2}\n" for n in range(60))
    (tmp_path / "in" / "mqp" / "train.csv").write_text(rows)
    jobs = prepare_jobs("clinical8", tmp_path / "in", tmp_path / "out", lang="en", seed=0)
    (audit,) = prepare([job for job in jobs if job.name == "mqp"]).values()
    assert sum(counts.documents for counts in audit.outputs.values()) == 60
    for part in ("train", "dev", "test"):
        for doc in DocBin().from_disk(tmp_path / "out" / part / "mqp.spacy").get_docs(Vocab()):
            assert list(doc.spans) == ["mqp"]
            assert len(doc.spans["mqp"]) == 2
