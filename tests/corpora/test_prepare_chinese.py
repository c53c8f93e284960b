"""The sets of the progressive learning paper, made of invented dialogues and queries."""

import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS
from spacy_medmtl.annotations.pairs import SEPARATOR
from spacy_medmtl.corpora.prepare import prepare, prepare_jobs

N = 200
ALONE = "pairs without another dialogue to take a substitute from"
PARTS = ("train", "dev", "test")
GROUPS = {
    "progressive": {"kuake_qic": INTENTS, "chip_sts": RELATIONS, "cmeee": ENTITIES, "chip_mdcfnpc": FINDINGS},
    "imcs21": {"imcs21_da": INTENTS, "imcs21_qa": RELATIONS, "imcs21_ner": ENTITIES, "imcs21_status": FINDINGS},
}


@pytest.fixture
def corpora(tmp_path):
    folder = tmp_path / "corpora"
    entity = {"start_idx": 1, "end_idx": 2, "type": "sym", "entity": "红斑"}
    finding = {"mention": "红斑", "range": [1, 3], "type": "clinical_findings", "attr": "阴性"}
    numbers = range(N)
    lists = {
        "kuake_qic": [{"id": "1", "query": f"问{n}", "label": "其他"} for n in numbers],
        "chip_sts": [{"text1": f"问{n}", "text2": f"答{n}", "label": "1"} for n in numbers],
        "cmeee_v2": [{"text": f"有红斑{n}", "entities": [entity]} for n in numbers],
    }
    lines = {
        "chip_mdcfnpc/train.jsonl": [
            {"dialog_info": [{"text": f"没红斑{n}", "sender": "患者", "ner": [finding]}]} for n in numbers
        ],
        "imcs21/aligned_dev.jsonl": [
            {
                "id": str(n),
                "turns": [
                    {
                        "speaker": speaker,
                        "text": f"{text}红斑{n}",
                        "act": act,
                        "ner": [[1, 3, "Symptom"]],
                        "symptoms": status,
                    }
                    for speaker, text, act, status in (
                        ("医生", "有", "Request-Symptom", []),
                        ("患者", "没", "Inform-Symptom", [[1, 3, "x", "2"]]),
                    )
                ],
            }
            for n in numbers
        ],
    }
    for name, rows in lists.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "train.json").write_text(json.dumps(rows))
    for name, rows in lines.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def texts(docs):
    """The texts of Docs, those of their segments and utterances apart."""
    pieces = (piece for doc in docs for piece in doc.text.replace(SEPARATOR, "\n").split("\n"))
    return {piece.strip() for piece in pieces}


@pytest.mark.parametrize("name", GROUPS)
def test_sets(corpora, tmp_path, name):
    out = tmp_path / "out"
    audits = prepare(prepare_jobs(name, corpora, out, lang="en", seed=0))
    vocab = spacy.blank("zh").vocab
    read = {
        (stem, part): list(DocBin().from_disk(out / part / f"{stem}.spacy").get_docs(vocab))
        for stem in GROUPS[name]
        for part in PARTS
    }
    for (stem, _), docs in read.items():
        assert docs
        assert all(GROUPS[name][stem] in doc.spans for doc in docs)
        assert all(token.text == "红" for doc in docs for token in doc if "红" in token.text)  # a token a character
    for stem in GROUPS[name]:
        sizes = [len(read[stem, part]) for part in PARTS]
        alone = audits[str(out / "train" / f"{stem}.spacy")].notes[ALONE]
        assert sum(sizes) == (2 * N - alone if stem == "imcs21_qa" else N)
        assert sizes[0] > sizes[2] > sizes[1]
    seen = {part: texts(doc for stem in GROUPS[name] for doc in read[stem, part]) for part in PARTS}
    if name == "imcs21":  # the same dialogues for all tasks, so no text of a part in another
        assert not seen["train"] & (seen["dev"] | seen["test"])
        assert not seen["dev"] & seen["test"]
    assert not any(audit.changes for audit in audits.values())
