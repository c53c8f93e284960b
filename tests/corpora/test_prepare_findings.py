"""The set ``findings``: three corpora, one of them in another language, split by text. All texts are invented."""

import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_medmtl.annotations.groups import FINDINGS, TURNS
from spacy_medmtl.corpora.prepare import prepare, prepare_jobs

N = 60
PARTS = ("train", "dev", "test")
NAMES = {"negex": "en", "e3c": "en", "chip_mdcfnpc": "zh"}


@pytest.fixture
def corpora(tmp_path):
    folder = tmp_path / "corpora"
    for name in ("negex", "e3c/English", "chip_mdcfnpc"):
        (folder / name).mkdir(parents=True)
    rows = [f"{n}\tgout\tNo GOUT {n % N}.\tNegated\tRecent\tPatient\n" for n in range(2 * N)]
    (folder / "negex/train.tsv").write_text("".join(rows))
    for n in range(N):
        event = (
            '<c:EVENT begin="3" end="7" polarity="NEG" contextualModality="ACTUAL"/><c:CLINENTITY begin="3" end="7"/>'
        )
        text = f'<x xmlns:c="c">{event}<c:Sofa sofaString="No gout {n}."/></x>'
        (folder / f"e3c/English/EN{n}.xml").write_text(text)
    entity = {"mention": "红斑", "range": [1, 3], "type": "clinical_findings", "attr": "阴性"}
    texts = [{"dialog_info": [{"text": f"没红斑{n % N}", "sender": "患者", "ner": [entity]}]} for n in range(N + 1)]
    (folder / "chip_mdcfnpc/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    return folder


def read(path, lang):
    return list(DocBin().from_disk(path).get_docs(spacy.blank(lang).vocab))


def test_findings(corpora, tmp_path):
    out = tmp_path / "out"
    audits = prepare(prepare_jobs("findings", corpora, out, lang="en", seed=0))
    for part in PARTS:
        assert {path.stem for path in (out / part).glob("*.spacy")} == set(NAMES)
    for name, lang in NAMES.items():
        texts = [[doc.text for doc in read(out / part / f"{name}.spacy", lang)] for part in PARTS]
        train, dev, test = map(set, texts)
        assert len(train) + len(dev) + len(test) == N
        assert len(train) > len(test) > 0 < len(dev)
        assert sum(map(len, texts)) == {"negex": 2 * N, "e3c": N, "chip_mdcfnpc": N + 1}[name]
    assert not any(audit.changes for audit in audits.values())


def test_findings_are_read_back_with_their_values(corpora, tmp_path):
    prepare(prepare_jobs("findings", corpora, tmp_path, lang="en", seed=0))
    for name, lang in NAMES.items():
        for doc in read(tmp_path / "train" / f"{name}.spacy", lang):
            (span,) = doc.spans[FINDINGS]
            assert span.text == ("红斑" if lang == "zh" else "gout")
            attrs = doc.spans[FINDINGS].attrs
            assert attrs["assertion"] == ["negative"]
            assert attrs.get("given_spans_only", False) is (name != "chip_mdcfnpc")
            assert (TURNS in doc.spans) is (name == "chip_mdcfnpc")
